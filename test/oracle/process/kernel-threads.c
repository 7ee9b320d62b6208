// The kernel's own threads as programs see them: /proc, signals, ptrace, scheduling, pidfds, namespaces, process_vm, kcmp, groups and sessions.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *err(long r) { return r >= 0 ? "ok" : strerrorname_np(errno); }

static int slurp(const char *path, char *buffer, int size) {
  int fd = open(path, O_RDONLY);
  if (fd < 0) return -1;
  int n = 0, r;
  while (n < size - 1 && (r = read(fd, buffer + n, size - 1 - n)) > 0) n += r;
  int e = errno;
  close(fd);
  errno = e;
  buffer[n] = 0;
  return n;
}

static int findByName(const char *name) {
  DIR *d = opendir("/proc");
  struct dirent *e;
  int found = 0;
  while (!found && (e = readdir(d))) {
    char path[300], comm[100];
    if (e->d_name[0] < '0' || e->d_name[0] > '9') continue;
    snprintf(path, sizeof path, "/proc/%s/comm", e->d_name);
    if (slurp(path, comm, sizeof comm) <= 0) continue;
    comm[strcspn(comm, "\n")] = 0;
    if (!strcmp(comm, name)) found = atoi(e->d_name);
  }
  closedir(d);
  return found;
}

static void showStat(int pid) {
  char path[100], b[2000];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  slurp(path, b, sizeof b);
  char *p = strrchr(b, ')') + 2;
  int field = 3;
  printf("  stat:");
  for (char *s = strtok(p, " \n"); s; s = strtok(NULL, " \n"), field++) {
    // Times, the start, the processor and the guest's times differ from run to run.
    if ((field >= 10 && field <= 17) || field == 22 || field == 39 || field > 41) continue;
    printf(" %s", s);
  }
  printf("\n");
}

static void showStatus(int pid) {
  static const char *const lines[] = {"Umask", "State", "Ngid", "PPid", "TracerPid", "Uid", "Gid", "FDSize", "Groups", "NSpgid", "NSsid", "Kthread", "Vm", "Threads", "SigPnd",
    "ShdPnd", "SigBlk", "SigIgn", "SigCgt", "Cap", "NoNewPrivs", "Seccomp", "Hugetlb", "CoreDumping", "THP", "untag"};
  char path[100], b[8000];
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  slurp(path, b, sizeof b);
  for (char *s = strtok(b, "\n"); s; s = strtok(NULL, "\n"))
    for (unsigned i = 0; i < sizeof lines / sizeof *lines; i++)
      if (!strncmp(s, lines[i], strlen(lines[i]))) printf("  %s\n", s);
}

static void showFiles(int pid) {
  static const char *const names[] = {"cmdline", "environ", "auxv", "maps", "smaps", "smaps_rollup", "numa_maps", "statm", "io", "syscall", "personality", "coredump_filter",
    "oom_score", "oom_score_adj", "loginuid", "timers", "timens_offsets", "uid_map", "setgroups", "cgroup"};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    char path[100], b[4000];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, names[i]);
    errno = 0;
    int n = slurp(path, b, sizeof b);
    int e = errno;
    if (!strcmp(names[i], "io") || !strcmp(names[i], "cgroup")) b[n > 0 ? 0 : 0] = 0, n = n > 0;
    for (char *s = b; n > 0 && *s; s++) if (*s == '\n') *s = ';';
    printf("  %s: %d %s %s\n", names[i], n, e ? strerrorname_np(e) : "", n > 0 ? b : "");
  }
  static const char *const links[] = {"exe", "cwd", "root", "ns/uts", "ns/pid_for_children", "fd/0", "map_files/0-1000"};
  for (unsigned i = 0; i < sizeof links / sizeof *links; i++) {
    char path[100], b[400];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, links[i]);
    int n = readlink(path, b, sizeof b - 1);
    b[n < 0 ? 0 : n] = 0;
    if (n > 0 && strchr(b, ':')) b[strcspn(b, ":")] = 0;
    printf("  %s: %s %s\n", links[i], err(n), b);
  }
  static const char *const folders[] = {"fd", "fdinfo", "map_files", "task", "ns"};
  for (unsigned i = 0; i < sizeof folders / sizeof *folders; i++) {
    char path[100];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, folders[i]);
    DIR *d = opendir(path);
    int n = 0;
    for (struct dirent *e; d && (e = readdir(d));) n += e->d_name[0] != '.';
    printf("  %s/: %d\n", folders[i], n);
    if (d) closedir(d);
  }
  char path[100];
  static const char *const opened[] = {"mem", "pagemap", "clear_refs", "comm"};
  for (unsigned i = 0; i < sizeof opened / sizeof *opened; i++) {
    snprintf(path, sizeof path, "/proc/%d/%s", pid, opened[i]);
    int fd = open(path, i == 2 ? O_WRONLY : O_RDWR);
    char c = '1';
    int opening = errno;
    long r = fd < 0 ? 0 : i >= 2 ? write(fd, &c, 1) : pread(fd, &c, 1, 4096);
    printf("  %s: %s %ld %s\n", opened[i], fd >= 0 ? "opened" : strerrorname_np(opening), r, err(r));
    if (fd >= 0) close(fd);
  }
  struct stat st;
  snprintf(path, sizeof path, "/proc/%d/environ", pid);
  if (stat(path, &st) == 0) printf("  environ %o %d %d\n", st.st_mode, st.st_uid, st.st_gid);
  snprintf(path, sizeof path, "/proc/%d", pid);
  if (stat(path, &st) == 0) printf("  directory %o %d %d\n", st.st_mode, st.st_uid, st.st_gid);
}

