// Functions that run often, on stacks of every kind: what happens to the stack between two accesses, and in the middle of a function, must be seen at once.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
typedef long (*work_fn)(long);

// Calls f(arg) with the stack pointer at top.
static NOINLINE long on_stack(void *top, work_fn f, long arg) {
  long result;
  __asm__ volatile("mov %%rsp, %%rbx\n mov %1, %%rsp\n call *%2\n mov %%rbx, %%rsp" : "=a"(result) : "r"(top), "r"(f), "D"(arg) : "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc");
  return result;
}

static NOINLINE long leaf(volatile long *p, long k) {
  volatile long here[4] = {k, k + 1, k + 2, k + 3};
  *p += here[k & 3];
  return here[1] ^ *p;
}
static NOINLINE long fib(long n) {
  volatile long mine = n;
  if (n < 2) return mine;
  return fib(n - 1) + fib(n - 2) + (mine - n);
}
static NOINLINE long hot(long n) {
  volatile long local[6] = {1, 2, 3, 4, 5, 6};
  long sum = 0;
  for (long i = 0; i < n; i++) sum = sum * 3 + leaf(&local[i % 6], i);
  return sum ^ local[3];
}

static char *map(size_t size, int prot, int flags) { return mmap(0, size, prot, MAP_ANONYMOUS | flags, -1, 0); }

