// Clocks, sleeps, interval timers, POSIX timers.
// flags: -lrt -pthread
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#define T(l, x) do { errno = 0; long r_ = (long)(x); printf("%s: %ld %d\n", l, r_, r_ < 0 ? errno : 0); } while (0)
static volatile int n;
static siginfo_t last;
static void h(int s, siginfo_t *i, void *u) { n++; last = *i; }
static long ms(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000 + t.tv_nsec / 1000000; }
static void burn_until_signal(void) { long e = ms() + 3000; while (!n && ms() < e); }
static void burn(long m) { long e = ms() + m; while (ms() < e); }
int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  struct timespec ts, t2;
  for (int c = -1; c < 14; c++) { char l[32]; sprintf(l, "gettime %d", c); T(l, syscall(SYS_clock_gettime, c, &ts)); sprintf(l, "getres %d", c); errno = 0; int r = syscall(SYS_clock_getres, c, &ts); printf("%s: %d %d ns %ld\n", l, r, r < 0 ? errno : 0, r < 0 ? 0 : ts.tv_nsec); }
  T("gettime fault", syscall(SYS_clock_gettime, 0, 8));
  T("getres null", syscall(SYS_clock_getres, 0, 0));
  clockid_t cid;
  T("clock of self", clock_getcpuclockid(getpid(), &cid));
  T("gettime own cpu clock", clock_gettime(cid, &ts));
  T("clock of none", clock_gettime((~(1 << 22)) << 3 | 2, &ts));
  clock_gettime(CLOCK_REALTIME, &ts);
  struct timeval tv;
  gettimeofday(&tv, 0);
  printf("gettimeofday near: %d time near: %d\n", labs(tv.tv_sec - ts.tv_sec) < 2, labs(time(0) - ts.tv_sec) < 2);
  ts = (struct timespec){0, 1000000000};
  T("nanosleep bad", syscall(SYS_nanosleep, &ts, 0));
  ts = (struct timespec){-1, 0};
  T("nanosleep negative", syscall(SYS_nanosleep, &ts, 0));
  T("nanosleep fault", syscall(SYS_nanosleep, 8, 0));
  ts = (struct timespec){0, 30000000};
  long t0 = ms();
  T("nanosleep", syscall(SYS_nanosleep, &ts, 0));
  printf("slept: %d\n", ms() - t0 >= 29);
  T("clock_nanosleep thread cpu", syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &ts, 0));
  T("clock_nanosleep bad clock", syscall(SYS_clock_nanosleep, 77, 0, &ts, 0));
  T("clock_nanosleep coarse", syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_COARSE, 0, &ts, 0));
  T("clock_nanosleep raw", syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &ts, 0));
  clock_gettime(CLOCK_REALTIME, &t2);
  T("clock_nanosleep past", clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t2, 0));
  t2.tv_nsec += 20000000; if (t2.tv_nsec >= 1000000000) { t2.tv_sec++; t2.tv_nsec -= 1000000000; }
  T("clock_nanosleep abs", clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t2, 0));
  T("clock_nanosleep tai", clock_nanosleep(CLOCK_TAI, 0, &ts, 0));
  T("clock_nanosleep boottime", clock_nanosleep(CLOCK_BOOTTIME, 0, &ts, 0));
  T("settime monotonic", clock_settime(CLOCK_MONOTONIC, &ts));
  T("settime cpu", clock_settime(CLOCK_PROCESS_CPUTIME_ID, &ts));
  ts = (struct timespec){1, 2000000000};
  T("settime bad", clock_settime(CLOCK_REALTIME, &ts));
  // itimers
  struct sigaction a = {.sa_sigaction = h, .sa_flags = SA_SIGINFO};
  sigaction(SIGALRM, &a, 0); sigaction(SIGVTALRM, &a, 0); sigaction(SIGPROF, &a, 0); sigaction(SIGRTMIN, &a, 0);
  struct itimerval it = {{0, 10000}, {0, 10000}}, old;
  T("setitimer", setitimer(ITIMER_REAL, &it, 0));
  n = 0;
  while (n < 4) pause();
  printf("real ticks: %d code %d\n", n >= 4, last.si_code);
  memset(&it, 0, sizeof it);
  T("setitimer off", setitimer(ITIMER_REAL, &it, &old));
  printf("old interval: %ld\n", old.it_interval.tv_usec);
  T("setitimer which", setitimer(9, &it, 0));
  it.it_value.tv_usec = 1000000;
  T("setitimer usec", setitimer(ITIMER_REAL, &it, 0));
  it = (struct itimerval){{0, 0}, {0, 20000}};
  n = 0;
  setitimer(ITIMER_VIRTUAL, &it, 0);
  burn_until_signal();
  printf("virtual: %d signo %d\n", n, last.si_signo);
  n = 0;
  setitimer(ITIMER_PROF, &it, 0);
  burn_until_signal();
  printf("prof: %d signo %d\n", n, last.si_signo);
  T("alarm", alarm(10));
  T("alarm again", alarm(0));
  T("alarm off", alarm(0));
  // POSIX timers
  timer_t id;
  struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 42};
  T("timer_create", timer_create(CLOCK_MONOTONIC, &ev, &id));
  struct itimerspec its = {{0, 5000000}, {0, 5000000}}, cur;
  T("timer_settime", timer_settime(id, 0, &its, 0));
  n = 0;
  while (n < 3) pause();
  printf("timer: code %d value %d\n", last.si_code, last.si_value.sival_int);
  sigset_t s;
  sigemptyset(&s);
  sigaddset(&s, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &s, 0);
  usleep(60000);
  siginfo_t si;
  struct timespec z = {0, 0};
  T("timedwait", sigtimedwait(&s, &si, &z) == SIGRTMIN);
  printf("overrun: %d getoverrun %d\n", si.si_overrun >= 7, timer_getoverrun(id) == si.si_overrun);
  timer_gettime(id, &cur);
  printf("gettime: interval %ld left %d\n", cur.it_interval.tv_nsec, cur.it_value.tv_nsec > 0 && cur.it_value.tv_nsec <= 5000000);
  its = (struct itimerspec){{0, 0}, {0, 0}};
  T("disarm", timer_settime(id, 0, &its, &cur));
  T("delete", timer_delete(id));
  T("delete again", syscall(SYS_timer_delete, 99));
  T("settime none", syscall(SYS_timer_settime, 99, 0, &its, 0));
  ev.sigev_signo = 99;
  T("create bad signo", syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id));
  ev.sigev_signo = SIGRTMIN; ev.sigev_notify = 77;
  T("create bad notify", syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id));
  ev.sigev_notify = SIGEV_THREAD_ID; ev._sigev_un._tid = 1 << 22;
  T("create bad tid", syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id));
  T("create bad clock", syscall(SYS_timer_create, 77, 0, &id));
  T("create raw clock", syscall(SYS_timer_create, CLOCK_MONOTONIC_RAW, 0, &id));
  T("create coarse clock", syscall(SYS_timer_create, CLOCK_REALTIME_COARSE, 0, &id));
  ev.sigev_notify = SIGEV_NONE;
  T("create none", timer_create(CLOCK_REALTIME, &ev, &id));
  its = (struct itimerspec){{0, 0}, {0, 30000000}};
  timer_settime(id, 0, &its, 0);
  usleep(5000);
  timer_gettime(id, &cur);
  printf("none left: %d\n", cur.it_value.tv_nsec >= 0 && cur.it_value.tv_nsec < 26000000);
  usleep(40000);
  timer_gettime(id, &cur);
  printf("none expired: %ld\n", cur.it_value.tv_nsec);
  its.it_value.tv_nsec = 1000000000;
  T("settime bad", timer_settime(id, 0, &its, 0));
  timer_delete(id);
  ev = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
  T("create cpu", timer_create(CLOCK_PROCESS_CPUTIME_ID, &ev, &id));
  its = (struct itimerspec){{0, 0}, {0, 20000000}};
  timer_settime(id, 0, &its, 0);
  n = 0;
  burn_until_signal();
  printf("cpu timer: %d\n", n);
  clock_t ct = clock();
  burn(60);
  ct = clock() - ct;
  printf("clock(): %d\n", ct > 1000 && ct < 120000);
  struct tms tm;
  T("times", times(&tm) > 0);
  struct rusage ru;
  T("getrusage", getrusage(RUSAGE_SELF, &ru));
  T("getrusage bad", getrusage(9, &ru));
  printf("used: %d\n", ru.ru_utime.tv_usec + ru.ru_utime.tv_sec * 1000000 + ru.ru_stime.tv_usec > 10000);
  struct timex tx = {0};
  T("adjtimex", adjtimex(&tx) >= 0);
  // RLIMIT_CPU
  pid_t pid = fork();
  if (!pid) { struct rlimit rl = {1, 5}; setrlimit(RLIMIT_CPU, &rl); for (;;); }
  int st;
  waitpid(pid, &st, 0);
  printf("rlimit cpu: %d\n", WTERMSIG(st));
  return 0;
}
