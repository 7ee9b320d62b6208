// eventfd, timerfd, signalfd, memfd seals, pidfd.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <pthread.h>
static int n;
#define T(what, e) do { errno = 0; long r_ = (long)(e); printf("%02d %s: %ld %d\n", n++, what, r_, r_ < 0 ? errno : 0); } while (0)
static int mask(int fd) { struct pollfd p = {fd, 0x7fff & ~POLLNVAL, 0}; poll(&p, 1, 0); return p.revents; }
static int tid; static void *thr(void *x) { tid = syscall(SYS_gettid); usleep(100000); return 0; }

static void eventfds(void) {
  uint64_t v; int e;
  T("flags", eventfd(0, 0x10)); e = eventfd(5, EFD_NONBLOCK); T("mask", mask(e)); T("read", read(e, &v, 8)); T("value", v); T("read", read(e, &v, 8)); T("mask", mask(e));
  v = 3; T("write", write(e, &v, 8)); T("write", write(e, &v, 8)); T("read", read(e, &v, 8)); T("value", v); T("short read", read(e, &v, 4)); T("short write", write(e, &v, 7)); v = -1; T("max", write(e, &v, 8)); v = -2; T("max-1", write(e, &v, 8)); T("mask", mask(e)); v = 1; T("full", write(e, &v, 8)); v = 0; T("zero", write(e, &v, 8)); T("read", read(e, &v, 8)); T("value", v); char big[16] = {0}; big[0] = 7; T("long write", write(e, big, 16)); T("long read", read(e, big, 16)); close(e);
  e = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK); for (int i = 0; i < 4; i++) { v = 99; T("sem", read(e, &v, 8)); T("value", v); } T("seek", lseek(e, 0, SEEK_SET)); T("pread", pread(e, &v, 8, 0)); T("trunc", ftruncate(e, 0)); struct stat st; fstat(e, &st); T("mode", st.st_mode); T("size", st.st_size); close(e);
  e = eventfd(0, 0); if (!fork()) { usleep(20000); v = 42; write(e, &v, 8); _exit(0); } T("blocking", read(e, &v, 8)); T("value", v); wait(0);
  v = -2; write(e, &v, 8); if (!fork()) { usleep(20000); read(e, &v, 8); _exit(0); } v = 9; T("blocking write", write(e, &v, 8)); read(e, &v, 8); T("value", v); wait(0);
}
static void timerfds(void) {
  uint64_t v; struct itimerspec it = {{0, 0}, {0, 0}}, o; int t;
  T("clock", timerfd_create(99, 0)); T("cpu clock", timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0)); T("flags", timerfd_create(CLOCK_MONOTONIC, 1)); T("boot", timerfd_create(CLOCK_BOOTTIME, 0) < 0); T("alarm", timerfd_create(CLOCK_REALTIME_ALARM, 0) < 0);
  t = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK); T("mask", mask(t)); T("read", read(t, &v, 8)); T("gettime", timerfd_gettime(t, &o)); T("zero", o.it_value.tv_sec + o.it_value.tv_nsec);
  it.it_value.tv_nsec = 1000000000; T("bad ns", timerfd_settime(t, 0, &it, 0)); it.it_value.tv_nsec = -1; T("bad ns", timerfd_settime(t, 0, &it, 0)); it.it_value = (struct timespec){0, 20000000}; T("bad flags", timerfd_settime(t, 8, &it, 0)); T("fault", timerfd_settime(t, 0, (void *)8, 0)); T("not timerfd", timerfd_settime(1, 0, &it, 0)); T("badf", timerfd_settime(999, 0, &it, 0));
  T("set", timerfd_settime(t, 0, &it, &o)); timerfd_gettime(t, &o); T("left", o.it_value.tv_nsec > 0 && o.it_value.tv_nsec <= 20000000); usleep(40000); T("mask", mask(t)); timerfd_gettime(t, &o); T("left", o.it_value.tv_nsec); T("read", read(t, &v, 8)); T("ticks", v); T("again", read(t, &v, 8));
  it.it_interval = (struct timespec){0, 10000000}; it.it_value = (struct timespec){0, 5000000}; T("interval", timerfd_settime(t, 0, &it, 0)); usleep(60000); T("read", read(t, &v, 8)); T("several", v >= 5 && v <= 8); timerfd_gettime(t, &o); T("interval", o.it_interval.tv_nsec); T("left", o.it_value.tv_nsec > 0 && o.it_value.tv_nsec <= 10000000); it.it_value.tv_nsec = 0; T("disarm", timerfd_settime(t, 0, &it, &o)); T("old interval", o.it_interval.tv_nsec); usleep(20000); T("read", read(t, &v, 8)); T("short", read(t, &v, 4)); T("write", write(t, &v, 8)); close(t);
  t = timerfd_create(CLOCK_REALTIME, 0); clock_gettime(CLOCK_REALTIME, &it.it_value); it.it_interval = (struct timespec){0, 0}; it.it_value.tv_sec -= 5; T("past", timerfd_settime(t, TFD_TIMER_ABSTIME, &it, 0)); T("read", read(t, &v, 8)); T("ticks", v); clock_gettime(CLOCK_REALTIME, &it.it_value); it.it_value.tv_nsec += 30000000; if (it.it_value.tv_nsec >= 1000000000) { it.it_value.tv_nsec -= 1000000000; it.it_value.tv_sec++; } T("abs", timerfd_settime(t, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &it, 0)); T("read", read(t, &v, 8)); T("ticks", v);
  clock_gettime(CLOCK_MONOTONIC, &it.it_value); close(t); t = timerfd_create(CLOCK_MONOTONIC, 0); it.it_value.tv_sec -= 0; it.it_interval = (struct timespec){1, 0}; it.it_value.tv_nsec = 1; T("past with interval", timerfd_settime(t, TFD_TIMER_ABSTIME, &it, 0)); T("read", read(t, &v, 8)); T("ticks", v >= 1);
}
static void signalfds(void) {
  sigset_t m; struct signalfd_siginfo si[3]; int s;
  sigemptyset(&m); sigaddset(&m, SIGUSR1); sigaddset(&m, SIGRTMIN); sigaddset(&m, SIGCHLD); sigprocmask(SIG_BLOCK, &m, 0);
  T("flags", signalfd(-1, &m, 1)); T("size", syscall(SYS_signalfd4, -1, &m, 4, 0)); T("badf", signalfd(999, &m, 0)); T("not sfd", signalfd(1, &m, 0)); s = signalfd(-1, &m, SFD_NONBLOCK | SFD_CLOEXEC); T("mask", mask(s)); T("read", read(s, si, sizeof si)); kill(getpid(), SIGUSR1); kill(getpid(), SIGUSR1); T("mask", mask(s)); T("short", read(s, si, 100)); T("read", read(s, si, sizeof si)); T("signo", si[0].ssi_signo); T("code", si[0].ssi_code); T("pid", si[0].ssi_pid == (unsigned)getpid()); T("uid", si[0].ssi_uid);
  union sigval sv = {.sival_int = 77}; sigqueue(getpid(), SIGRTMIN, sv); sv.sival_int = 78; sigqueue(getpid(), SIGRTMIN, sv); kill(getpid(), SIGUSR1); T("three", read(s, si, sizeof si)); T("first", si[0].ssi_signo); T("int", si[1].ssi_int); T("int", si[2].ssi_int); T("ptr", si[2].ssi_ptr); T("code", si[1].ssi_code);
  int c = fork(); if (!c) _exit(7); usleep(30000); T("chld", read(s, si, sizeof si)); T("signo", si[0].ssi_signo); T("status", si[0].ssi_status); T("code", si[0].ssi_code); T("pid", si[0].ssi_pid == (unsigned)c); waitpid(c, 0, 0);
  sigemptyset(&m); sigaddset(&m, SIGRTMIN); T("change", signalfd(s, &m, 0) == s); raise(SIGUSR1); T("not in mask", read(s, si, sizeof si)); sigaddset(&m, SIGUSR1); signalfd(s, &m, 0); T("tkill", read(s, si, sizeof si)); T("code", si[0].ssi_code); fcntl(s, F_SETFL, 0); c = fork(); if (!c) { usleep(30000); kill(getppid(), SIGUSR1); _exit(0); } T("blocking", read(s, si, sizeof si[0])); T("signo", si[0].ssi_signo); waitpid(c, 0, 0); while (fcntl(s, F_SETFL, O_NONBLOCK), read(s, si, sizeof si) > 0) ;
}
static void memfds(void) {
  int f; char buf[300]; struct stat st;
  T("flags", memfd_create("x", 0x100)); memset(buf, 'a', 299); buf[249] = 0; T("long ok", memfd_create(buf, 0) < 0); buf[249] = 'a'; buf[250] = 0; T("too long", memfd_create(buf, 0)); f = memfd_create("test/name", MFD_CLOEXEC); T("cloexec", fcntl(f, F_GETFD)); T("seals", fcntl(f, F_GET_SEALS)); T("add seal", fcntl(f, F_ADD_SEALS, F_SEAL_WRITE)); fstat(f, &st); T("mode", st.st_mode); T("nlink", st.st_nlink); char l[64], lk[100]; sprintf(l, "/proc/self/fd/%d", f); int k = readlink(l, lk, 99); lk[k > 0 ? k : 0] = 0; printf("link: %s\n", lk); T("getfl", fcntl(f, F_GETFL) & ~0100000);
  f = memfd_create("s", MFD_ALLOW_SEALING); T("seals", fcntl(f, F_GET_SEALS)); ftruncate(f, 8192); T("grow", fcntl(f, F_ADD_SEALS, F_SEAL_GROW)); T("truncate up", ftruncate(f, 10000)); T("write in", pwrite(f, "abc", 3, 0)); T("write over", pwrite(f, "abc", 3, 8190)); T("write beyond", pwrite(f, "abc", 3, 9000)); T("shrink", fcntl(f, F_ADD_SEALS, F_SEAL_SHRINK)); T("truncate down", ftruncate(f, 100)); char *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0); T("busy", fcntl(f, F_ADD_SEALS, F_SEAL_WRITE)); munmap(p, 4096); T("write", fcntl(f, F_ADD_SEALS, F_SEAL_WRITE)); T("write", pwrite(f, "abc", 3, 0)); T("mmap rw", mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0) == MAP_FAILED ? -1 : 0); T("mmap private", mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, f, 0) == MAP_FAILED ? -1 : 0); T("mmap ro", mmap(0, 4096, PROT_READ, MAP_SHARED, f, 0) == MAP_FAILED ? -1 : 0); T("seal", fcntl(f, F_ADD_SEALS, F_SEAL_SEAL)); T("more", fcntl(f, F_ADD_SEALS, F_SEAL_GROW)); T("seals", fcntl(f, F_GET_SEALS)); T("unknown", fcntl(f, F_ADD_SEALS, 0x1000)); T("not memfd", fcntl(0, F_GET_SEALS)); 
}
static void pidfds(void) {
  siginfo_t si; int pf, c; pthread_t th;
  T("flags", syscall(SYS_pidfd_open, getpid(), 1)); T("zero", syscall(SYS_pidfd_open, 0, 0)); T("none", syscall(SYS_pidfd_open, 4190000, 0)); c = fork(); if (!c) { pause(); _exit(0); } pf = syscall(SYS_pidfd_open, c, 0); T("cloexec", fcntl(pf, F_GETFD)); T("mask", mask(pf)); T("sig 0", syscall(SYS_pidfd_send_signal, pf, 0, 0, 0)); T("sig bad", syscall(SYS_pidfd_send_signal, pf, 99, 0, 0)); T("sig flags", syscall(SYS_pidfd_send_signal, pf, 0, 0, 8)); T("getfd", syscall(SYS_pidfd_getfd, pf, 1, 0) < 0); T("getfd none", syscall(SYS_pidfd_getfd, pf, 999, 0)); T("kill", syscall(SYS_pidfd_send_signal, pf, SIGTERM, 0, 0)); struct pollfd q = {pf, POLLIN, 0}; T("poll", poll(&q, 1, 2000)); T("revents", q.revents); T("signal zombie", syscall(SYS_pidfd_send_signal, pf, 0, 0, 0)); T("waitid", waitid(P_PIDFD, pf, &si, WEXITED)); T("status", si.si_status); T("revents", mask(pf)); T("signal gone", syscall(SYS_pidfd_send_signal, pf, 0, 0, 0)); T("read", read(pf, &si, 1)); T("not pidfd", syscall(SYS_pidfd_send_signal, 1, 0, 0, 0)); pthread_create(&th, 0, thr, 0); while (!tid) usleep(1000); T("thread", syscall(SYS_pidfd_open, tid, 0)); T("thread ok", syscall(SYS_pidfd_open, tid, O_EXCL) < 0); pthread_join(th, 0);
}
int main(void) { setvbuf(stdout, 0, _IOLBF, 0); eventfds(); timerfds(); signalfds(); memfds(); pidfds(); return 0; }
