// Overlays by their options: which go together, what they imply and show, layers in each other, directories in use, marks that a volatile one leaves.
#include "mnt.h"
#include <ftw.h>
static int drop(const char *p, const struct stat *s, int f, struct FTW *w) { return remove(p); }
static int list(const char *p, const struct stat *s, int f, struct FTW *w) { if (w->level) printf(" %s", p); return 0; }
static void fresh(void) {
  static const char *names[] = { "w", "u", "l", "l2", "m2/w" };
  for (int i = 0; i < 5; i++) { nftw(names[i], drop, 9, FTW_DEPTH | FTW_PHYS); mkdir(names[i], 0755); }
  mkdir("u/x", 0755); mkdir("l/in", 0755);
}
static void all(void) {
  static const char *options[] = {
    "lowerdir=l:l", "lowerdir=l:l/in", "lowerdir=l/in:l", "lowerdir=l::l2", "lowerdir=l,upperdir=l,workdir=w", "lowerdir=l,upperdir=u,workdir=u",
    "lowerdir=l,upperdir=u,workdir=u/x", "lowerdir=l,upperdir=u/x,workdir=u", "lowerdir=l,upperdir=l/in,workdir=w", "lowerdir=l/in,upperdir=l,workdir=w",
    "lowerdir=l,upperdir=u,workdir=l", "lowerdir=l,upperdir=u,workdir=m2/w", "lowerdir=m2,upperdir=u,workdir=w", "lowerdir=f", "lowerdir=nope",
    "lowerdir=l,upperdir=f,workdir=w", "lowerdir=l,upperdir=u,workdir=f", "lowerdir=l,upperdir=u", "lowerdir=l,workdir=w", "upperdir=u,workdir=w",
    "lowerdir=l,upperdir=u,workdir=w,volatile", "lowerdir=l,upperdir=u,workdir=w,xino=on", "lowerdir=l,upperdir=u,workdir=w,index=on",
    "lowerdir=l,upperdir=u,workdir=w,nfs_export=on", "lowerdir=l,upperdir=u,workdir=w,index=off,nfs_export=on",
    "lowerdir=l,upperdir=u,workdir=w,metacopy=on", "lowerdir=l,upperdir=u,workdir=w,metacopy=on,redirect_dir=off",
    "lowerdir=l,upperdir=u,workdir=w,redirect_dir=follow", "lowerdir=l,upperdir=u,workdir=w,userxattr",
    "lowerdir=l,upperdir=u,workdir=w,userxattr,metacopy=on", "lowerdir=l,upperdir=u,workdir=w,userxattr,redirect_dir=on",
    "lowerdir=l,upperdir=u,workdir=w,uuid=auto", "lowerdir=l,upperdir=u,workdir=w,verity=on", "lowerdir=l:l2,index=on", "lowerdir=l:l2,nfs_export=on",
    "lowerdir=l", "lowerdir=l,metacopy=on", "lowerdir=l::l2", "lowerdir=::l", "lowerdir=l:", "lowerdir=:l", "lowerdir=l:l2,override_creds",
    "lowerdir=/proc/self/fd", "lowerdir=/proc", "lowerdir=l,upperdir=/proc,workdir=w", "lowerdir=d", "lowerdir=l,upperdir=d,workdir=w",
    "lowerdir=l,lowerdir=l2", "lowerdir+=l,lowerdir+=l2", "lowerdir+=l,lowerdir=l2", "datadir+=l2", "lowerdir+=l,datadir+=l2",
    "lowerdir+=l,datadir+=l2,metacopy=on,redirect_dir=follow", "lowerdir+=l,datadir+=l2,metacopy=on",
    "lowerdir+=l,datadir+=l2,lowerdir+=u,metacopy=on,redirect_dir=on", "lowerdir=l,upperdir=u,workdir=w,fsync=strict",
    "lowerdir=l,upperdir=u,workdir=w,fsync=x", "lowerdir=l,upperdir=u,workdir=w,volatile,fsync=auto", "lowerdir=l:l2,volatile",
  };
  mkdir("d", 0755); mkdir("d2", 0755); close(creat("f", 0644)); mkdir("m2", 0755); mount("q", "m2", "tmpfs", 0, 0); mkdir("m2/a", 0755);
  for (unsigned i = 0; i < sizeof options / sizeof *options; i++) {
    fresh();
    errno = 0; int r = mount("ov", "d", "overlay", 0, options[i]); printf("%s: %s\n", options[i], err(r));
    if (r) continue;
    show("  as"); R("  second", mount("ov2", "d2", "overlay", 0, options[i])); umount("d2");
    R("  remount", mount(0, "d", 0, MS_REMOUNT, "nosuch,redirect_dir=x")); 
    int fd = sys_fspick(AT_FDCWD, "d", 0); R("  pick", sys_fsconfig(fd, 1, "index", "on", 0)); char b[99]; int n = read(fd, b, 99); printf("  %.*s", n > 0 ? n : 0, b);
    R("  pick ro", sys_fsconfig(fd, 0, "ro", 0, 0)); R("  change", sys_fsconfig(fd, 7, 0, 0, 0)); close(fd); show("  now"); umount("d");
    R("  again", mount("ov", "d", "overlay", 0, options[i])); umount("d");
    printf("  left"); nftw("w/work/incompat", list, 9, FTW_PHYS); printf("\n");
  }
  fresh();
  R("one", mount("o", "d", "overlay", 0, "lowerdir=l,upperdir=u,workdir=w")); mkdir("w2", 0755);
  R("same upper", mount("o", "d2", "overlay", 0, "lowerdir=l,upperdir=u,workdir=w2")); umount("d2");
  R("same upper index", mount("o", "d2", "overlay", 0, "lowerdir=l,upperdir=u,workdir=w2,index=on"));
  R("same work", mount("o", "d2", "overlay", 0, "lowerdir=l,upperdir=l2,workdir=w")); umount("d2");
  R("nested", mount("o", "d2", "overlay", 0, "lowerdir=d:w2")); umount("d2"); umount("d");
  R("free again", mount("o", "d2", "overlay", 0, "lowerdir=l,upperdir=u,workdir=w,index=on")); umount("d2");
}
int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  CHILD({ begin(); all(); });
  CHILD({ begin(); chmod(here, 0777); setgid(1000); setuid(1000); become_user_root(CLONE_NEWNS); all(); });
}
