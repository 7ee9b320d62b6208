// Signal frames: siginfo by source, ucontext, masks, alternate stacks, SA_ flags, restart, faults.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static siginfo_t last;
static volatile int count, on_alt, inner_mask_usr1, inner_mask_usr2, depth, maxdepth;
static char altbuf[65536];
static sigjmp_buf jb;
static ucontext_t uc_copy;
static void h(int s, siginfo_t *i, void *u) {
  last = *i;
  count++;
  char here;
  on_alt = &here >= altbuf && &here < altbuf + sizeof altbuf;
  sigset_t m;
  sigprocmask(SIG_BLOCK, 0, &m);
  inner_mask_usr1 = sigismember(&m, SIGUSR1);
  inner_mask_usr2 = sigismember(&m, SIGUSR2);
  uc_copy = *(ucontext_t *)u;
}
static void nest(int s) { if (++depth > maxdepth) maxdepth = depth; if (depth < 3) raise(s); depth--; }
static void jump(int s, siginfo_t *i, void *u) { last = *i; siglongjmp(jb, 1); }
static void set(int s, void *f, int flags) { struct sigaction a = {.sa_sigaction = f, .sa_flags = flags | SA_SIGINFO}; sigemptyset(&a.sa_mask); sigaction(s, &a, 0); }
static void *send_usr1(void *main_thread) { usleep(50000); pthread_kill(*(pthread_t *)main_thread, SIGUSR1); return 0; }

