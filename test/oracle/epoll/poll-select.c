// poll, ppoll, select, pselect: results, timeouts, masks, restarts.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static int n, hits;
#define T(what, e) do { errno = 0; long r_ = (long)(e); printf("%02d %s: %ld %d\n", n++, what, r_, r_ < 0 ? errno : 0); } while (0)
static void handler(int sig) { (void)sig; hits++; }
static long now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000 + t.tv_nsec / 1000000; }
static void later(int sig, int ms) { if (!fork()) { usleep(ms * 1000); kill(getppid(), sig); _exit(0); } }

int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  int p[2]; pipe(p);
  int file = open("/etc/passwd", O_RDONLY), null = open("/dev/null", O_RDWR), dir = open("/", O_RDONLY), path = open("/", O_PATH);
  struct pollfd f[8] = {{p[0], POLLIN, -1}, {p[1], POLLOUT, -1}, {-5, POLLIN, -1}, {999, POLLIN, -1}, {file, 0x7fff, -1}, {null, 0x7fff, -1}, {dir, 0x7fff, -1}, {path, 0x7fff, -1}};
  T("poll", poll(f, 8, 0)); for (int i = 0; i < 8; i++) printf("%02d revents %d: %x\n", n, i, f[i].revents & 0xffff);
  long t = now(); T("timeout", poll(f, 1, 40)); t = now() - t; T("elapsed", t >= 39 && t < 1000); T("sleep only", poll(0, 0, 10)); T("fault", poll((void *)8, 1, 0));
  struct rlimit rl; getrlimit(RLIMIT_NOFILE, &rl); T("too many", poll(f, rl.rlim_cur + 1, 0));
  write(p[1], "x", 1); T("in", poll(f, 1, -1)); T("revents", f[0].revents);
  char b[10]; read(p[0], b, 1); close(p[1]); T("hup", poll(f, 2, -1)); T("revents", f[0].revents); T("revents", f[1].revents); f[0].events = 0; T("hup unasked", poll(f, 1, -1)); T("revents", f[0].revents); close(p[0]);
  pipe(p); f[0] = (struct pollfd){p[1], POLLOUT, 0}; close(p[0]); T("err", poll(f, 1, -1)); T("revents", f[0].revents); close(p[1]); pipe(p);
  f[0] = (struct pollfd){p[0], POLLIN, 0};
  struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART}; sigaction(SIGUSR1, &sa, 0);
  later(SIGUSR1, 30); T("eintr", poll(f, 1, 5000)); wait(0);
  sigset_t m, old; sigemptyset(&m); sigaddset(&m, SIGUSR1); sigprocmask(SIG_BLOCK, &m, &old); kill(getpid(), SIGUSR1); sigemptyset(&m); hits = 0; struct timespec ts = {5, 0}; T("ppoll mask", ppoll(f, 1, &ts, &m)); T("hits", hits); T("ts kept by glibc", ts.tv_sec); sigprocmask(SIG_SETMASK, 0, &m); T("blocked again", sigismember(&m, SIGUSR1));
  struct timespec raw = {5, 0}; later(SIGUSR1, 50); sigset_t none; sigemptyset(&none); T("raw ppoll", syscall(SYS_ppoll, f, 1, &raw, &none, 8)); T("time left", raw.tv_sec == 4 && raw.tv_nsec > 800000000 && raw.tv_nsec < 999000000); wait(0);
  raw.tv_nsec = 1000000000; T("bad ts", syscall(SYS_ppoll, f, 1, &raw, 0, 8)); raw.tv_nsec = 0; T("bad size", syscall(SYS_ppoll, f, 1, &raw, &none, 4)); raw.tv_sec = -1; T("negative", syscall(SYS_ppoll, f, 1, &raw, 0, 8)); raw = (struct timespec){0, 0}; T("zero", syscall(SYS_ppoll, f, 1, &raw, 0, 8));
  sigprocmask(SIG_SETMASK, &old, 0);
  // ignored signal and stop/continue restart the call
  signal(SIGUSR2, SIG_IGN); later(SIGUSR2, 20); t = now(); T("ignored", poll(f, 1, 100)); t = now() - t; T("full time", t >= 99); wait(0);
  int c = fork(); if (!c) { long a = now(); int r = poll(f, 1, 200); a = now() - a; _exit(r == 0 && a >= 199 && a < 1500 ? 0 : 1); } usleep(30000); kill(c, SIGSTOP); usleep(30000); kill(c, SIGCONT); int st; waitpid(c, &st, 0); T("stopped poll", st);
  // select
  fd_set r, w, x; FD_ZERO(&r); FD_ZERO(&w); FD_ZERO(&x); FD_SET(p[0], &r); FD_SET(p[1], &w); FD_SET(p[0], &x); struct timeval tv = {0, 0}; T("select", select(p[1] + 1, &r, &w, &x, &tv)); T("r", FD_ISSET(p[0], &r)); T("w", FD_ISSET(p[1], &w));
  FD_ZERO(&r); FD_SET(file, &r); FD_SET(null, &r); T("files", select(20, &r, 0, 0, 0)); FD_ZERO(&r); FD_SET(63, &r); T("closed fd", select(64, &r, 0, 0, &tv)); T("negative", select(-1, 0, 0, 0, &tv)); FD_ZERO(&r); FD_SET(path, &r); T("o_path", select(20, &r, 0, 0, &tv)); T("fault", select(10, (void *)8, 0, 0, &tv));
  tv = (struct timeval){0, 50000}; t = now(); FD_ZERO(&r); FD_SET(p[0], &r); T("timeout", select(20, &r, 0, 0, &tv)); t = now() - t; T("elapsed", t >= 49 && t < 1000); T("left", tv.tv_sec * 1000000 + tv.tv_usec); T("cleared", FD_ISSET(p[0], &r)); tv = (struct timeval){0, 1500000}; T("usec over", select(0, 0, 0, 0, &(struct timeval){0, 20000})); tv = (struct timeval){-1, 0}; T("neg tv", select(0, 0, 0, 0, &tv));
  tv = (struct timeval){5, 0}; FD_ZERO(&r); FD_SET(p[0], &r); later(SIGUSR1, 50); T("eintr", select(20, &r, 0, 0, &tv)); T("left", tv.tv_sec == 4 && tv.tv_usec > 800000); T("set kept", FD_ISSET(p[0], &r)); wait(0);
  sigaddset(&m, SIGUSR1); sigprocmask(SIG_BLOCK, &m, &old); hits = 0; kill(getpid(), SIGUSR1); ts = (struct timespec){2, 0}; sigemptyset(&none); FD_ZERO(&r); FD_SET(p[0], &r); T("pselect", pselect(20, &r, 0, 0, &ts, &none)); T("hits", hits); write(p[1], "x", 1); FD_SET(p[0], &r); kill(getpid(), SIGUSR1); T("pselect ready", pselect(20, &r, 0, 0, &ts, &none)); T("hits", hits); sigprocmask(SIG_SETMASK, &old, 0); T("hits", hits);
  read(p[0], b, 1); if (!fork()) { usleep(30000); write(p[1], "y", 1); _exit(0); } FD_ZERO(&r); FD_SET(p[0], &r); T("woken", select(20, &r, 0, 0, 0)); wait(0);
  close(p[1]); FD_ZERO(&r); FD_SET(p[0], &r); read(p[0], b, 1); T("eof readable", select(20, &r, 0, 0, 0));
  // fd closed by another thread while waiting, big fd
  int big = fcntl(p[0], F_DUPFD, 700); struct { unsigned long w[32]; } huge = {0}; huge.w[big / 64] |= 1ul << (big % 64); T("big fd", syscall(SYS_select, big + 1, &huge, 0, 0, 0));
  return 0;
}
