// The operations of io_uring.
#include "ring.h"
#include <fcntl.h>
static struct ring r;
static char buf[4096], buf2[4096];
static void files(void) {
  char name[] = "/tmp/uring-XXXXXX"; int fd = mkstemp(name); unlink(name); struct iovec v[2] = {{"hello ", 6}, {"ring", 4}}, w[2] = {{buf, 3}, {buf + 3, 50}};
  sqe(&r, IORING_OP_NOP, -1, 0, 0, 0, 1); run(&r, "nop", 1);
  sqe(&r, IORING_OP_WRITEV, fd, v, 2, 0, 2); run(&r, "writev", 1);
  sqe(&r, IORING_OP_READV, fd, w, 2, 0, 3); run(&r, "readv", 1); printf("got %.10s\n", buf);
  sqe(&r, IORING_OP_WRITE, fd, "more", 4, -1, 4); run(&r, "write at the position", 1); R(lseek(fd, 0, SEEK_CUR));
  sqe(&r, IORING_OP_READ, fd, buf, 100, 2, 5); run(&r, "read", 1); printf("got %.8s\n", buf);
  sqe(&r, IORING_OP_READ, fd, buf, 100, 1000, 5); run(&r, "read at eof", 1);
  sqe(&r, IORING_OP_READ, fd, (void *)16, 10, 0, 6); run(&r, "bad buffer", 1); sqe(&r, IORING_OP_READ, 999, buf, 10, 0, 7); run(&r, "bad fd", 1);
  sqe(&r, IORING_OP_READ, fd, buf, 10, -5, 7); run(&r, "negative offset", 1);
  sqe(&r, IORING_OP_READ, fd, buf, 10, 0, 8)->rw_flags = 0x10000; run(&r, "bad rw flags", 1);
  sqe(&r, 63, fd, buf, 10, 0, 9); run(&r, "bad opcode", 0); sqe(&r, IORING_OP_NOP, fd, 0, 0, 0, 10)->flags = 0x80; run(&r, "bad flags", 0); sqe(&r, IORING_OP_NOP, fd, 0, 0, 0, 10)->ioprio = 5; run(&r, "ioprio", 0);
  sqe(&r, IORING_OP_NOP, fd, 0, 0, 0, 10)->personality = 5; run(&r, "personality", 0); sqe(&r, IORING_OP_WRITE, fd, buf, 1, 0, 10)->flags = IOSQE_BUFFER_SELECT; run(&r, "buffer select", 0);
  sqe(&r, IORING_OP_FSYNC, fd, 0, 0, 0, 11); sqe(&r, IORING_OP_FSYNC, fd, 0, 0, 0, 12)->fsync_flags = 1; sqe(&r, IORING_OP_FSYNC, fd, 0, 0, 0, 13)->fsync_flags = 2; run(&r, "fsync", 3);
  sqe(&r, IORING_OP_FALLOCATE, fd, (void *)100, 0, 100, 14); run(&r, "fallocate", 1); R(lseek(fd, 0, SEEK_END));
  sqe(&r, 55, fd, 0, 0, 50, 15); run(&r, "ftruncate", 1); R(lseek(fd, 0, SEEK_END));
  sqe(&r, IORING_OP_FADVISE, fd, 0, 10, 0, 16)->fadvise_advice = POSIX_FADV_WILLNEED; sqe(&r, IORING_OP_FADVISE, fd, 0, 10, 0, 17)->fadvise_advice = 77; run(&r, "fadvise", 2);
  void *m = mmap(0, 8192, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); *(int *)m = 5; sqe(&r, IORING_OP_MADVISE, -1, m, 4096, 0, 18)->fadvise_advice = MADV_DONTNEED; run(&r, "madvise", 1); printf("zero %d\n", *(int *)m);
  sqe(&r, IORING_OP_SYNC_FILE_RANGE, fd, 0, 10, 0, 19)->sync_range_flags = 2; run(&r, "sync_file_range", 1);
  struct { char x[256]; } stx; sqe(&r, IORING_OP_STATX, AT_FDCWD, "/", 0x7ff, (unsigned long)&stx, 20); sqe(&r, IORING_OP_STATX, AT_FDCWD, "/nowhere", 0x7ff, (unsigned long)&stx, 21); run(&r, "statx", 2);
  mkdir("/tmp/uring-dir", 0700);
  sqe(&r, IORING_OP_OPENAT, AT_FDCWD, "/tmp/uring-dir/a", 0600, 0, 22)->open_flags = O_CREAT | O_RDWR; run(&r, "openat", 1);
  sqe(&r, IORING_OP_RENAMEAT, AT_FDCWD, "/tmp/uring-dir/a", AT_FDCWD, (unsigned long)"/tmp/uring-dir/b", 23); run(&r, "renameat", 1);
  sqe(&r, IORING_OP_LINKAT, AT_FDCWD, "/tmp/uring-dir/b", AT_FDCWD, (unsigned long)"/tmp/uring-dir/c", 24); run(&r, "linkat", 1);
  sqe(&r, IORING_OP_SYMLINKAT, AT_FDCWD, "b", 0, (unsigned long)"/tmp/uring-dir/d", 25); sqe(&r, IORING_OP_MKDIRAT, AT_FDCWD, "/tmp/uring-dir/e", 0700, 0, 26); run(&r, "symlinkat, mkdirat", 2);
  sqe(&r, IORING_OP_UNLINKAT, AT_FDCWD, "/tmp/uring-dir/b", 0, 0, 27); sqe(&r, IORING_OP_UNLINKAT, AT_FDCWD, "/tmp/uring-dir/c", 0, 0, 28); sqe(&r, IORING_OP_UNLINKAT, AT_FDCWD, "/tmp/uring-dir/d", 0, 0, 29); sqe(&r, IORING_OP_UNLINKAT, AT_FDCWD, "/tmp/uring-dir/e", 0, 0, 30)->unlink_flags = AT_REMOVEDIR; run(&r, "unlinkat", 4);
  R(rmdir("/tmp/uring-dir"));
  int n = open("/dev/null", O_RDWR); sqe(&r, IORING_OP_CLOSE, n, 0, 0, 0, 31); run(&r, "close", 1); sqe(&r, IORING_OP_CLOSE, n, 0, 0, 0, 32); run(&r, "close again", 1); sqe(&r, IORING_OP_CLOSE, r.fd, 0, 0, 0, 33); run(&r, "close the ring", 1); sqe(&r, IORING_OP_CLOSE, n, 0, 1, 0, 33); run(&r, "close with len", 0);
  // registered files and buffers
  int fds[4] = {fd, -1, -1, -1}; syscall(SYS_io_uring_register, r.fd, 2, fds, 4); struct iovec fb = {buf2, 4096}; syscall(SYS_io_uring_register, r.fd, 0, &fb, 1);
  strcpy(buf2, "fixed buffer"); sqe(&r, IORING_OP_WRITE_FIXED, 0, buf2, 12, 0, 40)->flags = IOSQE_FIXED_FILE; run(&r, "write fixed", 1); memset(buf2, 0, 20); sqe(&r, IORING_OP_READ_FIXED, fd, buf2 + 6, 6, 6, 41); run(&r, "read fixed", 1); printf("got %s\n", buf2 + 6);
  sqe(&r, IORING_OP_READ_FIXED, fd, buf, 6, 6, 42); run(&r, "outside the buffer", 1); sqe(&r, IORING_OP_READ_FIXED, fd, buf2, 6, 6, 43)->buf_index = 1; run(&r, "no such buffer", 1); sqe(&r, IORING_OP_READ, 1, buf, 6, 6, 44)->flags = IOSQE_FIXED_FILE; run(&r, "empty place", 1); sqe(&r, IORING_OP_READ, 9, buf, 6, 6, 44)->flags = IOSQE_FIXED_FILE; run(&r, "no such place", 1);
  sqe(&r, IORING_OP_OPENAT, AT_FDCWD, "/dev/zero", 0, 0, 45)->file_index = 3; run(&r, "open into a place", 1); sqe(&r, IORING_OP_READ, 2, buf, 6, 0, 46)->flags = IOSQE_FIXED_FILE; run(&r, "read from it", 1); sqe(&r, IORING_OP_OPENAT, AT_FDCWD, "/dev/zero", 0, 0, 45)->file_index = ~0u; run(&r, "open anywhere", 1); sqe(&r, IORING_OP_CLOSE, 0, 0, 0, 0, 47)->file_index = 3; run(&r, "close the place", 1); sqe(&r, IORING_OP_CLOSE, 0, 0, 0, 0, 47)->file_index = 3; run(&r, "close it again", 1); sqe(&r, IORING_OP_OPENAT, AT_FDCWD, "/dev/zero", 0, 0, 45)->file_index = 9; run(&r, "open beyond", 1);
  { struct io_uring_sqe *s = sqe(&r, 54, 0, 0, 0, 0, 48); s->flags = IOSQE_FIXED_FILE; } run(&r, "install", 1);
  int upd[2] = {fd, -1}; sqe(&r, IORING_OP_FILES_UPDATE, -1, upd, 2, 2, 49); run(&r, "files update", 1);
  syscall(SYS_io_uring_register, r.fd, 3, 0, 0); syscall(SYS_io_uring_register, r.fd, 1, 0, 0); close(fd);
}
static void waits(void) {
  int p[2]; pipe(p); struct __kernel_timespec ts = {0, 20000000}, bad = {0, -1};
  sqe(&r, IORING_OP_READ, p[0], buf, 10, 0, 1); run(&r, "read of an empty pipe", 0); write(p[1], "abc", 3); run(&r, "when there is something", 1);
  sqe(&r, IORING_OP_READ, p[0], buf, 10, 0, 2); submit(&r, 0); sqe(&r, IORING_OP_WRITE, p[1], "xy", 2, 0, 3); run(&r, "read and write", 2);
  fcntl(p[0], F_SETFL, O_NONBLOCK); sqe(&r, IORING_OP_READ, p[0], buf, 10, 0, 4); run(&r, "not blocking", 0); write(p[1], "z", 1); run(&r, "it waits all the same", 1); { struct io_uring_sqe *s = sqe(&r, IORING_OP_READ, p[0], buf, 10, 0, 4); s->rw_flags = 8; } run(&r, "nowait", 1); fcntl(p[0], F_SETFL, 0);
  sqe(&r, IORING_OP_POLL_ADD, p[1], 0, 0, 0, 5)->poll32_events = POLLOUT; run(&r, "poll", 1); sqe(&r, IORING_OP_POLL_ADD, p[0], 0, 0, 0, 6)->poll32_events = POLLIN; run(&r, "poll waits", 0); write(p[1], "a", 1); run(&r, "poll ends", 1); read(p[0], buf, 1);
  sqe(&r, IORING_OP_POLL_ADD, p[0], 0, 0, 0, 7)->poll32_events = POLLIN; submit(&r, 0); sqe(&r, IORING_OP_POLL_REMOVE, -1, (void *)7, 0, 0, 8); run(&r, "poll remove", 2); sqe(&r, IORING_OP_POLL_REMOVE, -1, (void *)7, 0, 0, 8); run(&r, "poll remove again", 1);
  sqe(&r, IORING_OP_POLL_ADD, p[0], 0, 1, 0, 9)->poll32_events = POLLIN; submit(&r, 0); write(p[1], "a", 1); run(&r, "poll again and again", 1); read(p[0], buf, 1); write(p[1], "b", 1); run(&r, "poll a second time", 1); read(p[0], buf, 1); sqe(&r, IORING_OP_ASYNC_CANCEL, -1, (void *)9, 0, 0, 10); run(&r, "poll cancelled", 2);
  sqe(&r, IORING_OP_POLL_ADD, p[0], 0, 0, 5, 9)->poll32_events = POLLIN; run(&r, "poll with off", 0);
  sqe(&r, IORING_OP_READ, p[0], buf, 10, 0, 11); submit(&r, 0); sqe(&r, IORING_OP_ASYNC_CANCEL, -1, (void *)11, 0, 0, 12); run(&r, "read cancelled", 2); sqe(&r, IORING_OP_ASYNC_CANCEL, -1, (void *)11, 0, 0, 12); run(&r, "nothing to cancel", 1);
  sqe(&r, IORING_OP_READ, p[0], buf, 10, 0, 13); sqe(&r, IORING_OP_POLL_ADD, p[0], 0, 0, 0, 14)->poll32_events = POLLIN; submit(&r, 0); sqe(&r, IORING_OP_ASYNC_CANCEL, p[0], 0, 0, 0, 15)->cancel_flags = 3; run(&r, "cancelled by fd", 3);
  sqe(&r, IORING_OP_READ, p[0], buf, 10, 0, 13); submit(&r, 0); sqe(&r, IORING_OP_ASYNC_CANCEL, 0, 0, 0, 0, 15)->cancel_flags = 4; run(&r, "cancelled by any", 2); sqe(&r, IORING_OP_ASYNC_CANCEL, 0, 0, 0, 0, 15)->cancel_flags = 6; run(&r, "cancel flags", 0); sqe(&r, IORING_OP_ASYNC_CANCEL, 999, 0, 0, 0, 15)->cancel_flags = 2; run(&r, "cancel bad fd", 1);
  // timeouts
  sqe(&r, IORING_OP_TIMEOUT, -1, &ts, 1, 0, 20); run(&r, "timeout", 1); sqe(&r, IORING_OP_TIMEOUT, -1, &ts, 1, 0, 21)->timeout_flags = 32; run(&r, "timeout, success", 1); sqe(&r, IORING_OP_TIMEOUT, -1, &bad, 1, 0, 22); run(&r, "timeout, negative", 0); sqe(&r, IORING_OP_TIMEOUT, -1, &ts, 2, 0, 22); run(&r, "timeout, len", 0); sqe(&r, IORING_OP_TIMEOUT, -1, (void *)8, 1, 0, 22); run(&r, "timeout, fault", 0); sqe(&r, IORING_OP_TIMEOUT, -1, &ts, 1, 0, 22)->timeout_flags = 12; run(&r, "timeout, clocks", 0);
  struct __kernel_timespec far = {100, 0}; sqe(&r, IORING_OP_TIMEOUT, -1, &far, 1, 1, 23); sqe(&r, IORING_OP_NOP, -1, 0, 0, 0, 24); run(&r, "timeout, count", 2);
  sqe(&r, IORING_OP_TIMEOUT, -1, &far, 1, 0, 25); submit(&r, 0); sqe(&r, IORING_OP_TIMEOUT_REMOVE, -1, (void *)25, 0, 0, 26); run(&r, "timeout removed", 2); sqe(&r, IORING_OP_TIMEOUT_REMOVE, -1, (void *)25, 0, 0, 26); run(&r, "no timeout", 1);
  sqe(&r, IORING_OP_TIMEOUT, -1, &far, 1, 0, 27); submit(&r, 0); sqe(&r, IORING_OP_TIMEOUT_REMOVE, -1, (void *)27, 0, (unsigned long)&ts, 28)->timeout_flags = 2; run(&r, "timeout updated", 2);
  // links
  sqe(&r, IORING_OP_WRITE, p[1], "link", 4, 0, 30)->flags = IOSQE_IO_LINK; sqe(&r, IORING_OP_READ, p[0], buf, 4, 0, 31)->flags = IOSQE_IO_LINK; sqe(&r, IORING_OP_NOP, -1, 0, 0, 0, 32); run(&r, "chain", 3);
  sqe(&r, IORING_OP_READ, 999, buf, 4, 0, 33)->flags = IOSQE_IO_LINK; sqe(&r, IORING_OP_NOP, -1, 0, 0, 0, 34)->flags = IOSQE_IO_LINK; sqe(&r, IORING_OP_NOP, -1, 0, 0, 0, 35); sqe(&r, IORING_OP_NOP, -1, 0, 0, 0, 36); run(&r, "broken chain", 4);
  sqe(&r, IORING_OP_READ, 999, buf, 4, 0, 33)->flags = IOSQE_IO_HARDLINK; sqe(&r, IORING_OP_NOP, -1, 0, 0, 0, 34); run(&r, "hard link", 2);
  write(p[1], "ab", 2); sqe(&r, IORING_OP_READ, p[0], buf, 4, 0, 37)->flags = IOSQE_IO_LINK; sqe(&r, IORING_OP_NOP, -1, 0, 0, 0, 38); run(&r, "short read breaks it", 2);
  sqe(&r, IORING_OP_READ, p[0], buf, 4, 0, 40)->flags = IOSQE_IO_LINK; sqe(&r, IORING_OP_LINK_TIMEOUT, -1, &ts, 1, 0, 41); run(&r, "link timeout", 2); write(p[1], "abcd", 4); sqe(&r, IORING_OP_READ, p[0], buf, 4, 0, 42)->flags = IOSQE_IO_LINK; sqe(&r, IORING_OP_LINK_TIMEOUT, -1, &far, 1, 0, 43); run(&r, "link timeout in vain", 2); sqe(&r, IORING_OP_LINK_TIMEOUT, -1, &far, 1, 0, 43); run(&r, "link timeout alone", 0);
  sqe(&r, IORING_OP_NOP, -1, 0, 0, 0, 50)->flags = IOSQE_CQE_SKIP_SUCCESS; sqe(&r, IORING_OP_NOP, -1, 0, 0, 0, 51); run(&r, "skip success", 1);
  struct ring d; ring_open(&d, 4, 0, 0); sqe(&d, IORING_OP_TIMEOUT, -1, &ts, 1, 0, 54); sqe(&d, IORING_OP_NOP, -1, 0, 0, 0, 55)->flags = IOSQE_IO_DRAIN; sqe(&d, IORING_OP_NOP, -1, 0, 0, 0, 56); submit(&d, 0); R(*d.ctail - *d.chead); for (int i = 0; i < 100 && *d.ctail - *d.chead < 3; i++) { enter(&d, 0, 3); usleep(1000); } reap(&d, "drained");
  sqe(&r, IORING_OP_TIMEOUT, -1, &ts, 1, 0, 52); sqe(&r, IORING_OP_NOP, -1, 0, 0, 0, 53)->flags = IOSQE_IO_DRAIN; submit(&r, 0); R(*r.ctail - *r.chead); run(&r, "drain", 2);
  close(p[0]); close(p[1]);
}
static void sockets(void) {
  int s[2]; socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  sqe(&r, IORING_OP_RECV, s[0], buf, 10, 0, 1); submit(&r, 0); sqe(&r, IORING_OP_SEND, s[1], "sent", 4, 0, 2); run(&r, "recv and send", 2);
  fcntl(s[0], F_SETFL, O_NONBLOCK); sqe(&r, IORING_OP_RECV, s[0], buf, 10, 0, 3); run(&r, "recv waits all the same", 0); sqe(&r, IORING_OP_RECV, s[0], buf, 10, 0, 4)->msg_flags = MSG_DONTWAIT; run(&r, "dontwait", 1); write(s[1], "q", 1); run(&r, "recv ends", 1); fcntl(s[0], F_SETFL, 0);
  struct iovec v = {buf, 10}, w = {"message", 7}; struct msghdr h = {.msg_iov = &v, .msg_iovlen = 1}, g = {.msg_iov = &w, .msg_iovlen = 1}; sqe(&r, IORING_OP_SENDMSG, s[1], &g, 1, 0, 5); sqe(&r, IORING_OP_RECVMSG, s[0], &h, 1, 0, 6); run(&r, "sendmsg, recvmsg", 2);
  sqe(&r, IORING_OP_SEND, 0, "x", 1, 0, 7)->fd = open("/dev/null", O_RDWR); run(&r, "no socket", 1);
  sqe(&r, IORING_OP_SOCKET, AF_INET, 0, 0, SOCK_STREAM, 8); submit(&r, 1); int l = r.cqes[*r.chead & *r.cmask].res; *r.chead += 1; printf("socket %d\n", l >= 0);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}; socklen_t al = sizeof a; sqe(&r, 56, l, &a, 0, sizeof a, 9); run(&r, "bind", 1); sqe(&r, 57, l, 0, 5, 0, 10); run(&r, "listen", 1); getsockname(l, (void *)&a, &al);
  int c = socket(AF_INET, SOCK_STREAM, 0); struct sockaddr_in from; socklen_t fl = sizeof from;
  sqe(&r, IORING_OP_ACCEPT, l, &from, 0, (unsigned long)&fl, 11); submit(&r, 0); sqe(&r, IORING_OP_CONNECT, c, &a, 0, sizeof a, 12); submit(&r, 2); int conn = -1; for (int i = 0; i < 2; i++) { struct io_uring_cqe q = r.cqes[*r.chead & *r.cmask]; *r.chead += 1; if (q.user_data == 11) conn = q.res; else printf("connect %d\n", q.res); } printf("accepted %d from %d\n", conn >= 0, from.sin_family);
  sqe(&r, IORING_OP_SHUTDOWN, c, 0, SHUT_WR, 0, 13); run(&r, "shutdown", 1); sqe(&r, IORING_OP_RECV, conn, buf, 5, 0, 14); run(&r, "end of file", 1); sqe(&r, IORING_OP_SHUTDOWN, 0, 0, SHUT_WR, 0, 13)->fd = open("/dev/null", 0); run(&r, "shutdown of a file", 1);
  // provided buffers
  static char pool[4][16]; sqe(&r, IORING_OP_PROVIDE_BUFFERS, 4, pool, 16, 0, 20)->buf_group = 7; run(&r, "provide", 1);
  write(s[1], "first", 5); { struct io_uring_sqe *q = sqe(&r, IORING_OP_RECV, s[0], 0, 16, 0, 21); q->flags = IOSQE_BUFFER_SELECT; q->buf_group = 7; } run(&r, "selected", 1); printf("pool %s\n", pool[0]);
  { struct io_uring_sqe *q = sqe(&r, IORING_OP_RECV, s[0], 0, 16, 0, 22); q->flags = IOSQE_BUFFER_SELECT; q->buf_group = 9; } run(&r, "no such group", 1);
  { struct io_uring_sqe *q = sqe(&r, IORING_OP_RECV, s[0], 0, 0, 0, 23); q->flags = IOSQE_BUFFER_SELECT; q->buf_group = 7; q->ioprio = IORING_RECV_MULTISHOT; } submit(&r, 0); write(s[1], "second", 6); run(&r, "again and again", 1); write(s[1], "third", 5); run(&r, "again", 1); write(s[1], "fourth", 6); run(&r, "again 2", 1); write(s[1], "none", 4); run(&r, "no buffer left", 1); read(s[0], buf, 10);
  sqe(&r, IORING_OP_REMOVE_BUFFERS, 4, 0, 0, 0, 24)->buf_group = 7; run(&r, "remove", 1);
  struct io_uring_buf *br = mmap(0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); struct io_uring_buf_reg reg = {.ring_addr = (unsigned long)br, .ring_entries = 8, .bgid = 3}; S(SYS_io_uring_register, r.fd, 22, &reg, 1); S(SYS_io_uring_register, r.fd, 22, &reg, 1);
  for (int i = 0; i < 4; i++) br[i] = (struct io_uring_buf){(unsigned long)pool[i], 16, i + 10}; *(unsigned short *)((char *)br + 14) = 4;
  write(s[1], "ringbuf", 7); { struct io_uring_sqe *q = sqe(&r, IORING_OP_RECV, s[0], 0, 0, 0, 25); q->flags = IOSQE_BUFFER_SELECT; q->buf_group = 3; } run(&r, "from a ring of buffers", 1); printf("pool %s\n", pool[0]);
  reg.ring_addr = 0; S(SYS_io_uring_register, r.fd, 23, &reg, 1); S(SYS_io_uring_register, r.fd, 23, &reg, 1);
  close(s[1]); sqe(&r, IORING_OP_SEND, s[0], "x", 1, 0, 26); run(&r, "broken pipe, no signal", 1);
}
static void rings(void) {
  struct ring q; ring_open(&q, 4, 0, 0); sqe(&r, IORING_OP_MSG_RING, q.fd, 0, 77, 1234, 1); run(&r, "message", 1); reap(&q, "received"); int n = open("/dev/null", 0); sqe(&r, IORING_OP_MSG_RING, n, 0, 77, 1234, 1); run(&r, "message to a file", 1);
  int e = eventfd(0, EFD_NONBLOCK); unsigned long v; syscall(SYS_io_uring_register, r.fd, 4, &e, 1); sqe(&r, IORING_OP_NOP, 0, 0, 0, 0, 2); run(&r, "nop", 1); R(read(e, &v, 8)); printf("eventfd %lu\n", v); syscall(SYS_io_uring_register, r.fd, 5, 0, 0);
  // overflow
  for (int i = 0; i < 3; i++) { for (int k = 0; k < 4; k++) sqe(&q, IORING_OP_NOP, 0, 0, 0, 0, i * 4 + k); R(submit(&q, 0)); } printf("flags %x overflow %u ready %u\n", *q.sflags & 2, *q.coverflow, *q.ctail - *q.chead); reap(&q, "first"); R(enter(&q, 0, 1)); reap(&q, "rest"); printf("flags %x\n", *q.sflags & 2);
  // a bad index
  q.sarray[*q.stail & *q.smask] = 99; __atomic_store_n(q.stail, *q.stail + 1, __ATOMIC_RELEASE); R(enter(&q, 1, 0)); printf("dropped %u\n", *q.sdropped);
  struct { unsigned long mask; unsigned sz, pad; unsigned long ts; } arg = {0}; struct __kernel_timespec ts = {0, 20000000}; arg.ts = (unsigned long)&ts; R(syscall(SYS_io_uring_enter, q.fd, 0, 1, 9, &arg, 24)); R(syscall(SYS_io_uring_enter, q.fd, 0, 1, 9, &arg, 20));
  // the poller
  struct ring p; ring_open(&p, 4, 2, 0); sqe(&p, IORING_OP_NOP, 0, 0, 0, 0, 3); __atomic_store_n(p.stail, *p.stail + 1, __ATOMIC_RELEASE); p.pending = 0; for (int i = 0; i < 200 && *p.chead == __atomic_load_n(p.ctail, __ATOMIC_ACQUIRE); i++) usleep(10000); reap(&p, "poller"); usleep(400000); printf("asleep %u\n", __atomic_load_n(p.sflags, __ATOMIC_ACQUIRE) & 1);
  sqe(&p, IORING_OP_NOP, 0, 0, 0, 0, 4); __atomic_store_n(p.stail, *p.stail + 1, __ATOMIC_RELEASE); R(syscall(SYS_io_uring_enter, p.fd, 1, 1, 3, 0, 0)); reap(&p, "woken");
  struct ring f; ring_open(&f, 4, 0x3000, 0); pid_t c = fork(); if (c == 0) { sqe(&f, IORING_OP_NOP, 0, 0, 0, 0, 4); R(submit(&f, 1)); _exit(0); } waitpid(c, 0, 0);
}
int main(void) { ring_open(&r, 16, 0, 0); files(); waits(); sockets(); rings(); return 0; }
