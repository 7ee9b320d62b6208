// PTRACE_SINGLEBLOCK, where the processor has no branch trap flag (virtual machines): a step; and the extended state as a register set.
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

extern char begin[], one[], two[], three[], four[], callee[], after[], done[];
__asm__(".text\nbegin: int3\n nop\n nop\n xor %eax,%eax\n jnz one\n inc %eax\n jmp one\n nop\n"
        "one: inc %ecx\n cmp %eax,%ecx\n call callee\nafter: nop\n lea two(%rip),%rdx\n jmp *%rdx\n nop\n"
        "two: mov $3,%ecx\nthree: dec %ecx\n jnz three\nfour: nop\n push %rdx\n pop %rdx\n mov $39,%eax\n syscall\n nop\n jmp done\n"
        "callee: nop\n nop\n ret\ndone: nop\n int3\n");

static const char *place(uint64_t at) {
  static char text[40];
  struct { const char *name; char *at; } const all[] = {{"begin", begin}, {"one", one}, {"two", two}, {"three", three}, {"four", four}, {"callee", callee}, {"after", after}, {"done", done}};
  const char *best = "?";
  uint64_t near = ~0ull;
  for (unsigned i = 0; i < 8; i++)
    if (at >= (uint64_t)all[i].at && at - (uint64_t)all[i].at < near) near = at - (uint64_t)all[i].at, best = all[i].name;
  snprintf(text, sizeof text, "%s+%lu", best, (unsigned long)near);
  return text;
}

static void show(const char *what, int p) {
  struct user_regs_struct r;
  siginfo_t s;
  ptrace(PTRACE_GETREGS, p, 0, &r);
  ptrace(PTRACE_GETSIGINFO, p, 0, &s);
  printf("%s: %s code %d flags %lx\n", what, place(r.rip), s.si_code, (long)r.eflags & 0x100);
}

static void state(int p) {
  static unsigned char big[16384], back[16384];
  struct iovec v = {big, sizeof big};
  long r = ptrace(PTRACE_GETREGSET, p, NT_X86_XSTATE, &v);
  printf("GETREGSET: %ld at least %d\n", r, v.iov_len >= 576);
  size_t size = v.iov_len;
  printf("xcr0 %d header %lx xcomp %lx\n", big[464] & 3, (long)(*(uint64_t *)(big + 512) & 2), (long)*(uint64_t *)(big + 520));
  printf("control %x mxcsr %x mask %x\n", *(uint16_t *)big, *(uint32_t *)(big + 24), *(uint32_t *)(big + 28) != 0);
  v = (struct iovec){back, 512};
  r = ptrace(PTRACE_GETREGSET, p, NT_X86_XSTATE, &v);
  printf("a part: %ld %ld same %d\n", r, (long)v.iov_len, !memcmp(big, back, 464));
  v = (struct iovec){big, 513};
  printf("odd: %s\n", ptrace(PTRACE_GETREGSET, p, NT_X86_XSTATE, &v) ? strerrorname_np(errno) : "ok");
  for (int i = 0; i < 16; i++) big[160 + 5 * 16 + i] = i + 1;
  *(uint32_t *)(big + 24) = 0x1fa0;
  *(uint64_t *)(big + 512) |= 3;
  v = (struct iovec){big, 512};
  printf("set a part: %s\n", ptrace(PTRACE_SETREGSET, p, NT_X86_XSTATE, &v) ? strerrorname_np(errno) : "ok");
  v = (struct iovec){big, size};
  printf("set: %s\n", ptrace(PTRACE_SETREGSET, p, NT_X86_XSTATE, &v) ? strerrorname_np(errno) : "ok");
  v = (struct iovec){back, size};
  ptrace(PTRACE_GETREGSET, p, NT_X86_XSTATE, &v);
  printf("read back: %d mxcsr %x\n", memcmp(big + 160, back + 160, 256), *(uint32_t *)(back + 24));
  struct user_fpregs_struct f;
  ptrace(PTRACE_GETFPREGS, p, 0, &f);
  printf("the same in FPREGS: %d %x\n", memcmp(f.xmm_space, big + 160, 256), f.mxcsr);
  *(uint32_t *)(big + 24) = 0x10000;
  v = (struct iovec){big, size};
  printf("bad mxcsr: %s\n", ptrace(PTRACE_SETREGSET, p, NT_X86_XSTATE, &v) ? strerrorname_np(errno) : "ok");
  *(uint32_t *)(big + 24) = 0x1f80;
  *(uint64_t *)(big + 512) |= 1ull << 62;
  v = (struct iovec){big, size};
  printf("bad component: %s\n", ptrace(PTRACE_SETREGSET, p, NT_X86_XSTATE, &v) ? strerrorname_np(errno) : "ok");
  *(uint64_t *)(big + 512) = 1;
  v = (struct iovec){big, size};
  printf("without SSE: %s\n", ptrace(PTRACE_SETREGSET, p, NT_X86_XSTATE, &v) ? strerrorname_np(errno) : "ok");
  v = (struct iovec){back, size};
  ptrace(PTRACE_GETREGSET, p, NT_X86_XSTATE, &v);
  int zero = 1;
  for (int i = 160; i < 416; i++) zero &= back[i] == 0;
  printf("initial: %d\n", zero);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  int p = fork(), s;
  if (!p) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    __asm__ volatile("call begin" ::: "memory");
    _exit(0);
  }
  waitpid(p, &s, 0);
  show("at the breakpoint", p);
  state(p);
  for (int i = 0; i < 14 && WIFSTOPPED(s); i++) {
    errno = 0;
    long r = ptrace(33 /* PTRACE_SINGLEBLOCK */, p, 0, 0);
    if (r) {
      printf("SINGLEBLOCK %s\n", strerrorname_np(errno));
      break;
    }
    waitpid(p, &s, 0);
    if (!WIFSTOPPED(s)) break;
    char label[40];
    sprintf(label, "block %d signal %d", i, WSTOPSIG(s));
    show(label, p);
    if (i == 5) {
      ptrace(PTRACE_SINGLESTEP, p, 0, 0);
      waitpid(p, &s, 0);
      show("a step between", p);
    }
  }
  ptrace(PTRACE_KILL, p, 0, 0);
  waitpid(p, &s, 0);
  return 0;
}
