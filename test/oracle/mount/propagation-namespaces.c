// Random mounts in four mount namespaces that receive from each other, one of them of a less privileged user namespace, with all trees after each step.
// timeout: 120
#include "mnt.h"
static unsigned long long seed = 1234567;
static unsigned rnd(unsigned n) { seed ^= seed << 13; seed ^= seed >> 7; seed ^= seed << 17; return (seed >> 20) % n; }
static char names[16][16]; static int nnames;
enum { N = 4 };
static int to[N][2], from[N][2];
struct cmd { int op, p, q, arg; };
static int run(struct cmd c) {
  const char *p = names[c.p], *q = names[c.q]; static const int types[] = { MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE };
  for (int i = 0; i < nnames; i++) mkdir(names[i], 0777);
  errno = 0;
  switch (c.op) {
  case 0: return mount("n", p, "tmpfs", c.arg & 1 ? MS_NOSUID : 0, "mode=777"); case 1: return mount(p, q, 0, MS_BIND, 0); case 2: return mount(p, q, 0, MS_BIND | MS_REC, 0); case 3: return mount(0, p, 0, types[c.arg & 3], 0); case 4: return umount(p); case 5: return umount2(p, MNT_DETACH); case 6: return mount(p, q, 0, MS_MOVE, 0); case 7: return mount(0, p, 0, types[c.arg % 3] | MS_REC, 0);
  case 8: { int fd = sys_open_tree(AT_FDCWD, p, 0x8001); if (fd < 0) return fd; int r = sys_move_mount(fd, "", AT_FDCWD, q, 4 | (c.arg & 1 ? 0x200 : 0)), e = errno; close(fd); errno = e; return r; }
  case 9: return mount(0, p, 0, MS_REMOUNT | MS_BIND | (c.arg & 1 ? MS_RDONLY : 0) | (c.arg & 2 ? MS_NOSUID : 0), 0);
  default: return mount(0, p, 0, MS_REMOUNT, c.arg & 1 ? "size=1m" : "");
  }
}
static void worker(int i) {
  char label[32]; struct cmd c; int step = 0;
  if (i == 1) unshare(CLONE_NEWNS);
  if (i == 2) { unshare(CLONE_NEWNS); mount(0, "/", 0, MS_REC | MS_SLAVE, 0); }
  if (i == 3) become_user_root(CLONE_NEWNS);
  chdir(here); write(from[i][1], "r", 1);
  while (read(to[i][0], &c, sizeof c) == sizeof c) {
    if (c.op < 0) { snprintf(label, 32, "tree %d %d", c.p, i); show(label); } else { int r = run(c); printf("step %d in %d op %d %s %s %d: %s\n", step = c.arg >> 8, i, c.op, names[c.p], names[c.q], c.arg & 3, r ? strerrorname_np(errno) : "0"); fflush(stdout); }
    write(from[i][1], "r", 1);
  }
  _exit(0);
}
int main(void) {
  begin(); chmod(".", 0777); mount(0, here, 0, MS_SHARED, 0);
  for (int i = 0; i < 3; i++) { snprintf(names[nnames++], 16, "%c", 'a' + i); snprintf(names[nnames++], 16, "%c/x", 'a' + i); snprintf(names[nnames++], 16, "%c/x/y", 'a' + i); }
  for (int i = 0; i < nnames; i++) mkdir(names[i], 0777);
  mount("t", "a", "tmpfs", 0, "mode=777"); mount(0, "a", 0, MS_SHARED, 0); mkdir("a/x", 0777); mkdir("a/x/y", 0777);
  char x; fflush(stdout);
  for (int i = 0; i < N; i++) { pipe(to[i]); pipe(from[i]); if (!fork()) { for (int k = 0; k <= i; k++) close(to[k][1]); worker(i); } read(from[i][0], &x, 1); }
  for (int step = 0; step < 130; step++) {
    static const int ops[] = { 0, 0, 0, 1, 1, 2, 3, 3, 3, 4, 4, 5, 6, 7, 8, 8, 9, 10 };
    int w = rnd(N); struct cmd c = { ops[rnd(18)], rnd(nnames), rnd(nnames), (int)rnd(4) | step << 8 };
    write(to[w][1], &c, sizeof c); read(from[w][0], &x, 1);
    int n = 0; FILE *f = fopen("/proc/self/mountinfo", "r"); char l[4096]; while (f && fgets(l, sizeof l, f)) n++; if (f) fclose(f);
    for (int i = 0; i < N; i++) { struct cmd s = { -1, step, 0, 0 }; write(to[i][1], &s, sizeof s); read(from[i][0], &x, 1); }
    if (n > 200) break;
  }
  for (int i = 0; i < N; i++) close(to[i][1]);
  while (wait(0) > 0);
}
