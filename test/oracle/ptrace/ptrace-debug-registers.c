// flags: -static -pthread
// timeout: 60
// Debug registers: what can be set and in what order, what reads back, watched writes and accesses of every length, watched instructions, stepping over them, threads, exec, detach.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
static const char *name(long r) { return r < 0 ? strerrorname_np(errno) : "ok"; }
static int child;
static long set(int n, uint64_t v) { return ptrace(PTRACE_POKEUSER, child, offsetof(struct user, u_debugreg) + n * 8, v); }
static uint64_t get(int n) { errno = 0; return ptrace(PTRACE_PEEKUSER, child, offsetof(struct user, u_debugreg) + n * 8, 0); }
#define ON(i, kind, len) (1ull << ((i) * 2) | (uint64_t)((kind) | (len) << 2) << (16 + (i) * 4))
enum { X = 0, W = 1, IO = 2, RW = 3 }; enum { L1 = 0, L2 = 1, L8 = 2, L4 = 3 };
static _Alignas(4096) volatile char area[8192];
static volatile int *const word = (volatile int *)(area + 64);
__attribute__((noinline)) static void mark(int n) { asm volatile("nop; nop" : : "r"(n)); }
static volatile uint64_t sink;
__attribute__((noinline)) static void work(void) {
  mark(1); word[0] = 5; mark(2); sink = word[0]; mark(3); word[1] = 6; ((volatile char *)word)[3] = 1; mark(4);
  *(volatile uint64_t *)(area + 60) = 7; mark(5); *(volatile uint16_t *)(area + 4095) = 9; mark(6);
  __sync_fetch_and_add(&word[0], 3); mark(7); memcpy((void *)(area + 32), "0123456789012345678901234567890123456789", 40); mark(8);
  asm volatile("push %%rax; pop %%rax; xchg %0, %1" : "+r"(sink), "+m"(*(volatile uint64_t *)(area + 72)) : : "memory"); mark(9);
  char *d = (char *)area; long n = 300; const char *s = (const char *)area + 4096; asm volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n) : : "memory"); mark(10);
  asm volatile("movdqu %%xmm0, (%0)" : : "r"(area + 60) : "memory", "xmm0"); mark(11);
}
static int start(void (*body)(void)) { fflush(stdout); child = fork(); if (child == 0) { ptrace(PTRACE_TRACEME, 0, 0, 0); raise(SIGSTOP); body(); _exit(7); } int st; waitpid(child, &st, 0); return st; }
static void finish(void) { kill(child, SIGKILL); int st; waitpid(child, &st, __WALL); }
static void settings(void) {
  start(work); for (int i = 0; i < 8; i++) { uint64_t v = get(i); printf("initial %d: %lx %s\n", i, v, errno ? strerrorname_np(errno) : ""); }
  struct { int n; uint64_t v; } tries[] = {{0, 0x1001}, {4, 1}, {5, 1}, {6, 0}, {6, 0xffffffffffffffff}, {6, 0xf}, {7, 0}, {7, ON(0, W, L1)}, {7, ON(0, W, L2)}, {7, ON(0, W, L4)}, {7, ON(0, W, L8)}, {7, ON(0, RW, L1)}, {7, ON(0, IO, L1)}, {7, ON(0, X, L1)}, {7, ON(0, X, L4)}, {7, ON(1, W, L8)}, {0, 0x1008}, {7, ON(0, W, L8)}, {0, 0x1001}, {7, 0}, {0, 0x1001}, {0, 0xffffffff80000000}, {1, 0x7fffffffefff}, {1, 0x7fffffffeffe}, {1, 0x7ffffffff000}, {1, 0x8000000000000000}, {7, 0xffffffffffffffff}, {7, ON(2, RW, L4) << 0 | 2 << 4}, {7, 0x300}, {7, 0x400}, {7, 0x2000 | ON(3, W, L2)}, {3, 0x2001}, {3, 0x2002}, {7, (uint64_t)IO << 16}, {7, 0x100000000}, {7, (uint64_t)L8 << 30}};
  for (unsigned i = 0; i < sizeof tries / sizeof *tries; i++) { long r = set(tries[i].n, tries[i].v); printf("set %d %lx: %s:", tries[i].n, tries[i].v, name(r)); for (int k = 0; k < 8; k++) printf(" %lx", get(k)); printf("\n"); }
  finish();
}
static const char *where(uint64_t rip) { return rip >= (uint64_t)work && rip < (uint64_t)work + 512 ? "work" : rip >= (uint64_t)mark && rip < (uint64_t)mark + 32 ? "mark" : "elsewhere"; }
static void go(const char *what) {
  printf("%s:", what); int st, n = 0; long r = ptrace(PTRACE_CONT, child, 0, 0); (void)r;
  while (waitpid(child, &st, 0) == child && WIFSTOPPED(st) && n++ < 40) { siginfo_t si; ptrace(PTRACE_GETSIGINFO, child, 0, &si); struct user_regs_struct u; ptrace(PTRACE_GETREGS, child, 0, &u); uint64_t six = get(6); printf(" [%d %d %s %d +%ld", WSTOPSIG(st), si.si_code, where(u.rip), (int)((uint64_t)si.si_addr == u.rip), where(u.rip)[0] == 'e' ? 0 : (long)(u.rip - (uint64_t)(where(u.rip)[0] == 'w' ? work : mark))); printf(" %lx", six); if (where(u.rip)[0] == 'm') printf(" rdi %lld rf %d", u.rdi, (int)(u.eflags >> 16 & 1)); printf("]"); ptrace(PTRACE_CONT, child, 0, WSTOPSIG(st) == SIGTRAP ? 0 : WSTOPSIG(st)); }
  if (WIFEXITED(st)) printf(" exit %d\n", WEXITSTATUS(st)); else printf(" %x\n", st), finish();
}
static void watched(void) {
  struct { const char *n; uint64_t a; int kind, len; } w[] = {{"write 4", (uint64_t)word, W, L4}, {"access 4", (uint64_t)word, RW, L4}, {"write 1", (uint64_t)word + 3, W, L1}, {"write 2", (uint64_t)word + 2, W, L2}, {"write 8", (uint64_t)area + 72, W, L8}, {"access 8", (uint64_t)area + 72, RW, L8}, {"page end", (uint64_t)area + 4095, W, L1}, {"page start", (uint64_t)area + 4096, W, L1}, {"nothing", (uint64_t)area + 2048, RW, L8}};
  for (unsigned i = 0; i < sizeof w / sizeof *w; i++) { start(work); set(0, w[i].a); long r = set(7, ON(0, w[i].kind, w[i].len)); if (r < 0) printf("%s ", name(r)); go(w[i].n); }
  start(work); set(0, (uint64_t)word); set(1, (uint64_t)word + 4); set(3, (uint64_t)area + 60); set(7, ON(0, W, L4) | ON(1, RW, L4) | ON(3, W, L4)); go("three");
}
static void executed(void) {
  start(work); set(0, (uint64_t)mark); set(7, ON(0, X, L1)); go("instruction");
  start(work); set(0, (uint64_t)mark); set(1, (uint64_t)word); set(7, ON(0, X, L1) | ON(1, W, L4)); go("both");
  // A step onto a watched instruction, and from it.
  start(work); set(0, (uint64_t)mark); set(7, ON(0, X, L1)); int st; ptrace(PTRACE_CONT, child, 0, 0); waitpid(child, &st, 0); struct user_regs_struct u;
  for (int i = 0; i < 3; i++) { ptrace(PTRACE_SINGLESTEP, child, 0, 0); waitpid(child, &st, 0); siginfo_t si; ptrace(PTRACE_GETSIGINFO, child, 0, &si); ptrace(PTRACE_GETREGS, child, 0, &u); printf("step %x code %d at %s dr6 %lx rf %d\n", st >> 8, si.si_code, where(u.rip), get(6), (int)(u.eflags >> 16 & 1)); }
  // Back to it by hand: without RF it stops again, with RF it goes on.
  u.rip = (uint64_t)mark; u.eflags &= ~0x10000ull; ptrace(PTRACE_SETREGS, child, 0, &u); ptrace(PTRACE_CONT, child, 0, 0); waitpid(child, &st, 0); ptrace(PTRACE_GETREGS, child, 0, &u); printf("again %x at %d\n", st >> 8, (int)(u.rip == (uint64_t)mark));
  u.eflags |= 0x10000; u.rdi = 77; ptrace(PTRACE_SETREGS, child, 0, &u); ptrace(PTRACE_CONT, child, 0, 0); waitpid(child, &st, 0); ptrace(PTRACE_GETREGS, child, 0, &u); printf("with rf %x rdi %lld\n", st >> 8, u.rdi); finish();
}
static void system_calls(void) { int p[2]; pipe(p); write(p[1], "abcd", 4); read(p[0], (void *)word, 4); mark(1); word[0] = 1; mark(2); write(p[1], (void *)word, 4); mark(3); }
static void forks(void) { int p = fork(); if (p == 0) { word[0] = 3; _exit(0); } int st; waitpid(p, &st, 0); if (st) _exit(st); word[0] = 4; char *v[] = {"true", 0}; execv("/bin/true", v); }
static void stepped(void) {
  start(work); set(0, (uint64_t)word); set(7, ON(0, RW, L4)); int st, hits = 0, n = 0; for (;;) { ptrace(PTRACE_SINGLESTEP, child, 0, 0); waitpid(child, &st, 0); if (!WIFSTOPPED(st) || ++n > 4000) break; siginfo_t si; ptrace(PTRACE_GETSIGINFO, child, 0, &si); uint64_t six = get(6); if ((six & 15) && si.si_code == TRAP_TRACE) hits++; } printf("stepped: hits %d %x\n", hits > 4 ? 5 : hits, st);
}
static void handler(int s) { word[0] = s; }
static void in_handler(void) { signal(SIGUSR1, handler); raise(SIGUSR1); mark(1); }
static void rep(void) { char b[16], c[16] = "abcdefghijklmno"; char *d = b; const char *e = c; long n = 5; raise(SIGTRAP); asm volatile("rep movsb" : "+D"(d), "+S"(e), "+c"(n) : : "memory"); d = b; n = 4; asm volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(1) : "memory"); d = b; n = 9; asm volatile("repe scasb" : "+D"(d), "+c"(n) : "a"(1) : "memory", "cc"); n = 0; asm volatile("rep movsb" : "+D"(d), "+S"(e), "+c"(n) : : "memory"); }
static void repeated(void) {
  int st; start(rep); ptrace(PTRACE_CONT, child, 0, 0); waitpid(child, &st, 0); int in = 0; printf("rep:");
  for (int i = 0; i < 200; i++) { struct user_regs_struct u; ptrace(PTRACE_GETREGS, child, 0, &u); errno = 0; long text = ptrace(PTRACE_PEEKTEXT, child, u.rip, 0); int isrep = (text & 0xff) == 0xf3 && ((text >> 8 & 0xff) == 0xa4 || (text >> 8 & 0xff) == 0xaa || (text >> 8 & 0xff) == 0xae); if (isrep) { printf(" %02lx:%lld", text >> 8 & 0xff, u.rcx); in = 1; } ptrace(PTRACE_SINGLESTEP, child, 0, 0); waitpid(child, &st, 0); if (!WIFSTOPPED(st)) break; } (void)in;
  printf("\n"); finish();
}
int main(void) {
  settings(); repeated(); watched(); executed();
  start(system_calls); set(0, (uint64_t)word); set(7, ON(0, RW, L4)); go("system calls");
  start(forks); set(0, (uint64_t)word); set(7, ON(0, W, L4)); go("fork and exec");
  start(in_handler); set(0, (uint64_t)word); set(7, ON(0, W, L4)); go("handler");
  stepped();
  // Still armed after the tracer left: nobody takes the trap.
  start(work); set(0, (uint64_t)word); set(7, ON(0, W, L4)); ptrace(PTRACE_DETACH, child, 0, 0); int st; waitpid(child, &st, 0); printf("detached: %x\n", st & 0x7f);
  return 0;
}
