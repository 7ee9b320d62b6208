// What the mount tests share: a private mount namespace, the calls that glibc does not have, and the mounts below the working directory as text.
#pragma once
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static int sys_open_tree(int fd, const char *p, unsigned f) { return syscall(428, fd, p, f); }
static int sys_move_mount(int a, const char *p, int b, const char *q, unsigned f) { return syscall(429, a, p, b, q, f); }
static int sys_fsopen(const char *n, unsigned f) { return syscall(430, n, f); }
static int sys_fsconfig(int fd, unsigned c, const char *k, const void *v, int a) { return syscall(431, fd, c, k, v, a); }
static int sys_fsmount(int fd, unsigned f, unsigned a) { return syscall(432, fd, f, a); }
static int sys_fspick(int fd, const char *p, unsigned f) { return syscall(433, fd, p, f); }
struct mnt_attr { uint64_t set, clr, prop, fd; };
static int sys_mount_setattr(int fd, const char *p, unsigned f, struct mnt_attr *a, size_t n) { return syscall(442, fd, p, f, a, n); }
static int sys_open_tree_attr(int fd, const char *p, unsigned f, struct mnt_attr *a, size_t n) { return syscall(467, fd, p, f, a, n); }

static const char *err(long r) { return r >= 0 ? "0" : strerrorname_np(errno); }
/** "label: 0" or "label: ENOENT". */
#define R(label, expr) do { errno = 0; long r_ = (expr); printf("%s: %s\n", label, err(r_)); fflush(stdout); } while (0)
/** The same for what gives a descriptor, which is left in `var`. */
#define FD(label, var, expr) do { errno = 0; var = (expr); printf("%s: %s\n", label, err(var)); fflush(stdout); } while (0)

static char here[PATH_MAX];
/** A namespace of its own, in which nothing is shared; the working directory is a fresh tmpfs. */
static void begin(void) {
  if (unshare(CLONE_NEWNS) || mount(0, "/", 0, MS_REC | MS_PRIVATE, 0)) { perror("unshare"); exit(1); }
  if (!getcwd(here, sizeof here)) exit(1);
  if (mount("work", here, "tmpfs", 0, "mode=755") || chdir(here)) { perror("tmpfs"); exit(1); }
  umask(022);
}

static long seen_ids[4096]; static int nseen;
/** Numbers in the order in which they are met. */
static int idn(long id, long base) {
  for (int i = 0; i < nseen; i++) if (seen_ids[i] == id + base) return i + 1;
  seen_ids[nseen++] = id + base;
  return nseen;
}

/** The mounts below the working directory, or of `file`: place, root, options and groups, with numbers as they are met. On one line. */
static void show_of(const char *file, const char *label) {
  FILE *f = fopen(file, "r");
  char line[4096];
  nseen = 0;
  printf("%s: ", label);
  while (f && fgets(line, sizeof line, f)) {
    long id, parent; unsigned ma, mi; char root[999], at[999], opts[999];
    int used = 0;
    if (sscanf(line, "%ld %ld %u:%u %998s %998s %998s%n", &id, &parent, &ma, &mi, root, at, opts, &used) < 7) continue;
    if (strncmp(at, here, strlen(here))) continue;
    char *rest = line + used, *dash = strstr(rest, " - ");
    printf("[%s %s %s", at + strlen(here), root, opts);
    *dash = 0;
    for (char *w = strtok(rest, " "); w; w = strtok(0, " ")) {
      char *c = strchr(w, ':');
      if (c) printf(" %.*s:%d", (int)(c - w), w, idn(atol(c + 1), 1000000)); else printf(" %s", w);
    }
    char *tail = dash + 3; tail[strcspn(tail, "\n")] = 0;
    char *src = strchr(tail, ' ');
    char *end = src ? strchr(src + 1, ' ') : 0;
    if (end) *end = 0;
    printf(" %s] ", tail);
  }
  if (f) fclose(f);
  printf("\n"); fflush(stdout);
}
static void show(const char *label) { show_of("/proc/self/mountinfo", label); }

/** Runs `body` in a child and waits; its exit status. */
#define CHILD(...) ({ fflush(stdout); int p_ = fork(); if (!p_) { __VA_ARGS__; fflush(stdout); _exit(0); } int s_ = 0; waitpid(p_, &s_, 0); s_; })
static void put(const char *file, const char *fmt, ...) {
  char b[200]; va_list a; va_start(a, fmt); vsnprintf(b, sizeof b, fmt, a); va_end(a);
  int fd = open(file, O_WRONLY); if (fd >= 0) { if (write(fd, b, strlen(b)) < 0) printf("write %s: %s\n", file, strerrorname_np(errno)); close(fd); }
}
/** In a new user namespace in which the caller is root. */
static void become_user_root(int flags) {
  int uid = geteuid(), gid = getegid();
  prctl(PR_SET_DUMPABLE, 1);
  if (unshare(CLONE_NEWUSER | flags)) { printf("unshare user: %s\n", strerrorname_np(errno)); _exit(1); }
  put("/proc/self/setgroups", "deny"); put("/proc/self/uid_map", "0 %d 1", uid); put("/proc/self/gid_map", "0 %d 1", gid);
}
