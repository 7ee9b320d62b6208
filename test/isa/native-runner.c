// Runs machine-code snippets on the processor, one state after another: the oracle of test/isa.
//
// native-runner CODE JOBS OUT
//   CODE  flat code, loaded at CODE_BASE; each snippet is followed by int3
//   JOBS  records of RECORD bytes (layout: record.ts), one a state
//   OUT   the same records after the run
//
// A state is loaded by returning from a signal handler with the wanted registers in its frame, and taken from the frame
// of the signal that ends the snippet (the int3, or the fault): so the kernel itself saves and restores everything.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define CODE_BASE 0x20000000ul
#define CODE_SIZE 0x1000000ul
#define DATA_BASE 0x10000000ul
#define DATA_SIZE 0x2000ul

struct record {
  uint64_t gpr[16];
  uint64_t rip, rflags;
  uint32_t signo, code;
  uint64_t addr;
  uint64_t window; // address of the data window
  uint64_t snippet;
  uint8_t data[336];
  uint8_t fx[512];
};
_Static_assert(sizeof(struct record) == 1024, "record");

static struct record *jobs;
static long count, at = -1;
static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
static ucontext_t home;
static uint8_t homeFx[512];

static void load(ucontext_t *uc) {
  struct record *r = &jobs[at];
  for (int i = 0; i < 16; i++) uc->uc_mcontext.gregs[order[i]] = r->gpr[i];
  uc->uc_mcontext.gregs[REG_RIP] = r->rip;
  uc->uc_mcontext.gregs[REG_EFL] = r->rflags;
  uint8_t *fx = (uint8_t *)uc->uc_mcontext.fpregs;
  memcpy(fx, r->fx, 416);
  uint32_t magic;
  memcpy(&magic, fx + 464, 4);
  if (magic == 0x46505853) *(uint64_t *)(fx + 512) |= 3; // the x87 and SSE parts of the frame are valid
  memcpy((void *)r->window, r->data, sizeof r->data);
}

static void on_signal(int sig, siginfo_t *si, void *p) {
  ucontext_t *uc = p;
  if (at >= 0) {
    struct record *r = &jobs[at];
    for (int i = 0; i < 16; i++) r->gpr[i] = uc->uc_mcontext.gregs[order[i]];
    r->rip = uc->uc_mcontext.gregs[REG_RIP];
    r->rflags = uc->uc_mcontext.gregs[REG_EFL];
    memcpy(r->fx, uc->uc_mcontext.fpregs, 416);
    r->signo = sig;
    r->code = si->si_code;
    r->addr = sig == SIGSEGV || sig == SIGBUS ? (uint64_t)si->si_addr : 0;
    memcpy(r->data, (void *)r->window, sizeof r->data);
  } else {
    memcpy(homeFx, uc->uc_mcontext.fpregs, 512);
    home = *uc;
  }
  if (++at < count) return load(uc);
  for (int i = 0; i < 23; i++) uc->uc_mcontext.gregs[i] = home.uc_mcontext.gregs[i];
  memcpy(uc->uc_mcontext.fpregs, homeFx, 416);
  at = -1;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  char *code = mmap((void *)CODE_BASE, CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (mmap((void *)DATA_BASE, DATA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) return 2;
  memset(code, 0xcc, CODE_SIZE);
  int fd = open(argv[1], O_RDONLY);
  if (fd < 0 || read(fd, code, CODE_SIZE) < 0) return perror(argv[1]), 2;
  close(fd);
  fd = open(argv[2], O_RDONLY);
  struct stat st;
  if (fd < 0 || fstat(fd, &st)) return perror(argv[2]), 2;
  count = st.st_size / sizeof(struct record);
  jobs = mmap(0, st.st_size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  stack_t ss = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
  sigaltstack(&ss, 0);
  struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  int signals[] = {SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE};
  for (int i = 0; i < 5; i++) sigaction(signals[i], &sa, 0);
  // A snippet that never ends would hang the test: the record count so far is reported.
  alarm(300);
  if (count) __asm__ volatile("int3" ::: "memory", "cc");
  fd = open(argv[3], O_RDWR | O_CREAT | O_TRUNC, 0600);
  for (long off = 0; off < st.st_size;) {
    long n = write(fd, (char *)jobs + off, st.st_size - off);
    if (n <= 0) return perror(argv[3]), 2;
    off += n;
  }
  return 0;
}
