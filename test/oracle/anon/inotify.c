// inotify: every event, coalescing, cookies, lifetimes.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
static int n, in;
#define T(what, e) do { errno = 0; long r_ = (long)(e); printf("%02d %s: %ld %d\n", n++, what, r_, r_ < 0 ? errno : 0); } while (0)
static void events(const char *what) {
  char b[8192] __attribute__((aligned(8)));
  int k = 0, r; unsigned cookie = 0;
  ioctl(in, FIONREAD, &k);
  printf("%02d %s: %d bytes\n", n++, what, k);
  while ((r = read(in, b, sizeof b)) > 0) for (char *p = b; p < b + r;) { struct inotify_event *e = (void *)p; printf("%02d   wd=%d mask=%x len=%d cookie=%s name=%s\n", n++, e->wd, e->mask, e->len, !e->cookie ? "0" : e->cookie == cookie ? "same" : "new", e->len ? e->name : ""); cookie = e->cookie; p += sizeof *e + e->len; }
}
int main(void) {
  char dir[] = "/tmp/inotifyXXXXXX", b[100]; mkdtemp(dir); chdir(dir); setvbuf(stdout, 0, _IOLBF, 0);
  T("flags", inotify_init1(1)); in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC); T("read", read(in, b, 100));
  T("no mask", inotify_add_watch(in, ".", 0)); T("missing", inotify_add_watch(in, "none", IN_ALL_EVENTS)); T("badf", inotify_add_watch(999, ".", IN_OPEN)); T("not inotify", inotify_add_watch(1, ".", IN_OPEN)); int w; T("watch", (w = inotify_add_watch(in, ".", IN_ALL_EVENTS))); T("same", inotify_add_watch(in, dir, IN_ALL_EVENTS)); T("mask create", inotify_add_watch(in, ".", IN_OPEN | IN_MASK_CREATE)); T("both", inotify_add_watch(in, ".", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE)); T("rm bad", inotify_rm_watch(in, 77));
  int f = open("file", O_CREAT | O_RDWR, 0600); events("create"); write(f, "abc", 3); write(f, "abc", 3); events("write twice"); lseek(f, 0, 0); read(f, b, 3); events("read"); ftruncate(f, 1); events("truncate"); fchmod(f, 0644); events("chmod"); close(f); events("close write"); f = open("file", O_RDONLY); close(f); events("open close"); rename("file", "moved"); events("rename"); link("moved", "linked"); events("link"); symlink("x", "sym"); events("symlink"); mkdir("sub", 0700); events("mkdir"); mkfifo("fifo", 0600); events("mkfifo"); unlink("linked"); events("unlink"); rmdir("sub"); events("rmdir"); unlink("fifo"); unlink("sym"); events("two"); utimensat(AT_FDCWD, "moved", 0, 0); events("utimes");
  int wf; T("file watch", (wf = inotify_add_watch(in, "moved", IN_ALL_EVENTS))); f = open("moved", O_WRONLY); write(f, "x", 1); close(f); events("both watches"); rename("moved", "again"); events("move self"); rename("again", "moved"); events("back"); unlink("moved"); events("delete self"); T("rm dead", inotify_rm_watch(in, wf));
  mkdir("a", 0700); mkdir("b", 0700); events("dirs"); int wa = inotify_add_watch(in, "a", IN_ALL_EVENTS), wb = inotify_add_watch(in, "b", IN_ALL_EVENTS); close(open("a/f", O_CREAT | O_WRONLY, 0600)); events("in a"); rename("a/f", "b/g"); events("across"); T("rm", inotify_rm_watch(in, w)); events("ignored"); rename("a", "c"); events("self of dir"); rmdir("c"); events("dir delete self"); (void)wa; (void)wb;
  close(open("b/o", O_CREAT, 0600)); events("b"); f = open("b/o", O_RDWR); unlink("b/o"); write(f, "z", 1); close(f); events("after unlink"); T("replace", inotify_add_watch(in, "b", IN_OPEN)); close(open("b/g", O_RDWR)); events("open only"); T("add", inotify_add_watch(in, "b", IN_CLOSE_WRITE | IN_MASK_ADD)); close(open("b/g", O_RDWR)); events("open and close"); T("oneshot", inotify_add_watch(in, "b/g", IN_OPEN | IN_ONESHOT)); close(open("b/g", O_RDWR)); close(open("b/g", O_RDWR)); events("once"); T("onlydir", inotify_add_watch(in, "b/g", IN_OPEN | IN_ONLYDIR)); symlink("g", "b/l"); T("dont follow", inotify_add_watch(in, "b/l", IN_ALL_EVENTS | IN_DONT_FOLLOW)); close(open("b/l", O_RDONLY)); events("link"); T("short", (close(open("b/g", O_RDONLY)), read(in, b, 10))); struct pollfd p = {in, POLLIN, 0}; T("poll", poll(&p, 1, 0)); events("drain"); T("poll", poll(&p, 1, 0)); T("write", write(in, b, 1)); opendir("b"); events("opendir"); char nm[300] = "b/"; memset(nm + 2, 'n', 200); nm[202] = 0; close(open(nm, O_CREAT | O_WRONLY, 0600)); events("long name");
  system("rm -rf *"); events("rm"); chdir("/"); rmdir(dir); events("end"); return 0;
}
