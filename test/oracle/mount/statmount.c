// statmount(2) and listmount(2): every field, sizes, errors, order, other namespaces.
#include "mnt.h"
struct req { uint32_t size, fd; uint64_t id, param, ns; };
struct sm { uint32_t size, mnt_opts; uint64_t mask; uint32_t major, minor; uint64_t magic; uint32_t sb_flags, fs_type; uint64_t id, parent; uint32_t old, oldparent; uint64_t attr, prop, peer, master, from; uint32_t root, point; uint64_t ns; uint32_t subtype, source, optn, opta, secn, seca; uint64_t supported; uint32_t un, u, gn, g; uint64_t spare[43]; char str[4096]; };
static int statmount_(struct req *r, void *b, size_t n, unsigned f) { return syscall(457, r, b, n, f); }
static long listmount_(struct req *r, uint64_t *b, size_t n, unsigned f) { return syscall(458, r, b, n, f); }
static uint64_t uid(const char *p) { struct { uint32_t mask, bs; uint64_t attr; uint32_t nlink, uid, gid; uint16_t mode, p; uint64_t ino, size, blocks, am; char times[64]; uint32_t dev[4]; uint64_t mnt; uint64_t more[20]; } x; memset(&x, 0, sizeof x); if (syscall(SYS_statx, AT_FDCWD, p, 0, 0x4000, &x)) return 0; return x.mnt; }
static uint64_t ids[64]; static int nids;
static int num(uint64_t v) { if (!v) return 0; for (int i = 0; i < nids; i++) if (ids[i] == v) return i + 1; ids[nids++] = v; return nids; }
static int nums(uint64_t v) { return v ? num(v + (1ull << 50)) : 0; }
static void strs(const char *name, struct sm *s, uint32_t off, int n) { printf(" %s=", name); const char *p = s->str + off; for (int i = 0; i < n; i++) { printf("'%s'", p); p += strlen(p) + 1; } }
static void full(const char *label, const char *path, uint64_t mask) {
  static struct sm s; memset(&s, 0x55, sizeof s); struct req r = { 32, 0, uid(path), mask, 0 };
  errno = 0; int rc = statmount_(&r, &s, sizeof s, 0); printf("%s: %s", label, err(rc)); if (rc) { printf("\n"); return; }
  printf(" size %u mask %lx", s.size, s.mask);
  if (s.mask & 1) printf(" sb dev %d magic %lx flags %x", s.major == major(0), s.magic, s.sb_flags);
  if (s.mask & 2) printf(" id %d parent %d attr %lx prop %lx peer %d master %d old %d", num(s.id), num(s.parent), s.attr, s.prop, nums(s.peer), nums(s.master), s.old != s.oldparent);
  if (s.mask & 4) printf(" from %d", nums(s.from));
  if (s.mask & 8) strs("root", &s, s.root, 1); if (s.mask & 16) { const char *p = s.str + s.point; printf(" point='%s'", strncmp(p, here, strlen(here)) ? p : p + strlen(here)); } if (s.mask & 32) strs("type", &s, s.fs_type, 1);
  if (s.mask & 64) printf(" ns %d", s.ns != 0); if (s.mask & 128) strs("opts", &s, s.mnt_opts, 1); if (s.mask & 256) strs("subtype", &s, s.subtype, 1); if (s.mask & 512) strs("source", &s, s.source, 1); if (s.mask & 1024) { printf(" %d", s.optn); strs("array", &s, s.opta, s.optn); } if (s.mask & 2048) printf(" %d sec", s.secn);
  if (s.mask & 4096) printf(" supported %lx", s.supported); if (s.mask & 8192) { printf(" %d", s.un); strs("uids", &s, s.u, s.un); } if (s.mask & 16384) { printf(" %d", s.gn); strs("gids", &s, s.g, s.gn); }
  printf("\n");
}
int main(void) {
  begin(); mkdir("a", 0755); mkdir("b", 0755); mkdir("c c", 0755); struct sm s; uint64_t l[64];
  mount("src a", "a", "tmpfs", MS_NOSUID | MS_NODIRATIME, "size=1m,mode=711"); mkdir("a/sub", 0755); mount("in", "a/sub", "tmpfs", MS_RDONLY, 0); mkdir("a/d", 0755); mount("a/d", "c c", 0, MS_BIND, 0);
  full("a", "a", 0x7fff); full("sub", "a/sub", 0x7fff); full("bind", "c c", 0x7fff); full("root", "/", 2); full("nothing", "a", 0); full("unknown bits", "a", 1ull << 60); full("proc", "/proc", 0x20 | 0x10 | 8 | 512 | 1);
  for (int i = 0; i < 15; i++) { char t[32]; snprintf(t, 32, "bit %d", i); full(t, "a", 1ull << i); }
  mount(0, "a", 0, MS_SHARED, 0); mount("a", "b", 0, MS_BIND, 0); full("shared", "b", 2); mount(0, "b", 0, MS_SLAVE, 0); full("slave", "b", 6); mount(0, "b", 0, MS_SHARED, 0); full("slave and shared", "b", 6); mount(0, "c c", 0, MS_UNBINDABLE, 0); full("unbindable", "c c", 2);
  struct req r = { 32, 0, uid("a"), 0x3, 0 };
  R("flags", statmount_(&r, &s, sizeof s, 1)); r.size = 23; R("small request", statmount_(&r, &s, sizeof s, 0)); r.size = 5000; R("huge request", statmount_(&r, &s, sizeof s, 0)); r.size = 24; R("old request", statmount_(&r, &s, sizeof s, 0)); r.size = 32; R("null request", statmount_(0, &s, sizeof s, 0)); R("null buffer", statmount_(&r, 0, 512, 0)); r.id = 5; R("low id", statmount_(&r, &s, sizeof s, 0)); r.id = 1ull << 60; R("no id", statmount_(&r, &s, sizeof s, 0)); r.id = uid("a");
  for (int n = 0; n < 3; n++) { static const int sz[] = { 0, 16, 200 }; memset(&s, 0, sizeof s); int rc = statmount_(&r, &s, sz[n], 0); printf("short %d: %s %u %lx\n", sz[n], err(rc), s.size, s.mask); }
  r.param = 0x23; R("string without room", statmount_(&r, &s, 512, 0)); R("string short room", statmount_(&r, &s, 515, 0)); R("string shorter", statmount_(&r, &s, 100, 0)); R("string just", statmount_(&r, &s, 518, 0)); r.ns = 1; r.fd = 1; R("fd and ns", statmount_(&r, &s, sizeof s, 0)); r.fd = 0; r.ns = 1ull << 50; R("no ns", statmount_(&r, &s, sizeof s, 0)); r.ns = 0; r.fd = 999; R("closed fd", statmount_(&r, &s, sizeof s, 0)); int nf = open("/proc/self/ns/net", O_RDONLY); r.fd = nf; R("not mnt", statmount_(&r, &s, sizeof s, 0)); int mf = open("/proc/self/ns/mnt", O_RDONLY); r.fd = mf; R("own fd", statmount_(&r, &s, sizeof s, 0)); r.fd = 0;
  r.param = 64; statmount_(&r, &s, sizeof s, 0); uint64_t ns = s.ns, via = 0; ioctl(mf, 0x8008b705, &via); printf("ns id: %d\n", ns == via); r.ns = ns; R("own ns", statmount_(&r, &s, sizeof s, 0)); r.ns = 0;
  // listmount
  struct req q = { 32, 0, uid(here), 0, 0 }; memset(l, 0, sizeof l); long n = listmount_(&q, l, 64, 0); printf("list: %ld", n); for (int i = 0; i < n; i++) printf(" %d", l[i] == uid("a") ? 1 : l[i] == uid("a/sub") ? 2 : l[i] == uid("c c") ? 3 : l[i] == uid("b") ? 4 : 9); printf("\n");
  n = listmount_(&q, l, 64, 1); printf("reverse: %ld", n); for (int i = 0; i < n; i++) printf(" %d", l[i] == uid("a") ? 1 : l[i] == uid("a/sub") ? 2 : l[i] == uid("c c") ? 3 : l[i] == uid("b") ? 4 : 9); printf("\n");
  n = listmount_(&q, l, 2, 0); printf("two: %ld %d\n", n, l[1] == uid("a/sub")); q.param = l[1]; n = listmount_(&q, l, 9, 0); printf("rest: %ld %d\n", n, l[0] == uid("c c")); q.param = l[0]; n = listmount_(&q, l, 9, 1); printf("rest reverse: %ld %d\n", n, l[0] == uid("a/sub")); q.param = 7; R("low last", listmount_(&q, l, 9, 0)); q.param = 0;
  q.id = uid("a"); n = listmount_(&q, l, 64, 0); printf("of a: %ld\n", n); q.id = uid("a/sub"); printf("of leaf: %ld\n", listmount_(&q, l, 64, 0)); q.id = ~0ull; n = listmount_(&q, l, 64, 0); int first = n > 0 && l[0] < l[1]; int sorted = 1; for (int i = 1; i < n; i++) if (l[i] <= l[i - 1]) sorted = 0; printf("of root: sorted %d\n", sorted && first); R("flags list", listmount_(&q, l, 9, 2)); R("too many", listmount_(&q, l, 1000001, 0)); R("none", listmount_(&q, l, 0, 0)); R("null list", listmount_(&q, 0, 9, 0)); q.id = 3; R("low list", listmount_(&q, l, 9, 0)); q.id = 1ull << 55; R("no list", listmount_(&q, l, 9, 0)); q.id = ~0ull;
  // Seen from a chroot, from another namespace, without privileges.
  uint64_t ua = uid("a"), us = uid("a/sub"), ub = uid("b");
  CHILD({ chroot("a"); chdir("/"); r.id = ua; r.param = 0x12; R("chroot own root", statmount_(&r, &s, sizeof s, 0)); printf("its point: %s\n", s.mask & 16 ? s.str + s.point : "none"); r.id = us; statmount_(&r, &s, sizeof s, 0); printf("below: %s\n", s.str + s.point); r.id = ub; R("outside as root", statmount_(&r, &s, sizeof s, 0)); printf("outside mask: %lx\n", s.mask); q.id = ~0ull; printf("list in chroot: %ld\n", listmount_(&q, l, 64, 0)); setuid(1000); r.id = ub; R("outside as user", statmount_(&r, &s, sizeof s, 0)); r.id = us; R("below as user", statmount_(&r, &s, sizeof s, 0)); q.id = ub; R("list outside as user", listmount_(&q, l, 9, 0)); });
  CHILD({ unshare(CLONE_NEWNS); r.id = ua; R("old id in new ns", statmount_(&r, &s, sizeof s, 0)); r.ns = ns; R("old ns", statmount_(&r, &s, sizeof s, 0)); r.ns = 0; r.fd = mf; r.param = 0x1a; R("old ns fd", statmount_(&r, &s, sizeof s, 0)); printf("point there: %d\n", (s.mask & 16) != 0); q.ns = ns; q.id = ua; printf("list there: %ld\n", listmount_(&q, l, 64, 0)); q.fd = mf; q.ns = 0; printf("list by fd: %ld\n", listmount_(&q, l, 64, 0)); become_user_root(0); R("not mine", statmount_(&r, &s, sizeof s, 0)); q.fd = 0; q.ns = ns; R("list not mine", listmount_(&q, l, 64, 0)); });
}
