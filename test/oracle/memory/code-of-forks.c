// Code at one address that differs between processes which were one, or which run the same program: nobody may run another's.
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;
static void fault(int s) { siglongjmp(back, s); }
// The number that the code at p returns, or minus the signal that calling it ends in.
static int call(void *p) { int s = sigsetjmp(back, 1); if (s) return -s; return ((int (*)(void))p)(); }
// mov $n,%eax; ret
static void put(void *p, int n) { unsigned char c[6] = {0xb8, n, 0, 0, 0, 0xc3}; memcpy(p, c, 6); }
static void say(const char *what, int v) { printf("%s %d\n", what, v); fflush(stdout); }
static void in_child(const char *what, void (*f)(void *), void *p) {
  fflush(stdout); pid_t c = fork();
  if (!c) { f(p); say(what, call(p)); exit(0); }
  waitpid(c, 0, 0);
}
static void nothing(void *p) { (void)p; }
static void put7(void *p) { put(p, 7); }
static void unmap(void *p) { munmap(p, 4096); }
static void no_exec(void *p) { mprotect(p, 4096, PROT_READ); }
static void discard(void *p) { madvise(p, 4096, MADV_DONTNEED); }
static void other_page(void *p) { int fd = open("code", O_RDONLY); mmap(p, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 4096); close(fd); }
static void move_away(void *p) { mremap(p, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, (char *)p + (1 << 20)); }
static void truncated(void *p) { (void)p; truncate("code", 0); }

int main(int argc, char **argv) {
  signal(SIGSEGV, fault); signal(SIGBUS, fault);
  if (argc > 1) { // the same program again: what its first run mapped is not there
    void *p = (void *)strtoul(argv[1], 0, 16);
    say("exec", call(p)); put(mmap(p, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), 9); say("exec mapped", call(p)); return 0;
  }
  char *a = mmap((void *)0x10000000, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  // Neither has touched the page at the fork: each makes its own.
  fflush(stdout); int ab[2], ba[2]; pipe(ab); pipe(ba); char c = 0; pid_t k = fork();
  if (!k) { read(ab[0], &c, 1); put(a, 2); say("child's own", call(a)); write(ba[1], &c, 1); read(ab[0], &c, 1); say("child's own again", call(a)); exit(0); }
  put(a, 1); say("parent's own", call(a)); write(ab[1], &c, 1); read(ba[0], &c, 1); say("parent's own again", call(a)); write(ab[1], &c, 1); waitpid(k, 0, 0);
  in_child("shared after fork", nothing, a); in_child("written after fork", put7, a); say("parent after it", call(a));
  in_child("unmapped", unmap, a); in_child("not executable", no_exec, a); in_child("discarded", discard, a); in_child("moved", move_away, a); say("parent still", call(a));

  unsigned char page[8192] = {0}; put(page, 3); put(page + 4096, 4);
  int fd = open("code", O_CREAT | O_RDWR | O_TRUNC, 0700); write(fd, page, 8192);
  char *f = mmap((void *)0x20000000, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0);
  // Not touched yet: forks that take it away, then those that run it, before and after the parent has.
  in_child("file", nothing, f); in_child("file unmapped", unmap, f); in_child("file written", put7, f); in_child("file's other page", other_page, f); in_child("file not executable", no_exec, f);
  say("file in the parent", call(f));
  in_child("file", nothing, f); in_child("file unmapped", unmap, f); in_child("file written", put7, f); in_child("file's other page", other_page, f); in_child("file moved", move_away, f);
  put(page, 5); pwrite(fd, page, 6, 0); say("file changed", call(f)); in_child("file changed", nothing, f);
  in_child("file cut off", truncated, f); say("file cut off", call(f)); pwrite(fd, page, 6, 0); say("file written anew", call(f));
  fflush(stdout); k = fork(); if (!k) { char n[32]; sprintf(n, "%lx", (unsigned long)f); execl("/proc/self/exe", argv[0], n, NULL); _exit(1); } waitpid(k, 0, 0);
  unlink("code"); say("end", call(f));
  return 0;
}
