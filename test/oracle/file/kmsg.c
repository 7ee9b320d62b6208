// /proc/kmsg: who may open it.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void attempt(const char *what) {
  int fd = open("/proc/kmsg", O_RDONLY | O_NONBLOCK);
  printf("%s: %s\n", what, fd < 0 ? strerrorname_np(errno) : "ok");
  fflush(stdout);
}
int main(void) {
  struct stat s;
  stat("/proc/kmsg", &s);
  printf("mode: %o %d %d %ld\n", s.st_mode, s.st_uid, s.st_gid, (long)s.st_size);
  attempt("root");
  if (!fork()) {
    unshare(CLONE_NEWUSER);
    attempt("root of a user namespace");
    _exit(0);
  }
  wait(NULL);
  if (!fork()) {
    int header[2] = {0x20080522, 0}, sets[6] = {0};
    syscall(SYS_capset, header, sets);
    attempt("root without capabilities");
    _exit(0);
  }
  wait(NULL);
  if (!fork()) {
    setresuid(1000, 1000, 1000);
    attempt("a user");
    _exit(0);
  }
  wait(NULL);
  printf("write: %s\n", open("/proc/kmsg", O_WRONLY) < 0 ? strerrorname_np(errno) : "ok");
  return 0;
}
