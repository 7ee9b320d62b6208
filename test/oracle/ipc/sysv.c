// System V semaphores, shared memory and message queues.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
union semun { int val; struct semid_ds *buf; unsigned short *array; struct seminfo *info; };
static int n;
#define R(name, e) do { errno = 0; long r_ = (long)(e); printf("%s: %ld errno %d\n", name, r_, r_ < 0 ? errno : 0); } while (0)
static int op(int id, int num, int v, int flags) { struct sembuf b = {num, v, flags}; return semop(id, &b, 1); }
static void nothing(int s) { (void)s; }
static void semaphores(void) {
  int id = semget(IPC_PRIVATE, 3, 0600); printf("sem semget: %d\n", id >= 0);
  R("sem semget none", semget(IPC_PRIVATE, 0, 0600)); R("sem semget negative", semget(IPC_PRIVATE, -1, 0600)); R("sem semget many", semget(IPC_PRIVATE, 40000, 0600)); R("sem semget absent", semget(0x7654321, 1, 0600));
  key_t key = 0x5eed0001; int k = semget(key, 2, IPC_CREAT | IPC_EXCL | 0640); printf("sem keyed: %d\n", k >= 0); R("sem again excl", semget(key, 2, IPC_CREAT | IPC_EXCL | 0640)); printf("sem again same: %d\n", semget(key, 0, 0) == k); R("sem again larger", semget(key, 5, 0)); R("sem rmid", semctl(k, 0, IPC_RMID)); R("sem rmid again", semctl(k, 0, IPC_RMID)); R("sem op removed", op(k, 0, 1, 0));
  R("sem setval", semctl(id, 0, SETVAL, (union semun){.val = 5})); R("sem setval large", semctl(id, 0, SETVAL, (union semun){.val = 40000})); R("sem setval num", semctl(id, 3, SETVAL, (union semun){.val = 1})); R("sem getval", semctl(id, 0, GETVAL)); R("sem getval num", semctl(id, 9, GETVAL));
  R("sem minus 2", op(id, 0, -2, 0)); R("sem getval 3", semctl(id, 0, GETVAL)); R("sem nowait", op(id, 0, -9, IPC_NOWAIT)); R("sem zero nowait", op(id, 0, 0, IPC_NOWAIT)); R("sem zero ok", op(id, 1, 0, IPC_NOWAIT)); R("sem range", op(id, 0, 32767, 0)); R("sem num", op(id, 3, 1, 0)); R("sem none", semop(id, 0, 0)); R("sem fault", semop(id, (void *)8, 1)); R("sem many", semop(id, (void *)8, 501)); R("sem bad id", op(-1, 0, 1, 0));
  struct sembuf two[2] = {{0, -1, 0}, {1, -1, IPC_NOWAIT}}; R("sem all or none", semop(id, two, 2)); R("sem unchanged", semctl(id, 0, GETVAL)); printf("sem getpid: %d\n", semctl(id, 0, GETPID) == getpid());
  unsigned short all[3] = {7, 8, 9}; R("sem setall", semctl(id, 0, SETALL, (union semun){.array = all})); memset(all, 0, 6); R("sem getall", semctl(id, 0, GETALL, (union semun){.array = all})); printf("sem all: %d %d %d\n", all[0], all[1], all[2]);
  struct semid_ds ds; R("sem stat", semctl(id, 0, IPC_STAT, (union semun){.buf = &ds})); printf("sem ds: %lu %o %d %d %d\n", ds.sem_nsems, ds.sem_perm.mode, ds.sem_perm.uid == geteuid(), ds.sem_otime != 0, ds.sem_ctime != 0);
  ds.sem_perm.mode = 0444; R("sem set", semctl(id, 0, IPC_SET, (union semun){.buf = &ds})); semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}); printf("sem mode: %o\n", ds.sem_perm.mode);
  struct seminfo si; R("sem info positive", semctl(0, 0, IPC_INFO, (union semun){.info = &si}) >= 0); printf("sem info: %d %d %d %d %d %d %d %d\n", si.semmni, si.semmns, si.semmsl, si.semopm, si.semume, si.semvmx, si.semaem, si.semusz);
  R("sem bad cmd", semctl(id, 0, 999)); R("sem negative id", semctl(-1, 0, IPC_STAT, (union semun){.buf = &ds})); R("sem stat fault", semctl(id, 0, IPC_STAT, (union semun){.buf = (void *)8}));
  // Sleeping, waking, undo.
  semctl(id, 0, SETVAL, (union semun){.val = 0}); pid_t p = fork(); if (!p) { int r = op(id, 0, -1, 0); _exit(r ? 1 : 40); }
  usleep(30000); R("sem ncnt", semctl(id, 0, GETNCNT)); R("sem zcnt", semctl(id, 0, GETZCNT)); R("sem wake", op(id, 0, 1, 0)); int s; waitpid(p, &s, 0); printf("sem child: %x\n", s);
  p = fork(); if (!p) { op(id, 1, -3, SEM_UNDO); op(id, 2, 4, SEM_UNDO); _exit(0); } waitpid(p, &s, 0); printf("sem undone: %d %d\n", semctl(id, 1, GETVAL), semctl(id, 2, GETVAL));
  p = fork(); if (!p) { _exit(op(id, 0, -1, 0) < 0 ? errno : 0); } usleep(30000); R("sem rmid sleeping", semctl(id, 0, IPC_RMID)); waitpid(p, &s, 0); printf("sem sleeper got: %d\n", WEXITSTATUS(s));
  id = semget(IPC_PRIVATE, 1, 0600); struct timespec t = {0, 20000000}; struct sembuf b = {0, -1, 0}; R("sem timed", semtimedop(id, &b, 1, &t)); t.tv_nsec = 2000000000; R("sem timed bad", semtimedop(id, &b, 1, &t));
  signal(SIGALRM, nothing); struct sigaction sa = {.sa_handler = nothing, .sa_flags = SA_RESTART}; sigaction(SIGALRM, &sa, 0); ualarm(20000, 0); R("sem interrupted", op(id, 0, -1, 0)); semctl(id, 0, IPC_RMID);
}
static void segments(void) {
  R("shm shmget zero", shmget(IPC_PRIVATE, 0, 0600)); R("shm shmget absent", shmget(0x7654322, 10, 0600)); int id = shmget(IPC_PRIVATE, 5000, 0600); printf("shm shmget: %d\n", id >= 0);
  char *p = shmat(id, 0, 0); printf("shm attached: %d\n", p != (void *)-1); strcpy(p, "hello"); p[8191] = 3; pid_t c = fork(); if (!c) { p[1] = 'E'; char *q = shmat(id, 0, SHM_RDONLY); _exit(q[1] == 'E' ? 9 : 1); } int s; waitpid(c, &s, 0); printf("shm shared: %x %s\n", s, p);
  struct shmid_ds ds; R("shm stat", shmctl(id, IPC_STAT, &ds)); printf("shm ds: %zu %lu %o cpid %d lpid %d\n", ds.shm_segsz, ds.shm_nattch, ds.shm_perm.mode, ds.shm_cpid == getpid(), ds.shm_lpid == c);
  R("shm at bad addr", (long)shmat(id, p + 1, 0)); R("shm at taken", (long)shmat(id, p, 0)); R("shm remap nowhere", (long)shmat(id, 0, SHM_REMAP)); printf("shm remap: %d\n", shmat(id, p, SHM_REMAP) == p); R("shm at bad id", (long)shmat(-1, 0, 0)); R("shm at no id", (long)shmat(123456, 0, 0));
  R("shm rmid", shmctl(id, IPC_RMID, 0)); R("shm stat marked", shmctl(id, IPC_STAT, &ds)); printf("shm dest: %o %lu\n", ds.shm_perm.mode, ds.shm_nattch); R("shm dt", shmdt(p)); R("shm dt again", shmdt(p)); R("shm dt odd", shmdt(p + 5)); R("shm stat gone", shmctl(id, IPC_STAT, &ds));
  key_t key = 0x5eed0002; id = shmget(key, 4096, IPC_CREAT | 0600); R("shm larger", shmget(key, 9000, 0)); printf("shm smaller: %d\n", shmget(key, 100, 0) == id); R("shm excl", shmget(key, 1, IPC_CREAT | IPC_EXCL)); R("shm lock", shmctl(id, SHM_LOCK, 0)); shmctl(id, IPC_STAT, &ds); printf("shm locked: %o\n", ds.shm_perm.mode); R("shm unlock", shmctl(id, SHM_UNLOCK, 0)); R("shm bad cmd", shmctl(id, 77, 0)); shmctl(id, IPC_RMID, 0);
  struct shminfo si; R("shm info positive", shmctl(0, IPC_INFO, (void *)&si) >= 0); printf("shm info: %lu %lu %lu %lu\n", si.shmmax, si.shmmin, si.shmmni, si.shmall);
  char line[256]; id = shmget(IPC_PRIVATE, 4096, 0600); p = shmat(id, 0, 0); FILE *f = fopen("/proc/self/maps", "r"); int seen = 0; while (fgets(line, sizeof line, f)) if (strstr(line, "SYSV00000000 (deleted)") && strstr(line, "rw-s")) seen++; fclose(f); printf("shm in maps: %d\n", seen); shmctl(id, IPC_RMID, 0);
}
struct message { long type; char text[64]; };
static void queues(void) {
  int id = msgget(IPC_PRIVATE, 0600); printf("msg msgget: %d\n", id >= 0); struct message m = {2, "two"}, g; R("msg snd", msgsnd(id, &m, 4, 0)); m.type = 1; strcpy(m.text, "one"); R("msg snd 1", msgsnd(id, &m, 4, 0)); m.type = 3; strcpy(m.text, "three"); R("msg snd 3", msgsnd(id, &m, 6, 0)); m.type = 0; R("msg snd type 0", msgsnd(id, &m, 4, 0)); m.type = 5; R("msg snd long", msgsnd(id, &m, 9000, 0)); R("msg snd fault", msgsnd(id, (void *)8, 4, 0));
  struct msqid_ds ds; R("msg stat", msgctl(id, IPC_STAT, &ds)); printf("msg ds: %lu %lu %lu lspid %d lrpid %d\n", ds.msg_qnum, ds.__msg_cbytes, ds.msg_qbytes, ds.msg_lspid == getpid(), ds.msg_lrpid);
  R("msg copy 1", msgrcv(id, &g, 64, 1, MSG_COPY | IPC_NOWAIT)); printf("msg copied: %ld %s\n", g.type, g.text); R("msg rcv -3", msgrcv(id, &g, 64, -3, 0)); printf("msg got: %ld %s\n", g.type, g.text); R("msg rcv except", msgrcv(id, &g, 64, 2, MSG_EXCEPT)); printf("msg got except: %ld %s\n", g.type, g.text); R("msg rcv absent", msgrcv(id, &g, 64, 9, IPC_NOWAIT)); R("msg rcv short", msgrcv(id, &g, 2, 0, 0)); R("msg rcv noerror", msgrcv(id, &g, 2, 0, MSG_NOERROR)); R("msg rcv empty", msgrcv(id, &g, 64, 0, IPC_NOWAIT)); R("msg rcv bad id", msgrcv(-1, &g, 64, 0, IPC_NOWAIT));
  m.type = 1; for (n = 0; msgsnd(id, &m, 60, IPC_NOWAIT) == 0; n++); printf("msg full after: %d errno %d\n", n, errno);
  pid_t p = fork(); if (!p) _exit(msgsnd(id, &m, 60, 0) ? errno : 50); usleep(30000); msgrcv(id, &g, 64, 0, 0); int s; waitpid(p, &s, 0); printf("msg sender: %d\n", WEXITSTATUS(s));
  while (msgrcv(id, &g, 64, 0, IPC_NOWAIT) >= 0); p = fork(); if (!p) _exit(msgrcv(id, &g, 64, 7, 0) == 3 ? 51 : errno); usleep(30000); m.type = 6; msgsnd(id, &m, 3, 0); m.type = 7; msgsnd(id, &m, 3, 0); waitpid(p, &s, 0); printf("msg receiver: %d\n", WEXITSTATUS(s));
  p = fork(); if (!p) _exit(msgrcv(id, &g, 64, 8, 0) < 0 ? errno : 0); usleep(30000); R("msg rmid", msgctl(id, IPC_RMID, 0)); waitpid(p, &s, 0); printf("msg removed under: %d\n", WEXITSTATUS(s)); R("msg snd removed", msgsnd(id, &m, 1, 0)); R("msg get absent", msgget(0x7654323, 0));
  id = msgget(IPC_PRIVATE, 0600); msgctl(id, IPC_STAT, &ds); ds.msg_qbytes = 100; ds.msg_perm.mode = 0622; R("msg set", msgctl(id, IPC_SET, &ds)); msgctl(id, IPC_STAT, &ds); printf("msg after set: %lu %o\n", ds.msg_qbytes, ds.msg_perm.mode); struct msginfo mi; R("msg info positive", msgctl(0, IPC_INFO, (void *)&mi) >= 0); printf("msg info: %d %d %d\n", mi.msgmax, mi.msgmnb, mi.msgmni); msgctl(id, IPC_RMID, 0);
}
static void permissions(void) {
  int sem = semget(IPC_PRIVATE, 1, 0600), shm = shmget(IPC_PRIVATE, 100, 0600), msg = msgget(IPC_PRIVATE, 0600), open = semget(0x5eed0003, 1, IPC_CREAT | 0644); fflush(stdout); pid_t p = fork();
  if (!p) { if (setgid(1000) || setuid(1000)) _exit(1); struct message m = {1, ""}; R("perm user sem", op(sem, 0, 1, 0)); R("perm user getval", semctl(sem, 0, GETVAL)); R("perm user shm", (long)shmat(shm, 0, 0)); R("perm user msg", msgsnd(msg, &m, 1, 0)); R("perm user rmid", semctl(sem, 0, IPC_RMID)); R("perm user read", semctl(open, 0, GETVAL)); R("perm user write", op(open, 0, 1, 0)); R("perm user get w", semget(0x5eed0003, 1, 0222)); R("perm user get r", semget(0x5eed0003, 1, 0444) == open); fflush(stdout); _exit(0); }
  int s; waitpid(p, &s, 0); semctl(sem, 0, IPC_RMID); semctl(open, 0, IPC_RMID); shmctl(shm, IPC_RMID, 0); msgctl(msg, IPC_RMID, 0);
}
int main(void) { semaphores(); segments(); queues(); permissions(); return 0; }
