// AF_UNIX: types, names, error orders, shutdown, ancillary data.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <signal.h>
#include <linux/sockios.h>
#include <unistd.h>

static int n;
#define T(what, e) do { errno = 0; long r_ = (long)(e); printf("%02d %s: %ld %d\n", n++, what, r_, r_ < 0 ? errno : 0); } while (0)
static char b[200000];

static socklen_t addr(struct sockaddr_un *a, const char *p, int abstract) {
  memset(a, 0, sizeof *a);
  a->sun_family = AF_UNIX;
  if (abstract) { memcpy(a->sun_path + 1, p, strlen(p)); return offsetof(struct sockaddr_un, sun_path) + 1 + strlen(p); }
  strcpy(a->sun_path, p);
  return offsetof(struct sockaddr_un, sun_path) + strlen(p) + 1;
}
static int pollmask(int fd) {
  struct pollfd p = {fd, 0x7fff & ~POLLNVAL, 0};
  poll(&p, 1, 0);
  return p.revents;
}

static void pairs(void) {
  for (int type = 1; type <= 5; type++) {
    int s[2];
    T("socketpair", socketpair(AF_UNIX, type, 0, s) < 0 ? -1 : 0);
    if (type == 3 || type == 4) { if (type == 3) { close(s[0]); close(s[1]); } continue; }
    T("mask fresh", pollmask(s[0]));
    T("send", send(s[0], "hello", 5, 0));
    T("send", send(s[0], "world", 5, 0));
    int q;
    ioctl(s[1], SIOCINQ, &q); T("inq", q);
    ioctl(s[0], SIOCOUTQ, &q); T("outq", q);
    T("mask data", pollmask(s[1]));
    T("peek", recv(s[1], b, 3, MSG_PEEK));
    T("trunc", recv(s[1], b, 3, MSG_TRUNC));
    T("recv", recv(s[1], b, 100, MSG_DONTWAIT));
    T("recv", recv(s[1], b, 100, MSG_DONTWAIT));
    T("recv0", recv(s[1], b, 0, MSG_DONTWAIT));
    T("send0", send(s[0], "", 0, 0));
    T("recv0", recv(s[1], b, 10, MSG_DONTWAIT));
    T("shutdown wr", shutdown(s[0], SHUT_WR));
    T("mask w", pollmask(s[0]));
    T("mask r", pollmask(s[1]));
    T("recv eof", recv(s[1], b, 10, MSG_DONTWAIT));
    T("send shut", send(s[0], "x", 1, MSG_NOSIGNAL));
    T("send other way", send(s[1], "y", 1, MSG_NOSIGNAL));
    T("shutdown rd", shutdown(s[0], SHUT_RD));
    T("mask", pollmask(s[0]));
    T("mask", pollmask(s[1]));
    T("recv after", recv(s[0], b, 10, MSG_DONTWAIT));
    T("recv after", recv(s[0], b, 10, MSG_DONTWAIT));
    T("send into shut", send(s[1], "z", 1, MSG_NOSIGNAL));
    T("shutdown bad", shutdown(s[0], 3));
    close(s[0]);
    T("mask closed", pollmask(s[1]));
    T("recv closed", recv(s[1], b, 10, MSG_DONTWAIT));
    T("send closed", send(s[1], b, 10, MSG_NOSIGNAL));
    T("recv closed", recv(s[1], b, 10, MSG_DONTWAIT));
    close(s[1]);
    socketpair(AF_UNIX, type, 0, s);
    send(s[0], "abc", 3, 0);
    send(s[1], "abc", 3, 0);
    close(s[0]);
    T("reset mask", pollmask(s[1]));
    T("reset recv", recv(s[1], b, 10, MSG_DONTWAIT));
    T("reset recv", recv(s[1], b, 10, MSG_DONTWAIT));
    T("reset recv", recv(s[1], b, 10, MSG_DONTWAIT));
    close(s[1]);
  }
}

