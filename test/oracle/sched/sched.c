// Scheduling parameters, affinity, priorities, limits, prctl, personality, kcmp, membarrier, rseq.
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#define T(l, x) do { errno = 0; long r_ = (long)(x); printf("%s: %ld %d\n", l, r_, r_ < 0 ? errno : 0); } while (0)
struct attr { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t prio; uint64_t runtime, deadline, period; uint32_t umin, umax; };
int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  struct sched_param p = {0};
  T("getscheduler", sched_getscheduler(0));
  T("getscheduler none", sched_getscheduler(1 << 22));
  T("getscheduler negative", sched_getscheduler(-1));
  for (int i = 0; i < 8; i++) { char l[32]; sprintf(l, "max %d", i); T(l, sched_get_priority_max(i)); sprintf(l, "min %d", i); T(l, sched_get_priority_min(i)); }
  p.sched_priority = 5;
  T("other with priority", sched_setscheduler(0, SCHED_OTHER, &p));
  T("fifo", sched_setscheduler(0, SCHED_FIFO, &p));
  T("now", sched_getscheduler(0));
  T("getparam", sched_getparam(0, &p) * 100 + p.sched_priority);
  p.sched_priority = 0;
  T("fifo 0", sched_setscheduler(0, SCHED_FIFO, &p));
  p.sched_priority = 100;
  T("rr 100", sched_setscheduler(0, SCHED_RR, &p));
  p.sched_priority = 7;
  T("rr reset", sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &p));
  T("now rr", sched_getscheduler(0));
  struct timespec ts;
  T("rr interval", sched_rr_get_interval(0, &ts));
  printf("interval: %ld\n", ts.tv_nsec);
  pid_t pid = fork();
  if (!pid) _exit(sched_getscheduler(0));
  int st;
  waitpid(pid, &st, 0);
  printf("child policy: %d\n", WEXITSTATUS(st));
  p.sched_priority = 0;
  T("batch", sched_setscheduler(0, SCHED_BATCH, &p));
  T("idle", sched_setscheduler(0, SCHED_IDLE, &p));
  T("bad policy", sched_setscheduler(0, 99, &p));
  T("other", sched_setscheduler(0, SCHED_OTHER, &p));
  T("null param", sched_setscheduler(0, SCHED_OTHER, 0));
  T("setparam", sched_setparam(0, &p));
  struct attr a;
  memset(&a, 0xff, sizeof a);
  T("getattr", syscall(SYS_sched_getattr, 0, &a, sizeof a, 0));
  printf("attr: size %u policy %u flags %lu nice %d prio %u\n", a.size, a.policy, a.flags, a.nice, a.prio);
  T("getattr small", syscall(SYS_sched_getattr, 0, &a, 40, 0));
  T("getattr flags", syscall(SYS_sched_getattr, 0, &a, sizeof a, 1));
  a = (struct attr){.size = 48, .policy = SCHED_OTHER, .nice = 3};
  T("setattr", syscall(SYS_sched_setattr, 0, &a, 0));
  T("nice now", getpriority(PRIO_PROCESS, 0));
  a.flags = 1ull << 40;
  T("setattr flags", syscall(SYS_sched_setattr, 0, &a, 0));
  a.flags = 0; a.size = 10;
  T("setattr size", syscall(SYS_sched_setattr, 0, &a, 0));
  printf("size told: %u\n", a.size);
  T("nice up", setpriority(PRIO_PROCESS, 0, 100));
  T("nice max", getpriority(PRIO_PROCESS, 0));
  T("raw getpriority", syscall(SYS_getpriority, PRIO_PROCESS, 0));
  T("nice group", setpriority(PRIO_PGRP, 0, 5));
  T("nice group now", getpriority(PRIO_PGRP, 0));
  T("nice bad which", getpriority(9, 0));
  T("nice none", getpriority(PRIO_PROCESS, 1 << 22));
  T("nice back", setpriority(PRIO_PROCESS, 0, -5));
  pid = fork();
  if (!pid) { setuid(1000); errno = 0; int r = setpriority(PRIO_PROCESS, 0, -10); int e1 = errno; errno = 0; r = setpriority(PRIO_PROCESS, getppid(), 5); printf("unprivileged: %d %d\n", e1, errno); struct sched_param q = {1}; T("unprivileged fifo", sched_setscheduler(0, SCHED_FIFO, &q)); _exit(0); }
  waitpid(pid, &st, 0);
  cpu_set_t cs;
  CPU_ZERO(&cs);
  CPU_SET(0, &cs);
  T("setaffinity", sched_setaffinity(0, sizeof cs, &cs));
  T("getaffinity", sched_getaffinity(0, sizeof cs, &cs) * 10 + CPU_COUNT(&cs));
  CPU_ZERO(&cs);
  T("setaffinity none", sched_setaffinity(0, sizeof cs, &cs));
  T("getaffinity small", syscall(SYS_sched_getaffinity, 0, 4, &cs));
  T("getaffinity raw", syscall(SYS_sched_getaffinity, 0, sizeof cs, &cs) >= 8);
  T("setaffinity missing", sched_setaffinity(1 << 22, sizeof cs, &cs));
  T("getcpu", sched_getcpu());
  T("yield", sched_yield());
  T("ioprio get", syscall(SYS_ioprio_get, 1, 0));
  T("ioprio set", syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 3));
  T("ioprio get 2", syscall(SYS_ioprio_get, 1, 0));
  T("ioprio class", syscall(SYS_ioprio_set, 1, 0, 5 << 13));
  T("ioprio which", syscall(SYS_ioprio_get, 7, 0));
  // limits
  struct rlimit rl;
  for (int i = 0; i < 17; i++) { char l[32]; sprintf(l, "getrlimit %d", i); T(l, getrlimit(i, &rl)); }
  rl = (struct rlimit){10, 5};
  T("soft above hard", setrlimit(RLIMIT_CORE, &rl));
  rl = (struct rlimit){5, 10};
  T("set core", setrlimit(RLIMIT_CORE, &rl));
  struct rlimit o = {0};
  T("prlimit", prlimit(0, RLIMIT_CORE, 0, &o));
  printf("core: %ld %ld\n", (long)o.rlim_cur, (long)o.rlim_max);
  T("prlimit none", prlimit(1 << 22, RLIMIT_CORE, 0, &o));
  pid = fork();
  if (!pid) { setuid(1000); rl = (struct rlimit){5, 20}; T("raise hard", setrlimit(RLIMIT_CORE, &rl)); T("prlimit other", prlimit(getppid(), RLIMIT_CORE, 0, &o)); _exit(0); }
  waitpid(pid, &st, 0);
  rl = (struct rlimit){10, 2000000};
  T("nofile above nr_open", setrlimit(RLIMIT_NOFILE, &rl));
  // prctl
  char name[20] = "";
  T("set name", prctl(PR_SET_NAME, "a very long name indeed"));
  T("get name", prctl(PR_GET_NAME, name));
  printf("name: %s\n", name);
  int v = 0;
  T("pdeathsig", prctl(PR_SET_PDEATHSIG, 65));
  T("pdeathsig ok", prctl(PR_SET_PDEATHSIG, 9));
  prctl(PR_GET_PDEATHSIG, &v);
  printf("pdeathsig: %d\n", v);
  T("dumpable", prctl(PR_GET_DUMPABLE));
  T("dumpable 2", prctl(PR_SET_DUMPABLE, 2));
  T("dumpable 0", prctl(PR_SET_DUMPABLE, 0));
  T("keepcaps", prctl(PR_GET_KEEPCAPS));
  T("keepcaps 2", prctl(PR_SET_KEEPCAPS, 2));
  T("timing", prctl(PR_GET_TIMING));
  T("slack", prctl(PR_GET_TIMERSLACK));
  T("set slack", prctl(PR_SET_TIMERSLACK, 1000));
  T("slack now", prctl(PR_GET_TIMERSLACK));
  T("slack default", prctl(PR_SET_TIMERSLACK, 0));
  T("slack again", prctl(PR_GET_TIMERSLACK));
  T("nnp", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  T("nnp bad", prctl(PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0));
  T("nnp args", prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
  T("nnp set", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  T("nnp now", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  T("thp", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  T("seccomp", prctl(PR_GET_SECCOMP));
  T("securebits", prctl(PR_GET_SECUREBITS));
  T("unknown", prctl(9999));
  T("mce get", prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
  v = 0;
  T("tsc", prctl(PR_GET_TSC, &v) * 10 + v);
  T("unalign", prctl(PR_GET_UNALIGN, &v));
  T("endian", prctl(PR_GET_ENDIAN, &v));
  T("fpexc", prctl(PR_GET_FPEXC, &v));
  T("personality", personality(0xffffffff));
  T("personality set", personality(ADDR_NO_RANDOMIZE));
  T("personality now", personality(0xffffffff));
  // kcmp
  pid = fork();
  if (!pid) { pause(); _exit(0); }
  T("kcmp self vm", syscall(SYS_kcmp, getpid(), getpid(), 1, 0, 0));
  T("kcmp child vm", syscall(SYS_kcmp, getpid(), pid, 1, 0, 0) != 0);
  T("kcmp file", syscall(SYS_kcmp, getpid(), pid, 0, 1, 1));
  T("kcmp bad fd", syscall(SYS_kcmp, getpid(), pid, 0, 99, 1));
  T("kcmp type", syscall(SYS_kcmp, getpid(), pid, 99, 0, 0));
  T("kcmp none", syscall(SYS_kcmp, getpid(), 1 << 22, 1, 0, 0));
  kill(pid, SIGKILL);
  waitpid(pid, &st, 0);
  T("membarrier private", syscall(SYS_membarrier, 8, 0, 0));
  T("membarrier register", syscall(SYS_membarrier, 16, 0, 0));
  T("membarrier private ok", syscall(SYS_membarrier, 8, 0, 0));
  T("membarrier bad", syscall(SYS_membarrier, 1 << 20, 0, 0));
  T("membarrier flags", syscall(SYS_membarrier, 0, 9, 0));
  char r[16];
  T("getrandom", getrandom(r, 16, 0));
  T("getrandom flags", getrandom(r, 16, 99));
  T("getrandom both", getrandom(r, 16, GRND_RANDOM | 4));
  T("getrandom fault", syscall(SYS_getrandom, 8, 16, 0));
  T("getrandom zero", getrandom(r, 0, 0));
  struct utsname u;
  T("uname", uname(&u));
  printf("uname: %s %s\n", u.sysname, u.machine);
  T("uname fault", syscall(SYS_uname, 8));
  struct sysinfo si;
  T("sysinfo", sysinfo(&si));
  printf("sysinfo: unit %u ram %d procs %d\n", si.mem_unit, si.totalram > 1 << 20, si.procs > 0);
  T("rseq bad length", syscall(SYS_rseq, r, 4, 0, 0));
  T("rseq bad flags", syscall(SYS_rseq, r, 32, 8, 0));
  T("arch_prctl bad", syscall(SYS_arch_prctl, 0x9999, 0));
  T("arch_prctl high", syscall(SYS_arch_prctl, 0x1001, 0x800000000000ul));
  unsigned long fs = 0;
  T("arch_prctl get", syscall(SYS_arch_prctl, 0x1003, &fs));
  printf("fs base: %d\n", fs != 0);
  T("set_tid_address", syscall(SYS_set_tid_address, 0) == getpid());
  return 0;
}
