// flags: -O1 -lm
// long double: libm through x87, printing and reading.
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const long double values[] = {0.0L, -0.0L, 1.0L, -1.0L, 0.1L, 3.14159265358979323846L, 1e10L, -1e-10L, 123456789.987654321L, 1e300L, 1e-300L, 2.5L, 0.5L, 100.0L, 7e4931L, 1e-4940L};
#define N (int)(sizeof values / sizeof *values)

int main(void) {
  for (int i = 0; i < N; i++) {
    volatile long double x = values[i];
    printf("print %d: %Lf|%.20Le|%Lg|%La\n", i, fabsl(x) > 1e40L ? 0.0L : x, x, x, x);
    printf("arith %d: %La %La %La %La %La\n", i, x + 1, x * x, 1 / x, x - 0.1L, sqrtl(fabsl(x)));
    printf("convert %d: %a %a %lld %d\n", i, (double)x, (double)(float)x, fabsl(x) < 9e18L ? (long long)x : 0, fabsl(x) < 2e9L ? (int)x : 0);
    printf("round %d: %La %La %La %La %La\n", i, floorl(x), ceill(x), truncl(x), rintl(x), roundl(x));
    printf("mod %d: %La %La\n", i, fmodl(x, 0.7L), remainderl(x, 3.0L));
    int e;
    long double fr = frexpl(x, &e);
    printf("parts %d: %La %d %La %d\n", i, fr, e, ldexpl(fr, e), fpclassify(x));
    printf("compare %d: %d %d %d\n", i, x < 0.5L, x == 2.5L, isnan(x / x) != 0);
  }
  // Transcendental functions to 60 bits: the last places are the processor's own.
  for (int i = 2; i < 14; i++) {
    volatile long double x = values[i], y = fabsl(x);
    printf("exp %d: %.17Lg\n", i, y < 11000 ? expl(x) : 0);
    printf("log %d: %.17Lg %.17Lg %.17Lg\n", i, logl(y), log2l(y), log10l(y));
    printf("trig %d: %.17Lg %.17Lg %.17Lg\n", i, y < 1e15L ? sinl(x) : 0, y < 1e15L ? cosl(x) : 0, y < 1e15L ? tanl(x) : 0);
    printf("atan %d: %.17Lg %.17Lg\n", i, atanl(x), atan2l(x, -2.0L));
    printf("pow %d: %.17Lg\n", i, powl(y, 0.3L));
  }
  static const char *texts[] = {"0.1", "1e4000", "-3.5e-4900", "0x1.8p3", "inf", "nan", "123456789012345678901234567890", "1e-5000"};
  for (int i = 0; i < 8; i++) printf("read %d: %La %a\n", i, strtold(texts[i], 0), strtod(texts[i], 0));
  printf("limits: %La %La %La\n", LDBL_MAX, LDBL_MIN, LDBL_EPSILON);
  return 0;
}
