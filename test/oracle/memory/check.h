// Prints one line a check: label, result, errno name.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fcntl.h>

static int check_no;
static inline void report(const char *what, long r, int e) {
  if (r == -1) printf("%d %s: %s\n", ++check_no, what, strerrorname_np(e));
  else printf("%d %s: %ld\n", ++check_no, what, r);
  fflush(stdout);
}
// For calls whose success is an address: only whether it worked.
static inline void report_addr(const char *what, void *r, int e) {
  printf("%d %s: %s\n", ++check_no, what, r == MAP_FAILED ? strerrorname_np(e) : "ok");
  fflush(stdout);
}
#define R(x) do { errno = 0; long r_ = (long)(x); report(#x, r_, errno); } while (0)
#define A(x) do { errno = 0; void *r_ = (void *)(x); report_addr(#x, r_, errno); } while (0)

static sigjmp_buf trap_env;
static volatile int trap_signal, trap_code;
static volatile uintptr_t trap_addr;
static void trap_handler(int s, siginfo_t *i, void *c) {
  (void)c;
  trap_signal = s;
  trap_code = i->si_code;
  trap_addr = (uintptr_t)i->si_addr;
  siglongjmp(trap_env, 1);
}
static inline void traps(void) {
  struct sigaction a = {.sa_sigaction = trap_handler, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
  sigaction(SIGSEGV, &a, 0);
  sigaction(SIGBUS, &a, 0);
}
// Runs a statement and says how it ended: "fine", or signal, code, and the address relative to `base`.
#define T(base, stmt) do { \
    if (sigsetjmp(trap_env, 1) == 0) { stmt; printf("%d %s: fine\n", ++check_no, #stmt); } \
    else printf("%d %s: signal %d code %d at %ld\n", ++check_no, #stmt, trap_signal, trap_code, (long)(trap_addr - (uintptr_t)(base))); \
    fflush(stdout); } while (0)

// How many mappings touch [p, p+len), with their rights.
static inline void maps(const char *label, void *p, size_t len) {
  FILE *f = fopen("/proc/self/maps", "r");
  char line[512], rights[8];
  unsigned long a, b, off;
  printf("%d maps %s:", ++check_no, label);
  while (fgets(line, sizeof line, f))
    if (sscanf(line, "%lx-%lx %4s %lx", &a, &b, rights, &off) == 4 && a < (unsigned long)p + len && b > (unsigned long)p)
      printf(" [%ld,%ld %s]", (long)(a - (unsigned long)p) / 4096, (long)(b - (unsigned long)p) / 4096, rights);
  printf("\n");
  fclose(f);
  fflush(stdout);
}
