// What each processor exception becomes: signal, si_code, si_addr, trap number, error code, RIP and CR2.
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

static sigjmp_buf back;
static volatile int sig, code;
static volatile uintptr_t addr, rip, trapno, err, cr2;
static char *page;

static void on_signal(int s, siginfo_t *si, void *p) {
  ucontext_t *uc = p;
  sig = s;
  code = si->si_code;
  addr = (uintptr_t)si->si_addr;
  rip = uc->uc_mcontext.gregs[REG_RIP];
  trapno = uc->uc_mcontext.gregs[REG_TRAPNO];
  err = uc->uc_mcontext.gregs[REG_ERR];
  cr2 = uc->uc_mcontext.gregs[REG_CR2];
  siglongjmp(back, 1);
}

// Machine code in a page of its own, so that RIP and si_addr are comparable.
static void run(const char *name, const char *bytes, int n) {
  memset(page, 0xc3, 4096);
  memcpy(page, bytes, n);
  sig = 0;
  if (!sigsetjmp(back, 1)) {
    register uintptr_t rdi __asm__("rdi") = 0x10000;
    __asm__ volatile("mov %%rsp, %%r12\n call *%1\n mov %%r12, %%rsp" : "+r"(rdi) : "r"(page) : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "memory", "cc", "xmm0");
    printf("%s: no signal\n", name);
    return;
  }
  uintptr_t base = (uintptr_t)page;
  printf("%s: %s code %d trap %lu err %lu", name, strsignal(sig), code, trapno, err);
  printf(" rip %s%ld", rip - base < 4096 ? "page+" : "other ", rip - base < 4096 ? (long)(rip - base) : (long)rip);
  if (addr - base < 4096) printf(" addr page+%ld\n", (long)(addr - base));
  else printf(" addr %lx\n", addr);
}
#define RUN(name, bytes) run(name, bytes, sizeof(bytes) - 1)

int main(void) {
  page = mmap((void *)0x20000000, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  munmap(page + 4096, 4096);
  stack_t ss = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
  sigaltstack(&ss, 0);
  struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  for (int s = 1; s < 32; s++)
    if (s == SIGILL || s == SIGTRAP || s == SIGBUS || s == SIGFPE || s == SIGSEGV) sigaction(s, &sa, 0);
  RUN("ud2", "\x90\x0f\x0b");
  RUN("int3", "\x90\xcc\x90");
  RUN("int 3, two bytes", "\x90\xcd\x03");
  RUN("int 4", "\xcd\x04");
  RUN("int 0x21", "\xcd\x21");
  RUN("hlt", "\x90\xf4");
  RUN("cli", "\xfa");
  RUN("in al,dx", "\xec");
  RUN("mov rax,cr0", "\x0f\x20\xc0");
  RUN("div by zero", "\x31\xd2\x31\xc9\xf7\xf1");
  RUN("div overflow", "\xba\x05\x00\x00\x00\xb9\x02\x00\x00\x00\xf7\xf1");
  RUN("idiv overflow", "\xb8\x00\x00\x00\x80\x99\xb9\xff\xff\xff\xff\xf7\xf9");
  RUN("idiv64 overflow", "\x48\xb8\x00\x00\x00\x00\x00\x00\x00\x80\x48\x99\x48\xc7\xc1\xff\xff\xff\xff\x48\xf7\xf9");
  RUN("div byte overflow", "\x66\xb8\xff\x7f\xb1\x01\xf6\xf1");
  RUN("load from 0", "\x31\xc0\x8b\x00");
  RUN("store to 8", "\x31\xc0\x89\x40\x08");
  RUN("add to unmapped", "\x01\x07");
  RUN("load beyond the page", "\x48\x8d\x05\xf9\xff\xff\xff\x48\x05\xfe\x0f\x00\x00\x8b\x00");
  RUN("load non-canonical", "\x48\xb8\x00\x00\x00\x00\x00\x00\x80\x00\x8b\x00");
  RUN("load kernel half", "\x48\xc7\xc0\x00\x00\x00\x80\x8b\x00");
  RUN("load non-canonical through rbp", "\x55\x48\xbd\x00\x00\x00\x00\x00\x00\x80\x00\x8b\x45\x00");
  RUN("push non-canonical", "\x48\xbc\x00\x00\x00\x00\x00\x00\x80\x00\x50");
  RUN("push to unmapped", "\x48\x89\xfc\x50");
  RUN("call with unmapped stack", "\x48\x89\xfc\xe8\x00\x00\x00\x00");
  RUN("movaps misaligned", "\x48\x8d\x64\x24\xe1\x0f\x28\x04\x24");
  RUN("cmpxchg16b misaligned", "\x48\x8d\x64\x24\xe1\x48\x0f\xc7\x0c\x24");
  RUN("jump to 16", "\x6a\x10\x58\xff\xe0");
  RUN("call to unmapped", "\xff\xd7");
  RUN("lock on a register", "\xf0\x01\xc0");
  RUN("lock mov", "\xf0\x89\x07");
  RUN("16 bytes", "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90");
  RUN("push cs", "\x0e");
  RUN("aaa", "\x37");
  RUN("lds", "\xc5");
  RUN("mov cs,ax", "\x8e\xc8");
  RUN("sysexit", "\x0f\x35");
  RUN("monitor", "\x0f\x01\xc8");
  char end[4097];
  memset(end, 0x90, 4096);
  run("runs off the page", end, 4096);
  memcpy(end + 4093, "\x48\xb8\x00", 3);
  run("instruction across the end of the page", end, 4096);
  mprotect(page, 4096, PROT_READ | PROT_WRITE);
  if (!sigsetjmp(back, 1)) ((void (*)(void))page)();
  printf("no execute: sig %d code %d err %lu rip %d\n", sig, code, err, rip == (uintptr_t)page);
  mprotect(page, 4096, PROT_READ);
  if (!sigsetjmp(back, 1)) *(volatile char *)(page + 5) = 1;
  printf("read only: sig %d code %d err %lu addr %ld\n", sig, code, err, (long)(addr - (uintptr_t)page));
  mprotect(page, 4096, PROT_NONE);
  if (!sigsetjmp(back, 1)) (void)*(volatile char *)(page + 7);
  printf("no access: sig %d code %d err %lu addr %ld\n", sig, code, err & 6, (long)(addr - (uintptr_t)page));
  return 0;
}
