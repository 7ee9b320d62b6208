// A few hundred random mounts, binds, moves, unmounts and changes of propagation among a handful of directories, with the whole tree after each.
// timeout: 120
#include "mnt.h"
static unsigned long long seed = 88172645463325252ULL;
static unsigned rnd(unsigned n) { seed ^= seed << 13; seed ^= seed >> 7; seed ^= seed << 17; return (seed >> 20) % n; }
static char names[40][32]; static int nnames;
static const char *any(void) { return names[rnd(nnames)]; }
int main(void) {
  begin();
  for (int i = 0; i < 3; i++) { snprintf(names[nnames++], 32, "%c", 'a' + i); mkdir(names[nnames - 1], 0755); }
  for (int i = 0; i < 3; i++) for (int j = 0; j < 2; j++) { snprintf(names[nnames++], 32, "%c/%c", 'a' + i, 'x' + j); }
  for (int i = 0; i < 3; i++) { snprintf(names[nnames++], 32, "%c/x/y", 'a' + i); }
  mount("t", "a", "tmpfs", 0, 0); mkdir("a/x", 0755); mkdir("a/y", 0755); mkdir("a/x/y", 0755);
  for (int run = 0; run < 8; run++) {
    seed = 88172645463325252ULL + run * 7919;
    for (int step = 0; step < 60; step++) {
      char label[64]; const char *p = any(), *q = any(); int r; const char *what;
      static const int types[] = { MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE, MS_SHARED };
      for (int i = 0; i < nnames; i++) mkdir(names[i], 0755);
      errno = 0;
      switch (rnd(14)) {
      case 0: case 1: what = "tmpfs"; r = mount("n", p, "tmpfs", 0, 0); if (!r) { char b[64]; snprintf(b, 64, "%s/x", p); mkdir(b, 0755); snprintf(b, 64, "%s/y", p); mkdir(b, 0755); snprintf(b, 64, "%s/x/y", p); mkdir(b, 0755); errno = 0; } break;
      case 2: case 3: what = "bind"; r = mount(p, q, 0, MS_BIND, 0); break;
      case 4: case 13: what = "rbind"; r = mount(p, q, 0, MS_BIND | MS_REC, 0); break;
      case 5: case 11: case 12: what = "type"; r = mount(0, p, 0, types[rnd(5)], 0); break;
      case 6: what = "rtype"; r = mount(0, p, 0, types[rnd(3)] | MS_REC, 0); break;
      case 7: what = "umount"; r = umount(p); break;
      case 8: what = "detach"; r = umount2(p, MNT_DETACH); break;
      case 9: what = "move"; r = mount(p, q, 0, MS_MOVE, 0); break;
      default: what = "beneath"; r = -1; { int fd = sys_open_tree(AT_FDCWD, p, 1 | 02000000); if (fd >= 0) { r = sys_move_mount(fd, "", AT_FDCWD, q, 4 | (rnd(2) ? 0x200 : 0)); int e = errno; close(fd); errno = e; } } break;
      }
      // The tree must stay small.
      int n = 0; FILE *f = fopen("/proc/self/mountinfo", "r"); char l[4096]; int e = errno; while (f && fgets(l, sizeof l, f)) n++; if (f) fclose(f); errno = e;
      printf("run %d step %d %s %s %s: %s\n", run, step, what, p, q, r ? strerrorname_np(errno) : "0");
      snprintf(label, 64, "tree %d %d", run, step); show(label);
      if (n > 140) break;
    }
    while (umount2("a", MNT_DETACH) == 0 || umount2("b", MNT_DETACH) == 0 || umount2("c", MNT_DETACH) == 0);
    char label[64]; snprintf(label, 64, "end %d", run); show(label);
    mount("t", "a", "tmpfs", 0, 0); mkdir("a/x", 0755); mkdir("a/y", 0755); mkdir("a/x/y", 0755);
  }
}
