// Who owns the root of a new instance of each file system in a user namespace; ids as options; flags of an instance changed by the text of a remount.
#include "mnt.h"
static void root_of(const char *type, const char *options) {
  struct stat s; struct statfs f;
  char label[99]; snprintf(label, sizeof label, "%s %s", type, options);
  R(label, mount("src", "d", type, 0, options)); stat("d", &s); statfs("d", &f);
  printf("  root %o %d %d block %ld\n", s.st_mode, s.st_uid, s.st_gid, f.f_bsize); show("  as");
  umount2("d", MNT_DETACH);
}
static void log_of(int fd) { char b[300]; for (int n; (n = read(fd, b, sizeof b)) > 0;) printf("  %.*s", n, b); }
static void one(const char *type, const char *key, const char *value) {
  int fd = sys_fsopen(type, 1);
  char label[99]; snprintf(label, sizeof label, "%s: %s=%s", type, key, value);
  R(label, sys_fsconfig(fd, 1, key, value, 0)); log_of(fd); close(fd);
}
static void all(void) {
  mkdir("d", 0755); mkdir("l", 0755);
  root_of("ramfs", ""); root_of("ramfs", "mode=700"); root_of("tmpfs", ""); root_of("devpts", ""); root_of("devpts", "uid=0,gid=0"); root_of("mqueue", "");
  root_of("devpts", "ptmxmode=666,newinstance"); root_of("tmpfs", "uid=0,gid=0,mode=711"); root_of("proc", "");
  const char *types[] = { "tmpfs", "devpts" };
  for (int i = 0; i < 2; i++) { one(types[i], "uid", "5"); one(types[i], "gid", "4294967295"); one(types[i], "uid", "x"); one(types[i], "max", "1048577"); }
  one("proc", "pidns", "nowhere");
  int fd; FD("tmpfs", fd, sys_fsopen("tmpfs", 0)); R("a path where there is no base", sys_fsconfig(fd, 3, "size", "1", 99)); R("empty path", sys_fsconfig(fd, 4, "size", "1", 99)); close(fd);
  FD("overlay", fd, sys_fsopen("overlay", 0)); R("path that is used", sys_fsconfig(fd, 3, "lowerdir+", "l", 99)); log_of(fd); R("path", sys_fsconfig(fd, 3, "lowerdir+", "l", AT_FDCWD)); log_of(fd); R("upper path", sys_fsconfig(fd, 3, "upperdir", "l", AT_FDCWD)); log_of(fd); R("lower path", sys_fsconfig(fd, 3, "lowerdir", "l", AT_FDCWD)); log_of(fd); close(fd);
  FD("proc", fd, sys_fsopen("proc", 0)); R("pidns path", sys_fsconfig(fd, 3, "pidns", "/proc/self/ns/pid", AT_FDCWD)); log_of(fd); close(fd);
  // The text of a remount sets flags of the instance.
  mount("t", "d", "tmpfs", 0, 0);
  static const char *texts[] = { "ro", "rw", "sync", "async", "mand", "lazytime", "nolazytime", "dirsync", "ro,sync", "" };
  for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) { R(texts[i], mount(0, "d", 0, MS_REMOUNT, texts[i])); R("  write", mkdir("d/x", 0700)); rmdir("d/x"); show("  is"); }
  R("flag and text", mount(0, "d", 0, MS_REMOUNT | MS_RDONLY, "rw")); show("  is");
  FD("pick", fd, syscall(433, AT_FDCWD, "d", 0)); R("dirsync", sys_fsconfig(fd, 0, "dirsync", 0, 0)); R("reconfigure", sys_fsconfig(fd, 7, 0, 0, 0)); close(fd);
  umount("d");
}
static void number(const char *file, const char *text) {
  char b[40] = ""; int fd = open(file, O_RDWR), n = write(fd, text, strlen(text)), e = errno;
  printf("[%s]: %d %s", text, n, n < 0 ? strerrorname_np(e) : ""); n = pread(fd, b, 39, 0); printf(" -> %s", b); close(fd);
}
static void numbers(void) {
  become_user_root(CLONE_NEWIPC);
  static const char *files[] = { "/proc/sys/user/max_uts_namespaces", "/proc/sys/kernel/msgmax" };
  static const char *texts[] = { "7", "8 9", " 10\n", "11\t12 13", "14x", "0x10 3", "017\n\n", "+5", "-5", "", " ", "1.5", "18,19" };
  for (int i = 0; i < 2; i++) for (unsigned k = 0; k < sizeof texts / sizeof *texts; k++) number(files[i], texts[k]);
}
int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  CHILD({ begin(); unshare(CLONE_NEWIPC); all(); });
  CHILD({ begin(); chmod(here, 0777); setgid(1000); setuid(1000); become_user_root(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWPID); CHILD({ all(); }); });
  CHILD(numbers());
}
