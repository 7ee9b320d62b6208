// Makes and drops about as many namespaces as its argument says, beside each other and inside each other: by clone, by unshare, 30 levels deep, held by descriptors and by mounts.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLAIN (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP)
static char before[8192], after[8192];
static void counts(char *b) {
  int fd = open("/proc/fault-counts", O_RDONLY), n = read(fd, b, 8191);
  b[n < 0 ? 0 : n] = 0;
  close(fd);
}
static int made;
static long child(unsigned long flags) { return syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0); }
// The id that makes the next user namespace has to be known in this one.
static int map(void) {
  int fd = open("/proc/self/uid_map", O_WRONLY), n = write(fd, "0 0 1", 5);
  close(fd);
  fd = open("/proc/self/setgroups", O_WRONLY), write(fd, "deny", 4), close(fd);
  fd = open("/proc/self/gid_map", O_WRONLY), write(fd, "0 0 1", 5), close(fd);
  return n == 5;
}
static void deep(int levels) {
  if (levels == 0) _exit(0);
  int p = child(CLONE_NEWPID | CLONE_NEWUSER);
  if (p < 0) _exit(1);
  if (p == 0) {
    if (!map()) _exit(1);
    deep(levels - 1);
  }
  int s;
  waitpid(p, &s, 0);
  _exit(WEXITSTATUS(s));
}

int main(int argc, char **argv) {
  int wanted = atoi(argv[1]), s;
  close(creat("/tmp/growth", 0644));
  int warm = 2;
again:
  counts(before);
  made = 0;
  while (made < (warm ? 200 : wanted)) {
    // Beside each other.
    for (int i = 0; i < 10; i++, made += 7) {
      int p = child(PLAIN | CLONE_NEWPID | CLONE_NEWUSER);
      if (p == 0) _exit(0);
      if (p < 0) return 2;
      waitpid(p, &s, 0);
    }
    // Inside each other: users and numbers 30 deep; the others from one to the next.
    int p = fork();
    if (p == 0) deep(30);
    waitpid(p, &s, 0);
    if (s != 0) return 3;
    made += 60;
    p = fork();
    if (p == 0) {
      for (int k = 0; k < 30; k++) if (unshare(PLAIN | (k < 25 ? CLONE_NEWUSER : 0) | CLONE_NEWTIME) != 0 || (k < 25 && !map())) _exit(1);
      _exit(0);
    }
    waitpid(p, &s, 0);
    if (s != 0) return 4;
    made += 205;
    // Held by descriptors and by a mount after their makers are gone.
    int held[10];
    for (int i = 0; i < 10; i++) {
      int go[2];
      pipe(go);
      p = child(PLAIN | CLONE_NEWUSER);
      if (p == 0) {
        char c;
        close(go[1]);
        read(go[0], &c, 1);
        _exit(0);
      }
      char path[64];
      sprintf(path, "/proc/%d/ns/net", p);
      held[i] = open(path, O_RDONLY);
      if (i == 0) {
        sprintf(path, "/proc/%d/ns/uts", p);
        if (mount(path, "/tmp/growth", NULL, MS_BIND, NULL) != 0) return 5;
      }
      close(go[0]), close(go[1]);
      waitpid(p, &s, 0);
      made += 6;
    }
    umount("/tmp/growth");
    for (int i = 0; i < 10; i++) close(held[i]);
  }
  counts(after);
  if (strcmp(before, after)) printf("LEAK\n%s---\n%s", before, after);
  if (warm-- > 0) goto again;
  printf("made %d\n", made);
  return 0;
}
