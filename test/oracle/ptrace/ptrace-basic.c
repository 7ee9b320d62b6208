// ptrace: TRACEME, syscall stops, registers, memory, signals, events, seize and interrupt, single step.
// timeout: 60
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *show(int st) {
  static char b[64];
  if (WIFEXITED(st)) sprintf(b, "exit %d", WEXITSTATUS(st));
  else if (WIFSIGNALED(st)) sprintf(b, "killed %d", WTERMSIG(st));
  else if (WIFSTOPPED(st)) sprintf(b, "stopped %x", st >> 8);
  else if (WIFCONTINUED(st)) sprintf(b, "continued");
  else sprintf(b, "?%x", st);
  return b;
}
static int wait_for(int pid) { int st = 0; if (waitpid(pid, &st, __WALL) < 0) return -errno; return st; }
static volatile long shared = 7;
static void handler(int s) { _exit(100 + s); }

int main(void) {
  int st;
  setvbuf(stdout, 0, _IOLBF, 0);
  long r;
  struct user_regs_struct regs;
  // syscall stops with changed arguments
  int pid = fork();
  if (!pid) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    r = syscall(SYS_getppid);
    r = syscall(SYS_kill, 1 << 22, 0);
    _exit(syscall(12345) == -1 ? errno : 3);
  }
  printf("first stop: %s\n", show(wait_for(pid)));
  siginfo_t si;
  ptrace(PTRACE_GETSIGINFO, pid, 0, &si);
  printf("siginfo: signo %d code %d self %d\n", si.si_signo, si.si_code, si.si_pid == pid);
  ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
  int n = 0;
  for (;;) {
    ptrace(PTRACE_SYSCALL, pid, 0, 0);
    st = wait_for(pid);
    if (!WIFSTOPPED(st)) break;
    ptrace(PTRACE_GETREGS, pid, 0, &regs);
    struct sysinfo_ { uint8_t op; uint8_t pad[3]; uint32_t arch; uint64_t ip, sp, a[8]; } info;
    memset(&info, 0, sizeof info);
    r = ptrace(0x420e, pid, sizeof info, &info);
    long long ax = regs.rax;
    if ((long)regs.orig_rax == SYS_rt_sigprocmask || (long)regs.orig_rax == SYS_tgkill || (long)regs.orig_rax == SYS_gettid || (long)regs.orig_rax == SYS_getpid) continue;
    printf("stop %d: %s nr %lld rax %lld op %d size %ld arch %x ip %d sp %d\n", n++, show(st), (long long)regs.orig_rax, (long)regs.orig_rax == SYS_getppid && ax > 0 ? 1 : ax, info.op, r, info.arch, info.ip == regs.rip, info.sp == regs.rsp);
    if (info.op == 1 && regs.orig_rax == 12345) { regs.orig_rax = -1; regs.rax = -99; printf("set: %ld\n", ptrace(PTRACE_SETREGS, pid, 0, &regs)); }
  }
  printf("end: %s\n", show(st));

  // memory, registers by offset
  pid = fork();
  if (!pid) { ptrace(PTRACE_TRACEME, 0, 0, 0); shared = 41; raise(SIGUSR1); _exit(shared); }
  printf("usr1 stop: %s\n", show(wait_for(pid)));
  printf("peek: %ld\n", ptrace(PTRACE_PEEKDATA, pid, &shared, 0));
  printf("poke: %ld\n", ptrace(PTRACE_POKEDATA, pid, &shared, 77));
  errno = 0;
  r = ptrace(PTRACE_PEEKDATA, pid, 8, 0);
  printf("peek bad: %ld %d\n", r, errno);
  errno = 0;
  r = ptrace(PTRACE_PEEKUSER, pid, 3, 0);
  printf("peekuser odd: %ld %d\n", r, errno);
  ptrace(PTRACE_GETREGS, pid, 0, &regs);
  printf("peekuser rip: %d cs %llx ss %llx ds %llx\n", ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user_regs_struct, rip), 0) == (long)regs.rip, regs.cs, regs.ss, regs.ds);
  struct iovec iov = {&regs, sizeof regs};
  r = ptrace(PTRACE_GETREGSET, pid, 1, &iov);
  printf("getregset: %ld %zu\n", r, iov.iov_len);
  // Dropping the signal lets it go on.
  { errno = 0; long r0 = ptrace(PTRACE_CONT, pid, 0, 99); printf("cont bad signal: %ld %d\n", r0, errno); }
  ptrace(PTRACE_CONT, pid, 0, 0);
  printf("poked exit: %s\n", show(wait_for(pid)));
  { errno = 0; long r0 = ptrace(PTRACE_CONT, pid, 0, 0); printf("gone: %ld %d\n", r0, errno); }

  // injecting another signal
  pid = fork();
  if (!pid) { signal(SIGUSR2, handler); ptrace(PTRACE_TRACEME, 0, 0, 0); raise(SIGUSR1); _exit(1); }
  wait_for(pid);
  ptrace(PTRACE_CONT, pid, 0, SIGUSR2);
  printf("injected: %s\n", show(wait_for(pid)));

  // events: fork, vfork, clone, exec, exit
  pid = fork();
  if (!pid) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    int c = fork();
    if (!c) _exit(5);
    waitpid(c, 0, 0);
    c = vfork();
    if (!c) _exit(6);
    waitpid(c, 0, 0);
    execl("/bin/true", "true", (char *)0);
    _exit(9);
  }
  wait_for(pid);
  printf("setoptions: %ld\n", ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT));
  { errno = 0; long r0 = ptrace(PTRACE_SETOPTIONS, pid, 0, 1 << 30); printf("bad option: %ld %d\n", r0, errno); }
  ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT);
  ptrace(PTRACE_CONT, pid, 0, 0);
  int live = 1, k = 0;
  char log[4096] = "", childlog[4096] = "";
  while (live) {
    int w = waitpid(-1, &st, __WALL);
    if (w < 0) break;
    unsigned long msg = 0;
    int event = st >> 16;
    if (event) ptrace(PTRACE_GETEVENTMSG, w, 0, &msg);
    char *l = w == pid ? log : childlog;
    sprintf(l + strlen(l), "%s%s", show(st), event ? (event == PTRACE_EVENT_EXIT ? (sprintf(childlog + 2000, " msg %lx", msg), childlog + 2000) : " event") : "");
    strcat(l, "; ");
    if (WIFEXITED(st) || WIFSIGNALED(st)) { if (w == pid) live = 0; continue; }
    int sig = WSTOPSIG(st);
    ptrace(PTRACE_CONT, w, 0, event || sig == SIGSTOP || sig == SIGTRAP ? 0 : sig);
    if (++k > 60) break;
  }
  printf("parent log: %s\n", log);
  childlog[1999] = 0;
  printf("child log: %s\n", childlog);

  // seize, interrupt, detach
  pid = fork();
  if (!pid) { for (;;) pause(); }
  printf("seize: %ld\n", ptrace(PTRACE_SEIZE, pid, 0, 0));
  { errno = 0; long r0 = ptrace(PTRACE_SEIZE, pid, 0, 0); printf("seize again: %ld %d\n", r0, errno); }
  { errno = 0; long r0 = ptrace(PTRACE_GETREGS, pid, 0, &regs); printf("not stopped: %ld %d\n", r0, errno); }
  printf("interrupt: %ld\n", ptrace(PTRACE_INTERRUPT, pid, 0, 0));
  printf("interrupted: %s\n", show(wait_for(pid)));
  ptrace(PTRACE_CONT, pid, 0, 0);
  kill(pid, SIGSTOP);
  printf("group stop: %s\n", show(wait_for(pid)));
  ptrace(PTRACE_CONT, pid, 0, SIGSTOP);
  printf("group stop 2: %s\n", show(wait_for(pid)));
  printf("detach: %ld\n", ptrace(PTRACE_DETACH, pid, 0, 0));
  kill(pid, SIGKILL);
  printf("kill: %s\n", show(wait_for(pid)));

  // attach to a running process
  pid = fork();
  if (!pid) { for (;;) pause(); }
  usleep(20000);
  printf("attach: %ld\n", ptrace(PTRACE_ATTACH, pid, 0, 0));
  printf("attached: %s\n", show(wait_for(pid)));
  ptrace(PTRACE_GETREGS, pid, 0, &regs);
  printf("in pause: rax %lld orig %lld\n", (long long)regs.rax, (long long)regs.orig_rax);
  printf("kill request: %ld\n", ptrace(PTRACE_KILL, pid, 0, 0));
  printf("killed: %s\n", show(wait_for(pid)));

  // single step
  pid = fork();
  if (!pid) { ptrace(PTRACE_TRACEME, 0, 0, 0); raise(SIGSTOP); for (volatile int i = 0; i < 3; i++); _exit(4); }
  wait_for(pid);
  int steps = 0, ok = 1;
  for (; steps < 50; steps++) {
    ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
    st = wait_for(pid);
    if (!WIFSTOPPED(st) || WSTOPSIG(st) != SIGTRAP) { ok = 0; break; }
    if (steps == 1) { ptrace(PTRACE_GETSIGINFO, pid, 0, &si); printf("step siginfo: %d %d\n", si.si_signo, si.si_code); ptrace(PTRACE_GETREGS, pid, 0, &regs); printf("TF seen: %d\n", (int)(regs.eflags >> 8 & 1)); }
  }
  printf("steps: %d ok %d\n", steps, ok);
  ptrace(PTRACE_CONT, pid, 0, 0);
  printf("after steps: %s\n", show(wait_for(pid)));
  // errors
  { errno = 0; long r0 = ptrace(PTRACE_ATTACH, getpid(), 0, 0); printf("self attach: %ld %d\n", r0, errno); }
  { errno = 0; long r0 = ptrace(PTRACE_ATTACH, 1 << 22, 0, 0); printf("no such: %ld %d\n", r0, errno); }
  { errno = 0; long r0 = ptrace(PTRACE_SEIZE, getppid(), 1, 0); printf("seize addr: %ld %d\n", r0, errno); }
  return 0;
}
