// flags: -static -pthread -fno-stack-protector
// Walks flags of clone, clone3, unshare and setns from several kinds of callers and prints what happens, a line a case.
// Run natively and inside, the output must be the same. usage: matrix CONTEXT CALL   (see the tables at the end)
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <grp.h>

#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
struct flag { const char *name; unsigned long long bit; };
static const struct flag all[] = {
  {"VM", CLONE_VM}, {"FS", CLONE_FS}, {"FILES", CLONE_FILES}, {"SIGHAND", CLONE_SIGHAND}, {"PIDFD", CLONE_PIDFD}, {"PTRACE", CLONE_PTRACE}, {"VFORK", CLONE_VFORK},
  {"PARENT", CLONE_PARENT}, {"THREAD", CLONE_THREAD}, {"NEWNS", CLONE_NEWNS}, {"SYSVSEM", CLONE_SYSVSEM}, {"SETTLS", CLONE_SETTLS}, {"PARENT_SETTID", CLONE_PARENT_SETTID},
  {"CHILD_CLEARTID", CLONE_CHILD_CLEARTID}, {"DETACHED", CLONE_DETACHED}, {"UNTRACED", CLONE_UNTRACED}, {"CHILD_SETTID", CLONE_CHILD_SETTID}, {"NEWCGROUP", CLONE_NEWCGROUP},
  {"NEWUTS", CLONE_NEWUTS}, {"NEWIPC", CLONE_NEWIPC}, {"NEWUSER", CLONE_NEWUSER}, {"NEWPID", CLONE_NEWPID}, {"NEWNET", CLONE_NEWNET}, {"IO", CLONE_IO}, {"NEWTIME", CLONE_NEWTIME},
  {"CLEAR_SIGHAND", CLONE_CLEAR_SIGHAND}, {"INTO_CGROUP", CLONE_INTO_CGROUP}, {"BIT34", 0x400000000ULL},
};
enum { ALL = sizeof all / sizeof *all };
static const char *const spaces[] = {"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user", "uts"};
enum { SPACES = 10 };

// What a task sees, written by the task itself with plain system calls.
struct view { long ino[SPACES]; int pid, tid, ppid, uid, euid, gid, cap[6], umask_, sigusr1; int mounts_size; char mounts[16384]; };
struct record { struct view before, after, child; volatile int child_ran; int ptid, ctid, pidfd; };
static struct record *shared;
static int proc_fd;

static inline long raw(long n, long a, long b, long c, long d) {
  long r; register long r10 __asm__("r10") = d;
  __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory"); return r;
}
static void look(struct view *v) {
  static const char *const path[] = {"thread-self/ns/cgroup", "thread-self/ns/ipc", "thread-self/ns/mnt", "thread-self/ns/net", "thread-self/ns/pid", "thread-self/ns/pid_for_children", "thread-self/ns/time", "thread-self/ns/time_for_children", "thread-self/ns/user", "thread-self/ns/uts"};
  for (int i = 0; i < SPACES; i++) {
    char b[64]; long n = raw(SYS_readlinkat, proc_fd, (long)path[i], (long)b, 63); long ino = 0;
    if (n < 0) v->ino[i] = n; else { for (int k = 0; k < n; k++) if (b[k] >= '0' && b[k] <= '9') ino = ino * 10 + b[k] - '0'; v->ino[i] = ino; }
  }
  v->pid = raw(SYS_getpid, 0, 0, 0, 0); v->tid = raw(SYS_gettid, 0, 0, 0, 0); v->ppid = raw(SYS_getppid, 0, 0, 0, 0); v->uid = raw(SYS_getuid, 0, 0, 0, 0); v->euid = raw(SYS_geteuid, 0, 0, 0, 0); v->gid = raw(SYS_getgid, 0, 0, 0, 0);
  int h[2] = {0x20080522, 0}; for (int i = 0; i < 6; i++) v->cap[i] = 0; raw(SYS_capget, (long)h, (long)v->cap, 0, 0);
  v->umask_ = raw(SYS_umask, 0, 0, 0, 0); raw(SYS_umask, v->umask_, 0, 0, 0);
  long act[4] = {0}; raw(SYS_rt_sigaction, SIGUSR1, 0, (long)act, 8); v->sigusr1 = act[0] != 0 ? (act[0] == 1 ? 1 : 2) : 0;
  v->mounts_size = 0; long fd = raw(SYS_openat, proc_fd, (long)"thread-self/mountinfo", O_RDONLY, 0), n;
  if (fd < 0) { v->mounts_size = fd; return; }
  while (v->mounts_size < (int)sizeof v->mounts && (n = raw(SYS_read, fd, (long)v->mounts + v->mounts_size, sizeof v->mounts - v->mounts_size, 0)) > 0) v->mounts_size += n;
  raw(SYS_close, fd, 0, 0, 0);
}

