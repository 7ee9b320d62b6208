// /proc/PID/loginuid and sessionid; what a NUL byte in a write to /proc means.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void put(const char *file, const char *text, int n) {
  int fd = open(file, O_WRONLY);
  int r = fd < 0 ? fd : write(fd, text, n);
  printf("%s %d bytes: %d %s\n", file, n, r, r < 0 ? strerrorname_np(errno) : "");
  if (fd >= 0) close(fd);
}
static int get(const char *file, char *b) {
  int fd = open(file, O_RDONLY);
  int n = fd < 0 ? 0 : read(fd, b, 99);
  b[n > 0 ? n : 0] = 0;
  close(fd);
  return n;
}
static int firstSession = -1;
static void show(const char *what) {
  char uid[100], session[100];
  get("/proc/self/loginuid", uid);
  get("/proc/self/sessionid", session);
  long s = strtoul(session, NULL, 10);
  if (s != 4294967295 && firstSession < 0) firstSession = s;
  printf("%s: %s session %ld\n", what, uid, s == 4294967295 ? -1 : s - firstSession);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  put("/proc/self/loginuid", "4294967295", 10);
  show("unset");
  put("/proc/self/loginuid", "x", 1);
  put("/proc/self/loginuid", "-1", 2);
  put("/proc/self/loginuid", "4294967296", 10);
  put("/proc/self/loginuid", "0x10", 4);
  put("/proc/1/loginuid", "5", 1);
  put("/proc/self/sessionid", "5", 1);
  put("/proc/self/loginuid", "1000", 4);
  show("set");
  put("/proc/self/loginuid", "010\n", 4);
  show("again");
  if (!fork()) {
    show("child");
    setresuid(10, 10, 10);
    put("/proc/self/loginuid", "11", 2);
    show("without capabilities");
    char b[100];
    unshare(CLONE_NEWUSER);
    show("in a user namespace");
    put("/proc/self/loginuid", "11", 2);
    _exit(0);
  }
  wait(NULL);
  put("/proc/self/loginuid", "4294967295", 10);
  show("taken back");
  if (!fork()) {
    setresuid(10, 10, 10);
    put("/proc/self/loginuid", "12", 2);
    show("unset, without capabilities");
    put("/proc/self/loginuid", "13", 2);
    _exit(0);
  }
  wait(NULL);
  // A NUL ends the text.
  put("/proc/self/oom_score_adj", "100", 4);
  put("/proc/self/oom_score_adj", "101\0001", 5);
  put("/proc/self/oom_score_adj", "\0", 1);
  put("/proc/self/oom_score_adj", "12\n", 4);
  char b[100];
  get("/proc/self/oom_score_adj", b);
  printf("oom_score_adj: %s", b);
  put("/proc/self/oom_adj", "1", 2);
  put("/proc/self/coredump_filter", "33", 3);
  put("/proc/self/timerslack_ns", "50000", 6);
  put("/proc/self/comm", "ab\0c", 4);
  printf("comm: %d\n", get("/proc/self/comm", b));
  if (unshare(CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS) != 0) return 1;
  put("/proc/sys/kernel/domainname", "x\0y", 3);
  printf("domainname: %d\n", get("/proc/sys/kernel/domainname", b));
  put("/proc/sys/kernel/msgmni", "100", 4);
  put("/proc/sys/kernel/msgmni", "100\0002", 5);
  mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
  mount("none", "/mnt", "cgroup2", 0, NULL);
  char folder[100], path[200];
  sprintf(folder, "/mnt/nul-%d", getpid());
  mkdir(folder, 0755);
  chdir(folder);
  put("cgroup.freeze", "0", 2);
  put("cgroup.max.depth", "7\0001", 3);
  put("cgroup.max.depth", "8", 2);
  put("cgroup.max.descendants", "max", 4);
  put("cgroup.subtree_control", "", 1);
  put("cgroup.type", "threaded", 9);
  get("cgroup.max.depth", b);
  printf("cgroup.max.depth: %s", b);
  chdir("/mnt");
  rmdir(folder);
  return 0;
}
