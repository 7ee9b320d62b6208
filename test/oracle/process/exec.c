// execve: arguments, environment, close-on-exec, errors, comm, scripts, credentials bits.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#define T(label, x) do { errno = 0; long r_ = (long)(x); printf("%s: %ld %s\n", label, r_, r_ < 0 ? strerror(errno) : ""); } while (0)
static void put(const char *name, const char *text, int mode) { int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600); write(fd, text, strlen(text)); fchmod(fd, mode); close(fd); }
static void run(const char *label, const char *path, char *const av[], char *const ev[]) {
  fflush(stdout);
  pid_t pid = fork();
  if (!pid) { execve(path, av, ev); printf("%s: failed %s\n", label, strerror(errno)); fflush(stdout); _exit(125); }
  int st;
  waitpid(pid, &st, 0);
  printf("%s status: %x\n", label, st);
}
int main(int argc, char **argv, char **envp) {
  setvbuf(stdout, 0, _IOLBF, 0);
  if (argc > 1 && !strcmp(argv[1], "child")) {
    printf("child argv0: %s argc %d env %s\n", argv[0], argc, envp[0] ? envp[0] : "none");
    char name[16];
    prctl(PR_GET_NAME, name);
    printf("child comm: %s\n", name);
    printf("child secure: %lu pagesz %lu\n", getauxval(AT_SECURE), getauxval(AT_PAGESZ));
    printf("child fd7: %d fd8: %d\n", fcntl(7, F_GETFD), fcntl(8, F_GETFD));
    sigset_t s;
    sigprocmask(SIG_BLOCK, 0, &s);
    printf("child mask: %d\n", sigismember(&s, SIGUSR1));
    return 17;
  }
  char self[256];
  ssize_t n = readlink("/proc/self/exe", self, 255);
  self[n] = 0;
  char dir[] = "/tmp/execXXXXXX";
  chdir(mkdtemp(dir));
  dup2(0, 7);
  dup2(0, 8);
  fcntl(7, F_SETFD, FD_CLOEXEC);
  sigset_t s;
  sigemptyset(&s);
  sigaddset(&s, SIGUSR1);
  sigprocmask(SIG_BLOCK, &s, 0);
  char *av[] = {"zero", "child", 0}, *ev[] = {"A=b", 0}, *none[] = {0};
  run("plain", self, av, ev);
  run("no argv", "/bin/true", none, none);
  run("null argv", "/bin/true", 0, 0);
  put("script", "#!/bin/sh\necho script $0 $1 $#\nexit 3\n", 0755);
  char *sv[] = {"ignored", "one", 0};
  run("script", "./script", sv, ev);
  put("script2", "#! ./script  opt arg \n", 0755);
  run("script of script", "./script2", sv, ev);
  put("noexec", "#!/bin/sh\n", 0644);
  run("no x bit", "./noexec", sv, ev);
  put("empty", "", 0755);
  run("empty", "./empty", sv, ev);
  put("text", "echo hi\n", 0755);
  run("text", "./text", sv, ev);
  put("nointerp", "#!/no/such/thing\n", 0755);
  run("missing interpreter", "./nointerp", sv, ev);
  put("blank", "#!\n", 0755);
  run("blank interpreter", "./blank", sv, ev);
  run("directory", "/tmp", sv, ev);
  run("missing", "/no/such", sv, ev);
  run("dev null", "/dev/null", sv, ev);
  run("not a directory", "/bin/true/x", sv, ev);
  symlink("loop", "loop");
  run("loop", "./loop", sv, ev);
  int w = open("./script", O_WRONLY);
  run("text busy script", "./script", sv, ev);
  close(w);
  int src = open("/bin/true", O_RDONLY), dst = open("mytrue", O_WRONLY | O_CREAT, 0755);
  char buf[65536];
  while ((n = read(src, buf, sizeof buf)) > 0) write(dst, buf, n);
  run("text busy", "./mytrue", sv, ev);
  close(dst);
  run("copied", "./mytrue", sv, ev);
  truncate("mytrue", 100);
  run("truncated", "./mytrue", sv, ev);
  T("execve fault path", execve((char *)8, av, ev));
  T("execve fault argv", execve(self, (char **)8, ev));
  T("execve fault arg", execve(self, (char *[]){(char *)8, 0}, ev));
  char *big = malloc(200000);
  memset(big, 'x', 199999);
  big[199999] = 0;
  T("execve E2BIG", execve(self, (char *[]){big, 0}, ev));
  T("execveat flags", syscall(SYS_execveat, AT_FDCWD, self, av, ev, 1));
  T("execveat empty", syscall(SYS_execveat, AT_FDCWD, "", av, ev, 0));
  T("execveat bad fd", syscall(SYS_execveat, 99, "x", av, ev, 0));
  int fd = open(self, O_RDONLY);
  fflush(stdout);
  pid_t pid = fork();
  if (!pid) { syscall(SYS_execveat, fd, "", av, ev, AT_EMPTY_PATH); _exit(1); }
  int st;
  waitpid(pid, &st, 0);
  printf("execveat fd status: %x\n", st);
  fd = open("./script", O_RDONLY | O_CLOEXEC);
  pid = fork();
  if (!pid) { syscall(SYS_execveat, fd, "", av, ev, AT_EMPTY_PATH); _exit(errno); }
  waitpid(pid, &st, 0);
  printf("execveat cloexec script: %x\n", st);
  // setuid program
  pid = fork();
  if (!pid) {
    int s2 = open(self, O_RDONLY), d2 = open("suid", O_WRONLY | O_CREAT, 0755);
    while ((n = read(s2, buf, sizeof buf)) > 0) write(d2, buf, n);
    fchown(d2, 1234, 4321);
    fchmod(d2, 06755);
    close(d2);
    chmod(".", 0755);
    setresgid(77, 77, 77);
    setresuid(55, 55, 55);
    execve("./suid", (char *[]){"suid", "child", 0}, ev);
    _exit(1);
  }
  waitpid(pid, &st, 0);
  printf("suid status: %x\n", st);
  return 0;
}
