// A tracer makes a call into one that does not exist: the call's exit stop comes as always, whichever number it chose.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  long numbers[] = {-1, -2, -3, -38, 100000, 0x7fffffff, -0x7fffffffL - 1, 512};
  setvbuf(stdout, 0, _IONBF, 0);
  for (int i = 0; i < 8; i++)
    for (int seccomp = 0; seccomp < 2; seccomp++) {
      int p = fork(), s;
      if (!p) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        kill(getpid(), SIGSTOP);
        errno = 0;
        long r = syscall(SYS_getppid);
        _exit(r == getppid() ? 1 : r < 0 ? errno : r == getpid() ? 3 : 2);
      }
      waitpid(p, &s, 0);
      ptrace(PTRACE_SETOPTIONS, p, 0, PTRACE_O_TRACESYSGOOD);
      printf("%ld:", numbers[i]);
      int inside = 0, changed = 0;
      for (;;) {
        ptrace(PTRACE_SYSCALL, p, 0, 0);
        if (waitpid(p, &s, 0) != p || WIFEXITED(s)) break;
        struct user_regs_struct r;
        ptrace(PTRACE_GETREGS, p, 0, &r);
        inside = !inside;
        if (inside && r.orig_rax == SYS_getppid && !changed) {
          changed = 1;
          r.orig_rax = numbers[i];
          if (seccomp) r.rax = -77;
          printf(" set %ld", ptrace(PTRACE_SETREGS, p, 0, &r));
        } else if (changed == 1) {
          changed = 2;
          printf(" exit %d: %lld", !inside, (long long)r.orig_rax);
          printf(" %s", (long)r.rax < 0 ? "fails" : "answers");
        }
      }
      printf(" exits %d\n", WEXITSTATUS(s));
    }
}
