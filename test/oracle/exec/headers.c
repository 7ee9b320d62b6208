// flags: -static
// timeout: 120
// Every byte of the headers of a small executable is set to a few values: what does execve say, and how does the program end?
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned char image[0x3000];
static char path[] = "/tmp/headers-XXXXXX";

// exit(7)
static const unsigned char code[] = {0xb8, 60, 0, 0, 0, 0xbf, 7, 0, 0, 0, 0x0f, 0x05};

static void build(int type) {
  memset(image, 0, sizeof image);
  Elf64_Ehdr *e = (void *)image;
  Elf64_Phdr *p = (void *)(image + 64);
  unsigned long base = type == ET_EXEC ? 0x10000000 : 0;
  memcpy(e->e_ident, "\177ELF\2\1\1", 7);
  e->e_type = type;
  e->e_machine = EM_X86_64;
  e->e_version = 1;
  e->e_entry = base + 0x1000;
  e->e_phoff = 64;
  e->e_ehsize = 64;
  e->e_phentsize = 56;
  e->e_phnum = 3;
  p[0] = (Elf64_Phdr){PT_LOAD, PF_R | PF_X, 0, base, base, 0x1100, 0x1100, 0x1000};
  p[1] = (Elf64_Phdr){PT_LOAD, PF_R | PF_W, 0x2000, base + 0x2000, base + 0x2000, 0x800, 0x3000, 0x1000};
  p[2] = (Elf64_Phdr){PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 0, 16};
  memcpy(image + 0x1000, code, sizeof code);
}

static void outcome(char *text, size_t len) {
  int fd = open(path, O_WRONLY | O_TRUNC), pp[2], st, e = 0;
  write(fd, image, len);
  close(fd);
  pipe2(pp, O_CLOEXEC);
  pid_t pid = fork();
  if (pid == 0) {
    alarm(5);
    execl(path, path, (char *)0);
    e = errno;
    write(pp[1], &e, sizeof e);
    _exit(0);
  }
  close(pp[1]);
  if (read(pp[0], &e, sizeof e) != sizeof e) e = 0;
  close(pp[0]);
  waitpid(pid, &st, 0);
  if (e) sprintf(text, "%s", strerrorname_np(e));
  else if (WIFSIGNALED(st)) sprintf(text, "signal %d", WTERMSIG(st));
  else sprintf(text, "exit %d", WEXITSTATUS(st));
}

int main(void) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  int fd = mkstemp(path);
  fchmod(fd, 0755);
  close(fd);
  static const int values[] = {0, 1, 0x10, 0x7f, 0xff};
  char text[64];
  for (int type = ET_EXEC; type <= ET_DYN; type++) {
    build(type);
    outcome(text, sizeof image);
    printf("type %d unchanged: %s\n", type, text);
    for (int at = 0; at < 64 + 3 * 56; at++) {
      // Fields that Linux does not look at; and the entry point, behind which anything may be.
      if ((at >= 24 && at < 32) || (at >= 40 && at < 52)) continue;
      // Sizes of gigabytes: whether there is so much memory depends on the machine.
      if (at == 107 || at == 108 || at == 163 || at == 164) continue;
      printf("type %d byte %d:", type, at);
      for (unsigned k = 0; k < sizeof values / sizeof *values; k++) {
        build(type);
        if (image[at] == values[k]) continue;
        image[at] = values[k];
        outcome(text, sizeof image);
        printf(" %x=%s", values[k], text);
      }
      printf("\n");
      fflush(stdout);
    }
    static const size_t lengths[] = {0, 1, 3, 4, 63, 64, 65, 100, 231, 232, 0xfff, 0x1000, 0x1005, 0x1100, 0x2000, 0x2001, 0x2800};
    for (unsigned k = 0; k < sizeof lengths / sizeof *lengths; k++) {
      build(type);
      outcome(text, lengths[k]);
      printf("type %d length %zu: %s\n", type, lengths[k], text);
    }
  }
  unlink(path);
  return 0;
}
