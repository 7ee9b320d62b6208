// flags: -static -pthread -fno-stack-protector
// Makes every step of clone, unshare, setns and execve fail in turn (/proc/self/fail-nth) and prints what was left behind (/proc/fault-counts).
// Runs only inside, in a sandbox made with faultInjection.
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
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVERY (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP)
static char child_stack[16384] __attribute__((aligned(16)));
static char before[8192], after[8192];
static int target_pidfd, target_ns, proc;
static void counts(char *b) { int fd = openat(proc, "fault-counts", O_RDONLY); int n = read(fd, b, 8191); b[n < 0 ? 0 : n] = 0; close(fd); }
static long fork3(unsigned long long flags, pid_t *tid, int n) {
  int fd = -1; struct clone_args a = {.flags = flags, .exit_signal = flags & CLONE_THREAD ? 0 : SIGCHLD, .pidfd = (uintptr_t)&fd, .set_tid = (uintptr_t)tid, .set_tid_size = n, .parent_tid = (uintptr_t)&fd + 0};
  if (flags & CLONE_VM) { a.stack = (uintptr_t)child_stack; a.stack_size = sizeof child_stack; }
  long r; __asm__ volatile("syscall\n test %%rax,%%rax\n jnz 1f\n mov $60,%%eax\n xor %%edi,%%edi\n syscall\n 1:" : "=a"(r) : "a"(435L), "D"(&a), "S"(sizeof a) : "rcx", "r11", "memory");
  if (r > 0 && !(flags & CLONE_THREAD)) { int s; waitpid(r, &s, __WALL); if (fd >= 0) close(fd); }
  else if (r > 0) usleep(2000);
  return r;
}
static long op_fork(void) { return fork3(0, 0, 0); }
static long op_vm(void) { return fork3(CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_FS, 0, 0); }
static long op_thread(void) { return fork3(CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, 0, 0); }
static long op_pidfd(void) { return fork3(CLONE_PIDFD, 0, 0); }
static long op_all(void) { return fork3(EVERY | CLONE_PIDFD, 0, 0); }
static long op_all_time(void) { return fork3(EVERY | CLONE_NEWTIME | CLONE_SYSVSEM & 0, 0, 0); }
static long op_all_user(void) { return fork3(EVERY | CLONE_NEWUSER | CLONE_PIDFD, 0, 0); }
static long op_user(void) { return fork3(CLONE_NEWUSER, 0, 0); }
static long op_settid(void) { pid_t t = 12345; return fork3(CLONE_SYSVSEM, &t, 1); }
static long op_taken(void) { pid_t t[2] = {1, 1}; return fork3(CLONE_NEWPID, t, 2); }
static long op_unshare_all(void) { return syscall(SYS_unshare, EVERY | CLONE_NEWTIME | CLONE_FILES | CLONE_FS | CLONE_SYSVSEM); }
static long op_unshare_user(void) { return syscall(SYS_unshare, EVERY | CLONE_NEWUSER | CLONE_FILES); }
static long op_unshare_files(void) { return syscall(SYS_unshare, CLONE_FILES | CLONE_FS); }
static long op_setns(void) { return syscall(SYS_setns, target_pidfd, EVERY | CLONE_NEWUSER | CLONE_NEWTIME); }
static long op_setns_one(void) { return syscall(SYS_setns, target_ns, 0); }
static long op_setns_mnt(void) { return syscall(SYS_setns, target_pidfd, CLONE_NEWNS); }
static long op_exec(void) { char *v[] = {"/proc/self/exe", "nothing", 0}; execv(v[0], v); return -1; }
static long op_exec_script(void) { char *v[] = {"/tmp/faults-script", 0}; execv(v[0], v); return -1; }
static const struct { const char *name; long (*op)(void); int shared; } ops[] = {
  {"fork", op_fork}, {"vfork", op_vm}, {"thread", op_thread}, {"pidfd", op_pidfd}, {"clone all", op_all}, {"clone all and time", op_all_time}, {"clone all in a user namespace", op_all_user},
  {"clone user", op_user}, {"clone with a number", op_settid}, {"clone with a number that is taken", op_taken}, {"unshare all", op_unshare_all}, {"unshare all, shared", op_unshare_all, 1}, {"unshare all in a user namespace", op_unshare_user},
  {"unshare files and fs, shared", op_unshare_files, 1}, {"setns all", op_setns}, {"setns one", op_setns_one}, {"setns mnt", op_setns_mnt}, {"execve", op_exec}, {"execve of a script", op_exec_script},
};
struct work { int i, n; int *left; };
static int shared_area[2];
static void differences(const char *name, int n, const char *when) {
  if (!strcmp(before, after)) return;
  char *p = before, *q = after;
  while (*p && *q) { int a = strcspn(p, "\n"), b = strcspn(q, "\n"); if (a != b || memcmp(p, q, a)) printf("LEAK %s, step %d, %s: before %.*s, after %.*s\n", name, n, when, a, p, b, q); p += a + !!p[a]; q += b + !!q[b]; }
}
// The worker: looks, fails, looks again; what is left on the way is told by the exit status: 1 = step n failed on purpose, 0 = there is no step n.
static int worker(void *p) {
  struct work *w = p; char number[16]; int fd = openat(proc, "self/fail-nth", O_RDWR); if (fd < 0) _exit(9); dup2(fd, 30); close(fd); fd = 30;
  counts(before); int len = sprintf(number, "%d", w->n); pwrite(fd, number, len, 0); long r = ops[w->i].op(); int e = errno; if (r < -1) { e = -r; r = -1; }
  char b[16] = {0}; pread(fd, b, 15, 0); int rest = atoi(b); pwrite(fd, "0", 1, 0);
  if (rest != 0) _exit(0);
  counts(after); differences(ops[w->i].name, w->n, "in the caller");
  if (r >= 0 || (e != ENOMEM && e != EAGAIN)) printf("WRONG %s, step %d: %ld %s\n", ops[w->i].name, w->n, r, strerrorname_np(e));
  fflush(stdout); _exit(1);
}
int main(int argc, char **argv) {
  if (argc > 1) return 0;
  proc = open("/proc", O_RDONLY | O_DIRECTORY); setvbuf(stdout, 0, _IOFBF, 1 << 16);
  int p[2]; pipe(p); pid_t t = fork();
  if (t == 0) { unshare(EVERY | CLONE_NEWUSER | CLONE_NEWTIME); write(p[1], "", 1); for (;;) pause(); }
  char c; read(p[0], &c, 1); target_pidfd = syscall(SYS_pidfd_open, t, 0); char path[64]; sprintf(path, "/proc/%d/ns/uts", t); target_ns = open(path, O_RDONLY);
  FILE *f = fopen("/tmp/faults-script", "w"); fprintf(f, "#!/proc/self/exe nothing\n"); fclose(f); chmod("/tmp/faults-script", 0755);
  int total = 0;
  for (int i = 0; i < (int)(sizeof ops / sizeof *ops); i++) {
    int n = 1;
    for (;; n++) {
      struct work w = {i, n}; static char first[8192], last[8192]; fflush(stdout); counts(first); strcpy(before, first);
      // A caller that shares its table and root with another task.
      pid_t q; static char stack[65536] __attribute__((aligned(16))); q = ops[i].shared ? clone(worker, stack + sizeof stack, CLONE_FILES | CLONE_FS | SIGCHLD, &w) : fork();
      if (q == 0) worker(&w);
      int s; waitpid(q, &s, 0); close(30);
      counts(last); strcpy(before, first); strcpy(after, last); differences(ops[i].name, n, "after its end");
      if (!WIFEXITED(s) || WEXITSTATUS(s) > 1) printf("WRONG %s, step %d: status %x\n", ops[i].name, n, s);
      if (s != 0x100) break;
      total++;
      if (n > 60) break;
    }
    printf("%s: %d steps\n", ops[i].name, n - 1);
  }
  printf("total: %d\n", total); fflush(stdout);
  // Many namespaces one after the other and inside each other leave nothing.
  counts(before); for (int i = 0; i < 2000; i++) fork3(EVERY | CLONE_NEWUSER, 0, 0); counts(after); differences("2000 sets of namespaces", 0, "after their end");
  counts(before); for (int i = 0; i < 100; i++) { fflush(stdout); pid_t q = fork(); if (q == 0) { for (int k = 0; k < 80; k++) syscall(SYS_unshare, EVERY & ~CLONE_NEWPID | (k < 20 ? CLONE_NEWUSER : 0)); _exit(0); } int s; waitpid(q, &s, 0); } counts(after); differences("nested sets of namespaces", 0, "after their end");
  kill(t, SIGKILL); waitpid(t, 0, 0); printf("end\n"); return 0;
}
