// PTRACE_TRACEME: only by a parent that has the child's capabilities, or CAP_SYS_PTRACE over it.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/landlock.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void drop(void) {
  int header[2] = {0x20080522, 0}, sets[6] = {0};
  syscall(SYS_capset, header, sets);
}
static void attempt(const char *what) {
  long r = ptrace(PTRACE_TRACEME, 0, 0, 0);
  printf("%s: %s", what, r ? strerrorname_np(errno) : "ok");
  r = ptrace(PTRACE_TRACEME, 0, 0, 0);
  printf(" again %s\n", r ? strerrorname_np(errno) : "ok");
  fflush(stdout);
}
// 1: the parent drops its capabilities, 2: the child does, 4: the child is in a user namespace of its own, 8: the parent becomes another user.
static void with(const char *what, int how) {
  int go[2];
  pipe(go);
  if (!fork()) {
    int child = fork();
    if (!child) {
      char c;
      read(go[0], &c, 1);
      if (how & 4) unshare(CLONE_NEWUSER);
      if (how & 2) drop();
      attempt(what);
      _exit(0);
    }
    if (how & 8) setresuid(1000, 1000, 1000);
    if (how & 1) drop();
    write(go[1], "", 1);
    waitpid(child, NULL, 0);
    _exit(0);
  }
  wait(NULL);
}

int main(void) {
  with("both privileged", 0);
  with("parent without", 1);
  with("child without", 2);
  with("both without", 3);
  with("child in a user namespace", 4);
  with("parent without, child in a user namespace", 5);
  with("child in a user namespace, without", 6);
  with("parent another user", 8);
  with("parent another user, child without", 10);
  with("parent another user, child in a user namespace", 12);
  return 0;
}
