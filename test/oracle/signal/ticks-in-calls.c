// Timers go off, and other processes run, while a program does nothing but long system calls.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int ticks;
static void tick(int s) { (void)s; ticks++; }
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec / 1e9; }
static char buffer[1 << 20];

int main() {
  struct sigaction a = {.sa_handler = tick, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &a, 0);
  struct itimerval i = {{0, 20000}, {0, 20000}};
  int zero = open("/dev/zero", O_RDONLY);
  setitimer(ITIMER_REAL, &i, 0);
  for (double end = now() + 1; now() < end;) read(zero, buffer, sizeof buffer);
  printf("ticks %s\n", ticks >= 5 ? "come" : "do not come");
  int p[2]; pipe(p); pid_t child = fork();
  if (!child) { struct timespec t = {0, 20000000}; for (int k = 0; k < 5; k++) { nanosleep(&t, 0); write(p[1], "x", 1); } _exit(0); }
  fcntl(p[0], F_SETFL, O_NONBLOCK); int seen = 0; char c;
  for (double end = now() + 2; now() < end && seen < 5;) { read(zero, buffer, sizeof buffer); while (read(p[0], &c, 1) == 1) seen++; }
  printf("the child ran %d times\n", seen);
  kill(child, SIGKILL); waitpid(child, 0, 0);
  return 0;
}
