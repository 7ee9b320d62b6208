// Small functions that are called often, and what may happen in one: faults, jumps out of it, other code at its place, another return address.
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

// Return addresses that change, arguments that go with the return, flags that a function returns, one that reads its return address.
__asm__(".text\n"
        "skips: mov %rdi, %rax\n and $7, %eax\n cmp $5, %eax\n jne 1f\n addq $5, (%rsp)\n1: ret\n"
        "skipping: push %rbx\n push %r12\n mov %rdi, %rbx\n xor %r12d, %r12d\n"
        "2: mov %rbx, %rdi\n call skips\n lea 1(%r12,%r12,2), %r12\n add %rbx, %r12\n dec %rbx\n jnz 2b\n"
        "mov %r12, %rax\n pop %r12\n pop %rbx\n ret\n"
        "less: cmp %rsi, %rdi\n ret\n"
        "flags: push %rbx\n xor %ebx, %ebx\n mov %rdi, %rcx\n"
        "3: mov %rcx, %rdi\n and $15, %edi\n mov $7, %esi\n call less\n adc $0, %rbx\n call less\n jle 4f\n add $3, %rbx\n4: dec %rcx\n jnz 3b\n"
        "mov %rbx, %rax\n pop %rbx\n ret\n"
        "sums: mov 8(%rsp), %rax\n sub 16(%rsp), %rax\n ret $16\n"
        "summing: push %rbx\n push %r12\n mov %rdi, %rbx\n xor %r12d, %r12d\n"
        "5: push %rbx\n push $3\n call sums\n add %rax, %r12\n dec %rbx\n jnz 5b\n mov %r12, %rax\n pop %r12\n pop %rbx\n ret\n"
        "thunk: mov (%rsp), %rax\n ret\n"
        "where: push %rbx\n xor %ebx, %ebx\n mov %rdi, %rcx\n6: call thunk\n7: lea 7b(%rip), %rdx\n sub %rdx, %rax\n add %rax, %rbx\n call 8f\n8: pop %rax\n lea 8b(%rip), %rdx\n sub %rdx, %rax\n add %rax, %rbx\n inc %rbx\n dec %rcx\n jnz 6b\n"
        "mov %rbx, %rax\n pop %rbx\n ret\n"
        "linked: jmp *pointer(%rip)\n"
        "through: push %rbx\n push %r12\n mov %rdi, %rbx\n xor %r12d, %r12d\n9: mov %rbx, %rdi\n call linked\n lea (%rax,%r12,4), %r12\n dec %rbx\n jnz 9b\n mov %r12, %rax\n pop %r12\n pop %rbx\n ret\n"
        ".data\n.globl pointer\npointer: .quad 0\n.text\n");
long skipping(long), flags(long), summing(long), where(long), through(long);
extern long (*pointer)(long);

static long one(long x) { return x * 3 + 1; }
static long two(long x) { return x ^ 0x55; }
static long three(long x) {
  if (x % 100 == 0) pointer = x % 200 ? one : two;
  return x - 7;
}

static sigjmp_buf back;
static volatile long faults, fault_sum;
static char *trap;
static void on_fault(int s, siginfo_t *si, void *p) {
  ucontext_t *uc = p;
  faults++;
  fault_sum = fault_sum * 31 + s + ((char *)si->si_addr - trap) + uc->uc_mcontext.gregs[REG_RDI];
  if (faults % 2) siglongjmp(back, 1);
  mprotect(trap, 4096, PROT_READ | PROT_WRITE);
}
static NOINLINE long peek(long k, volatile char *at) {
  long r = k & 1 ? k + 5 : k * 2;
  return r + at[k & 63];
}
static NOINLINE long peeking(long n) {
  long sum = 0;
  for (volatile long i = 0; i < n; i++) {
    if (i % 5000 == 4999) mprotect(trap, 4096, PROT_NONE);
    if (sigsetjmp(back, 0)) {
      mprotect(trap, 4096, PROT_READ | PROT_WRITE);
      sum += 1000;
    }
    for (int k = 0; k < 10; k++) sum += peek(i + k, trap);
  }
  return sum;
}

// Code that is written anew, and other code that is mapped at its place.
static char *page;
static NOINLINE long calls(long (*f)(long), long n) {
  long sum = 0;
  for (long i = 0; i < n; i++) sum = sum * 5 + f(i);
  return sum;
}
static void emit(char *at, int value) {
  static const unsigned char code[] = {0x48, 0x8d, 0x47, 0, 0xc3, 0xe8, 0xf6, 0xff, 0xff, 0xff, 0x48, 0x01, 0xc0, 0xc3};
  memcpy(at, code, sizeof code);
  at[3] = value;
}
static void rewritten(void) {
  long sum = 0;
  page = mmap(0, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int round = 0; round < 6; round++) {
    emit(page, round * 3 + 1);
    sum = sum * 7 + calls((long (*)(long))(page + 5), 60000);
  }
  for (int round = 0; round < 300; round++) {
    page[3] = round & 63;
    sum = sum * 7 + calls((long (*)(long))(page + 5), 50);
  }
  for (int round = 0; round < 4; round++) {
    char *other = mmap(0, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    emit(other, round + 40);
    mremap(other, 8192, 8192, MREMAP_MAYMOVE | MREMAP_FIXED, page);
    sum = sum * 7 + calls((long (*)(long))(page + 5), 60000);
  }
  printf("rewritten %lx\n", sum);
}

static NOINLINE long rare(long x, jmp_buf *out) {
  if (x % 1000 == 999) longjmp(*out, 3);
  if (x % 77 == 0) return x * x + getppid() * 0;
  return x + 1;
}
static NOINLINE long jumping(long n) {
  jmp_buf out;
  volatile long sum = 0, i = 0;
  if (setjmp(out)) sum += 17, i++;
  for (; i < n; i++) sum += rare(i, &out) ^ (sum << 1);
  return sum;
}
static NOINLINE long ack(long m, long n) { return m == 0 ? n + 1 : n == 0 ? ack(m - 1, 1) : ack(m - 1, ack(m, n - 1)); }
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

int main(void) {
  setvbuf(stdout, 0, _IONBF, 0);
  printf("skipping %lx\n", skipping(2000000));
  printf("flags %ld\n", flags(1000000));
  printf("summing %ld\n", summing(1000000));
  printf("where %ld\n", where(1000000));
  long sum = 0;
  for (int round = 0; round < 8; round++) pointer = round % 3 == 0 ? one : round % 3 == 1 ? two : three, sum = sum * 3 + through(100000);
  printf("through %lx\n", sum);
  trap = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 64; i++) trap[i] = i * 3;
  struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigaction(SIGSEGV, &sa, 0);
  sum = peeking(100000);
  printf("peeking %ld, %ld faults, %lx\n", sum, faults, fault_sum);
  rewritten();
  printf("jumping %lx\n", jumping(300000));
  printf("ack %ld\n", ack(2, 900));
  int *numbers = malloc(sizeof(int) * 50000);
  for (int i = 0; i < 50000; i++) numbers[i] = i * 7919 % 50021;
  qsort(numbers, 50000, sizeof(int), compare);
  for (int i = 1; i < 50000; i++) sum += numbers[i] >= numbers[i - 1];
  printf("sorted %ld\n", sum);
}
