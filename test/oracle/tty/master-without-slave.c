// flags: -static
// A pseudo terminal's master while no slave is open, before and after: what is written is echoed and waits for the next one; a program that ended with its slave.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
static void show(const char *what, int fd) { char b[100]; usleep(30000); int fl = fcntl(fd, F_GETFL); fcntl(fd, F_SETFL, fl | O_NONBLOCK); int n = read(fd, b, sizeof b), e = errno; fcntl(fd, F_SETFL, fl); struct pollfd p = {fd, POLLIN | POLLOUT}; poll(&p, 1, 0); printf("%s: %d", what, n); if (n < 0) printf(" %s", strerrorname_np(e)); for (int i = 0; i < n; i++) printf(" %02x", b[i]); printf(" poll %x\n", p.revents); fflush(stdout); }
static void put(int fd, const char *s) { int n = write(fd, s, strlen(s)); printf("write %d %s\n", n, n < 0 ? strerrorname_np(errno) : ""); }
int main(void) {
  int m = open("/dev/ptmx", O_RDWR | O_NOCTTY), off = 0; ioctl(m, TIOCSPTLCK, &off); char name[64]; ptsname_r(m, name, sizeof name);
  show("new", m); put(m, "early\n"); show("master", m); int s = open(name, O_RDWR | O_NOCTTY); show("slave", s); show("master", m);
  put(m, "two\n"); show("slave", s); show("master", m); put(s, "left\n"); close(s); show("closed", m); show("closed", m); put(m, "late\n"); show("closed", m); show("closed", m);
  s = open(name, O_RDWR | O_NOCTTY); show("slave again", s); show("master", m); put(m, "half"); close(s); show("master", m); s = open(name, O_RDWR | O_NOCTTY); put(m, "\n"); show("slave", s); show("master", m);
  struct termios t; tcgetattr(s, &t); t.c_lflag &= ~(ICANON | ECHO); tcsetattr(s, TCSANOW, &t); close(s); put(m, "raw"); show("raw master", m); s = open(name, O_RDWR | O_NOCTTY); show("raw slave", s);
  int p = fork(); if (p == 0) { setsid(); close(s); s = open(name, O_RDWR); write(s, "child", 5); _exit(3); } int st; close(s); waitpid(p, &st, 0); show("ended", m); show("ended", m); put(m, "x"); s = open(name, O_RDWR | O_NOCTTY); show("after", s);
  close(m); show("slave alone", s); put(s, "y"); int again = open(name, O_RDWR | O_NOCTTY); printf("%d %s\n", again, strerrorname_np(errno)); return 0;
}
