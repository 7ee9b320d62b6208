// flags: -static -pthread
// timeout: 60
// Calls that were interrupted for a stop and no handler go on: attach, interrupt, detach, group stops of one and of several threads; nothing leaks.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/futex.h>
static const char *kinds[] = {"nanosleep", "clock_nanosleep", "poll", "futex", "pause", "read", "wait4", "sigsuspend", "sigtimedwait", "ppoll"};
static int fds[2];
static void waits(int kind) {
  struct timespec ts = {0, 400000000}; long r = -2; char c; int word = 0; sigset_t none, usr; sigemptyset(&none); sigemptyset(&usr); sigaddset(&usr, SIGUSR1);
  errno = 0;
  switch (kind) {
    case 0: r = syscall(SYS_nanosleep, &ts, NULL); break;
    case 1: r = syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &ts, &ts); break;
    case 2: r = syscall(SYS_poll, NULL, 0, 400); break;
    case 3: r = syscall(SYS_futex, &word, FUTEX_WAIT, 0, &ts); break;
    case 4: alarm(1); r = pause(); break;
    case 5: r = read(fds[0], &c, 1); break;
    case 6: { int p = fork(); if (p == 0) { usleep(400000); _exit(3); } int st; r = wait4(p, &st, 0, NULL) == p ? WEXITSTATUS(st) : -1; break; }
    case 7: alarm(1); r = sigsuspend(&none); break;
    case 8: r = syscall(SYS_rt_sigtimedwait, &usr, NULL, &ts, 8); break;
    case 9: r = syscall(SYS_ppoll, NULL, 0, &ts, NULL, 8); break;
  }
  int e = errno; char b[80]; int n = snprintf(b, sizeof b, " -> %ld %s", r, r < 0 ? strerrorname_np(e) ? strerrorname_np(e) : "unknown" : ""); write(1, b, n); _exit(0);
}
static void on_alarm(int s) { (void)s; }
static void *thread(void *a) { struct timespec ts = {0, 400000000}; long r = syscall(SYS_nanosleep, &ts, NULL); *(int *)a = r < 0 ? errno : 0; return a; }
int main(void) {
  signal(SIGALRM, on_alarm);
  for (int how = 0; how < 6; how++) for (int kind = 0; kind < 10; kind++) {
    pipe(fds); printf("%d %s", how, kinds[kind]); fflush(stdout); int p = fork(), st; if (p == 0) { close(fds[1]); waits(kind); }
    usleep(30000); long r = 0;
    switch (how) {
      case 0: ptrace(PTRACE_SEIZE, p, 0, 0); ptrace(PTRACE_INTERRUPT, p, 0, 0); waitpid(p, &st, __WALL); r = ptrace(PTRACE_DETACH, p, 0, 0); break;
      case 1: ptrace(PTRACE_SEIZE, p, 0, 0); ptrace(PTRACE_INTERRUPT, p, 0, 0); waitpid(p, &st, __WALL); r = ptrace(PTRACE_CONT, p, 0, 0); usleep(30000); ptrace(PTRACE_INTERRUPT, p, 0, 0); waitpid(p, &st, __WALL); ptrace(PTRACE_DETACH, p, 0, 0); break;
      case 2: ptrace(PTRACE_ATTACH, p, 0, 0); waitpid(p, &st, __WALL); r = ptrace(PTRACE_DETACH, p, 0, 0); break;
      case 3: ptrace(PTRACE_ATTACH, p, 0, 0); waitpid(p, &st, __WALL); r = ptrace(PTRACE_CONT, p, 0, 0); usleep(20000); kill(p, SIGUSR2); waitpid(p, &st, __WALL); r = ptrace(PTRACE_DETACH, p, 0, 0); break;
      case 4: kill(p, SIGSTOP); waitpid(p, &st, WUNTRACED); kill(p, SIGCONT); break;
      case 5: ptrace(PTRACE_SEIZE, p, 0, 0); kill(p, SIGSTOP); waitpid(p, &st, __WALL); ptrace(PTRACE_CONT, p, 0, SIGSTOP); waitpid(p, &st, __WALL); printf(" %x", st >> 8); fflush(stdout); kill(p, SIGCONT); r = ptrace(PTRACE_DETACH, p, 0, 0); break;
    }
    if (kind == 5) { usleep(20000); write(fds[1], "x", 1); }
    waitpid(p, &st, 0); printf(" | %ld %x\n", r, st); close(fds[0]); close(fds[1]);
  }
  // Threads of one process that all sleep when it is stopped.
  fflush(stdout); int p = fork(), st; if (p == 0) { pthread_t t[3]; int e[3]; for (int i = 0; i < 3; i++) pthread_create(t + i, 0, thread, e + i); for (int i = 0; i < 3; i++) pthread_join(t[i], 0); printf("threads %d %d %d\n", e[0], e[1], e[2]); exit(0); }
  usleep(50000); kill(p, SIGSTOP); waitpid(p, &st, WUNTRACED); printf("%x\n", st); fflush(stdout); kill(p, SIGCONT); waitpid(p, &st, 0); printf("%x\n", st);
  return 0;
}
