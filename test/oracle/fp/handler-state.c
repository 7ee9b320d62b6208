// flags: -O1
// A signal handler starts with the initial floating-point state, and its own ends with it. Linux 6.18 arch/x86/kernel/signal.c handle_signal().
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xmmintrin.h>

static uint32_t csr, xmm[4];
static uint16_t cw, sw;
static void handler(int sig) {
  __asm__ volatile("movdqu %%xmm7,%0" : "=m"(xmm));
  __asm__ volatile("stmxcsr %0; fnstcw %1; fnstsw %2" : "=m"(csr), "=m"(cw), "=m"(sw));
  uint32_t other = 0x7f80;
  uint16_t control = 0xc7f;
  __asm__ volatile("ldmxcsr %0; fldcw %1; pcmpeqd %%xmm7,%%xmm7; fldpi" ::"m"(other), "m"(control) : "xmm7");
}
int main(void) {
  struct sigaction sa = {.sa_handler = handler};
  sigaction(SIGUSR1, &sa, 0);
  uint32_t mine = 0x3f80, after, v[4] = {1, 2, 3, 4}, w[4];
  uint16_t control = 0x77f, cw2, sw2;
  __asm__ volatile("ldmxcsr %2; fldcw %3; fld1; fldz; movdqu %4,%%xmm7; mov $39,%%eax; syscall; mov %%eax,%%edi; mov $10,%%esi; mov $62,%%eax; syscall; movdqu %%xmm7,%0; stmxcsr %1"
                   : "=m"(w), "=m"(after) : "m"(mine), "m"(control), "m"(v) : "rax", "rcx", "r11", "rdi", "rsi", "xmm7", "memory");
  __asm__ volatile("fnstcw %0; fnstsw %1; fninit" : "=m"(cw2), "=m"(sw2));
  _mm_setcsr(0x1f80);
  printf("handler: mxcsr %04x cw %04x sw %04x xmm7 %x %x\n", csr, cw, sw, xmm[0], xmm[3]);
  printf("after: mxcsr %04x cw %04x sw %04x xmm7 %x %x %x %x\n", after, cw2, sw2, w[0], w[1], w[2], w[3]);
  return 0;
}