// Mounts are told by what stands below MOUNTS: numbers of mounts and peer groups in the order of their appearance in a case, so that it shows which are the same.
#define MOUNTS "/tmp/matrix-root/mm"
struct numbers { int seen[256], count; };
static struct numbers mount_ids, peer_groups;
static int number(struct numbers *t, int n) { for (int i = 0; i < t->count; i++) if (t->seen[i] == n) return i + 1; if (t->count < 256) t->seen[t->count++] = n; return t->count; }
static int mount_text(const struct view *v, char *out, int size) {
  int used = 0; out[0] = 0;
  if (v->mounts_size < 0) return snprintf(out, size, "errno %d", -v->mounts_size);
  static char copy[sizeof v->mounts + 1]; memcpy(copy, v->mounts, v->mounts_size); copy[v->mounts_size] = 0; char *rest = copy, *line;
  while ((line = strsep(&rest, "\n"))) {
    if (!strstr(line, "/mm")) continue;
    char *word, *place; int k = 0;
    while ((word = strsep(&line, " "))) {
      if (k == 0) used += snprintf(out + used, size - used, "%d", number(&mount_ids, atoi(word)));
      else if (k == 1) used += snprintf(out + used, size - used, "<%d", number(&mount_ids, atoi(word)));
      else if (k == 4) used += snprintf(out + used, size - used, " %s", (place = strstr(word, "/mm")) ? place : word);
      else if (k == 3 || k == 5) used += snprintf(out + used, size - used, " %s", word);
      else if (k > 5) {
        if (!strcmp(word, "-")) break;
        char *colon = strchr(word, ':'); used += colon ? snprintf(out + used, size - used, " %.*s:%d", (int)(colon - word), word, number(&peer_groups, atoi(colon + 1))) : snprintf(out + used, size - used, " %s", word);
      }
      k++;
    }
    used += snprintf(out + used, size - used, ";");
  }
  return used;
}
static void mount_changes(const char *who, const struct view *a, const struct view *b) {
  static char one[8192], two[8192];
  mount_text(a, one, sizeof one); mount_text(b, two, sizeof two);
  if (!strcmp(one, two)) printf(" same"); else printf(" %s(%s)", who, two);
}
static void write_shown_mounts(const struct view *v) {
  static char text[8192]; mount_ids.count = peer_groups.count = 0; mount_text(v, text, sizeof text);
  unsigned h = 2166136261u; for (char *p = text; *p; p++) h = (h ^ (unsigned char)*p) * 16777619u;
  printf(" mounts=%x", h);
}
static void make_mounts(void) {
  static const char *const places[] = {"shared", "peer", "slave", "both", "plain", "never", "shared/below"};
  if (geteuid() || unshare(CLONE_NEWNS)) return;
  mount(0, "/", 0, MS_REC | MS_PRIVATE, 0); mkdir("/tmp/matrix-root", 0755); mkdir(MOUNTS, 0755); mount("mm", MOUNTS, "tmpfs", 0, 0); chdir(MOUNTS);
  for (int i = 0; i < 6; i++) mkdir(places[i], 0755);
  close(creat("file", 0644)); close(creat("namespace", 0644));
  mount("one", "shared", "tmpfs", 0, 0); mkdir("shared/below", 0755); mount(0, "shared", 0, MS_SHARED, 0); mount("shared", "peer", 0, MS_BIND, 0);
  mount("shared", "slave", 0, MS_BIND, 0); mount(0, "slave", 0, MS_SLAVE, 0); mount("shared", "both", 0, MS_BIND, 0); mount(0, "both", 0, MS_SLAVE, 0); mount(0, "both", 0, MS_SHARED, 0);
  mount("two", "plain", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOATIME, 0); mount("three", "never", "tmpfs", MS_NOEXEC, 0); mount(0, "never", 0, MS_UNBINDABLE, 0);
  mount("four", "shared/below", "tmpfs", 0, 0); mount("file", "file", 0, MS_BIND, 0); mount("/proc/self/ns/uts", "namespace", 0, MS_BIND, 0); chdir("/");
}
static char child_stack[65536] __attribute__((aligned(64)));
static char tls_area[4096] __attribute__((aligned(64)));
static void child_main(void) { raw(SYS_umask, 0, 0, 0, 0); raw(SYS_umask, 027, 0, 0, 0); look(&shared->child); shared->child_ran = 1; for (;;) raw(SYS_exit, 7, 0, 0, 0); }
// The child starts on its own stack and never returns.
static long clone_legacy(unsigned long flags, int *ptid, int *ctid) {
  long r; register long r10 __asm__("r10") = (long)ctid; register long r8 __asm__("r8") = (long)tls_area;
  __asm__ volatile("syscall\n test %%rax,%%rax\n jnz 1f\n xor %%ebp,%%ebp\n call *%%r12\n 1:" : "=a"(r) : "a"((long)SYS_clone), "D"(flags), "S"(child_stack + sizeof child_stack), "d"(ptid), "r"(r10), "r"(r8), "r"((long)0) : "rcx", "r11", "memory");
  return r;
}
static long clone_new(struct clone_args *a, unsigned long size) {
  long r;
  __asm__ volatile("syscall\n test %%rax,%%rax\n jnz 1f\n xor %%ebp,%%ebp\n call *%%r12\n 1:" : "=a"(r) : "a"(435L), "D"(a), "S"(size) : "rcx", "r11", "memory");
  return r;
}
static void changes(const char *who, const struct view *a, const struct view *b) {
  printf(" %s[", who); for (int i = 0; i < SPACES; i++) if (a->ino[i] != b->ino[i]) { if (b->ino[i] < 0) printf("%s:%ld ", spaces[i], b->ino[i]); else printf("%s ", spaces[i]); }
  printf("] uid=%d,%d,%d cap=%x.%x,%x.%x umask=%o usr1=%d", b->uid, b->euid, b->gid, b->cap[0], b->cap[3], b->cap[1], b->cap[4], b->umask_, b->sigusr1);
}
static void on_usr1(int s) { (void)s; }
static void clone_case(const char *name, unsigned long long flags, int use3) {
  look(&shared->before); shared->child_ran = 0; shared->ptid = shared->ctid = -5; shared->pidfd = -7; raw(SYS_umask, 022, 0, 0, 0);
  long r; register long target __asm__("r12") = (long)child_main; __asm__ volatile("" : : "r"(target));
  if (use3) {
    struct clone_args a = {.flags = flags, .pidfd = (uintptr_t)&shared->pidfd, .child_tid = (uintptr_t)&shared->ctid, .parent_tid = (uintptr_t)&shared->ptid, .exit_signal = flags & (CLONE_THREAD | CLONE_PARENT) ? 0 : SIGCHLD,
      .stack = (uintptr_t)child_stack, .stack_size = sizeof child_stack, .tls = flags & CLONE_SETTLS ? (uintptr_t)tls_area : 0, .cgroup = flags & CLONE_INTO_CGROUP ? 999 : 0};
    target = (long)child_main; __asm__ volatile("" : "+r"(target)); r = clone_new(&a, sizeof a);
  } else { target = (long)child_main; __asm__ volatile("" : "+r"(target)); r = clone_legacy(flags | SIGCHLD, flags & CLONE_PIDFD && !(flags & CLONE_PARENT_SETTID) ? &shared->pidfd : &shared->ptid, &shared->ctid); }
  int status = -1; long w = 0;
  if (r > 0) {
    if (flags & CLONE_THREAD) { for (int i = 0; i < 20000 && !shared->child_ran; i++) usleep(100); usleep(300); }
    else if (flags & CLONE_PARENT) { for (int i = 0; i < 20000 && !shared->child_ran; i++) usleep(100); }
    else w = waitpid(r, &status, __WALL);
  }
  look(&shared->after);
  if (r < 0) printf("%s: errno %ld", name, -r); else printf("%s: ok wait=%d status=%x", name, w == r, status);
  if (r > 0) {
    printf(" ran=%d", shared->child_ran); changes("child", &shared->before, &shared->child);
    printf(" pid=%s tid=%s ppid=%s", shared->child.pid == 1 ? "1" : shared->child.pid == shared->before.pid ? "same" : shared->child.pid == r ? "ret" : "other", shared->child.tid == 1 ? "1" : shared->child.tid == r ? "ret" : "other",
      shared->child.ppid == 0 ? "0" : shared->child.ppid == shared->before.pid ? "caller" : shared->child.ppid == shared->before.ppid ? "sibling" : "other");
    printf(" ptid=%s ctid=%s pidfd=%s", shared->ptid == r ? "ret" : shared->ptid == -5 ? "-" : "other", shared->ctid == 0 ? "0" : shared->ctid == -5 ? "-" : "set", shared->pidfd == -7 ? "-" : fcntl(shared->pidfd, F_GETFD) == 1 ? "cloexec" : "bad");
  }
  changes("self", &shared->before, &shared->after); write_shown_mounts(&shared->before); mount_changes("self", &shared->before, &shared->after); if (r > 0) mount_changes("child", &shared->before, &shared->child); printf("\n");
}
static void unshare_case(const char *name, unsigned long long flags) {
  look(&shared->before); long r = raw(SYS_unshare, (long)flags, 0, 0, 0); look(&shared->after);
  if (r < 0) printf("%s: errno %ld", name, -r); else printf("%s: ok", name);
  changes("self", &shared->before, &shared->after);
  fflush(stdout); pid_t p = fork(); if (p == 0) { look(&shared->child); shared->child_ran = 1; _exit(0); }
  if (p < 0) printf(" fork: errno %d", errno); else { waitpid(p, 0, 0); changes("child", &shared->before, &shared->child); printf(" pid1=%d", shared->child.pid == 1); }
  write_shown_mounts(&shared->before); mount_changes("self", &shared->before, &shared->after); if (p > 0) mount_changes("child", &shared->before, &shared->child);
  printf("\n");
}
// setns: a target process sits in new namespaces of every kind (in a new user namespace or not).
static const char *context;
static int singles; // the short form: no pairs
static int ready[2], target_pid, sleeper, sleeper_in_proc;
static void start_target(int with_user) {
  if (pipe(ready)) exit(3); fflush(stdout); target_pid = fork();
  if (target_pid == 0) {
    long r = raw(SYS_unshare, (with_user ? CLONE_NEWUSER : 0) | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWTIME, 0, 0, 0);
    if (r < 0) { write(ready[1], "e", 1); _exit(1); }
    // The sleeper's number as /proc has it, which is mounted in the outermost PID namespace, and as the caller has it.
    int go[2]; if (pipe(go)) _exit(1);
    int q = fork(); if (q == 0) { char b[32] = {0}; read(go[0], b, 1); readlinkat(proc_fd, "self", b, 31); int n = atoi(b); write(ready[1], &n, sizeof n); for (;;) pause(); }
    write(ready[1], "r", 1); write(ready[1], &q, sizeof q); write(go[1], "", 1);
    int s; waitpid(q, &s, 0); _exit(0);
  }
  char c = 0; read(ready[0], &c, 1); if (c != 'r') { target_pid = -target_pid; return; }
  read(ready[0], &sleeper, sizeof sleeper); read(ready[0], &sleeper_in_proc, sizeof sleeper_in_proc);
}
static void setns_case(const char *name, unsigned long long flags, int by_pidfd, int with_user, const char *link) {
  start_target(with_user); if (target_pid < 0) { printf("%s: no target\n", name); return; }
  int q = strcmp(context, "init") ? sleeper_in_proc : sleeper, fd; char p[64]; snprintf(p, sizeof p, "%d/ns/%s", sleeper_in_proc, link ? link : "user");
  fd = by_pidfd ? (int)syscall(SYS_pidfd_open, q, 0) : openat(proc_fd, p, O_RDONLY);
  if (fd < 0) printf("%s: open errno %d\n", name, errno);
  else {
    look(&shared->before); long r = raw(SYS_setns, fd, (long)flags, 0, 0); look(&shared->after);
    if (r < 0) printf("%s: errno %ld", name, -r); else printf("%s: ok", name);
    changes("self", &shared->before, &shared->after); write_shown_mounts(&shared->before); mount_changes("self", &shared->before, &shared->after); printf("\n");
  }
  kill(q, SIGKILL); waitpid(target_pid, 0, 0);
}

