// Controlling terminals: acquisition, background reads and writes, signals from keys, hangups, orphans.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
static int n, out;
#define T(what, e) do { errno = 0; long r_ = (long)(e); dprintf(out, "%02d %s: %ld %d\n", n++, what, r_, r_ < 0 ? errno : 0); } while (0)
static volatile int got[65], order[200], norder;
static void handler(int s) { got[s]++; if (norder < 200) order[norder++] = s; }
static int m; static char name[64], b[1000];
static void ms(int k) { usleep(k * 1000); }

// Runs `body` as a session leader on a fresh terminal.
static int session(void (*body)(void)) {
  m = posix_openpt(O_RDWR | O_NOCTTY); unlockpt(m); strcpy(name, ptsname(m));
  int c = fork();
  if (!c) { setsid(); n += 1000 * 0; body(); _exit(n & 0xff); }
  return c;
}
static void acquire(void) {
  int k; pid_t g;
  T("no tty", open("/dev/tty", O_RDWR)); int s = open(name, O_RDWR | O_NOCTTY); T("noctty", open("/dev/tty", O_RDWR)); T("gpgrp", ioctl(s, TIOCGPGRP, &g)); T("spgrp", (g = getpid(), ioctl(s, TIOCSPGRP, &g)));
  int w = open(name, O_WRONLY); T("write only does not take", open("/dev/tty", O_RDWR)); int r = open(name, O_RDWR); T("taken", open("/dev/tty", O_RDWR) < 0); T("gpgrp", (ioctl(s, TIOCGPGRP, &g), g == getpid())); T("gsid", (ioctl(s, TIOCGSID, &k), k == getpid())); T("master gsid", (ioctl(m, TIOCGSID, &k), k == getpid()));
  T("again", ioctl(s, TIOCSCTTY, 0)); int m2 = posix_openpt(O_RDWR | O_NOCTTY); unlockpt(m2); int s2 = open(ptsname(m2), O_RDWR); T("second tty", ioctl(s2, TIOCSCTTY, 0)); T("other gpgrp", ioctl(s2, TIOCGPGRP, &g));
  g = 999999; T("no such group", ioctl(s, TIOCSPGRP, &g)); g = -1; T("negative", ioctl(s, TIOCSPGRP, &g)); g = getppid(); T("other session", ioctl(s, TIOCSPGRP, &g)); T("tcgetsid", tcgetsid(s) == getpid());
  signal(SIGHUP, handler); signal(SIGCONT, handler); T("notty other", ioctl(s2, TIOCNOTTY)); T("notty", ioctl(s, TIOCNOTTY)); T("hup", got[SIGHUP]); T("cont", got[SIGCONT]); T("gone", open("/dev/tty", O_RDWR)); T("sctty", ioctl(s, TIOCSCTTY, 0)); int c = fork(); if (!c) { int q; q = ioctl(s, TIOCNOTTY); int o = open("/dev/tty", O_RDWR); _exit(q == 0 && o < 0 && errno == ENXIO ? 1 : 0); } int st; waitpid(c, &st, 0); T("child drops it", WEXITSTATUS(st)); T("parent keeps", open("/dev/tty", O_RDWR) < 0); (void)w; (void)r;
}
static void keys(void) {
  int s = open(name, O_RDWR); int sig[] = {SIGINT, SIGQUIT, SIGTSTP, SIGWINCH}; for (int i = 0; i < 4; i++) { struct sigaction a = {.sa_handler = handler}; sigaction(sig[i], &a, 0); }
  write(s, "pending", 7); write(m, "half", 4); ms(15); write(m, "\003", 1); ms(15); T("int", got[SIGINT]); int k; ioctl(m, FIONREAD, &k); T("out", k > 0); write(m, "x\n", 2); T("input dropped", read(s, b, 100)); write(m, "\034\032", 2); ms(15); T("quit", got[SIGQUIT]); T("tstp", got[SIGTSTP]); struct termios t; tcgetattr(s, &t); t.c_lflag |= NOFLSH; tcsetattr(s, 0, &t); write(m, "kept\003\n", 6); ms(15); T("int", got[SIGINT]); T("noflsh", read(s, b, 100)); t.c_lflag &= ~ISIG; tcsetattr(s, 0, &t); write(m, "\003\n", 2); ms(15); T("no isig", read(s, b, 100)); T("int", got[SIGINT]);
  struct winsize w = {10, 20, 0, 0}; ioctl(m, TIOCSWINSZ, &w); ms(15); T("winch", got[SIGWINCH]); ioctl(m, TIOCSWINSZ, &w); ms(15); T("same size", got[SIGWINCH]); T("tiocsig", ioctl(m, 0x40045436, SIGINT)); ms(15); T("int", got[SIGINT]); T("tiocsig bad", ioctl(m, 0x40045436, SIGUSR1));
  // blocking read is interrupted
  struct sigaction a = {.sa_handler = handler}; sigaction(SIGINT, &a, 0); t.c_lflag |= ISIG; tcsetattr(s, 0, &t); if (!fork()) { ms(30); write(m, "\003", 1); _exit(0); } T("eintr", read(s, b, 10)); wait(0); a.sa_flags = SA_RESTART; sigaction(SIGINT, &a, 0); if (!fork()) { ms(30); write(m, "\003", 1); ms(30); write(m, "go\n", 3); _exit(0); } T("restarted", read(s, b, 10)); wait(0);
}
static void background(void) {
  int s = open(name, O_RDWR), st; struct termios t; signal(SIGCHLD, SIG_DFL);
  int c = fork(); if (!c) { setpgid(0, 0); read(s, b, 10); _exit(5); } setpgid(c, c); waitpid(c, &st, WUNTRACED); T("ttin", WIFSTOPPED(st) ? WSTOPSIG(st) : -1); ioctl(s, TIOCSPGRP, &c); kill(-c, SIGCONT); write(m, "in\n", 3); waitpid(c, &st, 0); T("continued read", WEXITSTATUS(st)); pid_t me = getpid(); signal(SIGTTOU, SIG_IGN); ioctl(s, TIOCSPGRP, &me); signal(SIGTTOU, SIG_DFL);
  c = fork(); if (!c) { setpgid(0, 0); _exit(write(s, "bg", 2) == 2 ? 3 : 4); } waitpid(c, &st, WUNTRACED); T("write allowed", WIFEXITED(st) ? WEXITSTATUS(st) : -1); tcgetattr(s, &t); t.c_lflag |= TOSTOP; tcsetattr(s, 0, &t); c = fork(); if (!c) { setpgid(0, 0); write(s, "bg", 2); _exit(3); } waitpid(c, &st, WUNTRACED); T("tostop", WIFSTOPPED(st) ? WSTOPSIG(st) : -1); kill(-c, SIGKILL); waitpid(c, &st, 0); c = fork(); if (!c) { setpgid(0, 0); tcsetattr(s, 0, &t); _exit(3); } waitpid(c, &st, WUNTRACED); T("tcsetattr", WIFSTOPPED(st) ? WSTOPSIG(st) : -1); kill(-c, SIGKILL); waitpid(c, &st, 0); c = fork(); if (!c) { setpgid(0, 0); signal(SIGTTIN, SIG_IGN); int r = read(s, b, 10); _exit(r == -1 ? errno : 99); } waitpid(c, &st, WUNTRACED); T("ttin ignored", WIFEXITED(st) ? WEXITSTATUS(st) : -1); c = fork(); if (!c) { setpgid(0, 0); sigset_t q; sigfillset(&q); sigprocmask(SIG_BLOCK, &q, 0); int r = read(s, b, 10); _exit(r == -1 ? errno : 99); } waitpid(c, &st, WUNTRACED); T("ttin blocked", WIFEXITED(st) ? WEXITSTATUS(st) : -1); c = fork(); if (!c) { setpgid(0, 0); signal(SIGTTOU, SIG_IGN); int r = tcsetattr(s, 0, &t); _exit(r == 0 ? 7 : errno); } waitpid(c, &st, WUNTRACED); T("ttou ignored", WIFEXITED(st) ? WEXITSTATUS(st) : -1);
  // orphaned group
  int p[2]; pipe(p); c = fork(); if (!c) { if (!fork()) { setpgid(0, 0); ms(30); int r = read(s, b, 10); int e = r == -1 ? errno : 99; write(p[1], &e, 4); _exit(0); } _exit(0); } waitpid(c, &st, 0); int e = 0; read(p[0], &e, 4); T("orphan read", e);
  // fg with handler: interrupted
  c = fork(); if (!c) { setpgid(0, 0); struct sigaction a = {.sa_handler = handler}; sigaction(SIGTTIN, &a, 0); int r = read(s, b, 10); _exit(r == -1 && errno == EINTR && got[SIGTTIN] == 1 ? 8 : 9); } waitpid(c, &st, WUNTRACED); T("ttin handler", WIFEXITED(st) ? WEXITSTATUS(st) : -1);
}
static void hangup(void) {
  int s = open(name, O_RDWR), st, p[2]; pipe(p); signal(SIGHUP, handler); signal(SIGCONT, handler);
  int c = fork(); if (!c) { setpgid(0, 0); signal(SIGHUP, SIG_DFL); for (;;) pause(); } setpgid(c, c); signal(SIGTTOU, SIG_IGN); ioctl(s, TIOCSPGRP, &c);
  write(p[1], "r", 1); close(m); ms(20); T("leader hup", got[SIGHUP]); T("leader cont", got[SIGCONT]); T("read", read(s, b, 10)); T("write", write(s, "x", 1)); T("dev tty", open("/dev/tty", O_RDWR)); T("child lives", waitpid(c, &st, WNOHANG)); kill(c, SIGKILL); waitpid(c, &st, 0);
}
static void leader_exit(void) { int s = open(name, O_RDWR); int c = fork(); if (!c) { setpgid(0, 0); signal(SIGHUP, handler); signal(SIGCONT, handler); ms(80); dprintf(out, "fg child: hup %d cont %d\n", got[SIGHUP], got[SIGCONT]); dprintf(out, "tty: %d\n", open("/dev/tty", O_RDWR) < 0 ? errno : 0); _exit(0); } setpgid(c, c); signal(SIGTTOU, SIG_IGN); ioctl(s, TIOCSPGRP, &c); ms(30); _exit(0); }
int main(void) {
  int st; out = 1; signal(SIGHUP, SIG_IGN); signal(SIGHUP, SIG_DFL);
  dprintf(out, "-- acquire\n"); waitpid(session(acquire), &st, 0); dprintf(out, "end %d\n", st); close(m);
  n = 100; dprintf(out, "-- keys\n"); waitpid(session(keys), &st, 0); dprintf(out, "end %d\n", st); close(m);
  n = 200; dprintf(out, "-- background\n"); waitpid(session(background), &st, 0); dprintf(out, "end %d\n", st); close(m);
  n = 300; dprintf(out, "-- hangup\n"); int c = session(hangup); close(m); waitpid(c, &st, 0); dprintf(out, "end %d\n", st);
  n = 400; dprintf(out, "-- leader exit\n"); c = session(leader_exit); waitpid(c, &st, 0); ms(150); dprintf(out, "end %d\n", st);
  return 0;
}
