// Several processors: what is online, and that a task is where its mask says, however it asks.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

static int stat_cpu(void) {
  char b[2000];
  FILE *f = fopen("/proc/self/stat", "r");
  b[fread(b, 1, sizeof b - 1, f)] = 0;
  fclose(f);
  char *p = strrchr(b, ')') + 2;
  for (int i = 3; i < 39; i++) p = strchr(p, ' ') + 1;
  return atoi(p);
}
static void *where(void *arg) {
  unsigned c, n, aux;
  syscall(SYS_getcpu, &c, &n, 0);
  __rdtscp(&aux);
  unsigned v, w;
  getcpu(&v, &w);
  printf("%s: call %u, glibc %d, vdso %u, rdtscp %u, stat %d\n", (char *)arg, c, sched_getcpu(), v, aux & 0xfff, stat_cpu());
  fflush(stdout);
  return 0;
}
int main(void) {
  int n = sysconf(_SC_NPROCESSORS_ONLN);
  cpu_set_t all, one;
  sched_getaffinity(0, sizeof all, &all);
  printf("%d online, %ld configured, %d usable\n", n, sysconf(_SC_NPROCESSORS_CONF), CPU_COUNT(&all));
  for (int i = n - 1; i >= 0; i--) {
    CPU_ZERO(&one);
    CPU_SET(i, &one);
    if (sched_setaffinity(0, sizeof one, &one)) continue;
    where("self");
    if (!fork()) { where("child"); _exit(0); }
    wait(0);
    pthread_t t;
    pthread_create(&t, 0, where, "thread");
    pthread_join(t, 0);
  }
  sched_setaffinity(0, sizeof all, &all);
  CPU_ZERO(&one);
  CPU_SET(n, &one);
  printf("one that is not there: %d\n", sched_setaffinity(0, sizeof one, &one));
  fflush(stdout);
  return system("grep -c ^processor /proc/cpuinfo; grep -c '^cpu[0-9]' /proc/stat; nproc; taskset -c 0 nproc; cat /sys/devices/system/cpu/online; ls -d /sys/devices/system/cpu/cpu[0-9]* | wc -l");
}
