// flags: -O1 -frounding-math -lm
// Rounding modes, exception flags and unmasked exceptions of SSE and x87, as a program sees them.
#define _GNU_SOURCE
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <xmmintrin.h>

static volatile double one = 1, three = 3, zero = 0, huge = 1e308, tiny = 1e-308, denormal = 4.9e-324;
static volatile float onef = 1, threef = 3;
static volatile long double onel = 1, threel = 3, zerol = 0;

static uint64_t bits(double d) { uint64_t u; memcpy(&u, &d, 8); return u; }
static void hexl(const char *label, long double x) {
  unsigned char b[16] = {0};
  memcpy(b, &x, 10);
  printf("%s: ", label);
  for (int i = 9; i >= 0; i--) printf("%02x", b[i]);
  printf("\n");
}
static const char *flags(void) {
  static char s[64];
  int f = fetestexcept(FE_ALL_EXCEPT);
  snprintf(s, sizeof s, "%s%s%s%s%s", f & FE_INVALID ? "I" : "", f & FE_DIVBYZERO ? "Z" : "", f & FE_OVERFLOW ? "O" : "", f & FE_UNDERFLOW ? "U" : "", f & FE_INEXACT ? "P" : "");
  feclearexcept(FE_ALL_EXCEPT);
  return s;
}
static sigjmp_buf back;
static volatile int code;
static void on_fpe(int sig, siginfo_t *si, void *uc) { code = si->si_code; siglongjmp(back, 1); }

int main(void) {
  static const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
  char label[64];
  for (int m = 0; m < 4; m++) {
    fesetround(modes[m]);
    snprintf(label, sizeof label, "div mode %d", m);
    printf("%s: %016lx %a\n", label, bits(one / three), (double)(onef / threef));
    snprintf(label, sizeof label, "divl mode %d", m);
    hexl(label, onel / threel);
    snprintf(label, sizeof label, "neg mode %d", m);
    hexl(label, -onel / threel);
    printf("rint mode %d: %g %g %g %ld %ld\n", m, rint(2.5 * one), rint(-2.5 * one), nearbyint(3.5 * one), lrint(-0.5 * one), lrintl(1.5L * onel));
    printf("conv mode %d: %.9g %.9g\n", m, (double)(float)(one / 3 * 1.00000001), (double)(float)(int64_t)(0x7fffffffffffff01 * one));
    printf("sqrt mode %d: %016lx\n", m, bits(sqrt(2 * one)));
    printf("over mode %d: %a %a\n", m, huge * 10, -huge * 10);
    printf("print mode %d: %.3f %.0f %.15Lg\n", m, 0.0625 * one + 0.9, 2.5 * one, onel / threel);
  }
  fesetround(FE_TONEAREST);
  feclearexcept(FE_ALL_EXCEPT);
  volatile double r;
  volatile long double rl;
  r = one + one; printf("flags exact: %s\n", flags());
  r = one / three; printf("flags inexact: %s\n", flags());
  r = one / zero; printf("flags div0: %s\n", flags());
  r = zero / zero; printf("flags invalid: %s\n", flags());
  r = huge * huge; printf("flags overflow: %s\n", flags());
  r = tiny * tiny; printf("flags underflow: %s\n", flags());
  r = denormal / 2; printf("flags denormal: %s\n", flags());
  r = sqrt(-one); printf("flags sqrt: %s\n", flags());
  int cmp = NAN < one; printf("flags compare: %s %d\n", flags(), cmp);
  cmp = isless(NAN * one, one); printf("flags quiet compare: %s %d\n", flags(), cmp);
  volatile int ci = (int)(1e30 * one); printf("flags to int: %s %d\n", flags(), ci);
  r = (double)(int)(1.5 * one); printf("flags trunc: %s\n", flags());
  r = exp(1000 * one); printf("flags exp: %s %g\n", flags(), r);
  r = log(-one); printf("flags log: %s %d\n", flags(), isnan(r) != 0);
  r = fma(one / three, three, -one); printf("fma: %s %a\n", flags(), r);
  rl = onel / threel; printf("flags inexact l: %s\n", flags());
  rl = onel / zerol; printf("flags div0 l: %s\n", flags());
  rl = zerol / zerol; printf("flags invalid l: %s\n", flags());
  rl = LDBL_MAX * (threel); printf("flags overflow l: %s\n", flags());
  rl = LDBL_MIN / 3 / onel; printf("flags underflow l: %s\n", flags());
  feraiseexcept(FE_OVERFLOW | FE_INVALID); printf("raise: %s\n", flags());
  fenv_t env;
  feholdexcept(&env); r = one / zero; printf("held: %s\n", flags()); fesetenv(&env);
  // FTZ and DAZ.
  unsigned csr = _mm_getcsr();
  _mm_setcsr(csr | 0x8040);
  printf("ftz: %a %a\n", tiny * 1e-10, denormal * 1e300);
  _mm_setcsr(csr);
  printf("no ftz: %a %a\n", tiny * 1e-10, denormal * 1e300);
  // Unmasked exceptions.
  struct sigaction sa = {.sa_sigaction = on_fpe, .sa_flags = SA_SIGINFO};
  sigaction(SIGFPE, &sa, 0);
  for (int k = 0; k < 5; k++) {
    static const int which[] = {FE_DIVBYZERO, FE_INVALID, FE_OVERFLOW, FE_UNDERFLOW, FE_INEXACT};
    feclearexcept(FE_ALL_EXCEPT);
    code = 0;
    if (!sigsetjmp(back, 1)) {
      feenableexcept(which[k]);
      r = k == 0 ? one / zero : k == 1 ? zero / zero : k == 2 ? huge * huge : k == 3 ? tiny * tiny : one / three;
    }
    fedisableexcept(FE_ALL_EXCEPT);
    printf("trap sse %d: %d\n", k, code);
    feclearexcept(FE_ALL_EXCEPT);
    code = 0;
    if (!sigsetjmp(back, 1)) {
      feenableexcept(which[k]);
      rl = k == 0 ? onel / zerol : k == 1 ? zerol / zerol : k == 2 ? LDBL_MAX * threel : k == 3 ? LDBL_MIN * LDBL_MIN * onel : onel / threel;
      rl += onel;
    }
    fedisableexcept(FE_ALL_EXCEPT);
    feclearexcept(FE_ALL_EXCEPT);
    printf("trap x87 %d: %d\n", k, code);
  }
  // Precision control.
  for (int pc = 0; pc < 4; pc++) {
    unsigned short cw = 0x7f | pc << 8, old;
    if (pc == 1) continue;
    __asm__ volatile("fnstcw %0; fldcw %1" : "=m"(old) : "m"(cw));
    rl = onel / threel;
    __asm__ volatile("fldcw %0" ::"m"(old));
    snprintf(label, sizeof label, "precision %d", pc);
    hexl(label, rl);
  }
  return 0;
}
