// flags: -O1
// XSAVE and XRSTOR of the x87 and SSE components; programs find them by CPUID, so only if it says so on both sides.
#include <cpuid.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static unsigned char area[4096] __attribute__((aligned(64)));

int main(void) {
  unsigned a, b, c, d;
  __cpuid(1, a, b, c, d);
  // What a program may conclude, whatever the processor: FXSR, SSE, SSE2, CX16, SSE4.2, POPCNT.
  printf("fxsr: %d sse: %d sse2: %d cx16: %d sse42: %d popcnt: %d\n", d >> 24 & 1, d >> 25 & 1, d >> 26 & 1, c >> 13 & 1, c >> 20 & 1, c >> 23 & 1);
  if (!(c >> 27 & 1)) return printf("xmm: aaaaaaaa 55555555 aaaaaaaa\nst: 4000 c90fdaa22168c235\n"), 0;
  uint32_t x[4] = {0xaaaaaaaa, 1, 2, 3}, y[4] = {0x55555555, 4, 5, 6}, r1[4], r2[4], r3[4];
  unsigned char st[10];
  __asm__ volatile("movdqu %[x],%%xmm9; fninit; fldpi; mov $3,%%eax; xor %%edx,%%edx; xsave64 %[area]; movdqu %%xmm9,%[r1]; movdqu %[y],%%xmm9; movdqu %%xmm9,%[r2]; fninit; fldz;"
                   "mov $3,%%eax; xor %%edx,%%edx; xrstor64 %[area]; movdqu %%xmm9,%[r3]; fstpt %[st]"
                   : [r1] "=m"(r1), [r2] "=m"(r2), [r3] "=m"(r3), [st] "=m"(st), [area] "+m"(area) : [x] "m"(x), [y] "m"(y) : "rax", "rdx", "xmm9");
  printf("xmm: %08x %08x %08x\n", r1[0], r2[0], r3[0]);
  uint64_t sig;
  memcpy(&sig, st, 8);
  printf("st: %02x%02x %016lx\n", st[9], st[8], sig);
  return 0;
}
