// flags: -static -pthread
// timeout: 60
// PID namespaces: the death of an init and what waits for it, its immunity, reboot, numbers as each namespace shows them, orphans and subreapers, entering from outside.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static const char *name(long r) { return r < 0 ? strerrorname_np(errno) : "ok"; }
static int reap(pid_t p) { int s = -1; if (waitpid(p, &s, __WALL) < 0) return -errno; return s; }
static pid_t in_ns(void) { fflush(stdout); return syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0); }
static long now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000 + t.tv_nsec / 1000000; }
static void nothing(int s) { }
static int pipes[2];
static void death(void) {
  // Everybody is gone when the init's parent learns of its end.
  int p[2]; pipe(p); pid_t q = in_ns(); if (!q) { close(p[0]); for (int i = 0; i < 5; i++) { pid_t c = fork(); if (!c) { sigset_t m; sigfillset(&m); sigprocmask(SIG_SETMASK, &m, 0); if (i == 2) setsid(); if (i == 3 && fork()) pause(); for (;;) pause(); } } usleep(20000); _exit(3); }
  close(p[1]); int s = reap(q); char c; int flags = fcntl(p[0], F_SETFL, O_NONBLOCK); long r = read(p[0], &c, 1); printf("init exits: %x, others gone %ld %s\n", s, r, r < 0 ? name(r) : "eof"); close(p[0]);
  // A member that was put there from outside, and whose parent does not wait: the init does.
  int go[2]; pipe(go); q = in_ns(); if (!q) { char c; close(go[1]); read(go[0], &c, 1); _exit(4); } char path[64]; snprintf(path, 64, "/proc/%d/ns/pid", q); int ns = open(path, O_RDONLY); int own = open("/proc/self/ns/pid", O_RDONLY); setns(ns, CLONE_NEWPID); fflush(stdout); pid_t m = fork(); if (!m) { close(go[1]); for (;;) pause(); } setns(own, CLONE_NEWPID);
  close(go[0]); close(go[1]); usleep(50000); int st = 0; r = waitpid(q, &st, WNOHANG); printf("a stranger's zombie holds init: %s", r == 0 ? "yes" : "no"); siginfo_t si = {0}; waitid(P_PID, m, &si, WEXITED | WNOWAIT); printf(", it was killed by %d", si.si_status); r = waitpid(q, &st, WNOHANG); printf(", still %s", r == 0 ? "yes" : "no"); printf(", reaped %x", reap(m)); printf(", then init %x\n", reap(q)); close(ns);
  // A namespace without init takes nobody.
  q = in_ns(); if (!q) _exit(0); snprintf(path, 64, "/proc/%d/ns/pid", q); usleep(20000); ns = open(path, O_RDONLY); printf("zombie's namespace: %s\n", name(ns)); reap(q);
  q = in_ns(); if (!q) { pause(); _exit(0); } snprintf(path, 64, "/proc/%d/ns/pid", q); ns = open(path, O_RDONLY); kill(q, SIGKILL); printf("killed from outside: %x\n", reap(q)); r = setns(ns, CLONE_NEWPID); printf("entering the dead: %s", name(r)); fflush(stdout); m = fork(); if (!m) _exit(0); printf(", fork %s\n", name(m)); setns(own, CLONE_NEWPID); close(ns); close(own);
  // Threads of init.
  q = in_ns(); if (!q) { pthread_t t; pthread_create(&t, 0, (void *(*)(void *))pause, 0); if (!fork()) for (;;) pause(); usleep(10000); syscall(SYS_exit, 5); } usleep(50000); r = waitpid(q, &st, WNOHANG); printf("init's leader exits alone: %ld\n", r); kill(q, SIGKILL); printf("then killed: %x\n", reap(q));
  static const unsigned cmd[] = {LINUX_REBOOT_CMD_RESTART, LINUX_REBOOT_CMD_HALT, LINUX_REBOOT_CMD_POWER_OFF, LINUX_REBOOT_CMD_RESTART2, LINUX_REBOOT_CMD_CAD_ON, LINUX_REBOOT_CMD_CAD_OFF, 7};
  for (int i = 0; i < 7; i++) { q = in_ns(); if (!q) { if (i & 1) { if (!fork()) { syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, cmd[i], 0); _exit(0); } pause(); } long r = syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, cmd[i], 0); _exit(r < 0 ? errno : 99); } printf("reboot %x: %x\n", cmd[i], i == 5 ? (usleep(50000), kill(q, SIGKILL), reap(q)) : reap(q)); }
}
static void immunity(void) {
  pid_t q = in_ns(); if (!q) { static const int s[] = {SIGTERM, SIGINT, SIGHUP, SIGKILL, SIGSTOP, SIGUSR1, SIGSEGV, SIGTSTP}; for (int i = 0; i < 8; i++) { long r = kill(1, s[i]); printf("own %d: %s\n", s[i], name(r)); } signal(SIGUSR2, nothing); pid_t c = fork(); if (!c) { for (int i = 0; i < 8; i++) { long r = kill(1, s[i]); printf("child's %d: %s\n", s[i], name(r)); } kill(1, SIGUSR2); fflush(stdout); _exit(0); } int st; while (waitpid(c, &st, 0) < 0); printf("init lives\n"); sigset_t m; sigemptyset(&m); sigaddset(&m, SIGTERM); sigprocmask(SIG_BLOCK, &m, 0); kill(1, SIGTERM); sigpending(&m); printf("blocked and default: pending %d\n", sigismember(&m, SIGTERM)); fflush(stdout); raise(SIGABRT); printf("raise: lives\n"); fflush(stdout); *(volatile int *)8 = 1; _exit(9); }
  printf("a fault of init: %x\n", reap(q));
  static const int s[] = {SIGTERM, SIGSTOP, SIGUSR1}; for (int i = 0; i < 3; i++) { q = in_ns(); if (!q) { usleep(100000); _exit(6); } usleep(10000); kill(q, s[i]); int st; long r; usleep(20000); if (i == 1) { r = waitpid(q, &st, WUNTRACED | WNOHANG); printf("stopped from outside: %d\n", r == q && WIFSTOPPED(st)); kill(q, SIGCONT); } printf("outer %d: %x\n", s[i], reap(q)); }
  q = in_ns(); if (!q) { abort(); } printf("abort: %x\n", reap(q));
  q = in_ns(); if (!q) { struct rlimit; raise(SIGTERM); char *v[] = {"false", 0}; execv("/bin/false", v); } printf("exec: %x\n", reap(q));
}
static void numbers(void) {
  int sv[2], sk[2]; socketpair(AF_UNIX, SOCK_DGRAM, 0, sv); int on = 1; setsockopt(sv[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on); sigset_t m; sigemptyset(&m); sigaddset(&m, SIGUSR1); sigaddset(&m, SIGCHLD); sigprocmask(SIG_BLOCK, &m, 0); int fd = open("lock", O_CREAT | O_RDWR, 0600); pid_t outer = getpid();
  pid_t q = in_ns(); if (!q) {
    printf("inside: pid %d ppid %d pgrp %d sid %d\n", getpid(), getppid(), getpgrp(), getsid(0)); long r = getpgid(1); printf("pgid of 1: %ld\n", r); r = getpgid(outer); printf("the outer number: %s\n", name(r)); setsid(); printf("after setsid: %d %d\n", getpgrp(), getsid(0)); write(sv[1], "a", 1); struct flock l = {.l_type = F_WRLCK}; fcntl(fd, F_SETLK, &l); siginfo_t si; kill(getppid(), 0);
    sigwaitinfo(&m, &si); printf("signal from outside: pid %d code %d\n", si.si_pid, si.si_code); pid_t c = fork(); if (!c) { printf("child: %d of %d\n", getpid(), getppid()); fflush(stdout); _exit(1); } sigwaitinfo(&m, &si); printf("SIGCHLD: pid %d status %d\n", si.si_pid, si.si_status); waitid(P_ALL, 0, &si, WEXITED); printf("waitid: %d\n", si.si_pid); int pf = syscall(SYS_pidfd_open, 1, 0); char b[600] = {0}, path[64]; mkdir("p", 0755); mount("proc", "p", "proc", 0, 0); snprintf(path, 64, "p/self/fdinfo/%d", pf); int f = open(path, O_RDONLY); read(f, b, 599); char *s = strstr(b, "Pid:"); printf("fdinfo: %s", s ? s : "none\n"); close(f); close(pf);
    static int tid; struct { uint64_t a[11]; } x; (void)x; printf("thread: %ld\n", syscall(SYS_gettid)); fflush(stdout); read(sv[1], b, 1); _exit(0);
  }
  char d, cb[128]; struct iovec v = {&d, 1}; struct msghdr h = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = cb, .msg_controllen = sizeof cb}; recvmsg(sv[0], &h, 0); struct ucred u; memcpy(&u, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof u); printf("credentials outside: %d\n", u.pid == q); usleep(30000); struct flock l = {.l_type = F_WRLCK}; fcntl(fd, F_GETLK, &l); printf("lock's owner outside: %d\n", l.l_pid == q); kill(q, SIGUSR1); usleep(50000); fflush(stdout);
  char path[64], line[256]; snprintf(path, 64, "/proc/%d/status", q); FILE *f = fopen(path, "r"); while (fgets(line, 256, f)) if (!strncmp(line, "NS", 2)) { int a, b2, n = sscanf(strchr(line, ':') + 1, "%d %d", &a, &b2); printf("%.*s: %d fields, outer %d, inner %d\n", (int)(strchr(line, ':') - line), line, n, a == q || a == outer, n > 1 ? b2 : -1); } fclose(f); int pf = syscall(SYS_pidfd_open, q, 0); snprintf(path, 64, "/proc/self/fdinfo/%d", pf); f = fopen(path, "r"); while (fgets(line, 256, f)) if (strstr(line, "Pid") || strstr(line, "NSpid")) { int a, b2 = -1; sscanf(strchr(line, ':') + 1, "%d %d", &a, &b2); printf("outer fdinfo %.4s: %d %d\n", line, a == q, b2); } fclose(f);
  int ns; snprintf(path, 64, "/proc/%d/ns/pid", q); ns = open(path, O_RDONLY); printf("translated: %d %d %d %d\n", ioctl(ns, 0x8004b706, 1) == q, ioctl(ns, 0x8004b708, q), ioctl(ns, 0x8004b707, 1) == q, ioctl(ns, 0x8004b709, q)); long r = ioctl(ns, 0x8004b706, 999); printf("nobody: %s\n", name(r)); r = ioctl(ns, 0x8004b708, getpid()); printf("not seen: %s\n", name(r)); write(sv[0], "x", 1); printf("end: %x\n", reap(q)); siginfo_t si; sigtimedwait(&m, &si, &(struct timespec){0}); printf("SIGCHLD outside: %d\n", si.si_pid == q); sigprocmask(SIG_UNBLOCK, &m, 0);
}
static void orphans(void) {
  pid_t q = in_ns(); if (!q) { pid_t c = fork(); if (!c) { pid_t g = fork(); if (!g) { usleep(30000); printf("orphan's parent: %d\n", getppid()); fflush(stdout); _exit(11); } _exit(12); } int s; for (int i = 0; i < 2; i++) { pid_t w = wait(&s); printf("init reaps %d: %x\n", w, s); } fflush(stdout); _exit(0); } reap(q);
  // A subreaper inside, and one outside that does not count.
  prctl(PR_SET_CHILD_SUBREAPER, 1); q = in_ns(); if (!q) { int v = -1; prctl(PR_GET_CHILD_SUBREAPER, &v); printf("inherited: %d\n", v); pid_t s = fork(); if (!s) { prctl(PR_SET_CHILD_SUBREAPER, 1); pid_t c = fork(); if (!c) { if (!fork()) { usleep(30000); printf("orphan under a subreaper: parent %d\n", getppid()); fflush(stdout); _exit(0); } _exit(0); } wait(0); wait(0); printf("subreaper has %s\n", wait(0) < 0 ? strerrorname_np(errno) : "more"); fflush(stdout); if (!fork()) { pid_t me = getpid(); (void)me; usleep(30000); printf("after the subreaper: parent %d\n", getppid()); fflush(stdout); _exit(0); } _exit(0); } while (wait(0) > 0); fflush(stdout); _exit(0); } reap(q);
  // Put in from outside with a parent outside: its orphans go to the init of the namespace.
  int go[2]; pipe(go); q = in_ns(); if (!q) { char c; close(go[1]); read(go[0], &c, 1); int s, n = 0; while (wait(&s) > 0) n++; printf("strangers' orphans: %d\n", n); fflush(stdout); _exit(0); } char path[64]; snprintf(path, 64, "/proc/%d/ns/pid", q); int ns = open(path, O_RDONLY), own = open("/proc/self/ns/pid", O_RDONLY); setns(ns, CLONE_NEWPID); fflush(stdout); pid_t m = fork(); if (!m) { close(go[1]); printf("put in: %d of %d\n", getpid(), getppid()); fflush(stdout); if (!fork()) { usleep(30000); printf("its orphan: parent %d\n", getppid()); fflush(stdout); _exit(0); } _exit(0); } setns(own, CLONE_NEWPID); reap(m); usleep(60000); close(go[0]); close(go[1]); reap(q); prctl(PR_SET_CHILD_SUBREAPER, 0);
}
static void death_signal(void) {
  static const char *const how[] = {"thread", "process"}; for (int i = 0; i < 2; i++) { fflush(stdout); int p[2]; pipe(p); pid_t q = fork(); if (!q) { pid_t c = fork(); if (!c) { sigset_t m; sigemptyset(&m); sigaddset(&m, SIGUSR1); sigprocmask(SIG_BLOCK, &m, 0); pid_t parent = getppid(); prctl(PR_SET_PDEATHSIG, SIGUSR1); write(p[1], "", 1); siginfo_t si; sigwaitinfo(&m, &si); printf("death signal: code %d from parent %d\n", si.si_code, si.si_pid == parent); fflush(stdout); write(p[1], "", 1); _exit(0); } char x; read(p[0], &x, 1); _exit(0); } char x; reap(q); usleep(30000); read(p[0], &x, 1); close(p[0]); close(p[1]); (void)how; }
}
static int vfork_child(void *a) { usleep(50000); shutdown(1000, 0); _exit(0); }
static void *sleeping(void *a) { for (;;) pause(); }
static void *execing(void *a) { char *v[] = {"sh", "-c", "[ $$ -gt 1 ] && echo exec by a thread; readlink /proc/self/exe | grep -c .", 0}; usleep(20000); execv("/bin/sh", v); return 0; }
static void vforks(void) {
  fflush(stdout); static char stack[65536] __attribute__((aligned(16))); struct sigaction a = {.sa_handler = nothing}; sigaction(SIGALRM, &a, 0); long t = now(); ualarm(10000, 0); pid_t p = clone(vfork_child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, 0); printf("a signal does not end vfork: %d\n", now() - t >= 45); printf("status %x\n", reap(p));
  fflush(stdout); pid_t q = fork(); if (!q) { p = clone(vfork_child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, 0); _exit(5); } usleep(10000); char path[64], st[512] = {0}; snprintf(path, 64, "/proc/%d/stat", q); int f = open(path, O_RDONLY); read(f, st, 511); close(f); printf("state in vfork: %c\n", strrchr(st, ')')[2]); kill(q, SIGTERM); usleep(10000); int s; printf("a fatal one does: %d\n", waitpid(q, &s, WNOHANG) == q || reap(q) == SIGTERM);
  fflush(stdout); q = fork(); if (!q) { pthread_t t[3]; for (int i = 0; i < 2; i++) pthread_create(&t[i], 0, sleeping, 0); char b[32]; printf("leader: %d\n", getpid() == syscall(SYS_gettid)); fflush(stdout); pthread_create(&t[2], 0, execing, 0); for (;;) pause(); } int fd[2]; (void)fd; s = reap(q); printf("status %x\n", s);
  // An exit signal of clone does not survive an execve of the parent.
  fflush(stdout); q = fork(); if (!q) { signal(SIGUSR1, SIG_IGN); int pp[2]; pipe(pp); pid_t c = syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0); if (!c) { char x; close(pp[1]); read(pp[0], &x, 1); _exit(0); } char *v[] = {"sh", "-c", "trap 'echo got CHLD' CHLD; exec 3>&-; sleep 0.2; :", 0}; fcntl(pp[1], F_SETFD, FD_CLOEXEC); execv("/bin/sh", v); } printf("status %x\n", reap(q));
}
int main(void) { alarm(40); setvbuf(stdout, 0, _IOFBF, 1 << 16); unshare(CLONE_NEWNS); mount("none", "/", 0, MS_REC | MS_PRIVATE, 0); death(); immunity(); numbers(); umount2("p", MNT_DETACH); orphans(); death_signal(); vforks(); return 0; }
