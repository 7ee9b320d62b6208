// seccomp: strict mode, filters, actions, inheritance, errors.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#define NR(n, action) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, n, 0, 1), BPF_STMT(BPF_RET | BPF_K, action)
static long install(struct sock_filter *f, int n, int flags) { struct sock_fprog p = {n, f}; return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p); }
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define LEN(a) (sizeof(a) / sizeof *(a))
static siginfo_t last;
static void h(int s, siginfo_t *i, void *u) { last = *i; }
static const char *show(int st) { static char b[40]; sprintf(b, WIFEXITED(st) ? "exit %d" : "signal %d", WIFEXITED(st) ? WEXITSTATUS(st) : WTERMSIG(st)); return b; }
#define CHILD(label, ...) do { fflush(stdout); pid_t p_ = fork(); if (!p_) { __VA_ARGS__; _exit(0); } int st_; waitpid(p_, &st_, 0); printf("%s: %s\n", label, show(st_)); } while (0)
int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  struct sock_filter errs[] = {NR(SYS_getppid, SECCOMP_RET_ERRNO | 77), NR(SYS_getuid, SECCOMP_RET_TRAP | 5), NR(SYS_getgid, SECCOMP_RET_KILL_PROCESS), NR(SYS_geteuid, SECCOMP_RET_TRACE | 9), NR(SYS_getegid, SECCOMP_RET_LOG), ALLOW};
  struct sock_filter args[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL), BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 42, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 11), ALLOW};
  CHILD("strict write", { prctl(PR_SET_SECCOMP, 1); write(1, "strict\n", 7); syscall(SYS_exit, 5); });
  CHILD("strict getpid", { prctl(PR_SET_SECCOMP, 1); syscall(SYS_getpid); syscall(SYS_exit, 5); });
  CHILD("errno", { prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); install(errs, LEN(errs), 0); long r = syscall(SYS_getppid); printf("getppid: %ld %d mode %d\n", r, errno, prctl(PR_GET_SECCOMP)); r = syscall(SYS_getegid); printf("log allows: %ld\n", r); r = syscall(SYS_geteuid); printf("trace without tracer: %ld %d\n", r, errno); });
  CHILD("trap", { struct sigaction a; memset(&a, 0, sizeof a); a.sa_sigaction = h; a.sa_flags = SA_SIGINFO; sigaction(SIGSYS, &a, 0); install(errs, LEN(errs), 0); syscall(SYS_getuid); printf("sigsys: code %d errno %d nr %d arch %x addr %d\n", last.si_code, last.si_errno, last.si_syscall, last.si_arch, last.si_call_addr != 0); });
  CHILD("trap default", { install(errs, LEN(errs), 0); syscall(SYS_getuid); });
  CHILD("kill", { install(errs, LEN(errs), 0); syscall(SYS_getgid); });
  CHILD("args", { install(args, LEN(args), 0); long r = syscall(SYS_close, 42); int e = errno; r = syscall(SYS_close, 43); printf("close 42: %d close 43: %d %ld\n", e, errno, r); });
  CHILD("inherit", { install(errs, LEN(errs), 0); pid_t p = fork(); if (!p) _exit(syscall(SYS_getppid) == -1 ? errno : 0); int st; waitpid(p, &st, 0); _exit(WEXITSTATUS(st)); });
  CHILD("stacked", { struct sock_filter two[] = {NR(SYS_getppid, SECCOMP_RET_ERRNO | 12), ALLOW}; install(errs, LEN(errs), 0); install(two, LEN(two), 0); long r = syscall(SYS_getppid); printf("stacked: %ld %d\n", r, errno); });
  struct sock_filter bad[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 1)};
  errno = 0; long r = install(bad, 1, 0); printf("bad program: %ld %d\n", r, errno);
  struct sock_filter noret[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0)};
  errno = 0; r = install(noret, 1, 0); printf("no return: %ld %d\n", r, errno);
  errno = 0; r = install(errs, 0, 0); printf("empty: %ld %d\n", r, errno);
  errno = 0; r = install(errs, LEN(errs), 0x1000); printf("flags: %ld %d\n", r, errno);
  errno = 0; r = syscall(SYS_seccomp, 99, 0, 0); printf("operation: %ld %d\n", r, errno);
  unsigned act = SECCOMP_RET_ERRNO; errno = 0; r = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &act); printf("avail: %ld %d\n", r, errno);
  act = 0x12340000; errno = 0; r = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &act); printf("not avail: %ld %d\n", r, errno);
  unsigned short sizes[3] = {0}; r = syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, sizes); printf("sizes: %ld %d %d %d\n", r, sizes[0], sizes[1], sizes[2]);
  CHILD("unprivileged", { setuid(1000); errno = 0; long q = install(errs, LEN(errs), 0); printf("without nnp: %ld %d\n", q, errno); prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); q = install(errs, LEN(errs), 0); printf("with nnp: %ld\n", q); });
  // a tracer decides
  fflush(stdout);
  pid_t p = fork();
  if (!p) { ptrace(PTRACE_TRACEME, 0, 0, 0); raise(SIGSTOP); install(errs, LEN(errs), 0); long q = syscall(SYS_geteuid); _exit(q == 0 ? 20 : q == 1234 ? 21 : 22); }
  int st;
  waitpid(p, &st, 0);
  ptrace(PTRACE_SETOPTIONS, p, 0, PTRACE_O_TRACESECCOMP);
  ptrace(PTRACE_CONT, p, 0, 0);
  waitpid(p, &st, 0);
  unsigned long msg = 0;
  ptrace(PTRACE_GETEVENTMSG, p, 0, &msg);
  printf("seccomp event: %x msg %lu\n", st >> 8, msg);
  ptrace(PTRACE_CONT, p, 0, 0);
  waitpid(p, &st, 0);
  printf("traced end: %s\n", show(st));
  return 0;
}
