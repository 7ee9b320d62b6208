// Linux AIO by its raw calls: contexts, the ring in user memory, every command, notification, cancelling, the order of checks.
#include "../memory/check.h"
#include <linux/aio_abi.h>
#include <sys/eventfd.h>
#include <poll.h>
#include <time.h>
#define IOS(nr, ctx) syscall(SYS_io_setup, nr, ctx)
#define IOD(ctx) syscall(SYS_io_destroy, ctx)
#define IOSUB(ctx, n, p) syscall(SYS_io_submit, ctx, n, p)
#define IOG(ctx, mn, n, ev, to) syscall(SYS_io_getevents, ctx, mn, n, ev, to)
#define IOC(ctx, cb, ev) syscall(SYS_io_cancel, ctx, cb, ev)
#define IOPG(ctx, mn, n, ev, to, s) syscall(SYS_io_pgetevents, ctx, mn, n, ev, to, s)
struct ring { unsigned id, nr, head, tail, magic, compat, incompat, header; struct io_event ev[]; };
static struct io_event ev[64];
static aio_context_t ctx;
static void show(const char *what, int n) {
  for (int i = 0; i < n; i++) printf("%s event %d: data %lld res %lld res2 %lld\n", what, i, (long long)ev[i].data, (long long)ev[i].res, (long long)ev[i].res2);
  fflush(stdout);
}
static int one(struct iocb *cb) { struct iocb *l[] = {cb}; errno = 0; return IOSUB(ctx, 1, l); }
static void run(const char *what, struct iocb cb) {
  int r = one(&cb);
  if (r != 1) { printf("%s submit: %d %s\n", what, r, r < 0 ? strerrorname_np(errno) : ""); fflush(stdout); return; }
  struct timespec to = {2, 0};
  int n = IOG(ctx, 1, 64, ev, &to);
  printf("%s: %d events, obj %s\n", what, n, n > 0 && ev[0].obj == (uint64_t)(uintptr_t)&cb ? "ours" : "other");
  show(what, n);
}
static void nothing(int s) { (void)s; }
int main(void) {
  aio_context_t c2 = 0;
  R(IOS(0, &ctx)); R(IOS(1, 0)); R(IOS(-1, &ctx)); R(IOS(0x10000000, &ctx)); R(IOS(1 << 20, &ctx)); c2 = 5; R(IOS(1, &c2));
  R(IOS(10, &ctx));
  struct ring *ring = (void *)ctx;
  printf("ring: id %d magic %x compat %u incompat %u header %u head %u tail %u\n", ring->id >= 0, ring->magic, ring->compat, ring->incompat, ring->header, ring->head, ring->tail);
  FILE *f = fopen("/proc/self/maps", "r"); char line[200];
  while (fgets(line, 200, f)) if (strstr(line, "aio")) { unsigned long a, b; char p[5], rest[100]; sscanf(line, "%lx-%lx %4s", &a, &b, p); printf("map: %d %s %s", a == ctx, p, strchr(line, '/')); }
  fclose(f);
  f = fopen("/proc/sys/fs/aio-nr", "r"); fgets(line, 200, f); printf("aio-nr: %d\n", atoi(line) >= 10); fclose(f);
  struct iocb cb, *l[70]; memset(&cb, 0, sizeof cb);
  l[0] = &cb;
  R(IOSUB(0, 1, l)); R(IOSUB(ctx + 4096, 1, l)); R(IOSUB(ctx, -1L, l)); R(IOSUB(ctx, 0, l)); R(IOSUB(ctx, 1, 0)); R(IOSUB(ctx, 1, 8));
  l[0] = (void *)16; R(IOSUB(ctx, 1, l)); l[0] = &cb;
  char name[] = "/tmp/aio-XXXXXX"; int fd = mkstemp(name); unlink(name);
  char buf[100] = "hello asynchronous world"; struct { void *b; size_t l; } iov[2] = {{buf, 5}, {buf + 5, 6}};
#define CB(...) ((struct iocb){.aio_data = 7, .aio_fildes = fd, __VA_ARGS__})
  run("pwrite", CB(.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_buf = (long)buf, .aio_nbytes = 24));
  run("pwrite at 100", CB(.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_buf = (long)buf, .aio_nbytes = 5, .aio_offset = 100));
  memset(buf, 0, sizeof buf);
  run("pread", CB(.aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = (long)buf, .aio_nbytes = 50, .aio_offset = 6)); printf("read: %s\n", buf);
  run("pread eof", CB(.aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = (long)buf, .aio_nbytes = 50, .aio_offset = 600));
  run("preadv", CB(.aio_lio_opcode = IOCB_CMD_PREADV, .aio_buf = (long)iov, .aio_nbytes = 2)); printf("readv: %.11s\n", buf);
  run("pwritev", CB(.aio_lio_opcode = IOCB_CMD_PWRITEV, .aio_buf = (long)iov, .aio_nbytes = 2, .aio_offset = 200));
  run("append", CB(.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_buf = (long)buf, .aio_nbytes = 3, .aio_rw_flags = 0x10));
  R(lseek(fd, 0, SEEK_END)); R(lseek(fd, 0, SEEK_SET));
  run("fsync", CB(.aio_lio_opcode = IOCB_CMD_FSYNC)); run("fdsync", CB(.aio_lio_opcode = IOCB_CMD_FDSYNC));
  run("fsync with offset", CB(.aio_lio_opcode = IOCB_CMD_FSYNC, .aio_offset = 1)); run("fsync with buf", CB(.aio_lio_opcode = IOCB_CMD_FSYNC, .aio_buf = 1));
  run("fsync with nbytes", CB(.aio_lio_opcode = IOCB_CMD_FSYNC, .aio_nbytes = 1)); run("fsync with rw_flags", CB(.aio_lio_opcode = IOCB_CMD_FSYNC, .aio_rw_flags = 1));
  run("opcode 4", CB(.aio_lio_opcode = 4)); run("noop", CB(.aio_lio_opcode = IOCB_CMD_NOOP)); run("opcode 9", CB(.aio_lio_opcode = 9));
  run("reserved", CB(.aio_lio_opcode = IOCB_CMD_PREAD, .aio_reserved2 = 1));
  run("bad fd", CB(.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = 999)); run("bad fd, bad opcode", CB(.aio_lio_opcode = 99, .aio_fildes = 999));
  run("bad buffer", CB(.aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = 16, .aio_nbytes = 10)); run("kernel buffer", CB(.aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = 0xffff800000000000, .aio_nbytes = 10));
  run("bad iovec", CB(.aio_lio_opcode = IOCB_CMD_PREADV, .aio_buf = 16, .aio_nbytes = 1)); run("many iovecs", CB(.aio_lio_opcode = IOCB_CMD_PREADV, .aio_buf = (long)iov, .aio_nbytes = 2000));
  run("negative offset", CB(.aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = (long)buf, .aio_nbytes = 1, .aio_offset = -1));
  run("negative size", CB(.aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = (long)buf, .aio_nbytes = -1));
  run("unknown rw flag", CB(.aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = (long)buf, .aio_nbytes = 1, .aio_rw_flags = 0x10000));
  run("unknown flag", CB(.aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = (long)buf, .aio_nbytes = 1, .aio_flags = 8));
  run("ioprio", CB(.aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = (long)buf, .aio_nbytes = 1, .aio_flags = 2, .aio_reqprio = 0x4004));
  run("bad ioprio", CB(.aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = (long)buf, .aio_nbytes = 1, .aio_flags = 2, .aio_reqprio = 0x7fff));
  int ro = open("/proc/self/exe", O_RDONLY), wo = open("/dev/null", O_WRONLY), dir = open("/", O_RDONLY), pa = open("/", O_PATH);
  run("write to read-only", CB(.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_buf = (long)buf, .aio_nbytes = 1, .aio_fildes = ro));
  run("read from write-only", CB(.aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = (long)buf, .aio_nbytes = 1, .aio_fildes = wo));
  run("write to null", CB(.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_buf = (long)buf, .aio_nbytes = 9, .aio_fildes = wo));
  run("read directory", CB(.aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = (long)buf, .aio_nbytes = 1, .aio_fildes = dir));
  run("read O_PATH", CB(.aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = (long)buf, .aio_nbytes = 1, .aio_fildes = pa));
  run("fsync null", CB(.aio_lio_opcode = IOCB_CMD_FSYNC, .aio_fildes = wo));
  int p[2]; pipe(p);
  run("write pipe", CB(.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_buf = (long)"pipe", .aio_nbytes = 4, .aio_fildes = p[1], .aio_offset = 77));
  run("read pipe", CB(.aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = (long)buf, .aio_nbytes = 9, .aio_fildes = p[0])); printf("pipe: %.4s\n", buf);
  fcntl(p[0], F_SETFL, O_NONBLOCK);
  run("read empty pipe", CB(.aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = (long)buf, .aio_nbytes = 9, .aio_fildes = p[0]));
  run("fsync pipe", CB(.aio_lio_opcode = IOCB_CMD_FSYNC, .aio_fildes = p[0]));
  // A read of an empty pipe that blocks keeps io_submit waiting.
  fcntl(p[0], F_SETFL, 0);
  pid_t c = fork();
  if (c == 0) { usleep(100000); write(p[1], "late", 4); _exit(0); }
  run("read that waits", CB(.aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = (long)buf, .aio_nbytes = 9, .aio_fildes = p[0])); printf("late: %.4s\n", buf);
  waitpid(c, 0, 0);
  // eventfd
  int efd = eventfd(0, EFD_NONBLOCK); uint64_t v;
  run("resfd", CB(.aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = (long)buf, .aio_nbytes = 5, .aio_flags = IOCB_FLAG_RESFD, .aio_resfd = efd));
  R(read(efd, &v, 8)); printf("eventfd: %ld\n", (long)v);
  run("resfd closed", CB(.aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = (long)buf, .aio_nbytes = 5, .aio_flags = IOCB_FLAG_RESFD, .aio_resfd = 999));
  run("resfd no eventfd", CB(.aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = (long)buf, .aio_nbytes = 5, .aio_flags = IOCB_FLAG_RESFD, .aio_resfd = fd));
  // poll
  run("poll writable", CB(.aio_lio_opcode = IOCB_CMD_POLL, .aio_buf = POLLOUT, .aio_fildes = p[1]));
  run("poll file", CB(.aio_lio_opcode = IOCB_CMD_POLL, .aio_buf = POLLIN));
  run("poll file for nothing", CB(.aio_lio_opcode = IOCB_CMD_POLL, .aio_buf = POLLPRI));
  run("poll too many bits", CB(.aio_lio_opcode = IOCB_CMD_POLL, .aio_buf = 0x10001)); run("poll with size", CB(.aio_lio_opcode = IOCB_CMD_POLL, .aio_buf = 1, .aio_nbytes = 1));
  run("poll with offset", CB(.aio_lio_opcode = IOCB_CMD_POLL, .aio_buf = 1, .aio_offset = 1)); run("poll with flags", CB(.aio_lio_opcode = IOCB_CMD_POLL, .aio_buf = 1, .aio_rw_flags = 1));
  struct timespec no = {0, 0}, soon = {0, 50000000}, bad = {0, 2000000000}, neg = {-1, 0};
  struct iocb pcb = CB(.aio_lio_opcode = IOCB_CMD_POLL, .aio_buf = POLLIN, .aio_fildes = p[0]);
  R(one(&pcb)); R(IOG(ctx, 1, 10, ev, &soon)); R(IOG(ctx, 0, 10, ev, 0)); R(IOG(ctx, 1, 10, ev, &bad));
  R(IOC(ctx, &cb, ev)); R(IOC(0, &pcb, ev)); R(IOC(ctx, 0, ev)); R(IOC(ctx, &pcb, ev)); R(IOC(ctx, &pcb, ev));
  int n = IOG(ctx, 1, 10, ev, &soon); printf("after cancel: %d\n", n); show("cancelled", n);
  R(one(&pcb)); write(p[1], "x", 1); n = IOG(ctx, 1, 10, ev, &soon); printf("polled: %d\n", n); show("polled", n); read(p[0], buf, 1);
  pcb.aio_key = 9; R(IOC(ctx, &pcb, ev));
  // many in one go, one bad in the middle
  struct iocb cbs[8];
  for (int i = 0; i < 8; i++) { cbs[i] = CB(.aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = (long)buf, .aio_nbytes = i + 1); cbs[i].aio_data = i; l[i] = &cbs[i]; }
  R(IOSUB(ctx, 8, l)); R(IOG(ctx, 9, 8, ev, &no)); R(IOG(ctx, -1L, 8, ev, &no)); R(IOG(ctx, 0, -1L, ev, &no)); R(IOG(ctx, 0, 0, ev, &no)); R(IOG(ctx, 1, 8, 0, &no)); R(IOG(ctx, 1, 8, ev, 8)); R(IOG(0, 1, 8, ev, &no));
  n = IOG(ctx, 1, 3, ev, &no); printf("three: %d\n", n); show("three", n);
  printf("ring has: %u\n", (ring->tail - ring->head) % ring->nr);
  n = IOG(ctx, 5, 8, ev, 0); printf("five: %d\n", n); show("five", n);
  cbs[3].aio_fildes = 999; R(IOSUB(ctx, 8, l)); n = IOG(ctx, 0, 8, ev, &no); printf("until the bad one: %d\n", n);
  l[2] = (void *)16; R(IOSUB(ctx, 8, l)); n = IOG(ctx, 0, 8, ev, &no); printf("until the fault: %d\n", n);
  // the ring read by the program itself, as libaio does
  l[0] = &cbs[0]; R(IOSUB(ctx, 1, l)); printf("own read: %d %lld\n", ring->head != ring->tail, (long long)ring->ev[ring->head].res); ring->head = (ring->head + 1) % ring->nr; R(IOG(ctx, 0, 8, ev, &no));
  // signals
  struct sigaction sa = {.sa_handler = nothing}; sigaction(SIGALRM, &sa, 0);
  struct { const void *s; size_t z; } usig = {0, 0}; sigset_t set; sigemptyset(&set); usig.s = &set; usig.z = 8;
  alarm(1); R(IOG(ctx, 1, 8, ev, 0));
  alarm(1); R(IOPG(ctx, 1, 8, ev, 0, 0));
  sigset_t blk; sigemptyset(&blk); sigaddset(&blk, SIGALRM); sigprocmask(SIG_BLOCK, &blk, 0);
  alarm(1); R(IOPG(ctx, 1, 8, ev, 0, &usig)); sigset_t now; sigprocmask(SIG_SETMASK, 0, &now); printf("mask back: %d\n", sigismember(&now, SIGALRM));
  usig.z = 4; R(IOPG(ctx, 1, 8, ev, &no, &usig)); R(IOPG(ctx, 1, 8, ev, &no, 8)); usig.s = 0; R(IOPG(ctx, 0, 8, ev, &no, &usig));
  // fork: the context is not inherited
  c = fork(); if (c == 0) { R(IOSUB(ctx, 0, l)); R(IOG(ctx, 0, 1, ev, &no)); R(IOD(ctx)); _exit(0); } waitpid(c, 0, 0);
  // destroy with a request under way
  R(one(&pcb)); R(IOD(ctx)); R(IOD(ctx)); R(IOSUB(ctx, 0, l)); R(IOG(ctx, 0, 1, ev, &no));
  traps(); T(ring, (void)*(volatile int *)ring);
  // limits: as many as asked for at least
  ctx = 0; R(IOS(1, &ctx)); ring = (void *)ctx; int k = 0;
  for (; k < 3000; k++) { struct iocb *q = &pcb; if (IOSUB(ctx, 1, &q) != 1) break; }
  printf("in flight until: %s\n", strerrorname_np(errno));
  R(IOD(ctx));
  return 0;
}
