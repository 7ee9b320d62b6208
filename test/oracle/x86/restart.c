// Faults in the middle of instructions: registers and memory as the handler sees them, and going on afterwards.
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

static char *area; // three pages; the last is opened by the handler
static int faults;
static long regs[5];

static void on_segv(int s, siginfo_t *si, void *p) {
  ucontext_t *uc = p;
  greg_t *g = uc->uc_mcontext.gregs;
  faults++;
  regs[0] = g[REG_RCX];
  regs[1] = g[REG_RSI] - (long)area;
  regs[2] = g[REG_RDI] - (long)area;
  regs[3] = (long)si->si_addr - (long)area;
  regs[4] = g[REG_EFL] & 0x8d5;
  mprotect(area + 8192, 4096, PROT_READ | PROT_WRITE);
}
static void close_page(void) {
  mprotect(area + 8192, 4096, PROT_NONE);
  faults = 0;
}
static unsigned sum(void) {
  unsigned h = 0;
  mprotect(area + 8192, 4096, PROT_READ | PROT_WRITE);
  for (int i = 0; i < 3 * 4096; i++) h = h * 31 + (unsigned char)area[i];
  return h;
}
static void show(const char *name) {
  printf("%s: faults %d rcx %ld rsi %ld rdi %ld addr %ld sum %u\n", name, faults, regs[0], regs[1], regs[2], regs[3], sum());
}

int main(void) {
  area = mmap(0, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 3 * 4096; i++) area[i] = i * 7 + (i >> 8);
  struct sigaction sa = {.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &sa, 0);
#define STRING(name, insn, src, dst, n, before, after)                                                                          \
  do {                                                                                                                            \
    close_page();                                                                                                                 \
    void *rsi = area + (src), *rdi = area + (dst);                                                                                \
    long rcx = (n), rax = 0x0102030405060708;                                                                                     \
    unsigned long f;                                                                                                              \
    __asm__ volatile("cmp %%eax, %%eax\n" before "\n" insn "\n pushfq\n pop %4\n" after : "+S"(rsi), "+D"(rdi), "+c"(rcx), "+a"(rax), "=&r"(f) : : "memory", "cc"); \
    show(name);                                                                                                                   \
    printf("%s after: rcx %ld rsi %ld rdi %ld rax %lx flags %lx\n", name, rcx, (long)((char *)rsi - area), (long)((char *)rdi - area), rax, f & 0x4c5);   \
  } while (0)
  STRING("rep movsb into the page", "rep movsb", 100, 8000, 1000, "cld", "");
  STRING("rep movsq into the page", "rep movsq", 100, 8000, 100, "cld", "");
  STRING("rep movsb out of the page", "rep movsb", 8000, 100, 1000, "cld", "");
  STRING("rep movsb overlapping", "rep movsb", 100, 101, 5000, "cld", "");
  STRING("rep movsb overlapping by 3", "rep movsb", 100, 103, 9000, "cld", "");
  STRING("rep movsw overlapping by 1", "rep movsw", 100, 101, 2000, "cld", "");
  STRING("rep movsb overlapping downwards", "rep movsb", 103, 100, 9000, "cld", "");
  STRING("rep movsd backwards", "rep movsl", 8400, 8200, 100, "std", "cld");
  STRING("rep stosb", "rep stosb", 0, 8100, 1000, "cld", "");
  STRING("rep stosw", "rep stosw", 0, 8101, 500, "cld", "");
  STRING("rep stosq", "rep stosq", 0, 8100, 200, "cld", "");
  STRING("rep stosl backwards", "rep stosl", 0, 8300, 200, "std", "cld");
  STRING("rep lodsb", "rep lodsb", 8000, 0, 500, "cld", "");
  STRING("repe cmpsb", "repe cmpsb", 0, 0, 12000, "cld", "");
  STRING("repe cmpsb unequal", "repe cmpsb", 0, 1, 12000, "cld", "");
  STRING("repne scasb", "repne scasb", 0, 8150, 200, "cld", "");
  STRING("repe scasb", "repe scasb", 0, 8150, 200, "cld", "");
  STRING("rep movsb zero", "rep movsb", 8300, 8400, 0, "cld", "");
  STRING("rep movsq crossing", "rep movsq", 8185, 100, 3, "cld", "");
  STRING("rep stosq crossing", "rep stosq", 0, 8185, 3, "cld", "");
#define SINGLE(name, insn, at)                                                                                         \
  do {                                                                                                                  \
    close_page();                                                                                                       \
    long a = 0x1111, d = 0x2222;                                                                                        \
    __asm__ volatile("xor %%ecx, %%ecx\n cmp $1, %%ecx\n" insn : "+a"(a), "+d"(d) : "D"(area + (at)), "S"(area) : "memory", "cc", "rcx"); \
    printf("%s: a %lx d %lx flags before the fault %lx\n", name, a, d, regs[4]);                                         \
    show(name " state");                                                                                                \
  } while (0)
  SINGLE("store across", "movq %%rax, (%%rdi)", 8188);
  SINGLE("load across", "movq (%%rdi), %%rax", 8188);
  SINGLE("add to memory across", "addq %%rdx, (%%rdi)", 8189);
  SINGLE("add in the page", "addl %%edx, (%%rdi)", 8200);
  SINGLE("xchg across", "xchgq %%rdx, (%%rdi)", 8190);
  SINGLE("cmpxchg in the page", "lock cmpxchgq %%rdx, (%%rdi)", 8192);
  SINGLE("xadd across", "xaddl %%edx, (%%rdi)", 8190);
  SINGLE("push from the page", "pushq (%%rdi)\n pop %%rax", 8300);
  SINGLE("pop into the page", "push %%rdx\n popq (%%rdi)", 8300);
  SINGLE("bts in the page", "btsl %%edx, (%%rdi)", 4000);
  SINGLE("inc across", "incl (%%rdi)", 8190);
  SINGLE("shl across", "shlq $5, (%%rdi)", 8187);
  SINGLE("setc in the page", "setc (%%rdi)", 8192);
  SINGLE("sbb from the page", "sbbl (%%rdi), %%eax", 8200);
  SINGLE("imul from the page", "imulq (%%rdi), %%rdx", 8200);
  SINGLE("movups across", "movups (%%rsi), %%xmm0\n movups %%xmm0, (%%rdi)", 8186);
  return 0;
}
