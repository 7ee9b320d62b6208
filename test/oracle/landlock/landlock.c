// Landlock: rule sets, the order of checks, and what a restricted task may still do.
#include "../memory/check.h"
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <sys/mount.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#define S(n, ...) do { errno = 0; long r_ = syscall(n, ##__VA_ARGS__); report(#n " " #__VA_ARGS__, r_, errno); } while (0)
struct attr { uint64_t fs, net, scoped; };
struct path { uint64_t allowed; int fd; } __attribute__((packed));
struct port { uint64_t allowed, port; };
static int make(uint64_t fs, uint64_t net, uint64_t scoped) { struct attr a = {fs, net, scoped}; return syscall(SYS_landlock_create_ruleset, &a, sizeof a, 0); }
static long add(int rs, const char *p, uint64_t allowed) { struct path b = {allowed, open(p, O_PATH | O_CLOEXEC)}; long r = syscall(SYS_landlock_add_rule, rs, 1, &b, 0); int e = errno; close(b.fd); errno = e; return r; }
static long restrict_self(int rs) { prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); return syscall(SYS_landlock_restrict_self, rs, 0); }
#define CHILD(...) do { fflush(stdout); pid_t c_ = fork(); if (c_ == 0) { __VA_ARGS__; fflush(stdout); _exit(0); } int st_; waitpid(c_, &st_, 0); if (!WIFEXITED(st_)) printf("child signal %d\n", WTERMSIG(st_)); check_no += 100; } while (0)
int main(void) {
  struct attr a = {1, 0, 0};
  S(SYS_landlock_create_ruleset, 0L, 0, 1); S(SYS_landlock_create_ruleset, 0L, 0, 2); S(SYS_landlock_create_ruleset, 0L, 0, 4); S(SYS_landlock_create_ruleset, &a, 0, 1); S(SYS_landlock_create_ruleset, 0L, 8, 1); S(SYS_landlock_create_ruleset, 0L, 0, 0);
  S(SYS_landlock_create_ruleset, &a, 0, 0); S(SYS_landlock_create_ruleset, &a, 7, 0); S(SYS_landlock_create_ruleset, 1L, 8, 0); S(SYS_landlock_create_ruleset, &a, 5000, 0);
  char big[64] = {1}; S(SYS_landlock_create_ruleset, big, 64, 0); big[40] = 1; S(SYS_landlock_create_ruleset, big, 64, 0); a.fs = 0; S(SYS_landlock_create_ruleset, &a, 8, 0); S(SYS_landlock_create_ruleset, &a, 24, 0); a.fs = 1ul << 16; S(SYS_landlock_create_ruleset, &a, 8, 0); a.fs = 1; a.net = 4; S(SYS_landlock_create_ruleset, &a, 24, 0); a.net = 0; a.scoped = 4; S(SYS_landlock_create_ruleset, &a, 24, 0); a.scoped = 0;
  int rs = make(0xffff, 3, 0); printf("ruleset %d\n", rs >= 0); char l[99], p[40]; sprintf(p, "/proc/self/fd/%d", rs); int n = readlink(p, l, 98); l[n] = 0; printf("link %s\n", l); R(fcntl(rs, F_GETFD)); R(fcntl(rs, F_GETFL)); R(read(rs, l, 1)); R(write(rs, l, 1)); R(lseek(rs, 0, 0));
  int tmp = open("/tmp", O_PATH), file = open("/dev/null", O_RDWR); struct path b = {4, tmp}; struct port q = {1, 80};
  S(SYS_landlock_add_rule, rs, 1, &b, 1); S(SYS_landlock_add_rule, 99, 1, &b, 0); S(SYS_landlock_add_rule, file, 1, &b, 0); S(SYS_landlock_add_rule, rs, 3, &b, 0); S(SYS_landlock_add_rule, rs, 0, &b, 0); S(SYS_landlock_add_rule, rs, 1, 1L, 0); S(SYS_landlock_add_rule, 99, 3, 1L, 1);
  b.allowed = 0; S(SYS_landlock_add_rule, rs, 1, &b, 0); b.allowed = 1ul << 17; S(SYS_landlock_add_rule, rs, 1, &b, 0); b.allowed = 4; b.fd = 99; S(SYS_landlock_add_rule, rs, 1, &b, 0); b.fd = rs; S(SYS_landlock_add_rule, rs, 1, &b, 0); int pp[2]; pipe(pp); b.fd = pp[0]; S(SYS_landlock_add_rule, rs, 1, &b, 0); b.fd = file; b.allowed = 8; S(SYS_landlock_add_rule, rs, 1, &b, 0); b.allowed = 4; S(SYS_landlock_add_rule, rs, 1, &b, 0);
  S(SYS_landlock_add_rule, rs, 2, &q, 0); q.port = 65536; S(SYS_landlock_add_rule, rs, 2, &q, 0); q.port = 1; q.allowed = 0; S(SYS_landlock_add_rule, rs, 2, &q, 0); q.allowed = 8; S(SYS_landlock_add_rule, rs, 2, &q, 0);
  CHILD(syscall(SYS_setuid, 1000); S(SYS_landlock_restrict_self, rs, 0); S(SYS_landlock_restrict_self, rs, 8); S(SYS_landlock_restrict_self, 99, 0); prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); S(SYS_landlock_restrict_self, rs, 1ul << 3); S(SYS_landlock_restrict_self, 99, 0); S(SYS_landlock_restrict_self, -1, 0); S(SYS_landlock_restrict_self, -1, 2); S(SYS_landlock_restrict_self, file, 0); S(SYS_landlock_restrict_self, rs, 0));
  mkdir("/tmp/ll", 0700); mkdir("/tmp/ll/a", 0700); mkdir("/tmp/ll/b", 0700); close(open("/tmp/ll/a/f", O_CREAT | O_RDWR, 0700)); close(open("/tmp/ll/b/f", O_CREAT | O_RDWR, 0600)); symlink("/tmp/ll/b/f", "/tmp/ll/a/s");
  int before = open("/tmp/ll/b/f", O_RDWR); 
  CHILD(int r = make(0xffff, 0, 0); R(add(r, "/tmp/ll/a", 0xffff & ~(1 << 13))); R(restrict_self(r));
    R(open("/tmp/ll/a/f", O_RDWR)); R(open("/tmp/ll/b/f", O_RDONLY)); R(open("/tmp/ll/b/f", O_PATH)); R(open("/tmp/ll/a/s", O_RDONLY)); R(open("/tmp/ll/b", O_RDONLY | O_DIRECTORY)); R(open("/tmp/ll/a", O_RDONLY | O_DIRECTORY)); R(open("/tmp/ll/a/new", O_CREAT | O_RDWR, 0600)); R(open("/tmp/ll/b/new", O_CREAT | O_RDWR, 0600)); R(open("/tmp/ll/b/f", O_CREAT | O_RDWR, 0600)); R(open("/tmp/ll/b", O_TMPFILE | O_RDWR, 0600)); R(open("/tmp/ll/a", O_TMPFILE | O_RDWR, 0600) > 0);
    R(mkdir("/tmp/ll/b/d", 0700)); R(mkdir("/tmp/ll/a/d", 0700)); R(rmdir("/tmp/ll/a/d")); R(unlink("/tmp/ll/b/f")); R(unlink("/tmp/ll/a/new")); R(mkfifo("/tmp/ll/b/p", 0600)); R(mkfifo("/tmp/ll/a/p", 0600)); R(unlink("/tmp/ll/a/p")); R(symlink("x", "/tmp/ll/b/y")); R(symlink("x", "/tmp/ll/a/y")); R(unlink("/tmp/ll/a/y"));
    R(rename("/tmp/ll/a/f", "/tmp/ll/a/g")); R(rename("/tmp/ll/a/g", "/tmp/ll/a/f")); R(rename("/tmp/ll/a/f", "/tmp/ll/b/g")); R(rename("/tmp/ll/b/f", "/tmp/ll/b/g")); R(link("/tmp/ll/a/f", "/tmp/ll/a/l")); R(unlink("/tmp/ll/a/l")); R(link("/tmp/ll/b/f", "/tmp/ll/a/l")); R(link("/tmp/ll/a/f", "/tmp/ll/b/l"));
    R(truncate("/tmp/ll/a/f", 5)); R(truncate("/tmp/ll/b/f", 5)); R(ftruncate(before, 5)); R(write(before, "x", 1)); R(chdir("/tmp/ll/b")); R(access("/tmp/ll/b/f", R_OK)); struct stat st; R(stat("/tmp/ll/b/f", &st)); R(chmod("/tmp/ll/b/f", 0600)); R(getxattr("/tmp/ll/b/f", "user.x", l, 9));
    execl("/bin/true", "true", NULL); report("exec", -1, errno); R(mount("none", "/mnt", "tmpfs", 0, 0)); R(umount("/mnt")); R(chroot("/tmp")); R(open("/proc/self/status", O_RDONLY)); R(open(p, O_RDONLY)); R(open("/dev/null", O_RDWR)));
  CHILD(int r = make(1 << 13 | 1 << 14 | 1 << 2 | 1 << 1, 0, 0); R(add(r, "/tmp/ll/a", 1 << 13)); R(add(r, "/tmp/ll/b", 1 << 13 | 1 << 2 | 1 << 1)); R(restrict_self(r)); R(rename("/tmp/ll/a/f", "/tmp/ll/b/g")); R(rename("/tmp/ll/b/g", "/tmp/ll/a/f")); R(rename("/tmp/ll/b/f", "/tmp/ll/a/g")); R(open("/tmp/ll/b/f", O_RDWR | O_TRUNC)); R(open("/tmp/ll/b/f", O_RDONLY)); R(open("/tmp/ll/a/f", O_RDONLY)); R(open("/tmp/ll/a/f", O_WRONLY)); int fd = open("/tmp/ll/b/f", O_RDWR); R(ftruncate(fd, 1)); R(fallocate(fd, 0, 0, 10)));
  CHILD(int r = make(1 << 15, 0, 0); R(restrict_self(r)); int t = open("/dev/tty", O_RDWR); int z = open("/dev/null", O_RDWR); int k; R(ioctl(z, FIONREAD, &k)); R(ioctl(z, TCGETS, l)); R(ioctl(z, FIONBIO, (k = 0, &k))); R(ioctl(z, FIOCLEX)); R(ioctl(z, 0x1234, 0)); R(ioctl(pp[0], FIONREAD, &k)));
  CHILD(int r = make(1, 0, 0); R(add(r, "/usr", 1)); R(add(r, "/lib64", 1)); R(add(r, "/lib", 1)); R(restrict_self(r)); pid_t e = fork(); if (e == 0) { execl("/bin/true", "true", NULL); _exit(errno); } int st; waitpid(e, &st, 0); printf("exec allowed: %d\n", st); e = fork(); if (e == 0) { execl("/tmp/ll/a/f", "f", NULL); _exit(errno); } waitpid(e, &st, 0); printf("exec refused: %d\n", WEXITSTATUS(st)));
  CHILD(int r = make(0, 3, 0); struct port ok = {3, 12345}; syscall(SYS_landlock_add_rule, r, 2, &ok, 0); R(restrict_self(r)); int s = socket(AF_INET, SOCK_STREAM, 0), u = socket(AF_INET, SOCK_DGRAM, 0); struct sockaddr_in x = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(12346)}; R(bind(s, (void *)&x, sizeof x)); R(bind(u, (void *)&x, sizeof x)); R(connect(s, (void *)&x, sizeof x)); x.sin_port = htons(12345); R(bind(s, (void *)&x, sizeof x)); int s2 = socket(AF_INET, SOCK_STREAM, 0); R(connect(s2, (void *)&x, sizeof x)); R(connect(s2, (void *)&x, 1)); x.sin_family = AF_UNSPEC; R(connect(s2, (void *)&x, sizeof x)); x.sin_family = AF_INET; x.sin_port = 0; s2 = socket(AF_INET, SOCK_STREAM, 0); R(bind(s2, (void *)&x, sizeof x)); R(bind(s2, (void *)&x, 3)));
  // scopes
  int un = socket(AF_UNIX, SOCK_STREAM, 0); struct sockaddr_un ua = {.sun_family = AF_UNIX}; memcpy(ua.sun_path, "\0ll-test", 8); bind(un, (void *)&ua, 10); listen(un, 5); pid_t me = getpid();
  CHILD(R(kill(me, 0)); int r = make(0, 0, 3); R(restrict_self(r)); R(kill(me, 0)); R(kill(me, SIGCHLD)); R(kill(getpid(), 0)); int s = socket(AF_UNIX, SOCK_STREAM, 0); R(connect(s, (void *)&ua, 10)); pid_t g = fork(); if (g == 0) { pause(); _exit(0); } R(kill(g, SIGTERM)); int st; waitpid(g, &st, 0); R(st); int d = socket(AF_UNIX, SOCK_DGRAM, 0); R(sendto(d, "x", 1, 0, (void *)&ua, 10)); ua.sun_path[1] = 'm'; int o = socket(AF_UNIX, SOCK_STREAM, 0); R(bind(o, (void *)&ua, 10)); R(listen(o, 1)); R(connect(s, (void *)&ua, 10)); R(syscall(SYS_ptrace, 16, me, 0, 0)));
  CHILD(int r = make(1, 0, 0); for (int i = 0; i < 20; i++) if (restrict_self(r)) { printf("layers %d %s\n", i, strerrorname_np(errno)); break; });
  unlink("/tmp/ll/a/f"); unlink("/tmp/ll/a/s"); unlink("/tmp/ll/a/g"); unlink("/tmp/ll/b/f"); unlink("/tmp/ll/b/g"); unlink("/tmp/ll/b/new"); rmdir("/tmp/ll/a"); rmdir("/tmp/ll/b"); R(rmdir("/tmp/ll"));
  return 0;
}
