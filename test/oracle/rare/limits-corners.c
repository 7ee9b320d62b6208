// Limits of mounts (fs.mount-max) and of inotify; clear_refs.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *err(long r) { return r >= 0 ? "ok" : strerrorname_np(errno); }
static int put(const char *file, const char *text) {
  int fd = open(file, O_WRONLY), e;
  int r = fd < 0 ? fd : write(fd, text, strlen(text));
  e = errno;
  close(fd);
  errno = e;
  return r;
}
static char *get(const char *file) {
  static char b[4000];
  int fd = open(file, O_RDONLY), n = fd < 0 ? -1 : read(fd, b, sizeof b - 1);
  b[n < 0 ? 0 : n] = 0;
  close(fd);
  return n < 0 ? (char *)strerrorname_np(errno) : b;
}
static int count(void) {
  FILE *f = fopen("/proc/self/mountinfo", "r");
  int n = 0, c;
  while ((c = getc(f)) != EOF) n += c == '\n';
  fclose(f);
  return n;
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("mount-max: %s", get("/proc/sys/fs/mount-max"));
  printf("zero: %s negative: %s\n", err(put("/proc/sys/fs/mount-max", "0")), err(put("/proc/sys/fs/mount-max", "-1")));
  if (!fork()) {
    unshare(CLONE_NEWNS);
    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    mount("t", "/mnt", "tmpfs", 0, NULL);
    mkdir("/mnt/a", 0755), mkdir("/mnt/b", 0755);
    char old[100], limit[100];
    strcpy(old, get("/proc/sys/fs/mount-max"));
    // The topmost mount is not shown.
    sprintf(limit, "%d", count() + 1 + 3);
    put("/proc/sys/fs/mount-max", limit);
    int made = 0, e = 0;
    while (made < 10) {
      if (mount("u", "/mnt/a", "tmpfs", 0, NULL)) { e = errno; break; }
      made++;
    }
    printf("mounts up to the limit: %d %s\n", made, strerrorname_np(e));
    printf("bind: %s\n", err(mount("/mnt", "/mnt/b", NULL, MS_BIND, NULL)));
    umount("/mnt/a");
    printf("after an umount: %s", err(mount("u", "/mnt/b", "tmpfs", 0, NULL)));
    umount("/mnt/b");
    printf(" recursive bind: %s\n", err(mount("/mnt", "/mnt/b", NULL, MS_BIND | MS_REC, NULL)));
    printf("a copy of the namespace: %s\n", err(unshare(CLONE_NEWNS)));
    put("/proc/sys/fs/mount-max", "1");
    printf("a copy with a limit of one: %s\n", err(unshare(CLONE_NEWNS)));
    put("/proc/sys/fs/mount-max", old);
    _exit(0);
  }
  wait(NULL);
  // inotify.
  char instances[100], watches[100];
  strcpy(instances, get("/proc/sys/user/max_inotify_instances"));
  strcpy(watches, get("/proc/sys/user/max_inotify_watches"));
  printf("user limits: %d %d fs %d\n", atoi(instances) > 0, atoi(watches) > 0, !strcmp(instances, get("/proc/sys/fs/inotify/max_user_instances")));
  if (!fork()) {
    unshare(CLONE_NEWUSER);
    printf("in a user namespace: %d %d\n", atoi(get("/proc/sys/user/max_inotify_instances")), atoi(get("/proc/sys/user/max_inotify_watches")));
    if (!fork()) {
      printf("write: %s %s\n", err(put("/proc/sys/user/max_inotify_instances", "3")), err(put("/proc/sys/user/max_inotify_watches", "5")));
      int made = 0, e = 0, last = -1, fd;
      while (made < 10) {
        if ((fd = inotify_init1(0)) < 0) { e = errno; break; }
        last = fd;
        made++;
      }
      printf("instances: %d %s\n", made, strerrorname_np(e));
      int watched = 0;
      char path[100];
      for (e = 0; watched < 10; watched++) {
        sprintf(path, "/tmp/corner-%d", watched);
        close(creat(path, 0644));
        if (inotify_add_watch(last, path, IN_MODIFY) < 0) { e = errno; break; }
      }
      printf("watches: %d %s again %s\n", watched, strerrorname_np(e), err(inotify_add_watch(last, "/tmp/corner-0", IN_ATTRIB)));
      printf("removed: %s then %s\n", err(inotify_rm_watch(last, 1)), err(inotify_add_watch(last, path, IN_MODIFY)));
      close(last);
      fd = inotify_init1(0);
      printf("closed: %s watches free: %s\n", err(fd), err(inotify_add_watch(fd, path, IN_MODIFY)));
      for (int i = 0; i < 10; i++) sprintf(path, "/tmp/corner-%d", i), unlink(path);
      _exit(0);
    }
    wait(NULL);
    _exit(0);
  }
  wait(NULL);
  if (!fork()) {
    setgroups(0, NULL);
    setresuid(4321, 4321, 4321);
    int made = 0, e = 0;
    while (made < 3000) {
      if (inotify_init1(0) < 0) { e = errno; break; }
      made++;
    }
    printf("a user's instances: %d %s\n", made == atoi(instances), strerrorname_np(e));
    _exit(0);
  }
  wait(NULL);
  // clear_refs.
  char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  p[0] = 1;
  static const char *const values[] = {"0", "1", "2", "3", "4", "5", "6", "x", "-1", "1 ", " 1"};
  for (unsigned i = 0; i < sizeof values / sizeof *values; i++) printf("clear_refs %s: %d %s\n", values[i], put("/proc/self/clear_refs", values[i]), strerrorname_np(errno * (errno == EINVAL)));
  printf("still there: %d\n", p[0]);
  // The peak comes down.
  char *big = mmap(NULL, 40 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  munmap(big, 40 << 20);
  char *hwm = strstr(get("/proc/self/status"), "VmHWM:");
  int before = atoi(hwm + 7);
  put("/proc/self/clear_refs", "5");
  hwm = strstr(get("/proc/self/status"), "VmHWM:");
  printf("peak: %d %d\n", before > 40000, atoi(hwm + 7) < 20000);
  return 0;
}
