// Values of /proc/sys of an IPC and a UTS namespace: owner, mode, what a write takes and what it leaves, positions; as root and as the root of a user namespace.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
static void say(const char *what, long r) { printf("  %s: %ld %s\n", what, r, r < 0 ? strerrorname_np(errno) : ""); }
static long put(const char *file, const char *text) {
  int fd = open(file, O_WRONLY); if (fd < 0) return -1;
  long n = write(fd, text, strlen(text)); int e = errno; close(fd); errno = e; return n;
}
static void show(const char *file) { char b[200]; int fd = open(file, O_RDONLY), n = read(fd, b, 200); printf("    = %.*s", n > 0 ? n : 0, b); close(fd); }
static void one(const char *name) {
  static const char *texts[] = { "0", "1", "-1", "5 6", "5 6 7 8", "5 6 x", "5 6 7 8 9", "2147483647", "2147483648", "4294967296", "18446744073709551615", "18446744073709551616",
    "x", "", "\n", " 3", "3\n4", "0x20", "010", "99999", "32768", "32769", "1000000", "5000", "60000 60010", "60010 60000", "3x", "a b", "-2147483648", "-2147483649" };
  char file[99], old[99] = "", c[9]; struct stat s;
  snprintf(file, 99, "/proc/sys/%s", name); stat(file, &s); printf("%s: %o %d %d\n", name, s.st_mode, s.st_uid, s.st_gid);
  int fd = open(file, O_RDONLY); if (read(fd, old, 98) < 0) perror("read"); close(fd); old[strcspn(old, "\n")] = 0;
  for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) { say(texts[i], put(file, texts[i])); show(file); put(file, old); }
  fd = open(file, O_RDWR); say("pwrite at 1", pwrite(fd, "5", 1, 1)); say("read one", pread(fd, c, 1, 0)); say("read behind", pread(fd, c, 1, 1)); close(fd);
  fd = open(file, O_WRONLY | O_TRUNC | O_APPEND); say("append", write(fd, "7\n", 2)); say("second", write(fd, "8\n", 2)); close(fd); show(file);
}
static void all(void) {
  static const char *names[] = { "kernel/sem", "kernel/shmmax", "kernel/shmmni", "kernel/shm_rmid_forced", "kernel/msgmax", "kernel/auto_msgmni", "kernel/sem_next_id", "fs/mqueue/msg_max", "fs/mqueue/queues_max", "kernel/hostname" };
  sethostname("here", 4);
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) one(names[i]);
}
static int child(void (*f)(void)) { fflush(stdout); int p = fork(), st; if (!p) { f(); fflush(stdout); _exit(0); } waitpid(p, &st, 0); return st; }
static void root(void) { unshare(CLONE_NEWIPC | CLONE_NEWUTS); all(); }
static void user(void) {
  setgroups(0, 0); setgid(1000); setuid(1000); prctl(PR_SET_DUMPABLE, 1);
  unshare(CLONE_NEWUSER | CLONE_NEWIPC | CLONE_NEWUTS);
  put("/proc/self/setgroups", "deny"); put("/proc/self/uid_map", "0 1000 1"); put("/proc/self/gid_map", "0 1000 1");
  all();
}
int main(void) { printf("%x\n", child(root)); printf("%x\n", child(user)); }
