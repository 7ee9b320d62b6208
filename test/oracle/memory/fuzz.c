// flags: -static
// timeout: 60
// Memory calls with hostile arguments: whatever becomes of the callers, the kernel goes on.
#include "check.h"
static unsigned long state;
static unsigned long rnd(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}
static const int calls[] = {SYS_mmap, SYS_mprotect, SYS_munmap, SYS_brk, SYS_mremap, SYS_msync, SYS_mincore, SYS_madvise, SYS_mlock, SYS_munlock,
  SYS_mlockall, SYS_munlockall, SYS_mlock2, SYS_remap_file_pages, SYS_mbind, SYS_set_mempolicy, SYS_get_mempolicy, SYS_migrate_pages, SYS_move_pages,
  SYS_process_vm_readv, SYS_process_vm_writev, SYS_pkey_mprotect, SYS_pkey_alloc, SYS_pkey_free, 440, 462};
static unsigned long argument(void) {
  switch (rnd() % 11) {
    case 0: return rnd();
    case 1: return 0;
    case 2: return 4096;
    case 3: return -1UL;
    case 4: return rnd() % 64 * 4096;
    case 5: return 0x10000000000 + rnd() % 4096 * 4096;
    case 6: return 1UL << (rnd() % 64);
    case 7: return rnd() % 256;
    case 8: return -(rnd() % 100000);
    case 9: return (1UL << (rnd() % 64)) - 4096;
    default: return 0x7fffffffe000UL + rnd() % 16 * 4096 - 32768;
  }
}
int main(void) {
  struct rlimit as = {1UL << 28, 1UL << 28};
  setrlimit(RLIMIT_AS, &as);
  char name[] = "/tmp/fuzz-XXXXXX";
  int fd = mkstemp(name);
  unlink(name);
  ftruncate(fd, 100000);
  for (int i = 0; i < 100; i++) {
    pid_t p = fork();
    if (p == 0) {
      state = 88172645463325252UL + i * 7777777;
      for (int k = 0; k < 200; k++) {
        int nr = calls[rnd() % (sizeof calls / sizeof *calls)];
        unsigned long a[6];
        for (int j = 0; j < 6; j++) a[j] = argument();
        if (nr == SYS_mmap) {
          if (rnd() % 3) a[3] = (rnd() % 4 + 1) | (rnd() & 0x30);
          a[4] = rnd() % 2 ? fd : -1;
          if (rnd() % 2) a[5] = rnd() % 32 * 4096;
          if (rnd() % 2) a[2] = rnd() % 8;
        }
        // Not at other processes.
        if (nr == SYS_migrate_pages || nr == SYS_move_pages) a[0] = 0;
        if (nr == SYS_process_vm_readv || nr == SYS_process_vm_writev) a[0] = getpid();
        syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
        if (rnd() % 10 == 0 && fork() == 0) _exit(0);
      }
      _exit(0);
    }
    waitpid(p, 0, 0);
  }
  R(0);
  return 0;
}
