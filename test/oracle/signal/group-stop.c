// Job control: stops and continues of whole processes, wait reports, orphaned groups, SIGCHLD flags.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static volatile int chld;
static siginfo_t last;
static void on_chld(int s, siginfo_t *i, void *u) { chld++; last = *i; }
static void *spin(void *a) { for (;;) usleep(1000); }
static int checks(void);
// The checks run in a group of their own below a process of the same session: that group is not orphaned, whoever started the test.
int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  pid_t pid = fork();
  if (!pid) { setpgid(0, 0); exit(checks()); }
  setpgid(pid, pid);
  int st = 0;
  waitpid(pid, &st, 0);
  return WEXITSTATUS(st);
}
static int checks(void) {
  struct sigaction a = {.sa_sigaction = on_chld, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigaction(SIGCHLD, &a, 0);
  int st, r;
  pid_t pid = fork();
  if (!pid) { pthread_t t; pthread_create(&t, 0, spin, 0); for (;;) pause(); }
  usleep(30000);
  kill(pid, SIGSTOP);
  r = waitpid(pid, &st, WUNTRACED);
  printf("wait stopped: %d %x\n", r == pid, st);
  for (int i = 0; i < 1000 && !chld; i++) usleep(1000);
  printf("chld: %d code %d status %d\n", chld, last.si_code, last.si_status);
  printf("second report: %d\n", waitpid(pid, &st, WUNTRACED | WNOHANG));
  siginfo_t si;
  memset(&si, 0, sizeof si);
  kill(pid, SIGCONT);
  r = waitid(P_PID, pid, &si, WCONTINUED);
  printf("waitid cont: %d code %d status %d pid %d\n", r, si.si_code, si.si_status, si.si_pid == pid);
  for (int i = 0; i < 1000 && last.si_code != CLD_CONTINUED; i++) usleep(1000);
  printf("chld code: %d\n", last.si_code);
  kill(pid, SIGTSTP);
  memset(&si, 0, sizeof si);
  r = waitid(P_PID, pid, &si, WSTOPPED | WNOWAIT);
  printf("waitid tstp nowait: %d code %d status %d\n", r, si.si_code, si.si_status);
  memset(&si, 0, sizeof si);
  r = waitid(P_PID, pid, &si, WSTOPPED);
  printf("waitid tstp: %d code %d status %d\n", r, si.si_code, si.si_status);
  kill(pid, SIGTERM);
  memset(&si, 0, sizeof si);
  r = waitid(P_PID, pid, &si, WEXITED | WNOHANG);
  printf("term while stopped: %d pid %d\n", r, si.si_pid);
  kill(pid, SIGCONT);
  printf("wait term: %d", waitpid(pid, &st, 0) == pid);
  printf(" %x\n", st);
  // SIGKILL ends a stopped process
  pid = fork();
  if (!pid) for (;;) pause();
  kill(pid, SIGSTOP);
  waitpid(pid, &st, WUNTRACED);
  kill(pid, SIGKILL);
  waitpid(pid, &st, 0);
  printf("kill stopped: %x\n", st);
  // SA_NOCLDSTOP
  a.sa_flags |= SA_NOCLDSTOP;
  sigaction(SIGCHLD, &a, 0);
  chld = 0;
  pid = fork();
  if (!pid) for (;;) pause();
  kill(pid, SIGSTOP);
  waitpid(pid, &st, WUNTRACED);
  printf("nocldstop: %d\n", chld);
  kill(pid, SIGKILL);
  waitpid(pid, &st, 0);
  printf("nocldstop exit: %d code %d status %d\n", chld, last.si_code, last.si_status);
  // SA_NOCLDWAIT and SIG_IGN reap at once
  a.sa_flags = SA_NOCLDWAIT | SA_SIGINFO;
  sigaction(SIGCHLD, &a, 0);
  pid = fork();
  if (!pid) _exit(0);
  r = waitpid(pid, &st, 0);
  printf("nocldwait: %d %d\n", r, errno);
  signal(SIGCHLD, SIG_IGN);
  pid = fork();
  if (!pid) _exit(0);
  r = wait(&st);
  printf("ignored: %d %d\n", r, errno);
  signal(SIGCHLD, SIG_DFL);
  // an orphaned stopped group gets SIGHUP and SIGCONT
  int p[2];
  pipe(p);
  pid = fork();
  if (!pid) {
    setsid();
    pid_t mid = fork();
    if (!mid) {
      setpgid(0, 0);
      pid_t leaf = fork();
      if (!leaf) { kill(getpid(), SIGSTOP); write(p[1], "C", 1); _exit(0); }
      waitpid(leaf, &st, WUNTRACED);
      write(p[1], "S", 1);
      _exit(0);
    }
    waitpid(mid, &st, 0);
    usleep(50000);
    _exit(0);
  }
  close(p[1]);
  waitpid(pid, &st, 0);
  char buf[8] = "";
  int n = 0, k;
  while ((k = read(p[0], buf + n, 7 - n)) > 0) n += k;
  printf("orphan group: %s\n", buf);
  // SIGTSTP in an orphaned group is ignored, SIGSTOP is not
  pid = fork();
  if (!pid) { setsid(); raise(SIGTSTP); _exit(7); }
  waitpid(pid, &st, WUNTRACED);
  printf("orphan tstp: %x\n", st);
  // setpgid rules
  pid = fork();
  if (!pid) { pause(); _exit(0); }
  printf("setpgid child: %d\n", setpgid(pid, pid));
  printf("getpgid child: %d\n", getpgid(pid) == pid);
  r = setpgid(1 << 22, 0);
  printf("setpgid none: %d %d\n", r, errno);
  r = setpgid(0, -1);
  printf("setpgid neg: %d %d\n", r, errno);
  r = setpgid(pid, 1 << 22);
  printf("setpgid other session group: %d %d\n", r, errno);
  printf("kill group: %d\n", killpg(pid, SIGTERM));
  waitpid(-pid, &st, 0);
  printf("wait group: %x\n", st);
  r = getsid(1 << 22);
  printf("getsid none: %d %d\n", r, errno);
  pid = fork();
  if (!pid) { setpgid(0, 0); errno = 0; int s1 = setsid(); _exit(s1 == -1 ? errno : 50); }
  waitpid(pid, &st, 0);
  printf("setsid of leader: %d\n", WEXITSTATUS(st));
  return 0;
}
