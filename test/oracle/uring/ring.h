// A small ring by the raw calls.
#include "../memory/check.h"
#include <linux/io_uring.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <poll.h>
#include <time.h>
#define S(n, ...) do { errno = 0; long r_ = syscall(n, ##__VA_ARGS__); report(#n " " #__VA_ARGS__, r_, errno); } while (0)
struct ring { int fd; unsigned *shead, *stail, *smask, *sarray, *sflags, *sdropped, *chead, *ctail, *cmask, *coverflow; struct io_uring_sqe *sqes; struct io_uring_cqe *cqes; struct io_uring_params p; unsigned pending; };
static int ring_open(struct ring *r, unsigned n, unsigned flags, unsigned cq) {
  memset(r, 0, sizeof *r); r->p.flags = flags; r->p.cq_entries = cq; if (flags & 2) r->p.sq_thread_idle = 50;
  r->fd = syscall(SYS_io_uring_setup, n, &r->p);
  if (r->fd < 0) return -1;
  size_t size = r->p.sq_off.array + r->p.sq_entries * 4; size_t c = r->p.cq_off.cqes + r->p.cq_entries * 16; if (c > size) size = c;
  char *m = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, 0);
  r->sqes = mmap(0, r->p.sq_entries * 64, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, 0x10000000);
  r->shead = (void *)(m + r->p.sq_off.head); r->stail = (void *)(m + r->p.sq_off.tail); r->smask = (void *)(m + r->p.sq_off.ring_mask); r->sarray = (void *)(m + r->p.sq_off.array);
  r->sflags = (void *)(m + r->p.sq_off.flags); r->sdropped = (void *)(m + r->p.sq_off.dropped); r->chead = (void *)(m + r->p.cq_off.head); r->ctail = (void *)(m + r->p.cq_off.tail); r->cmask = (void *)(m + r->p.cq_off.ring_mask);
  r->coverflow = (void *)(m + r->p.cq_off.overflow); r->cqes = (void *)(m + r->p.cq_off.cqes);
  return 0;
}
static struct io_uring_sqe *sqe(struct ring *r, int op, int fd, const void *addr, unsigned len, unsigned long off, unsigned long data) {
  unsigned i = (*r->stail + r->pending) & *r->smask;
  struct io_uring_sqe *s = &r->sqes[i]; memset(s, 0, 64); s->opcode = op; s->fd = fd; s->addr = (unsigned long)addr; s->len = len; s->off = off; s->user_data = data;
  r->sarray[i] = i; r->pending++; return s;
}
static int enter(struct ring *r, unsigned submit, unsigned wait) { return syscall(SYS_io_uring_enter, r->fd, submit, wait, wait ? 1 : 0, 0, 8); }
static int submit(struct ring *r, unsigned wait) { unsigned n = r->pending; __atomic_store_n(r->stail, *r->stail + n, __ATOMIC_RELEASE); r->pending = 0; int k = enter(r, n, wait); return k; }
// Takes every completion, in the order of user_data so that the order of what runs at the same time does not show.
static int reap(struct ring *r, const char *what) {
  int n = 0; struct io_uring_cqe c[64];
  while (*r->chead != __atomic_load_n(r->ctail, __ATOMIC_ACQUIRE) && n < 64) { c[n++] = r->cqes[*r->chead & *r->cmask]; __atomic_store_n(r->chead, *r->chead + 1, __ATOMIC_RELEASE); }
  for (int i = 1; i < n; i++) for (int j = i; j > 0 && c[j - 1].user_data > c[j].user_data; j--) { struct io_uring_cqe t = c[j]; c[j] = c[j - 1]; c[j - 1] = t; }
  printf("%s: %d:", what, n);
  for (int i = 0; i < n; i++) { printf(" [%lld: %s%d flags %x]", (long long)c[i].user_data, c[i].res < 0 ? "E" : "", c[i].res < 0 ? -c[i].res : c[i].res, c[i].flags); }
  printf("\n"); fflush(stdout); return n;
}
static void run(struct ring *r, const char *what, unsigned wait) { int k = submit(r, wait); if (k < 0) printf("%s submit: %s\n", what, strerrorname_np(errno)); reap(r, what); }
