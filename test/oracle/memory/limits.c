// flags: -static
#include "check.h"
#include <sys/prctl.h>
static void limit(int what, unsigned long n) {
  struct rlimit l;
  getrlimit(what, &l);
  l.rlim_cur = n;
  R(setrlimit(what, &l));
}
static long status(const char *key) {
  FILE *f = fopen("/proc/self/status", "r");
  char line[256];
  long v = -2;
  while (fgets(line, sizeof line, f))
    if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':') v = atol(line + strlen(key) + 1);
  fclose(f);
  return v;
}
static int deep(int n) {
  volatile char b[1024];
  b[0] = n;
  return n == 0 ? b[0] : deep(n - 1) + b[0];
}
int main(void) {
  static char stack[65536];
  stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack};
  traps();
  sigaltstack(&ss, 0);
  setvbuf(stdout, 0, _IOLBF, 4096);
  R(status("VmLck"));
  R(mlock((void *)0x1000, 4096));
  char *p = mmap(0, 16 * 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  R(mlock(p, 4096));
  R(mlock(p + 100, 4096));
  R(status("VmLck"));
  R(munlock(p, 4096));
  R(status("VmLck"));
  R(mlock(p, -1UL));
  R(mlock2(p, 4096, 2));
  R(mlock2(p + 4 * 4096, 4096, 1));
  R(mlockall(0));
  R(mlockall(8));
  R(mlockall(MCL_ONFAULT));
  R(munlockall());
  R(status("VmLck"));
  // brk
  char *b0 = sbrk(0);
  R((char *)sbrk(100000) - b0);
  b0[50000] = 1;
  R((char *)sbrk(0) - b0);
  R((char *)sbrk(-100000) - b0);
  T(b0, b0[50000 + 8192] = 1);
  R(brk((void *)0));
  R(brk((void *)(1UL << 47)));
  R((char *)sbrk(0) - b0);
  // Stack growth.
  R(deep(4000));
  if (sigsetjmp(trap_env, 1) == 0) R(deep(200000));
  else R(trap_signal * 100 + trap_code);
  limit(RLIMIT_STACK, 1 << 20);
  R(deep(500));
  // A MAP_GROWSDOWN mapping grows, but keeps its distance from a neighbour.
  char *area = mmap(0, 4 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(area, 4 << 20);
  char *g = mmap(area + (3 << 20), 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
  R(g - area);
  T(g, g[-4096] = 1);
  T(g, g[-100 * 4096] = 1);
  maps("grown", area + (2 << 20), 2 << 20);
  mmap(area, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  limit(RLIMIT_STACK, RLIM_INFINITY);
  T(area, area[4096 * 250] = 1);
  T(area, area[4096 * 260] = 1);
  // Address space and data.
  limit(RLIMIT_AS, (status("VmSize") + 1024) * 1024);
  A(mmap(0, 512 * 1024, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  A(mmap(0, 1024 * 1024, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  A(mmap(0, 1024 * 1024, 0, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  limit(RLIMIT_AS, RLIM_INFINITY);
  limit(RLIMIT_DATA, (status("VmData") + 1024) * 1024);
  A(mmap(0, 1200 * 1024, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  A(mmap(0, 1200 * 1024, 1, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  A(mmap(0, 1200 * 1024, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  R(sbrk(2 << 20) == (void *)-1);
  limit(RLIMIT_DATA, RLIM_INFINITY);
  // Overcommit.
  A(mmap(0, 1UL << 45, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  A(mmap(0, 1UL << 45, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  A(mmap(0, 1UL << 45, 0, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  // Without privilege.
  if (fork() == 0) {
    limit(RLIMIT_MEMLOCK, 8192);
    R(setresuid(1000, 1000, 1000));
    R(mlock(p, 4096));
    R(mlock(p, 3 * 4096));
    R(mlock(p, 2 * 4096));
    R(mlock(p, 2 * 4096));
    R(mlockall(MCL_CURRENT));
    A(mmap(0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
    R(munlock(p, 4096));
    A(mmap(0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
    A(mmap(0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    limit(RLIMIT_MEMLOCK, 0);
    R(mlock(p, 4096));
    _exit(0);
  }
  wait(0);
  return 0;
}
