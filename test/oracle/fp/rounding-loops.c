// flags: -O3 -frounding-math -lm
// Vector loops under each rounding mode: code that was made for a loop in one mode runs it in another.
#include <fenv.h>
#include <stdio.h>
#include <string.h>
static double a[4096], b[4096], c[4096];
static __attribute__((noinline)) void run(double x) { for (int i = 0; i < 4096; i++) c[i] += x * b[i]; for (int i = 0; i < 4096; i++) a[i] = c[i] / b[i]; }
int main(void) {
  int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
  for (int r = 0; r < 400; r++) {
    fesetround(modes[r % 4]);
    if (r % 100 < 4) { for (int i = 0; i < 4096; i++) b[i] = 1.0 + i / 3.0, c[i] = i / 7.0; }
    run(1 / 3.0 + r);
    if (r % 50 < 4) { unsigned long h = 0, k; for (int i = 0; i < 4096; i++) { memcpy(&k, &a[i], 8); h = h * 31 + k; memcpy(&k, &c[i], 8); h = h * 31 + k; } printf("%d %lx\n", r, h); }
  }
}
