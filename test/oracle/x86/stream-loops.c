// Loops of one block that walk through memory: across pages, into pages that cannot be accessed, copy-on-write, with every kind of step.
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 40 };
static uint8_t *m;
static uint64_t hash(const void *p, size_t n) {
  const uint8_t *b = p;
  uint64_t h = 14695981039346656037u;
  for (size_t i = 0; i < n; i++) h = (h ^ b[i]) * 1099511628211u;
  return h;
}
static void fill(void) {
  for (int i = 0; i < PAGES * PAGE; i++) m[i] = i * 7 + (i >> 8) + (i >> 13);
}

static volatile long rdi, rcx, rax;
static sigjmp_buf out;
static volatile int signo;
static volatile uintptr_t where;
static int fix;
static void on(int s, siginfo_t *i, void *c) {
  ucontext_t *u = c;
  signo = s;
  where = (uintptr_t)i->si_addr;
  rdi = u->uc_mcontext.gregs[REG_RDI];
  rcx = u->uc_mcontext.gregs[REG_RCX];
  rax = u->uc_mcontext.gregs[REG_RAX];
  if (fix) {
    mprotect((void *)(where & -PAGE), PAGE, PROT_READ | PROT_WRITE);
    fix--;
    return;
  }
  siglongjmp(out, 1);
}
#define LOOP(name, body) \
  static long name(void *p, void *q, long n, long step) { \
    register long s asm("r8") = step; \
    long a = 0; \
    asm volatile(body : "+D"(p), "+S"(q), "+c"(n), "+a"(a), "+r"(s) : : "xmm0", "xmm1", "rdx", "memory", "cc"); \
    return a; \
  }
LOOP(sum_up, "1: add (%%rdi), %%rax; add $8, %%rdi; dec %%rcx; jnz 1b")
LOOP(sum_down, "1: add (%%rdi), %%rax; sub $24, %%rdi; dec %%rcx; jnz 1b")
LOOP(sum_odd, "1: add -3(%%rdi), %%rax; add 5(%%rdi), %%rax; add $13, %%rdi; sub $1, %%rcx; jnz 1b")
LOOP(by_step, "1: movb $1, (%%rdi); add %%r8, %%rdi; dec %%rcx; jnz 1b")
LOOP(index_two, "xor %%edx, %%edx; 1: mov (%%rsi,%%rdx,4), %%eax; add %%eax, (%%rdi,%%rdx,8); inc %%rdx; cmp %%rcx, %%rdx; jl 1b")
LOOP(copy_aligned, "1: movdqa (%%rsi), %%xmm0; paddb 16(%%rsi), %%xmm0; movdqa %%xmm0, (%%rdi); add $16, %%rsi; add $16, %%rdi; dec %%rcx; jnz 1b")
LOOP(in_place, "1: xorb $0x5a, (%%rdi); rolw $3, 1(%%rdi); inc %%rdi; dec %%rcx; jne 1b")
LOOP(length, "1: inc %%rdi; inc %%rax; cmpb $0, -1(%%rdi); jne 1b")
LOOP(maybe, "1: mov (%%rdi), %%edx; test $1, %%dl; cmovnz 4(%%rdi), %%edx; add %%rdx, %%rax; lea 8(%%rdi), %%rdi; dec %%rcx; jnz 1b")
LOOP(doubles, "1: movapd (%%rsi), %%xmm0; mulpd %%xmm0, %%xmm0; addpd (%%rdi), %%xmm0; movapd %%xmm0, (%%rdi); add $16, %%rsi; add $16, %%rdi; dec %%rcx; jnz 1b")
LOOP(stays, "1: add $3, (%%rdi); mov 64(%%rdi), %%edx; add %%rdx, %%rax; dec %%rcx; jnz 1b")
LOOP(same, "1: mov (%%rdi), %%dl; cmp (%%rsi), %%dl; jne 2f; inc %%rdi; inc %%rsi; inc %%rax; dec %%rcx; jnz 1b; 2: mov %%rdi, %%rsi")
LOOP(three_ways, "1: mov (%%rdi), %%edx; test %%edx, %%edx; jz 2f; add %%rdx, %%rax; add $4, %%rdi; cmp $0x7f7f, %%dx; je 3f; movw $5, 2(%%rsi); jmp 4f; nop; 4: add $2, %%rsi; dec %%rcx; jnz 1b; 2: add $1000, %%rax; 3: add $7, %%rax")
LOOP(nested, "5: mov $50, %%edx; 1: add (%%rdi), %%rax; jc 2f; add $8, %%rdi; cmpb $0x33, -8(%%rdi); je 2f; dec %%rdx; jnz 1b; 2: sub $80, %%rdi; mov %%rax, (%%rdi); add $200, %%rdi; dec %%rcx; jnz 5b")

static void report(const char *what, long a) { printf("%-28s %lx %lx\n", what, a, hash(m, PAGES * PAGE)); }
static void faulting(const char *what, long (*f)(void *, void *, long, long), void *p, void *q, long n, long step) {
  signo = 0;
  long a = 0;
  if (!sigsetjmp(out, 1)) a = f(p, q, n, step);
  printf("%-28s signal %d at %lx: rdi %lx rcx %lx rax %lx, result %lx, memory %lx\n", what, signo, signo == SIGSEGV && where ? where - (uintptr_t)m : 0, rdi - (long)m, rcx, rax, a,
         hash(m, 8 * PAGE));
}