// Stacks whose frames cross from page to page at every place; the pages are touched in an order of their own.
static void borders(void) {
  unsigned long sum = 0;
  for (int round = 0; round < 24; round++) {
    char *stack = map(4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE), *other = map(16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    for (int i = 0; i < 4; i++) stack[((i * 3 + round) & 3) * 4096] = 1, other[i * 4096] = 1;
    for (int at = 0; at < 4096; at += 16 * (1 + round % 5)) sum = sum * 5 + on_stack(stack + 3 * 4096 + at, fib, 6) + on_stack(stack + 3 * 4096 + at, hot, 20);
    munmap(other, 16 * 4096);
    munmap(stack, 4 * 4096);
  }
  printf("borders %lu\n", sum);
}

static char *protected_stack;
static volatile int faults;
static volatile long fault_at;
static void unprotect(int s, siginfo_t *si, void *p) {
  faults++;
  fault_at = fault_at * 31 + ((char *)si->si_addr - protected_stack);
  mprotect(protected_stack, 8 * 4096, PROT_READ | PROT_WRITE);
}
static NOINLINE long touchy(long n) {
  volatile long local[8] = {0};
  for (long i = 0; i < n; i++) {
    local[i & 7] += i;
    if (i % 1000 == 999) mprotect(protected_stack, 8 * 4096, PROT_READ);
    local[(i + 1) & 7] ^= leaf(&local[i & 3], i);
  }
  return local[0] ^ local[5];
}
static void rights(void) {
  protected_stack = map(8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  stack_t ss = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
  sigaltstack(&ss, 0);
  struct sigaction sa = {.sa_sigaction = unprotect, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigaction(SIGSEGV, &sa, 0);
  long r = on_stack(protected_stack + 5 * 4096 + 64, touchy, 200000);
  printf("rights %ld, %d faults, %lx\n", r, faults, fault_at);
}

static NOINLINE long forker(long n) {
  volatile long local[4] = {7, 7, 7, 7};
  long sum = 0;
  for (long i = 0; i < n; i++) {
    sum += leaf(&local[i & 3], i);
    if (i % 4000 != 3999) continue;
    pid_t pid = fork();
    if (pid == 0) {
      for (int k = 0; k < 100; k++) local[k & 3] += leaf(&local[1], k);
      _exit((local[0] + local[1]) & 0x3f);
    }
    local[2] += 1;
    int status;
    waitpid(pid, &status, 0);
    sum = sum * 3 + WEXITSTATUS(status);
  }
  return sum ^ local[0] ^ local[2];
}

static NOINLINE long vanishing(long n) {
  volatile long local[4] = {1, 1, 1, 1};
  long sum = 0;
  char *below = (char *)((uintptr_t)__builtin_frame_address(0) & -4096L) - 2 * 4096;
  for (long i = 0; i < n; i++) {
    sum += leaf(&local[i & 3], i);
    if (i % 500 == 499) madvise(below, 4096, MADV_DONTNEED), sum += fib(4) + below[0];
    if (i % 700 == 699) mprotect(below - 4096, 2 * 4096, PROT_NONE), mprotect(below - 4096, 2 * 4096, PROT_READ | PROT_WRITE);
  }
  return sum;
}

static void files(void) {
  for (int shared = 0; shared < 2; shared++) {
    int fd = memfd_create("stack", 0);
    ftruncate(fd, 8 * 4096);
    char *stack = mmap(0, 8 * 4096, PROT_READ | PROT_WRITE, shared ? MAP_SHARED : MAP_PRIVATE, fd, 0), c[8 * 4096];
    long r = on_stack(stack + 7 * 4096 + 256, hot, 400000) + on_stack(stack + 7 * 4096 + 256, fib, 15);
    int written = 0;
    pread(fd, c, sizeof c, 0);
    for (unsigned i = 0; i < sizeof c; i++) written += c[i] != 0;
    printf("%s file: %ld, written %d\n", shared ? "shared" : "private", r, written > 0);
    close(fd);
  }
  char *stack = map(8 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED);
  volatile long *flag = (long *)stack;
  pid_t pid = fork();
  if (pid == 0) {
    long r = on_stack(stack + 8 * 4096, hot, 400000);
    *flag = r;
    _exit(0);
  }
  waitpid(pid, 0, 0);
  printf("shared memory: %ld\n", *flag);
}

static sigjmp_buf back;
static char *deep_stack;
static volatile long deepest;
static void overflown(int s, siginfo_t *si, void *p) {
  fault_at = (char *)si->si_addr - deep_stack;
  siglongjmp(back, 1);
}
static NOINLINE long deeper(long n) {
  volatile long mine = n;
  deepest = n;
  return deeper(n + 1) + mine;
}
static void overflow(void) {
  char *area = map(18 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  mprotect(area, 4096, PROT_NONE);
  deep_stack = area + 4096;
  struct sigaction sa = {.sa_sigaction = overflown, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigaction(SIGSEGV, &sa, 0);
  long sum = 0;
  for (int i = 0; i < 40; i++)
    if (!sigsetjmp(back, 1)) on_stack(area + 18 * 4096 - 16 * i, deeper, 0);
    else sum = sum * 7 + deepest + fault_at;
  printf("overflow %ld\n", sum);
}

// A callee that takes its arguments off the stack; one that returns with another RBP.
__asm__(".text\n"
        "takes: mov 8(%rsp), %rax\n add 16(%rsp), %rax\n ret $16\n"
        "pushes: push %rbx\n mov %rdi, %rbx\n sub $24, %rsp\n mov %rdi, 8(%rsp)\n"
        "1: push %rbx\n push 16(%rsp)\n call takes\n add %rax, 8(%rsp)\n dec %rbx\n jnz 1b\n"
        "mov 8(%rsp), %rax\n add $24, %rsp\n pop %rbx\n ret\n"
        "swaps: mov %rbp, %r11\n mov %rsi, %rbp\n ret\n"
        "swapped: push %rbp\n mov %rsp, %rbp\n sub $32, %rsp\n mov %rdi, -8(%rbp)\n xor %eax, %eax\n"
        "2: call swaps\n add -8(%rbp), %rax\n mov %r11, %rbp\n add -8(%rbp), %rax\n decq -8(%rbp)\n jnz 2b\n leave\n ret\n");
long pushes(long), swapped(long, void *);

static NOINLINE long aligned(long n) {
  volatile _Alignas(256) long wide[8] = {n};
  volatile char *some = __builtin_alloca(16 + (n & 63));
  some[0] = n;
  wide[n & 7] += leaf(&wide[1], n) + some[0];
  return wide[0] + wide[1] + ((uintptr_t)wide & 255);
}

static ucontext_t main_context, side_context;
static volatile long turns;
static void side(void) {
  volatile long mine = 0;
  for (;;) {
    mine += leaf(&mine, turns);
    turns += mine & 3;
    swapcontext(&side_context, &main_context);
  }
}
static void contexts(void) {
  char *stack = map(8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  getcontext(&side_context);
  side_context.uc_stack.ss_sp = stack;
  side_context.uc_stack.ss_size = 8 * 4096;
  makecontext(&side_context, side, 0);
  volatile long mine = 0;
  for (int i = 0; i < 20000; i++) mine += leaf(&mine, i) + fib(5), swapcontext(&main_context, &side_context);
  printf("contexts %ld %ld\n", mine, turns);
}

static NOINLINE long apply(long (*f)(long), long x) { return f(x); }
static NOINLINE long nests(long n) {
  volatile long sum = 0;
  for (long i = 0; i < n; i++) {
    long twice(long x) { return sum * 2 + x + i; }
    sum = apply(twice, i) & 0xffffff;
  }
  return sum;
}

static NOINLINE long poked(long n) {
  volatile long local[4] = {0};
  long sum = 0;
  for (long i = 0; i < n; i++) {
    sum += leaf(&local[i & 3], i);
    if (i % 100 != 99) continue;
    long value = i;
    struct iovec from = {&value, 8}, to = {(void *)&local[2], 8};
    process_vm_writev(getpid(), &from, 1, &to, 1, 0);
    sum = sum * 3 + local[2];
  }
  return sum;
}

static void *thread(void *arg) {
  long r = 0;
  for (int i = 0; i < 2000; i++) r += fib(8) + hot(100) + (long)arg;
  return (void *)r;
}
static void threads(void) {
  pthread_t t[4];
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, 16384);
  for (long i = 0; i < 4; i++) pthread_create(&t[i], &attr, thread, (void *)i);
  for (int i = 0; i < 4; i++) {
    void *r;
    pthread_join(t[i], &r);
    printf("thread %ld\n", (long)r);
  }
}

static NOINLINE long far(long n) {
  volatile char wide[3000];
  wide[n % 3000] = n;
  return n == 0 ? wide[0] : far(n - 1) + wide[n % 3000];
}

int main(void) {
  setvbuf(stdout, 0, _IONBF, 0);
  char *stack = map(64 * 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE), *top = stack + 64 * 4096;
  borders();
  rights();
  printf("forks %ld\n", on_stack(top - 4096 + 64, forker, 120000));
  printf("vanishing %ld\n", on_stack(top - 8192 + 32, vanishing, 200000));
  files();
  overflow();
  printf("pushes %ld\n", pushes(1000000));
  long other[4] = {11, 11, 11, 11};
  printf("swapped %ld\n", swapped(1000000, &other[2]));
  long sum = 0;
  for (long i = 0; i < 500000; i++) sum = sum * 3 + aligned(i);
  printf("aligned %ld\n", sum);
  contexts();
  printf("nests %ld\n", on_stack(top - 64, nests, 100000));
  printf("poked %ld\n", on_stack(top - 128, poked, 300000));
  threads();
  for (int i = 0; i < 20; i++) sum += far(1000);
  printf("far %ld\n", sum);
}
