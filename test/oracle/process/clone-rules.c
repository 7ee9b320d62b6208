// flags: -static -fno-stack-protector
// timeout: 60
// clone3's argument rules, numbers chosen at several levels, what the child gets and what it does not, limits and nesting.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <grp.h>

static long clone3(void *a, size_t n) { return syscall(SYS_clone3, a, n); }
static const char *err(long r) { static char b[4][32]; static int i; char *p = b[i++ & 3]; if (r >= 0) return "ok"; snprintf(p, 32, "%s", strerrorname_np(errno)); return p; }
static int reap(pid_t p) { int s = -1; waitpid(p, &s, __WALL); return s; }
static long try(const char *label, struct clone_args *a, size_t n) {
  fflush(stdout); long r = clone3(a, n); if (r == 0) _exit(7);
  printf("%s: %s", label, err(r)); if (r > 0) printf(" %x", reap(r)); printf("\n"); return r;
}
static void sizes(void) {
  char *pages = mmap(0, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); mprotect(pages + 8192, 4096, PROT_NONE);
  for (int n = 0; n <= 104; n += 4) { char l[32]; memset(pages, 0, 4096); ((struct clone_args *)pages)->exit_signal = SIGCHLD; snprintf(l, 32, "size %d", n); try(l, (void *)pages, n); }
  static const int more[] = {4095, 4096, 4097, 1 << 20}; for (int i = 0; i < 4; i++) { char l[32]; snprintf(l, 32, "size %d", more[i]); try(l, (void *)pages, more[i]); }
  try("size -1", (void *)pages, -1UL);
  pages[100] = 1; try("tail not zero", (void *)pages, 112); try("tail not looked at", (void *)pages, 96); pages[100] = 0;
  try("null", 0, 88); try("null small", 0, 8); try("null big", 0, 5000);
  char *edge = pages + 8192 - 88; memset(edge, 0, 88); ((struct clone_args *)edge)->exit_signal = SIGCHLD;
  try("at the edge", (void *)edge, 88); try("over the edge", (void *)edge, 96); try("beyond the edge", (void *)(edge + 8), 88);
  edge = pages + 8192 - 96; memset(edge, 0, 96); ((struct clone_args *)edge)->exit_signal = SIGCHLD; edge[92] = 1; try("tail then fault", (void *)edge, 104); edge[92] = 0; try("zero tail then fault", (void *)edge, 104);
}
static void arguments(void) {
  unsigned long every = ~0UL, none = 0; syscall(SYS_rt_sigprocmask, SIG_SETMASK, &every, 0, 8);
  for (int s = 0; s < 70; s += 8) { char l[32]; snprintf(l, 32, "exit signal %d", s); struct clone_args a = {.exit_signal = s}; long r; fflush(stdout); r = clone3(&a, sizeof a); if (r == 0) _exit(3); printf("%s: %s", l, err(r)); if (r > 0) { int st = 0; pid_t w = waitpid(r, &st, 0); printf(" plain %s", w < 0 ? strerrorname_np(errno) : "ok"); if (w < 0) printf(" clone %d", waitpid(r, &st, __WCLONE) == r); } printf("\n"); }
  static const unsigned long long sig[] = {64, 65, 127, 255, 256, 1ULL << 32, ~0ULL};
  for (int i = 0; i < 7; i++) { char l[40]; snprintf(l, 40, "exit signal %llx", sig[i]); struct clone_args a = {.exit_signal = sig[i]}; long r; fflush(stdout); r = clone3(&a, sizeof a); if (r == 0) _exit(3); printf("%s: %s\n", l, err(r)); if (r > 0) reap(r); }
  struct timespec now = {0}; for (unsigned long set = every; syscall(SYS_rt_sigtimedwait, &set, 0, &now, 8) > 0;); syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, 8);
  static char stack[8192]; struct { unsigned long long s, n; } st[] = {{0, 1}, {0, ~0ULL}, {4096, 0}, {0x7fffffffe000, 0x1000}, {0x7fffffffe000, 0x1001}, {0x7ffffffff000, 1}, {1ULL << 63, 4096}, {4096, ~0ULL}, {~0ULL, 1}};
  for (int i = 0; i < 9; i++) { struct clone_args a = {.exit_signal = SIGCHLD, .stack = st[i].s, .stack_size = st[i].n, .flags = CLONE_PIDFD, .pidfd = 8}; char l[40]; snprintf(l, 40, "stack %d", i); try(l, &a, sizeof a); }
  pid_t t[40]; for (int i = 0; i < 40; i++) t[i] = 20000 + i;
  struct { pid_t *t; unsigned long long n; } tid[] = {{0, 1}, {t, 0}, {t, 1}, {t, 2}, {t, 32}, {t, 33}, {t, ~0ULL}, {(pid_t *)8, 1}, {(pid_t *)8, 33}};
  for (int i = 0; i < 9; i++) { struct clone_args a = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)tid[i].t, .set_tid_size = tid[i].n}; char l[40]; snprintf(l, 40, "set_tid %d", i); try(l, &a, sizeof a); }
  pid_t odd[] = {0, -1, 1, getpid(), 1 << 30, 4194304, 4194303}; for (int i = 0; i < 7; i++) { struct clone_args a = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&odd[i], .set_tid_size = 1}; char l[40]; snprintf(l, 40, "set_tid value %d", i); if (i == 6) continue; try(l, &a, sizeof a); }
  struct clone_args cg[] = {{.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = 1ULL << 31}, {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = 9999}, {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = 0}};
  for (int i = 0; i < 3; i++) { char l[40]; snprintf(l, 40, "cgroup %d", i); try(l, &cg[i], sizeof *cg); snprintf(l, 40, "cgroup %d short", i); try(l, &cg[i], 80); }
  int same = 0; struct clone_args p = {.flags = CLONE_PIDFD | CLONE_PARENT_SETTID, .exit_signal = SIGCHLD, .pidfd = (uintptr_t)&same, .parent_tid = (uintptr_t)&same}; try("pidfd is parent_tid", &p, sizeof p);
  struct clone_args f = {.flags = CLONE_PIDFD, .exit_signal = SIGCHLD, .pidfd = 8}; int before = dup(0); close(before); try("pidfd to nowhere", &f, sizeof f); int after = dup(0); close(after); printf("no descriptor left: %d\n", before == after);
  struct clone_args ps = {.flags = CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID, .exit_signal = SIGCHLD, .parent_tid = 8, .child_tid = 16}; try("tids to nowhere", &ps, sizeof ps);
}
static int in_child(const char *label, unsigned long long flags, int (*f)(void *), void *arg) {
  fflush(stdout); int fd = -1; struct clone_args a = {.flags = flags, .exit_signal = SIGCHLD, .pidfd = (uintptr_t)&fd}; long r = clone3(&a, sizeof a);
  if (r == 0) { int x = f(arg); fflush(stdout); _exit(x); }
  if (r < 0) { printf("%s: %s\n", label, err(r)); return -1; }
  int s = reap(r); printf("%s: status %x\n", label, s); if (fd >= 0) close(fd); return s;
}
static int descriptor_count(void *a) { int n = 0; for (int i = 0; i < 64; i++) n += fcntl(i, F_GETFD) >= 0; return n; }
static void pidfd_in_child(void) {
  int n = descriptor_count(0);
  int s = in_child("table of its own", CLONE_PIDFD, descriptor_count, 0); printf("pidfd not in the copy: %d\n", (s >> 8) - n);
  s = in_child("shared table", CLONE_PIDFD | CLONE_FILES, descriptor_count, 0); printf("pidfd in the shared table: %d\n", (s >> 8) - n);
}
// Numbers at several levels: innermost first.
static int levels_inner(void *a) {
  pid_t t[3] = {30, 40, 23456}; struct clone_args c = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)t, .set_tid_size = 3}; fflush(stdout);
  long r = clone3(&c, sizeof c); if (r == 0) { char b[256]; FILE *f = fopen("/proc/self/status", "r"); while (fgets(b, 256, f)) if (!strncmp(b, "NSpid", 5) || !strncmp(b, "NStgid", 6)) printf("three levels: %s", b); printf("own number: %d\n", getpid()); fflush(stdout); _exit(0); }
  printf("three levels made: %ld %s\n", r, err(r)); if (r > 0) reap(r);
  t[0] = 31; c.set_tid_size = 1; r = clone3(&c, sizeof c); if (r == 0) _exit(0); printf("one level: %ld\n", r); if (r > 0) reap(r);
  t[0] = 32; t[1] = 1; c.set_tid_size = 2; r = clone3(&c, sizeof c); if (r == 0) _exit(0); printf("taken above: %ld %s\n", r, err(r));
  t[0] = 32; c.set_tid_size = 4; pid_t four[4] = {32, 42, 24000, 5}; c.set_tid = (uintptr_t)four; r = clone3(&c, sizeof c); if (r == 0) _exit(0); printf("too many levels: %ld %s\n", r, err(r));
  r = fork(); if (r == 0) _exit(0); printf("next number: %ld\n", r); reap(r);
  return 0;
}
static int levels_middle(void *a) { return in_child("inner namespace", CLONE_NEWPID, levels_inner, 0) >> 8; }
static int not_one_first(void *a) {
  unshare(CLONE_NEWPID); pid_t t[2] = {5, 25000}; struct clone_args c = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)t, .set_tid_size = 1}; long r = clone3(&c, sizeof c); if (r == 0) _exit(0); printf("first not 1: %ld %s\n", r, err(r)); if (r > 0) reap(r);
  t[0] = 1; r = clone3(&c, sizeof c); if (r == 0) _exit(0); printf("first is 1: %s\n", err(r)); if (r > 0) reap(r);
  r = fork(); if (r == 0) _exit(0); printf("namespace is dead: %s\n", err(r)); return 0;
}
static int set_tid_rights(void *a) {
  pid_t t[1] = {26000}; struct clone_args c = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)t, .set_tid_size = 1}; setgroups(0, 0); setresgid(1000, 1000, 1000); setresuid(1000, 1000, 1000);
  try("set_tid as user", &c, sizeof c); t[0] = 0; try("set_tid 0 as user", &c, sizeof c); t[0] = 1; try("set_tid taken as user", &c, sizeof c);
  c.flags = CLONE_NEWUSER | CLONE_NEWPID; t[0] = 1; try("set_tid 1 in new namespaces", &c, sizeof c); pid_t two[2] = {1, 26001}; c.set_tid = (uintptr_t)two; c.set_tid_size = 2; try("set_tid outside as user", &c, sizeof c); return 0;
}
// The first process of a namespace cannot be made: the namespace is dead.
static int failed_first(void *a) {
  unshare(CLONE_NEWPID); struct clone_args c = {.flags = CLONE_PIDFD, .exit_signal = SIGCHLD, .pidfd = 8}; long r = clone3(&c, sizeof c); printf("first fails: %s\n", err(r));
  r = fork(); if (r == 0) _exit(0); printf("then: %s\n", err(r)); if (r > 0) reap(r); return 0;
}
static int failed_first_number(void *a) {
  unshare(CLONE_NEWPID); pid_t t[2] = {1, 1}; struct clone_args c = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)t, .set_tid_size = 2}; long r = clone3(&c, sizeof c); printf("first's outer number is taken: %s\n", err(r));
  r = fork(); if (r == 0) _exit(getpid()); printf("then: %s %x\n", err(r), r > 0 ? reap(r) : -1); return 0;
}
static int nest_pid(void *a) {
  int depth = 0; for (;;) {
    if (syscall(SYS_unshare, CLONE_NEWPID) < 0) { printf("PID namespaces nest: %d %s\n", depth, strerrorname_np(errno)); fflush(stdout); return 0; }
    fflush(stdout); pid_t p = fork(); if (p < 0) { printf("fork at %d: %s\n", depth, strerrorname_np(errno)); fflush(stdout); return 0; } if (p > 0) return reap(p) >> 8; depth++;
  }
}
static int nest_user(void *a) { int depth = 0; while (depth < 40 && syscall(SYS_unshare, CLONE_NEWUSER) == 0) { depth++; int fd = open("/proc/self/setgroups", O_WRONLY); write(fd, "deny", 4); close(fd); fd = open("/proc/self/uid_map", O_WRONLY); char b[32]; int n = sprintf(b, "0 0 1"); write(fd, b, n); close(fd); fd = open("/proc/self/gid_map", O_WRONLY); write(fd, b, n); close(fd); } printf("user namespaces nest: %d %s\n", depth, strerrorname_np(errno)); return 0; }
static int put(const char *p, const char *v) { int fd = open(p, O_WRONLY); if (fd < 0) return -errno; int r = write(fd, v, strlen(v)) < 0 ? -errno : 0; close(fd); return r; }
static int limits(void *a) {
  static const struct { const char *name; unsigned long flag; } kind[] = {{"user", CLONE_NEWUSER}, {"pid", CLONE_NEWPID}, {"uts", CLONE_NEWUTS}, {"ipc", CLONE_NEWIPC}, {"net", CLONE_NEWNET}, {"mnt", CLONE_NEWNS}, {"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME}};
  if (unshare(CLONE_NEWUSER)) printf("no namespace: %s\n", strerrorname_np(errno));
  put("/proc/self/setgroups", "deny"); put("/proc/self/uid_map", "0 0 1"); put("/proc/self/gid_map", "0 0 1");
  for (int i = 0; i < 8; i++) {
    char p[64]; snprintf(p, 64, "/proc/sys/user/max_%s_namespaces", kind[i].name); char b[32] = {0}; int fd = open(p, O_RDONLY); read(fd, b, 31); close(fd); b[strcspn(b, "\n")] = 0;
    printf("%s limit: %s, set %d", kind[i].name, b, put(p, "1"));
    fflush(stdout); pid_t q = fork(); if (q == 0) { int r = syscall(SYS_unshare, kind[i].flag); printf(", first %s", r ? strerrorname_np(errno) : "ok"); if (kind[i].flag == CLONE_NEWUSER) printf(", writes %d", put(p, "5")); else { r = syscall(SYS_unshare, kind[i].flag); printf(", second %s", r ? strerrorname_np(errno) : "ok"); } fflush(stdout); _exit(0); } reap(q);
    q = fork(); if (q == 0) { int r; for (int k = 0; (r = syscall(SYS_unshare, kind[i].flag)) && k < 300; k++) usleep(10000); printf(", after the end %s\n", r ? strerrorname_np(errno) : "ok"); fflush(stdout); _exit(0); } reap(q);
    printf("%s none: set %d", kind[i].name, put(p, "0")); int r = syscall(SYS_unshare, kind[i].flag); printf(", %s", r ? strerrorname_np(errno) : "ok"); int x = put(p, "-1"), y = put(p, "x"); printf(", negative %d, text %d\n", x, y);
  }
  return 0;
}
static int limit_rights(void *a) { setresuid(1000, 1000, 1000); printf("limits as user: %d\n", put("/proc/sys/user/max_uts_namespaces", "7")); struct stat s; stat("/proc/sys/user/max_uts_namespaces", &s); printf("mode: %o\n", s.st_mode); return 0; }
// RLIMIT_NPROC
static int processes(void *a) {
  struct rlimit l = {3, 3}; setrlimit(RLIMIT_NPROC, &l); setresgid(31337, 31337, 31337); setresuid(31337, 31337, 31337); prctl(PR_SET_DUMPABLE, 1);
  int p[2]; pipe(p); pid_t c[6]; for (int i = 0; i < 4; i++) { fflush(stdout); c[i] = fork(); if (c[i] == 0) { char x; close(p[1]); read(p[0], &x, 1); _exit(0); } printf("process %d: %s\n", i, err(c[i])); }
  close(p[1]); for (int i = 0; i < 4; i++) if (c[i] > 0) reap(c[i]);
  fflush(stdout); pid_t q = fork(); if (q == 0) { printf("after: ok\n"); fflush(stdout); _exit(0); } reap(q); return 0;
}
static int setuid_over(void *a) {
  int p[2]; pipe(p); pid_t c[3]; for (int i = 0; i < 3; i++) { c[i] = fork(); if (c[i] == 0) { char x; close(p[1]); setresuid(31338, 31338, 31338); read(p[0], &x, 1); _exit(0); } }
  usleep(200000); struct rlimit l = {2, 2}; setrlimit(RLIMIT_NPROC, &l); fflush(stdout); pid_t q = fork();
  if (q == 0) { int r = setresuid(31338, 31338, 31338); char *v[] = {"true", 0}; printf("setuid over the limit: %s\n", err(r)); execv("/bin/true", v); printf("exec over the limit: %s\n", strerrorname_np(errno)); execv("/nonexistent", v); printf("exec of nothing over the limit: %s\n", strerrorname_np(errno)); fflush(stdout); _exit(3); }
  printf("status: %x\n", reap(q)); close(p[1]); for (int i = 0; i < 3; i++) reap(c[i]); return 0;
}
static int userns_processes(void *a) {
  setresgid(31339, 31339, 31339); setresuid(31339, 31339, 31339); prctl(PR_SET_DUMPABLE, 1); struct rlimit l = {3, 10}; setrlimit(RLIMIT_NPROC, &l);
  if (unshare(CLONE_NEWUSER)) printf("unshare: %s\n", strerrorname_np(errno)); l.rlim_cur = 10; setrlimit(RLIMIT_NPROC, &l);
  int p[2]; pipe(p); pid_t c[6]; for (int i = 0; i < 5; i++) { fflush(stdout); c[i] = fork(); if (c[i] == 0) { char x; close(p[1]); read(p[0], &x, 1); _exit(0); } printf("in a namespace, process %d: %s\n", i, err(c[i])); }
  close(p[1]); for (int i = 0; i < 5; i++) if (c[i] > 0) reap(c[i]); return 0;
}
int main(void) {
  sizes(); arguments(); pidfd_in_child();
  in_child("set_tid in three levels", CLONE_NEWPID, levels_middle, 0); in_child("not one first", 0, not_one_first, 0); in_child("rights", 0, set_tid_rights, 0);
  in_child("failed first", 0, failed_first, 0); in_child("failed first number", 0, failed_first_number, 0);
  in_child("nest", 0, nest_pid, 0); in_child("nest user", 0, nest_user, 0); in_child("limits", 0, limits, 0); in_child("limit rights", 0, limit_rights, 0);
  in_child("processes", 0, processes, 0); in_child("setuid over", 0, setuid_over, 0); in_child("userns processes", 0, userns_processes, 0);
  return 0;
}
