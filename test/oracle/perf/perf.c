// perf_event_open: software events, the order of checks, what an ordinary user may.
#include "../memory/check.h"
#include <linux/perf_event.h>
#include <linux/bpf.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <poll.h>
#define S(n, ...) do { errno = 0; long r_ = syscall(n, ##__VA_ARGS__); report(#n " " #__VA_ARGS__, r_, errno); } while (0)
static int op(struct perf_event_attr *a, int pid, int cpu, int group, unsigned long flags) { return syscall(SYS_perf_event_open, a, pid, cpu, group, flags); }
static void try_(const char *what, struct perf_event_attr a, int pid, int cpu, int group, unsigned long flags) { if (!a.size) a.size = sizeof a; errno = 0; int fd = op(&a, pid, cpu, group, flags); printf("%s: %s\n", what, fd >= 0 ? "ok" : strerrorname_np(errno)); fflush(stdout); if (fd >= 0) close(fd); }
#undef A
#define A(...) (struct perf_event_attr){.type = 1, __VA_ARGS__}
int main(void) {
  S(SYS_perf_event_open, 0L, 0, -1, -1, 0); S(SYS_perf_event_open, 8L, 0, -1, -1, 0); S(SYS_perf_event_open, 0L, 0, -1, -1, 0x100);
  struct perf_event_attr s = {.type = 1, .size = 10}; R(op(&s, 0, -1, -1, 0)); printf("size %u\n", s.size); s.size = 5000; R(op(&s, 0, -1, -1, 0)); printf("size %u\n", s.size);
  try_("task clock", A(.config = 1), 0, -1, -1, 0); try_("no pid, no cpu", A(.config = 1), -1, -1, -1, 0); try_("bad pid", A(.config = 1), 999999, -1, -1, 0); try_("bad cpu", A(.config = 1), 0, 99, -1, 0); try_("cpu 0", A(.config = 1), -1, 0, -1, 0); try_("bad group", A(.config = 1), 0, -1, 99, 0); try_("group no event", A(.config = 1), 0, -1, open("/dev/null", 0), 0); try_("flags", A(.config = 1), 0, -1, -1, 0x20); try_("cloexec", A(.config = 1), 0, -1, -1, 8);
  for (int i = 0; i < 14; i++) { char w[20]; sprintf(w, "software %d", i); try_(w, A(.config = i), 0, -1, -1, 0); }
  try_("type 99", (struct perf_event_attr){.type = 99}, 0, -1, -1, 0); try_("tracepoint", (struct perf_event_attr){.type = 2, .config = 99999}, 0, -1, -1, 0); try_("raw hw cache bad", (struct perf_event_attr){.type = 3, .config = 0xffffff}, 0, -1, -1, 0); try_("hardware bad", (struct perf_event_attr){.type = 0, .config = 100}, 0, -1, -1, 0);
  try_("reserved", A(.config = 1, .__reserved_1 = 1), 0, -1, -1, 0); try_("read format", A(.config = 1, .read_format = 0x100), 0, -1, -1, 0); try_("sample type", A(.config = 1, .sample_type = 1ull << 40), 0, -1, -1, 0); try_("freq too high", A(.config = 0, .freq = 1, .sample_freq = 10000000), 0, -1, -1, 0); try_("period high", A(.config = 0, .sample_period = 1ull << 63), 0, -1, -1, 0); try_("inherit group read", A(.config = 1, .inherit = 1, .read_format = 8), 0, -1, -1, 0); try_("clockid", A(.config = 1, .use_clockid = 1, .clockid = 99), 0, -1, -1, 0); try_("cgroup", A(.config = 1), 0, 0, -1, 4); try_("namespaces", A(.config = 1, .exclude_kernel = 1), 0, -1, -1, 0);
  struct perf_event_attr a = {.type = 1, .size = sizeof a, .config = 2, .disabled = 1, .read_format = 15};
  int fd = op(&a, 0, -1, -1, 0); printf("fd %d\n", fd >= 0); char l[99], p[40]; sprintf(p, "/proc/self/fd/%d", fd); int n = readlink(p, l, 98); l[n] = 0; printf("link %s\n", l); R(fcntl(fd, F_GETFL)); R(fcntl(fd, F_GETFD));
  struct { uint64_t nr, ena, run, v[4][2]; } v; memset(&v, 0, sizeof v); R(read(fd, &v, sizeof v)); printf("nr %lu faults %lu id %d ran %d\n", v.nr, v.v[0][0], v.v[0][1] > 0, v.run > 0); R(read(fd, &v, 8)); R(write(fd, &v, 8)); R(lseek(fd, 0, 0)); R(pread(fd, &v, sizeof v, 0));
  a.config = 1; int fd2 = op(&a, 0, -1, fd, 0); printf("member %d\n", fd2 >= 0); R(ioctl(fd, PERF_EVENT_IOC_ENABLE, 0)); R(ioctl(fd2, PERF_EVENT_IOC_ENABLE, 0));
  char *m = mmap(0, 50 * 4096, 3, 0x22, -1, 0); for (int i = 0; i < 50; i++) m[i * 4096] = 1; for (volatile int i = 0; i < 3000000; i++);
  R(ioctl(fd, PERF_EVENT_IOC_DISABLE, 0)); R(ioctl(fd2, PERF_EVENT_IOC_DISABLE, 0)); R(read(fd, &v, sizeof v)); printf("nr %lu faults %d ena %d\n", v.nr, v.v[0][0] >= 50 && v.v[0][0] < 200, v.ena > 0);
  uint64_t before = v.v[0][0]; m = mmap(0, 10 * 4096, 3, 0x22, -1, 0); for (int i = 0; i < 10; i++) m[i * 4096] = 1; R(read(fd, &v, sizeof v)); printf("stopped %d\n", v.v[0][0] == before); R(ioctl(fd, PERF_EVENT_IOC_RESET, 0)); R(read(fd, &v, sizeof v)); printf("reset %lu\n", v.v[0][0]);
  uint64_t id; R(ioctl(fd, PERF_EVENT_IOC_ID, &id)); printf("id %d\n", id == v.v[0][1]); R(ioctl(fd, PERF_EVENT_IOC_REFRESH, 1)); uint64_t per = 5; R(ioctl(fd, PERF_EVENT_IOC_PERIOD, &per)); R(ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, -1)); R(ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, 99)); R(ioctl(fd, PERF_EVENT_IOC_PAUSE_OUTPUT, 0)); R(ioctl(fd, 0x1234, 0)); R(ioctl(fd, PERF_EVENT_IOC_SET_BPF, 99)); R(ioctl(fd, PERF_EVENT_IOC_SET_FILTER, "x"));
  A2: (void)0; void *map = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); printf("map %d\n", map != MAP_FAILED); struct perf_event_mmap_page *pg = map; if (map != MAP_FAILED) printf("page %u %u size %llu\n", pg->version, pg->compat_version, (long long)pg->data_size); map = mmap(0, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd2, 0); printf("map 3 %d\n", map != MAP_FAILED); map = mmap(0, 5 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd2, 0); printf("map 5 %d\n", map != MAP_FAILED); map = mmap(0, 4 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd2, 0); printf("map 4 %s\n", map != MAP_FAILED ? "ok" : strerrorname_np(errno)); map = mmap(0, 4096, PROT_READ, MAP_PRIVATE, fd2, 0); printf("private %s\n", map != MAP_FAILED ? "ok" : strerrorname_np(errno));
  struct pollfd pf = {fd, POLLIN}; R(poll(&pf, 1, 0)); printf("poll %x\n", pf.revents);
  // inherit, enable on exec, context switches of a child
  struct perf_event_attr c = {.type = 1, .size = sizeof c, .config = 3, .inherit = 1, .disabled = 1, .enable_on_exec = 0}; int f3 = op(&c, 0, -1, -1, 8); ioctl(f3, PERF_EVENT_IOC_ENABLE, 0); pid_t k = fork(); if (k == 0) { for (int i = 0; i < 20; i++) usleep(1000); _exit(0); } waitpid(k, 0, 0); uint64_t cs; R(read(f3, &cs, 8)); printf("switches %d\n", cs >= 20); R(prctl(PR_TASK_PERF_EVENTS_DISABLE)); uint64_t c2; read(f3, &cs, 8); usleep(1000); usleep(1000); read(f3, &c2, 8); printf("disabled %d\n", cs == c2); R(prctl(PR_TASK_PERF_EVENTS_ENABLE)); usleep(1000); read(f3, &c2, 8); printf("enabled %d\n", c2 > cs);
  pid_t u = fork(); if (u == 0) { syscall(SYS_setuid, 1000); try_("user", A(.config = 1), 0, -1, -1, 0); try_("user, no kernel", A(.config = 1, .exclude_kernel = 1), 0, -1, -1, 0); try_("user, cpu", A(.config = 1, .exclude_kernel = 1), -1, 0, -1, 0); try_("user, init", A(.config = 1, .exclude_kernel = 1), 1, -1, -1, 0); try_("user, parent", A(.config = 1, .exclude_kernel = 1), getppid(), -1, -1, 0); try_("user, tracepoint", (struct perf_event_attr){.type = 2, .config = 1, .exclude_kernel = 1}, 0, -1, -1, 0); _exit(0); } waitpid(u, 0, 0);
  return 0;
}
