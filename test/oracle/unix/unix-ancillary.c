// SCM_RIGHTS, SCM_CREDENTIALS, SCM_PIDFD, OOB, peek offsets, sendmmsg, garbage cycles.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <linux/sockios.h>
#include <unistd.h>
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#define SO_PEERPIDFD 77
#endif
#define SCM_PIDFD_ 4
static int n;
#define T(what, e) do { errno = 0; long r_ = (long)(e); printf("%02d %s: %ld %d\n", n++, what, r_, r_ < 0 ? errno : 0); } while (0)
static char b[1000];
static int pollmask(int fd) { struct pollfd p = {fd, 0x7fff & ~POLLNVAL, 0}; poll(&p, 1, 0); return p.revents; }

static int send_fds(int s, const char *data, int len, const int *fds, int nfds) {
  char c[CMSG_SPACE(sizeof(int) * 300)] = {0};
  struct iovec v = {(void *)data, len};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
  if (nfds) {
    m.msg_control = c; m.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
    struct cmsghdr *h = CMSG_FIRSTHDR(&m); h->cmsg_level = SOL_SOCKET; h->cmsg_type = SCM_RIGHTS; h->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
    memcpy(CMSG_DATA(h), fds, sizeof(int) * nfds);
  }
  return sendmsg(s, &m, 0);
}
static int got[300], ngot;
static int recv_all(int s, int len, int clen, int flags) {
  static char c[8192];
  memset(c, 0, sizeof c);
  struct iovec v = {b, len};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = clen ? c : 0, .msg_controllen = clen};
  errno = 0;
  int r = recvmsg(s, &m, flags);
  if (r < 0) { printf("   recvmsg %d: %d\n", n, errno); return r; }
  printf("%02d recvmsg: %d flags=%x clen=%d\n", n++, r, m.msg_flags, (int)m.msg_controllen);
  ngot = 0;
  for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
    printf("%02d cmsg: level=%d type=%d len=%d\n", n++, h->cmsg_level, h->cmsg_type, (int)h->cmsg_len);
    if (h->cmsg_type == SCM_RIGHTS) { int k = (h->cmsg_len - CMSG_LEN(0)) / 4; for (int i = 0; i < k; i++) { int fd = ((int *)CMSG_DATA(h))[i]; got[ngot++] = fd; } printf("%02d fds: %d cloexec=%d\n", n++, k, fcntl(got[0], F_GETFD)); }
    if (h->cmsg_type == SCM_CREDENTIALS) { struct ucred *u = (void *)CMSG_DATA(h); printf("%02d cred: self=%d zero=%d uid=%d gid=%d\n", n++, u->pid == getpid(), u->pid == 0, u->uid, u->gid); }
    if (h->cmsg_type == SCM_PIDFD_) { int fd = *(int *)CMSG_DATA(h); printf("%02d pidfd: %d\n", n++, fd >= 0); close(fd); }
  }
  return r;
}
static void closegot(void) { while (ngot) close(got[--ngot]); }

