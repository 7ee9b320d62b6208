// A file that is a mount's root and loses its name keeps its bytes until that mount is gone (bwrap --bind-data).
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

static void show(const char *what, const char *f) {
  char b[100];
  int d = open(f, O_RDONLY), n = read(d, b, 99);
  struct stat st = {0};
  stat(f, &st);
  printf("%s: %d '%.*s' links %d size %d\n", what, n, n > 0 ? n : 0, b, (int)st.st_nlink, (int)st.st_size);
  close(d);
}
static void put(const char *f, const char *text) {
  int d = open(f, O_WRONLY | O_CREAT, 0644);
  write(d, text, strlen(text));
  close(d);
}
static long inodes(void) { struct statfs s; statfs("/mnt", &s); return s.f_files - s.f_ffree; }
int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  unshare(CLONE_NEWNS);
  mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
  mount("t", "/mnt", "tmpfs", 0, NULL);
  put("/mnt/a", "hello"); put("/mnt/b", ""); put("/mnt/c", "");
  int watch = inotify_init1(IN_NONBLOCK);
  inotify_add_watch(watch, "/mnt/a", IN_DELETE_SELF);
  printf("bind: %d\n", mount("/mnt/a", "/mnt/b", NULL, MS_BIND, NULL));
  printf("unlink: %d\n", unlink("/mnt/a"));
  show("bound", "/mnt/b");
  put("/mnt/b", "HE"); show("written", "/mnt/b");
  printf("bound once more: %d", mount("/mnt/b", "/mnt/c", NULL, MS_BIND, NULL)); printf(" %d\n", errno);
  char e[100];
  printf("told: %zd\n", read(watch, e, 100) > 0 ? 1L : 0L);
  long before = inodes();
  int d = open("/mnt/b", O_RDONLY);
  printf("umount: %d\n", umount2("/mnt/b", MNT_DETACH));
  printf("open: %zd %zd\n", pread(d, e, 5, 0), read(watch, e, 100));
  close(d);
  printf("told: %d\n", read(watch, e, 100) > 0);
  printf("freed: %ld\n", before - inodes());
  show("under it", "/mnt/b");
  // The same through a detached tree, and a directory.
  put("/mnt/a", "again");
  int tree = open_tree(AT_FDCWD, "/mnt/a", OPEN_TREE_CLONE);
  unlink("/mnt/a");
  printf("move: %d", move_mount(tree, "", AT_FDCWD, "/mnt/b", MOVE_MOUNT_F_EMPTY_PATH)); printf(" %d\n", errno);
  printf("read: %d\n", (d = openat(tree, "", O_RDONLY)) < 0 ? -errno : 0);
  char link[40];
  snprintf(link, 40, "/proc/self/fd/%d", tree);
  show("detached", link);
  show("moved", "/mnt/b");
  close(tree);
  show("closed", "/mnt/b");
  umount("/mnt/b");
  mkdir("/mnt/d", 0755); mkdir("/mnt/e", 0755);
  mount("/mnt/d", "/mnt/e", NULL, MS_BIND, NULL);
  printf("rmdir: %d\n", rmdir("/mnt/d"));
  struct stat st;
  stat("/mnt/e", &st); printf("links %d\n", (int)st.st_nlink);
  printf("bind what has no name: %d", mount("/mnt/e", "/mnt", NULL, MS_BIND, NULL)); printf(" %d\n", errno);
  printf("on it: %d", mount("t", "/mnt/e", "tmpfs", 0, NULL)); printf(" %d\n", errno);
  tree = open_tree(AT_FDCWD, "/mnt/e", OPEN_TREE_CLONE); printf("clone: %d\n", tree < 0 ? errno : 0);
  int ns = unshare(CLONE_NEWNS); stat("/mnt/e", &st); printf("copied: %d links %d\n", ns, (int)st.st_nlink);
  printf("create: %d", mkdir("/mnt/e/x", 0755)); printf(" %d\n", errno);
  before = inodes();
  printf("umount: %d\n", umount("/mnt/e"));
  printf("freed: %ld\n", before - inodes());
}
