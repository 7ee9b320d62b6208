// TF: a SIGTRAP after each instruction, until the handler or POPF clears it.
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <ucontext.h>

extern char first[], last[];
static int steps, code, inside;
static long offsets[64];

static void on_trap(int s, siginfo_t *si, void *p) {
  ucontext_t *uc = p;
  char *rip = (char *)uc->uc_mcontext.gregs[REG_RIP];
  if (steps < 64) offsets[steps] = rip - first;
  steps++;
  code = si->si_code;
  if (rip >= first && rip < last) inside++;
  if (rip >= last) uc->uc_mcontext.gregs[REG_EFL] &= ~0x100;
}

int main(void) {
  struct sigaction sa = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
  sigaction(SIGTRAP, &sa, 0);
  long a = 0, c = 3;
  __asm__ volatile(
      "pushfq\n orq $0x100, (%%rsp)\n popfq\n"
      "first: nop\n"
      "1: add $5, %0\n dec %1\n jnz 1b\n"
      "call 2f\n jmp 3f\n 2: ret\n 3: nop\n"
      "last: nop\n nop\n"
      : "+r"(a), "+r"(c) : : "memory", "cc");
  printf("steps: %d code %d inside %d a %ld\n", steps, code, inside, a);
  for (int i = 0; i < steps && i < 64; i++) printf("step %d: %ld\n", i, offsets[i]);
  return 0;
}
