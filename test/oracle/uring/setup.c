// io_uring_setup, io_uring_enter and io_uring_register: arguments and the order of their checks, what is mapped, what is told about a ring.
#include "ring.h"
static void setup(unsigned n, unsigned flags, unsigned cq, unsigned resv, int wq) {
  struct io_uring_params p = {0}; p.flags = flags; p.cq_entries = cq; p.resv[1] = resv; p.wq_fd = wq;
  errno = 0; int fd = syscall(SYS_io_uring_setup, n, &p);
  printf("setup %u flags %x cq %u resv %u: %s", n, flags, cq, resv, fd < 0 ? strerrorname_np(errno) : "ok");
  if (fd >= 0) { printf(" sq %u cq %u features %x sq_off %u %u %u %u %u %u %u cq_off %u %u %u %u %u %u %u fl %x", p.sq_entries, p.cq_entries, p.features, p.sq_off.head, p.sq_off.tail, p.sq_off.ring_mask, p.sq_off.ring_entries, p.sq_off.flags, p.sq_off.dropped, p.sq_off.array, p.cq_off.head, p.cq_off.tail, p.cq_off.ring_mask, p.cq_off.ring_entries, p.cq_off.overflow, p.cq_off.cqes, p.cq_off.flags, p.flags); close(fd); }
  printf("\n");
}
int main(void) {
  S(SYS_io_uring_setup, 0, 0L);
  setup(0, 0, 0, 0, 0); setup(1, 0, 0, 0, 0); setup(8, 0, 0, 0, 0); setup(9, 0, 0, 0, 0); setup(32768, 0, 0, 0, 0); setup(32769, 0, 0, 0, 0); setup(40000, 0x10, 0, 0, 0);
  setup(8, 0, 0, 1, 0); setup(8, 8, 0, 0, 0); setup(8, 8, 4, 0, 0); setup(8, 8, 100, 0, 0); setup(8, 8, 1000000, 0, 0); setup(8, 0x18, 1000000, 0, 0);
  for (int b = 0; b < 22; b++) if (b != 14) setup(8, 1u << b, 16, 0, -1);
  setup(8, 0x20, 0, 0, 1); setup(8, 0x3000, 0, 0, 0); setup(8, 0x300, 0, 0, 0); setup(8, 0x200, 0, 0, 0); setup(8, 6, 0, 0, 0); setup(8, 2 | 0x100, 0, 0, 0); setup(8, 2 | 0x3000, 0, 0, 0); setup(8, 0xc00, 0, 0, 0); setup(8, 0x40800, 0, 0, 0);
  struct io_uring_params p = {0}; int fd = syscall(SYS_io_uring_setup, 4, &p);
  char l[99], path[40]; sprintf(path, "/proc/self/fd/%d", fd); int n = readlink(path, l, 98); l[n] = 0; printf("link %s\n", l);
  sprintf(path, "/proc/self/fdinfo/%d", fd); FILE *f = fopen(path, "r"); char line[200]; while (fgets(line, 200, f)) if (strncmp(line, "mnt_id", 6) && strncmp(line, "ino", 3)) printf("fdinfo %s", line); fclose(f);
  R(fcntl(fd, F_GETFL)); R(fcntl(fd, F_GETFD));
  int null = open("/dev/null", O_RDWR);
  S(SYS_io_uring_enter, 99, 0, 0, 0, 0L, 0); S(SYS_io_uring_enter, null, 0, 0, 0, 0L, 0); S(SYS_io_uring_enter, fd, 0, 0, 0x100, 0L, 0); S(SYS_io_uring_enter, 99, 0, 0, 0x100, 0L, 0); S(SYS_io_uring_enter, fd, 0, 0, 0, 0L, 0); S(SYS_io_uring_enter, fd, 1, 0, 0, 0L, 0);
  S(SYS_io_uring_enter, fd, 0, 1, 0, 0L, 0); S(SYS_io_uring_enter, fd, 0, 0, 1, 1L, 8); S(SYS_io_uring_enter, fd, 0, 0, 1, 1L, 4); S(SYS_io_uring_enter, fd, 0, 0, 9, 0L, 0); S(SYS_io_uring_enter, fd, 0, 0, 9, 8L, 24); S(SYS_io_uring_enter, fd, 0, 0, 16, 0L, 0); S(SYS_io_uring_enter, 0, 0, 0, 16, 0L, 0); S(SYS_io_uring_enter, fd, 0, 1, 1, 1L, 4); S(SYS_io_uring_enter, fd, 0, 1, 1, 1L, 8);
  S(SYS_io_uring_register, 99, 0, 0L, 0); S(SYS_io_uring_register, null, 0, 0L, 0); S(SYS_io_uring_register, fd, 99, 0L, 0); S(SYS_io_uring_register, 99, 99, 0L, 0);
  for (int i = 0; i < 40; i++) { printf("op %d ", i); S(SYS_io_uring_register, fd, i, 0L, 0); }
  for (int i = 0; i < 40; i++) { printf("op %d ", i); S(SYS_io_uring_register, fd, i, 8L, 1); }
  close(fd); fd = syscall(SYS_io_uring_setup, 4, &p);
  static struct { struct io_uring_probe p; struct io_uring_probe_op o[256]; } pr;
  S(SYS_io_uring_register, fd, 8, &pr, 256); printf("last %d len %d:", pr.p.last_op, pr.p.ops_len); for (int i = 0; i < pr.p.ops_len; i++) printf(" %d%d", pr.o[i].op, pr.o[i].flags); puts("");
  S(SYS_io_uring_register, fd, 8, &pr, 256); S(SYS_io_uring_register, fd, 8, &pr, 257);
  A(mmap(0, 4096, 3, MAP_SHARED, fd, 0)); A(mmap(0, 4096, 3, MAP_PRIVATE, fd, 0)); A(mmap(0, 4096, 3, MAP_SHARED, fd, 0x8000000)); A(mmap(0, 4096, 3, MAP_SHARED, fd, 0x10000000)); A(mmap(0, 4096, 3, MAP_SHARED, fd, 0x20000000)); A(mmap(0, 4096, 3, MAP_SHARED, fd, 0x80000000)); A(mmap((void *)0x10000000, 4096, 3, MAP_SHARED | MAP_FIXED, fd, 0)); A(mmap((void *)0x10000000, 4096, 3, MAP_SHARED, fd, 0));
  f = fopen("/proc/self/maps", "r"); while (fgets(line, 200, f)) if (strstr(line, "io_uring")) { unsigned long a, b, off; char perm[5]; sscanf(line, "%lx-%lx %4s %lx", &a, &b, perm, &off); printf("map %s %lx %s", perm, off, strstr(line, "anon")); } fclose(f);
  struct pollfd pf = {fd, POLLIN | POLLOUT}; R(poll(&pf, 1, 0)); printf("poll %x\n", pf.revents);
  R(read(fd, l, 1)); R(write(fd, l, 1)); R(lseek(fd, 0, SEEK_SET)); R(fsync(fd)); R(ftruncate(fd, 0));
  // personality, files, buffers, eventfd, workers
  S(SYS_io_uring_register, fd, 9, 0L, 0); S(SYS_io_uring_register, fd, 9, 0L, 0); S(SYS_io_uring_register, fd, 10, 0L, 1); S(SYS_io_uring_register, fd, 10, 0L, 1); S(SYS_io_uring_register, fd, 10, 0L, 7);
  int fds[3] = {null, -1, null}; S(SYS_io_uring_register, fd, 2, fds, 3); S(SYS_io_uring_register, fd, 2, fds, 3); S(SYS_io_uring_register, fd, 3, 0L, 0);
  fds[1] = 999; S(SYS_io_uring_register, fd, 2, fds, 3); fds[1] = fd; S(SYS_io_uring_register, fd, 2, fds, 3); fds[1] = -1; S(SYS_io_uring_register, fd, 2, fds, 3);
  struct { unsigned off, resv; unsigned long data; } up = {1, 0, (unsigned long)fds}; S(SYS_io_uring_register, fd, 6, &up, 2); S(SYS_io_uring_register, fd, 6, &up, 3); up.resv = 1; S(SYS_io_uring_register, fd, 6, &up, 1);
  int e = eventfd(0, 0); S(SYS_io_uring_register, fd, 4, &e, 1); S(SYS_io_uring_register, fd, 4, &e, 1); S(SYS_io_uring_register, fd, 5, 0L, 0); S(SYS_io_uring_register, fd, 4, &null, 1); S(SYS_io_uring_register, fd, 7, &e, 1);
  static char buf[8192]; struct iovec v[2] = {{buf, 4096}, {buf + 4096, 4096}}; S(SYS_io_uring_register, fd, 0, v, 2); S(SYS_io_uring_register, fd, 0, v, 2); S(SYS_io_uring_register, fd, 1, 0L, 0); v[1].iov_base = (void *)16; S(SYS_io_uring_register, fd, 0, v, 2); v[1].iov_base = 0; S(SYS_io_uring_register, fd, 0, v, 2); v[1].iov_len = 0; S(SYS_io_uring_register, fd, 0, v, 2); S(SYS_io_uring_register, fd, 0, v, 0);
  unsigned w[2] = {3, 5}; S(SYS_io_uring_register, fd, 19, w, 2); w[0] = w[1] = 0; S(SYS_io_uring_register, fd, 19, w, 2); printf("workers %u %u\n", w[0], w[1]);
  struct { unsigned off, resv; unsigned long fd; } rf = {-1u, 0, fd}; S(SYS_io_uring_register, fd, 20, &rf, 1); printf("place %u\n", rf.off); S(SYS_io_uring_enter, rf.off, 0, 0, 16, 0L, 0); S(SYS_io_uring_register, rf.off, 0x80000000 | 1, 0L, 0); struct { unsigned off, resv; unsigned long fd; } un = {rf.off}; S(SYS_io_uring_register, fd, 21, &un, 1); S(SYS_io_uring_enter, rf.off, 0, 0, 16, 0L, 0);
  // a ring that starts disabled, with restrictions
  memset(&p, 0, sizeof p); p.flags = 0x40; int d = syscall(SYS_io_uring_setup, 4, &p); S(SYS_io_uring_enter, d, 0, 0, 0, 0L, 0);
  struct io_uring_restriction rs[3] = {{.opcode = 0, .register_op = 9}, {.opcode = 1, .sqe_op = 0}, {.opcode = 7}}; S(SYS_io_uring_register, d, 11, rs, 3); S(SYS_io_uring_register, d, 11, rs, 2); S(SYS_io_uring_register, d, 11, rs, 2); S(SYS_io_uring_register, d, 12, 0L, 0); S(SYS_io_uring_register, d, 12, 0L, 0); S(SYS_io_uring_register, d, 9, 0L, 0); S(SYS_io_uring_register, d, 10, 0L, 1);
  return 0;
}
