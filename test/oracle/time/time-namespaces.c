// flags: -static -pthread
// timeout: 60
// Time namespaces: what timens_offsets takes and when, who enters and when, clocks, sleeps, timers and /proc in shifted namespaces.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
static const char *name(long r) { return r < 0 ? strerrorname_np(errno) : "ok"; }
static int put(const char *f, const char *t, size_t n) { int fd = open(f, O_WRONLY); if (fd < 0) { printf("open %s ", strerrorname_np(errno)); return -1; } int r = write(fd, t, n); int e = errno; close(fd); errno = e; return r; }
static void get(void) { char b[512] = {0}; int fd = open("/proc/self/timens_offsets", O_RDONLY); int n = read(fd, b, 511); close(fd); printf(" ["); for (char *s = b; *s; s++) putchar(*s == '\n' ? '/' : *s); printf("]"); (void)n; }
static int64_t ns(int c) { struct timespec t; clock_gettime(c, &t); return t.tv_sec * 1000000000LL + t.tv_nsec; }
static int64_t raw(int c) { struct timespec t; syscall(SYS_clock_gettime, c, &t); return t.tv_sec * 1000000000LL + t.tv_nsec; }
#define IN(...) do { fflush(stdout); pid_t p_ = fork(); if (!p_) { __VA_ARGS__; fflush(stdout); _exit(0); } waitpid(p_, 0, 0); } while (0)
static void grammar(void) {
  static const char *const t[] = {"monotonic 1 0", "monotonic 1 0\n", "boottime 5 7\n", "1 2 3", "7 2 3", "0 1 0", "realtime 1 0", "monotonic 1 0\nboottime 2 0\n", "boottime 2 0\nmonotonic 1 0", "monotonic 1 0\nmonotonic 2 0", "monotonic 1 0\nboottime 2 0\nmonotonic 3 0", "monotonic -1 0", "monotonic -1 999999999", "monotonic 0 -5", "monotonic 1 1000000000", "monotonic 1", "monotonic", "", "\n", "monotonic 1 0 x", " monotonic 1 0", "\tmonotonic\t1\t0", "monotonic 1 0\n\n", "monotonic 1 0\nxx 1 0", "MONOTONIC 1 0", "monotonic 0x10 0", "monotonic 4611686018 0", "monotonic 4611000000 0", "monotonic 9223372036 0", "monotonic 9223372036854775807 0", "monotonic 9223372036854775808 0", "monotonic -100000000 0", "boottime -100000000 0", "monotonic +5 0", "monotonic 1 00000000005", "monotonic 1 0 ", "1 1 0\n7 1 0", "monotonic 5.5 0"};
  for (unsigned i = 0; i < sizeof t / sizeof *t; i++) IN(unshare(CLONE_NEWTIME); int r = put("/proc/self/timens_offsets", t[i], strlen(t[i])); printf("text %u: %d %s", i, r, name(r)); get(); printf("\n"));
  int sizes[] = {4095, 4096, 5000}; char b[5001]; memset(b, ' ', 5000); memcpy(b, "monotonic 1 0\n", 14); for (int i = 0; i < 3; i++) IN(unshare(CLONE_NEWTIME); int r = put("/proc/self/timens_offsets", b, sizes[i]); printf("%d bytes: %d %s\n", sizes[i], r, name(r)));
}
static void *idle(void *a) { for (;;) pause(); }
static void rules(void) {
  IN(int r = put("/proc/self/timens_offsets", "monotonic 1 0", 13); printf("initial: %s", name(r)); get(); printf("\n"));
  IN(unshare(CLONE_NEWTIME); int r = put("/proc/self/timens_offsets", "monotonic 1 0", 13); printf("first: %s", name(r)); r = put("/proc/self/timens_offsets", "boottime 1 0", 12); printf(" second: %s", name(r)); get(); fflush(stdout); pid_t p = fork(); if (!p) { get(); int r = put("/proc/self/timens_offsets", "monotonic 2 0", 13); printf(" inside: %s", name(r)); fflush(stdout); _exit(0); } waitpid(p, 0, 0); r = put("/proc/self/timens_offsets", "monotonic 3 0", 13); printf(" once somebody is in: %s\n", name(r)));
  IN(int fd = open("/proc/self/timens_offsets", O_RDWR); unshare(CLONE_NEWTIME); int r = pwrite(fd, "monotonic 1 0", 13, 3); printf("at 3: %s", name(r)); r = write(fd, "monotonic 1 0", 13); printf(" opened before: %s", name(r)); get(); printf("\n"));
  IN(setgroups(0, 0); setresuid(1000, 1000, 1000); prctl(PR_SET_DUMPABLE, 1); int r = unshare(CLONE_NEWTIME); printf("unshare by a user: %s", name(r)); r = unshare(CLONE_NEWUSER | CLONE_NEWTIME); printf(" with a user namespace: %s", name(r)); r = put("/proc/self/timens_offsets", "monotonic 9 0", 13); printf(" write: %s", name(r)); get(); printf("\n"));
  IN(unshare(CLONE_NEWTIME); setresuid(1000, 1000, 1000); prctl(PR_SET_DUMPABLE, 1); int r = put("/proc/self/timens_offsets", "monotonic 9 0", 13); printf("root's by a user: %s\n", name(r)));
  IN(pthread_t t; pthread_create(&t, 0, idle, 0); int r = unshare(CLONE_NEWTIME); printf("a thread more: %s", name(r)); int fd = open("/proc/self/ns/time_for_children", O_RDONLY); r = setns(fd, CLONE_NEWTIME); printf(" setns %s", name(r)); fd = open("/proc/self/ns/time", O_RDONLY); r = setns(fd, 0); printf(" %s\n", name(r)));
  IN(unshare(CLONE_NEWTIME); put("/proc/self/timens_offsets", "monotonic 1000000 0", 19); int64_t a = ns(CLOCK_MONOTONIC); int fd = open("/proc/self/ns/time_for_children", O_RDONLY); int r = setns(fd, 0); printf("enter the pending one: %s %d", name(r), (int)((ns(CLOCK_MONOTONIC) - a) / 1000000000000000LL)); char x[64] = {0}, y[64] = {0}; readlink("/proc/self/ns/time", x, 63); readlink("/proc/self/ns/time_for_children", y, 63); printf(" same %d\n", !strcmp(x, y)));
  IN(unshare(CLONE_NEWTIME); put("/proc/self/timens_offsets", "monotonic 1000000 0", 19); int64_t a = ns(CLOCK_MONOTONIC); pid_t p = vfork(); if (!p) { _exit((ns(CLOCK_MONOTONIC) - a) / 1000000000000000LL); } int s; waitpid(p, &s, 0); printf("vfork stays outside: %x\n", s); char *v[] = {"sh", "-c", "a=$(readlink /proc/self/ns/time); b=$(readlink /proc/self/ns/time_for_children); [ $a = $b ] && echo exec enters", 0}; fflush(stdout); execv("/bin/sh", v));
}
static void clocks(void) {
  static const int id[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_REALTIME_COARSE, CLOCK_TAI, CLOCK_BOOTTIME_ALARM}; int64_t before[8]; unshare(CLONE_NEWTIME); int r = put("/proc/self/timens_offsets", "monotonic 5000000 500\nboottime 7000000 0", 40); printf("offsets: %s", name(r)); get(); printf("\n");
  for (int i = 0; i < 8; i++) before[i] = ns(id[i]); struct sysinfo si0; sysinfo(&si0);
  IN(for (int i = 0; i < 8; i++) printf("clock %d: +%lld, by call +%lld\n", id[i], (long long)(ns(id[i]) - before[i] + 500000000) / 1000000000, (long long)(raw(id[i]) - before[i] + 500000000) / 1000000000); struct sysinfo si; sysinfo(&si); printf("sysinfo uptime: +%ld\n", (si.uptime - si0.uptime + 500000) / 1000000); double up; FILE *f = fopen("/proc/uptime", "r"); fscanf(f, "%lf", &up); printf("/proc/uptime: +%ld\n", (long)(up - si0.uptime + 500000) / 1000000);
    char b[4096] = {0}; int fd = open("/proc/self/stat", O_RDONLY); read(fd, b, 4095); char *s = strrchr(b, ')'); long long start; sscanf(s + 2, "%*c %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %lld", &start); printf("start time fits: %d\n", start / 100 > si0.uptime + 6999990); fd = open("/proc/stat", O_RDONLY); int n = read(fd, b, 4095); (void)n;
    struct timespec t = {0}; clock_gettime(CLOCK_MONOTONIC, &t); t.tv_nsec += 20000000; if (t.tv_nsec > 999999999) { t.tv_sec++; t.tv_nsec -= 1000000000; } int64_t a = ns(CLOCK_MONOTONIC); int r = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, 0); int64_t d = ns(CLOCK_MONOTONIC) - a; printf("absolute sleep: %d %d\n", r, d >= 15000000 && d < 900000000); clock_gettime(CLOCK_BOOTTIME, &t); t.tv_sec -= 1; a = ns(CLOCK_MONOTONIC); r = clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &t, 0); printf("past: %d %d\n", r, ns(CLOCK_MONOTONIC) - a < 500000000);
    int tf = timerfd_create(CLOCK_BOOTTIME, 0); clock_gettime(CLOCK_BOOTTIME, &t); struct itimerspec its = {{0, 0}, {t.tv_sec + 100, 0}}; timerfd_settime(tf, TFD_TIMER_ABSTIME, &its, 0); struct itimerspec cur; timerfd_gettime(tf, &cur); printf("timerfd: %d\n", cur.it_value.tv_sec >= 98 && cur.it_value.tv_sec <= 100); timer_t tm; timer_create(CLOCK_MONOTONIC, &(struct sigevent){.sigev_notify = SIGEV_NONE}, &tm); clock_gettime(CLOCK_MONOTONIC, &t); its.it_value.tv_sec = t.tv_sec + 50; timer_settime(tm, TIMER_ABSTIME, &its, 0); timer_gettime(tm, &cur); printf("timer: %d\n", cur.it_value.tv_sec >= 48 && cur.it_value.tv_sec <= 50));
}
// Offsets count from the clock's own time: it must have run for longer than the negative ones, and for less than what is left to the largest.
int main(void) { struct timespec up = {2, 0}; clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &up, 0); setvbuf(stdout, 0, _IOFBF, 1 << 16); grammar(); rules(); clocks(); return 0; }
