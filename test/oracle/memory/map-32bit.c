// flags: -static
// MAP_32BIT: hints are taken where they fit below 2 GiB, also below 1 GiB; else the place is between 1 and 2 GiB.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
int main(void) {
  struct { unsigned long hint, len; } t[] = {{0x50000000, 0x100000}, {0x50000000, 0x1000}, {0x50080000, 0x1000}, {0x500ff123, 0x1000}, {0x50100123, 0x1000}, {0x30000000, 0x2000}, {0x7ffff000, 0x1000}, {0x7ffff000, 0x2000}, {0x80000000, 0x1000}, {0x123456789000, 0x1000}, {0, 0x1000}, {0x60000000, 0x20000001}, {0, 0x80000000}, {0, 0x80001000}};
  for (unsigned i = 0; i < sizeof t / sizeof *t; i++) { char *p = mmap((void *)t[i].hint, t[i].len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT | MAP_NORESERVE, -1, 0); unsigned long a = (unsigned long)p; printf("%lx %lx: %s%s%s\n", t[i].hint, t[i].len, p == MAP_FAILED ? strerrorname_np(errno) : a == (t[i].hint & ~0xffful) ? "as asked" : "elsewhere", p == MAP_FAILED ? "" : a + t[i].len <= 0x80000000 ? ", low" : ", high", p != MAP_FAILED && a >= 0x40000000 ? "" : ", below"); }
  return 0;
}
