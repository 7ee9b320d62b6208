// set*id families, groups, capabilities, securebits: a table of transitions.
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
static int line;
static void show(const char *label, long r, int e) {
  uid_t u, eu, su; gid_t g, eg, sg;
  getresuid(&u, &eu, &su);
  getresgid(&g, &eg, &sg);
  struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct d[2];
  syscall(SYS_capget, &h, d);
  printf("%d %s: %ld %d u %d/%d/%d g %d/%d/%d fs %d/%d caps %08x%08x %08x%08x dump %d\n", line++, label, r, r < 0 ? e : 0, u, eu, su, g, eg, sg, setfsuid(-1), setfsgid(-1), d[1].effective, d[0].effective, d[1].permitted, d[0].permitted, prctl(PR_GET_DUMPABLE));
}
#define S(x) do { errno = 0; long r_ = (x); int e_ = errno; show(#x, r_, e_); } while (0)
#define IN_CHILD(body) do { fflush(stdout); pid_t p_ = fork(); if (!p_) { body; fflush(stdout); _exit(line); } int st_; waitpid(p_, &st_, 0); line = WEXITSTATUS(st_); } while (0)
static long capset_(unsigned e0, unsigned p0, unsigned i0) { struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0}; struct __user_cap_data_struct d[2] = {{e0, p0, i0}, {0, 0, 0}}; return syscall(SYS_capset, &h, d); }
int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  show("start", 0, 0);
  IN_CHILD(S(setuid(1000)); S(setuid(0)); S(setuid(1000)); S(setgid(5)));
  IN_CHILD(S(seteuid(1000)); S(setuid(7)); S(seteuid(0)); S(setuid(1000)); S(seteuid(0)));
  IN_CHILD(S(setreuid(10, 20)); S(setreuid(20, 10)); S(setreuid(-1, 30)); S(setreuid(30, -1)); S(setuid(20)));
  IN_CHILD(S(setresuid(1, 2, 3)); S(setresuid(3, 1, 2)); S(setresuid(4, -1, -1)); S(setresuid(-1, -1, -1)); S(seteuid(2)));
  IN_CHILD(S(setresgid(1, 2, 3)); S(setresuid(9, 9, 9)); S(setresgid(2, 3, 1)); S(setresgid(4, -1, -1)); S(setregid(1, 3)); S(setgid(2)); S(setgid(99)));
  IN_CHILD(S(setfsuid(1000)); S(setfsgid(1000)); S(setfsuid(0)); S(setresuid(5, 5, 5)); S(setfsuid(6)));
  IN_CHILD(S(prctl(PR_SET_KEEPCAPS, 1)); S(setuid(1000)); S(capset_(1 << CAP_SETUID, 1 << CAP_SETUID, 0)); S(setuid(5)); S(setresuid(5, 0, 7)));
  IN_CHILD(S(prctl(PR_SET_SECUREBITS, 4)); S(setuid(1000)); S(prctl(PR_GET_SECUREBITS)); S(prctl(PR_SET_SECUREBITS, 0xc)); S(prctl(PR_SET_SECUREBITS, 0)));
  IN_CHILD(S(capset_(0, 0xffffffff, 0)); S(setuid(5)); S(capset_(0, 0xf, 0)); S(capset_(0, 0x1f, 0)); S(capset_(0x10, 0xf, 0)); S(capset_(1, 0xf, 0xf)));
  gid_t g[4] = {30, 10, 20, 10}, out[8];
  printf("setgroups: %d\n", setgroups(4, g));
  int n = getgroups(8, out);
  printf("getgroups: %d %d %d %d %d\n", n, out[0], out[1], out[2], out[3]);
  errno = 0; n = getgroups(2, out);
  printf("getgroups small: %d %d\n", n, errno);
  errno = 0; n = getgroups(-1, out);
  printf("getgroups negative: %d %d\n", n, errno);
  printf("getgroups size: %d\n", getgroups(0, 0));
  IN_CHILD(S(setuid(5)); S(setgroups(1, g)));
  printf("capbset read: %d %d\n", prctl(PR_CAPBSET_READ, 0), prctl(PR_CAPBSET_READ, 40));
  errno = 0; n = prctl(PR_CAPBSET_READ, 41);
  printf("capbset 41: %d %d\n", n, errno);
  IN_CHILD(S(prctl(PR_CAPBSET_DROP, 5)); printf("dropped: %d\n", prctl(PR_CAPBSET_READ, 5)); S(capset_(0x20, 0xffffffff, 0x20)); S(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 5, 0, 0)); S(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 6, 0, 0)); S(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 5, 0, 0)); S(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)));
  struct __user_cap_header_struct h = {0x1234, 0};
  errno = 0; n = syscall(SYS_capget, &h, 0);
  printf("capget version: %d %d %x\n", n, errno, h.version);
  errno = 0; h.version = 0x1234; struct __user_cap_data_struct d[2]; n = syscall(SYS_capget, &h, d);
  printf("capget version data: %d %d %x\n", n, errno, h.version);
  h.version = _LINUX_CAPABILITY_VERSION_3; h.pid = 1 << 22; errno = 0; n = syscall(SYS_capget, &h, d);
  printf("capget none: %d %d\n", n, errno);
  h.pid = -1; errno = 0; n = syscall(SYS_capget, &h, d);
  printf("capget negative: %d %d\n", n, errno);
  errno = 0; n = setuid(-1);
  printf("setuid -1: %d %d\n", n, errno);
  return 0;
}
