// Raw, ping, packet, UDP-Lite and error-queue sockets, filters, multicast and options in a network namespace of its own.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
static int n;
#define T(what, e) do { errno = 0; long r_ = (long)(e); printf("%02d %s: %ld %d\n", n++, what, r_, r_ < 0 ? errno : 0); } while (0)
static char b[70000];
static int on = 1;
static struct sockaddr_in in4(const char *ip, int port) { struct sockaddr_in a = {AF_INET, htons(port), {inet_addr(ip)}}; return a; }
static struct sockaddr_in6 in6(const char *ip, int port) { struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(port)}; inet_pton(AF_INET6, ip, &a.sin6_addr); return a; }
static int port(int s) { struct sockaddr_in6 a; socklen_t l = sizeof a; getsockname(s, (void *)&a, &l); return ntohs(a.sin6_port); }
static int mask(int fd) { struct pollfd p = {fd, 0x7fff & ~POLLNVAL, 0}; poll(&p, 1, 0); return p.revents; }
static void settle(void) { usleep(5000); }
static void up(const char *name) { struct ifreq r = {.ifr_flags = IFF_UP}; strcpy(r.ifr_name, name); int s = socket(AF_INET, SOCK_DGRAM, 0); ioctl(s, SIOCSIFFLAGS, &r); close(s); }
static unsigned short sum(const void *d, int len) { const unsigned char *p = d; unsigned s = 0; for (int i = 0; i < len; i += 2) s += p[i] << 8 | (i + 1 < len ? p[i + 1] : 0); while (s >> 16) s = (s & 0xffff) + (s >> 16); return htons(~s); }

