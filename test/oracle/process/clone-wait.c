// clone, clone3, vfork, wait4, waitid, exit, reparenting, subreaper, thread groups.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <poll.h>
#include <unistd.h>
#define T(label, x) do { errno = 0; long r_ = (long)(x); printf("%s: %ld %s\n", label, r_ < 0 ? -1 : r_, r_ < 0 ? strerror(errno) : ""); } while (0)
static long c3(struct clone_args *a, size_t n) { return syscall(SYS_clone3, a, n); }
static int fn(void *a) { return *(int *)a; }
static char stack[65536] __attribute__((aligned(16)));
static void *sleeper(void *a) { for (;;) pause(); }
static void *execer(void *a) { execl("/bin/sh", "sh", "-c", "exit 33", (char *)0); return 0; }
static void *exiter(void *a) { usleep(20000); exit(44); }
static volatile int tidvar = 5;
int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  int st, r;
  pid_t pid;
  T("clone thread no sighand", syscall(SYS_clone, CLONE_THREAD | CLONE_VM, 0, 0, 0, 0));
  T("clone sighand no vm", syscall(SYS_clone, CLONE_SIGHAND, 0, 0, 0, 0));
  T("clone newns fs", syscall(SYS_clone, CLONE_NEWNS | CLONE_FS, 0, 0, 0, 0));
  T("clone pidfd and settid same", syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID, 0, &st, 0, 0));
  T("clone pidfd detached", syscall(SYS_clone, CLONE_PIDFD | CLONE_DETACHED, 0, &st, 0, 0));
  struct clone_args a;
  memset(&a, 0, sizeof a);
  T("clone3 small", c3(&a, 32));
  T("clone3 big", c3(&a, 5000));
  T("clone3 fault", c3((void *)8, sizeof a));
  a.exit_signal = 65;
  T("clone3 signal 65", c3(&a, sizeof a));
  a.exit_signal = SIGCHLD; a.flags = 1ull << 40;
  T("clone3 flag", c3(&a, sizeof a));
  a.flags = CLONE_DETACHED;
  T("clone3 detached", c3(&a, sizeof a));
  a.flags = 0x10;
  T("clone3 csignal bits", c3(&a, sizeof a));
  a.flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
  T("clone3 thread with signal", c3(&a, sizeof a));
  a.flags = 0; a.stack = (uintptr_t)stack; a.stack_size = 0;
  T("clone3 stack without size", c3(&a, sizeof a));
  a.stack = 0; a.stack_size = 100;
  T("clone3 size without stack", c3(&a, sizeof a));
  a.stack_size = 0; a.set_tid_size = 1;
  T("clone3 set_tid size only", c3(&a, sizeof a));
  a.set_tid_size = 40; pid_t tids[40] = {0}; a.set_tid = (uintptr_t)tids;
  T("clone3 set_tid too many", c3(&a, sizeof a));
  a.set_tid_size = 1; tids[0] = -5;
  T("clone3 set_tid negative", c3(&a, sizeof a));
  tids[0] = getpid();
  T("clone3 set_tid taken", c3(&a, sizeof a));
  a.set_tid = 0; a.set_tid_size = 0; a.flags = CLONE_CLEAR_SIGHAND | CLONE_SIGHAND | CLONE_VM; 
  T("clone3 clear and share", c3(&a, sizeof a));
  int pidfd = -1, ptid = 0;
  memset(&a, 0, sizeof a);
  a.flags = CLONE_PIDFD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
  a.exit_signal = SIGCHLD; a.pidfd = (uintptr_t)&pidfd; a.parent_tid = (uintptr_t)&ptid; a.child_tid = (uintptr_t)&tidvar;
  pid = c3(&a, sizeof a);
  if (!pid) _exit(tidvar == getpid() && syscall(SYS_gettid) == getpid() ? 11 : 12);
  printf("clone3 ptid: %d pidfd %d cloexec %d\n", ptid == pid, pidfd > 2, fcntl(pidfd, F_GETFD));
  struct pollfd pf = {pidfd, POLLIN, 0};
  r = poll(&pf, 1, 1000);
  printf("pidfd poll: %d %x\n", r, pf.revents);
  siginfo_t si;
  memset(&si, 0, sizeof si);
  r = waitid(P_PIDFD, pidfd, &si, WEXITED | WNOWAIT);
  printf("waitid pidfd: %d code %d status %d tidvar %d\n", r, si.si_code, si.si_status, tidvar);
  r = waitid(P_PIDFD, pidfd, &si, WEXITED);
  printf("waitid pidfd again: %d\n", r);
  T("waitid pidfd gone", waitid(P_PIDFD, pidfd, &si, WEXITED));
  T("pidfd send gone", syscall(SYS_pidfd_send_signal, pidfd, 0, 0, 0));
  T("waitid no options", waitid(P_ALL, 0, &si, 0));
  T("waitid bad type", waitid(9, 0, &si, WEXITED));
  T("waitid bad options", waitid(P_ALL, 0, &si, WEXITED | 0x100));
  T("wait4 bad options", wait4(-1, 0, 0x100, 0));
  T("wait4 no child", wait4(-1, 0, 0, 0));
  T("wait4 int min", wait4(-2147483647 - 1, 0, 0, 0));
  T("waitid not a pidfd", waitid(P_PIDFD, 0, &si, WEXITED));
  int val = 21;
  pid = clone(fn, stack + sizeof stack, CLONE_VM | CLONE_FS | CLONE_FILES, &val);
  T("wait clone child plain", waitpid(pid, &st, 0));
  r = waitpid(pid, &st, __WCLONE);
  printf("wait clone child: %d %x\n", r == pid, st);
  signal(SIGUSR1, SIG_IGN);
  pid = clone(fn, stack + sizeof stack, CLONE_VM | SIGUSR1, &val);
  r = waitpid(pid, &st, __WALL);
  printf("wait __WALL: %d %x\n", r == pid, st);
  signal(SIGUSR1, SIG_DFL);
  // vfork shares memory and waits
  val = 1;
  pid = vfork();
  if (!pid) { val = 99; _exit(3); }
  printf("vfork: val %d\n", val);
  waitpid(pid, &st, 0);
  printf("vfork exit: %x\n", st);
  // exit status forms
  pid = fork();
  if (!pid) _exit(0x1ff);
  waitpid(pid, &st, 0);
  printf("exit ff: %x\n", st);
  pid = fork();
  if (!pid) { kill(getpid(), SIGKILL); pause(); }
  waitpid(pid, &st, 0);
  printf("killed: %x\n", st);
  // rusage
  struct rusage ru;
  pid = fork();
  if (!pid) { for (volatile long i = 0; i < 30000000; i++); _exit(0); }
  r = wait4(pid, &st, 0, &ru);
  printf("rusage: %d time %d\n", r == pid, ru.ru_utime.tv_sec * 1000000 + ru.ru_utime.tv_usec + ru.ru_stime.tv_sec * 1000000 + ru.ru_stime.tv_usec > 5000);
  // reparenting to a subreaper
  T("subreaper", prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
  int p[2];
  pipe(p);
  pid = fork();
  if (!pid) {
    pid_t g = fork();
    if (!g) { while (getppid() != 1 && getppid() == getpgid(0) * 0 + getppid()) { static int first; if (!first) first = getppid(); if (getppid() != first) break; usleep(1000); } int pp = getppid(); write(p[1], &pp, 4); _exit(8); }
    usleep(30000);
    _exit(0);
  }
  waitpid(pid, &st, 0);
  int pp = 0;
  read(p[0], &pp, 4);
  printf("reparented to subreaper: %d\n", pp == getpid());
  r = wait(&st);
  printf("reaped grandchild: %d %x\n", r > 0, st);
  prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
  // parent death signal
  pipe(p);
  pid = fork();
  if (!pid) {
    pid_t g = fork();
    if (!g) { prctl(PR_SET_PDEATHSIG, SIGUSR2); sigset_t s; sigemptyset(&s); sigaddset(&s, SIGUSR2); sigprocmask(SIG_BLOCK, &s, 0); write(p[1], "r", 1); int sig = 0; sigwait(&s, &sig); write(p[1], sig == SIGUSR2 ? "y" : "n", 1); _exit(0); }
    char c; read(p[0], &c, 1);
    _exit(0);
  }
  waitpid(pid, &st, 0);
  char c = 0;
  read(p[0], &c, 1);
  printf("pdeathsig: %c\n", c);
  // exit_group by a thread, by exec from a thread, leader exits first
  pid = fork();
  if (!pid) { pthread_t t; pthread_create(&t, 0, sleeper, 0); pthread_create(&t, 0, exiter, 0); for (;;) pause(); }
  waitpid(pid, &st, 0);
  printf("exit from thread: %x\n", st);
  pid = fork();
  if (!pid) { pthread_t t; pthread_create(&t, 0, sleeper, 0); pthread_create(&t, 0, execer, 0); for (;;) pause(); }
  r = waitpid(pid, &st, 0);
  printf("exec from thread: %d %x\n", r == pid, st);
  pid = fork();
  if (!pid) { pthread_t t; pthread_create(&t, 0, exiter, 0); pthread_exit(0); }
  r = waitpid(pid, &st, 0);
  printf("leader first: %d %x\n", r == pid, st);
  pid = fork();
  if (!pid) { pthread_t t; pthread_create(&t, 0, sleeper, 0); usleep(10000); kill(getpid(), SIGTERM); for (;;) pause(); }
  waitpid(pid, &st, 0);
  printf("term threads: %x\n", st);
  // setpgid after exec
  pipe(p);
  pid = fork();
  if (!pid) { dup2(p[1], 1); execl("/bin/sh", "sh", "-c", "echo; exec sleep 5", (char *)0); }
  read(p[0], &c, 1);
  T("setpgid after exec", setpgid(pid, pid));
  kill(pid, SIGKILL);
  waitpid(pid, &st, 0);
  // RLIMIT_NPROC for a plain user
  pid = fork();
  if (!pid) { struct rlimit rl = {0, 0}; setrlimit(RLIMIT_NPROC, &rl); setresuid(12345, 12345, 12345); errno = 0; r = fork(); _exit(r < 0 ? errno : 0); }
  waitpid(pid, &st, 0);
  printf("nproc: %d\n", WEXITSTATUS(st));
  return 0;
}
