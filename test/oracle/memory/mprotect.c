// flags: -static
#include "check.h"
static char code[] = {(char)0xb8, 42, 0, 0, 0, (char)0xc3};
int main(void) {
  traps();
  char *p = mmap(0, 16 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  T(p, (void)*(volatile char *)(p + 4096));
  T(p, p[4097] = 1);
  R(mprotect(p + 4096, 4 * 4096, PROT_READ));
  maps("read", p, 16 * 4096);
  T(p, (void)*(volatile char *)(p + 4096));
  T(p, p[4097] = 1);
  R(mprotect(p + 4096, 8192, PROT_WRITE));
  T(p, p[4097] = 9);
  R(p[4097]);
  maps("write", p, 16 * 4096);
  R(mprotect(p + 4096, 4096, PROT_NONE));
  T(p, (void)*(volatile char *)(p + 4097));
  R(mprotect(p + 4096, 4096, PROT_READ));
  R(p[4097]);
  R(mprotect(p, 16 * 4096, PROT_READ | PROT_WRITE));
  maps("all", p, 16 * 4096);
  R(mprotect(p, 16 * 4096, 8));
  R(mprotect(p, 4096, 16));
  R(mprotect(p + 1, 4096, 1));
  R(mprotect(p, 0, 1));
  R(mprotect(p, -1UL, 1));
  R(mprotect(p, 4096, PROT_GROWSDOWN | PROT_READ));
  R(mprotect(p, 4096, PROT_GROWSUP | PROT_READ));
  R(mprotect(p, 4096, PROT_GROWSUP | PROT_GROWSDOWN | PROT_READ));
  R(munmap(p + 8 * 4096, 4096));
  R(mprotect(p, 16 * 4096, PROT_READ));
  maps("partly", p, 16 * 4096);
  R(mprotect((void *)(1UL << 47), 4096, 1));
  R(mprotect((void *)0x1000, 4096, 1));
  R(mprotect(p, 4096, PROT_READ | PROT_WRITE));
  memcpy(p, code, sizeof code);
  T(p, ((int (*)(void))p)());
  R(mprotect(p, 4096, PROT_READ | PROT_EXEC));
  R(((int (*)(void))p)());
  T(p, p[1] = 43);
  R(mprotect(p, 4096, PROT_READ | PROT_WRITE | PROT_EXEC));
  p[1] = 43;
  R(((int (*)(void))p)());
  p[1] = 44;
  R(((int (*)(void))p)());
  R(mprotect(p, 4096, PROT_EXEC));
  T(p, (void)*(volatile char *)p);
  R(((int (*)(void))p)());
  R(mprotect(p, 4096, PROT_READ));
  T(p, ((int (*)(void))p)());
  // A page of code replaced by another mapping.
  R(mprotect(p, 4096, PROT_READ | PROT_EXEC));
  R(((int (*)(void))p)());
  mmap(p, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  memcpy(p, code, sizeof code);
  R(((int (*)(void))p)());
  if (fork() == 0) {
    p[1] = 77;
    printf("child: %d\n", ((int (*)(void))p)());
    fflush(stdout);
    _exit(0);
  }
  wait(0);
  R(((int (*)(void))p)());
  // Rights through fork and copy-on-write.
  char *q = mmap(0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  q[0] = 1;
  if (fork() == 0) {
    mprotect(q, 4096, PROT_READ);
    T(q, q[0] = 2);
    _exit(0);
  }
  wait(0);
  check_no++;
  T(q, q[0] = 3);
  R(q[0]);
  R(syscall(SYS_pkey_mprotect, q, 4096, 3, -1));
  R(syscall(SYS_pkey_mprotect, q, 4096, 3, 1));
  R(syscall(SYS_pkey_alloc, 0, 0));
  R(syscall(SYS_pkey_free, 0));
  return 0;
}
