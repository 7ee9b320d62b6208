// mount(2), umount2(2), pivot_root(2) and chroot(2): errors in their order, flags, busy mounts, unlinked mount points.
#include "mnt.h"
static int pivot(const char *a, const char *b) { return syscall(SYS_pivot_root, a, b); }
static char path[PATH_MAX];
static const char *at(const char *n) { snprintf(path, sizeof path, "%s/%s", here, n); return path; }
int main(void) {
  begin();
  mkdir("d", 0755); mkdir("e", 0755); mkdir("g", 0755); close(creat("f", 0644)); close(creat("f2", 0644)); symlink("d", "ln"); symlink("loop", "loop");
  R("no type", mount("x", "d", 0, 0, 0));
  R("empty type", mount("x", "d", "", 0, 0));
  R("unknown type", mount("x", "d", "nosuchfs", 0, 0));
  R("no target", mount("x", "nothere", "tmpfs", 0, 0));
  R("null target", mount("x", 0, "tmpfs", 0, 0));
  R("bad type pointer", mount("x", "d", (char *)8, 0, 0));
  R("bad source pointer", mount((char *)8, "d", "tmpfs", 0, 0));
  R("bad data pointer", mount("x", "d", "tmpfs", 0, (void *)8));
  R("on a file", mount("x", "f", "tmpfs", 0, 0));
  R("loop", mount("x", "loop", "tmpfs", 0, 0));
  R("nouser", mount("x", "d", "tmpfs", 1ul << 31, 0));
  R("bad option", mount("x", "d", "tmpfs", 0, "nothing=1"));
  R("bad value", mount("x", "d", "tmpfs", 0, "size=abc"));
  R("empty options", mount("x", "d", "tmpfs", 0, ",,size=8k,,"));
  show("one"); 
  R("again", mount("x", "d", "tmpfs", 0, 0));
  R("umount", umount("d")); R("umount again", umount("d")); R("umount third", umount("d"));
  R("magic", mount("x", "d", "tmpfs", 0xc0ed0000 | MS_NOSUID, 0)); show("nosuid"); umount("d");
  static const struct { const char *n; unsigned long f; } fl[] = {
    {"ro", MS_RDONLY}, {"nosuid nodev noexec", MS_NOSUID | MS_NODEV | MS_NOEXEC}, {"noatime", MS_NOATIME}, {"nodiratime", MS_NODIRATIME}, {"relatime", MS_RELATIME},
    {"strictatime", MS_STRICTATIME}, {"noatime strictatime", MS_NOATIME | MS_STRICTATIME}, {"relatime noatime", MS_RELATIME | MS_NOATIME}, {"nodiratime noatime", MS_NODIRATIME | MS_NOATIME},
    {"sync dirsync mand lazytime", MS_SYNCHRONOUS | MS_DIRSYNC | MS_MANDLOCK | MS_LAZYTIME}, {"nosymfollow", 256}, {"silent", MS_SILENT}, {"iversion", 1 << 23}, {"active", 1 << 30}, {"posixacl", 1 << 16}};
  for (int i = 0; i < sizeof fl / sizeof *fl; i++) {
    char l[99]; struct statfs s;
    snprintf(l, 99, "mount %s", fl[i].n); R(l, mount("x", "d", "tmpfs", fl[i].f, 0));
    snprintf(l, 99, "shown %s", fl[i].n); show(l);
    snprintf(l, 99, "statfs %s", fl[i].n); statfs("d", &s); printf("%s: %lx\n", l, s.f_flags);
    snprintf(l, 99, "remount %s", fl[i].n); R(l, mount(0, "d", 0, MS_REMOUNT, 0));
    snprintf(l, 99, "then %s", fl[i].n); show(l);
    snprintf(l, 99, "bind remount %s", fl[i].n); R(l, mount(0, "d", 0, MS_REMOUNT | MS_BIND | fl[i].f, 0));
    snprintf(l, 99, "and %s", fl[i].n); show(l);
    umount("d");
  }
  // Remounts and what is busy.
  mount("x", "d", "tmpfs", 0, "size=64k"); mkdir("d/s", 0755);
  R("remount below", mount(0, "d/s", 0, MS_REMOUNT, 0)); R("bind remount below", mount(0, "d/s", 0, MS_REMOUNT | MS_BIND, 0));
  R("remount option", mount(0, "d", 0, MS_REMOUNT, "size=128k")); show("128k"); R("remount bad option", mount(0, "d", 0, MS_REMOUNT, "foo")); R("remount mode", mount(0, "d", 0, MS_REMOUNT, "mode=700"));
  int fd = open("d/w", O_CREAT | O_WRONLY, 0644);
  R("ro while written", mount(0, "d", 0, MS_REMOUNT | MS_RDONLY, 0)); R("bind ro while written", mount(0, "d", 0, MS_REMOUNT | MS_BIND | MS_RDONLY, 0));
  R("busy", umount("d")); R("expire busy", umount2("d", MNT_EXPIRE)); close(fd);
  fd = open("d", O_RDONLY); R("busy directory", umount("d")); close(fd); fd = open("d", O_PATH); R("busy path", umount("d")); close(fd);
  R("ro", mount(0, "d", 0, MS_REMOUNT | MS_RDONLY, 0)); R("creat on ro", creat("d/n", 0644)); R("rw", mount(0, "d", 0, MS_REMOUNT, 0));
  R("expire", umount2("d", MNT_EXPIRE)); R("expire force", umount2("d", MNT_EXPIRE | MNT_FORCE)); R("expire detach", umount2("d", MNT_EXPIRE | MNT_DETACH));
  close(open("d/w", O_RDONLY)); R("expire used", umount2("d", MNT_EXPIRE)); R("expire twice", umount2("d", MNT_EXPIRE)); R("gone", umount2("d", MNT_EXPIRE));
  R("umount bad flag", umount2("d", 16)); R("umount nothing", umount2("nothere", 0)); R("umount no mount", umount("e")); R("umount force", umount2("d", MNT_FORCE));
  mount("x", "d", "tmpfs", 0, 0); R("umount link", umount("ln")); mount("x", "d", "tmpfs", 0, 0); R("umount nofollow", umount2("ln", UMOUNT_NOFOLLOW)); R("umount force mounted", umount2("d", MNT_FORCE));
  // Binds.
  R("bind no source", mount(0, "d", 0, MS_BIND, 0)); R("bind empty", mount("", "d", 0, MS_BIND, 0)); R("bind missing", mount("nothere", "d", 0, MS_BIND, 0));
  R("bind file on dir", mount("f", "d", 0, MS_BIND, 0)); R("bind dir on file", mount("d", "f", 0, MS_BIND, 0)); R("bind file", mount("f", "f2", 0, MS_BIND, 0)); show("file"); R("unlink file mount", unlink("f2")); umount("f2");
  R("bind self", mount("d", "d", 0, MS_BIND, 0)); R("move no source", mount(0, "d", 0, MS_MOVE, 0)); R("move not a mount", mount("e", "g", 0, MS_MOVE, 0)); R("move", mount("d", "e", 0, MS_MOVE, 0)); show("moved");
  mkdir("e/in", 0755); R("move into itself", mount("e", "e/in", 0, MS_MOVE, 0)); R("move onto file", mount("e", "f", 0, MS_MOVE, 0)); R("bind flags", mount("e", "g", 0, MS_BIND | MS_RDONLY | MS_NOEXEC, 0)); show("bound flags ignored");
  R("rdonly bind remount", mount(0, "g", 0, MS_REMOUNT | MS_BIND | MS_RDONLY, 0)); R("write", creat("g/x", 0644)); R("write other", creat("e/x", 0644)); umount("g"); umount("e");
  // Propagation types.
  R("two types", mount(0, "d", 0, MS_SHARED | MS_PRIVATE, 0)); R("type of no mount", mount(0, "d", 0, MS_SHARED, 0)); mount("x", "d", "tmpfs", 0, 0);
  R("type and ro", mount(0, "d", 0, MS_SHARED | MS_RDONLY, 0)); R("type silent", mount(0, "d", 0, MS_SHARED | MS_SILENT, 0)); R("type rec", mount(0, "d", 0, MS_SLAVE | MS_REC, 0)); show("private slave"); 
  R("unbindable", mount(0, "d", 0, MS_UNBINDABLE, 0)); R("bind unbindable", mount("d", "e", 0, MS_BIND, 0)); R("slave of it", mount(0, "d", 0, MS_SLAVE, 0)); show("still unbindable"); R("shared of it", mount(0, "d", 0, MS_SHARED, 0)); show("no more"); 
  mkdir("d/1", 0755); mkdir("d/2", 0755); mount("y", "d/1", "tmpfs", 0, 0); R("move from shared", mount("d/1", "e", 0, MS_MOVE, 0)); mount(0, "d/1", 0, MS_UNBINDABLE, 0); mount("z", "e", "tmpfs", 0, 0); mount(0, "e", 0, MS_UNBINDABLE, 0);
  R("move unbindable to shared", mount("e", "d/2", 0, MS_MOVE, 0)); R("rbind skips unbindable", mount("d", "g", 0, MS_BIND | MS_REC, 0)); show("skipped"); umount2("g", MNT_DETACH); umount2("d", MNT_DETACH); umount("e");
  // Mount points that go away.
  mkdir("p", 0755); mount("x", "p", "tmpfs", 0, 0); R("rmdir mount point", rmdir("p")); R("rename mount point", rename("p", "p2")); 
  int other = CHILD({ unshare(CLONE_NEWNS); umount("p"); R("rmdir elsewhere", rmdir("p")); }); show("after rmdir");
  mkdir("q", 0755); chdir("q"); rmdir("../q"); R("mount on removed", mount("x", ".", "tmpfs", 0, 0)); chdir(here);
  // Lazy.
  mkdir("l", 0755); mount("x", "l", "tmpfs", 0, 0); mkdir("l/m", 0755); mount("y", "l/m", "tmpfs", 0, 0); fd = open("l", O_RDONLY | O_DIRECTORY); close(openat(fd, "m/file", O_CREAT, 0644)); chdir("l/m");
  char cwd[PATH_MAX]; R("detach", umount2(at("l"), MNT_DETACH)); show("detached"); R("file in child", openat(fd, "m/file", O_RDONLY)); R("cwd file", open("file", O_RDONLY)); R("mount in detached", mount("z", ".", "tmpfs", 0, 0));
  char *c = (char *)syscall(SYS_getcwd, cwd, sizeof cwd) > 0 ? cwd : "error"; printf("cwd: %s\n", c); R("dotdot", chdir("..")); syscall(SYS_getcwd, cwd, sizeof cwd); printf("cwd after: %s\n", cwd); chdir(here); close(fd);
  // pivot_root.
  mkdir("r", 0755); mkdir("n", 0755); R("pivot missing", pivot("nothere", "n")); R("pivot file", pivot("f", "n")); R("pivot no mount", pivot("r", "r")); R("pivot put old missing", pivot("r", "nothere"));
  mount("r", "r", "tmpfs", 0, 0); mkdir("r/old", 0755); mkdir("r/sub", 0755); R("pivot old outside", pivot("r", "n")); R("pivot current", pivot("/", "/")); R("pivot below mount", pivot("r/sub", "r/old"));
  mount(0, "r", 0, MS_SHARED, 0); R("pivot shared old", pivot("r", "r/old")); mount(0, "r", 0, MS_PRIVATE, 0); mount(0, here, 0, MS_SHARED, 0); R("pivot shared parent", pivot("r", "r/old")); mount(0, here, 0, MS_PRIVATE, 0);
  CHILD({ R("chroot", chroot("r")); R("pivot in chroot", pivot("sub", "old")); chdir("/"); R("pivot chroot root", pivot("/", "/old")); R("mount in chroot", mount("x", "/sub", "tmpfs", 0, 0)); R("umount root in chroot", umount2("/", 0)); R("ro root", mount(0, "/", 0, MS_REMOUNT | MS_RDONLY, 0)); });
  umount2("r/sub", MNT_DETACH); mount(0, "r", 0, MS_REMOUNT, 0);
  CHILD({ unshare(CLONE_NEWNS); R("pivot", pivot("r", "r/old")); chdir("/"); R("access old", access("/old/proc", F_OK)); R("umount old busy", umount("/old")); R("umount old", umount2("/old", MNT_DETACH)); R("old is empty", rmdir("/old")); });
  CHILD({ unshare(CLONE_NEWNS); chdir("r"); R("pivot dots", pivot(".", ".")); R("umount dot", umount2(".", MNT_DETACH)); chdir("/"); R("new root", access("/sub", F_OK)); });
  CHILD({ unshare(CLONE_NEWNS); R("detach root", umount2("/", MNT_DETACH)); });
  // Without privileges.
  CHILD({ setgid(1000); setuid(1000); R("user mount", mount("x", "d", "tmpfs", 0, 0)); R("user bad fs", mount("x", "d", "nosuchfs", 0, 0)); R("user umount", umount("d")); R("user umount bad flag", umount2("d", 64)); R("user pivot", pivot("nothere", "nothere")); R("user chroot", chroot("d")); R("user chroot missing", chroot("nothere")); R("user chroot file", chroot("f")); R("user nouser", mount("x", "d", "tmpfs", 1ul << 31, 0)); });
  R("chroot missing", chroot("nothere")); R("chroot file", chroot("f"));
}
