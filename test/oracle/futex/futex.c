// flags: -pthread
// futex: all operations, errors, timeouts, robust lists, PI, waitv, requeue; shared between processes.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static uint32_t a, b, c, *sh;
static long fx(uint32_t *u, int op, uint32_t v, void *t, void *u2, uint32_t v3) { long r = syscall(SYS_futex, u, op, v, t, u2, v3); return r < 0 ? -errno : r; }
static void *waiter(void *arg) { return (void *)fx(&a, (long)arg, 0, 0, 0, 0); }
static void *bitwaiter(void *arg) { return (void *)fx(&a, FUTEX_WAIT_BITSET_PRIVATE, 0, 0, 0, (uint32_t)(long)arg); }
static void *piwaiter(void *arg) { long r = fx(&b, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0); uint32_t v = b; fx(&b, FUTEX_UNLOCK_PI_PRIVATE, 0, 0, 0, 0); return (void *)(r * 10 + ((v & FUTEX_TID_MASK) == (uint32_t)syscall(SYS_gettid))); }
static void *robust_dier(void *m) { pthread_mutex_lock(m); return 0; }
struct wv { uint64_t val, uaddr; uint32_t flags, res; };
static void *wvwaiter(void *arg) { struct wv w[3] = {{0, (uintptr_t)&a, 2 | 128, 0}, {0, (uintptr_t)&b, 2 | 128, 0}, {0, (uintptr_t)&c, 2 | 128, 0}}; long r = syscall(449, w, 3, 0, 0, 0); return (void *)(r < 0 ? -errno : r); }
#define P(l, x) printf(l ": %ld\n", (long)(x))
int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  struct timespec ms = {0, 20000000}, bad = {0, 1000000000}, neg = {-1, 0}, now;
  pthread_t t[4];
  void *r[4];
  P("wait wrong value", fx(&a, FUTEX_WAIT, 1, 0, 0, 0));
  P("wait timeout", fx(&a, FUTEX_WAIT, 0, &ms, 0, 0));
  P("wait bad timeout", fx(&a, FUTEX_WAIT, 0, &bad, 0, 0));
  P("wait negative timeout", fx(&a, FUTEX_WAIT, 0, &neg, 0, 0));
  P("wait misaligned", fx((uint32_t *)((char *)&a + 1), FUTEX_WAIT, 0, 0, 0, 0));
  P("wait fault", fx((uint32_t *)8, FUTEX_WAIT, 0, 0, 0, 0));
  P("wait private fault", fx((uint32_t *)8, FUTEX_WAIT_PRIVATE, 0, 0, 0, 0));
  P("wake private fault", fx((uint32_t *)8, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0));
  P("wake shared fault", fx((uint32_t *)8, FUTEX_WAKE, 1, 0, 0, 0));
  P("bad op", fx(&a, 99, 0, 0, 0, 0));
  P("fd op", fx(&a, 2, 0, 0, 0, 0));
  P("wait realtime", fx(&a, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 0, &ms, 0, 0));
  P("wake realtime", fx(&a, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 0, &ms, 0, 0));
  P("bitset zero", fx(&a, FUTEX_WAIT_BITSET, 0, 0, 0, 0));
  P("wake bitset zero", fx(&a, FUTEX_WAKE_BITSET, 1, 0, 0, 0));
  clock_gettime(CLOCK_MONOTONIC, &now);
  P("bitset past", fx(&a, FUTEX_WAIT_BITSET, 0, &now, 0, -1));
  now.tv_nsec += 30000000; if (now.tv_nsec >= 1000000000) { now.tv_sec++; now.tv_nsec -= 1000000000; }
  P("bitset absolute", fx(&a, FUTEX_WAIT_BITSET, 0, &now, 0, -1));
  clock_gettime(CLOCK_REALTIME, &now);
  now.tv_nsec += 30000000; if (now.tv_nsec >= 1000000000) { now.tv_sec++; now.tv_nsec -= 1000000000; }
  P("bitset realtime", fx(&a, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &now, 0, -1));
  P("wake none", fx(&a, FUTEX_WAKE, 1, 0, 0, 0));
  for (int i = 0; i < 3; i++) pthread_create(&t[i], 0, waiter, (void *)FUTEX_WAIT_PRIVATE);
  usleep(50000);
  P("wake shared misses private", fx(&a, FUTEX_WAKE, 9, 0, 0, 0));
  P("wake two", fx(&a, FUTEX_WAKE_PRIVATE, 2, 0, 0, 0));
  P("wake rest", fx(&a, FUTEX_WAKE_PRIVATE, 9, 0, 0, 0));
  for (int i = 0; i < 3; i++) { pthread_join(t[i], &r[i]); P("waiter result", r[i]); }
  for (int i = 0; i < 3; i++) pthread_create(&t[i], 0, bitwaiter, (void *)(1L << i));
  usleep(50000);
  P("wake bit 1", fx(&a, FUTEX_WAKE_BITSET_PRIVATE, 9, 0, 0, 2));
  P("wake bits 5", fx(&a, FUTEX_WAKE_BITSET_PRIVATE, 9, 0, 0, 5));
  for (int i = 0; i < 3; i++) pthread_join(t[i], 0);
  for (int i = 0; i < 3; i++) pthread_create(&t[i], 0, waiter, (void *)FUTEX_WAIT_PRIVATE);
  usleep(50000);
  P("cmp_requeue wrong", fx(&a, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)9, &b, 7));
  P("cmp_requeue", fx(&a, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)9, &b, 0));
  P("wake old", fx(&a, FUTEX_WAKE_PRIVATE, 9, 0, 0, 0));
  P("requeue back one", fx(&b, FUTEX_REQUEUE_PRIVATE, 0, (void *)1, &a, 0));
  P("wake b", fx(&b, FUTEX_WAKE_PRIVATE, 9, 0, 0, 0));
  P("wake a", fx(&a, FUTEX_WAKE_PRIVATE, 9, 0, 0, 0));
  for (int i = 0; i < 3; i++) pthread_join(t[i], 0);
  P("requeue negative", fx(&a, FUTEX_REQUEUE_PRIVATE, -1, (void *)1, &b, 0));
  // wake_op
  b = 5;
  P("wake_op set", fx(&a, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &b, FUTEX_OP(FUTEX_OP_SET, 9, FUTEX_OP_CMP_EQ, 5)));
  P("b", b);
  P("wake_op add", fx(&a, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &b, FUTEX_OP(FUTEX_OP_ADD, 0xfff, FUTEX_OP_CMP_LT, 0)));
  P("b", b);
  P("wake_op or shift", fx(&a, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &b, FUTEX_OP(FUTEX_OP_OR | 8, 10, FUTEX_OP_CMP_GT, 0)));
  P("b", b);
  P("wake_op andn", fx(&a, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &b, FUTEX_OP(FUTEX_OP_ANDN, 8, FUTEX_OP_CMP_GE, 0)));
  P("wake_op xor", fx(&a, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &b, FUTEX_OP(FUTEX_OP_XOR, 3, FUTEX_OP_CMP_LE, 0)));
  P("b", b);
  P("wake_op bad op", fx(&a, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &b, FUTEX_OP(7, 3, FUTEX_OP_CMP_LE, 0)));
  P("wake_op bad cmp", fx(&a, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &b, FUTEX_OP(1, 3, 9, 0)));
  // PI
  b = 0;
  uint32_t tid = syscall(SYS_gettid);
  P("lock_pi", fx(&b, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0));
  P("lock_pi word", b == tid);
  P("lock_pi again", fx(&b, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0));
  P("trylock own", fx(&b, FUTEX_TRYLOCK_PI_PRIVATE, 0, 0, 0, 0));
  pthread_create(&t[0], 0, piwaiter, 0);
  usleep(50000);
  P("waiters bit", b == (tid | FUTEX_WAITERS));
  P("unlock_pi", fx(&b, FUTEX_UNLOCK_PI_PRIVATE, 0, 0, 0, 0));
  pthread_join(t[0], &r[0]);
  P("pi waiter", r[0]);
  P("word after", b);
  P("unlock not owner", fx(&b, FUTEX_UNLOCK_PI_PRIVATE, 0, 0, 0, 0));
  b = 1 << 22;
  P("lock_pi dead owner", fx(&b, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0));
  b = 0;
  // robust mutexes
  pthread_mutexattr_t ma;
  pthread_mutex_t m;
  for (int shared = 0; shared < 2; shared++) for (int pi = 0; pi < 2; pi++) {
    pthread_mutexattr_init(&ma);
    pthread_mutexattr_setrobust(&ma, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&ma, shared);
    pthread_mutexattr_setprotocol(&ma, pi ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE);
    pthread_mutex_init(&m, &ma);
    pthread_create(&t[0], 0, robust_dier, &m);
    pthread_join(t[0], 0);
    printf("robust shared %d pi %d: %d", shared, pi, pthread_mutex_lock(&m));
    printf(" %d", pthread_mutex_consistent(&m));
    printf(" %d\n", pthread_mutex_unlock(&m));
  }
  void *head; size_t len;
  P("get_robust_list", syscall(SYS_get_robust_list, 0, &head, &len) == 0 && len == 24);
  P("set_robust_list size", syscall(SYS_set_robust_list, head, 8) < 0 ? -errno : 0);
  // between processes
  sh = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t pid = fork();
  if (!pid) { long x = fx(sh, FUTEX_WAIT, 0, 0, 0, 0); _exit(x == 0 ? 1 : 2); }
  usleep(50000);
  P("wake child", fx(sh, FUTEX_WAKE, 1, 0, 0, 0));
  int st;
  waitpid(pid, &st, 0);
  P("child woken", st >> 8);
  // a process dies with a robust shared mutex held while another waits
  pthread_mutex_t *pm = (void *)(sh + 16);
  pthread_mutexattr_setpshared(&ma, 1);
  pthread_mutexattr_setprotocol(&ma, PTHREAD_PRIO_NONE);
  pthread_mutex_init(pm, &ma);
  pid = fork();
  if (!pid) { pthread_mutex_lock(pm); usleep(80000); _exit(0); }
  usleep(30000);
  P("lock of dead process", pthread_mutex_lock(pm));
  waitpid(pid, &st, 0);
  // waitv and the newer calls
  a = b = c = 0;
  pthread_create(&t[0], 0, wvwaiter, 0);
  usleep(50000);
  P("wake second", fx(&b, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0));
  pthread_join(t[0], &r[0]);
  P("waitv", r[0]);
  struct wv w = {0, (uintptr_t)&a, 2 | 128, 0};
  P("waitv none", syscall(449, &w, 0, 0, 0, 0) < 0 ? -errno : 0);
  P("waitv flags", syscall(449, &w, 1, 1, 0, 0) < 0 ? -errno : 0);
  clock_gettime(CLOCK_MONOTONIC, &now);
  P("waitv timeout", syscall(449, &w, 1, 0, &now, CLOCK_MONOTONIC) < 0 ? -errno : 0);
  P("waitv clock", syscall(449, &w, 1, 0, &now, 7) < 0 ? -errno : 0);
  w.val = 3;
  P("waitv value", syscall(449, &w, 1, 0, 0, 0) < 0 ? -errno : 0);
  w.flags = 1;
  P("waitv size", syscall(449, &w, 1, 0, 0, 0) < 0 ? -errno : 0);
  P("futex_wake", syscall(454, &a, ~0u, 1, 2 | 128) < 0 ? -errno : 0);
  P("futex_wake flags", syscall(454, &a, ~0u, 1, 0x40) < 0 ? -errno : 0);
  P("futex_wait value", syscall(455, &a, 1ul, ~0u, 2 | 128, 0, 0) < 0 ? -errno : 0);
  P("futex_wait timeout", syscall(455, &a, 0ul, ~0u, 2 | 128, &now, CLOCK_MONOTONIC) < 0 ? -errno : 0);
  P("futex_wait mask 0", syscall(455, &a, 0ul, 0, 2 | 128, 0, 0) < 0 ? -errno : 0);
  struct wv q[2] = {{0, (uintptr_t)&a, 2 | 128, 0}, {0, (uintptr_t)&b, 2 | 128, 0}};
  P("futex_requeue", syscall(456, q, 0, 1, 1) < 0 ? -errno : 0);
  P("futex_requeue flags", syscall(456, q, 1, 1, 1) < 0 ? -errno : 0);
  return 0;
}
