// Rare calls: what exists here only to refuse, and what few programs use. Each with the order of its checks.
#include "../memory/check.h"
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <linux/capability.h>
#define S(n, ...) do { errno = 0; long r_ = syscall(n, ##__VA_ARGS__); report(#n " " #__VA_ARGS__, r_, errno); } while (0)

static void absent(void) {
  static const int nr[] = {SYS_uselib, SYS__sysctl, SYS_iopl, SYS_ioperm, SYS_create_module, SYS_init_module, SYS_delete_module, SYS_get_kernel_syms,
    SYS_query_module, SYS_nfsservctl, SYS_getpmsg, SYS_putpmsg, SYS_afs_syscall, SYS_tuxcall, SYS_security, SYS_set_thread_area, SYS_get_thread_area,
    SYS_lookup_dcookie, SYS_epoll_ctl_old, SYS_epoll_wait_old, SYS_vserver, SYS_kexec_load, SYS_finit_module, SYS_kexec_file_load, 453, 470, 1000, 336};
  for (unsigned i = 0; i < sizeof nr / sizeof *nr; i++) {
    errno = 0;
    long r = syscall(nr[i], 3L, 0L, 0L, 0L, 0L);
    printf("call %d: %ld %s\n", nr[i], r, strerrorname_np(errno));
  }
  fflush(stdout);
  pid_t p = fork();
  if (p == 0) { syscall(335); _exit(0); }
  int st; waitpid(p, &st, 0);
  printf("uretprobe outside a trampoline: %s %d\n", WIFSIGNALED(st) ? "signal" : "exit", WIFSIGNALED(st) ? WTERMSIG(st) : WEXITSTATUS(st));
}

static void fs_calls(void) {
  char name[64];
  int n = syscall(SYS_sysfs, 3);
  int proc = syscall(SYS_sysfs, 1, "proc"), tmp = syscall(SYS_sysfs, 1, "tmpfs");
  printf("sysfs: %d %d %d\n", n > 5, proc >= 0 && proc < n, tmp >= 0 && tmp < n && tmp != proc);
  R(syscall(SYS_sysfs, 2, proc, name)); printf("%s\n", name);
  R(syscall(SYS_sysfs, 2, tmp, name)); printf("%s\n", name);
  FILE *f = fopen("/proc/filesystems", "r"); int lines = 0; char l[100]; while (fgets(l, 100, f)) lines++; fclose(f);
  printf("as many as in /proc/filesystems: %d\n", lines == n);
  R(syscall(SYS_sysfs, 2, 10000, name));
  R(syscall(SYS_sysfs, 2, proc, 0));
  R(syscall(SYS_sysfs, 1, "nosuchfs"));
  R(syscall(SYS_sysfs, 1, 0));
  R(syscall(SYS_sysfs, 1, ""));
  R(syscall(SYS_sysfs, 0));
  R(syscall(SYS_sysfs, 4));
  struct { int tfree; unsigned long tinode; char fname[6], fpack[6]; } u;
  struct stat s; stat("/proc", &s);
  memset(&u, 1, sizeof u);
  R(syscall(SYS_ustat, (unsigned)s.st_dev, &u));
  printf("%d %lu %d %d\n", u.tfree, u.tinode, u.fname[0], u.fpack[5]);
  R(syscall(SYS_ustat, 0xfffff, &u));
  R(syscall(SYS_ustat, (unsigned)s.st_dev, 0));
}

static void as_user(void) {
  S(SYS_vhangup); S(SYS_acct, 0L); S(SYS_acct, "/nowhere"); S(SYS_acct, 1L);
  S(SYS_swapon, 0L, 0x80000000L); S(SYS_swapon, 0L, 0L); S(SYS_swapon, 0L, 0x80000L); S(SYS_swapoff, 0L); S(SYS_swapoff, 1L);
  S(SYS_reboot, 0, 0, 0, 0L); S(SYS_syslog, 2, 0L, 0); S(SYS_syslog, 11, 0L, 0); S(SYS_syslog, 3, 0L, 0); S(SYS_syslog, 10, 0L, 0); S(SYS_syslog, 9, 0L, 0);
}

static void lsm(void) {
  uint64_t ids[16]; uint32_t size = sizeof ids;
  S(461, 0L, 0L, 0); S(461, ids, &size, 1); S(461, 0L, &size, 0);
  printf("size %u\n", size);
  size = 4; S(461, ids, &size, 0); printf("size %u\n", size);
  size = sizeof ids; long n = syscall(461, ids, &size, 0);
  printf("modules %ld size %u:", n, size);
  for (int i = 0; i < n; i++) printf(" %ld", (long)ids[i]);
  printf("\n");
  char buf[256];
  size = sizeof buf;
  for (int a = 0; a < 106; a += a < 7 ? 1 : 33) { printf("attr %d: ", a); S(459, a, buf, &size, 0); }
  S(459, 100, buf, 0L, 0); S(459, 100, buf, 1L, 0); S(459, 100, buf, &size, 1); S(459, 100, buf, &size, 2); S(459, 0, buf, &size, 2); S(459, 100, 0L, &size, 0);
  memset(buf, 0, sizeof buf);
  S(460, 100, buf, 64, 0); S(460, 0, buf, 64, 0); S(460, 100, buf, 64, 1); S(460, 100, buf, 8, 0); S(460, 100, buf, 5000, 0); S(460, 100, 0L, 64, 0); S(460, 100, buf, 64, 2);
  *(uint64_t *)(buf + 16) = 32; *(uint64_t *)(buf + 0) = 100;
  S(460, 100, buf, 32, 0); S(460, 100, buf, 64, 0);
  *(uint64_t *)(buf + 16) = 48;*(uint64_t *)(buf + 24) = 16;
  S(460, 100, buf, 64, 0); S(460, 101, buf, 64, 0);
}

