// flags: -static
// timeout: 60
// Random calls on one region, in several processes; the mappings and the contents after them are digested.
#include "check.h"
#define BASE ((char *)0x10000000000)
#define PAGES 192
static unsigned seed;
static unsigned rnd(unsigned n) {
  seed = seed * 1103515245u + 12345u;
  return (seed >> 8) % n;
}
static unsigned long h;
static void mix(unsigned long v) { h = (h ^ v) * 0x100000001b3UL; }
static int fd;
static char rights[PAGES];
static void digest(int contents) {
  FILE *f = fopen("/proc/self/maps", "r");
  char line[512], r[8];
  unsigned long a, b, off;
  memset(rights, 0, sizeof rights);
  while (fgets(line, sizeof line, f))
    if (sscanf(line, "%lx-%lx %4s %lx", &a, &b, r, &off) == 4 && a < (unsigned long)(BASE + PAGES * 4096) && b > (unsigned long)BASE) {
      mix(a), mix(b), mix(r[0] + r[1] * 256 + r[2] * 65536 + r[3] * 16777216UL), mix(off);
      for (unsigned long p = a; p < b && p < (unsigned long)(BASE + PAGES * 4096); p += 4096)
        if (p >= (unsigned long)BASE) rights[(p - (unsigned long)BASE) / 4096] = (r[0] == 'r') + 2 * (r[1] == 'w');
    }
  fclose(f);
  if (!contents) return;
  for (int i = 0; i < PAGES; i++)
    if (rights[i] & 1) {
      if (sigsetjmp(trap_env, 1) == 0) mix(*(volatile int *)(BASE + i * 4096 + 64));
      else mix(trap_signal * 7 + trap_code);
    }
}
static void op(void) {
  int at = rnd(PAGES), n = 1 + rnd(12), to = rnd(PAGES), m = 1 + rnd(12);
  if (at + n > PAGES) n = PAGES - at;
  if (to + m > PAGES) m = PAGES - to;
  char *p = BASE + at * 4096, *q = BASE + to * 4096;
  int prot = rnd(4);
  long r = 0;
  errno = 0;
  switch (rnd(13)) {
    case 0: r = (long)mmap(p, n * 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0); break;
    case 1: r = (long)mmap(p, n * 4096, prot, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0); break;
    case 2: r = (long)mmap(p, n * 4096, prot, MAP_PRIVATE | MAP_FIXED, fd, rnd(8) * 4096); break;
    case 3: r = (long)mmap(p, n * 4096, prot, MAP_SHARED | MAP_FIXED, fd, rnd(8) * 4096); break;
    case 4: r = munmap(p, n * 4096); break;
    case 5: case 6: r = mprotect(p, n * 4096, prot); break;
    case 7: r = (long)mremap(p, n * 4096, m * 4096, MREMAP_MAYMOVE | MREMAP_FIXED, q); break;
    case 8: r = (long)mremap(p, n * 4096, m * 4096, 0); break;
    case 9: r = madvise(p, n * 4096, rnd(2) ? MADV_DONTNEED : MADV_DONTFORK + rnd(2)); break;
    case 10: r = madvise(p, n * 4096, rnd(2) ? MADV_SEQUENTIAL : MADV_NORMAL); break;
    default:
      for (int i = at; i < at + n; i++)
        if (sigsetjmp(trap_env, 1) == 0) *(volatile int *)(BASE + i * 4096 + 64) = (int)(seed + i);
        else mix(trap_signal * 11 + trap_code);
  }
  mix((unsigned long)r), mix(errno);
}
int main(void) {
  traps();
  char name[] = "/dev/shm/random-XXXXXX";
  fd = mkstemp(name);
  unlink(name);
  for (int round = 0; round < 24; round++) {
    ftruncate(fd, 0);
    ftruncate(fd, 10 * 4096);
    munmap(BASE, PAGES * 4096);
    seed = round * 7919 + 1;
    h = 14695981039346656037UL;
    for (int i = 0; i < 150; i++) {
      op();
      if (i % 10 == 9) digest(1);
      if (i % 40 == 39) {
        unsigned long before = h;
        unsigned s = seed;
        int pp[2];
        pipe(pp);
        pid_t pid = fork();
        if (pid == 0) {
          for (int k = 0; k < 30; k++) op();
          digest(1);
          write(pp[1], &h, sizeof h);
          _exit(0);
        }
        close(pp[1]);
        unsigned long theirs = 0;
        read(pp[0], &theirs, sizeof theirs);
        close(pp[0]);
        waitpid(pid, 0, 0);
        h = before, seed = s;
        mix(theirs);
        digest(1);
      }
    }
    printf("round %d: %016lx\n", round, h);
    fflush(stdout);
  }
  return 0;
}
