// flags: -static
#include "check.h"
#include <sys/uio.h>
#include <sys/ptrace.h>
#include <sys/prctl.h>
int main(void) {
  traps();
  char *p = mmap(0, 8192, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  strcpy(p, "parent");
  strcpy(p + 4090, "across pages");
  int go[2];
  pipe(go);
  pid_t c = fork();
  if (c == 0) {
    strcpy(p, "child");
    strcpy(p + 4090, "the other side");
    write(go[1], "x", 1);
    for (;;) pause();
  }
  char b[64] = {0}, d[64] = {0};
  read(go[0], b, 1);
  struct iovec l[2] = {{b, 5}, {b + 5, 20}}, r[2] = {{p, 6}, {p + 4090, 15}};
  R(process_vm_readv(c, l, 2, r, 2, 0));
  printf("read: %s %s\n", b, b + 6);
  R(process_vm_readv(c, l, 2, r, 2, 1));
  R(process_vm_readv(999999, l, 1, r, 1, 0));
  struct iovec bad[2] = {{p, 6}, {(void *)0x1000, 10}};
  R(process_vm_readv(c, l, 2, bad, 2, 0));
  R(process_vm_readv(c, l, 2, bad + 1, 1, 0));
  R(process_vm_readv(c, (void *)1, 2, r, 2, 0));
  R(process_vm_readv(c, l, 2000, r, 2, 0));
  R(process_vm_readv(c, l, 0, r, 2, 0));
  struct iovec w = {"poked", 6};
  R(process_vm_writev(c, &w, 1, r, 1, 0));
  R(process_vm_readv(c, l, 1, r, 1, 0));
  printf("after write: %.5s\n", b);
  // Through /proc/PID/mem.
  char path[64];
  sprintf(path, "/proc/%d/mem", c);
  int fd = open(path, O_RDWR);
  R(fd >= 0);
  R(pread(fd, d, 15, (off_t)(p + 4090)));
  printf("mem: %s\n", d);
  R(pwrite(fd, "mem!", 5, (off_t)p));
  R(pread(fd, d, 5, (off_t)p));
  printf("mem again: %s\n", d);
  R(pread(fd, d, 5, 0x1000));
  R(process_vm_readv(c, l, 1, r, 1, 0));
  // ptrace, through missing rights.
  static const long constant = 0x1122334455667788;
  R(ptrace(PTRACE_ATTACH, c, 0, 0));
  int st;
  R(waitpid(c, &st, 0) == c);
  R(WIFSTOPPED(st));
  errno = 0;
  printf("peek: %lx\n", ptrace(PTRACE_PEEKDATA, c, &constant, 0));
  R(ptrace(PTRACE_POKEDATA, c, &constant, 0x99));
  printf("peek again: %lx\n", ptrace(PTRACE_PEEKDATA, c, &constant, 0));
  printf("own: %lx\n", *(volatile const long *)&constant);
  R(ptrace(PTRACE_PEEKDATA, c, 0x1000, 0));
  kill(c, SIGKILL);
  waitpid(c, &st, 0);
  // Identity of shared memory and file mappings in maps.
  FILE *f;
  char line[512];
  mmap((void *)0x20000000000, 8192, 3, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  prctl(0x53564d41, 0, p, 4096, "named");
  f = fopen("/proc/self/maps", "r");
  while (fgets(line, sizeof line, f)) {
    if (strstr(line, "/dev/zero")) printf("shared: %.27s ... %s", line, strchr(line, '/'));
    if (strstr(line, "[anon")) printf("named: %s", strchr(line, '['));
    if (strstr(line, "[vdso]") || strstr(line, "[heap]") || strstr(line, "[stack]")) printf("special: %s", strchr(line, '['));
  }
  struct rusage a, z;
  getrusage(RUSAGE_SELF, &a);
  char *q = mmap(0, 400 * 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 400; i++) q[i * 4096] = 1;
  getrusage(RUSAGE_SELF, &z);
  long n = z.ru_minflt - a.ru_minflt;
  R(n >= 400 && n < 420);
  return 0;
}