static void down(void) {
  int s = socket(AF_INET, SOCK_DGRAM, 0); struct sockaddr_in a = in4("127.0.0.1", 9);
  T("lo is down: send", sendto(s, "x", 1, 0, (void *)&a, sizeof a)); T("connect", connect(s, (void *)&a, sizeof a)); T("bind", bind(s, (void *)&a, sizeof a)); close(s);
  s = socket(AF_INET6, SOCK_DGRAM, 0); struct sockaddr_in6 b6 = in6("::1", 9); T("v6 send", sendto(s, "x", 1, 0, (void *)&b6, sizeof b6)); close(s);
  s = socket(AF_INET, SOCK_STREAM, 0); T("tcp", connect(s, (void *)&a, sizeof a)); close(s);
}
static void kinds(void) {
  int k[][3] = {{AF_INET, SOCK_RAW, IPPROTO_ICMP}, {AF_INET, SOCK_RAW, 255}, {AF_INET, SOCK_RAW, 256}, {AF_INET, SOCK_DGRAM, IPPROTO_ICMP}, {AF_INET6, SOCK_RAW, IPPROTO_ICMPV6}, {AF_INET, SOCK_DGRAM, 136}, {AF_PACKET, SOCK_RAW, 0}, {AF_PACKET, SOCK_DGRAM, 0}, {AF_PACKET, SOCK_STREAM, 0}, {AF_NETLINK, SOCK_RAW, 0}, {AF_NETLINK, SOCK_STREAM, 0}, {AF_NETLINK, SOCK_DGRAM, 15}, {AF_NETLINK, SOCK_DGRAM, 16}, {AF_NETLINK, SOCK_DGRAM, 4}, {AF_NETLINK, SOCK_DGRAM, 99}, {AF_INET, SOCK_RDM, 0}, {46, 1, 0}, {-1, 1, 0}, {AF_INET, 77, 0}};
  for (unsigned i = 0; i < sizeof k / sizeof *k; i++) { int s = socket(k[i][0], k[i][1], k[i][2]); printf("kind %u: %d %d\n", i, s < 0, s < 0 ? errno : 0); if (s >= 0) close(s); }
}
static void raw(void) {
  int s = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), o = socket(AF_INET, SOCK_RAW, 200); struct sockaddr_in a = in4("127.0.0.1", 0), c; socklen_t l;
  struct icmphdr h = {.type = ICMP_ECHO, .un.echo = {htons(77), htons(1)}}; h.checksum = sum(&h, 8);
  T("echo", sendto(s, &h, 8, 0, (void *)&a, sizeof a)); settle(); int types[4] = {0}, k = 0; while ((k = recvfrom(s, b, sizeof b, MSG_DONTWAIT, (void *)&c, (l = sizeof c, &l))) > 0) { struct iphdr *ip = (void *)b; types[(unsigned char)b[20] & 3]++; printf("got %d, header %d, ttl %d, protocol %d, type %d, from %s, length %d\n", k, ip->ihl * 4, ip->ttl, ip->protocol, b[20], inet_ntoa(c.sin_addr), l); }
  struct icmp_filter { unsigned data; } f = {~(1u << ICMP_ECHOREPLY)}; T("filter", setsockopt(s, SOL_RAW, 1, &f, sizeof f)); T("echo", sendto(s, &h, 8, 0, (void *)&a, sizeof a)); settle(); T("only the reply", recv(s, b, sizeof b, MSG_DONTWAIT)); T("type", b[20]); T("no more", recv(s, b, sizeof b, MSG_DONTWAIT));
  T("own protocol", sendto(o, "hello", 5, 0, (void *)&a, sizeof a)); settle(); T("recv", recv(o, b, sizeof b, MSG_DONTWAIT)); printf("%.5s %d\n", b + 20, ((struct iphdr *)b)->protocol); T("connect", connect(o, (void *)&a, sizeof a)); T("send", send(o, "x", 1, 0)); T("too long", send(o, b, 65536, 0)); T("oob", send(o, "x", 1, MSG_OOB)); l = sizeof c; T("name", getsockname(o, (void *)&c, &l)); T("port", ntohs(c.sin_port));
  int hd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), q = -1; l = 4; T("hdrincl", getsockopt(hd, 0, IP_HDRINCL, &q, &l)); T("is", q); struct { struct iphdr ip; char d[4]; } p = {{.version = 4, .ihl = 5, .ttl = 9, .protocol = 200, .daddr = inet_addr("127.0.0.1")}, "own"}; settle(); recv(o, b, sizeof b, MSG_DONTWAIT); T("whole packet", sendto(hd, &p, sizeof p, 0, (void *)&a, sizeof a)); settle(); T("recv", recv(o, b, sizeof b, MSG_DONTWAIT)); struct iphdr *ip = (void *)b; printf("ttl %d, source %s, length %d, sum %d\n", ip->ttl, inet_ntoa(*(struct in_addr *)&ip->saddr), ntohs(ip->tot_len), sum(b, 20)); T("short", sendto(hd, &p, 10, 0, (void *)&a, sizeof a));
  close(s); close(o); close(hd);
}
static void ping(void) {
  T("not allowed", socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP)); int f = open("/proc/sys/net/ipv4/ping_group_range", O_RDWR); T("range", read(f, b, 100)); printf("%.4s", b); close(f); f = open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY); T("write", write(f, "0 0", 3)); close(f);
  int s = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP); struct sockaddr_in a = in4("127.0.0.1", 0), c; socklen_t l = sizeof c; struct icmphdr h = {.type = ICMP_ECHO};
  T("short", sendto(s, &h, 4, 0, (void *)&a, sizeof a)); T("echo", sendto(s, &h, 8, 0, (void *)&a, sizeof a)); settle(); T("mask", mask(s)); T("reply", recvfrom(s, b, sizeof b, MSG_DONTWAIT, (void *)&c, &l)); T("type", b[0]); getsockname(s, (void *)&c, (l = sizeof c, &l)); T("id", ntohs(c.sin_port) == ntohs(((struct icmphdr *)b)->un.echo.id)); h.type = ICMP_ECHOREPLY; T("wrong type", sendto(s, &h, 8, 0, (void *)&a, sizeof a)); close(s);
}
static void packet(void) {
  int s = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), u = socket(AF_INET, SOCK_DGRAM, 0), d = socket(AF_INET, SOCK_DGRAM, 0); struct sockaddr_in a = in4("127.0.0.1", 5353); bind(d, (void *)&a, sizeof a); struct sockaddr_ll c, m = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = 1}; socklen_t l;
  T("bind", bind(s, (void *)&m, sizeof m)); sendto(u, "seen", 4, 0, (void *)&a, sizeof a); settle(); int k; while ((k = recvfrom(s, b, sizeof b, MSG_DONTWAIT, (void *)&c, (l = sizeof c, &l))) > 0) { struct udphdr *h = (void *)(b + 34); printf("packet %d: type %d, protocol %x, index %d, hatype %d, halen %d, length %d, to %d, \"%.4s\"\n", k, c.sll_pkttype, ntohs(c.sll_protocol), c.sll_ifindex, c.sll_hatype, c.sll_halen, l, ntohs(h->dest), b + 42); }
  // A filter: UDP to port 5353 only, at most 44 bytes of it.
  struct sock_filter code[] = {{0x28, 0, 0, 12}, {0x15, 0, 5, 0x800}, {0x30, 0, 0, 23}, {0x15, 0, 3, 17}, {0x28, 0, 0, 36}, {0x15, 0, 1, 5353}, {6, 0, 0, 44}, {6, 0, 0, 0}}; struct sock_fprog f = {8, code}; T("filter", setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &f, sizeof f)); sendto(u, "longer data", 11, 0, (void *)&a, sizeof a); a.sin_port = htons(5354); sendto(u, "other", 5, 0, (void *)&a, sizeof a); settle(); while ((k = recv(s, b, sizeof b, MSG_DONTWAIT | MSG_TRUNC)) > 0) printf("filtered %d\n", k);
  struct sock_filter bad[] = {{0x28, 0, 0, 12}}; f = (struct sock_fprog){1, bad}; T("no return", setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &f, sizeof f)); T("detach", setsockopt(s, SOL_SOCKET, SO_DETACH_FILTER, &on, 4)); T("again", setsockopt(s, SOL_SOCKET, SO_DETACH_FILTER, &on, 4)); T("lock", setsockopt(s, SOL_SOCKET, SO_LOCK_FILTER, &on, 4)); T("locked", setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &f, sizeof f));
  m.sll_ifindex = 99; T("no such device", bind(s, (void *)&m, sizeof m)); T("connect", connect(s, (void *)&m, sizeof m)); T("send", send(s, b, 20, 0)); struct packet_mreq r = {1, PACKET_MR_PROMISC}; T("promiscuous", setsockopt(s, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &r, sizeof r)); struct ifreq q; strcpy(q.ifr_name, "lo"); ioctl(u, SIOCGIFFLAGS, &q); printf("flags %x\n", q.ifr_flags & 0xffff); T("drop", setsockopt(s, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &r, sizeof r)); T("not there", setsockopt(s, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &r, sizeof r));
  close(s); close(u); close(d);
}
static void errors(void) {
  int s = socket(AF_INET, SOCK_DGRAM, 0); struct sockaddr_in a = in4("127.0.0.1", 9), c; T("recverr", setsockopt(s, 0, IP_RECVERR, &on, 4)); T("send", sendto(s, "lost", 4, 0, (void *)&a, sizeof a)); settle(); T("mask", mask(s)); char cb[200]; struct iovec v = {b, 100}; struct msghdr m = {&c, sizeof c, &v, 1, cb, sizeof cb, 0}; T("recv", recv(s, b, 10, MSG_DONTWAIT)); T("errqueue", recvmsg(s, &m, MSG_ERRQUEUE)); printf("flags %x, about port %d, \"%.4s\"\n", m.msg_flags, ntohs(c.sin_port), b);
  for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) { struct sock_extended_err *e = (void *)CMSG_DATA(h); struct sockaddr_in *o = (void *)SO_EE_OFFENDER(e); printf("cmsg %d %d: errno %d, origin %d, type %d, code %d, info %u, by %s\n", h->cmsg_level, h->cmsg_type, e->ee_errno, e->ee_origin, e->ee_type, e->ee_code, e->ee_info, inet_ntoa(o->sin_addr)); }
  T("empty", recvmsg(s, &m, MSG_ERRQUEUE)); T("unreachable", (a = in4("10.9.9.9", 9), sendto(s, "x", 1, 0, (void *)&a, sizeof a))); int two = IP_PMTUDISC_DO; setsockopt(s, 0, IP_MTU_DISCOVER, &two, 4); a = in4("127.0.0.1", 9); T("connect", connect(s, (void *)&a, sizeof a)); int q; socklen_t l = 4; T("mtu", getsockopt(s, 0, IP_MTU, &q, &l)); T("is", q); close(s);
}
static void udplite(void) {
  int s = socket(AF_INET, SOCK_DGRAM, 136), d = socket(AF_INET, SOCK_DGRAM, 136), q = 8; struct sockaddr_in a = in4("127.0.0.1", 0); bind(d, (void *)&a, sizeof a); a.sin_port = htons(port(d)); T("coverage", setsockopt(s, 136, 10, &q, 4)); T("send", sendto(s, "lite", 4, 0, (void *)&a, sizeof a)); settle(); T("recv", recv(d, b, 10, MSG_DONTWAIT)); q = 20; T("least", setsockopt(d, 136, 11, &q, 4)); T("send", sendto(s, "lite", 4, 0, (void *)&a, sizeof a)); settle(); T("covers too little", recv(d, b, 10, MSG_DONTWAIT)); int u = socket(AF_INET, SOCK_DGRAM, 0); T("udp has its own ports", bind(u, (void *)&a, sizeof a)); close(s); close(d); close(u);
}
static void multicast(void) {
  int s = socket(AF_INET, SOCK_DGRAM, 0), d = socket(AF_INET, SOCK_DGRAM, 0); struct sockaddr_in a = in4("0.0.0.0", 6000); setsockopt(d, SOL_SOCKET, SO_REUSEADDR, &on, 4); bind(d, (void *)&a, sizeof a); struct ip_mreqn m = {{inet_addr("239.1.2.3")}, {0}, 1}; a = in4("239.1.2.3", 6000); T("no route", sendto(s, "m", 1, 0, (void *)&a, sizeof a)); T("interface", setsockopt(s, 0, IP_MULTICAST_IF, &m, sizeof m)); T("nobody", sendto(s, "m", 1, 0, (void *)&a, sizeof a)); settle(); T("recv", recv(d, b, 10, MSG_DONTWAIT)); T("join", setsockopt(d, 0, IP_ADD_MEMBERSHIP, &m, sizeof m)); T("twice", setsockopt(d, 0, IP_ADD_MEMBERSHIP, &m, sizeof m)); T("send", sendto(s, "group", 5, 0, (void *)&a, sizeof a)); settle(); T("recv", recv(d, b, 10, MSG_DONTWAIT)); T("leave", setsockopt(d, 0, IP_DROP_MEMBERSHIP, &m, sizeof m)); T("twice", setsockopt(d, 0, IP_DROP_MEMBERSHIP, &m, sizeof m)); m.imr_multiaddr.s_addr = inet_addr("1.2.3.4"); T("no group", setsockopt(d, 0, IP_ADD_MEMBERSHIP, &m, sizeof m)); m.imr_ifindex = 99; m.imr_multiaddr.s_addr = inet_addr("239.1.2.3"); T("no device", setsockopt(d, 0, IP_ADD_MEMBERSHIP, &m, sizeof m)); close(s); close(d);
}
static void options(void) {
  int u = socket(AF_INET, SOCK_DGRAM, 0), s = socket(AF_INET, SOCK_STREAM, 0), x = socket(AF_INET6, SOCK_DGRAM, 0); struct { int level, name; } o[] = {{0, 1}, {0, 2}, {0, 3}, {0, 5}, {0, 6}, {0, 7}, {0, 8}, {0, 10}, {0, 11}, {0, 12}, {0, 13}, {0, 15}, {0, 18}, {0, 19}, {0, 20}, {0, 21}, {0, 22}, {0, 23}, {0, 24}, {0, 25}, {0, 26}, {0, 33}, {0, 34}, {0, 49}, {0, 50}, {0, 51}, {1, 1}, {1, 2}, {1, 6}, {1, 9}, {1, 10}, {1, 12}, {1, 15}, {1, 18}, {1, 29}, {1, 35}, {1, 36}, {1, 37}, {1, 40}, {1, 42}, {1, 44}, {1, 45}, {1, 49}, {1, 60}, {1, 62}, {1, 63}, {1, 64}, {1, 69}, {1, 72}, {1, 75}, {1, 82}, {6, 1}, {6, 2}, {6, 3}, {6, 7}, {6, 8}, {6, 9}, {6, 10}, {6, 12}, {6, 16}, {6, 18}, {6, 23}, {6, 25}, {6, 27}, {6, 30}, {6, 36}, {17, 1}, {17, 101}, {17, 103}, {17, 104}, {41, 16}, {41, 18}, {41, 19}, {41, 23}, {41, 24}, {41, 25}, {41, 26}, {41, 29}, {41, 33}, {41, 49}, {41, 51}, {41, 53}, {41, 56}, {41, 58}, {41, 60}, {41, 62}, {41, 66}, {41, 67}, {41, 70}, {41, 72}, {41, 73}, {41, 74}, {41, 75}, {41, 76}, {41, 78}};
  int fd[3] = {u, s, x}; for (int k = 0; k < 3; k++) for (unsigned i = 0; i < sizeof o / sizeof *o; i++) { int q = -7; socklen_t l = 4; int r = getsockopt(fd[k], o[i].level, o[i].name, &q, &l), e = r < 0 ? errno : 0; if (o[i].level == 41 && o[i].name == 24) continue; printf("%d %d/%d: %d %d %d", k, o[i].level, o[i].name, e, q, l); for (int v = -1; v <= 2; v++) { r = setsockopt(fd[k], o[i].level, o[i].name, &v, 4); printf(" %d", r < 0 ? errno : 0); } q = -7; l = 4; getsockopt(fd[k], o[i].level, o[i].name, &q, &l); printf(" %d\n", q); if (o[i].level == 1 && o[i].name == 62) { int z = 0; setsockopt(fd[k], 1, 62, &z, 4); } if (o[i].level == 1 && o[i].name == 44) { close(fd[k]); fd[k] = k == 0 ? socket(AF_INET, SOCK_DGRAM, 0) : k == 1 ? socket(AF_INET, SOCK_STREAM, 0) : socket(AF_INET6, SOCK_DGRAM, 0); } }
}
int main(void) { setvbuf(stdout, 0, _IOLBF, 0); signal(SIGPIPE, SIG_IGN); T("unshare", unshare(CLONE_NEWNET)); down(); up("lo"); kinds(); raw(); ping(); packet(); errors(); udplite(); multicast(); options(); return 0; }
