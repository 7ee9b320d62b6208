// ioctls of pidfds: PIDFD_GET_INFO in its sizes and for the living, zombies and the reaped; the namespaces of a process; who may ask.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct info { uint64_t mask, cgroup; uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid; int32_t exit_code; uint32_t coredump, spare; char more[56]; };
#define COMMAND(size) _IOC(_IOC_READ | _IOC_WRITE, 0xff, 11, size)
static const char *err(long r) { return r >= 0 ? "ok" : strerrorname_np(errno); }
static int me;

static void info(const char *what, int fd, uint64_t mask, int size, int child) {
  struct info i;
  memset(&i, 0x55, sizeof i);
  i.mask = mask;
  errno = 0;
  int r = ioctl(fd, COMMAND(size), &i);
  printf("%s mask %lx size %d: %d %s", what, (long)mask, size, r, r < 0 ? strerrorname_np(errno) : "");
  if (r == 0) {
    printf(" mask %lx pid %d tgid %d ppid %s", (long)i.mask, i.pid == child, i.tgid == child, i.ppid == me ? "me" : i.ppid ? "other" : "0");
    printf(" ids %d %d %d %d %d %d %d %d code %x cgroup %d", i.ruid, i.rgid, i.euid, i.egid, i.suid, i.sgid, i.fsuid, i.fsgid, i.exit_code, i.cgroup != 0);
    if (size > 64) printf(" core %x %x", i.coredump, i.spare);
    if (size > 72) printf(" tail %x", i.more[size - 73]);
  }
  printf("\n");
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  me = getpid();
  int hold[2];
  pipe(hold);
  int child = fork();
  if (!child) {
    char c;
    close(hold[1]);
    setresgid(3, 4, 5);
    setresuid(6, 7, 0);
    prctl(PR_SET_DUMPABLE, 1);
    read(hold[0], &c, 1);
    _exit(9);
  }
  usleep(100000);
  int fd = syscall(SYS_pidfd_open, child, 0);
  int sizes[] = {8, 63, 64, 68, 72, 80, 100};
  for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) info("alive", fd, 0, sizes[i], child);
  for (int m = 1; m < 128; m <<= 1) info("alive", fd, m, 72, child);
  info("alive", fd, ~0ull, 72, child);
  printf("null: %s\n", err(ioctl(fd, COMMAND(64), NULL)));
  printf("bad address: %s\n", err(ioctl(fd, COMMAND(64), (void *)8)));
  printf("direction: %s\n", err(ioctl(fd, _IOC(_IOC_READ, 0xff, 11, 64), &sizes)));
  struct info in = {0};
  printf("write only: %s\n", err(ioctl(fd, _IOC(_IOC_WRITE, 0xff, 11, 64), &in)));
  uint32_t generation = 77;
  printf("FS_IOC_GETVERSION: %s %u null %s\n", err(ioctl(fd, 0x80087601, &generation)), generation, err(ioctl(fd, 0x80087601, NULL)));
  printf("unknown: %s %s %s\n", err(ioctl(fd, 0xff00, 0)), err(ioctl(fd, 0xff0c, 0)), err(ioctl(fd, 0x5401, 0)));
  // Namespaces.
  static const char *const links[] = {"", "cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user", "uts"};
  for (int i = 1; i <= 10; i++) {
    int ns = ioctl(fd, 0xff00 + i, 0);
    char path[100];
    struct stat a = {0}, b = {1};
    sprintf(path, "/proc/%d/ns/%s", child, links[i]);
    stat(path, &b);
    if (ns >= 0) fstat(ns, &a);
    printf("namespace %s: %s same %d cloexec %d flags %x with argument %s\n", links[i], err(ns), a.st_ino == b.st_ino && a.st_dev == b.st_dev, fcntl(ns, F_GETFD), fcntl(ns, F_GETFL), err(ioctl(fd, 0xff00 + i, 1)));
    close(ns);
  }
  // Others look.
  if (!fork()) {
    setgroups(0, NULL);
    setresgid(1000, 1000, 1000);
    setresuid(1000, 1000, 1000);
    info("a stranger", fd, 0, 72, child);
    printf("a stranger's namespace: %s\n", err(ioctl(fd, 0xff02, 0)));
    unshare(CLONE_NEWUSER);
    info("from a user namespace", fd, 0, 72, child);
    _exit(0);
  }
  wait(NULL);
  if (syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0) == 0) {
    info("from another PID namespace", fd, 1, 72, child);
    printf("namespace from there: %s\n", err(ioctl(fd, 0xff02, 0)));
    _exit(0);
  }
  wait(NULL);
  int self = syscall(SYS_pidfd_open, me, 0), inner = 0, before[2];
  pipe(before);
  int in_namespace = syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (in_namespace == 0) {
    char c;
    read(before[0], &c, 1);
    _exit(0);
  }
  inner = syscall(SYS_pidfd_open, in_namespace, 0);
  info("the init of another namespace", inner, 0, 72, in_namespace);
  write(before[1], "", 1);
  waitpid(in_namespace, NULL, 0);
  info("self", self, 16, 72, me);
  prctl(PR_SET_DUMPABLE, 0);
  info("self, not dumpable", self, 16, 72, me);
  prctl(PR_SET_DUMPABLE, 1);
  // The same process, the same inode.
  int again = syscall(SYS_pidfd_open, child, 0);
  struct stat a, b, c;
  fstat(fd, &a), fstat(again, &b), fstat(self, &c);
  printf("inodes: same %d other %d device %d mode %o size %ld links %ld uid %d\n", a.st_ino == b.st_ino, a.st_ino == c.st_ino, a.st_dev == c.st_dev, a.st_mode, (long)a.st_size, (long)a.st_nlink, a.st_uid);
  // It ends.
  close(hold[1]);
  siginfo_t si;
  waitid(P_PID, child, &si, WEXITED | WNOWAIT);
  info("zombie", fd, 0, 72, child);
  info("zombie", fd, 8, 72, child);
  info("zombie", fd, 16, 72, child);
  printf("zombie's namespace: %s pid %s user %s\n", err(ioctl(fd, 0xff02, 0)), err(ioctl(fd, 0xff05, 0)), err(ioctl(fd, 0xff09, 0)));
  waitpid(child, NULL, 0);
  info("reaped", fd, 0, 72, child);
  info("reaped", fd, 8, 72, child);
  info("reaped", fd, 8, 64, child);
  info("reaped", fd, 9, 72, child);
  info("reaped", fd, 24, 72, child);
  printf("reaped's namespace: %s with argument %s\n", err(ioctl(fd, 0xff02, 0)), err(ioctl(fd, 0xff02, 1)));
  child = fork();
  if (!child) {
    kill(getpid(), SIGUSR1);
    _exit(0);
  }
  fd = syscall(SYS_pidfd_open, child, 0);
  waitpid(child, NULL, 0);
  info("killed", fd, 8, 72, child);
  // A thread group's exit, and a thread's own.
  child = fork();
  if (!child) _exit(200);
  fd = syscall(SYS_pidfd_open, child, 0x80);
  waitpid(child, NULL, 0);
  info("thread", fd, 8, 72, child);
  return 0;
}