int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  set(SIGUSR1, h, 0);
  kill(getpid(), SIGUSR1);
  printf("kill: signo %d code %d pid %d uid %d count %d\n", last.si_signo, last.si_code, last.si_pid == getpid(), last.si_uid, count);
  raise(SIGUSR1);
  printf("raise: code %d pid %d\n", last.si_code, last.si_pid == getpid());
  union sigval v = {.sival_ptr = (void *)0x123456789abc};
  sigqueue(getpid(), SIGUSR1, v);
  printf("sigqueue: code %d value %p\n", last.si_code, last.si_value.sival_ptr);
  printf("inner mask: usr1 %d usr2 %d\n", inner_mask_usr1, inner_mask_usr2);
  set(SIGUSR1, h, SA_NODEFER);
  raise(SIGUSR1);
  printf("nodefer mask: usr1 %d\n", inner_mask_usr1);
  struct sigaction a = {.sa_sigaction = h, .sa_flags = SA_SIGINFO};
  sigemptyset(&a.sa_mask);
  sigaddset(&a.sa_mask, SIGUSR2);
  sigaction(SIGUSR1, &a, 0);
  raise(SIGUSR1);
  printf("sa_mask: usr1 %d usr2 %d\n", inner_mask_usr1, inner_mask_usr2);
  set(SIGUSR1, h, SA_RESETHAND);
  raise(SIGUSR1);
  struct sigaction old;
  sigaction(SIGUSR1, 0, &old);
  printf("resethand: default %d flags %x\n", old.sa_handler == SIG_DFL, old.sa_flags & ~0x04000000);
  signal(SIGUSR1, nest);
  struct sigaction na = {.sa_handler = nest, .sa_flags = SA_NODEFER};
  sigaction(SIGUSR1, &na, 0);
  raise(SIGUSR1);
  printf("nested: %d\n", maxdepth);
  // alternate stack
  stack_t ss = {.ss_sp = altbuf, .ss_size = sizeof altbuf}, os;
  printf("sigaltstack: %d\n", sigaltstack(&ss, 0));
  set(SIGUSR1, h, SA_ONSTACK);
  raise(SIGUSR1);
  printf("on alt: %d uc_stack %d flags %d size %zu\n", on_alt, uc_copy.uc_stack.ss_sp == altbuf, uc_copy.uc_stack.ss_flags, uc_copy.uc_stack.ss_size);
  set(SIGUSR1, h, 0);
  raise(SIGUSR1);
  printf("not on alt: %d\n", on_alt);
  sigaltstack(0, &os);
  printf("alt query: sp %d flags %d size %zu\n", os.ss_sp == altbuf, os.ss_flags, os.ss_size);
  ss.ss_size = 100;
  { errno = 0; long r0 = sigaltstack(&ss, 0); printf("alt small: %ld %d\n", r0, errno); }
  ss.ss_flags = 99;
  { errno = 0; long r0 = sigaltstack(&ss, 0); printf("alt bad flags: %ld %d\n", r0, errno); }
  ss.ss_flags = SS_DISABLE;
  printf("alt disable: %d\n", sigaltstack(&ss, 0));
  sigaltstack(0, &os);
  printf("alt disabled: flags %d size %zu\n", os.ss_flags, os.ss_size);
  ss = (stack_t){.ss_sp = altbuf, .ss_size = sizeof altbuf, .ss_flags = 1 << 31};
  printf("autodisarm: %d\n", sigaltstack(&ss, 0));
  set(SIGUSR1, h, SA_ONSTACK);
  raise(SIGUSR1);
  sigaltstack(0, &os);
  printf("autodisarm after: flags %x frame flags %x\n", os.ss_flags, uc_copy.uc_stack.ss_flags);
  ss.ss_flags = SS_DISABLE;
  sigaltstack(&ss, 0);
  printf("cs %llx ss %llx\n", (long long)uc_copy.uc_mcontext.gregs[REG_CSGSFS] & 0xffff, (long long)uc_copy.uc_mcontext.gregs[REG_CSGSFS] >> 48 & 0xffff);
  // faults
  set(SIGSEGV, jump, SA_NODEFER);
  set(SIGBUS, jump, SA_NODEFER);
  set(SIGFPE, jump, SA_NODEFER);
  set(SIGILL, jump, SA_NODEFER);
  set(SIGTRAP, jump, SA_NODEFER);
  if (!sigsetjmp(jb, 1)) *(volatile int *)16 = 1;
  printf("segv null: code %d addr %p\n", last.si_code, last.si_addr);
  char *p = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (!sigsetjmp(jb, 1)) *p = 1;
  printf("segv ro: code %d addr %d\n", last.si_code, last.si_addr == p);
  if (!sigsetjmp(jb, 1)) ((void (*)(void))p)();
  printf("segv nx: code %d addr %d\n", last.si_code, last.si_addr == p);
  if (!sigsetjmp(jb, 1)) *(volatile char *)0x8000000000000000ull = 1;
  printf("segv noncanonical: code %d addr %p\n", last.si_code, last.si_addr);
  volatile int zero = 0, one = 1;
  if (!sigsetjmp(jb, 1)) one = one / zero;
  printf("fpe: code %d addr %d\n", last.si_code, last.si_addr != 0);
  if (!sigsetjmp(jb, 1)) __builtin_trap();
  printf("ill: code %d addr %d\n", last.si_code, last.si_addr != 0);
  if (!sigsetjmp(jb, 1)) __asm__ volatile("int3");
  printf("trap: code %d\n", last.si_code);
  if (!sigsetjmp(jb, 1)) __asm__ volatile("hlt");
  printf("hlt: signo %d code %d addr %p\n", last.si_signo, last.si_code, last.si_addr);
  int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
  ftruncate(fd, 100);
  p = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (!sigsetjmp(jb, 1)) p[5000] = 1;
  printf("bus: signo %d code %d off %d\n", last.si_signo, last.si_code, (int)((char *)last.si_addr - p));
  // blocked fault kills
  pid_t pid = fork();
  if (!pid) { sigset_t s; sigfillset(&s); sigprocmask(SIG_BLOCK, &s, 0); *(volatile int *)0 = 1; _exit(1); }
  int st;
  waitpid(pid, &st, 0);
  printf("blocked fault: %d\n", WIFSIGNALED(st) ? WTERMSIG(st) : -1);
  pid = fork();
  if (!pid) { signal(SIGSEGV, SIG_IGN); *(volatile int *)0 = 1; _exit(1); }
  waitpid(pid, &st, 0);
  printf("ignored fault: %d\n", WIFSIGNALED(st) ? WTERMSIG(st) : -1);
  // floating point state is fresh in the handler and comes back
  double d = 1.25;
  __asm__ volatile("movsd %0, %%xmm9" ::"m"(d) : "xmm9");
  count = 0;
  set(SIGUSR1, h, 0);
  syscall(SYS_kill, getpid(), SIGUSR1);
  double e;
  __asm__ volatile("movsd %%xmm9, %0" : "=m"(e));
  printf("xmm kept: %g count %d mxcsr %x\n", e, count, uc_copy.uc_mcontext.fpregs ? ((struct _libc_fpstate *)uc_copy.uc_mcontext.fpregs)->mxcsr : 0);
  // restart
  int fds[2];
  pipe(fds);
  pthread_t self = pthread_self(), th;
  char c;
  set(SIGUSR1, h, 0);
  pthread_create(&th, 0, send_usr1, &self);
  long r = read(fds[0], &c, 1);
  printf("read no restart: %ld %d\n", r, errno);
  pthread_join(th, 0);
  set(SIGUSR1, h, SA_RESTART);
  pthread_create(&th, 0, send_usr1, &self);
  pid = fork();
  if (!pid) { usleep(150000); write(fds[1], "x", 1); _exit(0); }
  r = read(fds[0], &c, 1);
  printf("read restart: %ld %c\n", r, c);
  pthread_join(th, 0);
  waitpid(pid, 0, 0);
  pthread_create(&th, 0, send_usr1, &self);
  struct timespec ts = {0, 400000000}, rem = {0, 0};
  r = nanosleep(&ts, &rem);
  printf("nanosleep: %ld %d rem %d\n", r, errno, rem.tv_nsec > 200000000 && rem.tv_nsec < 400000000);
  pthread_join(th, 0);
  pthread_create(&th, 0, send_usr1, &self);
  r = poll(0, 0, 400);
  printf("poll: %ld %d\n", r, errno);
  pthread_join(th, 0);
  pthread_create(&th, 0, send_usr1, &self);
  r = pause();
  printf("pause: %ld %d\n", r, errno);
  pthread_join(th, 0);
  // a stop and continue in nanosleep goes on
  pid = fork();
  if (!pid) { struct timespec t0, t1; clock_gettime(CLOCK_MONOTONIC, &t0); ts = (struct timespec){0, 300000000}; r = nanosleep(&ts, 0); clock_gettime(CLOCK_MONOTONIC, &t1); long ms = (t1.tv_sec - t0.tv_sec) * 1000 + (t1.tv_nsec - t0.tv_nsec) / 1000000; _exit(r == 0 && ms >= 295 && ms < 700 ? 0 : 1); }
  usleep(50000);
  kill(pid, SIGSTOP);
  waitpid(pid, &st, WUNTRACED);
  printf("stopped: %d\n", WIFSTOPPED(st) ? WSTOPSIG(st) : -1);
  kill(pid, SIGCONT);
  waitpid(pid, &st, WCONTINUED);
  printf("continued: %d\n", WIFCONTINUED(st));
  waitpid(pid, &st, 0);
  printf("sleep after stop: %x\n", st);
  return 0;
}
