// O_ASYNC and F_SETOWN on sockets, pipes and terminals; sendfile and splice to sockets.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
static int n;
#define T(what, e) do { errno = 0; long r_ = (long)(e); printf("%02d %s: %ld %d\n", n++, what, r_, r_ < 0 ? errno : 0); } while (0)
static volatile int hits, lastfd, lastcode, lastsig;
static void handler(int s, siginfo_t *i, void *u) { hits++; lastsig = s; lastcode = i->si_code; lastfd = i->si_fd; }
static void settle(void) { usleep(5000); }
int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART}; sigaction(SIGIO, &a, 0); sigaction(SIGRTMIN, &a, 0); sigaction(SIGURG, &a, 0);
  int s[2], p[2]; char b[100000]; socketpair(AF_UNIX, SOCK_STREAM, 0, s); pipe(p);
  T("setown", fcntl(s[0], F_SETOWN, getpid())); T("getown", fcntl(s[0], F_GETOWN) == getpid()); T("async", fcntl(s[0], F_SETFL, O_ASYNC)); T("getfl", fcntl(s[0], F_GETFL)); hits = 0; write(s[1], "x", 1); settle(); T("sigio", hits > 0); T("sig", lastsig); T("setsig", fcntl(s[0], F_SETSIG, SIGRTMIN)); hits = 0; write(s[1], "x", 1); settle(); T("rt", hits > 0); T("sig", lastsig); T("fd", lastfd == s[0]); T("off", fcntl(s[0], F_SETFL, 0)); hits = 0; write(s[1], "x", 1); settle(); T("quiet", hits);
  T("pipe own", fcntl(p[0], F_SETOWN, getpid())); fcntl(p[0], F_SETFL, O_ASYNC); hits = 0; write(p[1], "x", 1); settle(); T("pipe sigio", hits > 0); int on = 1; T("fioasync", ioctl(p[0], FIOASYNC, (on = 0, &on))); hits = 0; write(p[1], "x", 1); settle(); T("quiet", hits);
  int m = posix_openpt(O_RDWR | O_NOCTTY); unlockpt(m); int t = open(ptsname(m), O_RDWR | O_NOCTTY); T("tty own", fcntl(t, F_SETOWN, getpid())); fcntl(t, F_SETFL, O_ASYNC); hits = 0; write(m, "line\n", 5); settle(); T("tty sigio", hits > 0);
  // sendfile and splice
  FILE *f = tmpfile(); memset(b, 's', sizeof b); fwrite(b, 1, sizeof b, f); fflush(f); int fd = fileno(f); off_t off = 5; socketpair(AF_UNIX, SOCK_STREAM, 0, s); T("sendfile", sendfile(s[0], fd, &off, 1000)); T("off", off); T("recv", recv(s[1], b, 2000, 0)); lseek(fd, 0, SEEK_SET); if (!fork()) { int tot = 0, r; while (tot < 100000 && (r = recv(s[1], b, sizeof b, 0)) > 0) tot += r; _exit(tot == 100000 ? 0 : 1); } int total = 0, r; while (total < 100000 && (r = sendfile(s[0], fd, 0, 100000 - total)) > 0) total += r; T("all", total); int st; wait(&st); T("got", st); close(p[0]); close(p[1]); pipe(p); write(p[1], "spliced", 7); T("splice", splice(p[0], 0, s[0], 0, 100, 0)); T("recv", recv(s[1], b, 100, 0)); send(s[1], "into pipe", 9, 0); T("splice from", splice(s[0], 0, p[1], 0, 100, 0)); T("read", read(p[0], b, 100)); T("copy to null", splice(p[0], 0, open("/dev/null", O_WRONLY), 0, 100, SPLICE_F_NONBLOCK)); T("sendfile from socket", sendfile(1, s[0], 0, 10));
  return 0;
}
