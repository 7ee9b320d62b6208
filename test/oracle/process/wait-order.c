// Which of several dead children a wait reports first, and that the living and the traced among them change nothing.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <string.h>
#include <unistd.h>

static pid_t kids[200]; static int n;
static int index_of(pid_t p) { for (int i = 0; i < n; i++) if (kids[i] == p) return i; return p == 0 ? 0 : -1; }
static void settle(pid_t p) { siginfo_t s; waitid(P_PID, p, &s, WEXITED | WNOWAIT); }
static pid_t sleeper(void) { pid_t p = fork(); if (!p) for (;;) pause(); return kids[n++] = p; }
static void reap(const char *what, int options) { int st = 0; errno = 0; pid_t p = waitpid(-1, &st, options); printf("%s: %d status %x %s\n", what, p < 0 ? -1 : index_of(p), st, p < 0 ? strerrorname_np(errno) : ""); fflush(stdout); }
static void *thread_kids(void *a) { (void)a; sleeper(); sleeper(); return 0; }

int main() {
  reap("no children", WNOHANG);
  for (int i = 0; i < 6; i++) sleeper();
  reap("all alive", WNOHANG); reap("clone children", WNOHANG | __WCLONE); reap("any kind", WNOHANG | __WALL);
  kill(kids[4], 9); settle(kids[4]); kill(kids[1], 15); settle(kids[1]); kill(kids[3], 9); settle(kids[3]);
  siginfo_t s = {0}; waitid(P_ALL, 0, &s, WEXITED | WNOWAIT); printf("looked at %d code %d\n", index_of(s.si_pid), s.si_code);
  waitid(P_PGID, getpgrp(), &s, WEXITED | WNOWAIT); printf("of the group %d\n", index_of(s.si_pid));
  for (int i = 0; i < 4; i++) reap("three dead", WNOHANG);
  kill(kids[2], SIGSTOP); waitid(P_PID, kids[2], &s, WSTOPPED | WNOWAIT); reap("stopped is not dead", WNOHANG); reap("stopped", WNOHANG | WUNTRACED); reap("stopped once", WNOHANG | WUNTRACED);
  pthread_t t; pthread_create(&t, 0, thread_kids, 0); pthread_join(t, 0);
  kill(kids[7], 9); settle(kids[7]); kill(kids[0], 9); settle(kids[0]); reap("of another thread's", WNOHANG); reap("of another thread's", WNOHANG); reap("done", WNOHANG);
  // An orphan comes behind the children that were there.
  prctl(PR_SET_CHILD_SUBREAPER, 1); int p[2]; pipe(p); pid_t m = fork();
  if (!m) { pid_t g = fork(); if (!g) for (;;) pause(); write(p[1], &g, sizeof g); _exit(3); }
  pid_t orphan; read(p[0], &orphan, sizeof orphan); settle(m); kids[n++] = m; kids[n++] = orphan; sleeper();
  kill(orphan, 9); kill(kids[n - 1], 9); usleep(50000); settle(m); settle(kids[n - 1]); settle(orphan);
  for (int i = 0; i < 4; i++) reap("orphan", WNOHANG);
  // A traced child is reported through its tracer's list.
  pid_t d = sleeper(), e = sleeper(); ptrace(PTRACE_SEIZE, e, 0, 0); kill(e, 9); settle(e); kill(d, 9); settle(d); reap("traced", WNOHANG); reap("traced", WNOHANG); reap("traced", WNOHANG);
  // A child that tells nobody, and one that ends with its threads.
  pid_t c = syscall(SYS_clone, 0, 0, 0, 0, 0); if (!c) _exit(5); kids[n++] = c; usleep(50000); reap("quiet, not a clone child", WNOHANG); reap("quiet", WNOHANG | __WCLONE);
  int many = n; for (int i = 0; i < 100; i++) sleeper(); for (int i = 0; i < 100; i += 2) { kill(kids[many + 99 - i], 9); settle(kids[many + 99 - i]); }
  for (int i = 0; i < 51; i++) { pid_t q = waitpid(-1, 0, WNOHANG); printf("%d ", q > 0 ? index_of(q) - many : q); } printf("\n");
  for (int i = 0; i < n; i++) if (kids[i] > 0) kill(kids[i], 9);
  int left = 0; while (waitpid(-1, 0, 0) > 0) left++; printf("left %d\n", left); reap("end", 0);
  return 0;
}
