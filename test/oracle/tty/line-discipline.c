// The line discipline through a pseudo terminal: what is echoed, what is read.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
static int m, s, n;
static struct termios base, t;
#define T(what, e) do { errno = 0; long r_ = (long)(e); printf("%02d %s: %ld %d\n", n++, what, r_, r_ < 0 ? errno : 0); } while (0)
static void show(const char *what, const char *b, int r) {
  printf("%02d %s: %d ", n++, what, r);
  if (r < 0) printf("errno %d", errno);
  for (int i = 0; i < r; i++) { unsigned char c = b[i]; if (c > 32 && c < 127 && c != '\\') putchar(c); else printf("\\%03o", c); }
  printf("\n");
}
static void settle(void) { usleep(8000); }
static void echoes(const char *what) { char b[9000]; settle(); int r = read(m, b, sizeof b); show(what, b, r); }
static void get(const char *what, int len) { char b[9000]; settle(); int r = read(s, b, len); show(what, b, r); }
static void type(const char *x) { write(m, x, strlen(x)); }
static void typen(const char *x, int k) { write(m, x, k); }
static void set(void) { tcsetattr(s, TCSANOW, &t); }
static void reset(void) { t = base; set(); tcflush(s, TCIOFLUSH); char b[9000]; settle(); while (read(m, b, sizeof b) > 0) ; while (read(s, b, sizeof b) > 0) ; }
static int avail(void) { int k = -1; settle(); ioctl(s, FIONREAD, &k); return k; }
static int outq(void) { int k = -1; settle(); ioctl(m, FIONREAD, &k); return k; }

