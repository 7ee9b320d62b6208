// Prints what a call gave: "label: 0" or "label: ENOENT".
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#define R(label, expr)                                                                            \
  do {                                                                                            \
    errno = 0;                                                                                    \
    long r_ = (long)(expr);                                                                       \
    if (r_ == -1) printf("%s: %s\n", label, errno ? strerrorname_np(errno) : "-1");               \
    else printf("%s: %ld\n", label, r_);                                                          \
  } while (0)
// Descriptors differ with what is open already: only success shows.
#define FD(label, expr)                                                                           \
  ({                                                                                              \
    errno = 0;                                                                                    \
    int f_ = (int)(expr);                                                                         \
    printf("%s: %s\n", label, f_ >= 0 ? "ok" : strerrorname_np(errno));                           \
    f_;                                                                                           \
  })
static char scratch_dir[256];
static void leave_scratch(void) {
  char cmd[300];
  if (chdir("/") == 0) { snprintf(cmd, sizeof cmd, "chattr -R -i -a %s 2>/dev/null; rm -rf %s", scratch_dir, scratch_dir); if (system(cmd)) {} }
}
static pid_t scratch_owner;
static void leave_if_owner(void) { if (getpid() == scratch_owner) leave_scratch(); }
// A fresh working directory that goes away at exit.
static void scratch(void) {
  strcpy(scratch_dir, "/tmp/viv-file-XXXXXX");
  if (!mkdtemp(scratch_dir) || chdir(scratch_dir)) exit(99);
  scratch_owner = getpid();
  atexit(leave_if_owner);
  umask(022);
  setvbuf(stdout, NULL, _IOLBF, 0);
}
static void put(const char *name, const char *text) {
  int f = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (f < 0 || write(f, text, strlen(text)) < 0) printf("put %s failed: %d\n", name, errno);
  close(f);
}
