// flags: -static
// timeout: 60
// uid_map, gid_map, projid_map, setgroups: what may be written, by whom, when; ids as other namespaces show them; files of ids that are not mapped.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
static const char *name(long r) { return r < 0 ? strerrorname_np(errno) : "ok"; }
static void shown(const char *s) { for (; *s; s++) if (*s == '\n') printf("\\n"); else if (*s < 32 || *s > 126) printf("\\%o", (unsigned char)*s); else putchar(*s); }
static int up[2], down[2];
static pid_t start(int uid) { // a process in a new user namespace, made by `uid`
  pipe(up); pipe(down); fflush(stdout); pid_t p = fork();
  if (p == 0) { char c; if (uid) { setgroups(0, 0); setresgid(uid, uid, uid); setresuid(uid, uid, uid); prctl(PR_SET_DUMPABLE, 1); } if (unshare(CLONE_NEWUSER)) _exit(1); write(up[1], "", 1); close(down[1]); read(down[0], &c, 1); _exit(0); }
  char c; read(up[0], &c, 1); close(down[0]); return p;
}
static void stop(pid_t p) { close(down[1]); close(up[0]); close(up[1]); waitpid(p, 0, 0); }
static int put(pid_t p, const char *file, const char *text, size_t n) { char b[64]; snprintf(b, 64, "/proc/%d/%s", p, file); int fd = open(b, O_WRONLY); if (fd < 0) { printf("open %s ", strerrorname_np(errno)); return -1; } int r = write(fd, text, n); int e = errno; close(fd); errno = e; return r; }
static void get(pid_t p, const char *file) { char b[64], t[4096]; snprintf(b, 64, "/proc/%d/%s", p, file); int fd = open(b, O_RDONLY); int n = read(fd, t, 4095); close(fd); if (n < 0) { printf(" %s", strerrorname_np(errno)); return; } t[n] = 0; printf(" ["); for (char *s = t; *s; s++) if (*s == '\n') printf("/"); else if (*s != ' ' || (s > t && s[-1] != ' ' && s[-1] != '\n')) putchar(*s); printf("]"); }
static const char *const texts[] = {
  "0 0 1", "0 0 1\n", "0 0 1\n\n", "\n0 0 1", "  0\t0\v1 \f\r", "0 0", "0 0 1 x", "0 0 1 1", "", "\n", " ", "0 0 0", "0 0 4294967295", "0 0 4294967296", "0 0 4294967297", "0 1 4294967294", "1 0 4294967295", "4294967295 0 1", "0 4294967295 1",
  "4294967294 0 1", "4294967294 0 2", "0 4294967294 1", "0 4294967294 2", "-1 0 1", "+0 0 1", "0x0 0 1", "00 00 01", "08 0 1", "0 0 1\n1 1 1", "0 0 2\n1 5 1", "0 0 2\n5 1 1", "0 0 10\n20 100 10\n5 50 1", "0 1000 1\n1 0 1", "10 1000 5\n0 2000 3\n30 3000 1",
  "0 0 1\n\n1 1 1", "0 0 1\r\n1 1 1\r\n", "0\n0 1", "99999999999999999999 0 1", "18446744073709551616 0 1", "0 0 1\0junk", "0 0 18446744073709551615", "0,0,1", "a b c", "0 0 1 ", "0 0 1\xa0", "\xa0 0 0 1", "0 0 1\x0b",
};
static void grammar(void) {
  for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) { pid_t p = start(0); size_t n = i == 39 ? 10 : strlen(texts[i]); long r = put(p, "uid_map", texts[i], n); printf("text %u \"", i); shown(texts[i]); printf("\": %ld %s", r, name(r)); get(p, "uid_map"); printf("\n"); stop(p); }
  char *many = malloc(400000); for (int lines = 338; lines < 344; lines++) { int n = 0; for (int i = 0; i < lines; i++) n += sprintf(many + n, "%d %d 1\n", i, i); pid_t p = start(0); long r = put(p, "uid_map", many, n); printf("%d lines of %d bytes: %s\n", lines, n > 4095, name(r)); stop(p); }
  for (int lines = 4; lines < 8; lines++) { int n = 0; for (int i = 0; i < lines; i++) n += sprintf(many + n, "%d %d 1\n", 100 - i * 3, 500 + i); pid_t p = start(0); put(p, "uid_map", many, n); printf("order of %d:", lines); get(p, "uid_map"); printf("\n"); stop(p); }
  int sizes[] = {4094, 4095, 4096, 5000}; for (int i = 0; i < 4; i++) { memset(many, ' ', sizes[i]); memcpy(many, "0 0 1", 5); pid_t p = start(0); long r = put(p, "gid_map", many, sizes[i]); printf("%d bytes: %s\n", sizes[i], name(r)); stop(p); }
}
static void rules(void) {
  pid_t p = start(0); char b[64]; snprintf(b, 64, "/proc/%d/uid_map", p); int fd = open(b, O_RDWR); long r = pwrite(fd, "0 0 1", 5, 1); printf("write at 1: %s\n", name(r)); r = write(fd, "0 0", 3); printf("bad first: %s\n", name(r)); r = write(fd, "0 0 1", 5); printf("good then: %s\n", name(r)); r = write(fd, "0 0 1", 5); printf("again: %s\n", name(r)); r = pwrite(fd, "0 0 1", 5, 0); printf("again at 0: %s\n", name(r)); close(fd); stop(p);
  r = put(getpid(), "uid_map", "0 0 1", 5); printf("initial namespace: %s\n", name(r)); r = put(getpid(), "setgroups", "deny", 4); printf("initial setgroups: %s\n", name(r)); printf("initial:"); get(getpid(), "uid_map"); get(getpid(), "gid_map"); get(getpid(), "projid_map"); get(getpid(), "setgroups"); printf("\n");
  static const char *const words[] = {"deny", "allow", "deny\n", "allow\n", "deny ", "deny  \n\n", "denyx", "den", "", "DENY", "allow\0x", "deny\0", "allow  \n ", "deny    ", "deny   "};
  for (unsigned i = 0; i < sizeof words / sizeof *words; i++) { p = start(0); size_t n = i == 10 ? 7 : i == 11 ? 5 : strlen(words[i]); r = put(p, "setgroups", words[i], n); printf("setgroups %u: %ld %s", i, r, name(r)); get(p, "setgroups"); r = put(p, "setgroups", "allow", 5); printf(" then allow %s", name(r)); r = put(p, "gid_map", "0 0 1", 5); printf(" map %s", name(r)); r = put(p, "setgroups", "deny", 4); printf(" then deny %s\n", name(r)); stop(p); }
}
// Writers: root outside, another user, the maker outside, a process inside.
static long as(int uid, pid_t p, const char *file, const char *text) { fflush(stdout); int st; pid_t q = fork(); if (q == 0) { setgroups(0, 0); setresgid(uid, uid, uid); setresuid(uid, uid, uid); long r = put(p, file, text, strlen(text)); _exit(r < 0 ? errno : 0); } waitpid(q, &st, 0); errno = WEXITSTATUS(st); return errno ? -1 : 0; }
static void writers(void) {
  static const char *const maps[] = {"0 1000 1", "0 1001 1", "0 1000 2", "1000 1000 1", "0 0 1", "5 1000 1\n6 1001 1"};
  for (int m = 0; m < 6; m++) for (int f = 0; f < 3; f++) {
    static const char *const file[] = {"uid_map", "gid_map", "projid_map"};
    for (int who = 0; who < 3; who++) { int uid[] = {0, 1000, 1001}; pid_t p = start(1000); if (who == 1 && m & 1) as(1000, p, "setgroups", "deny"); long r = as(uid[who], p, file[f], maps[m]); printf("map %d %s by %d: %s\n", m, file[f], uid[who], name(r)); stop(p); }
  }
  for (int m = 0; m < 6; m++) for (int deny = 0; deny < 2; deny++) {
    fflush(stdout); pid_t q = fork();
    if (q == 0) { setgroups(0, 0); setresgid(1000, 1000, 1000); setresuid(1000, 1000, 1000); prctl(PR_SET_DUMPABLE, 1); unshare(CLONE_NEWUSER); if (deny) { long r = put(getpid(), "setgroups", "deny", 4); printf("deny: %s, ", name(r)); } long r = put(getpid(), "uid_map", maps[m], strlen(maps[m])); printf("inside %d %d: uid %s", m, deny, name(r)); r = put(getpid(), "gid_map", maps[m], strlen(maps[m])); printf(" gid %s", name(r)); r = setgroups(0, 0); printf(" setgroups %s ids %d %d\n", name(r), getuid(), getgid()); fflush(stdout); _exit(0); }
    waitpid(q, 0, 0);
  }
  // The opener's rights count, and the writer's.
  pid_t p = start(1000); char b[64]; snprintf(b, 64, "/proc/%d/uid_map", p); int by_root = open(b, O_WRONLY); fflush(stdout); pid_t q = fork(); if (q == 0) { setresuid(1000, 1000, 1000); long r = write(by_root, "0 500 1", 7); printf("opened by root, written by 1000: %s\n", name(r)); fflush(stdout); _exit(0); } waitpid(q, 0, 0); close(by_root);
  seteuid(1000); int by_user = open(b, O_WRONLY); seteuid(0); long r = write(by_user, "0 500 1", 7); printf("opened by 1000, written by root: %s\n", name(r)); r = write(by_user, "0 1000 1", 8); printf("its own id: %s\n", name(r)); close(by_user); stop(p);
  // Without CAP_SETFCAP the maker's root is not for the child to map.
  fflush(stdout); q = fork(); if (q == 0) { struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0}; struct __user_cap_data_struct d[2]; syscall(SYS_capget, &h, d); d[0].effective &= ~(1u << CAP_SETFCAP); d[0].permitted &= ~(1u << CAP_SETFCAP); syscall(SYS_capset, &h, d); unshare(CLONE_NEWUSER); long r = put(getpid(), "uid_map", "0 0 1", 5); printf("root without CAP_SETFCAP: %s\n", name(r)); r = put(getpid(), "uid_map", "0 5 1", 5); printf("another id: %s\n", name(r)); fflush(stdout); _exit(0); } waitpid(q, 0, 0);
}
// Nested: each level through the one above.
static void nested(void) {
  fflush(stdout); pid_t q = fork();
  if (q == 0) {
    pid_t outer = getpid(); (void)outer; int w[2], a[2]; pipe(w); pipe(a); pid_t h = fork(); if (h == 0) { char c; read(w[0], &c, 1); put(getppid(), "uid_map", "0 100000 1000", 13); put(getppid(), "gid_map", "0 200000 1000", 13); write(a[1], "", 1); _exit(0); }
    unshare(CLONE_NEWUSER); char c; write(w[1], "", 1); read(a[0], &c, 1); setresgid(0, 0, 0); setresuid(0, 0, 0); printf("outer:"); get(getpid(), "uid_map"); get(getpid(), "gid_map"); printf(" id %d\n", getuid());
    pid_t inner = start(0); long r = put(inner, "uid_map", "7 10 5\n0 0 1\n500 990 10", 23); printf("inner: %s", name(r)); get(inner, "uid_map"); r = put(inner, "gid_map", "0 995 10", 8); printf(" beyond: %s\n", name(r)); stop(inner);
    chown("f", 10, 11); struct stat s; stat("f", &s); printf("a file of ids outside: %d %d\n", s.st_uid, s.st_gid); r = chown("f", 0, 0); printf("chown: %s\n", name(r)); r = chmod("f", 0777); printf("chmod: %s\n", name(r)); int fd = open("f", O_RDWR); printf("open: %s\n", name(fd)); r = access("f", W_OK); printf("access: %s\n", name(r)); fd = open("g", O_CREAT | O_RDWR, 0600); printf("create: %s\n", name(fd));
    r = setuid(999); printf("setuid 999: %s", name(r)); r = setuid(1000); printf(" 1000: %s", name(r)); printf(" fs %d %d\n", setfsuid(2000), setfsuid(-1)); fflush(stdout); _exit(0);
  }
  waitpid(q, 0, 0); struct stat s; if (!stat("g", &s)) printf("created by: %d %d\n", s.st_uid, s.st_gid); else printf("not created\n");
}
// Ids of a sender as another namespace sees them: SCM_CREDENTIALS, SO_PEERCRED, siginfo, status, /proc ownership.
static void across(void) {
  int sv[2]; socketpair(AF_UNIX, SOCK_DGRAM, 0, sv); int on = 1; setsockopt(sv[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on); setsockopt(sv[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on); sigset_t m; sigemptyset(&m); sigaddset(&m, SIGUSR1); sigprocmask(SIG_BLOCK, &m, 0); fflush(stdout); pid_t parent = getpid();
  pid_t q = fork();
  if (q == 0) {
    setgroups(0, 0); setresgid(1000, 1000, 1000); setresuid(1000, 1000, 1000); prctl(PR_SET_DUMPABLE, 1); unshare(CLONE_NEWUSER); put(getpid(), "setgroups", "deny", 4); put(getpid(), "uid_map", "77 1000 1", 9); put(getpid(), "gid_map", "88 1000 1", 9);
    write(sv[1], "x", 1); struct ucred u = {getpid(), 77, 88}; char cb[CMSG_SPACE(sizeof u)]; struct iovec v = {"y", 1}; struct msghdr h = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = cb, .msg_controllen = sizeof cb}; struct cmsghdr *c = CMSG_FIRSTHDR(&h); c->cmsg_level = SOL_SOCKET; c->cmsg_type = SCM_CREDENTIALS; c->cmsg_len = CMSG_LEN(sizeof u);
    memcpy(CMSG_DATA(c), &u, sizeof u); long r = sendmsg(sv[1], &h, 0); printf("own ids: %s\n", name(r)); u.uid = 1000; memcpy(CMSG_DATA(c), &u, sizeof u); r = sendmsg(sv[1], &h, 0); printf("ids not mapped: %s\n", name(r)); u.uid = 78; memcpy(CMSG_DATA(c), &u, sizeof u); r = sendmsg(sv[1], &h, 0); printf("another id: %s\n", name(r));
    siginfo_t si; sigwaitinfo(&m, &si); printf("signal from outside: uid %d\n", si.si_uid); r = kill(parent, 0); printf("kill: %s\n", name(r)); struct stat s; stat("/proc/1", &s); printf("owner of another: %d %d\n", s.st_uid, s.st_gid); stat("/proc/self", &s); printf("own: %d %d\n", s.st_uid, s.st_gid); printf("getuid %d %d\n", getuid(), getgid());
    char cb2[128]; char d; v.iov_base = &d; h.msg_control = cb2; h.msg_controllen = sizeof cb2; recvmsg(sv[1], &h, 0); memcpy(&u, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof u); printf("credentials from outside: %d %d %d\n", u.pid == parent, u.uid, u.gid); fflush(stdout); _exit(0);
  }
  for (int i = 0; i < 2; i++) { char d, cb[128]; struct iovec v = {&d, 1}; struct msghdr h = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = cb, .msg_controllen = sizeof cb}; recvmsg(sv[0], &h, 0); struct ucred u; memcpy(&u, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof u); printf("seen outside %c: %d %d %d\n", d, u.pid == q, u.uid, u.gid); }
  struct stat s; char b[64]; snprintf(b, 64, "/proc/%d", q); stat(b, &s); printf("its directory: %d %d\n", s.st_uid, s.st_gid); fflush(stdout); write(sv[0], "z", 1); usleep(50000); kill(q, SIGUSR1); waitpid(q, 0, 0);
}
int main(void) { umask(0); close(open("f", O_CREAT | O_RDWR, 0666)); chmod(".", 0777); setvbuf(stdout, 0, _IOFBF, 1 << 16); grammar(); rules(); writers(); nested(); across(); return 0; }
