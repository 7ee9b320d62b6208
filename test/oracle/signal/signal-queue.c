// Pending signals, real-time queues, masks, sigtimedwait, sigsuspend, errors.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static int order[64], n, values[64];
static void h(int s, siginfo_t *i, void *u) { values[n] = i->si_value.sival_int; order[n++] = s; }
int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  sigset_t all, none, s, pend;
  sigfillset(&all);
  sigemptyset(&none);
  struct sigaction a = {.sa_sigaction = h, .sa_flags = SA_SIGINFO};
  for (int i = 1; i < 65; i++) sigaction(i, &a, 0);
  sigprocmask(SIG_SETMASK, &all, 0);
  sigprocmask(SIG_SETMASK, 0, &s);
  printf("kill blocked: %d stop %d usr1 %d\n", sigismember(&s, SIGKILL), sigismember(&s, SIGSTOP), sigismember(&s, SIGUSR1));
  for (int i = 0; i < 3; i++) { sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = 10 + i}); sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 20 + i}); sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 30 + i}); }
  sigpending(&pend);
  printf("pending: usr1 %d usr2 %d rt1 %d rt2 %d\n", sigismember(&pend, SIGUSR1), sigismember(&pend, SIGUSR2), sigismember(&pend, SIGRTMIN + 1), sigismember(&pend, SIGRTMIN + 2));
  siginfo_t si;
  struct timespec z = {0, 0};
  sigemptyset(&s);
  sigaddset(&s, SIGRTMIN + 2);
  int r = sigtimedwait(&s, &si, &z);
  printf("timedwait: %d value %d code %d\n", r - SIGRTMIN, si.si_value.sival_int, si.si_code);
  sigsuspend(&none);
  printf("order:");
  for (int i = 0; i < n; i++) printf(" %d/%d", order[i] >= SIGRTMIN ? order[i] - SIGRTMIN + 100 : order[i], values[i]);
  printf("\n");
  r = sigtimedwait(&s, &si, &z);
  { errno = 0; long r0 = r; printf("timedwait none: %ld %d\n", r0, errno); }
  struct timespec ms = {0, 20000000};
  r = sigtimedwait(&s, &si, &ms);
  { errno = 0; long r0 = r; printf("timedwait timeout: %ld %d\n", r0, errno); }
  struct timespec bad = {0, 1000000000};
  r = sigtimedwait(&s, &si, &bad);
  { errno = 0; long r0 = r; printf("timedwait bad: %ld %d\n", r0, errno); }
  pid_t pid = fork();
  if (!pid) { usleep(30000); sigqueue(getppid(), SIGRTMIN + 2, (union sigval){.sival_int = 77}); _exit(0); }
  r = sigwaitinfo(&s, &si);
  printf("waitinfo: %d value %d pid %d\n", r - SIGRTMIN, si.si_value.sival_int, si.si_pid == pid);
  waitpid(pid, 0, 0);
  n = 0;
  // SIGCONT and stops cancel each other
  kill(getpid(), SIGTSTP);
  sigpending(&pend);
  printf("tstp pending: %d\n", sigismember(&pend, SIGTSTP));
  kill(getpid(), SIGCONT);
  sigpending(&pend);
  printf("after cont: tstp %d cont %d\n", sigismember(&pend, SIGTSTP), sigismember(&pend, SIGCONT));
  // ignoring drops what is pending
  raise(SIGUSR2);
  signal(SIGUSR2, SIG_IGN);
  sigpending(&pend);
  printf("ignored pending: %d\n", sigismember(&pend, SIGUSR2));
  signal(SIGUSR2, SIG_DFL);
  // errors
  { errno = 0; long r0 = kill(getpid(), 65); printf("kill 65: %ld %d\n", r0, errno); }
  { errno = 0; long r0 = kill(getpid(), -1); printf("kill -1 sig: %ld %d\n", r0, errno); }
  { errno = 0; long r0 = kill(1 << 22, 0); printf("kill none: %ld %d\n", r0, errno); }
  { errno = 0; long r0 = kill(-(1 << 22), 0); printf("kill pgrp none: %ld %d\n", r0, errno); }
  { errno = 0; long r0 = syscall(SYS_tgkill, 0, 0, 0); printf("tgkill 0: %ld %d\n", r0, errno); }
  { errno = 0; long r0 = syscall(SYS_tgkill, getppid(), getpid(), 0); printf("tgkill mismatch: %ld %d\n", r0, errno); }
  printf("tgkill self: %ld\n", syscall(SYS_tgkill, getpid(), getpid(), 0));
  { errno = 0; long r0 = sigaction(SIGKILL, &a, 0); printf("sigaction kill: %ld %d\n", r0, errno); }
  { errno = 0; long r0 = syscall(SYS_rt_sigaction, 0, 0, 0, 8); printf("sigaction 0: %ld %d\n", r0, errno); }
  { errno = 0; long r0 = syscall(SYS_rt_sigaction, 65, 0, 0, 8); printf("sigaction 65: %ld %d\n", r0, errno); }
  { errno = 0; long r0 = syscall(SYS_rt_sigaction, SIGUSR1, 0, 0, 4); printf("sigaction size: %ld %d\n", r0, errno); }
  { errno = 0; long r0 = syscall(SYS_rt_sigprocmask, 9, &s, 0, 8); printf("procmask how: %ld %d\n", r0, errno); }
  { errno = 0; long r0 = syscall(SYS_rt_sigprocmask, 0, &s, 0, 16); printf("procmask size: %ld %d\n", r0, errno); }
  { errno = 0; long r0 = syscall(SYS_rt_sigprocmask, 0, 8, 0, 8); printf("procmask fault: %ld %d\n", r0, errno); }
  memset(&si, 0, sizeof si);
  si.si_code = 0;
  { errno = 0; long r0 = syscall(SYS_rt_sigqueueinfo, getppid(), SIGUSR1, &si); printf("queueinfo user code to other: %ld %d\n", r0, errno); }
  si.si_code = SI_QUEUE;
  { errno = 0; long r0 = syscall(SYS_rt_sigqueueinfo, 1 << 22, SIGUSR1, &si); printf("queueinfo none: %ld %d\n", r0, errno); }
  // RLIMIT_SIGPENDING
  struct rlimit rl = {3, 3};
  setrlimit(RLIMIT_SIGPENDING, &rl);
  int ok = 0;
  for (int i = 0; i < 6; i++) if (sigqueue(getpid(), SIGRTMIN + 5, (union sigval){.sival_int = i}) == 0) ok++;
  printf("queued under limit: %d errno %d\n", ok <= 3, errno);
  // exec keeps ignored, resets handlers, keeps mask
  pid = fork();
  if (!pid) {
    signal(SIGUSR1, SIG_IGN);
    sigemptyset(&s);
    sigaddset(&s, SIGHUP);
    sigprocmask(SIG_SETMASK, &s, 0);
    execl("/bin/grep", "grep", "-E", "Sig(Blk|Ign|Cgt)", "/proc/self/status", (char *)0);
    _exit(1);
  }
  waitpid(pid, 0, 0);
  // flags that do not exist are cleared, SA_UNSUPPORTED too
  struct { void *h; unsigned long flags; void *r; unsigned long mask; } ka = {(void *)1, 0xffffffff & ~0x04000000ul, 0, ~0ul}, ko;
  syscall(SYS_rt_sigaction, SIGUSR2, &ka, 0, 8);
  syscall(SYS_rt_sigaction, SIGUSR2, 0, &ko, 8);
  printf("flags kept: %lx mask %lx\n", ko.flags, ko.mask);
  return 0;
}
