// epoll: modes, errors, nesting, lifetime of registrations.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static int n;
#define T(what, e) do { errno = 0; long r_ = (long)(e); printf("%02d %s: %ld %d\n", n++, what, r_, r_ < 0 ? errno : 0); } while (0)
static struct epoll_event ev[64];
static int add(int ep, int fd, unsigned e) { struct epoll_event v = {e, {.fd = fd}}; return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &v); }
static int mod(int ep, int fd, unsigned e) { struct epoll_event v = {e, {.fd = fd}}; return epoll_ctl(ep, EPOLL_CTL_MOD, fd, &v); }
static int del(int ep, int fd) { return epoll_ctl(ep, EPOLL_CTL_DEL, fd, 0); }
static void show(const char *what, int ep, int ms) {
  int r = epoll_wait(ep, ev, 64, ms);
  printf("%02d %s: %d", n++, what, r);
  for (int i = 0; i < r; i++) printf(" %x", ev[i].events);
  printf("\n");
}
static int ep, p[2], s[2];
static void *writer(void *x) { usleep(30000); write(p[1], "x", 1); return 0; }
static void handler(int sig) { (void)sig; }

int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  T("create 0", epoll_create(0)); T("create1 flags", epoll_create1(1)); T("create1", (ep = epoll_create1(EPOLL_CLOEXEC)) < 0); T("cloexec", fcntl(ep, F_GETFD));
  pipe(p); socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  int file = open("/tmp/epoll-file", O_RDWR | O_CREAT, 0600), dir = open("/", O_RDONLY), null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR), rnd = open("/dev/urandom", O_RDWR);
  T("file", add(ep, file, EPOLLIN)); T("dir", add(ep, dir, EPOLLIN)); T("null", add(ep, null, EPOLLIN)); T("zero", add(ep, zero, EPOLLIN)); T("random", add(ep, rnd, EPOLLIN | EPOLLOUT)); T("del random", del(ep, rnd));
  unlink("/tmp/epoll-file");
  T("self", add(ep, ep, EPOLLIN)); T("badf", add(ep, 999, EPOLLIN)); T("bad ep", add(999, p[0], EPOLLIN)); T("not ep", add(p[0], p[1], EPOLLIN)); T("op", epoll_ctl(ep, 9, p[0], ev)); T("fault", epoll_ctl(ep, EPOLL_CTL_ADD, p[0], (void *)8));
  T("mod missing", mod(ep, p[0], EPOLLIN)); T("del missing", del(ep, p[0])); T("add", add(ep, p[0], EPOLLIN)); T("add again", add(ep, p[0], EPOLLIN));
  T("max 0", epoll_wait(ep, ev, 0, 0)); T("max -1", epoll_wait(ep, ev, -1, 0)); T("wait not ep", epoll_wait(p[0], ev, 1, 0)); T("wait badf", epoll_wait(999, ev, 1, 0));
  show("empty", ep, 0); write(p[1], "ab", 2); show("level", ep, 0); show("level again", ep, 100); T("fault", epoll_wait(ep, (void *)8, 1, 0)); show("still", ep, 0);
  char b[100]; read(p[0], b, 2); show("drained", ep, 0);
  // edge
  T("mod et", mod(ep, p[0], EPOLLIN | EPOLLET)); write(p[1], "a", 1); show("edge", ep, 0); show("edge again", ep, 0); write(p[1], "b", 1); show("edge new", ep, 0); read(p[0], b, 1); show("partly read", ep, 0); T("mod rearms", mod(ep, p[0], EPOLLIN | EPOLLET)); show("after mod", ep, 0);
  // oneshot
  T("mod oneshot", mod(ep, p[0], EPOLLIN | EPOLLONESHOT)); show("once", ep, 0); write(p[1], "c", 1); show("disabled", ep, 0); mod(ep, p[0], EPOLLIN | EPOLLONESHOT); show("rearmed", ep, 0); mod(ep, p[0], 0); show("no events", ep, 0); close(p[1]); show("hup anyway", ep, 0);
  del(ep, p[0]); close(p[0]); pipe(p);
  // write side
  T("add out", add(ep, p[1], EPOLLOUT)); show("writable", ep, 0); close(p[0]); show("err", ep, 0); close(p[1]); show("closed", ep, 0);
  // sockets
  T("sock", add(ep, s[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI)); show("sock out", ep, 0); write(s[1], "x", 1); show("sock in", ep, 0); shutdown(s[1], SHUT_WR); show("rdhup", ep, 0); close(s[1]); show("hup", ep, 0); close(s[0]); show("gone", ep, 0);
  // dup keeps the registration
  pipe(p); add(ep, p[0], EPOLLIN); int d = dup(p[0]); write(p[1], "x", 1); close(p[0]); show("dup", ep, 0); T("del by closed number", del(ep, p[0])); T("dup number not registered", del(ep, d)); int re = dup(d); T("same number again", re == p[0]); T("del via same file", del(ep, re)); show("gone", ep, 0); close(d); close(re); close(p[1]);
  // same file twice under two numbers
  pipe(p); d = dup(p[0]); add(ep, p[0], EPOLLIN); add(ep, d, EPOLLIN); write(p[1], "x", 1); show("two numbers", ep, 0); close(d); show("still two", ep, 0); close(p[0]); show("none", ep, 0); close(p[1]);
  // nesting
  int e[8]; for (int i = 0; i < 8; i++) e[i] = epoll_create1(0);
  for (int i = 0; i < 7; i++) T("nest", add(e[i + 1], e[i], EPOLLIN));
  T("loop", add(e[0], e[1], EPOLLIN)); T("loop far", add(e[0], e[3], EPOLLIN));
  pipe(p); T("leaf", add(e[0], p[0], EPOLLIN)); write(p[1], "x", 1); show("inner", e[0], 0); show("outer", e[1], 0); show("outer", e[2], 0); read(p[0], b, 1); show("outer drained", e[2], 0); struct pollfd pf = {e[1], POLLIN, 0}; T("poll epoll", poll(&pf, 1, 0)); write(p[1], "x", 1); T("poll epoll", poll(&pf, 1, 0)); T("revents", pf.revents);
  for (int i = 0; i < 8; i++) close(e[i]);
  close(p[0]); close(p[1]);
  // exclusive
  pipe(p); T("exclusive", add(ep, p[0], EPOLLIN | EPOLLEXCLUSIVE)); T("mod exclusive", mod(ep, p[0], EPOLLIN)); T("mod to exclusive", mod(ep, p[0], EPOLLIN | EPOLLEXCLUSIVE)); del(ep, p[0]); T("exclusive oneshot", add(ep, p[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT)); int in = epoll_create1(0); T("exclusive epoll", add(ep, in, EPOLLIN | EPOLLEXCLUSIVE)); close(in);
  // blocking and threads
  add(ep, p[0], EPOLLIN); pthread_t t; pthread_create(&t, 0, writer, 0); show("woken", ep, 5000); pthread_join(t, 0); read(p[0], b, 1);
  struct timespec t0, t1; clock_gettime(CLOCK_MONOTONIC, &t0); show("timeout", ep, 50); clock_gettime(CLOCK_MONOTONIC, &t1); long ms = (t1.tv_sec - t0.tv_sec) * 1000 + (t1.tv_nsec - t0.tv_nsec) / 1000000; T("waited", ms >= 49 && ms < 1000);
  struct timespec ts = {0, 20000000}; T("pwait2", epoll_pwait2(ep, ev, 4, &ts, 0)); ts.tv_nsec = -1; T("pwait2 bad", epoll_pwait2(ep, ev, 4, &ts, 0));
  // signals
  struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART}; sigaction(SIGUSR1, &sa, 0); int c = fork(); if (!c) { usleep(50000); kill(getppid(), SIGUSR1); _exit(0); } T("eintr", epoll_wait(ep, ev, 4, 5000)); wait(0);
  sigset_t m, old; sigemptyset(&m); sigaddset(&m, SIGUSR1); sigprocmask(SIG_BLOCK, &m, &old); kill(getpid(), SIGUSR1); T("blocked", epoll_wait(ep, ev, 4, 20)); sigemptyset(&m); T("pwait", epoll_pwait(ep, ev, 4, 1000, &m)); sigprocmask(SIG_SETMASK, 0, &m); T("mask back", sigismember(&m, SIGUSR1)); sigemptyset(&m); write(p[1], "x", 1); kill(getpid(), SIGUSR1); show("ready wins", ep, 0); T("pwait ready", epoll_pwait(ep, ev, 4, 1000, &m)); sigpending(&m); T("still pending", sigismember(&m, SIGUSR1)); sigprocmask(SIG_SETMASK, &old, 0);
  // many, order and limits
  int es[40]; for (int i = 0; i < 40; i++) { es[i] = eventfd(1, EFD_NONBLOCK); add(ep, es[i], EPOLLIN); } int seen = 0; for (int k = 0; k < 8; k++) { int r = epoll_wait(ep, ev, 6, 0); seen += r; } T("round robin", seen); long sum = 0; int r = epoll_wait(ep, ev, 64, 0); for (int i = 0; i < r; i++) sum += ev[i].data.fd; T("all", r);
  // eventfd edge: each write is an edge even without read
  int evf = eventfd(0, EFD_NONBLOCK), e2 = epoll_create1(0); add(e2, evf, EPOLLIN | EPOLLET); long one = 1; write(evf, &one, 8); show("ev edge", e2, 0); write(evf, &one, 8); show("ev edge", e2, 0); read(evf, &one, 8); show("ev none", e2, 0); add(e2, p[1], EPOLLOUT | EPOLLET); show("out edge", e2, 0); show("out edge", e2, 0);
  // timerfd in epoll
  int tf = timerfd_create(CLOCK_MONOTONIC, 0); add(e2, tf, EPOLLIN); struct itimerspec it = {{0, 0}, {0, 20000000}}; timerfd_settime(tf, 0, &it, 0); show("timer", e2, 1000); long x; T("expirations", (read(tf, &x, 8), x)); show("timer read", e2, 0);
  T("proc", access("/proc/self/fdinfo", 0));
  return 0;
}