static void names(void) {
  struct sockaddr_un a, c;
  socklen_t l;
  int s = socket(AF_UNIX, SOCK_STREAM, 0), d = socket(AF_UNIX, SOCK_DGRAM, 0), x;
  l = sizeof c; T("getsockname", getsockname(s, (void *)&c, &l)); T("len", l);
  T("getpeername", getpeername(s, (void *)&c, &l));
  T("listen unbound", listen(s, 5));
  T("accept unbound", accept(s, 0, 0));
  T("connect missing", connect(s, (void *)&a, addr(&a, "no-such", 0)));
  T("connect abstract missing", connect(s, (void *)&a, addr(&a, "no-such", 1)));
  T("mask unconnected", pollmask(s));
  T("send unconnected", send(s, "x", 1, MSG_NOSIGNAL));
  T("recv unconnected", recv(s, b, 1, MSG_DONTWAIT));
  T("dgram send unconnected", send(d, "x", 1, MSG_NOSIGNAL));
  T("dgram recv", recv(d, b, 1, MSG_DONTWAIT));
  T("dgram mask", pollmask(d));
  T("bind", bind(s, (void *)&a, addr(&a, "sock", 0)));
  struct stat st; stat("sock", &st); T("mode", st.st_mode);
  T("bind again", bind(s, (void *)&a, addr(&a, "sock2", 0)));
  T("stat sock2", access("sock2", 0));
  T("bind taken", bind(d, (void *)&a, addr(&a, "sock", 0)));
  l = sizeof c; T("getsockname", getsockname(s, (void *)&c, &l)); T("len", l); printf("name: %s\n", c.sun_path);
  l = 4; T("getsockname short", getsockname(s, (void *)&c, &l)); T("len", l);
  T("connect not listening", connect(x = socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, addr(&a, "sock", 0)));
  T("dgram to stream", connect(d, (void *)&a, addr(&a, "sock", 0)));
  T("listen", listen(s, 1));
  T("mask listen", pollmask(s));
  T("accept none", (fcntl(s, F_SETFL, O_NONBLOCK), accept(s, 0, 0)));
  T("connect", connect(x, (void *)&a, addr(&a, "sock", 0)));
  T("connect again", connect(x, (void *)&a, addr(&a, "sock", 0)));
  T("connect listening", connect(s, (void *)&a, addr(&a, "sock", 0)));
  T("send before accept", send(x, "early", 5, 0));
  T("mask listen", pollmask(s));
  int y = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), z = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  T("connect 2", connect(y, (void *)&a, addr(&a, "sock", 0)));
  T("connect 3", connect(z, (void *)&a, addr(&a, "sock", 0)));
  l = sizeof c;
  int v = accept(s, (void *)&c, &l);
  T("accept", v < 0 ? v : 0); T("len", l);
  l = sizeof c; T("getpeername", getpeername(x, (void *)&c, &l)); T("len", l);
  l = sizeof c; T("accepted name", getsockname(v, (void *)&c, &l)); T("len", l);
  T("recv", recv(v, b, 10, 0));
  T("sendto connected", sendto(x, "x", 1, 0, (void *)&a, addr(&a, "sock", 0)));
  T("listen connected", listen(v, 1));
  T("bind connected", bind(x, (void *)&a, addr(&a, "sock3", 0)));
  close(s);
  T("embryo send", send(y, "x", 1, MSG_NOSIGNAL));
  T("embryo recv", recv(y, b, 1, 0));
  T("embryo recv", recv(y, b, 1, 0));
  T("still there", access("sock", 0));
  T("connect refused", connect(z, (void *)&a, addr(&a, "sock", 0)));
  close(x); close(y); close(z); close(v); close(d);
  // abstract and autobind
  s = socket(AF_UNIX, SOCK_DGRAM, 0);
  T("abstract", bind(s, (void *)&a, addr(&a, "abs", 1)));
  l = sizeof c; getsockname(s, (void *)&c, &l); T("len", l); T("zero", c.sun_path[0]);
  d = socket(AF_UNIX, SOCK_DGRAM, 0);
  T("abstract taken", bind(d, (void *)&a, addr(&a, "abs", 1)));
  T("autobind", (a.sun_family = AF_UNIX, bind(d, (void *)&a, 2)));
  l = sizeof c; getsockname(d, (void *)&c, &l); T("autobind len", l);
  T("sendto", sendto(d, "hi", 2, 0, (void *)&a, addr(&a, "abs", 1)));
  l = sizeof c; T("recvfrom", recvfrom(s, b, 10, 0, (void *)&c, &l)); T("from len", l);
  T("sendto stream type", (x = socket(AF_UNIX, SOCK_STREAM, 0), connect(x, (void *)&a, addr(&a, "abs", 1))));
  T("too short", bind(x, (void *)&a, 1));
  T("too long", bind(x, (void *)&a, 111));
  T("family", (a.sun_family = 9, bind(x, (void *)&a, 20)));
  T("empty path connect", (a.sun_family = 1, connect(x, (void *)&a, 2)));
  T("dgram connect", connect(d, (void *)&a, addr(&a, "abs", 1)));
  T("dgram send", send(d, "con", 3, 0));
  T("dgram disconnect", (a.sun_family = AF_UNSPEC, connect(d, (void *)&a, 2)));
  T("dgram send", send(d, "con", 3, 0));
  T("emsgsize", sendto(d, b, 200000 > sizeof b ? 0 : 200000, 0, (void *)&a, addr(&a, "abs", 1)));
  while (recv(s, b, sizeof b, MSG_DONTWAIT) > 0) ;
  int sb = 5000; setsockopt(d, SOL_SOCKET, SO_SNDBUF, &sb, 4);
  T("emsgsize", sendto(d, b, 20000, 0, (void *)&a, addr(&a, "abs", 1)));
  for (int i = 0; i < 15; i++) T("queue", sendto(d, "q", 1, MSG_DONTWAIT, (void *)&a, addr(&a, "abs", 1)));
  T("dgram mask", pollmask(d));
  connect(d, (void *)&a, addr(&a, "abs", 1));
  T("dgram mask full", pollmask(d));
  for (int i = 0; i < 3; i++) recv(s, b, 10, MSG_DONTWAIT);
  T("dgram mask room", pollmask(d));
  close(s);
  T("gone mask", pollmask(d));
  T("gone", send(d, "q", 1, MSG_DONTWAIT));
  T("gone", send(d, "q", 1, MSG_DONTWAIT));
  T("oob dgram", send(d, "q", 1, MSG_OOB));
  close(d); close(x);
  T("accept dgram", accept(socket(AF_UNIX, SOCK_DGRAM, 0), 0, 0));
  T("listen dgram", listen(socket(AF_UNIX, SOCK_DGRAM, 0), 0));
  T("type", socket(AF_UNIX, 4, 0)); T("type", socket(AF_UNIX, 9, 0)); T("type", socket(AF_UNIX, 77, 0)); T("proto", socket(AF_UNIX, 1, 5));
  T("proto", socket(AF_UNIX, 1, 1) < 0); T("family", socket(99, 1, 0)); T("flags", socket(AF_UNIX, 1 | 0x10000, 0));
  int file = open("/dev/null", O_RDWR); T("notsock", send(file, "x", 1, 0)); T("badf", send(999, "x", 1, 0)); T("notsock", listen(file, 1)); close(file);
  unlink("sock");
}

