// The coarse clocks: the same by system call and by vDSO, on ticks, never ahead of the fine ones.
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long long ns(struct timespec t) { return t.tv_sec * 1000000000LL + t.tv_nsec; }
static long long call(int clock) {
  struct timespec t;
  syscall(SYS_clock_gettime, clock, &t);
  return ns(t);
}
static long long fast(int clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return ns(t);
}

int main(void) {
  static const struct { int coarse, fine; const char *name; } clocks[] = {{CLOCK_REALTIME_COARSE, CLOCK_REALTIME, "realtime"}, {CLOCK_MONOTONIC_COARSE, CLOCK_MONOTONIC, "monotonic"}};
  for (int k = 0; k < 2; k++) {
    int back = 0, ahead = 0, behind = 0;
    long long last = 0, different = 0;
    for (int i = 0; i < 20000; i++) {
      long long now = i & 1 ? call(clocks[k].coarse) : fast(clocks[k].coarse);
      if (now < last) back++;
      if (now != last) different++;
      last = now;
      long long fine = i & 2 ? call(clocks[k].fine) : fast(clocks[k].fine);
      if (now > fine) ahead++;
      if (fine - now > 100000000) behind++;
    }
    struct timespec r;
    clock_getres(clocks[k].coarse, &r);
    printf("%s: back %d ahead %d behind by more than 100 ms %d few values %d resolution %ld\n", clocks[k].name, back, ahead, behind > 100, different < 5000, r.tv_nsec);
  }
  return 0;
}
