// flags: -static
#include "check.h"
int main(void) {
  traps();
  char *p = mmap(0, 16 * 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(p, 7, 16 * 4096);
  R(madvise(p, 4096, MADV_DONTNEED));
  R(p[0]);
  R(p[4096]);
  R(madvise(p + 1, 4096, MADV_DONTNEED));
  R(madvise(p, 0, MADV_DONTNEED));
  R(madvise(p, -1UL, MADV_DONTNEED));
  R(madvise(p, 4096, 77));
  R(madvise(p, 4096, MADV_FREE));
  p[5] = 3;
  R(p[5]);
  R(madvise(p, 4096, MADV_WILLNEED));
  R(madvise(p, 4096, MADV_REMOVE));
  R(madvise(p, 4096, MADV_COLD));
  R(madvise(p, 4096, MADV_PAGEOUT));
  R(p[5]);
  R(madvise(p, 4096, MADV_SEQUENTIAL));
  maps("sequential", p, 16 * 4096);
  R(madvise(p, 4096, MADV_NORMAL));
  maps("normal", p, 16 * 4096);
  R(madvise(p, 4096, MADV_HUGEPAGE));
  R(madvise(p, 4096, MADV_NOHUGEPAGE));
  R(madvise(p, 4096, MADV_MERGEABLE));
  R(madvise(p, 4096, MADV_UNMERGEABLE));
  R(madvise(p, 4096, MADV_DONTDUMP));
  R(madvise(p, 4096, MADV_DODUMP));
  R(madvise(p, 4096, 25));
  R(madvise(p, 4096, 100));
  munmap(p + 8 * 4096, 4096);
  R(madvise(p, 16 * 4096, MADV_DONTNEED));
  R(p[4096 * 15]);
  R(madvise(p + 8 * 4096, 4096, MADV_DONTNEED));
  memset(p, 7, 4 * 4096);
  R(madvise(p, 4096, MADV_DONTFORK));
  R(madvise(p + 4096, 4096, MADV_WIPEONFORK));
  if (fork() == 0) {
    R(p[4096]);
    R(p[8192]);
    T(p, p[0] = 1);
    maps("child", p, 16 * 4096);
    _exit(0);
  }
  wait(0);
  check_no += 4;
  R(p[4096]);
  R(madvise(p, 4096, MADV_DOFORK));
  R(madvise(p + 4096, 4096, MADV_KEEPONFORK));
  if (fork() == 0) {
    R(p[0]);
    R(p[4096]);
    _exit(0);
  }
  wait(0);
  check_no += 2;
  R(madvise(p, 4 * 4096, MADV_POPULATE_READ));
  R(madvise(p, 4 * 4096, MADV_POPULATE_WRITE));
  R(madvise(p, 16 * 4096, MADV_POPULATE_WRITE));
  R(mprotect(p, 4096, PROT_READ));
  R(madvise(p, 4096, MADV_POPULATE_WRITE));
  R(mprotect(p, 4096, PROT_NONE));
  R(madvise(p, 4096, MADV_POPULATE_READ));
  R(mprotect(p, 4096, PROT_READ | PROT_WRITE));
  R(madvise(p, 4096, 102));
  T(p, p[0] = 1);
  R(madvise(p, 4096, MADV_DONTNEED));
  T(p, (void)*(volatile char *)p);
  R(madvise(p, 4096, 103));
  T(p, p[0] = 1);
  char *s = mmap(0, 4 * 4096, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  memset(s, 9, 4 * 4096);
  R(madvise(s, 4096, MADV_DONTNEED));
  R(s[0]);
  R(madvise(s, 4096, MADV_REMOVE));
  R(s[0]);
  R(s[4096]);
  R(madvise(s, 4096, MADV_FREE));
  R(madvise(s, 4096, MADV_WIPEONFORK));
  R(mlock(s, 4096));
  R(madvise(s, 4096, MADV_DONTNEED));
  R(madvise(s, 4096, MADV_DONTNEED_LOCKED));
  R(munlock(s, 4096));
  // mincore
  unsigned char v[8];
  char *m = mmap(0, 8 * 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  m[4096] = 1;
  R(mincore(m, 8 * 4096, v));
  for (int i = 0; i < 8; i++) printf("%d mincore page %d: %d\n", ++check_no, i, v[i] & 1);
  R(mincore(m + 1, 4096, v));
  R(mincore(m, 4096, (void *)1));
  R(mincore((void *)0x1000, 4096, v));
  R(mincore(m, -1UL, v));
  R(mincore(m, 0, v));
  // msync
  R(msync(m, 4096, MS_SYNC));
  R(msync(m, 4096, MS_SYNC | MS_ASYNC));
  R(msync(m, 4096, 8));
  R(msync(m + 1, 4096, MS_SYNC));
  R(msync((void *)0x1000, 4096, MS_SYNC));
  R(msync(m, -1UL, MS_SYNC));
  R(msync(m, -4096UL, MS_SYNC));
  R(mlock(m, 4096));
  R(msync(m, 4096, MS_INVALIDATE));
  return 0;
}
