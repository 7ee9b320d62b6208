// flags: -O1 -msse3 -mxsave
// FXSAVE, FXRSTOR, XSAVE, XRSTOR, and the floating-point state in a signal frame.
#define _GNU_SOURCE
#include <emmintrin.h>
#include <immintrin.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

static unsigned char area[1024] __attribute__((aligned(64)));
static unsigned char blank[1024] __attribute__((aligned(64)));
static void show(const char *label, const unsigned char *a) {
  uint16_t cw, sw;
  uint32_t csr, mask;
  memcpy(&cw, a, 2), memcpy(&sw, a + 2, 2), memcpy(&csr, a + 24, 4), memcpy(&mask, a + 28, 4);
  // MXCSR_MASK has a bit of its own on AMD processors (misaligned SSE), which is not claimed inside.
  printf("%s control: %04x %04x %02x %04x %04x\n", label, cw, sw, a[4], csr & 0xffc0, mask & 0xffff);
  for (int i = 0; i < 8; i++) {
    printf("%s st%d: ", label, i);
    for (int k = 9; k >= 0; k--) printf("%02x", a[32 + i * 16 + k]);
    printf("\n");
  }
  for (int i = 0; i < 16; i++) {
    printf("%s xmm%d: ", label, i);
    for (int k = 15; k >= 0; k--) printf("%02x", a[160 + i * 16 + k]);
    printf("\n");
  }
}
static volatile int seen;
static void on_usr1(int sig, siginfo_t *si, void *p) {
  ucontext_t *uc = p;
  struct _libc_fpstate *fp = uc->uc_mcontext.fpregs;
  printf("signal frame: cw %04x sw %04x mxcsr %04x xmm5 %08x %08x st0 %04x\n", fp->cwd, fp->swd & 0x3fff, fp->mxcsr & 0xffc0, fp->_xmm[5].element[0], fp->_xmm[5].element[3], fp->_st[0].exponent);
  fp->_xmm[6].element[1] = 0x12345678;
  fp->mxcsr = 0x3f80;
  fp->cwd = 0x77f;
  fp->_st[0].exponent = 0x4001;
  __asm__ volatile("pcmpeqd %%xmm5,%%xmm5; pcmpeqd %%xmm6,%%xmm6; fninit; fldz" ::: "xmm5", "xmm6");
  seen++;
}
int main(void) {
  __asm__ volatile("fninit; fldpi; fld1; fldl2e; fldz; fchs" ::);
  __asm__ volatile("movd %0,%%xmm0; pshufd $0,%%xmm0,%%xmm1; pshufd $0x1b,%%xmm0,%%xmm15; movdqa %%xmm1,%%xmm7; paddd %%xmm7,%%xmm7" ::"r"(0x01020304) : "xmm0", "xmm1", "xmm7", "xmm15");
  __asm__ volatile("pxor %%xmm2,%%xmm2; pxor %%xmm3,%%xmm3; pxor %%xmm4,%%xmm4; pxor %%xmm5,%%xmm5; pxor %%xmm6,%%xmm6; movdqa %%xmm2,%%xmm8; movdqa %%xmm2,%%xmm9; movdqa %%xmm2,%%xmm10; movdqa %%xmm2,%%xmm11;"
                   "movdqa %%xmm2,%%xmm12; movdqa %%xmm2,%%xmm13; movdqa %%xmm2,%%xmm14; fxsave64 %0" : "=m"(area)::"xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14");
  show("fxsave", area);
  area[160 + 5 * 16] = 0x55;
  area[32] = 1;
  area[24] = 0x80, area[25] = 0x7f;
  __asm__ volatile("fxrstor64 %0; fxsave64 %1" ::"m"(area), "m"(blank) : "memory");
  show("fxrstor", blank);
  unsigned csr = _mm_getcsr();
  printf("csr: %04x\n", csr & 0xffc0);
  _mm_setcsr(0x1f80);
  __asm__ volatile("fninit; fld1; fldpi");
  struct sigaction sa = {.sa_sigaction = on_usr1, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &sa, 0);
  uint32_t five[4] = {0xabcdef01, 2, 3, 0x99}, six[4] = {1, 2, 3, 4}, out5[4], out6[4];
  long pid = 0;
  __asm__ volatile("movdqu %2,%%xmm5; movdqu %3,%%xmm6; mov $39,%%eax; syscall; mov %%eax,%%edi; mov $10,%%esi; mov $62,%%eax; syscall; movdqu %%xmm5,%0; movdqu %%xmm6,%1"
                   : "=m"(out5), "=m"(out6) : "m"(five), "m"(six) : "rax", "rcx", "r11", "rdi", "rsi", "xmm5", "xmm6", "memory");
  printf("after signal: %x %x | %x %x %x %x seen %d %ld\n", out5[0], out5[3], out6[0], out6[1], out6[2], out6[3], seen, pid);
  uint16_t cw;
  unsigned char st0[10];
  __asm__ volatile("fnstcw %0; fstpt %1" : "=m"(cw), "=m"(st0));
  printf("after signal x87: %04x %02x%02x mxcsr %04x\n", cw, st0[9], st0[8], _mm_getcsr() & 0xffc0);
  return 0;
}
