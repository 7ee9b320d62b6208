// Pressure stall files: what may be written to them, triggers that fire under load and not without, those of a group, a group that goes away.
// timeout: 60
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void attempt(const char *f, const char *s, int n) {
  int fd = open(f, O_RDWR | O_NONBLOCK);
  if (fd < 0) { printf("%s: open %d\n", f, errno); return; }
  errno = 0;
  int r = write(fd, s, n);
  printf("%s < %.40s (%d): %d %d", f, s, n, r, r < 0 ? errno : 0);
  struct pollfd p = {fd, POLLPRI | POLLIN | POLLOUT, 0};
  int q = poll(&p, 1, 0);
  printf(" poll %d %x", q, p.revents & ~(r > 0 ? POLLPRI : 0));
  errno = 0;
  r = write(fd, "some 150000 2000000", 20);
  printf(" again %d %d", r, r < 0 ? errno : 0);
  char b[300];
  r = pread(fd, b, 300, 0);
  printf(" read %d\n", r > 0 && !strncmp(b, "some avg10=", 11));
  close(fd);
}
#define A(f, s) attempt(f, s, sizeof s)
static void writes(const char *f) {
  attempt(f, "some 150000 2000000", 19);
  A(f, "some 150000 2000000"); A(f, "full 150000 2000000"); A(f, "some 150000 2000000\n"); A(f, "some 150000 1"); A(f, "some 1 1"); A(f, "some 0 2000000");
  A(f, "some 1000 10000001"); A(f, "some 1000 10000000"); A(f, "some 1000 0"); A(f, "none 1000 10000000"); A(f, "some 1000"); attempt(f, "", 0); A(f, ""); A(f, "some -1 10000000");
  A(f, "some  1000   2000000 xyz"); A(f, "some 1000 2000000 0123456789012345678901234567890123456789"); A(f, " some 1000 2000000"); A(f, "some 1000x 2000000"); A(f, "some 0x1000 2000000");
  A(f, "some 4294967396 2000000"); A(f, "some1000 2000000"); A(f, "some 3000000 2000000"); A(f, "some 150000 1000000"); A(f, "some 150000 3000000");
  int fd = open(f, O_RDONLY | O_NONBLOCK);
  struct pollfd p = {fd, POLLPRI | POLLIN | POLLOUT, 0};
  printf("no trigger: %d", poll(&p, 1, 0));
  printf(" %x\n", p.revents);
  printf("read only: %zd", write(fd, "some 150000 2000000", 20));
  printf(" %d\n", errno);
  close(fd);
}
static int workers[8];
static void work(const char *group, int on) {
  for (int i = 0; i < 8; i++) {
    if (!on) { kill(workers[i], SIGKILL); waitpid(workers[i], 0, 0); continue; }
    if ((workers[i] = fork())) continue;
    if (group) { int d = open(group, O_WRONLY); if (write(d, "0", 1) != 1) _exit(1); }
    for (;;) ;
  }
}
static void fires(const char *f, const char *group) {
  int fd = open(f, O_RDWR | O_NONBLOCK);
  printf("trigger: %d\n", write(fd, "some 100000 2000000", 20) > 0);
  work(group, 1);
  struct pollfd p = {fd, POLLPRI, 0};
  for (int i = 0; i < 2; i++) { printf("fires: %d", poll(&p, 1, 10000)); printf(" %x\n", p.revents); }
  work(group, 0);
  char b[300] = "";
  pread(fd, b, 299, 0);
  char *t = strstr(b, "total=");
  printf("total: %d\n", t && atol(t + 6) > 500000);
  close(fd);
}
int main(void) {
  setvbuf(stdout, 0, _IONBF, 0);
  const char *files[] = {"/proc/pressure/cpu", "/proc/pressure/memory", "/proc/pressure/io"};
  for (int i = 0; i < 3; i++) { struct stat s; stat(files[i], &s); printf("%s: %o %d\n", files[i], s.st_mode, (int)s.st_size); writes(files[i]); }
  if (!fork()) { if (setgid(1000) || setuid(1000)) _exit(1); for (int i = 0; i < 3; i++) { A(files[i], "some 150000 1000000"); A(files[i], "some 150000 4000000"); } _exit(0); }
  wait(0);
  fires(files[0], 0);
  mkdir("cg", 0755);
  unshare(CLONE_NEWNS);
  mount(0, "/", 0, MS_REC | MS_PRIVATE, 0);
  if (mount("none", "cg", "cgroup2", 0, 0)) printf("mount: %d\n", errno);
  char name[64];
  snprintf(name, 64, "cg/pressure-%d", getpid());
  mkdir(name, 0755);
  if (chdir(name)) printf("no group\n");
  writes("cpu.pressure");
  attempt("io.pressure", "some 150000 2000000", 20); attempt("memory.pressure", "full 150000 2000000", 20);
  char b[300] = "";
  int fd = open("cpu.pressure", O_RDWR);
  read(fd, b, 299);
  printf("%s", b);
  fires("cpu.pressure", "cgroup.procs");
  printf("trigger: %d\n", write(fd, "some 100000 2000000", 20) > 0);
  chdir("..");
  printf("remove: %d\n", rmdir(strchr(name, '/') + 1));
  struct pollfd p = {fd, POLLPRI, 0};
  printf("gone: %d", poll(&p, 1, 1000));
  printf(" %x\n", p.revents);
}