int main(void) {
  int s[2], p[2];
  setvbuf(stdout, 0, _IOLBF, 0);
  for (int type = 1; type <= 5; type += (type == 2 ? 3 : 1)) {
    socketpair(AF_UNIX, type, 0, s); pipe(p);
    T("fds", send_fds(s[0], "abc", 3, p, 2));
    send(s[0], "more", 4, 0);
    recv_all(s[1], 100, 100, 0);
    T("through", ngot == 2 ? write(got[1], "via", 3) : -2); T("read", read(p[0], b, 10)); closegot();
    recv_all(s[1], 100, 100, 0);
    T("fds", send_fds(s[0], "x", 1, p, 2)); recv_all(s[1], 100, 100, MSG_PEEK); closegot(); recv_all(s[1], 100, 100, MSG_CMSG_CLOEXEC); closegot();
    send_fds(s[0], "x", 1, p, 2); recv_all(s[1], 100, 20, 0); closegot();
    send_fds(s[0], "x", 1, p, 2); recv_all(s[1], 100, 0, 0);
    send_fds(s[0], "x", 1, p, 2); recv_all(s[1], 100, 16, 0);
    send_fds(s[0], "x", 1, p, 2); T("plain recv drops", recv(s[1], b, 10, 0));
    int bad[1] = {777}; T("bad fd", send_fds(s[0], "x", 1, bad, 1)); bad[0] = -1; T("neg fd", send_fds(s[0], "x", 1, bad, 1));
    int many[260]; for (int i = 0; i < 260; i++) many[i] = p[0];
    T("253", send_fds(s[0], "x", 1, many, 253)); recv(s[1], b, 1, 0); T("254", send_fds(s[0], "x", 1, many, 254));
    T("empty", send_fds(s[0], "", 0, p, 1));
    if (type != 1) { recv_all(s[1], 100, 100, 0); closegot(); }
    // glue
    send(s[0], "a", 1, 0); send(s[0], "b", 1, 0); send_fds(s[0], "c", 1, p, 1); send(s[0], "d", 1, 0);
    while (recv_all(s[1], 100, 100, MSG_DONTWAIT) > 0) closegot();
    int on = 1; send(s[0], "before", 6, 0); setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, 4); send(s[0], "after", 5, 0);
    while (recv_all(s[1], 100, 100, MSG_DONTWAIT) > 0) closegot();
    send_fds(s[0], "both", 4, p, 1); recv_all(s[1], 100, 200, 0); closegot();
    send(s[0], "cut", 3, 0); recv_all(s[1], 100, 20, 0); send(s[0], "cut", 3, 0); recv_all(s[1], 2, 100, 0);
    setsockopt(s[1], SOL_SOCKET, SO_PASSPIDFD, &on, 4); send(s[0], "pidfd", 5, 0); recv_all(s[1], 100, 200, MSG_DONTWAIT);
    close(s[0]); close(s[1]); close(p[0]); close(p[1]);
  }
  // explicit credentials
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  int on = 1; setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, 4);
  { char c[CMSG_SPACE(sizeof(struct ucred))] = {0}; struct iovec v = {"cr", 2}; struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m); h->cmsg_level = SOL_SOCKET; h->cmsg_type = SCM_CREDENTIALS; h->cmsg_len = CMSG_LEN(sizeof(struct ucred));
    struct ucred *u = (void *)CMSG_DATA(h); u->pid = getpid(); u->uid = 1234; u->gid = 55; T("root may", sendmsg(s[0], &m, 0)); recv_all(s[1], 10, 100, 0);
    u->pid = 1 << 21; T("no such pid", sendmsg(s[0], &m, 0)); u->pid = getpid();
    h->cmsg_len = CMSG_LEN(8); T("short", sendmsg(s[0], &m, 0)); h->cmsg_len = 5; T("bad len", sendmsg(s[0], &m, 0)); h->cmsg_len = CMSG_LEN(sizeof(struct ucred)); h->cmsg_type = 99; T("bad type", sendmsg(s[0], &m, 0));
    h->cmsg_level = 99; T("other level", sendmsg(s[0], &m, 0)); recv(s[1], b, 10, 0); m.msg_iovlen = 2000; T("iov", sendmsg(s[0], &m, 0)); m.msg_iovlen = 1; m.msg_namelen = -1; m.msg_name = b; T("namelen", sendmsg(s[0], &m, 0)); }
  // iovecs
  { struct iovec v[3] = {{"abc", 3}, {"", 0}, {"defgh", 5}}; T("writev-like", sendmsg(s[0], &(struct msghdr){.msg_iov = v, .msg_iovlen = 3}, 0)); char x[3], y[10]; struct iovec w[2] = {{x, 3}, {y, 10}}; T("readv", recvmsg(s[1], &(struct msghdr){.msg_iov = w, .msg_iovlen = 2}, 0)); printf("parts: %.3s %.5s\n", x, y); }
  close(s[0]); close(s[1]);
  // urgent data
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  T("oob", send(s[0], "abX", 3, MSG_OOB)); T("mask", pollmask(s[1])); send(s[0], "cd", 2, 0);
  int q; ioctl(s[1], SIOCATMARK, &q); T("mark", q);
  T("recv to mark", recv(s[1], b, 10, 0)); ioctl(s[1], SIOCATMARK, &q); T("mark", q);
  T("recv oob", recv(s[1], b, 1, MSG_OOB)); T("char", b[0]); ioctl(s[1], SIOCATMARK, &q); T("mark", q); T("recv", recv(s[1], b, 10, 0)); T("char", b[0]); T("oob none", recv(s[1], b, 1, MSG_OOB));
  T("oob", send(s[0], "12", 2, MSG_OOB)); T("skip", recv(s[1], b, 10, 0)); T("past", recv(s[1], b, 10, MSG_DONTWAIT)); T("oob gone", recv(s[1], b, 1, MSG_OOB));
  setsockopt(s[1], SOL_SOCKET, SO_OOBINLINE, &on, 4); send(s[0], "pqR", 3, MSG_OOB); T("inline", recv(s[1], b, 10, MSG_DONTWAIT)); T("inline", recv(s[1], b, 10, MSG_DONTWAIT));
  // peek offset
  int off = 0; T("peekoff", setsockopt(s[0], SOL_SOCKET, SO_PEEK_OFF, &off, 4)); send(s[1], "0123456789", 10, 0);
  T("peek", recv(s[0], b, 3, MSG_PEEK)); T("char", b[0]); T("peek", recv(s[0], b, 3, MSG_PEEK)); T("char", b[0]); T("recv", recv(s[0], b, 2, 0)); T("peek", recv(s[0], b, 3, MSG_PEEK)); T("char", b[0]);
  close(s[0]); close(s[1]);
  // mmsg
  socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
  { struct iovec v[3] = {{"a", 1}, {"bb", 2}, {"ccc", 3}}; struct mmsghdr m[3] = {0}; for (int i = 0; i < 3; i++) { m[i].msg_hdr.msg_iov = v + i; m[i].msg_hdr.msg_iovlen = 1; } T("sendmmsg", sendmmsg(s[0], m, 3, 0)); T("len", m[2].msg_len);
    char x[5][8]; struct iovec w[5]; struct mmsghdr r[5] = {0}; for (int i = 0; i < 5; i++) { w[i] = (struct iovec){x[i], 8}; r[i].msg_hdr.msg_iov = w + i; r[i].msg_hdr.msg_iovlen = 1; } T("recvmmsg", recvmmsg(s[1], r, 5, MSG_WAITFORONE, 0)); T("len", r[1].msg_len); T("none", recvmmsg(s[1], r, 5, MSG_DONTWAIT, 0)); }
  // a cycle: both ends in each other's queue
  int before = open("/dev/null", O_RDONLY); close(before);
  for (int i = 0; i < 200; i++) { int c[2], d[2]; socketpair(AF_UNIX, SOCK_STREAM, 0, c); socketpair(AF_UNIX, SOCK_STREAM, 0, d); send_fds(c[0], "x", 1, d, 2); send_fds(d[0], "x", 1, c, 2); close(c[0]); close(c[1]); close(d[0]); close(d[1]); }
  int after = open("/dev/null", O_RDONLY); T("same fd", before == after);
  // peer pidfd
  int pf; socklen_t l = 4; T("peerpidfd", getsockopt(s[0], SOL_SOCKET, SO_PEERPIDFD, &pf, &l) < 0 ? -1 : 0);
  return 0;
}
