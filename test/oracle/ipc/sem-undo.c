// SEM_UNDO lists: kept by fork, shared by CLONE_SYSVSEM, left by unshare, by a new IPC namespace, and at the last exit.
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fcntl.h>
static int id;
static int op(int num, int v, int flags) { struct sembuf b = {num, v, flags}; return semop(id, &b, 1); }
static int val(int num) { return semctl(id, num, GETVAL); }
static int cl(unsigned long flags) { fflush(stdout); return syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0); }
int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0); int s, p; id = semget(IPC_PRIVATE, 4, 0600); for (int i = 0; i < 4; i++) semctl(id, i, SETVAL, 10);
  p = cl(0); if (!p) { op(0, -3, SEM_UNDO); _exit(0); } waitpid(p, &s, 0); printf("fork undoes alone: %d\n", val(0));
  p = cl(0); if (!p) { op(0, -1, SEM_UNDO); int q = cl(CLONE_SYSVSEM); if (!q) { op(0, -2, SEM_UNDO); _exit(0); } waitpid(q, &s, 0); printf("shared stays after the first exit: %d\n", val(0)); _exit(0); } waitpid(p, &s, 0); printf("last exit undoes all: %d\n", val(0));
  p = cl(0); if (!p) { op(0, -4, SEM_UNDO); printf("unshare: %d\n", unshare(CLONE_SYSVSEM)); printf("undone at once: %d\n", val(0)); op(0, -1, SEM_UNDO); _exit(0); } waitpid(p, &s, 0); printf("and again at exit: %d\n", val(0));
  p = cl(0); if (!p) { op(0, -5, SEM_UNDO); int q = cl(CLONE_SYSVSEM); if (!q) { op(0, -1, SEM_UNDO); unshare(CLONE_SYSVSEM); printf("one of two leaves: %d\n", val(0)); op(0, -1, SEM_UNDO); _exit(0); } waitpid(q, &s, 0); printf("its new list is undone: %d\n", val(0)); _exit(0); } waitpid(p, &s, 0); printf("then the old one: %d\n", val(0));
  p = cl(0); if (!p) { op(1, -5, SEM_UNDO); unshare(CLONE_NEWIPC); _exit(semctl(id, 1, GETVAL) < 0 ? errno : 0); } waitpid(p, &s, 0); printf("new namespace: %d errno %d\n", val(1), WEXITSTATUS(s));
  int f = open("/proc/self/ns/ipc", O_RDONLY); p = cl(0); if (!p) { op(1, -5, SEM_UNDO); setns(f, CLONE_NEWIPC); printf("setns undoes: %d\n", val(1)); _exit(0); } waitpid(p, &s, 0);
  errno = 0; p = cl(CLONE_SYSVSEM | CLONE_NEWIPC); if (!p) _exit(0); printf("both: %d errno %d\n", p, errno);
  p = cl(0); if (!p) { op(2, -1, SEM_UNDO); semctl(id, 2, SETVAL, 3); _exit(0); } waitpid(p, &s, 0); printf("SETVAL forgets: %d\n", val(2));
  p = cl(0); if (!p) { op(2, -1, SEM_UNDO); unsigned short v[4] = {1, 2, 3, 4}; semctl(id, 0, SETALL, v); _exit(0); } waitpid(p, &s, 0); printf("SETALL forgets: %d\n", val(2));
  p = cl(0); if (!p) { op(3, 3, SEM_UNDO); op(3, -7, 0); _exit(0); } waitpid(p, &s, 0); printf("clamped at zero: %d\n", val(3));
  p = cl(0); if (!p) { op(3, 2, SEM_UNDO); execl("/bin/true", "true", NULL); _exit(1); } waitpid(p, &s, 0); printf("over execve: %d\n", val(3));
  semctl(id, 3, SETVAL, 0); p = cl(0); if (!p) { op(3, -1, 0); _exit(5); } usleep(20000); int q = cl(0); if (!q) { op(3, 1, 0); op(3, 0, 0); _exit(0); } waitpid(p, &s, 0); printf("woken: %d\n", WEXITSTATUS(s)); waitpid(q, &s, 0);
  op(3, 5, 0); p = cl(0); if (!p) { op(3, -5, SEM_UNDO); int r = cl(0); if (!r) { op(3, -1, 0); _exit(6); } usleep(20000); _exit(0); } waitpid(p, &s, 0); usleep(50000); printf("an exit wakes who waits: %d\n", val(3));
  semctl(id, 0, IPC_RMID); return 0;
}