int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0); signal(SIGTTOU, SIG_IGN);
  m = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK); T("slave locked", open(ptsname(m), O_RDWR | O_NOCTTY)); grantpt(m); unlockpt(m); s = open(ptsname(m), O_RDWR | O_NOCTTY | O_NONBLOCK); T("open", s < 0);
  tcgetattr(s, &base); printf("flags: %o %o %o %o\n", base.c_iflag, base.c_oflag, base.c_cflag, base.c_lflag); for (int i = 0; i < 19; i++) printf("cc %d: %d\n", i, base.c_cc[i]);
  T("speed", cfgetospeed(&base));
  t = base; reset();
  type("hello\n"); echoes("echo"); T("avail", avail()); get("line", 100); get("empty", 100);
  type("abc"); T("no line", avail()); get("partial", 100); type("def\n"); get("split", 4); get("rest", 100); echoes("echo");
  type("one\ntwo\nthree"); T("avail", avail()); get("one at a time", 100); get("two", 100); get("none", 100); type("\025"); reset();
  // erase, word erase, kill, reprint, literal
  type("abX\177c\n"); echoes("erase"); get("erased", 100); type("\177\177a\n"); echoes("erase at start"); get("line", 100); type("foo bar  baz_1\027!\n"); echoes("werase"); get("line", 100); type("some text\025new\n"); echoes("kill"); get("line", 100); type("re\022print\n"); echoes("reprint"); get("line", 100); type("a\026\003b\026\177c\n"); echoes("lnext"); get("line", 100); type("x\001y\177\177\177z\n"); echoes("ctrl erase"); get("line", 100); type("a\tb\177\177\177c\n"); echoes("tab erase"); get("line", 100); type("ab\t\tc\177\177\177d\n"); echoes("tabs erase"); get("line", 100);
  t = base; t.c_lflag &= ~ECHOE; set(); type("abc\177d\n"); echoes("no echoe"); get("line", 100); t = base; t.c_lflag &= ~ECHOKE; set(); type("abc\025d\n"); echoes("no echoke"); get("line", 100); t.c_lflag &= ~ECHOK; set(); type("abc\025d\n"); echoes("no echok"); get("line", 100); t = base; t.c_lflag |= ECHOPRT; set(); type("abc\177\177d\n"); echoes("echoprt"); get("line", 100); type("abc\177\177\177\177\n"); echoes("echoprt all"); get("line", 100); t = base; t.c_lflag &= ~ECHOCTL; set(); type("a\001b\177\177\n"); echoes("no echoctl"); get("line", 100); t = base; t.c_lflag &= ~ECHO; set(); type("quiet\n"); echoes("no echo"); get("line", 100); t.c_lflag |= ECHONL; set(); type("quiet\n"); echoes("echonl"); get("line", 100); t = base; t.c_lflag &= ~IEXTEN; set(); type("a b\027c\026d\022\n"); echoes("no iexten"); get("line", 100);
  // utf-8
  t = base; t.c_iflag |= IUTF8; set(); type("\303\251x\177\177a\342\202\254\177\n"); echoes("utf8"); get("line", 100); t = base; set(); type("\303\251\177\n"); echoes("bytes"); get("line", 100);
  // eof and delimiters
  type("\004"); T("eof avail", avail()); get("eof", 100); type("ab\004"); T("avail", avail()); get("pushed", 100); get("no eof", 100); type("abc\004"); get("exact", 3); get("after exact", 100); type("abc\004"); get("short", 2); get("rest", 100); get("after", 100); type("\004\004x\n"); get("eof1", 10); get("eof2", 10); get("line", 10); t.c_cc[VEOL] = ';'; t.c_cc[VEOL2] = '|'; set(); type("a;b|c\n"); T("avail", avail()); get("eol", 10); get("eol2", 10); get("nl", 10); reset(); typen("a\0b\n", 4); echoes("nul"); get("nul", 10);
  // input translations
  type("cr\r"); echoes("icrnl"); get("line", 10); t.c_iflag |= INLCR; t.c_iflag &= ~ICRNL; set(); type("x\ny\r"); echoes("inlcr"); get("line", 10); reset(); t.c_iflag |= IGNCR; set(); type("a\rb\n"); echoes("igncr"); get("line", 10); reset(); t.c_iflag |= IUCLC; set(); type("ABC\n"); echoes("iuclc"); get("line", 10); reset(); t.c_iflag |= ISTRIP; set(); type("\341b\n"); echoes("istrip"); get("line", 10); reset();
  // output
  write(s, "a\nb\tc\rd\b\001\n", 11); echoes("opost"); t.c_oflag |= XTABS; set(); write(s, "ab\tc\n\tx\n", 8); echoes("xtabs"); t.c_oflag = OPOST | OCRNL; set(); write(s, "a\rb\n", 4); echoes("ocrnl"); t.c_oflag = OPOST | ONOCR; set(); write(s, "\ra\rb\r\r", 6); echoes("onocr"); t.c_oflag = OPOST | ONLRET; set(); write(s, "a\n\rb", 4); echoes("onlret"); t.c_oflag = OPOST | OLCUC; set(); write(s, "aBc\n", 4); echoes("olcuc"); t.c_oflag = 0; set(); write(s, "a\n\t", 3); echoes("raw out"); reset();
  // flow control
  type("\023"); settle(); write(s, "held", 4); T("stopped", outq()); type("\021"); echoes("released"); T("tcooff", ioctl(s, TCXONC, TCOOFF)); T("write", write(s, "x", 1)); type("\021"); T("still", outq()); T("tcoon", ioctl(s, TCXONC, TCOON)); write(s, "y", 1); echoes("on"); T("tcioff", ioctl(s, TCXONC, TCIOFF)); echoes("stop char"); T("tcion", ioctl(s, TCXONC, TCION)); echoes("start char"); T("bad", ioctl(s, TCXONC, 9)); t.c_iflag |= IXANY; set(); type("\023"); settle(); type("a"); settle(); T("ixany", (write(s, "b", 1), outq())); reset();
  // raw, min, time
  cfmakeraw(&t); set(); printf("raw: %o %o %o %o\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag); type("a\003\n\r\177"); echoes("raw echo"); T("avail", avail()); get("raw", 3); get("raw", 10); get("raw empty", 10); t.c_cc[VMIN] = 0; set(); get("min 0", 10); fcntl(s, F_SETFL, 0); get("min 0 blocking", 10); t.c_cc[VTIME] = 1; set(); get("time", 10); t.c_cc[VMIN] = 3; set(); type("ab"); get("min 3 time 1", 10); type("abcd"); get("enough", 10); type("abcd"); get("want less", 2); get("rest", 10); struct pollfd p = {s, POLLIN, 0}; t.c_cc[VTIME] = 0; set(); type("ab"); settle(); T("poll min", poll(&p, 1, 0)); type("c"); settle(); T("poll min", poll(&p, 1, 0)); get("three", 10); fcntl(s, F_SETFL, O_NONBLOCK);
  // switching modes keeps what is queued
  t = base; t.c_lflag &= ~ICANON; set(); type("raw part"); settle(); t = base; set(); T("canon avail", avail()); get("canon", 100); reset(); type("line part"); settle(); t.c_lflag &= ~ICANON; set(); T("raw avail", avail()); get("raw", 100); reset(); type("x\n"); settle(); t.c_lflag &= ~ICANON; t.c_cc[VMIN] = 1; tcsetattr(s, TCSAFLUSH, &t); T("flushed", avail()); reset();
  // limits
  char big[6000]; memset(big, 'q', sizeof big); t.c_lflag &= ~ECHO; set(); T("write", write(m, big, 4200)); settle(); type("\n"); int total = 0, r; char b[9000]; settle(); while ((r = read(s, b, sizeof b)) > 0) total += r; T("long line", total); T("last", b[total > 0 ? total - 1 : 0]); reset();
  t.c_lflag &= ~(ECHO | ICANON); set(); int w = 0; for (int i = 0; i < 30; i++) { r = write(m, big, 1000); if (r <= 0) break; w += r; settle(); } T("raw write limit", w >= 16000 && w <= 21500); total = 0; settle(); while ((r = read(s, b, 3000)) > 0) { total += r; settle(); } T("all arrives", total == w); reset();
  w = 0; for (int i = 0; i < 40; i++) { r = write(s, big, 1000); if (r <= 0) break; w += r; settle(); } T("output limit", w >= 16000 && w <= 21500); total = 0; while ((r = read(m, b, 3000)) > 0) { total += r; settle(); } T("all out", total == w); reset();
  // ioctls
  struct winsize ws = {24, 80, 1, 2}; T("winsz", ioctl(s, TIOCSWINSZ, &ws)); memset(&ws, 0, sizeof ws); T("winsz master", ioctl(m, TIOCGWINSZ, &ws)); T("rows", ws.ws_row * 1000 + ws.ws_col); int k; T("gptn", ioctl(m, TIOCGPTN, &k) || strcmp(ptsname(m) + 9, (sprintf(b, "%d", k), b))); T("gptn slave", ioctl(s, TIOCGPTN, &k)); T("getd", ioctl(s, TIOCGETD, &k)); T("ldisc", k); T("excl", ioctl(s, TIOCEXCL)); T("gexcl", (ioctl(s, 0x80045440, &k), k)); T("nxcl", ioctl(s, TIOCNXCL)); T("unknown", ioctl(s, 0x1234, 0)); T("outq", ioctl(s, TIOCOUTQ, &k)); T("q", k); T("break", tcsendbreak(s, 0)); T("drain", tcdrain(s)); T("flush bad", ioctl(s, TCFLSH, 7)); T("mget", ioctl(s, TIOCMGET, &k)); T("seek", lseek(s, 0, SEEK_SET)); T("isatty m", isatty(m)); T("sti", ioctl(s, TIOCSTI, "z")); T("tiocgpgrp", ioctl(s, TIOCGPGRP, &k)); T("gsid", ioctl(s, TIOCGSID, &k)); T("notty", ioctl(s, TIOCNOTTY)); T("master pgrp", ioctl(m, TIOCGPGRP, &k)); T("linux", ioctl(s, TIOCLINUX, b)); T("gptpeer", (k = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY)) < 0); T("ptlck", ioctl(m, 0x80045439, &k)); reset();
  // packet mode
  k = 1; T("pkt", ioctl(m, TIOCPKT, &k)); write(s, "data", 4); echoes("packet data"); tcflush(s, TCIFLUSH); echoes("flushread"); tcflush(s, TCOFLUSH); echoes("flushwrite"); type("\023"); echoes("stop"); type("\021"); echoes("start"); t.c_iflag &= ~IXON; set(); echoes("nostop"); t = base; set(); echoes("dostop"); k = 0; ioctl(m, TIOCPKT, &k); T("pkt slave", ioctl(s, TIOCPKT, &k)); reset();
  // closing
  struct pollfd q = {m, POLLIN | POLLOUT, 0}; T("poll open", poll(&q, 1, 0)); T("revents", q.revents); write(s, "last", 4); int s2 = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY); T("peer", s2 < 0); close(s2); close(k = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY)); close(s); settle(); int left = open("/dev/null", 0); (void)left;
  T("poll closed", poll(&q, 1, 0)); T("revents hup", (q.revents & POLLHUP) != 0); echoes("last data"); echoes("then eio"); s = open(ptsname(m), O_RDWR | O_NOCTTY | O_NONBLOCK); T("reopen", s < 0); T("poll reopened", poll(&q, 1, 0)); T("revents", q.revents); type("again\n"); get("again", 10);
  char name[64]; strcpy(name, ptsname(m)); close(m); settle(); q.fd = s; poll(&q, 1, 0); T("slave revents", q.revents); T("slave read", read(s, b, 10)); T("slave write", write(s, "x", 1)); T("slave ioctl", ioctl(s, TIOCGWINSZ, &ws)); T("slave pgrp", ioctl(s, TIOCSPGRP, &k)); T("name gone", access(name, 0)); T("reopen", open(name, O_RDWR | O_NOCTTY));
  return 0;
}