static void secret(void) {
  S(447, 1); S(447, 0x80000); 
  int fd = syscall(447, 0);
  printf("secret %d\n", fd >= 0);
  struct stat s; R(fstat(fd, &s)); printf("mode %o size %ld\n", s.st_mode, (long)s.st_size);
  char link[100]; snprintf(link, 100, "/proc/self/fd/%d", fd); char to[100]; int n = readlink(link, to, 99); to[n < 0 ? 0 : n] = 0; printf("link %s\n", to);
  R(fcntl(fd, F_GETFL)); R(fcntl(fd, F_GETFD));
  char b[10];
  R(read(fd, b, 4)); R(write(fd, b, 4)); R(pread(fd, b, 4, 0)); R(lseek(fd, 0, SEEK_SET)); R(lseek(fd, 0, SEEK_END));
  A(mmap(0, 8192, PROT_READ, MAP_PRIVATE, fd, 0));
  void *p = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  report_addr("map", p, errno);
  traps();
  T(p, *(volatile int *)p = 5);
  R(ftruncate(fd, 8192)); R(ftruncate(fd, 4096)); R(ftruncate(fd, 8192)); R(ftruncate(fd, 12288));
  R(fallocate(fd, 0, 0, 4096)); R(fsync(fd));
  T(p, *(volatile int *)p = 5);
  T(p, *(volatile int *)((char *)p + 4096) = 6);
  R(write(2000, p, 4)); 
  int pp[2]; pipe(pp);
  R(write(pp[1], p, 4)); R(read(pp[0], p, 4));
  struct iovec { void *a; size_t l; } l = {b, 4}, r = {p, 4};
  S(SYS_process_vm_readv, getpid(), &l, 1, &r, 1, 0); S(SYS_process_vm_writev, getpid(), &l, 1, &r, 1, 0);
  int m = open("/proc/self/mem", O_RDWR); R(pread(m, b, 4, (long)p)); R(pwrite(m, b, 4, (long)p)); close(m);
  R(mprotect(p, 4096, PROT_READ)); R(munlock(p, 8192)); R(mlock(p, 8192)); R(madvise(p, 8192, MADV_DONTNEED)); R(madvise(p, 8192, MADV_DODUMP)); R(madvise(p, 8192, MADV_DOFORK)); R(msync(p, 8192, MS_SYNC));
  FILE *f = fopen("/proc/self/smaps", "r"); char line[300]; int in = 0;
  while (fgets(line, 300, f)) { if (strstr(line, "secretmem")) { in = 1; printf("%s", strchr(line, '/')); } if (in && !strncmp(line, "VmFlags", 7)) { printf("%s", line); break; } }
  fclose(f);
  A(mremap(p, 8192, 16384, MREMAP_MAYMOVE));
  pid_t c = fork();
  if (c == 0) { printf("child sees %d\n", *(int *)((char *)p + 4096)); fflush(stdout); _exit(0); }
  waitpid(c, 0, 0);
  R(munmap(p, 8192)); close(fd);
  c = fork();
  if (c == 0) {
    struct rlimit rl = {4096, 4096}; setrlimit(RLIMIT_MEMLOCK, &rl);
    syscall(SYS_setuid, 1000);
    fd = syscall(447, 0);
    ftruncate(fd, 8192);
    A(mmap(0, 8192, PROT_READ, MAP_SHARED, fd, 0)); A(mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0));
    _exit(0);
  }
  waitpid(c, 0, 0);
}
int main(void) {
  absent(); fs_calls(); lsm(); secret();
  S(SYS_vhangup);
  pid_t c = fork();
  if (c == 0) { syscall(SYS_setuid, 1000); as_user(); exit(0); }
  waitpid(c, 0, 0);
  S(SYS_acct, "/nowhere"); S(SYS_acct, 1L); S(SYS_acct, "/proc"); S(SYS_acct, "/dev/null"); S(SYS_acct, 0L);
  S(SYS_swapon, 0L, 0x80000000L); S(SYS_swapon, 1L, 0L); S(SYS_swapon, "/nowhere", 0x80000L); S(SYS_swapoff, "/nowhere"); S(SYS_swapoff, 1L); S(SYS_swapoff, "/dev/null"); S(SYS_swapon, "/dev/null", 0L); S(SYS_swapon, "/tmp", 0L);S(SYS_swapoff, "/tmp");
  S(SYS_reboot, 0, 0, 0, 0L); S(SYS_reboot, 0xfee1dead, 672274793, 0x1234, 0L);S(SYS_reboot, 0xfee1dead, 672274793, 0x45584543, 0L);
  return 0;
}
