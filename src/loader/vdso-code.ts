/**
 * Machine code of the vDSO, position-independent, placed at VDSO_TEXT in the image. The time stamp counter counts monotonic nanoseconds
 * since boot, so no call is needed; the rest comes from the vvar page 0x6000 bytes below the image. Compiled from this C by
 * `gcc -O2 -fPIC -mno-sse -fcf-protection=none`, linked with the text at 0x6800 and vvar at 0:
 *
 * typedef long i64; typedef unsigned long u64;
 * struct vvar { i64 realSec; i64 realNsec; i64 bootNs; i64 taiSec; unsigned cpu, node; int tzMinutes, tzDst; };
 * extern const volatile struct vvar vvar __attribute__((visibility("hidden")));
 * struct ts { i64 sec, nsec; };
 * static inline __attribute__((always_inline)) u64 now(void){ unsigned a,d; __asm__ volatile("rdtsc":"=a"(a),"=d"(d)); return (u64)d<<32|a; }
 * static inline __attribute__((always_inline)) long sys2(long n,long a,void*b){ long r; __asm__ volatile("syscall":"=a"(r):"a"(n),"D"(a),"S"(b):"rcx","r11","memory"); return r; }
 * int clock_gettime_(int clk, struct ts *t){
 *   if((unsigned)clk>11 || !((1u<<clk)&0x8f3)) return sys2(228,clk,t);
 *   u64 ns=now();
 *   if((1u<<clk)&0x60) ns-=ns%4000000;
 *   if(clk==7) ns+=vvar.bootNs;
 *   u64 s=ns/1000000000; ns-=s*1000000000;
 *   if((1u<<clk)&0x821){ s+=vvar.realSec; ns+=vvar.realNsec; if(ns>=1000000000){ns-=1000000000;s++;} if(clk==11)s+=vvar.taiSec; }
 *   t->sec=s; t->nsec=ns; return 0; // in this order, so that a bad pointer faults at sec (stored so by hand: compilers turn it round)
 * }
 * int gettimeofday_(struct ts *tv, int *tz){
 *   if(tv){ u64 ns=now(); u64 s=ns/1000000000; ns-=s*1000000000; s+=vvar.realSec; ns+=vvar.realNsec; if(ns>=1000000000){ns-=1000000000;s++;} tv->sec=s; tv->nsec=ns/1000; }
 *   if(tz){ tz[0]=vvar.tzMinutes; tz[1]=vvar.tzDst; }
 *   return 0;
 * }
 * i64 time_(i64*t){ u64 ns=now(); u64 s=ns/1000000000; ns-=s*1000000000; s+=vvar.realSec; ns+=vvar.realNsec; if(ns>=1000000000)s++; if(t)*t=s; return s; }
 * int getcpu_(unsigned*c,unsigned*n,void*x){ if(c)*c=vvar.cpu; if(n)*n=vvar.node; return 0; }
 * int clock_getres_(int clk, struct ts*t){
 *   if((unsigned)clk>11 || !((1u<<clk)&0x8f3)) return sys2(229,clk,t);
 *   if(t){ t->sec=0; t->nsec=((1u<<clk)&0x60)?4000000:1; }
 *   return 0;
 * }
 */
export const VDSO_CODE: string =
  '83ff0b0f87b7000000b8f30800000fa3f80f83a90000000f3148c1e22089c04889d14809c1b8600000000fa3f8731b48b8db34b6d782de1b' +
  '4348f7e14889d148c1e9144869c900093d0083ff070f848d00000048b8535a9ba02fb844004889ca48c1ea0948f7e24889c8b92108000048' +
  'c1ea0b4c69c200ca9a3b4c29c00fa3f9732b488b0d7797ffff4801ca488b0d7597ffff4801c8483dffc99a3b760a482d00ca9a3b4883c201' +
  '83ff0b74234889164889460831c0c3660f1f8400000000004863ffb8e40000000f05c30f1f440000488b0d4197ffff4801caebd10f1f4000' +
  '488b052997ffff4801c148b8535a9ba02fb844004889ca48c1ea0948f7e24889c848c1ea0b4869fa00ca9a3b4889164829f84889460831c0' +
  'c30f1f80000000004885ff74680f3148c1e22089c04c8b05cc96ffff4889d14809c148b8535a9ba02fb844004889ca48c1ea0948f7e2488b' +
  '05b396ffff48c1ea0b4901d04869d200ca9a3b4829d14801c8483dffc99a3b773f48c1e8034c890748bacff753e3a59bc42048f7e248c1ea' +
  '04488957084885f674118b059096ffff89068b058c96ffff89460431c0c3662e0f1f840000000000482d00ca9a3b4983c001ebb50f1f4000' +
  '4889fe0f3148c1e22089c04889d14809c148b8535a9ba02fb844004889ca48c1ea0948f7e2488b051496ffff488b3d1596ffff48c1ea0b48' +
  '01d04869d200ca9a3b4829d14801f94881f900ca9a3b4883d8ff4885f67403488906c30f1f4400004885ff74088b05f595ffff89074885f6' +
  '74088b05ec95ffff890631c0c30f1f0083ff0b773bb8f30800000fa3f873314885f67429b86000000089f948c70600000000d3e883e00183' +
  'f8014819c0482501f7c2ff480500093d004889460831c0c34863ffb8e50000000f05c3';

/** Offset of the code in the image. */
export const VDSO_TEXT = 0x800;
/** Distance from the vvar page to the image. */
export const VVAR_TO_VDSO = 0x6000;
/** Name and offset in the code. Each is also exported without the prefix, weakly, as Linux does. */
export const VDSO_FUNCTIONS: readonly (readonly [string, number])[] = [
  ['clock_gettime', 0x000],
  ['gettimeofday', 0x120],
  ['time', 0x1c0],
  ['getcpu', 0x220],
  ['clock_getres', 0x240],
];

// struct vvar: offsets in bytes.
export const VVAR_REAL_SEC = 0, VVAR_REAL_NSEC = 8, VVAR_BOOT_NS = 16, VVAR_TAI_SEC = 24, VVAR_CPU = 32, VVAR_NODE = 36;
