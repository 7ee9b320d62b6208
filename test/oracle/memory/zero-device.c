// Private mappings of /dev/zero: anonymous memory under the device's name. What maps, map_files, smaps and merging make of it.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static char *base;
static void show(const char *what) {
  char line[300];
  FILE *f = fopen("/proc/self/smaps", "r");
  int on = 0;
  printf("%s\n", what);
  while (fgets(line, sizeof line, f)) {
    unsigned long a, b;
    char rights[8];
    unsigned long offset;
    if (sscanf(line, "%lx-%lx %7s %lx", &a, &b, rights, &offset) == 4) {
      on = (char *)a >= base && (char *)b <= base + 32 * 4096;
      char *name = strchr(line, '/');
      if (on) printf("%s: %ld-%ld %s %lx %s", what, ((char *)a - base) / 4096, ((char *)b - base) / 4096, rights, offset, name ? name : "\n");
    } else if (on && (!strncmp(line, "Rss", 3) || !strncmp(line, "Pss:", 4) || !strncmp(line, "Anonymous", 9) || !strncmp(line, "Shared", 6) || !strncmp(line, "Private", 7)))
      printf("%s %s", what, line);
  }
  fclose(f);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  base = mmap(NULL, 32 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int fd = open("/dev/zero", O_RDWR), other = open("/dev/zero", O_RDONLY);
  char *p = mmap(base + 4096, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 4096);
  char *q = mmap(base + 3 * 4096, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 3 * 4096);
  char *r = mmap(base + 4 * 4096, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, other, 4 * 4096);
  char *s = mmap(base + 5 * 4096, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  char *shared = mmap(base + 8 * 4096, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
  printf("mapped: %d %d %d %d %d\n", p != MAP_FAILED, q != MAP_FAILED, r != MAP_FAILED, s != MAP_FAILED, shared != MAP_FAILED);
  show("new");
  p[0] = 1;
  q[0] = 2;
  r[0] = 3;
  shared[0] = 4;
  show("written");
  mprotect(p + 4096, 4096, PROT_READ);
  show("divided");
  close(fd);
  close(other);
  if (!fork()) {
    p[1] = 5;
    shared[1] = 6;
    show("child");
    _exit(0);
  }
  wait(NULL);
  printf("after the child: %d %d %d %d\n", p[0], p[1], shared[0], shared[1]);
  char name[100], target[100] = "";
  sprintf(name, "/proc/self/map_files/%lx-%lx", (long)p, (long)p + 4096);
  printf("map_files: %d %s\n", (int)readlink(name, target, 99), target);
  printf("mremap: %d\n", mremap(r, 4096, 8192, MREMAP_MAYMOVE | MREMAP_FIXED, base + 16 * 4096) == base + 16 * 4096);
  show("moved");
  madvise(p, 4096, MADV_DONTNEED);
  printf("dropped: %d\n", p[0]);
  int denied = open("/dev/zero", O_WRONLY);
  char *w = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, denied, 0);
  printf("not readable: %s\n", w == MAP_FAILED ? strerrorname_np(errno) : "mapped");
  return 0;
}
