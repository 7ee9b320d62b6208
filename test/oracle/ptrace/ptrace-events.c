// flags: -static -pthread
// timeout: 60
// ptrace: every event with its message, group stops of seized tracees (INTERRUPT, LISTEN), detaching with a signal, EXITKILL, syscall information, queued signals, masks, refusals.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include <grp.h>
static const char *name(long r) { return r < 0 ? strerrorname_np(errno) : "ok"; }
static const char *show(int st) { static char b[4][64]; static int k; char *p = b[k++ & 3]; if (WIFEXITED(st)) sprintf(p, "exit %d", WEXITSTATUS(st)); else if (WIFSIGNALED(st)) sprintf(p, "killed %d", WTERMSIG(st)); else if (WIFSTOPPED(st)) sprintf(p, "stopped %x", st >> 8); else if (WIFCONTINUED(st)) sprintf(p, "continued"); else sprintf(p, "?%x", st); return p; }
static int wait_for(int pid) { int st = 0; if (waitpid(pid, &st, __WALL) < 0) return -errno; return st; }
static int soon(int pid) { int st = 0; for (int i = 0; i < 200; i++) { int r = waitpid(pid, &st, __WALL | WNOHANG); if (r) return r < 0 ? -errno : st; usleep(1000); } return 0x7f0000; }
static unsigned long message(int pid) { unsigned long m = -1; ptrace(PTRACE_GETEVENTMSG, pid, 0, &m); return m; }
static void info(int pid) { siginfo_t si = {0}; long r = ptrace(PTRACE_GETSIGINFO, pid, 0, &si); if (r < 0) printf(" siginfo %s", name(r)); else printf(" siginfo %d %x pid %s uid %d", si.si_signo, si.si_code, si.si_pid == pid ? "self" : si.si_pid == getpid() ? "me" : si.si_pid ? "other" : "0", si.si_uid); }
struct inf { uint8_t op, res; uint16_t flags; uint32_t arch; uint64_t ip, sp, a[8]; };
static void call(int pid) { struct inf i; memset(&i, 0x5a, sizeof i); long r = ptrace(0x420e, pid, sizeof i, &i); printf(" call %ld op %d", r, i.op); if (i.op == 1 || i.op == 3) printf(" nr %lld %lld %lld", (long long)i.a[0], (long long)i.a[1], (long long)i.a[2]); if (i.op == 3) printf(" data %x", (unsigned)i.a[7]); if (i.op == 2) printf(" result %lld error %d", (long long)i.a[0], (uint8_t)i.a[1]); }
static void *thread_body(void *a) { return a; }
static int clone_body(void *a) { return 5; }
static void child_events(int how) {
  static char stack[65536] __attribute__((aligned(16)));
  if (how == 0) { int p = fork(); if (!p) _exit(1); waitpid(p, 0, 0); } else if (how == 1) { int p = vfork(); if (!p) _exit(2); waitpid(p, 0, 0); } else if (how == 2) { int p = clone(clone_body, stack + 65536, CLONE_VM | SIGCHLD, 0); waitpid(p, 0, __WALL); } else if (how == 3) { int p = clone(clone_body, stack + 65536, CLONE_VM, 0); waitpid(p, 0, __WALL); }
  else if (how == 4) { pthread_t t; pthread_create(&t, 0, thread_body, 0); pthread_join(t, 0); } else if (how == 5) { char *v[] = {"true", 0}; execv("/bin/true", v); } else if (how == 6) { int p = clone(clone_body, stack + 65536, CLONE_VM | CLONE_UNTRACED | SIGCHLD, 0); waitpid(p, 0, __WALL); } else if (how == 7) { int p = syscall(SYS_clone, CLONE_PTRACE | SIGCHLD, 0, 0, 0, 0); if (!p) _exit(4); waitpid(p, 0, 0); } else if (how == 8) { int p = clone(clone_body, stack + 65536, CLONE_VM | CLONE_VFORK, 0); waitpid(p, 0, __WALL); } else raise(SIGUSR1);
  _exit(9);
}
static void events(int options, int seize) {
  for (int how = 0; how < 10; how++) {
    int sync[2]; pipe(sync); fflush(stdout); int pid = fork(); if (!pid) { char c; if (seize) { close(sync[1]); read(sync[0], &c, 1); } else { ptrace(PTRACE_TRACEME, 0, 0, 0); raise(SIGSTOP); } child_events(how); }
    printf("events %x %s %d:", options, seize ? "seized" : "traced", how);
    if (seize) { long r = ptrace(PTRACE_SEIZE, pid, 0, options); printf(" %s", name(r)); close(sync[1]); } else { printf(" %s", show(wait_for(pid))); long r = ptrace(PTRACE_SETOPTIONS, pid, 0, options); printf(" %s", name(r)); ptrace(PTRACE_CONT, pid, 0, 0); }
    // Stops of the tracee and of what it made: those of the made ones are counted, since their order is free.
    int others = 0, ended = 0, last = 0; for (int i = 0; i < 60; i++) {
      int st, w = waitpid(-1, &st, __WALL); if (w < 0) break;
      if (w != pid) { others++; if (WIFSTOPPED(st)) { if (others == 1) { printf(" [new %s", show(st)); info(w); printf("]"); } ptrace(PTRACE_CONT, w, 0, 0); } else ended++; continue; }
      printf(" %s", show(st)); if (!WIFSTOPPED(st)) { last = 1; continue; }
      unsigned long m = message(pid); if (st >> 16 && st >> 16 != 6) printf(" message %s", m == (unsigned long)pid ? "self" : m > 1 ? "pid" : m ? "1" : "0"); else if (st >> 16 == 6) printf(" message %lx", m);
      ptrace(PTRACE_CONT, pid, 0, st >> 16 || WSTOPSIG(st) == SIGTRAP || WSTOPSIG(st) == SIGSTOP ? 0 : WSTOPSIG(st));
    }
    printf(" others stopped %d ended %d\n", others - ended > 0, ended); close(sync[0]); (void)last;
  }
}
static volatile int got; static void handler(int s) { got = s; }
static int sleeper(int handle) { fflush(stdout); int p = fork(); if (!p) { if (handle) { struct sigaction a = {.sa_handler = handler}; sigaction(SIGUSR1, &a, 0); sigaction(SIGCONT, &a, 0); } for (;;) { pause(); if (got == SIGUSR1) _exit(77); } } usleep(30000); return p; }
static void seized(void) {
  int p = sleeper(1), st; long r = ptrace(PTRACE_INTERRUPT, p, 0, 0); printf("interrupt before: %s\n", name(r)); r = ptrace(PTRACE_SEIZE, p, 1, 0); printf("seize addr: %s\n", name(r)); r = ptrace(PTRACE_SEIZE, p, 0, 0x400000); printf("seize options: %s\n", name(r)); r = ptrace(PTRACE_SEIZE, p, 0, 0); printf("seize: %s\n", name(r)); r = ptrace(PTRACE_SEIZE, p, 0, 0); printf("again: %s\n", name(r));
  r = ptrace(PTRACE_CONT, p, 0, 0); printf("cont while running: %s\n", name(r)); r = ptrace(PTRACE_INTERRUPT, p, 0, 0); printf("interrupt: %s", name(r)); printf(" %s", show(wait_for(p))); info(p); call(p); printf("\n"); r = ptrace(PTRACE_LISTEN, p, 0, 0); printf("listen after interrupt: %s\n", name(r)); r = ptrace(PTRACE_INTERRUPT, p, 0, 0); printf("interrupt of a listener: %s %s\n", name(r), show(soon(p)));
  ptrace(PTRACE_CONT, p, 0, 0); kill(p, SIGSTOP); printf("stop signal: %s", show(wait_for(p))); info(p); ptrace(PTRACE_CONT, p, 0, SIGSTOP); printf(" group stop: %s", show(wait_for(p))); info(p); r = ptrace(PTRACE_LISTEN, p, 0, 0); printf(" listen %s %s\n", name(r), show(soon(p))); r = ptrace(PTRACE_CONT, p, 0, 0); printf("cont of a listener: %s\n", name(r));
  kill(p, SIGCONT); printf("continued: %s", show(soon(p))); info(p); ptrace(PTRACE_CONT, p, 0, 0); printf(" %s", show(soon(p))); ptrace(PTRACE_CONT, p, 0, SIGCONT); printf(" then %s\n", show(soon(p)));
  r = ptrace(PTRACE_INTERRUPT, p, 0, 0); wait_for(p); r = ptrace(PTRACE_DETACH, p, 0, SIGUSR1); printf("detach from a trap with a signal: %s %s\n", name(r), show(soon(p))); kill(p, SIGUSR1); printf("end: %s\n", show(wait_for(p)));
}
static void detaching(void) {
  int p = sleeper(1); long r = ptrace(PTRACE_ATTACH, p, 0, 0); printf("attach: %s %s", name(r), show(wait_for(p))); info(p); r = ptrace(PTRACE_DETACH, p, 0, 99); printf(" detach 99 %s", name(r)); r = ptrace(PTRACE_DETACH, p, 0, SIGUSR1); printf(" with a signal %s %s\n", name(r), show(wait_for(p)));
  p = sleeper(1); ptrace(PTRACE_ATTACH, p, 0, 0); wait_for(p); ptrace(PTRACE_SYSCALL, p, 0, 0); printf("call stop: %s", show(soon(p))); call(p); r = ptrace(PTRACE_DETACH, p, 0, SIGUSR1); printf(" detach with a signal %s %s\n", name(r), show(soon(p))); kill(p, SIGKILL); wait_for(p);
  p = sleeper(1); kill(p, SIGSTOP); usleep(20000); r = ptrace(PTRACE_ATTACH, p, 0, 0); printf("attach to a stopped one: %s %s", name(r), show(wait_for(p))); info(p); ptrace(PTRACE_DETACH, p, 0, 0); usleep(20000); int st = 0; r = waitpid(p, &st, WUNTRACED | WNOHANG); printf(" after detach %s\n", r == p ? show(st) : "nothing"); kill(p, SIGKILL); wait_for(p);
  for (int kill_ = 0; kill_ < 2; kill_++) { p = sleeper(1); fflush(stdout); int t = fork(); if (!t) { long r = ptrace(PTRACE_SEIZE, p, 0, kill_ ? PTRACE_O_EXITKILL : 0); printf("tracer %s", name(r)); fflush(stdout); _exit(0); } waitpid(t, 0, 0); usleep(50000); st = 0; r = waitpid(p, &st, WNOHANG); printf(" exits: %s\n", r == p ? show(st) : "lives"); if (r != p) { kill(p, SIGKILL); wait_for(p); } }
}
static void information(void) {
  fflush(stdout); int p = fork(); if (!p) { ptrace(PTRACE_TRACEME, 0, 0, 0); raise(SIGSTOP); long r = syscall(SYS_getppid, 11, 12); _exit(r == 1234 ? 1 : r == -1 && errno == EPERM ? 2 : 3); } wait_for(p);
  printf("before:"); call(p); printf("\n"); ptrace(PTRACE_SYSCALL, p, 0, 0); wait_for(p); printf("without SYSGOOD:"); call(p); info(p); printf(" message %lu\n", message(p)); ptrace(PTRACE_SETOPTIONS, p, 0, PTRACE_O_TRACESYSGOOD);
  for (int i = 0; i < 40; i++) { ptrace(PTRACE_SYSCALL, p, 0, 0); int st = wait_for(p); if (!WIFSTOPPED(st)) { printf("end: %s\n", show(st)); break; } struct inf f; ptrace(0x420e, p, sizeof f, &f); if (f.op != 1 || f.a[0] != SYS_getppid) continue;
    printf("entry:"); call(p); info(p); printf("\n"); for (int n = 0; n < 96; n += 8) { char b[96] = {0}; long r = ptrace(0x420e, p, n, b); printf("size %d: %ld %d\n", n, r, b[n ? n - 1 : 0] != 0 || n == 0); } errno = 0; long r = ptrace(0x420e, p, 88, 8); printf("nowhere: %s\n", name(r));
    struct inf g = f; r = ptrace(0x4212, p, 80, &g); printf("set short: %s\n", name(r)); g.op = 2; r = ptrace(0x4212, p, 88, &g); printf("set other op: %s\n", name(r)); g = f; g.res = 1; r = ptrace(0x4212, p, 88, &g); printf("set reserved: %s\n", name(r)); g = f; g.flags = 1; r = ptrace(0x4212, p, 88, &g); printf("set flags: %s\n", name(r)); g = f; g.a[0] = 1ULL << 32; r = ptrace(0x4212, p, 88, &g); printf("set range: %s\n", name(r)); r = ptrace(0x4212, p, 88, 8); printf("set nowhere: %s\n", name(r));
    g = f; g.a[0] = SYS_getpid; g.a[1] = 77; r = ptrace(0x4212, p, 100, &g); printf("set: %s", name(r)); call(p); printf("\n"); ptrace(PTRACE_SYSCALL, p, 0, 0); wait_for(p); struct inf e; ptrace(0x420e, p, sizeof e, &e); printf("result is its pid: %d\n", (int)e.a[0] == p); g = e; g.a[0] = -EPERM; g.a[1] = 1; r = ptrace(0x4212, p, 88, &g); printf("set error: %s", name(r)); call(p); printf("\n"); g = e; g.a[0] = 1234; g.a[1] = 0; r = ptrace(0x4212, p, 88, &g); printf("set result: %s", name(r)); call(p); printf("\n"); }
}
static void filters(void) {
  struct sock_filter f[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | 0x1234), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}; struct sock_fprog prog = {4, f}, two = {2, f + 3 - 1 + 1 - 1}; (void)two;
  fflush(stdout); int p = fork(); if (!p) { prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); ptrace(PTRACE_TRACEME, 0, 0, 0); syscall(SYS_seccomp, 1, 2, &prog); prctl(PR_SET_SECCOMP, 2, &prog); raise(SIGSTOP); long r = syscall(SYS_getppid, 0, 0); _exit(r == -1 ? errno : r == 55 ? 1 : 2); } wait_for(p);
  struct sock_filter out[16]; for (int i = 0; i < 4; i++) { memset(out, 0, sizeof out); long r = ptrace(0x420c, p, i, out); printf("filter %d: %ld %s", i, r, name(r)); if (r > 0) for (int k = 0; k < r; k++) printf(" %x.%d.%d.%x", out[k].code, out[k].jt, out[k].jf, out[k].k); struct { uint64_t off, flags; } m = {i, 9}; r = ptrace(0x420d, p, sizeof m, &m); printf(" metadata %ld %s flags %llx\n", r, name(r), (long long)m.flags); } long r = ptrace(0x420c, p, 0, 0); printf("length: %ld\n", r); char few[8] = {0}; r = ptrace(0x420d, p, 4, few); printf("short: %s\n", name(r)); r = ptrace(0x420d, p, 8, few); printf("eight: %ld\n", r);
  ptrace(PTRACE_SETOPTIONS, p, 0, PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD); ptrace(PTRACE_CONT, p, 0, 0); printf("seccomp: %s", show(wait_for(p))); call(p); info(p); printf(" message %lx\n", message(p)); struct user_regs_struct g; ptrace(PTRACE_GETREGS, p, 0, &g); g.orig_rax = -1; g.rax = 55; ptrace(PTRACE_SETREGS, p, 0, &g); ptrace(PTRACE_CONT, p, 0, 0); printf("skipped: %s\n", show(wait_for(p)));
  fflush(stdout); p = fork(); if (!p) { prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); prctl(PR_SET_SECCOMP, 2, &prog); long r = syscall(SYS_getppid); _exit(r == -1 ? errno : 1); } printf("no tracer: %s\n", show(wait_for(p)));
  fflush(stdout); p = fork(); if (!p) { prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); ptrace(PTRACE_TRACEME, 0, 0, 0); prctl(PR_SET_SECCOMP, 2, &prog); raise(SIGSTOP); long r = syscall(SYS_getppid); _exit(r == -1 ? errno : 1); } wait_for(p); r = ptrace(PTRACE_SETOPTIONS, p, 0, 0x200000); printf("suspend: %s", name(r)); ptrace(PTRACE_CONT, p, 0, 0); printf(" %s\n", show(wait_for(p)));
}
static void signals(void) {
  fflush(stdout); int p = fork(); if (!p) { sigset_t m; sigfillset(&m); sigprocmask(SIG_SETMASK, &m, 0); ptrace(PTRACE_TRACEME, 0, 0, 0); syscall(SYS_tgkill, getpid(), getpid(), SIGSTOP); _exit(0); } wait_for(p);
  for (int i = 0; i < 3; i++) { union sigval v = {.sival_int = 100 + i}; sigqueue(p, SIGRTMIN + i, v); } kill(p, SIGUSR1); siginfo_t s[8]; struct { uint64_t off; uint32_t flags; int32_t nr; } a = {0, 1, 8}; memset(s, 0, sizeof s); long r = ptrace(PTRACE_PEEKSIGINFO, p, &a, s); printf("shared queue: %ld", r); for (int i = 0; i < r; i++) printf(" %d/%d/%d", s[i].si_signo, s[i].si_code, s[i].si_value.sival_int); printf("\n"); a.off = 2; a.nr = 1; r = ptrace(PTRACE_PEEKSIGINFO, p, &a, s); printf("from 2: %ld %d\n", r, s[0].si_signo); a.off = 9; r = ptrace(PTRACE_PEEKSIGINFO, p, &a, s); printf("beyond: %ld\n", r); a.flags = 2; r = ptrace(PTRACE_PEEKSIGINFO, p, &a, s); printf("flags: %s\n", name(r)); a.flags = 0; a.off = 0; r = ptrace(PTRACE_PEEKSIGINFO, p, &a, s); printf("own queue: %ld\n", r); a.nr = -1; r = ptrace(PTRACE_PEEKSIGINFO, p, &a, s); printf("negative: %s\n", name(r));
  uint64_t m = 0; r = ptrace(PTRACE_GETSIGMASK, p, 8, &m); printf("mask: %s %llx\n", name(r), (long long)m); r = ptrace(PTRACE_GETSIGMASK, p, 4, &m); printf("mask size: %s\n", name(r)); m = ~0ULL; r = ptrace(PTRACE_SETSIGMASK, p, 8, &m); ptrace(PTRACE_GETSIGMASK, p, 8, &m); printf("set: %s %llx\n", name(r), (long long)m); kill(p, SIGKILL); wait_for(p);
}
static void requests(void) {
  int p = sleeper(0); ptrace(PTRACE_ATTACH, p, 0, 0); wait_for(p); static const int req[] = {3, 6, 9, 21, 33, 0x4204, 0x4205, 0x420c, 0x420d, 0x4210, 0x4211, 0x4213, 999, -1}; for (unsigned i = 0; i < sizeof req / sizeof *req; i++) { errno = 0; if (req[i] == 9 || req[i] == 33) continue; long r = syscall(SYS_ptrace, req[i], p, 0x7777777, 8); printf("request %x: %s\n", req[i], name(r)); }
  struct iovec v; char big[4096]; for (int type = 0; type < 4; type++) for (int n = 0; n < 700; n += 100) { v = (struct iovec){big, n}; long r = ptrace(PTRACE_GETREGSET, p, type, &v); printf("regset %d of %d: %s %zu\n", type, n, name(r), r < 0 ? 0 : v.iov_len); } long r = ptrace(PTRACE_PEEKUSER, p, 4, 0); printf("user 4: %s\n", name(r)); errno = 0; r = ptrace(PTRACE_PEEKUSER, p, sizeof(struct user), 0); printf("user beyond: %s\n", name(r)); errno = 0; r = ptrace(PTRACE_PEEKDATA, p, 8, 0); printf("peek nowhere: %s\n", name(r)); r = ptrace(PTRACE_POKEDATA, p, 8, 0); printf("poke nowhere: %s\n", name(r)); r = ptrace(PTRACE_CONT, p, 0, 65); printf("cont 65: %s\n", name(r)); r = ptrace(PTRACE_SETOPTIONS, p, 0, 0x400); printf("option: %s\n", name(r)); r = ptrace(PTRACE_LISTEN, p, 0, 0); printf("listen: %s\n", name(r)); r = ptrace(PTRACE_INTERRUPT, p, 0, 0); printf("interrupt: %s\n", name(r)); kill(p, SIGKILL); wait_for(p);
  r = ptrace(PTRACE_ATTACH, getpid(), 0, 0); printf("self: %s\n", name(r)); r = ptrace(PTRACE_ATTACH, 1 << 22, 0, 0); printf("nobody: %s\n", name(r)); p = sleeper(0); r = ptrace(PTRACE_CONT, p, 0, 0); printf("not mine: %s\n", name(r)); r = ptrace(PTRACE_KILL, p, 0, 0); printf("kill not mine: %s\n", name(r)); kill(p, SIGKILL); usleep(20000); r = ptrace(PTRACE_ATTACH, p, 0, 0); printf("zombie: %s\n", name(r)); wait_for(p);
  p = sleeper(0); fflush(stdout); int q = fork(); if (!q) { setgroups(0, 0); setresgid(1000, 1000, 1000); setresuid(1000, 1000, 1000); long r = ptrace(PTRACE_ATTACH, p, 0, 0); printf("by a user: %s\n", name(r)); r = ptrace(PTRACE_SEIZE, p, 0, 0x200000); printf("suspend by a user: %s\n", name(r)); fflush(stdout); _exit(0); } wait_for(q); kill(p, SIGKILL); wait_for(p);
  ptrace(PTRACE_TRACEME, 0, 0, 0); r = ptrace(PTRACE_TRACEME, 0, 0, 0); printf("traced twice: %s\n", name(r));
}
int main(void) { setvbuf(stdout, 0, _IOFBF, 1 << 16); events(0, 0); events(0, 1); events(0x7f, 0); events(0x7f, 1); seized(); detaching(); information(); filters(); signals(); fflush(stdout); int p = fork(); if (!p) { requests(); fflush(stdout); _exit(0); } wait_for(p); return 0; }
