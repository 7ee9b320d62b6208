// Arguments of clone3, clone, unshare, setns and of the calls on pidfds: sizes, signals, stacks, single bits, set_tid, pointers, TLS; as root and as a user.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#define P(what, e) do { errno = 0; long r_ = (long)(e); if (r_ == -1) printf("%s: %s\n", what, strerrorname_np(errno)); else printf("%s: %ld\n", what, r_); fflush(stdout); } while (0)
#define OK(what, e) do { errno = 0; long r_ = (long)(e); printf("%s: %s\n", what, r_ < 0 ? strerrorname_np(errno) : "ok"); fflush(stdout); } while (0)
#define CHILD(...) do { fflush(stdout); int p_ = fork(); if (!p_) { __VA_ARGS__; fflush(stdout); _exit(0); } int st_; waitpid(p_, &st_, 0); if (st_) printf("child status %x\n", st_); } while (0)
struct ca { uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup; uint64_t tail[8]; };
static long c3(struct ca *a, size_t n) { fflush(stdout); long r = syscall(435, a, n); if (r == 0) _exit(7); if (r > 0) { int st = 0; int w = waitpid(r, &st, __WALL); (void)w; return 0; } return r; }
static void all(void) {
  for (int s_ = 1; s_ < 65; s_++) if (s_ != 17) signal(s_, SIG_IGN);
  struct ca a; int pfd; int tids[40]; char stk[8192] __attribute__((aligned(16)));
#define Z memset(&a, 0, sizeof a)
  for (int n = 0; n <= 152; n += 4) { Z; a.exit_signal = SIGCHLD; char b[40]; sprintf(b, "size %d", n); P(b, c3(&a, n)); if (n > 88) { a.tail[0] = 1; P(" tail", c3(&a, n)); } } Z; a.exit_signal = 17; P("4096", c3(&a, 4096)); P("4097", c3(&a, 4097)); P("null 64", syscall(435, 0, 64)); P("null 0", syscall(435, 0, 0)); P("null big", syscall(435, 0, 8192)); P("bad ptr", syscall(435, 8, 88));
  for (int s = 0; s < 70; s++) { if (s == 9 || s == 19 || s == 32 || s == 33) continue; Z; a.exit_signal = s; char b[40]; sprintf(b, "exit_signal %d", s); P(b, c3(&a, 88)); } Z; a.exit_signal = 1ull << 32 | 17; P("exit high", c3(&a, 88)); a.exit_signal = 0x100; P("exit 100", c3(&a, 88));
  static const struct { uint64_t s, n; } st[] = {{0, 1}, {1, 0}, {8, 8}, {0x7ffffffff000, 4096}, {0x7fffffffe000, 4096}, {0x7fffffffe000, 8192}, {~0ull, 1}, {~0ull - 8, 16}, {4096, ~0ull}};
  for (int i = 0; i < 9; i++) { Z; a.stack = st[i].s; a.stack_size = st[i].n; a.exit_signal = 17; char b[40]; sprintf(b, "stack %d", i); fflush(stdout); long r = syscall(435, &a, 88); if (r == 0) _exit(0); printf("%s %s\n", b, r < 0 ? strerrorname_np(errno) : "ok"); if (r > 0) { int w; waitpid(r, &w, __WALL); printf(" st %x\n", w); } }
  for (int i = 0; i < 64; i++) { Z; a.flags = 1ull << i; a.exit_signal = 17; if (i == 8 || i == 16 || i == 14) continue; a.pidfd = (long)&pfd; a.stack = (long)stk; a.stack_size = 8192; a.cgroup = 1; char b[40]; sprintf(b, "bit %d", i); P(b, c3(&a, 88)); a.exit_signal = 0; P("  no signal", c3(&a, 88)); }
  // set_tid
  static const int sizes[] = {0, 1, 2, 3, 31, 32, 33, 1 << 20}; static const int first[] = {0, 1, -1, 2, 4194304, 4194303, 999999, 4000000};
  for (int s = 0; s < 8; s++) for (int f = 0; f < 8; f++) { Z; for (int i = 0; i < 40; i++) tids[i] = first[f]; a.set_tid = (long)tids; a.set_tid_size = sizes[s]; a.exit_signal = 17; char b[40]; sprintf(b, "set_tid %d %d", sizes[s], first[f]); P(b, c3(&a, 88)); a.flags = CLONE_NEWPID; P("  newpid", c3(&a, 88)); a.flags = CLONE_NEWPID | CLONE_NEWUSER; P("  newuser", c3(&a, 88)); }
  Z; a.exit_signal = 17; a.set_tid = 8; a.set_tid_size = 1; P("set_tid bad", c3(&a, 88)); a.set_tid = 0; P("set_tid null", c3(&a, 88)); a.set_tid = 8; a.set_tid_size = 0; P("set_tid size 0", c3(&a, 88));
  // pointers
  Z; a.exit_signal = 17; a.flags = CLONE_PIDFD; a.pidfd = 8; P("pidfd bad", c3(&a, 88)); a.pidfd = 0; P("pidfd null", c3(&a, 88)); a.pidfd = (long)&pfd; a.parent_tid = (long)&pfd; a.flags = CLONE_PIDFD | CLONE_PARENT_SETTID; P("shared ptr", c3(&a, 88)); a.parent_tid = 8; P("ptid bad", c3(&a, 88)); a.flags = CLONE_CHILD_SETTID; a.child_tid = 8; P("ctid bad", c3(&a, 88)); a.flags = CLONE_SETTLS; a.tls = ~0ull; P("tls bad", c3(&a, 88)); a.tls = 1ull << 47; P("tls non canon", c3(&a, 88)); a.tls = (1ull << 47) - 4096; P("tls max", c3(&a, 88)); 
  for (int i = 0; i < 4; i++) { static const uint64_t cg[] = {1ull << 31, 1ull << 32, 999, 0}; Z; a.exit_signal = 17; a.flags = CLONE_INTO_CGROUP; a.cgroup = cg[i]; P("cgroup", c3(&a, 88)); P(" small", c3(&a, 80)); }
  int cg = open("/proc", O_RDONLY); Z; a.exit_signal = 17; a.flags = CLONE_INTO_CGROUP; a.cgroup = cg; P("cgroup proc", c3(&a, 88)); a.cgroup = open("/", O_PATH); P("cgroup path", c3(&a, 88));
  // pidfd props, legacy clone
  Z; a.exit_signal = 17; a.flags = CLONE_PIDFD; a.pidfd = (long)&pfd; fflush(stdout); int pid = syscall(435, &a, 88); if (!pid) pause(); printf("pidfd %x %x\n", fcntl(pfd, F_GETFL), fcntl(pfd, F_GETFD)); for (int i = 0; i < 65; i++) { if (i == 9 || i == 19) continue; char b[30]; sprintf(b, "pidfd_send %d", i); if (i == 0 || i > 64) P(b, syscall(424, pfd, i, 0, 0)); } for (int f = 0; f < 32; f++) { char b[30]; sprintf(b, "send flag %d", f); P(b, syscall(424, pfd, 0, 0, 1u << f)); } siginfo_t si; memset(&si, 0, sizeof si); P("si mismatch", syscall(424, pfd, 10, &si, 0)); si.si_signo = 18; si.si_code = 0; P("si user code", syscall(424, pfd, 18, &si, 0)); si.si_code = SI_TKILL; P("si tkill", syscall(424, pfd, 18, &si, 0)); si.si_code = SI_QUEUE; P("si queue", syscall(424, pfd, 18, &si, 0)); si.si_code = 1; P("si kernel", syscall(424, pfd, 18, &si, 0)); P("si bad", syscall(424, pfd, 18, 8, 0)); P("fd 0", syscall(424, 0, 0, 0, 0)); P("fd -1", syscall(424, -1, 0, 0, 0)); P("fd self", syscall(424, -10000, 0, 0, 0)); P("fd self group", syscall(424, -20000, 0, 0, 0)); P("fd -10001", syscall(424, -10001, 0, 0, 0)); P("fd -10003", syscall(424, -10003, 0, 0, 0)); P("fd AT_FDCWD", syscall(424, -100, 0, 0, 0)); int pr = open("/proc/self", O_RDONLY); P("proc dir", syscall(424, pr, 0, 0, 0)); int op = open("/proc/self/fd/0", O_PATH); P("o_path", syscall(424, op, 0, 0, 0));
  P("getfd", syscall(438, pfd, 0, 0) > 0 ? 1 : -1); P("getfd flags", syscall(438, pfd, 0, 1)); P("getfd bad", syscall(438, pfd, 999, 0)); P("getfd notpid", syscall(438, 0, 0, 0)); for (int i = 0; i < 32; i++) { char b[30]; sprintf(b, "pidfd_open %d", i); OK(b, syscall(434, getpid(), 1u << i)); } P("open 0", syscall(434, 0, 0)); P("open -1", syscall(434, -1, 0)); P("open none", syscall(434, 4190000, 0));
  struct pollfd pf = {pfd, -1, 0}; printf("poll %d %x\n", poll(&pf, 1, 0), pf.revents); kill(pid, 9); pf.revents = 0; int pr2 = poll(&pf, 1, 1000); printf("poll dead %d %x\n", pr2, pf.revents); P("send zombie", syscall(424, pfd, 0, 0, 0)); P("getfd zombie", syscall(438, pfd, 0, 0)); memset(&si, 0, sizeof si); P("waitid P_PIDFD nonpid", waitid(3, 0, &si, WEXITED)); P("waitid", waitid(3, pfd, &si, WEXITED | WNOWAIT)); printf("si %d %d %d\n", si.si_code, si.si_status, si.si_pid == pid); P("waitid", waitid(3, pfd, &si, WEXITED)); P("waitid again", waitid(3, pfd, &si, WEXITED)); pf.revents = 0; pr2 = poll(&pf, 1, 0); printf("poll reaped %d %x\n", pr2, pf.revents); P("send reaped", syscall(424, pfd, 0, 0, 0)); P("setns reaped", setns(pfd, CLONE_NEWUTS)); P("setns 0", setns(pfd, 0)); P("fd flags", fcntl(pfd, F_SETFL, O_NONBLOCK)); P("get", fcntl(pfd, F_GETFL));
  // unshare, setns bits
  for (int i = 0; i < 64; i++) CHILD({ char b[30]; sprintf(b, "unshare %d", i); P(b, syscall(SYS_unshare, 1ul << i)); });
  int self = syscall(434, getpid(), 0); for (int i = 0; i < 32; i++) CHILD({ char b[30]; sprintf(b, "setns pidfd %d", i); P(b, setns(self, 1u << i)); P("  user too", setns(self, (1u << i) | CLONE_NEWUSER)); P(" uts", setns(self, (1u << i) | CLONE_NEWUTS)); });
  static const char *kd[] = {"user", "pid", "uts", "ipc", "net", "mnt", "cgroup", "time", "pid_for_children", "time_for_children"}; for (int k = 0; k < 10; k++) { char b[50]; sprintf(b, "/proc/self/ns/%s", kd[k]); int f = open(b, O_RDONLY); for (int i = 0; i < 32; i++) CHILD({ sprintf(b, "setns %s %d", kd[k], i); P(b, setns(f, 1u << i)); }); CHILD({ P("0", setns(f, 0)); P("all", setns(f, 0x7e020080)); }); struct stat s; fstat(f, &s); printf("st %o %d %ld\n", s.st_mode, (int)s.st_nlink, s.st_size); }
  for (int s = 0; s < 256; s++) { if (s == 9 || s == 19 || s == 32 || s == 33) continue; fflush(stdout); long r = syscall(SYS_clone, s, 0, 0, 0, 0); if (r == 0) _exit(0); if (r > 0) { int w = 0; int q = waitpid(r, &w, 0); int e = errno; if (q < 0) q = waitpid(r, &w, __WALL); printf("clone sig %d: %d %s\n", s, q == r, e == ECHILD ? "wall" : ""); errno = 0; } else printf("clone sig %d %s\n", s, strerrorname_np(errno)); if (s > 70 && s < 250) s += 9; }
}
int main(void) {
  CHILD(all());
  CHILD(if (setgroups(0, 0) || setgid(1000) || setuid(1000)) _exit(1); prctl(PR_SET_DUMPABLE, 1); all());
}
