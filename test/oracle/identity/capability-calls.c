// capget and capset: versions, numbers and missing data; securebits that are the same or may change without privilege.
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
static void all(void) {
  static const unsigned versions[] = { 0x19980330, 0x20071026, 0x20080522, 0, 0x20080523 };
  const int pids[] = { 0, -1, 1, getpid(), 99999999 };
  for (int i = 0; i < 5; i++) for (int k = 0; k < 5; k++) {
    struct __user_cap_header_struct h = { versions[i], pids[k] }; struct __user_cap_data_struct d[2];
    memset(d, 0x55, sizeof d);
    int r = syscall(SYS_capget, &h, d); printf("%d %d: %s %x %x", i, k, r ? strerrorname_np(errno) : "0", h.version, d[1].effective >> 16);
    h.version = versions[i]; r = syscall(SYS_capget, &h, 0); printf(", no data %s %x", r ? strerrorname_np(errno) : "0", h.version);
    h.version = versions[i]; r = syscall(SYS_capset, &h, 0); printf(", set no data %s %x\n", r ? strerrorname_np(errno) : "0", h.version);
  }
  int r = syscall(SYS_capget, 0, 0); printf("no header: %s\n", r ? strerrorname_np(errno) : "0");
  for (int i = 0; i < 0x1000; i += i < 0x100 ? 1 : 0x100) {
    fflush(stdout); int p = fork(); if (p) { waitpid(p, 0, 0); continue; }
    r = prctl(PR_SET_SECUREBITS, i); printf("%x: %s", i, r ? strerrorname_np(errno) : "0"); r = prctl(PR_SET_SECUREBITS, i); printf(" again %s", r ? strerrorname_np(errno) : "0");
    r = prctl(PR_SET_SECUREBITS, i ^ 0x55); printf(" other %s now %x\n", r ? strerrorname_np(errno) : "0", prctl(PR_GET_SECUREBITS)); fflush(stdout); _exit(0);
  }
}
int main(void) { all(); if (setgroups(0, 0) || setgid(1000) || setuid(1000)) return 1; all(); }