// The kinds of callers.
static void *sleeping(void *a) { for (;;) pause(); return a; }
static void write_file(const char *path, const char *text) { int fd = openat(proc_fd, path, O_WRONLY); if (fd >= 0) { write(fd, text, strlen(text)); close(fd); } }
static void drop(void) { setgroups(0, 0); if (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000)) exit(4); prctl(PR_SET_DUMPABLE, 1); }
static int enter(const char *context) {
  if (!strcmp(context, "root")) return 0;
  if (!strcmp(context, "user")) { drop(); return 0; }
  if (!strcmp(context, "userns")) { drop(); if (unshare(CLONE_NEWUSER)) return errno; write_file("self/setgroups", "deny"); write_file("self/uid_map", "0 1000 1"); write_file("self/gid_map", "0 1000 1"); return 0; }
  if (!strcmp(context, "unmapped")) { drop(); return unshare(CLONE_NEWUSER) ? errno : 0; }
  if (!strcmp(context, "chroot")) { mkdir("/tmp/matrix-root", 0755); return chroot("/tmp/matrix-root") || chdir("/") ? errno : 0; }
  if (!strcmp(context, "userchroot")) { mkdir("/tmp/matrix-root", 0755); if (chroot("/tmp/matrix-root") || chdir("/")) return errno; drop(); return 0; }
  if (!strcmp(context, "threads")) { pthread_t t; return pthread_create(&t, 0, sleeping, 0); }
  if (!strcmp(context, "pending")) return unshare(CLONE_NEWPID) ? errno : 0;
  if (!strcmp(context, "pendingtime")) return unshare(CLONE_NEWTIME) ? errno : 0;
  if (!strcmp(context, "init")) return 0; // forked with NEWPID by the caller
  return EINVAL;
}
// Each case runs in a process of its own, so that nothing is left behind; a CLONE_PARENT child is reaped here.
static int verbose_status;
static void one(void (*body)(void *), void *arg) {
  fflush(stdout); int init = !strcmp(context, "init");
  pid_t p = init ? syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0) : fork();
  if (p == 0) { signal(SIGUSR1, on_usr1); umask(022); int e = enter(context); if (e) printf("cannot enter %s: errno %d\n", context, e); else body(arg); fflush(stdout); raw(SYS_exit_group, 0, 0, 0, 0); }
  int s = 0; if (p < 0) printf("fork: %d\n", errno); while (waitpid(-1, &s, __WALL) > 0) if (verbose_status) printf("status %x\n", s);
}
struct work { char name[128]; unsigned long long flags; int kind, by_pidfd, with_user; const char *link; };
static void body(void *p) {
  struct work *w = p;
  if (w->kind == 0) clone_case(w->name, w->flags, 0); else if (w->kind == 1) clone_case(w->name, w->flags, 1); else if (w->kind == 2) unshare_case(w->name, w->flags); else setns_case(w->name, w->flags, w->by_pidfd, w->with_user, w->link);
}
static void flag_cases(const char *call, int kind, int first_limit, int triples) {
  for (int i = -1; i < ALL; i++) for (int j = i < 0 ? ALL - 1 : i; j < ALL && (!singles || i < 0 || j == i); j++) {
    struct work w = {.flags = (i < 0 ? 0 : all[i].bit) | (i < 0 ? 0 : all[j].bit), .kind = kind};
    if (kind == 0 && w.flags >> 32) continue;
    if (kind == 0 && w.flags & CLONE_NEWTIME) continue; // in clone(2) the bit belongs to the exit signal
    snprintf(w.name, sizeof w.name, "%s %s %s%s%s", context, call, i < 0 ? "0" : all[i].name, i < 0 || i == j ? "" : "|", i < 0 || i == j ? "" : all[j].name); one(body, &w);
  }
  if (!triples) return;
  static const char *const interacting[] = {"VM", "FS", "SIGHAND", "THREAD", "VFORK", "PARENT", "NEWNS", "NEWUSER", "NEWPID", "NEWIPC", "SYSVSEM", "NEWTIME", "CLEAR_SIGHAND", "PIDFD", "PARENT_SETTID"};
  enum { N = sizeof interacting / sizeof *interacting }; unsigned long long b[N];
  for (int i = 0; i < N; i++) for (int k = 0; k < ALL; k++) if (!strcmp(all[k].name, interacting[i])) b[i] = all[k].bit;
  for (int i = 0; i < N; i++) for (int j = i + 1; j < N; j++) for (int k = j + 1; k < N; k++) {
    struct work w = {.flags = b[i] | b[j] | b[k], .kind = kind}; if (kind == 0 && (w.flags >> 32 || w.flags & CLONE_NEWTIME)) continue;
    snprintf(w.name, sizeof w.name, "%s %s %s|%s|%s", context, call, interacting[i], interacting[j], interacting[k]); one(body, &w);
  }
}
static void setns_cases(void) {
  static const char *const link[] = {"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user", "uts"};
  static const unsigned long long bit[] = {CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWPID, CLONE_NEWTIME, CLONE_NEWTIME, CLONE_NEWUSER, CLONE_NEWUTS};
  for (int u = 0; u < 2; u++) {
    for (int i = 0; i < SPACES; i++) for (int any = 0; any < 3; any++) {
      struct work w = {.flags = any == 0 ? bit[i] : any == 1 ? 0 : bit[(i + 3) % SPACES], .kind = 3, .with_user = u, .link = link[i]};
      snprintf(w.name, sizeof w.name, "%s setns %s%s %s", context, link[i], any == 0 ? "" : any == 1 ? " any" : " wrong", u ? "owned" : "plain"); one(body, &w);
    }
    for (int i = 0; i < SPACES; i++) for (int j = i; j < SPACES && (!singles || j == i); j++) {
      struct work w = {.flags = bit[i] | bit[j], .kind = 3, .by_pidfd = 1, .with_user = u}; snprintf(w.name, sizeof w.name, "%s setns pidfd %s|%s %s", context, link[i], link[j], u ? "owned" : "plain"); one(body, &w);
    }
    static const unsigned long long odd[] = {0, CLONE_VM, CLONE_FS, CLONE_NEWUTS | CLONE_FILES, ~0ULL, CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWTIME};
    for (int i = 0; i < 6; i++) { struct work w = {.flags = odd[i], .kind = 3, .by_pidfd = 1, .with_user = u}; snprintf(w.name, sizeof w.name, "%s setns pidfd odd%d %s", context, i, u ? "owned" : "plain"); one(body, &w); }
  }
}
int main(int argc, char **argv) {
  if (argc < 3) return fprintf(stderr, "usage: matrix CONTEXT clone|clone3|unshare|setns|all [triples|singles]\n"), 2;
  context = argv[1]; int triples = argc > 3 && !strcmp(argv[3], "triples"); singles = argc > 3 && !strcmp(argv[3], "singles"); proc_fd = open("/proc", O_RDONLY | O_DIRECTORY);
  shared = mmap(0, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  setvbuf(stdout, 0, _IOFBF, 1 << 16); make_mounts();
  int every = !strcmp(argv[2], "all");
  if (every || !strcmp(argv[2], "clone")) flag_cases("clone", 0, ALL, triples);
  if (every || !strcmp(argv[2], "clone3")) flag_cases("clone3", 1, ALL, triples);
  if (every || !strcmp(argv[2], "unshare")) flag_cases("unshare", 2, ALL, triples);
  if (every || !strcmp(argv[2], "setns")) setns_cases();
  return 0;
}
