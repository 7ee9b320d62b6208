// timeout: 60
// userfaultfd: the handshake, registration, missing and write-protect faults served by another thread, the order of checks.
#include "../memory/check.h"
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <poll.h>
#include <pthread.h>
#define S(n, ...) do { errno = 0; long r_ = syscall(n, ##__VA_ARGS__); report(#n " " #__VA_ARGS__, r_, errno); } while (0)
static int fd; static char *area; static volatile int mode;
#define Q(x) do { errno = 0; long r_ = (x); printf("server %s: %ld %s\n", #x, r_, r_ < 0 ? strerrorname_np(errno) : ""); fflush(stdout); } while (0)
static void *serve(void *x) {
  struct uffd_msg m;
  for (;;) {
    struct pollfd p = {fd, POLLIN}; if (poll(&p, 1, 3000) <= 0) { printf("server: no event\n"); return 0; }
    if (read(fd, &m, sizeof m) != sizeof m) { printf("server: read %s\n", strerrorname_np(errno)); return 0; }
    if (m.event != UFFD_EVENT_PAGEFAULT) { printf("server: event %x\n", m.event); if (mode == 9) return 0; continue; }
    printf("server: fault at page %ld flags %llx\n", (long)(m.arg.pagefault.address - (unsigned long)area) / 4096, (long long)m.arg.pagefault.flags); fflush(stdout);
    unsigned long page = m.arg.pagefault.address & ~4095ul;
    static char buf[4096] __attribute__((aligned(4096))); memset(buf, 'A' + (page - (unsigned long)area) / 4096, 4096);
    if (m.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP) { struct uffdio_writeprotect w = {{page, 4096}, 0}; Q(ioctl(fd, UFFDIO_WRITEPROTECT, &w)); }
    else if (mode == 0) { struct uffdio_copy c = {page, (unsigned long)buf, 4096, UFFDIO_COPY_MODE_DONTWAKE}; Q(ioctl(fd, UFFDIO_COPY, &c)); printf("copied %lld\n", (long long)c.copy); Q(ioctl(fd, UFFDIO_COPY, &c)); printf("copied %lld\n", (long long)c.copy); struct uffdio_range w = {page, 4096}; ioctl(fd, UFFDIO_WAKE, &w); }
    else if (mode == 1) { struct uffdio_zeropage z = {{page, 4096}, 0}; Q(ioctl(fd, UFFDIO_ZEROPAGE, &z)); printf("zeroed %lld\n", (long long)z.zeropage); }
    else if (mode == 2) return 0;
    fflush(stdout);
    if (mode == 5) return 0;
  }
}
int main(void) {
  S(SYS_userfaultfd, 8); S(SYS_userfaultfd, 0x80000 | 0x800 | 1 | 4);
  fd = syscall(SYS_userfaultfd, O_CLOEXEC); printf("fd %d\n", fd >= 0);
  char l[99], p[40]; sprintf(p, "/proc/self/fd/%d", fd); int n = readlink(p, l, 98); l[n] = 0; printf("link %s\n", l); R(fcntl(fd, F_GETFL)); R(fcntl(fd, F_GETFD));
  struct uffd_msg m; R(read(fd, &m, sizeof m)); R(write(fd, &m, 1)); struct pollfd pf = {fd, POLLIN}; R(poll(&pf, 1, 0)); printf("revents %x\n", pf.revents); R(lseek(fd, 0, 0));
  struct uffdio_register rg = {{0, 4096}, 1}; R(ioctl(fd, UFFDIO_REGISTER, &rg)); R(ioctl(fd, 0x1234, 0));
  struct uffdio_api api = {.api = 1}; R(ioctl(fd, UFFDIO_API, &api)); api.api = UFFD_API; api.features = 1ull << 60; R(ioctl(fd, UFFDIO_API, &api)); printf("api %llx %llx %llx\n", api.api, api.features, api.ioctls); R(ioctl(fd, UFFDIO_API, 8));
  api = (struct uffdio_api){.api = UFFD_API}; R(ioctl(fd, UFFDIO_API, &api)); printf("api %llx features %d ioctls %llx\n", (long long)api.api, (api.features & 0x9a1) == 0x9a1, (long long)api.ioctls); R(ioctl(fd, UFFDIO_API, &api));
  R(poll(&pf, 1, 0)); printf("revents %x\n", pf.revents); fcntl(fd, F_SETFL, O_NONBLOCK); R(poll(&pf, 1, 0)); R(read(fd, &m, sizeof m)); R(read(fd, &m, 8));
  area = mmap(0, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  rg = (struct uffdio_register){{(unsigned long)area + 1, 4096}, 1}; R(ioctl(fd, UFFDIO_REGISTER, &rg)); rg.range.start = (unsigned long)area; rg.range.len = 100; R(ioctl(fd, UFFDIO_REGISTER, &rg)); rg.range.len = 0; R(ioctl(fd, UFFDIO_REGISTER, &rg)); rg.range.len = 4096; rg.mode = 0; R(ioctl(fd, UFFDIO_REGISTER, &rg)); rg.mode = 16; R(ioctl(fd, UFFDIO_REGISTER, &rg)); rg.mode = 1; rg.range.start = 0; R(ioctl(fd, UFFDIO_REGISTER, &rg)); rg.range.start = 1ul << 40; R(ioctl(fd, UFFDIO_REGISTER, &rg)); R(ioctl(fd, UFFDIO_REGISTER, 8));
  rg.range.start = (unsigned long)area; rg.range.len = 8 * 4096; rg.mode = 4; R(ioctl(fd, UFFDIO_REGISTER, &rg));
  rg.mode = UFFDIO_REGISTER_MODE_MISSING; R(ioctl(fd, UFFDIO_REGISTER, &rg)); printf("ioctls %llx\n", (long long)rg.ioctls & 0x5c); R(ioctl(fd, UFFDIO_REGISTER, &rg));
  int fd2 = syscall(SYS_userfaultfd, 0); api = (struct uffdio_api){.api = UFFD_API}; ioctl(fd2, UFFDIO_API, &api); R(ioctl(fd2, UFFDIO_REGISTER, &rg)); close(fd2);
  FILE *f = fopen("/proc/self/smaps", "r"); char line[300]; int in = 0; while (fgets(line, 300, f)) { unsigned long a, b; if (sscanf(line, "%lx-%lx", &a, &b) == 2 && strchr(line, '-')) in = a == (unsigned long)area; if (in && !strncmp(line, "VmFlags", 7)) printf("%s", line); } fclose(f); sprintf(p, "/proc/self/fdinfo/%d", fd); f = fopen(p, "r"); while (fgets(line, 300, f)) if (!strncmp(line, "pending", 7) || !strncmp(line, "total", 5)) printf("fdinfo %s", line); fclose(f);
  static char buf[4096] __attribute__((aligned(4096)));
  struct uffdio_copy c = {(unsigned long)area + 9 * 4096, (unsigned long)buf, 4096, 0}; R(ioctl(fd, UFFDIO_COPY, &c)); printf("copy %lld\n", (long long)c.copy); c.dst = (unsigned long)area + 1; R(ioctl(fd, UFFDIO_COPY, &c)); c.dst = (unsigned long)area; c.len = 0; R(ioctl(fd, UFFDIO_COPY, &c)); c.len = 4096; c.mode = 8; R(ioctl(fd, UFFDIO_COPY, &c)); c.mode = 0; c.src = 16; R(ioctl(fd, UFFDIO_COPY, &c)); c.src = (unsigned long)buf; c.dst = (unsigned long)area + 6 * 4096; c.mode = 1; R(ioctl(fd, UFFDIO_COPY, &c)); printf("copy %lld\n", (long long)c.copy);
  struct uffdio_range wk = {(unsigned long)area, 4096}; R(ioctl(fd, UFFDIO_WAKE, &wk)); wk.len = 1; R(ioctl(fd, UFFDIO_WAKE, &wk));
  fcntl(fd, F_SETFL, O_NONBLOCK); pthread_t t; pthread_create(&t, 0, serve, 0);
  printf("value %c\n", area[0]); area[4096] = 'x'; printf("value %c %c\n", area[4096], area[4097]);
  mode = 1; printf("zero %d\n", area[2 * 4096 + 5]);
  int pp[2]; pipe(pp); mode = 0; R(write(pp[1], area + 3 * 4096, 10)); read(pp[0], buf, 10); printf("through the kernel %.3s\n", buf); mode = 1; R(read(pp[0], buf, 0)); 
  traps();
  // write protection
  mode = 0; struct uffdio_range ur = {(unsigned long)area, 8 * 4096}; R(ioctl(fd, UFFDIO_UNREGISTER, &ur)); rg.mode = UFFDIO_REGISTER_MODE_WP | UFFDIO_REGISTER_MODE_MISSING; rg.range.len = 8 * 4096; R(ioctl(fd, UFFDIO_REGISTER, &rg)); printf("ioctls %llx\n", (long long)rg.ioctls & 0x5c);
  struct uffdio_writeprotect w = {{(unsigned long)area, 4096}, UFFDIO_WRITEPROTECT_MODE_WP}; R(ioctl(fd, UFFDIO_WRITEPROTECT, &w)); printf("reads %c\n", area[0]); area[0] = 'w'; printf("written %c\n", area[0]); w.mode = 8; R(ioctl(fd, UFFDIO_WRITEPROTECT, &w)); w.mode = 0; w.range.start = (unsigned long)area + 9 * 4096; R(ioctl(fd, UFFDIO_WRITEPROTECT, &w));
  R(ioctl(fd, UFFDIO_UNREGISTER, &ur)); printf("after %d\n", area[7 * 4096]); 
  pthread_cancel(t); pthread_join(t, 0); close(fd);
  // closing lets waiters go on
  fd = syscall(SYS_userfaultfd, O_NONBLOCK); api = (struct uffdio_api){.api = UFFD_API, .features = UFFD_FEATURE_SIGBUS}; R(ioctl(fd, UFFDIO_API, &api)); rg.range.start = (unsigned long)area + 8 * 4096; rg.range.len = 4096; rg.mode = 1; R(ioctl(fd, UFFDIO_REGISTER, &rg)); T(area, *(volatile char *)(area + 8 * 4096)); close(fd);
  pid_t k = fork(); if (k == 0) { syscall(SYS_setuid, 1000); S(SYS_userfaultfd, 0); S(SYS_userfaultfd, 1); _exit(0); } waitpid(k, 0, 0);
  return 0;
}