int main(void) {
  m = mmap(0, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct sigaction sa = {.sa_sigaction = on, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigaction(SIGSEGV, &sa, 0);
  fill();
  for (int round = 0; round < 60; round++) {
    long a = sum_up(m, 0, PAGES * PAGE / 8, 0);
    a ^= sum_down(m + PAGES * PAGE - 8, 0, PAGES * PAGE / 24, 0);
    a ^= sum_odd(m + 3, 0, PAGES * PAGE / 13 - 2, 0);
    long steps[] = {1, 2, 7, 64, 100, 511, 1000, 1024, 3000, 4096, 5000, 20000};
    by_step(m + round, 0, (PAGES - 1) * PAGE / steps[round % 12], steps[round % 12]);
    by_step(m + PAGES * PAGE - 1 - round, 0, (PAGES - 1) * PAGE / steps[round % 12], -steps[round % 12]);
    index_two(m + 11, m + 20 * PAGE + 1, 9 * PAGE / 8, 0);
    copy_aligned(m + 16, m + 32, (PAGES - 1) * PAGE / 16 - 4, 0);
    in_place(m + 9, 0, 10 * PAGE, 0);
    m[PAGES * PAGE - 5] = 0;
    a ^= length(m + round, 0, 0, 0);
    a ^= maybe(m + 4, 0, PAGES * PAGE / 8 - 2, 0);
    a ^= stays(m + PAGE - 30, 0, 5000, 0);
    memcpy(m + 10 * PAGE, m, 9 * PAGE);
    m[10 * PAGE + round * 600] ^= 1;
    a ^= same(m + 1, m + 10 * PAGE + 1, 9 * PAGE - 1, 0);
    a ^= same(m + 10 * PAGE, m + 10, 9 * PAGE, 0);
    a ^= three_ways(m + round, m + 20 * PAGE + round, 8 * PAGE, 0) << 1;
    a ^= nested(m + 200, 0, 700, 0);
    if (round % 12 == 11) report("walks", a);
  }
  double *d = (double *)m;
  for (int i = 0; i < PAGES * 512; i++) d[i] = i % 100 == 50 ? 1e300 : i * 0.25;
  for (int round = 0; round < 40; round++) doubles(m, m + 20 * PAGE, 20 * 256, 0);
  report("doubles with infinities", 0);

  // Into pages that are not there, or read-only, after they were known.
  fill();
  for (int k = 0; k < 6; k++) {
    sum_up(m, 0, 8 * PAGE / 8, 0);
    in_place(m, 0, 8 * PAGE - 2, 0);
    mprotect(m + (k + 1) * PAGE, PAGE, PROT_NONE);
    faulting("no access, up", sum_up, m, 0, 8 * PAGE / 8, 0);
    faulting("no access, down", sum_down, m + 8 * PAGE - 8, 0, 8 * PAGE / 24, 0);
    faulting("no access, same", same, m, m, 8 * PAGE, 0);
    faulting("no access, three ways", three_ways, m + 1, m + 2 * PAGE, 2 * PAGE - 4, 0);
    faulting("no access, nested", nested, m + 200, 0, 200, 0);
    faulting("no access, odd", sum_odd, m + 3, 0, 8 * PAGE / 13 - 1, 0);
    mprotect(m + (k + 1) * PAGE, PAGE, PROT_READ);
    faulting("read-only, stores", in_place, m, 0, 8 * PAGE - 2, 0);
    faulting("read-only, steps", by_step, m + 5, 0, 1000, 24);
    faulting("read-only, loads", sum_up, m, 0, 8 * PAGE / 8, 0);
    fix = 1;
    faulting("made writable", in_place, m, 0, 8 * PAGE - 2, 0);
    fix = 0;
  }
  for (int k = 0; k < 3; k++) {
    copy_aligned(m, m + PAGE, 3 * PAGE / 16, 0);
    faulting("not aligned, source", copy_aligned, m, m + 8, 3 * PAGE / 16, 0);
    faulting("not aligned, destination", copy_aligned, m + 4, m + PAGE, 3 * PAGE / 16, 0);
  }

  // Copy-on-write: the parent's pages must not change, nor the child's.
  fill();
  sum_up(m, 0, PAGES * PAGE / 8, 0);
  fflush(stdout);
  pid_t pid = fork();
  sum_up(m, 0, PAGES * PAGE / 8, 0);
  if (pid == 0) {
    in_place(m, 0, PAGES * PAGE - 4, 0);
    report("child", 0);
    fflush(stdout);
    _exit(0);
  }
  by_step(m, 0, PAGES * PAGE / 16, 16);
  waitpid(pid, 0, 0);
  report("parent", 0);
  // Pages that appear while the loop runs, and that go.
  for (int k = 0; k < 4; k++) {
    madvise(m, PAGES * PAGE, MADV_DONTNEED);
    report("zeros", sum_up(m, 0, PAGES * PAGE / 8, 0));
    by_step(m, 0, PAGES * PAGE / 32, 32);
    report("written", maybe(m, 0, PAGES * PAGE / 8 - 1, 0));
  }
  return 0;
}
