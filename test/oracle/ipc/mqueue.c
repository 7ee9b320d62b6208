// POSIX message queues: opening, attributes, priorities, waiting, notification, the file system, limits.
// flags: -lrt -pthread
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <dirent.h>
#include <sys/inotify.h>
#include <sys/socket.h>
/* Where temporary directories are made: the folder that the test is started in. */
static char home[256];
#define R(name, e) do { errno = 0; long r_ = (long)(e); printf("%s: %ld errno %d\n", name, r_ < 0 ? -1 : r_, r_ < 0 ? errno : 0); } while (0)
#define OK(name, e) do { errno = 0; long r_ = (long)(e); printf("%s: %s errno %d\n", name, r_ < 0 ? "no" : "yes", r_ < 0 ? errno : 0); } while (0)
static int sys_open(const char *n, int f, int m, void *a) { return syscall(SYS_mq_open, n, f, m, a); }
static void attrs(const char *what, mqd_t q) { struct mq_attr a; memset(&a, 7, sizeof a); int r = mq_getattr(q, &a); printf("%s: %d flags %lx maxmsg %ld msgsize %ld cur %ld\n", what, r, a.mq_flags, a.mq_maxmsg, a.mq_msgsize, a.mq_curmsgs); }
static void opening(void) {
  OK("absent", mq_open("/vm-a", O_RDWR)); OK("syscall slash", sys_open("/vm-a", O_CREAT | O_RDWR, 0600, 0)); OK("syscall empty", sys_open("", O_CREAT | O_RDWR, 0600, 0)); OK("syscall dot", sys_open(".", O_RDWR, 0, 0)); OK("syscall inner", sys_open("a/b", O_CREAT | O_RDWR, 0600, 0)); OK("syscall fault", sys_open((void *)8, O_RDWR, 0, 0)); OK("attr fault", sys_open("x", O_RDWR, 0, (void *)8));
  char longname[400]; memset(longname, 'n', 300); longname[300] = 0; OK("long", sys_open(longname, O_CREAT | O_RDWR, 0600, 0));
  umask(022); mqd_t q = mq_open("/vm-a", O_CREAT | O_EXCL | O_RDWR, 0666, NULL); OK("create", q); attrs("default attrs", q); OK("exclusive", mq_open("/vm-a", O_CREAT | O_EXCL | O_RDWR, 0600, NULL)); OK("access 3", mq_open("/vm-a", 3));
  struct stat st; fstat(q, &st); printf("stat: mode %o size %ld nlink %ld uid %d\n", st.st_mode, (long)st.st_size, (long)st.st_nlink, st.st_uid); printf("cloexec: %d\n", fcntl(q, F_GETFD)); printf("getfl: %x\n", fcntl(q, F_GETFL));
  char link[64], to[256]; snprintf(link, sizeof link, "/proc/self/fd/%d", q); int n = readlink(link, to, 255); to[n < 0 ? 0 : n] = 0; printf("link: %s\n", to); R("unlink", mq_unlink("/vm-a")); R("unlink again", mq_unlink("/vm-a")); n = readlink(link, to, 255); to[n < 0 ? 0 : n] = 0; printf("link deleted: %s\n", to); fstat(q, &st); printf("nlink: %ld\n", (long)st.st_nlink); R("unlink slash", syscall(SYS_mq_unlink, "/vm-a")); R("unlink empty", syscall(SYS_mq_unlink, "")); R("unlink dots", syscall(SYS_mq_unlink, ".."));
  R("write", write(q, "x", 1)); R("lseek", lseek(q, 3, SEEK_SET)); R("ftruncate", ftruncate(q, 4)); fstat(q, &st); printf("size: %ld\n", (long)st.st_size); R("close", mq_close(q)); R("close again", mq_close(q));
  struct mq_attr a = {.mq_maxmsg = 0, .mq_msgsize = 10}; OK("maxmsg 0", mq_open("/vm-b", O_CREAT | O_RDWR, 0600, &a)); a.mq_maxmsg = -1; OK("maxmsg -1", mq_open("/vm-b", O_CREAT | O_RDWR, 0600, &a)); a.mq_maxmsg = 3; a.mq_msgsize = 0; OK("msgsize 0", mq_open("/vm-b", O_CREAT | O_RDWR, 0600, &a)); a.mq_maxmsg = 65537; a.mq_msgsize = 1; OK("maxmsg hard", mq_open("/vm-b", O_CREAT | O_RDWR, 0600, &a)); a.mq_maxmsg = 1; a.mq_msgsize = 16777217; OK("msgsize hard", mq_open("/vm-b", O_CREAT | O_RDWR, 0600, &a)); a.mq_maxmsg = 65536; a.mq_msgsize = 16777216; OK("too much memory", mq_open("/vm-b", O_CREAT | O_RDWR, 0600, &a));
  a.mq_maxmsg = 20; a.mq_msgsize = 100; a.mq_flags = O_NONBLOCK; a.mq_curmsgs = 9; q = mq_open("/vm-b", O_CREAT | O_RDWR, 0600, &a); attrs("own attrs", q); mq_close(q); mq_unlink("/vm-b");
}
static void access_modes(void) {
  mqd_t q = mq_open("/vm-c", O_CREAT | O_RDWR | O_NONBLOCK, 0600, NULL), r = mq_open("/vm-c", O_RDONLY | O_NONBLOCK), w = mq_open("/vm-c", O_WRONLY | O_NONBLOCK); char b[8192]; unsigned p;
  R("send to reader", mq_send(r, "a", 1, 0)); R("receive from writer", mq_receive(w, b, sizeof b, 0)); R("empty", mq_receive(q, b, sizeof b, 0)); R("short buffer", mq_receive(q, b, 10, 0)); R("priority", mq_send(q, "a", 1, 32768)); R("too long", mq_send(q, b, 8193, 0)); R("fault", mq_send(q, (void *)8, 5, 0)); R("bad fd", mq_send(77, "a", 1, 0)); R("not a queue", mq_send(1, "a", 1, 0)); R("empty message", mq_send(w, "", 0, 5));
  R("highest priority", mq_send(q, "top", 3, 32767)); const char *m[] = {"one", "two", "three", "four"}; unsigned pr[] = {1, 7, 1, 7}; for (int i = 0; i < 4; i++) mq_send(q, m[i], strlen(m[i]), pr[i]);
  lseek(q, 0, SEEK_SET); memset(b, 0, 200); R("read", read(q, b, 200)); printf("%s", b); R("read end", read(q, b, 200)); attrs("before", q);
  for (;;) { memset(b, 0, 20); int n = mq_receive(q, b, sizeof b, &p); if (n < 0) { printf("end errno %d\n", errno); break; } printf("got %d '%s' priority %u\n", n, b, p); }
  for (int i = 0; i < 10; i++) mq_send(q, "f", 1, i); R("full", mq_send(q, "f", 1, 1)); struct pollfd f = {q, POLLIN | POLLOUT, 0}; poll(&f, 1, 0); printf("poll full: %x\n", f.revents); R("receive fault", syscall(SYS_mq_timedreceive, q, (void *)8, 8192L, 0, 0)); R("receive prio fault", syscall(SYS_mq_timedreceive, q, b, 8192L, (void *)8, 0)); poll(&f, 1, 0); printf("poll mid: %x\n", f.revents); attrs("lost two", q); while (mq_receive(q, b, sizeof b, 0) >= 0); poll(&f, 1, 0); printf("poll empty: %x\n", f.revents);
  struct mq_attr a = {.mq_flags = 0}, old; R("setattr", mq_setattr(q, &a, &old)); printf("old flags %lx now %x\n", old.mq_flags, fcntl(q, F_GETFL)); a.mq_flags = O_NONBLOCK | 1; R("setattr bad", mq_setattr(q, &a, 0)); a.mq_flags = O_NONBLOCK; R("setattr nonblock", mq_setattr(q, &a, 0)); R("getattr fault", syscall(SYS_mq_getsetattr, q, 0, (void *)8)); R("getattr not queue", mq_getattr(0, &a));
  mq_close(q); mq_close(r); mq_close(w); mq_unlink("/vm-c");
}
static void nothing(int s) { (void)s; }
static struct timespec in(long ms) { struct timespec t; clock_gettime(CLOCK_REALTIME, &t); t.tv_nsec += ms * 1000000; while (t.tv_nsec >= 1000000000) { t.tv_sec++; t.tv_nsec -= 1000000000; } return t; }
static void waiting(void) {
  struct mq_attr a = {.mq_maxmsg = 1, .mq_msgsize = 16}; mqd_t q = mq_open("/vm-d", O_CREAT | O_RDWR, 0600, &a); char b[16]; struct timespec t = in(20); int s; unsigned pr;
  R("receive times out", mq_timedreceive(q, b, 16, 0, &t)); t = in(-5000); R("receive past", mq_timedreceive(q, b, 16, 0, &t)); t.tv_nsec = 1000000000; R("receive bad time", mq_timedreceive(q, b, 16, 0, &t)); t.tv_nsec = -1; R("send bad time", mq_timedsend(q, b, 1, 0, &t)); R("time fault", syscall(SYS_mq_timedsend, q, b, 1L, 0, (void *)8)); R("bad time before bad fd", syscall(SYS_mq_timedsend, 99, b, 1L, 0, &t)); t = in(-5000); R("past with room", mq_timedsend(q, "x", 1, 0, &t)); R("send past full", mq_timedsend(q, "x", 1, 0, &t)); t = in(20); R("send times out", mq_timedsend(q, "x", 1, 0, &t));
  pid_t p = fork(); if (!p) _exit(mq_send(q, "later", 5, 3) ? errno : 42); usleep(30000); R("makes room", mq_receive(q, b, 16, &pr)); waitpid(p, &s, 0); printf("sender %d\n", WEXITSTATUS(s)); R("sent later", mq_receive(q, b, 16, &pr)); printf("prio %u\n", pr);
  p = fork(); if (!p) { char c[16]; unsigned u; int n = mq_receive(q, c, 16, &u); _exit(n == 2 && u == 9 ? 43 : 1); } usleep(30000); R("hands over", mq_send(q, "hi", 2, 9)); attrs("handed", q); waitpid(p, &s, 0); printf("receiver %d\n", WEXITSTATUS(s));
  struct sigaction sa = {.sa_handler = nothing}; sigaction(SIGALRM, &sa, 0); ualarm(20000, 0); R("interrupted", mq_receive(q, b, 16, 0)); sa.sa_flags = SA_RESTART; sigaction(SIGALRM, &sa, 0); ualarm(20000, 0); t = in(60); R("restarted", mq_timedreceive(q, b, 16, 0, &t));
  // Two receivers of equal priority: first come first served.
  int pp[2]; pipe(pp); for (int i = 0; i < 2; i++) { if (!fork()) { char c[16]; mq_receive(q, c, 16, 0); char o = '0' + i; write(pp[1], &o, 1); _exit(0); } usleep(30000); } mq_send(q, "a", 1, 0); read(pp[0], b, 1); printf("first %c\n", b[0]); mq_send(q, "a", 1, 0); read(pp[0], b, 1); printf("second %c\n", b[0]); while (wait(0) > 0);
  // The more urgent receiver goes first, though it came later.
  for (int i = 0; i < 2; i++) { if (!fork()) { if (i) setpriority(PRIO_PROCESS, 0, -5); char c[16]; mq_receive(q, c, 16, 0); char o = '0' + i; write(pp[1], &o, 1); _exit(0); } usleep(30000); } mq_send(q, "a", 1, 0); read(pp[0], b, 1); printf("urgent first %c\n", b[0]); mq_send(q, "a", 1, 0); read(pp[0], b, 1); while (wait(0) > 0);
  p = fork(); if (!p) { char c[16]; mq_receive(q, c, 16, 0); _exit(0); } usleep(20000); kill(p, SIGKILL); waitpid(p, &s, 0); R("after killed receiver", mq_send(q, "z", 1, 0)); attrs("kept", q);
  mq_close(q); mq_unlink("/vm-d");
}
static volatile int got; static siginfo_t info;
static void handler(int s, siginfo_t *i, void *u) { (void)u; got = s; info = *i; }
static volatile int threaded; static void run(union sigval v) { threaded = v.sival_int; }
static void notification(void) {
  struct mq_attr a = {.mq_maxmsg = 4, .mq_msgsize = 16}; mqd_t q = mq_open("/vm-e", O_CREAT | O_RDWR, 0600, &a); char b[200]; int s;
  struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO}; sigaction(SIGUSR1, &sa, 0); struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 77};
  R("notify", mq_notify(q, &e)); R("busy", mq_notify(q, &e)); b[0] = 0; lseek(q, 0, 0); s = read(q, b, 199); b[s] = 0; char *pid = strstr(b, "NOTIFY_PID:"); printf("pid shown %d %.*s\n", atoi(pid + 11) == getpid(), (int)(pid - b), b);
  if (!fork()) { R("child busy", mq_notify(q, &e)); R("child removes nothing", mq_notify(q, 0)); mq_close(q); fflush(stdout); _exit(0); } wait(0);
  mq_send(q, "a", 1, 0); printf("signal %d code %d value %d pid %d uid %d\n", got, info.si_code, info.si_value.sival_int, info.si_pid == getpid(), info.si_uid); got = 0; mq_receive(q, b, 16, 0); mq_send(q, "a", 1, 0); printf("once %d\n", got); R("notify nonempty", mq_notify(q, &e)); mq_send(q, "b", 1, 0); printf("not empty %d\n", got); mq_receive(q, b, 16, 0); mq_receive(q, b, 16, 0);
  if (!fork()) { char c[16]; mq_receive(q, c, 16, 0); _exit(0); } usleep(30000); mq_send(q, "c", 1, 0); wait(0); printf("receiver waits %d\n", got); mq_send(q, "d", 1, 0); printf("now %d\n", got); mq_receive(q, b, 16, 0);
  R("none", mq_notify(q, &(struct sigevent){.sigev_notify = SIGEV_NONE})); lseek(q, 0, 0); s = read(q, b, 199); b[s] = 0; printf("%.*s\n", 40, b); R("remove", mq_notify(q, 0)); R("remove again", mq_notify(q, 0)); e.sigev_notify = 9; R("kind", mq_notify(q, &e)); e.sigev_notify = SIGEV_SIGNAL; e.sigev_signo = 65; R("signo", mq_notify(q, &e)); e.sigev_signo = 0; R("signo 0", mq_notify(q, &e)); got = 0; mq_send(q, "x", 1, 0); mq_receive(q, b, 16, 0); R("gone after signo 0", mq_notify(q, &e)); R("bad fd", mq_notify(55, &e)); R("not queue", mq_notify(0, &e));
  int d = dup(q); close(d); R("close of a copy removes", mq_notify(q, &e)); mq_notify(q, 0);
  e.sigev_notify = SIGEV_THREAD; e.sigev_notify_function = run; e.sigev_notify_attributes = 0; e.sigev_value.sival_int = 1234; R("thread", mq_notify(q, &e)); mq_send(q, "t", 1, 0); for (int i = 0; i < 200 && !threaded; i++) usleep(5000); printf("thread ran %d\n", threaded); mq_receive(q, b, 16, 0);
  char cookie[32] = "cookie"; struct sigevent raw; memset(&raw, 0, sizeof raw); raw.sigev_notify = SIGEV_THREAD; raw.sigev_value.sival_ptr = cookie; raw.sigev_signo = open("/dev/null", O_RDONLY); R("thread fd no socket", syscall(SYS_mq_notify, q, &raw)); raw.sigev_signo = 99; R("thread fd bad", syscall(SYS_mq_notify, q, &raw)); int u = socket(AF_UNIX, SOCK_STREAM, 0); raw.sigev_signo = u; R("thread fd unix", syscall(SYS_mq_notify, q, &raw)); raw.sigev_value.sival_ptr = (void *)8; R("thread cookie", syscall(SYS_mq_notify, q, &raw));
  int nl = socket(AF_NETLINK, SOCK_RAW, 0); raw.sigev_signo = nl; raw.sigev_value.sival_ptr = cookie; R("raw", syscall(SYS_mq_notify, q, &raw)); mq_send(q, "r", 1, 0); R("cookie", recv(nl, b, 32, 0)); printf("%s %d\n", b, b[31]); mq_receive(q, b, 16, 0); R("raw again", syscall(SYS_mq_notify, q, &raw)); R("raw remove", mq_notify(q, 0)); R("removed", recv(nl, b, 32, 0)); printf("%d\n", b[31]);
  // Exit of the registered process ends it; execve does not if the queue stays open, but the new program gets no signal.
  e.sigev_notify = SIGEV_SIGNAL; e.sigev_signo = SIGUSR1; if (!fork()) { mq_notify(q, &e); _exit(0); } wait(0); R("after exit", mq_notify(q, &e)); mq_notify(q, 0);
  int hold[2]; pipe(hold); pid_t p = fork(); if (!p) { fcntl(q, F_SETFD, 0); mq_notify(q, &e); execl("/bin/sleep", "sleep", "0.2", NULL); _exit(1); } usleep(100000); R("held over exec", mq_notify(q, &e)); mq_send(q, "x", 1, 0); waitpid(p, &s, 0); printf("exec'd unharmed %x\n", s); mq_receive(q, b, 16, 0); p = fork(); if (!p) { mq_notify(q, &e); execl("/bin/sleep", "sleep", "0.2", NULL); _exit(1); } usleep(100000); R("closed by exec", mq_notify(q, &e)); kill(p, SIGKILL); waitpid(p, &s, 0);
  mq_close(q); mq_unlink("/vm-e");
}
static int number(const char *f) { FILE *s = fopen(f, "r"); int v = -1; if (!s) return -errno; if (fscanf(s, "%d", &v) != 1) v = -2; fclose(s); return v; }
static int put(const char *f, const char *v) { int d = open(f, O_WRONLY); if (d < 0) return -errno; int r = write(d, v, strlen(v)); r = r < 0 ? -errno : 0; close(d); return r; }
#define SYS "/proc/sys/fs/mqueue/"
static void filesystem(void) {
  if (unshare(CLONE_NEWNS | CLONE_NEWIPC)) { perror("unshare"); return; } mount(0, "/", 0, MS_REC | MS_PRIVATE, 0); char dir[400]; snprintf(dir, 400, "%s/vmXXXXXX", home); mkdtemp(dir); R("mount", mount("none", dir, "mqueue", 0, 0)); R("mount option", mount("none", dir, "mqueue", 0, "mode=700")); chdir(dir);
  struct stat st; stat(".", &st); printf("root %o size %ld nlink %ld\n", st.st_mode, (long)st.st_size, (long)st.st_nlink); struct statfs fs; statfs(".", &fs); printf("magic %lx namelen %ld\n", (long)fs.f_type, (long)fs.f_namelen);
  int in = inotify_init1(IN_NONBLOCK); inotify_add_watch(in, ".", IN_CREATE | IN_DELETE); mqd_t q = mq_open("/seen", O_CREAT | O_RDWR, 0640, NULL); OK("file there", access("seen", F_OK)); stat(".", &st); printf("root size %ld\n", (long)st.st_size); stat("seen", &st); printf("seen %o %ld\n", st.st_mode, (long)st.st_size); int f = open("made", O_CREAT | O_RDWR, 0604); OK("made", f); attrs("made attrs", f); OK("made by name", mq_open("/made", O_RDONLY)); R("send to made", mq_send(f, "x", 1, 1));
  DIR *d = opendir("."); struct dirent *e; while ((e = readdir(d))) if (e->d_name[0] != '.') printf("entry %s type %d\n", e->d_name, e->d_type); closedir(d);
  R("mkdir", mkdir("d", 0700)); R("link", link("seen", "l")); R("symlink", symlink("seen", "s")); R("rename", rename("seen", "other")); R("mknod fifo", mknod("p", S_IFIFO | 0600, 0)); R("chmod", chmod("seen", 0600)); stat("seen", &st); printf("chmod %o\n", st.st_mode); R("unlink by path", unlink("seen")); OK("gone", mq_open("/seen", O_RDONLY)); R("mq_unlink made", mq_unlink("/made")); OK("made gone", access("made", F_OK)); char ev[4096]; int n = read(in, ev, sizeof ev), at = 0; while (at < n) { struct inotify_event *i = (void *)(ev + at); printf("event %x %s\n", i->mask, i->name); at += sizeof *i + i->len; }
  const char *names[] = {"msg_default", "msg_max", "msgsize_default", "msgsize_max", "queues_max"}; char p[64]; for (int i = 0; i < 5; i++) { snprintf(p, 64, SYS "%s", names[i]); stat(p, &st); printf("%s %d mode %o\n", names[i], number(p), st.st_mode); }
  printf("msg_max 0: %d hard+1: %d 65536: %d\n", put(SYS "msg_max", "0"), put(SYS "msg_max", "65537"), put(SYS "msg_max", "65536")); printf("msgsize 127: %d 128: %d\n", put(SYS "msgsize_max", "127"), put(SYS "msgsize_max", "128")); q = mq_open("/small", O_CREAT | O_RDWR, 0600, NULL); attrs("small", q); mq_unlink("/small"); put(SYS "queues_max", "0"); OK("beyond queues_max, privileged", mq_open("/one", O_CREAT | O_RDWR, 0600, NULL)); mq_unlink("/one");
  if (!fork()) { setgid(65534); setuid(65534); OK("beyond queues_max", mq_open("/two", O_CREAT | O_RDWR, 0600, NULL)); printf("write as nobody %d\n", put(SYS "msg_max", "12")); OK("other's queue", sys_open("deny", O_RDWR, 0, 0)); fflush(stdout); _exit(0); } wait(0);
  put(SYS "queues_max", "10"); put(SYS "msgsize_max", "8192"); put(SYS "msg_max", "10"); mqd_t deny = mq_open("/deny", O_CREAT | O_RDWR, 0640, NULL); (void)deny; fflush(stdout); if (!fork()) { setgid(65534); setuid(65534); OK("permission", mq_open("/deny", O_RDONLY)); R("sticky", mq_unlink("/deny")); struct mq_attr a = {.mq_maxmsg = 11, .mq_msgsize = 10}; OK("over msg_max", mq_open("/big", O_CREAT | O_RDWR, 0600, &a)); a.mq_maxmsg = 10; a.mq_msgsize = 8192; struct rlimit rl = {10 * 8192 + 10 * 96, 10 * 8192 + 10 * 96}; setrlimit(RLIMIT_MSGQUEUE, &rl); OK("just fits", mq_open("/big", O_CREAT | O_RDWR, 0600, &a)); OK("second does not", mq_open("/big2", O_CREAT | O_RDWR, 0600, &a)); mq_unlink("/big"); OK("still open", mq_open("/big2", O_CREAT | O_RDWR, 0600, &a)); fflush(stdout); _exit(0); } wait(0);
  if (!fork()) { unshare(CLONE_NEWIPC); OK("other namespace", mq_open("/deny", O_RDONLY)); printf("fresh limits %d %d\n", number(SYS "msg_max"), number(SYS "queues_max")); OK("old mount shows", access("deny", F_OK)); int o = open("deny", O_RDONLY | O_NONBLOCK); char b[8192]; OK("old queue by path", o); R("works", mq_receive(o, b, sizeof b, 0)); fflush(stdout); _exit(0); } wait(0);
  fflush(stdout); if (!fork()) { setgid(65534); setuid(65534); unshare(CLONE_NEWUSER | CLONE_NEWNS); R("mount in user namespace with a foreign ipc namespace", mount("none", "/tmp", "mqueue", 0, 0)); unshare(CLONE_NEWIPC); R("mount own", mount("none", "/tmp", "mqueue", 0, 0)); fflush(stdout); _exit(0); } wait(0);
  fflush(stdout); if (!fork()) { if (unshare(CLONE_NEWIPC)) _exit(1); char m2[400]; snprintf(m2, 400, "%s/vmXXXXXX", home); mkdtemp(m2); mount("none", m2, "mqueue", 0, 0); mqd_t z = mq_open("/z", O_CREAT | O_RDWR, 0600, NULL); (void)z; if (!fork()) { unshare(CLONE_NEWIPC); chdir(m2); char b[8192]; usleep(150000); int fd = open("z", O_RDWR | O_NONBLOCK); OK("after the namespace", fd); R("send", mq_send(fd, "q", 1, 0)); R("receive", mq_receive(fd, b, 8192, 0)); OK("no new one", open("new", O_CREAT | O_RDWR, 0600)); R("unlink", unlink("z")); close(fd); chdir("/"); umount(m2); rmdir(m2); fflush(stdout); _exit(0); } _exit(0); } while (wait(0) > 0); usleep(300000);
  chdir("/"); umount(dir); rmdir(dir);
}
static void findhome(void) { getcwd(home, sizeof home); }
int main(void) { findhome(); setvbuf(stdout, 0, _IOLBF, 0); signal(SIGCHLD, SIG_DFL); opening(); access_modes(); waiting(); notification(); filesystem(); return 0; }
