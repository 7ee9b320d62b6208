// flags: -static
// Scripts, limits of arguments, and what a new program finds on its stack.
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
static int no;
static char dir[] = "/tmp/scripts-XXXXXX";

static void run(const char *label, const char *file, char **argv, char **envp) {
  int st, pp[2], e = 0;
  fflush(stdout);
  pipe2(pp, O_CLOEXEC);
  pid_t pid = fork();
  if (pid == 0) {
    execve(file, argv, envp);
    e = errno;
    write(pp[1], &e, sizeof e);
    _exit(0);
  }
  close(pp[1]);
  if (read(pp[0], &e, sizeof e) != sizeof e) e = 0;
  close(pp[0]);
  waitpid(pid, &st, 0);
  printf("%d %s: %s %x\n", ++no, label, e ? strerrorname_np(e) : "ran", e ? 0 : st);
  fflush(stdout);
}
static char *script(const char *name, const char *text, size_t len, int mode) {
  char *path;
  asprintf(&path, "%s/%s", dir, name);
  int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0755);
  write(fd, text, len);
  close(fd);
  chmod(path, mode);
  return path;
}
// As a child: prints its arguments.
static int show(int argc, char **argv) {
  for (int i = 0; i < argc; i++) {
    char *s = argv[i];
    printf("arg %d: %.60s (%zu)\n", i, strncmp(s, dir, 13) ? s : s + strlen(dir), strlen(s));
  }
  char **e = environ;
  int n = 0;
  while (e[n]) n++;
  printf("env: %d %.40s\n", n, n ? e[0] : "-");
  Elf64_auxv_t *a = (void *)(e + n + 1);
  printf("aux:");
  for (; a->a_type; a++) printf(" %lu", a->a_type);
  printf("\nsame: %d\n", getauxval(AT_ENTRY) != 0 && getauxval(AT_PHNUM) > 0 && getauxval(AT_PAGESZ) == 4096 && getauxval(AT_CLKTCK) == 100);
  printf("aligned: %d\n", (int)((unsigned long)(argv - 1) & 15));
  fflush(stdout);
  return argc;
}
int main(int argc, char **argv) {
  if (argc == 0 || getenv("SHOW")) return show(argc, argv);
  mkdtemp(dir);
  char self[256] = {0};
  readlink("/proc/self/exe", self, 255);
  char *env[] = {"SHOW=1", 0}, *none[] = {0}, *args[] = {"zero", "one two", "", "three", 0};
  char text[1024];
  run("plain", self, args, env);
  int n = sprintf(text, "#!%s\nrest\n", self);
  run("script", script("a", text, n, 0755), args, env);
  n = sprintf(text, "#! \t %s  -x  y z \t \n", self);
  run("argument", script("b", text, n, 0755), args, env);
  n = sprintf(text, "#!%s", self);
  run("no newline", script("c", text, n, 0755), args, env);
  n = sprintf(text, "#!%s -a", self);
  run("no newline, argument", script("d", text, n, 0755), args, env);
  n = sprintf(text, "#!%s/b more\n", dir);
  run("script of a script", script("e", text, n, 0755), args, env);
  run("no arguments", script("a2", text, n, 0755), none, env);
  run("empty interpreter", script("f", "#!\n", 3, 0755), args, env);
  run("blanks", script("g", "#!  \t \n", 7, 0755), args, env);
  run("blanks only", script("h", "#!    ", 6, 0755), args, env);
  run("missing interpreter", script("i", "#!/no/such\n", 11, 0755), args, env);
  run("directory", script("j", "#!/tmp\n", 7, 0755), args, env);
  run("not executable", script("k", "#!/bin/sh\n", 10, 0644), args, env);
  run("empty file", script("l", "", 0, 0755), args, env);
  run("text", script("m", "echo hi\n", 8, 0755), args, env);
  run("a directory itself", "/tmp", args, env);
  run("nothing", "/no/such", args, env);
  run("through a file", "/dev/null/x", args, env);
  n = sprintf(text, "#!%s/self\n", dir);
  run("itself", script("self", text, n, 0755), args, env);
  for (int i = 1; i <= 6; i++) {
    char name[8], *p;
    sprintf(name, "n%d", i);
    n = i == 1 ? sprintf(text, "#!%s\n", self) : sprintf(text, "#!%s/n%d\n", dir, i - 1);
    p = script(name, text, n, 0755);
    sprintf(text, "depth %d", i);
    run(text, p, args, env);
  }
  memset(text, 'x', sizeof text);
  memcpy(text, "#!/", 3);
  run("too long a name", script("o", text, 600, 0755), args, env);
  n = sprintf(text, "#!%s ", self);
  memset(text + n, 'y', 600);
  run("too long an argument", script("p", text, 600, 0755), args, env);
  n = sprintf(text, "#!%s", self);
  memcpy(text + n, "\0z\n", 3);
  run("a zero in the line", script("q", text, n + 3, 0755), args, env);
  n = sprintf(text, "#!%s\r\n", self);
  run("carriage return", script("r", text, n, 0755), args, env);
  // Limits.
  static const size_t sizes[] = {100, 131070, 131071, 131072, 200000};
  for (int i = 0; i < 5; i++) {
    char *big = malloc(sizes[i] + 1);
    memset(big, 'b', sizes[i]);
    big[sizes[i]] = 0;
    char *a[] = {"x", big, 0};
    sprintf(text, "argument of %zu", sizes[i]);
    run(text, self, a, env);
    free(big);
  }
  char **many = calloc(200001, sizeof *many), *long_ = malloc(100001);
  memset(long_, 'l', 100000);
  long_[100000] = 0;
  for (int i = 1; i < 100; i++) {
    many[i - 1] = long_;
    if (i != 20 && i != 21 && i != 62 && i != 63 && i != 64) continue;
    sprintf(text, "%d long ones", i);
    char *keep = environ[0];
    run(text, "/bin/true", many, none);
    (void)keep;
  }
  memset(many, 0, 200001 * sizeof *many);
  for (int i = 0; i < 200000; i++) many[i] = "ab";
  run("200000 short ones", "/bin/true", many, none);
  for (int i = 0; i < 200000; i++) many[i] = "";
  run("200000 empty ones", "/bin/true", many, none);
  run("as environment", "/bin/true", none, many);
  struct rlimit l;
  getrlimit(RLIMIT_STACK, &l);
  l.rlim_cur = 1 << 20;
  setrlimit(RLIMIT_STACK, &l);
  memset(many, 0, 200001 * sizeof *many);
  for (int i = 0; i < 2; i++) many[i] = long_;
  run("200 KB under a small stack", "/bin/true", many, none);
  many[2] = long_;
  run("300 KB under a small stack", "/bin/true", many, none);
  run("bad vector", self, (char **)8, env);
  char *bad[] = {"x", (char *)8, 0};
  run("bad argument", self, bad, env);
  run("bad environment", self, args, bad);
  run("bad name", (char *)8, args, env);
  run("empty name", "", args, env);
  sprintf(text, "rm -r %s", dir);
  system(text);
  return 0;
}
