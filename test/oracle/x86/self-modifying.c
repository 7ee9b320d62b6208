// Code that is written, run, changed and run again: by the program itself, in a loop, across pages, from another mapping.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef int (*fn)(void);

static void return_value(char *at, int v) {
  at[0] = 0xb8;
  memcpy(at + 1, &v, 4);
  at[5] = 0xc3;
}

int main(void) {
  char *code = mmap(0, 4 * 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  fn f = (fn)code;
  long sum = 0;
  for (int i = 0; i < 2000; i++) {
    return_value(code, i);
    sum += f();
  }
  printf("rewritten each time: %ld\n", sum);
  sum = 0;
  for (int i = 0; i < 2000; i++) {
    if (i % 100 == 0) return_value(code, i);
    sum += f();
  }
  printf("rewritten now and then: %ld\n", sum);
  // A function that increments its own immediate: mov eax,imm; inc dword [rip-…]; ret
  memcpy(code, "\xb8\x00\x00\x00\x00\xff\x05\xf6\xff\xff\xff\xc3", 12);
  sum = 0;
  for (int i = 0; i < 1000; i++) sum = sum * 3 + f();
  printf("increments itself: %ld\n", sum);
  // The next instruction is changed just before it runs: mov byte [rip+1],imm8 ; mov al,0 ; ret
  memcpy(code, "\x31\xc0\xc6\x05\x01\x00\x00\x00\x2a\xb0\x00\xc3", 12);
  printf("next instruction: %d\n", f());
  // Across a page boundary.
  for (int i = 0; i < 4; i++) {
    return_value(code + 4096 - 3, 1000 + i);
    printf("across pages %d: %d\n", i, ((fn)(code + 4096 - 3))());
  }
  // Data beside code in one page.
  return_value(code + 256, 77);
  volatile int *data = (int *)(code + 512);
  for (int i = 0; i < 1000; i++) {
    *data += ((fn)(code + 256))();
  }
  printf("data beside code: %d\n", *data);
  // Written through another mapping of the same memory.
  int fd = memfd_create("code", 0);
  ftruncate(fd, 4096);
  char *w = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  char *x = mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
  for (int i = 0; i < 3; i++) {
    return_value(w, 500 + i);
    printf("through another mapping %d: %d\n", i, ((fn)x)());
  }
  // By a system call.
  char image[6];
  for (int i = 0; i < 3; i++) {
    return_value(image, 900 + i);
    pwrite(fd, image, 6, 0);
    printf("by pwrite %d: %d\n", i, ((fn)x)());
  }
  // Unmapped and mapped anew at the same place.
  for (int i = 0; i < 3; i++) {
    char *m = mmap((void *)0x30000000, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    return_value(m, 40 + i);
    printf("mapped anew %d: %d\n", i, ((fn)m)());
    munmap(m, 4096);
  }
  // Through mprotect, as JITs do.
  for (int i = 0; i < 3; i++) {
    mprotect(code, 4096, PROT_READ | PROT_WRITE);
    return_value(code, 70 + i);
    mprotect(code, 4096, PROT_READ | PROT_EXEC);
    printf("mprotect %d: %d\n", i, f());
  }
  // A forked child changes its own copy only.
  mprotect(code, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
  return_value(code, 1);
  int before = f();
  fflush(stdout);
  if (fork() == 0) {
    return_value(code, 2);
    _exit(f() == 2 ? 0 : 1);
  }
  int status;
  extern int wait(int *);
  wait(&status);
  printf("after fork: before %d child %d after %d\n", before, status, f());
  return 0;
}
