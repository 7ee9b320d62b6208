// A directory that was moved out of what a bind mount shows: no way up, what can be done there, how it is named.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *err(long r) { return r >= 0 ? "ok" : strerrorname_np(errno); }
static int open2(int fd, const char *path, int resolve) {
  struct open_how how = {.flags = O_RDONLY | O_DIRECTORY, .resolve = resolve};
  return syscall(SYS_openat2, fd, path, &how, sizeof how);
}
static void look(const char *what, int fd) {
  char b[200], p[100];
  printf("%s: .. %s ../.. %s . %s", what, err(openat(fd, "..", O_RDONLY)), err(openat(fd, "../..", O_RDONLY)), err(openat(fd, ".", O_RDONLY)));
  printf(" down and up %s beneath %s in root %s", err(openat(fd, "d/..", O_RDONLY)), err(open2(fd, "..", RESOLVE_BENEATH)), err(open2(fd, "..", RESOLVE_IN_ROOT)));
  printf(" no xdev %s", err(open2(fd, "..", RESOLVE_NO_XDEV)));
  sprintf(p, "/proc/self/fd/%d", fd);
  int n = readlink(p, b, 199);
  b[n < 0 ? 0 : n] = 0;
  printf(" name %s", b);
  fchdir(fd);
  char *c = getcwd(b, sizeof b);
  printf(" cwd %s %s chdir .. %s mkdir %s stat .. %s\n", c ? "ok" : strerrorname_np(errno), c ? c : "", err(chdir("..")), err(mkdirat(fd, "new", 0755)), err(fstatat(fd, "..", &(struct stat){0}, 0)));
  unlinkat(fd, "new", AT_REMOVEDIR);
  chdir("/");
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  unshare(CLONE_NEWNS);
  mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
  mount("t", "/mnt", "tmpfs", 0, NULL);
  mkdir("/mnt/a", 0755), mkdir("/mnt/a/b", 0755), mkdir("/mnt/a/b/c", 0755), mkdir("/mnt/a/b/c/d", 0755), mkdir("/mnt/x", 0755), mkdir("/mnt/other", 0755);
  mount("/mnt/a/b", "/mnt/x", NULL, MS_BIND, NULL);
  int bound = open("/mnt/x/c", O_RDONLY), plain = open("/mnt/a/b/c", O_RDONLY), root = open("/mnt/x", O_RDONLY);
  look("bound, before", bound);
  printf("moved: %s\n", err(rename("/mnt/a/b/c", "/mnt/other/c")));
  look("bound", bound);
  look("plain", plain);
  look("the mount's root", root);
  // The root itself moves: what is below stays connected.
  printf("the source moved: %s\n", err(rename("/mnt/a/b", "/mnt/other/b")));
  mkdir("/mnt/x/e", 0755), mkdir("/mnt/x/e/d", 0755);
  look("inside a moved source", open("/mnt/x/e", O_RDONLY));
  // A mount whose place is moved out of the mount that it was seen through.
  mkdir("/mnt/m", 0755), mkdir("/mnt/m/n", 0755), mkdir("/mnt/m/n/o", 0755), mkdir("/mnt/y", 0755);
  mount("u", "/mnt/m/n/o", "tmpfs", 0, NULL);
  mount("/mnt/m", "/mnt/y", NULL, MS_BIND | MS_REC, NULL);
  int below = open("/mnt/y/n/o", O_RDONLY);
  mkdir("/mnt/y/n/o/d", 0755);
  look("below, before", below);
  printf("moved: %s\n", err(rename("/mnt/m/n", "/mnt/other/n")));
  look("below", below);
  return 0;
}