static void options(void) {
  int s[2], v; socklen_t l;
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  int names[] = {SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_SNDBUF, SO_RCVBUF, SO_ERROR, SO_ACCEPTCONN, SO_KEEPALIVE, SO_REUSEADDR, SO_REUSEPORT, SO_BROADCAST, SO_PRIORITY, SO_RCVLOWAT, SO_SNDLOWAT, SO_PASSCRED, SO_OOBINLINE, SO_PEEK_OFF, SO_MARK, SO_TIMESTAMP, SO_BUSY_POLL, 9999};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) { l = 4; v = -7; T("get", getsockopt(s[0], SOL_SOCKET, names[i], &v, &l)); printf("%02d opt %d: %d %d\n", n, names[i], v, l); }
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) { v = 1; T("set", setsockopt(s[0], SOL_SOCKET, names[i], &v, 4)); l = 4; getsockopt(s[0], SOL_SOCKET, names[i], &v, &l); printf("%02d opt %d: %d\n", n, names[i], v); }
  v = 1; T("short", setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &v, 2));
  v = 10000; setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, 4); l = 4; getsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, &l); T("sndbuf", v);
  v = 1; setsockopt(s[0], SOL_SOCKET, SO_RCVBUF, &v, 4); l = 4; getsockopt(s[0], SOL_SOCKET, SO_RCVBUF, &v, &l); T("rcvbuf", v);
  struct linger lg = {1, 5}; T("linger", setsockopt(s[0], SOL_SOCKET, SO_LINGER, &lg, sizeof lg)); l = sizeof lg; getsockopt(s[0], SOL_SOCKET, SO_LINGER, &lg, &l); T("linger", lg.l_onoff * 100 + lg.l_linger);
  struct timeval tv = {1, 500000}; T("timeo", setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv)); l = sizeof tv; getsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, &l); T("timeo", tv.tv_sec * 1000000 + tv.tv_usec); T("len", l);
  tv.tv_usec = 2000000; T("timeo dom", setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
  T("timeo short", setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, 8));
  tv.tv_sec = 0; tv.tv_usec = 30000; setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
  T("recv timeout", recv(s[0], b, 1, 0));
  struct ucred u; l = sizeof u; T("peercred", getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &u, &l)); T("pid", u.pid == getpid()); T("uid", u.uid); T("len", l);
  l = 2; T("short get", getsockopt(s[0], SOL_SOCKET, SO_TYPE, &v, &l)); T("len", l);
  l = -1; T("neg get", getsockopt(s[0], SOL_SOCKET, SO_TYPE, &v, &l));
  T("level", getsockopt(s[0], 77, 1, &v, (l = 4, &l)));
  T("level", setsockopt(s[0], 6, 1, &v, 4));
  T("readonly", setsockopt(s[0], SOL_SOCKET, SO_TYPE, &v, 4));
}

