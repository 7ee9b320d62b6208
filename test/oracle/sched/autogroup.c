// Automatic groups: a group a session, its nice value by writing, who may write what, and what it does to processor time.
// timeout: 60
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int id, nice_;
static const char *line(int pid) {
  static char b[100];
  char f[64];
  snprintf(f, 64, "/proc/%d/autogroup", pid);
  int d = open(f, O_RDONLY), n = read(d, b, 99);
  close(d);
  b[n < 0 ? 0 : n] = 0;
  id = nice_ = -99;
  sscanf(b, "/autogroup-%d nice %d\n", &id, &nice_);
  return b;
}
static int put(const char *text, int n) {
  int d = open("/proc/self/autogroup", O_WRONLY);
  if (d < 0) return -errno;
  int r = write(d, text, n);
  r = r < 0 ? -errno : r;
  close(d);
  usleep(150000);
  return r;
}
#define W(text) do { int r_ = put(text, sizeof text - 1); line(getpid()); printf("%s: %d nice %d\n", text, r_, nice_); } while (0)
static void user(void) {
  W("5"); W("-1"); W("0"); W("20");
  int a = open("/proc/self/autogroup", O_WRONLY);
  for (int i = 0; i < 2; i++) { int r = write(a, "3", 1); printf("at once: %d\n", r < 0 ? -errno : r); }
  struct rlimit l = {25, 25};
  printf("limit: %d\n", setrlimit(RLIMIT_NICE, &l) < 0 ? errno : 0);
}
/* A session with `n` busy processes on the first processor; one of them answers with its process id. */
static int session(int n, const char *nice) {
  int p = fork();
  if (p) return p;
  setsid();
  cpu_set_t set; CPU_ZERO(&set); CPU_SET(0, &set); sched_setaffinity(0, sizeof set, &set);
  if (nice) put(nice, strlen(nice));
  for (int i = 1; i < n; i++) if (!fork()) break;
  for (;;) ;
}
static double used(int p) {
  kill(-p, SIGKILL);
  struct rusage a, b;
  int s;
  getrusage(RUSAGE_CHILDREN, &a);
  waitpid(p, &s, 0);
  getrusage(RUSAGE_CHILDREN, &b);
  return (b.ru_utime.tv_sec - a.ru_utime.tv_sec) + (b.ru_utime.tv_usec - a.ru_utime.tv_usec) / 1e6;
}
int main(int argc, char **argv) {
  setvbuf(stdout, 0, _IONBF, 0);
  if (argc > 1) { user(); return 0; }
  struct stat st;
  stat("/proc/self/autogroup", &st);
  printf("mode: %o\n", st.st_mode);
  printf("of a thread: %d\n", access("/proc/self/task/1/autogroup", F_OK));
  printf("kernel: '%s'\n", line(2));
  int before, after;
  line(getpid()); before = id;
  if (!fork()) {
    line(getpid()); printf("inherited: %d\n", id == before);
    setsid();
    line(getpid()); after = id; printf("own: %d later %d nice %d\n", id != before, id > before, nice_);
    if (!fork()) { line(getpid()); printf("child in it: %d\n", id == after); setpgid(0, 0); line(getpid()); printf("group of processes in it: %d\n", id == after); _exit(0); }
    wait(0);
    W("5"); W("-5"); W("20"); W("-21"); W("19"); W("x"); W(""); W("5 5"); W(" 7"); W("0x5"); W("+3"); W("7\n"); W("010"); W("-20"); W("1\0002"); W("000000000012"); W("0000000000012");
    _exit(0);
  }
  wait(0);
  if (!fork()) { setsid(); if (setgid(1000) || setuid(1000)) _exit(1); execl("/proc/self/exe", "x", "user", NULL); _exit(2); }
  int s; wait(&s); printf("user: %x\n", s);
  // One busy process against three: half of the processor each; and against three that are nice.
  int few = session(1, 0), many = session(3, 0);
  sleep(3);
  double f = used(few), m = used(many);
  printf("half: %d\n", f > m * 1.3); // `m` is one of three
  few = session(1, 0), many = session(1, "19");
  sleep(3);
  f = used(few), m = used(many);
  printf("nice: %d\n", f > 4 * m);
}
