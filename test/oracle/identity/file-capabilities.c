// flags: -static
// timeout: 60
// Privileges that a program file gives: set-id bits, security.capability of both versions, ambient and inheritable sets, securebits, no_new_privs, a tracer, a shared root.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
static const char *name(long r) { return r < 0 ? strerrorname_np(errno) : "ok"; }
struct v2 { unsigned magic, p0, i0, p1, i1; }; struct v3 { struct v2 v; unsigned root; };
static long setcap(const char *f, unsigned magic, unsigned p, unsigned i, int size, unsigned root) { struct v3 v = {{magic, p, i, 0, 0}, root}; return setxattr(f, "security.capability", &v, size, 0); }
static void getcap_(const char *f) { unsigned v[8] = {0}; long r = getxattr(f, "security.capability", v, 32); printf("%ld %s", r, name(r)); if (r > 0) printf(" %x %x %x %x %x root %d", v[0], v[1], v[2], v[3], v[4], r == 24 ? (int)v[5] : -1); }
static long put(const char *f, const char *t) { int fd = open(f, O_WRONLY); if (fd < 0) return -1; long r = write(fd, t, strlen(t)); int e = errno; close(fd); errno = e; return r; }
static void state(const char *label) { // what the executed program sees of itself
  uid_t u, e, s; gid_t g, h, k; getresuid(&u, &e, &s); getresgid(&g, &h, &k); struct __user_cap_header_struct hd = {_LINUX_CAPABILITY_VERSION_3, 0}; struct __user_cap_data_struct d[2]; syscall(SYS_capget, &hd, d); unsigned amb = 0, bnd = 0; for (int i = 0; i < 32; i++) { amb |= (unsigned)(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) > 0) << i; bnd |= (unsigned)(prctl(PR_CAPBSET_READ, i) > 0) << i; }
  int sig = 0; prctl(PR_GET_PDEATHSIG, &sig); struct rlimit l; getrlimit(RLIMIT_STACK, &l); struct stat st; stat("/proc/self/status", &st);
  printf("%s: uid %d %d %d gid %d %d %d p %x e %x i %x a %x b %x secure %ld bits %x nnp %d dump %d death %d stack %lld owner %d persona %x\n", label, u, e, s, g, h, k, d[0].permitted, d[0].effective, d[0].inheritable, amb, bnd, getauxval(AT_SECURE), prctl(PR_GET_SECUREBITS), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_DUMPABLE), sig, (long long)l.rlim_cur, st.st_uid, personality(0xffffffff)); fflush(stdout);
}
static void run(const char *file, const char *label) { fflush(stdout); char *v[] = {"show", (char *)label, 0}; execv(file, v); printf("%s: exec %s\n", label, strerrorname_np(errno)); fflush(stdout); _exit(1); }
static void user(int uid) { setgroups(0, 0); setresgid(uid, uid, uid); setresuid(uid, uid, uid); prctl(PR_SET_DUMPABLE, 1); }
static void keep(unsigned caps, int uid) { prctl(PR_SET_KEEPCAPS, 1); user(uid); struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0}; struct __user_cap_data_struct d[2] = {{caps, caps, caps}, {0, 0, 0}}; syscall(SYS_capset, &h, d); }
static void ambient(unsigned caps) { for (int i = 0; i < 32; i++) if (caps >> i & 1) prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0); }
#define IN(...) do { fflush(stdout); pid_t p_ = fork(); if (!p_) { __VA_ARGS__; fflush(stdout); _exit(0); } waitpid(p_, 0, 0); } while (0)
#define RAW (1u << CAP_NET_RAW)
#define ADM (1u << CAP_SYS_ADMIN)
#define SUID_ (1u << CAP_SETUID)
static int same_root(void *a) { sleep(1); return 0; }
static void files(void) { // the same file with other bits and attributes
  static const struct { const char *label; int mode, uid, gid, caps; unsigned magic, p, i; } f[] = {
    {"plain", 0755, 0, 0, 0}, {"setuid root", 04755, 0, 0, 0}, {"setuid 1001", 04755, 1001, 0, 0}, {"setgid 1001", 02755, 0, 1001, 0}, {"setgid without x", 02745, 0, 1001, 0}, {"both", 06755, 1001, 1001, 0}, {"caps ep", 0755, 0, 0, 1, 0x2000001, RAW, 0}, {"caps p", 0755, 0, 0, 1, 0x2000000, RAW, 0}, {"caps i", 0755, 0, 0, 1, 0x2000000, 0, RAW},
    {"caps ei", 0755, 0, 0, 1, 0x2000001, 0, RAW}, {"caps none", 0755, 0, 0, 1, 0x2000000, 0, 0}, {"caps e", 0755, 0, 0, 1, 0x2000001, 0, 0}, {"caps and setuid", 04755, 0, 0, 1, 0x2000001, RAW, 0}, {"caps and setuid 1001", 04755, 1001, 0, 1, 0x2000001, RAW | ADM, 0}, {"no read", 0711, 0, 0, 0}, {"caps, no read", 0711, 0, 0, 1, 0x2000001, RAW, 0},
  };
  for (unsigned i = 0; i < sizeof f / sizeof *f; i++) {
    removexattr("show", "security.capability"); chown("show", f[i].uid, f[i].gid); chmod("show", f[i].mode); if (f[i].caps && setcap("show", f[i].magic, f[i].p, f[i].i, 20, 0)) printf("setcap: %s\n", strerrorname_np(errno));
    char l[64];
    #define RUN(how, ...) snprintf(l, 64, "%s, %s", f[i].label, how); IN(__VA_ARGS__; run("./show", l))
    RUN("root", ); RUN("user", user(1000)); RUN("owner", user(1001)); RUN("user, nnp", user(1000); prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); RUN("user, death signal", user(1000); prctl(PR_SET_PDEATHSIG, SIGUSR1); struct rlimit r = {RLIM_INFINITY, RLIM_INFINITY}; setrlimit(RLIMIT_STACK, &r); personality(0x0440000));
    RUN("inheritable", keep(RAW | ADM, 1000)); RUN("ambient", keep(RAW, 1000); ambient(RAW)); RUN("bounded", prctl(PR_CAPBSET_DROP, CAP_NET_RAW); user(1000)); RUN("noroot", prctl(PR_SET_SECUREBITS, SECBIT_NOROOT)); RUN("noroot, user", prctl(PR_SET_SECUREBITS, SECBIT_NOROOT); user(1000)); RUN("real root", setresuid(0, 1000, 1000)); RUN("effective root", setresuid(1000, 0, 0));
    RUN("user namespace", user(1000); unshare(CLONE_NEWUSER)); RUN("mapped namespace", user(1000); unshare(CLONE_NEWUSER); put("/proc/self/setgroups", "deny"); put("/proc/self/uid_map", "0 1000 1"); put("/proc/self/gid_map", "0 1000 1"));
    RUN("traced by itself", user(1000); fflush(stdout); pid_t t = fork(); if (t) { int s; while (waitpid(t, &s, 0) == t && WIFSTOPPED(s)) ptrace(PTRACE_CONT, t, 0, WSTOPSIG(s) == SIGTRAP ? 0 : WSTOPSIG(s)); _exit(0); } ptrace(PTRACE_TRACEME, 0, 0, 0));
    RUN("traced by root", int pp[2]; pipe(pp); fflush(stdout); pid_t t = fork(); if (t) { int s; ptrace(PTRACE_SEIZE, t, 0, 0); write(pp[1], "", 1); while (waitpid(t, &s, 0) == t && WIFSTOPPED(s)) ptrace(PTRACE_CONT, t, 0, 0); _exit(0); } char c; read(pp[0], &c, 1); user(1000));
    RUN("shared root", user(1000); static char stack[65536] __attribute__((aligned(16))); clone(same_root, stack + sizeof stack, CLONE_FS | SIGCHLD, 0));
    RUN("keepcaps", keep(RAW | SUID_, 1000); prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS | SECBIT_NO_SETUID_FIXUP));
  }
  removexattr("show", "security.capability"); chown("show", 0, 0); chmod("show", 0755);
}
static void values(void) { // what may be stored, and how it reads
  static const struct { unsigned magic; int size; unsigned root; } v[] = {{0x1000000, 12, 0}, {0x1000001, 12, 0}, {0x2000000, 20, 0}, {0x2000001, 20, 0}, {0x3000001, 24, 0}, {0x3000001, 24, 1000}, {0x3000001, 24, 5000}, {0x2000001, 24, 0}, {0x3000001, 20, 0}, {0x4000001, 20, 0}, {0x2000003, 20, 0}, {0x2000001, 0, 0}, {0x2000001, 4, 0}, {0x2000001, 32, 0}};
  for (unsigned i = 0; i < sizeof v / sizeof *v; i++) {
    removexattr("f", "security.capability"); long r = setcap("f", v[i].magic, RAW, ADM, v[i].size, v[i].root); printf("value %u: %s, reads ", i, name(r)); getcap_("f");
    IN(user(1000); r = setcap("f", v[i].magic, RAW, 0, v[i].size, v[i].root); printf(", user: %s reads ", name(r)); getcap_("f"));
    IN(user(1000); unshare(CLONE_NEWUSER); put("/proc/self/setgroups", "deny"); put("/proc/self/uid_map", "0 1000 1"); put("/proc/self/gid_map", "0 1000 1"); printf(", inside reads "); getcap_("f"); r = setcap("f", v[i].magic, RAW, 0, v[i].size, v[i].root); printf(" writes root's %s", name(r)); r = setcap("g", v[i].magic, RAW, 0, v[i].size, v[i].root); printf(" own %s reads ", name(r)); getcap_("g"));
    printf(", outside "); getcap_("g"); printf("\n"); removexattr("g", "security.capability");
  }
  setcap("f", 0x2000001, RAW, 0, 20, 0); IN(user(1000); long r = removexattr("f", "security.capability"); printf("remove by user: %s\n", name(r)); r = setxattr("g", "security.other", "x", 1, 0); printf("another label by user: %s\n", name(r)); r = setxattr("g", "trusted.x", "x", 1, 0); printf("trusted by user: %s\n", name(r)); r = setxattr("g", "user.x", "x", 1, 0); printf("user's: %s\n", name(r)));
  IN(user(1000); unshare(CLONE_NEWUSER); put("/proc/self/setgroups", "deny"); put("/proc/self/uid_map", "0 1000 1"); put("/proc/self/gid_map", "0 1000 1"); long r = removexattr("f", "security.capability"); printf("remove inside: %s\n", name(r)); r = setxattr("g", "security.other", "x", 1, 0); printf("another label inside: %s\n", name(r)); r = setxattr("g", "trusted.x", "x", 1, 0); printf("trusted inside: %s\n", name(r)); setcap("g", 0x2000001, RAW, 0, 20, 0); r = removexattr("g", "security.capability"); printf("remove own inside: %s\n", name(r)));
  long r = setxattr("g", "security.other", "x", 1, 0); printf("another label: %s\n", name(r)); r = setxattr("g", "trusted.x", "x", 1, 0); printf("trusted: %s\n", name(r)); removexattr("g", "security.other");
  // Writing, giving away and truncating take it away; chmod and rename do not.
  static const char *const what[] = {"write", "chown", "chmod", "truncate", "link", "utimes", "open"};
  for (int i = 0; i < 7; i++) { setcap("f", 0x2000001, RAW, 0, 20, 0); int fd = open("f", O_RDWR); if (i == 0) write(fd, "x", 1); else if (i == 1) chown("f", 0, 0); else if (i == 2) chmod("f", 0700); else if (i == 3) ftruncate(fd, 3); else if (i == 4) { link("f", "h"); unlink("h"); } else if (i == 5) futimens(fd, 0); close(fd); printf("after %s: ", what[i]); getcap_("f"); printf("\n"); }
}
static void namespaced(void) { // version 3 counts for its root only
  for (int root = 0; root < 3; root++) {
    unsigned ids[] = {0, 1000, 1001}; chown("show", 0, 0); chmod("show", 0755); setcap("show", 0x3000001, RAW, 0, 24, ids[root]); char l[64];
    snprintf(l, 64, "v3 root %u, user outside", ids[root]); IN(user(1000); run("./show", l)); snprintf(l, 64, "v3 root %u, inside its root", ids[root]); IN(user(1000); unshare(CLONE_NEWUSER); put("/proc/self/setgroups", "deny"); put("/proc/self/uid_map", "0 1000 1"); put("/proc/self/gid_map", "0 1000 1"); run("./show", l));
    snprintf(l, 64, "v3 root %u, inside another", ids[root]); IN(int a[2], b[2]; pipe(a); pipe(b); pid_t q = fork(); if (!q) { char c; read(a[0], &c, 1); char p[64]; snprintf(p, 64, "/proc/%d/uid_map", getppid()); put(p, "0 1000 1\n5 2000 1"); snprintf(p, 64, "/proc/%d/gid_map", getppid()); put(p, "0 1000 1\n5 2000 1"); write(b[1], "", 1); _exit(0); } setresgid(1000, 1000, 1000); setresuid(1000, 1000, 1000); prctl(PR_SET_DUMPABLE, 1); unshare(CLONE_NEWUSER); char c; write(a[1], "", 1); read(b[0], &c, 1); setresgid(5, 5, 5); setresuid(5, 5, 5); run("./show", l));
  }
  removexattr("show", "security.capability");
  chmod("show", 04755); IN(unshare(CLONE_NEWNS); mount("none", "/", 0, MS_REC | MS_PRIVATE, 0); mount(".", ".", 0, MS_BIND, 0); char cwd[256]; getcwd(cwd, 256); mount("none", cwd, 0, MS_REMOUNT | MS_BIND | MS_NOSUID, 0); chdir(cwd); user(1000); run("./show", "nosuid mount"));
  IN(int fd = open("./show", O_PATH); unshare(CLONE_NEWNS); user(1000); char p[64]; snprintf(p, 64, "/proc/self/fd/%d", fd); run(p, "file of another mount namespace"));
}
int main(int argc, char **argv) {
  if (argc > 1) { state(argv[1]); return 0; }
  setvbuf(stdout, 0, _IOFBF, 1 << 16); umask(0); chmod(".", 0755); char cmd[600]; snprintf(cmd, 600, "cp %s show", argv[0]); system(cmd); close(open("f", O_CREAT | O_RDWR, 0666)); close(open("g", O_CREAT | O_RDWR, 0666)); chown("g", 1000, 1000);
  personality(0); prctl(PR_SET_DUMPABLE, 1); files(); values(); namespaced(); return 0;
}
