// flags: -static
#include "check.h"
int main(void) {
  traps();
  char *p = mmap(0, 64 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *a = p + 8 * 4096;
  A(mmap(a, 4 * 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
  for (int i = 0; i < 4; i++) a[i * 4096] = 'a' + i;
  A(mremap(a + 1, 4096, 8192, 0));
  A(mremap(a, 4096, 0, MREMAP_MAYMOVE));
  A(mremap(a, 4096, 8192, 8));
  A(mremap(a, 4096, 8192, MREMAP_FIXED, p));
  A(mremap(a, 4 * 4096, 5 * 4096, 0));
  A(mremap(a, 5 * 4096, 6 * 4096, MREMAP_MAYMOVE));
  A(mremap(a, 0, 4096, MREMAP_MAYMOVE));
  A(mremap((void *)0x1000, 4096, 8192, MREMAP_MAYMOVE));
  A(mremap(a, 4096, -1UL, MREMAP_MAYMOVE));
  A(mremap(a, 4096, 1UL << 47, MREMAP_MAYMOVE));
  R((char *)mremap(a, 4 * 4096, 2 * 4096, 0) - a);
  maps("shrunk", p, 64 * 4096);
  T(a, a[2 * 4096] = 1);
  char *m = mremap(a, 2 * 4096, 1024 * 4096, MREMAP_MAYMOVE);
  R(m != MAP_FAILED);
  R(m[0]);
  R(m[4096]);
  R(m[8192]);
  T(a, a[0] = 1);
  maps("moved away", p, 64 * 4096);
  A(mremap(m, 1024 * 4096, 2 * 4096, MREMAP_MAYMOVE | MREMAP_FIXED, m + 4096));
  R((char *)mremap(m, 1024 * 4096, 2 * 4096, MREMAP_MAYMOVE | MREMAP_FIXED, p + 20 * 4096) - p);
  R(p[20 * 4096]);
  R(p[21 * 4096]);
  T(m, m[0] = 1);
  A(mremap(p + 20 * 4096, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, p + 1));
  A(mremap(p + 20 * 4096, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)(1UL << 47)));
  A(mremap(p + 20 * 4096, 4096, 4096, MREMAP_FIXED, p));
  A(mremap(p + 20 * 4096, 8192, 4096, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0));
  char *d = mremap(p + 20 * 4096, 8192, 8192, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
  R(d != MAP_FAILED);
  R(d[0]);
  R(p[20 * 4096]);
  // In place, next to free room.
  char *g = mmap(0, 8 * 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(g + 4096, 7 * 4096);
  R((char *)mremap(g, 4096, 8 * 4096, 0) - g);
  T(g, g[7 * 4096] = 1);
  A(mremap(g, 8 * 4096, 16 * 4096, 0));
  // Shared memory: length 0 duplicates.
  char *s = mmap(0, 8192, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  s[0] = 's';
  s[4096] = 't';
  char *s2 = mremap(s, 0, 8192, MREMAP_MAYMOVE);
  R(s2 != MAP_FAILED && s2 != s);
  s2[0] = 'S';
  R(s[0]);
  R(s2[4096]);
  char *s3 = mremap(s, 8192, 3 * 4096, MREMAP_MAYMOVE);
  R(s3[4096]);
  T(s3, s3[2 * 4096] = 1);
  // Several mappings at once keep their distance.
  char *x = mmap(0, 32 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(x, 4096, 3);
  mprotect(x + 4096, 4096, 1);
  munmap(x + 2 * 4096, 4096);
  x[5] = 5;
  munmap(x + 16 * 4096, 8 * 4096);
  R((char *)mremap(x, 4 * 4096, 4 * 4096, MREMAP_MAYMOVE | MREMAP_FIXED, x + 16 * 4096) - x);
  maps("several", x, 32 * 4096);
  R(x[16 * 4096 + 5]);
  // Across two mappings without MREMAP_FIXED.
  A(mremap(x + 16 * 4096, 2 * 4096, 3 * 4096, MREMAP_MAYMOVE));
  return 0;
}