static void calls(int pid) {
  printf("  getpgid %d getsid %d\n", getpgid(pid), getsid(pid));
  int signals[] = {0, SIGTERM, SIGKILL, SIGSTOP, SIGCONT, SIGUSR1, SIGRTMIN + 1, 65};
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) printf("  kill %d: %s", signals[i], err(kill(pid, signals[i])));
  printf("\n  tgkill %s", err(syscall(SYS_tgkill, pid, pid, SIGKILL)));
  siginfo_t info = {.si_signo = SIGRTMIN, .si_code = SI_QUEUE};
  printf(" rt_sigqueueinfo %s\n", err(syscall(SYS_rt_sigqueueinfo, pid, SIGRTMIN, &info)));
  printf("  PTRACE_ATTACH %s", err(ptrace(PTRACE_ATTACH, pid, 0, 0)));
  printf(" PTRACE_SEIZE %s", err(ptrace(PTRACE_SEIZE, pid, 0, 0)));
  printf(" PTRACE_CONT %s\n", err(ptrace(PTRACE_CONT, pid, 0, 0)));
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(0, &set);
  long r = sched_getaffinity(pid, sizeof set, &set);
  printf("  sched_getaffinity %s\n", err(r));
  printf("  sched_setaffinity %s", err(sched_setaffinity(pid, sizeof set, &set)));
  CPU_ZERO(&set);
  printf(" empty %s\n", err(sched_setaffinity(pid, sizeof set, &set)));
  struct sched_param param;
  r = sched_getparam(pid, &param);
  printf("  policy %d priority %s %d", sched_getscheduler(pid), err(r), param.sched_priority);
  errno = 0;
  r = getpriority(PRIO_PROCESS, pid);
  printf(" nice %ld %s set %s\n", r, strerrorname_np(errno), err(setpriority(PRIO_PROCESS, pid, r)));
  struct rlimit l;
  r = prlimit(pid, RLIMIT_NOFILE, NULL, &l);
  printf("  prlimit %s", err(r));
  clockid_t clock;
  struct timespec ts;
  printf(" clock %s", strerrorname_np(clock_getcpuclockid(pid, &clock)));
  printf(" %s\n", err(clock_gettime(clock, &ts)));
  int fd = syscall(SYS_pidfd_open, pid, 0);
  printf("  pidfd %s", err(fd));
  printf(" getfd %s", err(syscall(SYS_pidfd_getfd, fd, 0, 0)));
  printf(" send_signal %s", err(syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0)));
  printf(" waitid %s\n", err(waitid(P_PIDFD, fd, &info, WEXITED | WNOHANG)));
  int child = fork();
  if (!child) {
    static const int kinds[] = {CLONE_NEWUTS, CLONE_NEWNET | CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWCGROUP, CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWTIME};
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) printf("  setns %x %s", kinds[i], err(setns(fd, kinds[i])));
    printf("\n");
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  close(fd);
  char byte = 0;
  struct iovec here = {&byte, 1}, there = {(void *)4096, 1};
  printf("  process_vm_readv %s", err(process_vm_readv(pid, &here, 1, &there, 1, 0)));
  printf(" kcmp vm %s files %s", err(syscall(SYS_kcmp, getpid(), pid, KCMP_VM, 0, 0)), err(syscall(SYS_kcmp, pid, pid, KCMP_FS, 0, 0)));
  printf(" %ld", syscall(SYS_kcmp, 2, pid, KCMP_VM, 0, 0));
  void *head;
  size_t length;
  r = syscall(SYS_get_robust_list, pid, &head, &length);
  printf(" robust %s %d", err(r), r == 0 && head == NULL);
  printf(" migrate_pages %s", err(syscall(SYS_migrate_pages, pid, 8, &(long){1}, &(long){1})));
  printf(" ioprio %s", err(syscall(SYS_ioprio_get, 1, pid)));
  printf(" setpgid %s", err(setpgid(pid, pid)));
  printf(" wait4 %s", err(waitpid(pid, NULL, WNOHANG)));
  printf(" capget %s", err(syscall(SYS_capget, &(int[2]){0x20080522, pid}, &(int[6]){0})));
  printf(" kill group %s\n", err(kill(-pid, 0)));
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  static const char *const names[] = {"kthreadd", "pool_workqueue_release", "kworker/R-netns", "migration/0", "cpuhp/0", "kdevtmpfs", "kauditd", "khungtaskd",
    "oom_reaper", "kworker/R-writeback", "kcompactd0", "kswapd0", "kworker/R-mld"};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    int pid = findByName(names[i]);
    printf("%s\n", names[i]);
    if (!pid) {
      printf("  not there\n");
      continue;
    }
    if (i == 0) printf("  number %d\n", pid);
    showStat(pid);
    showStatus(pid);
    showFiles(pid);
    calls(pid);
    showStat(pid);
  }
  // Those who are not root.
  int pid = findByName("kauditd"), child = fork();
  if (!child) {
    setgroups(0, NULL);
    setresgid(1000, 1000, 1000);
    setresuid(1000, 1000, 1000);
    printf("user: kill 0 %s", err(kill(pid, 0)));
    printf(" TERM %s", err(kill(pid, SIGTERM)));
    printf(" PTRACE_ATTACH %s", err(ptrace(PTRACE_ATTACH, pid, 0, 0)));
    char b[100], path[100];
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    printf(" exe %s", err(readlink(path, b, sizeof b)));
    snprintf(path, sizeof path, "/proc/%d/cwd", pid);
    printf(" cwd %s", err(readlink(path, b, sizeof b)));
    snprintf(path, sizeof path, "/proc/%d/environ", pid);
    printf(" environ %s", err(slurp(path, b, sizeof b)));
    snprintf(path, sizeof path, "/proc/%d/maps", pid);
    printf(" maps %s\n", err(slurp(path, b, sizeof b)));
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(0, &set);
    printf("affinity %s", err(sched_setaffinity(pid, sizeof set, &set)));
    printf(" of a processor's own %s", err(sched_setaffinity(findByName("migration/0"), sizeof set, &set)));
    printf(" setpriority %s", err(setpriority(PRIO_PROCESS, pid, 5)));
    printf(" kill everybody %s\n", err(kill(-1, 0)));
    // The own numbers of a PID namespace: none of the kernel's threads are in it.
    _exit(0);
  }
  waitpid(child, NULL, 0);
  child = fork();
  if (!child) {
    unshare(CLONE_NEWPID);
    if (!fork()) {
      printf("in a PID namespace: kill 2 %s", err(kill(2, 0)));
      printf(" everybody %s\n", err(kill(-1, 0)));
      _exit(0);
    }
    wait(NULL);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  errno = 0;
  printf("best nice of root %d %s\n", getpriority(PRIO_USER, 0), strerrorname_np(errno));
  // In the hierarchy of version 2.
  if (!fork()) {
    unshare(CLONE_NEWNS);
    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    if (mount("none", "/mnt", "cgroup2", 0, NULL) != 0) printf("mount %s\n", strerrorname_np(errno));
    FILE *f = fopen("/mnt/cgroup.procs", "r");
    int n, listed = 0;
    while (f && fscanf(f, "%d", &n) == 1) listed += n == 2 || n == findByName("kauditd");
    printf("cgroup.procs of the root lists %d of 2\n", listed);
    char name[100];
    snprintf(name, sizeof name, "/mnt/kthread-test-%d", getpid());
    mkdir(name, 0755);
    char path[200];
    snprintf(path, sizeof path, "%s/cgroup.procs", name);
    static const char *const moved[] = {"kthreadd", "migration/0", "kworker/R-netns", "kauditd", "kswapd0"};
    for (unsigned i = 0; i < sizeof moved / sizeof *moved; i++) {
      int to = open(path, O_WRONLY), back = open("/mnt/cgroup.procs", O_WRONLY);
      char text[20];
      int length = sprintf(text, "%d", findByName(moved[i]));
      printf("move %s: %s", moved[i], err(write(to, text, length)));
      snprintf(path, sizeof path, "%s/cgroup.freeze", name);
      int freeze = open(path, O_WRONLY);
      printf(" freeze %s", err(write(freeze, "1", 1)));
      snprintf(path, sizeof path, "%s/cgroup.events", name);
      char events[100];
      slurp(path, events, sizeof events);
      events[strcspn(events, "\n")] = ' ';
      events[strcspn(events, "\n")] = 0;
      printf(" %s", events);
      snprintf(path, sizeof path, "%s/cgroup.kill", name);
      int die = open(path, O_WRONLY);
      printf(" kill %s", err(write(die, "1", 1)));
      printf(" thaw %s", err(write(freeze, "0", 1)));
      printf(" back %s still there %d\n", err(write(back, text, length)), findByName(moved[i]) != 0);
      snprintf(path, sizeof path, "%s/cgroup.procs", name);
      close(to), close(back), close(freeze), close(die);
    }
    printf("rmdir %s\n", err(rmdir(name)));
    _exit(0);
  }
  wait(NULL);
  return 0;
}
