// flags: -static
// timeout: 60
// bpf(2): programs that decide about the devices of a control group: what may be loaded, attached, asked; what they allow.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
static const char *name(long r) { return r < 0 ? strerrorname_np(errno) : "ok"; }
static long bpf(int cmd, union bpf_attr *a) { return syscall(SYS_bpf, cmd, a, sizeof *a); }
#define I(c, d, s, o, i) ((struct bpf_insn){.code = c, .dst_reg = d, .src_reg = s, .off = o, .imm = i})
#define LDW(d, s, o) I(BPF_LDX | BPF_MEM | BPF_W, d, s, o, 0)
#define MOVI(d, i) I(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define EXIT_ I(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
static int load_(struct bpf_insn *p, int n) { union bpf_attr a = {0}; a.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE; a.insn_cnt = n; a.insns = (long)p; a.license = (long)"GPL"; return bpf(BPF_PROG_LOAD, &a); }
#define LOAD(label, ...) do { struct bpf_insn p_[] = {__VA_ARGS__}; int fd_ = load_(p_, sizeof p_ / sizeof *p_); printf("load %s: %s\n", label, name(fd_)); if (fd_ >= 0) close(fd_); } while (0)
static long attach(int group, int prog, int flags, int replace) { union bpf_attr a = {0}; a.target_fd = group; a.attach_bpf_fd = prog; a.attach_type = BPF_CGROUP_DEVICE; a.attach_flags = flags; a.replace_bpf_fd = replace; return bpf(BPF_PROG_ATTACH, &a); }
static long detach(int group, int prog) { union bpf_attr a = {0}; a.target_fd = group; a.attach_bpf_fd = prog; a.attach_type = BPF_CGROUP_DEVICE; return bpf(BPF_PROG_DETACH, &a); }
static void query(const char *l, int group, int flags) { unsigned ids[8] = {0}; union bpf_attr a = {0}; a.query.target_fd = group; a.query.attach_type = BPF_CGROUP_DEVICE; a.query.query_flags = flags; a.query.prog_ids = (long)ids; a.query.prog_cnt = 8; long r = bpf(BPF_PROG_QUERY, &a); printf("%s: %s count %d flags %x\n", l, name(r), a.query.prog_cnt, a.query.attach_flags); }
static void devices(const char *l) { int fd = open("/dev/null", O_RDWR); printf("%s: null %s", l, name(fd)); fd = open("/dev/zero", O_RDONLY); printf(" zero %s", name(fd)); fd = open("/dev/zero", O_WRONLY); printf(" zero w %s", name(fd)); long r = access("/dev/full", R_OK); printf(" full %s", name(r)); r = mknod("n", S_IFCHR | 0600, makedev(1, 3)); printf(" mknod null %s", name(r)); unlink("n"); r = mknod("n", S_IFCHR | 0600, makedev(1, 5)); printf(" mknod zero %s", name(r)); unlink("n"); r = mknod("n", S_IFBLK | 0600, makedev(7, 0)); printf(" block %s", name(r)); unlink("n"); r = mkfifo("n", 0600); printf(" fifo %s\n", name(r)); unlink("n"); fflush(stdout); }
int main(void) {
  unshare(CLONE_NEWNS); mount("none", "/", 0, MS_REC | MS_PRIVATE, 0); mkdir("cg", 0755); if (mount("none", "cg", "cgroup2", 0, 0)) printf("no cgroup2: %s\n", strerrorname_np(errno));
  LOAD("plain", MOVI(0, 1), EXIT_); LOAD("no result", EXIT_); LOAD("no exit", MOVI(0, 1)); LOAD("loop", MOVI(0, 1), I(BPF_JMP | BPF_JA, 0, 0, -2, 0), EXIT_); LOAD("dead code", MOVI(0, 1), EXIT_, MOVI(0, 2), EXIT_); LOAD("beyond", LDW(0, 1, 12), EXIT_); LOAD("minor", LDW(0, 1, 8), EXIT_); LOAD("unaligned", LDW(0, 1, 2), EXIT_); LOAD("half of the first", I(BPF_LDX | BPF_MEM | BPF_H, 0, 1, 2, 0), EXIT_); LOAD("half of the second", I(BPF_LDX | BPF_MEM | BPF_H, 0, 1, 4, 0), EXIT_); LOAD("double", I(BPF_LDX | BPF_MEM | BPF_DW, 0, 1, 0, 0), EXIT_); LOAD("negative", LDW(0, 1, -4), EXIT_); LOAD("uninitialised", I(BPF_ALU64 | BPF_MOV | BPF_X, 0, 3, 0, 0), EXIT_); LOAD("context as result", I(BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 0, 0), EXIT_); LOAD("opcode", I(0xff, 0, 0, 0, 0), EXIT_); LOAD("jump out", MOVI(0, 1), I(BPF_JMP | BPF_JA, 0, 0, 5, 0), EXIT_);
  LOAD("one way without a result", LDW(2, 1, 4), I(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 1, 1), MOVI(0, 1), EXIT_); LOAD("both ways", LDW(2, 1, 4), MOVI(0, 0), I(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 1, 1), MOVI(0, 1), EXIT_); union bpf_attr a = {0}; a.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE; long r = bpf(BPF_PROG_LOAD, &a); printf("nothing: %s\n", name(r)); r = syscall(SYS_bpf, BPF_PROG_LOAD, 8, 48); printf("nowhere: %s\n", name(r)); char big[300] = {0}; big[299] = 1; r = syscall(SYS_bpf, BPF_PROG_LOAD, big, 300); printf("tail: %s\n", name(r)); r = syscall(SYS_bpf, BPF_PROG_LOAD, big, 5000); printf("size: %s\n", name(r)); r = syscall(SYS_bpf, 9999, &a, sizeof a); printf("command: %s\n", name(r));
  // Only device 1:3, and reading 1:5.
  struct bpf_insn p[] = {LDW(2, 1, 0), I(BPF_ALU | BPF_AND | BPF_K, 2, 0, 0, 0xffff), LDW(3, 1, 0), I(BPF_ALU | BPF_RSH | BPF_K, 3, 0, 0, 16), LDW(4, 1, 4), LDW(5, 1, 8), MOVI(0, 0), I(BPF_JMP | BPF_JNE | BPF_K, 2, 0, 7, 2), I(BPF_JMP | BPF_JNE | BPF_K, 4, 0, 6, 1), I(BPF_JMP | BPF_JEQ | BPF_K, 5, 0, 4, 3), I(BPF_JMP | BPF_JNE | BPF_K, 5, 0, 4, 5), I(BPF_ALU | BPF_AND | BPF_K, 3, 0, 0, 5), I(BPF_JMP | BPF_JNE | BPF_K, 3, 0, 2, 0), I(BPF_JMP | BPF_JA, 0, 0, 0, 0), MOVI(0, 1), EXIT_};
  int some = load_(p, sizeof p / sizeof *p); printf("program: %s\n", name(some)); struct bpf_insn q[] = {MOVI(0, 0), EXIT_}, y[] = {MOVI(0, 1), EXIT_}, two[] = {MOVI(0, 2), EXIT_}; int none = load_(q, 2), every = load_(y, 2), even = load_(two, 2);
  mkdir("cg/dev-test", 0755); mkdir("cg/dev-test/below", 0755); int g = open("cg/dev-test", O_RDONLY), b = open("cg/dev-test/below", O_RDONLY); fflush(stdout); int w[2], v[2]; pipe(w); pipe(v); pid_t c = fork();
  if (!c) { char x; int n = 0; close(w[1]); static const char *const l[] = {"without", "with some", "below final", "override", "several", "one says no", "even", "detached"}; while (read(w[0], &x, 1) == 1) { devices(l[n++]); write(v[1], "", 1); } _exit(0); }
  char line[32]; sprintf(line, "%d", c); int f = open("cg/dev-test/below/cgroup.procs", O_WRONLY); r = write(f, line, strlen(line)); printf("moved: %s\n", name(r)); fflush(stdout); char x; 
  #define LOOK() (fflush(stdout), write(w[1], "", 1), read(v[0], &x, 1))
  query("empty", g, 0); LOOK(); r = attach(g, some, 0, 0); printf("attach: %s\n", name(r)); query("one", g, 0); query("effective below", b, BPF_F_QUERY_EFFECTIVE); LOOK(); r = attach(b, every, 0, 0); printf("below a final one: %s\n", name(r)); r = attach(g, every, BPF_F_ALLOW_MULTI, 0); printf("other flags: %s\n", name(r)); LOOK(); r = detach(g, 0); printf("detach: %s\n", name(r)); r = detach(g, 0); printf("again: %s\n", name(r)); r = attach(g, none, BPF_F_ALLOW_OVERRIDE, 0); printf("override: %s", name(r)); r = attach(b, some, BPF_F_ALLOW_OVERRIDE, 0); printf(" %s\n", name(r)); LOOK(); detach(b, 0); detach(g, 0);
  r = attach(g, some, BPF_F_ALLOW_MULTI, 0); printf("several: %s", name(r)); r = attach(g, some, BPF_F_ALLOW_MULTI, 0); printf(" same %s", name(r)); r = attach(g, every, BPF_F_ALLOW_MULTI, 0); printf(" other %s\n", name(r)); query("two", g, 0); query("effective", b, BPF_F_QUERY_EFFECTIVE); LOOK(); r = attach(b, none, BPF_F_ALLOW_MULTI, 0); printf("no: %s\n", name(r)); LOOK(); r = attach(b, every, BPF_F_ALLOW_MULTI | BPF_F_REPLACE, none); printf("replace: %s", name(r)); r = attach(b, some, BPF_F_ALLOW_MULTI | BPF_F_REPLACE, none); printf(" gone %s", name(r)); r = attach(b, some, BPF_F_REPLACE, every); printf(" without multi %s", name(r)); r = attach(b, every, BPF_F_ALLOW_MULTI | BPF_F_REPLACE, 0); printf(" no program %s\n", name(r)); LOOK(); r = detach(g, some); printf("detach: %s", name(r)); r = detach(g, some); printf(" again %s", name(r)); r = detach(g, every); printf(" other %s", name(r)); r = detach(b, every); printf(" below %s\n", name(r)); LOOK();
  r = attach(open("/dev/null", O_RDONLY), some, 0, 0); printf("no group: %s\n", name(r)); r = attach(g, 0, 0, 0); printf("no program: %s\n", name(r)); r = attach(g, some, 0x8000, 0); printf("flags: %s\n", name(r)); r = attach(g, some, 3, 0); printf("both flags: %s\n", name(r)); close(w[1]); waitpid(c, 0, 0); fflush(stdout); pid_t u = fork(); if (!u) { setresuid(1000, 1000, 1000); struct bpf_insn z[] = {MOVI(0, 1), EXIT_}; int fd = load_(z, 2); printf("by a user: %s\n", name(fd)); fflush(stdout); _exit(0); } waitpid(u, 0, 0); rmdir("cg/dev-test/below"); rmdir("cg/dev-test"); umount2("cg", MNT_DETACH); return 0;
}
