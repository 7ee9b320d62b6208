// flags: -static
// personality(2): what it returns, what uname says under PER_LINUX32 and UNAME26, and that programs started later inherit it.
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
static void show(void) { struct utsname u; uname(&u); int a = 0, b = 0, c = 0; sscanf(u.release, "%d.%d.%d", &a, &b, &c); printf("%s %d.%d%s", u.machine, a, b, a == 2 ? c > 60 ? " old" : " ?" : ""); }
int main(int argc, char **argv) {
  if (argc > 1) { show(); printf(" %lx\n", syscall(SYS_personality, 0xffffffffL)); return 0; }
  unsigned v[] = {0, 8, 0x20008, 0x20000, 0x200000, 0x2f, 6, 0xffffffff, 0x12345678, 0xffffffff, 0x0400008, 0x20108, 0};
  for (unsigned i = 0; i < sizeof v / sizeof *v; i++) { long r = syscall(SYS_personality, (unsigned long)v[i]); printf("%x -> %lx: ", v[i], r); show(); printf("\n"); fflush(stdout); if (fork() == 0) { execl("/proc/self/exe", argv[0], "x", NULL); _exit(1); } wait(0); }
  return 0;
}