static void waitall(void) {
  int s[2]; socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  if (!fork()) { for (int i = 0; i < 5; i++) { usleep(10000); send(s[1], "12345", 5, 0); } _exit(0); }
  T("waitall", recv(s[0], b, 20, MSG_WAITALL));
  T("rest", recv(s[0], b, 20, MSG_WAITALL | MSG_DONTWAIT) <= 5);
  wait(0);
  close(s[1]);
  signal(SIGPIPE, SIG_IGN);
  T("epipe", write(s[0], "x", 1));
  signal(SIGPIPE, SIG_DFL);
  int st;
  if (!fork()) { write(s[0], "x", 1); _exit(0); }
  wait(&st); T("sigpipe", WIFSIGNALED(st) ? WTERMSIG(st) : -100);
  if (!fork()) { send(s[0], "x", 1, 0); _exit(0); }
  wait(&st); T("sigpipe", WIFSIGNALED(st) ? WTERMSIG(st) : -100);
  int q[2]; socketpair(AF_UNIX, SOCK_SEQPACKET, 0, q); close(q[1]);
  if (!fork()) { send(q[0], "x", 1, 0); _exit(0); }
  wait(&st); T("sigpipe seq", WIFSIGNALED(st) ? WTERMSIG(st) : -100);
  socketpair(AF_UNIX, SOCK_DGRAM, 0, q); close(q[1]);
  if (!fork()) { send(q[0], "x", 1, 0); _exit(0); }
  wait(&st); T("sigpipe dgram", WIFSIGNALED(st) ? WTERMSIG(st) : -100);
}

static void blocking(void) {
  int s[2]; socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  long total = 0;
  int c = fork();
  if (!c) { close(s[0]); long t = 0; int r; while ((r = read(s[1], b, 7777)) > 0) { t += r; for (int i = 0; i < r; i++) if (b[i] != 'k') _exit(9); } _exit(t == 1500000 ? 0 : 1); }
  close(s[1]);
  memset(b, 'k', sizeof b);
  for (int i = 0; i < 10; i++) total += write(s[0], b, 150000);
  close(s[0]);
  int st; wait(&st);
  T("sent", total); T("child", WEXITSTATUS(st));
  int cnt = 0; socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
  while (send(s[0], "1", 1, 0) == 1) cnt++;
  T("one-byte sends", cnt); T("mask full", pollmask(s[0]));
  recv(s[1], b, 100, 0); T("mask", pollmask(s[0])); recv(s[1], b, 200, 0); T("mask", pollmask(s[0]));
  close(s[0]); close(s[1]); socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s); total = 0; int r;
  while ((r = send(s[0], b, 65536, 0)) > 0) total += r;
  T("64k sends", total);
}

int main(void) {
  char dir[] = "/tmp/unixXXXXXX";
  mkdtemp(dir); chdir(dir); setvbuf(stdout, 0, _IOLBF, 0);
  pairs(); names(); options(); waitall(); blocking();
  chdir("/"); rmdir(dir);
  return 0;
}
