// What an unprivileged user may do with mounts inside its own user namespace: what is locked, what may be mounted, what must be visible already.
#include "mnt.h"
static void seta(const char *label, const char *p, unsigned f, uint64_t set, uint64_t clr) { struct mnt_attr a = { set, clr }; R(label, sys_mount_setattr(AT_FDCWD, p, f, &a, 32)); }
static int pivot(const char *a, const char *b) { return syscall(SYS_pivot_root, a, b); }
int main(void) {
  begin(); chmod(".", 0777);
  mkdir("a", 0777); mkdir("b", 0777); mkdir("c", 0777); mkdir("s", 0777); mkdir("own", 0777);
  mount("a", "a", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOATIME, 0); mkdir("a/x", 0777); mount("ax", "a/x", "tmpfs", MS_RDONLY | MS_NOEXEC, 0); mkdir("s/in", 0777);
  mount("s", "s", "tmpfs", 0, "mode=777"); mkdir("s/d", 0777); mkdir("s/e", 0777); mount(0, "s", 0, MS_SHARED, 0);
  mount("c", "c", "tmpfs", 0, "mode=777"); mount(0, "c", 0, MS_UNBINDABLE, 0); mkdir("c/k", 0777);
  int go[2], back[2]; pipe(go); pipe(back); char x;
  fflush(stdout); int p = fork();
  if (!p) {
    setgid(1000); setuid(1000); become_user_root(CLONE_NEWNS);
    show("inherited");
    R("umount locked", umount("a")); R("detach locked", umount2("a", MNT_DETACH)); R("umount top", umount2(here, MNT_DETACH)); R("move locked", mount("a", "b", 0, MS_MOVE, 0));
    R("bind hides", mount(here, "b", 0, MS_BIND, 0)); R("rbind", mount("a", "b", 0, MS_BIND | MS_REC, 0)); show("rbound"); R("umount copy child", umount("b/x")); R("umount copy", umount2("b", MNT_DETACH)); R("bind one", mount("a/x", "b", 0, MS_BIND, 0)); show("one"); 
    R("rw again", mount(0, "b", 0, MS_REMOUNT | MS_BIND, 0)); R("ro kept", mount(0, "b", 0, MS_REMOUNT | MS_BIND | MS_RDONLY, 0)); R("ro noexec kept", mount(0, "b", 0, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOEXEC, 0)); R("more", mount(0, "b", 0, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOEXEC | MS_NOSUID, 0)); R("less again", mount(0, "b", 0, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOEXEC, 0)); R("other atime", mount(0, "b", 0, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOEXEC | MS_NOATIME, 0)); R("remount super", mount(0, "b", 0, MS_REMOUNT | MS_RDONLY | MS_NOEXEC, 0)); R("remount super rw", mount(0, "b", 0, MS_REMOUNT, 0));
    seta("clear ro", "b", 0, 0, 1); seta("clear noexec", "b", 0, 0, 8); seta("set nodev", "b", 0, 4, 0); seta("clear nodev", "b", 0, 0, 4); seta("atime", "b", 0, 0x10, 0x70); seta("same atime", "b", 0, 0, 0x70); seta("recursive", "a", 0x8000, 0x200000, 0); seta("recursive clear", "a", 0x8000, 0, 2); show("flags");
    R("shared to slave", mount(0, "s", 0, MS_PRIVATE, 0)); mount(0, "s", 0, MS_SLAVE, 0); R("own tmpfs", mount("own", "own", "tmpfs", 0, 0)); R("umount own", umount("own")); R("own ramfs", mount("own", "own", "ramfs", 0, 0)); umount("own"); R("noswap", mount("own", "own", "tmpfs", 0, "noswap")); R("uid", mount("own", "own", "tmpfs", 0, "uid=5")); R("uid 0", mount("own", "own", "tmpfs", 0, "uid=0")); show("own shown"); umount("own");
    R("proc without pid namespace", mount("p", "own", "proc", 0, 0)); R("proc bad option first", mount("p", "own", "proc", 0, "foo")); R("sysfs without net", mount("p", "own", "sysfs", 0, 0)); R("devpts", mount("p", "own", "devpts", 0, "newinstance")); umount("own"); R("mqueue without ipc", mount("p", "own", "mqueue", 0, 0)); R("devtmpfs", mount("p", "own", "devtmpfs", 0, 0)); R("unknown", mount("p", "own", "nosuch", 0, 0));
    { int fd = sys_fsopen("proc", 0); R("fsopen proc", fd); R("create proc", sys_fsconfig(fd, 6, 0, 0, 0)); close(fd); fd = sys_fsopen("devtmpfs", 0); R("fsopen devtmpfs", fd); R("create devtmpfs", sys_fsconfig(fd, 6, 0, 0, 0)); close(fd); }
    mount("own", "own", "tmpfs", 0, 0); R("mknod", mknod("own/n", S_IFCHR | 0666, makedev(1, 3))); R("mknod whiteout", mknod("own/w", S_IFCHR | 0666, 0)); R("bind dev", ({ close(creat("own/null", 0666)); mount("/dev/null", "own/null", 0, MS_BIND, 0); })); R("open dev", open("own/null", O_RDWR)); R("open whiteout", open("own/w", O_RDWR)); 
    mkdir("own/l", 0755); mkdir("own/u", 0755); mkdir("own/wk", 0755); mkdir("own/m", 0755); close(creat("own/l/f", 0644)); R("overlay", mount("o", "own/m", "overlay", 0, "lowerdir=own/l,upperdir=own/u,workdir=own/wk")); R("overlay write", open("own/m/f", O_WRONLY)); R("overlay unlink", unlink("own/m/f")); struct stat st = {0}; stat("own/u/f", &st); printf("whiteout: %o %lx\n", st.st_mode, st.st_rdev); umount("own/m"); umount2("own", MNT_DETACH);
    R("pick locked super", sys_fspick(AT_FDCWD, "a", 0)); { int fd = sys_fspick(AT_FDCWD, "a", 0); R("reconfigure locked super", sys_fsconfig(fd, 7, 0, 0, 0)); close(fd); }
    { int fd = sys_open_tree(AT_FDCWD, "a", 1); R("clone hides", fd); fd = sys_open_tree(AT_FDCWD, "a", 0x8001); R("clone tree", fd); R("attach clone", sys_move_mount(fd, "", AT_FDCWD, "own", 4)); close(fd); show("clone"); R("clone child", umount("own/x")); R("clone top", umount2("own", MNT_DETACH)); R("unbindable locked", sys_open_tree(AT_FDCWD, "c", 0x8001)); R("tree with unbindable", sys_open_tree(AT_FDCWD, here, 0x8001)); R("rbind with unbindable", mount(here, "own", 0, MS_BIND | MS_REC, 0)); }
    R("chroot", chroot("a")); chroot("."); chdir(here);
    write(back[1], "1", 1); read(go[0], &x, 1);
    show("received"); R("umount received", umount("s/d")); R("umount received child", umount("s/e/k")); R("detach received", umount2("s/e", MNT_DETACH)); show("after");
    write(back[1], "1", 1); read(go[0], &x, 1); show("taken away");
    { int q = fork(); if (!q) { unshare(CLONE_NEWNS); R("second umount", umount("own")); R("same owner not locked", mount("n", "own", "tmpfs", 0, 0)); R("same owner", umount("own")); R("still locked", umount("a")); fflush(stdout); _exit(0); } waitpid(q, 0, 0); }
    { int q = fork(); if (!q) { become_user_root(CLONE_NEWNS | CLONE_NEWPID); int r = fork(); if (!r) { R("proc", mount("p", "own", "proc", 0, 0)); show("proc shown"); R("proc ro", mount("p", "b", "proc", MS_RDONLY | MS_NOSUID, 0)); umount("own"); fflush(stdout); _exit(0); } waitpid(r, 0, 0); fflush(stdout); _exit(0); } waitpid(q, 0, 0); }
    { int q = fork(); if (!q) { mount("t", "/proc/sys", "tmpfs", 0, 0) == 0 ? 0 : printf("cover: %s\n", strerrorname_np(errno)); become_user_root(CLONE_NEWNS | CLONE_NEWPID); int r = fork(); if (!r) { R("proc covered", mount("p", "own", "proc", 0, 0)); int fd = sys_fsopen("proc", 0); sys_fsconfig(fd, 6, 0, 0, 0); R("fsmount covered", sys_fsmount(fd, 0, 0)); char b[99]; int n = read(fd, b, 98); b[n > 0 ? n - 1 : 0] = 0; printf("why: %s\n", b); fflush(stdout); _exit(0); } waitpid(r, 0, 0); fflush(stdout); _exit(0); } waitpid(q, 0, 0); }
    { int q = fork(); if (!q) { unshare(CLONE_NEWIPC | CLONE_NEWNET); R("mqueue", mount("p", "own", "mqueue", 0, 0)); umount("own"); R("sysfs", mount("p", "own", "sysfs", 0, 0)); fflush(stdout); _exit(0); } waitpid(q, 0, 0); }
    fflush(stdout); _exit(0);
  }
  read(back[0], &x, 1); mount("d", "s/d", "tmpfs", MS_NOSUID, 0); mount("e", "s/e", "tmpfs", 0, 0); mkdir("s/e/k", 0755); mount("k", "s/e/k", "tmpfs", MS_RDONLY, 0); write(go[1], "1", 1);
  read(back[0], &x, 1); show("outside"); umount("s/d"); umount2("s/e", MNT_DETACH); write(go[1], "1", 1); waitpid(p, 0, 0);
}
