// A pidfd is a file of pidfs: what stat, statfs, chmod and xattrs say; opened again; file handles.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *err(long r) { return r >= 0 ? "ok" : strerrorname_np(errno); }

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  int child = fork();
  if (!child) for (;;) pause();
  int fd = syscall(SYS_pidfd_open, child, 0);
  struct statfs s;
  fstatfs(fd, &s);
  printf("statfs: %lx %ld %ld\n", (long)s.f_type, (long)s.f_bsize, (long)s.f_namelen);
  struct stat a, b;
  fstat(fd, &a);
  printf("stat: %o %d %d %ld %ld %ld %ld\n", a.st_mode, a.st_uid, a.st_gid, (long)a.st_size, (long)a.st_blksize, (long)a.st_blocks, (long)a.st_nlink);
  char path[100], name[100];
  sprintf(path, "/proc/self/fd/%d", fd);
  name[readlink(path, name, 99)] = 0;
  printf("name: %s\n", name);
  printf("chmod: %s chown: %s\n", err(fchmod(fd, 0777)), err(fchown(fd, 1, 1)));
  printf("flags: %x\n", fcntl(fd, F_GETFL));
  int modes[] = {O_RDONLY, O_WRONLY, O_RDWR, O_RDONLY | O_NONBLOCK, O_RDWR | O_EXCL, O_RDWR | O_CLOEXEC};
  for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++) {
    int again = open(path, modes[i]);
    fstat(again, &b);
    printf("open %x: %s same %d kill %s\n", modes[i], err(again), a.st_ino == b.st_ino, err(syscall(SYS_pidfd_send_signal, again, 0, NULL, 0)));
    close(again);
  }
  char value[10] = "";
  printf("trusted: %s get %s %.1s list %d remove %s again %s\n", err(fsetxattr(fd, "trusted.x", "1", 1, 0)), err(fgetxattr(fd, "trusted.x", value, 10)), value, (int)flistxattr(fd, NULL, 0),
    err(fremovexattr(fd, "trusted.x")), err(fremovexattr(fd, "trusted.x")));
  printf("user: %s security: %s\n", err(fsetxattr(fd, "user.x", "1", 1, 0)), err(fgetxattr(fd, "security.x", value, 10)));
  struct { struct file_handle h; char bytes[128]; } handle = {.h.handle_bytes = 128}, small = {.h.handle_bytes = 4};
  int mount_id;
  int r = syscall(SYS_name_to_handle_at, fd, "", &handle, &mount_id, AT_EMPTY_PATH);
  printf("handle: %s %d %x\n", err(r), handle.h.handle_bytes, handle.h.handle_type);
  r = syscall(SYS_name_to_handle_at, fd, "", &small, &mount_id, AT_EMPTY_PATH);
  printf("small handle: %s %d\n", err(r), small.h.handle_bytes);
  int opened = syscall(SYS_open_by_handle_at, -10002, &handle, O_RDWR);
  fstat(opened, &b);
  printf("opened: %s same %d signal %s\n", err(opened), a.st_ino == b.st_ino, err(syscall(SYS_pidfd_send_signal, opened, 0, NULL, 0)));
  printf("by the descriptor: %s\n", err(syscall(SYS_open_by_handle_at, fd, &handle, O_RDWR)));
  if (!fork()) {
    setresuid(1000, 1000, 1000);
    printf("by a user: %s\n", err(syscall(SYS_open_by_handle_at, -10002, &handle, O_RDWR)));
    _exit(0);
  }
  wait(NULL);
  if (syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0) == 0) {
    printf("from another PID namespace: %s\n", err(syscall(SYS_open_by_handle_at, -10002, &handle, O_RDWR)));
    _exit(0);
  }
  wait(NULL);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  fstat(fd, &b);
  printf("reaped: same %d handle %s open %s\n", a.st_ino == b.st_ino, err(syscall(SYS_open_by_handle_at, -10002, &handle, O_RDWR)), err(open(path, O_RDWR)));
  handle.bytes[0] ^= 0x55;
  printf("wrong: %s\n", err(syscall(SYS_open_by_handle_at, -10002, &handle, O_RDWR)));
  handle.h.handle_type = 1;
  printf("wrong type: %s\n", err(syscall(SYS_open_by_handle_at, -10002, &handle, O_RDWR)));
  return 0;
}
