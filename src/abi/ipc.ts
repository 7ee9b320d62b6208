/** System V IPC. Source: Linux 6.18 include/uapi/linux/{ipc,sem,shm,msg}.h, arch/x86/include/uapi/asm/*buf.h. Offsets in bytes. */
export const IPC_CREAT = 0o1000, IPC_EXCL = 0o2000, IPC_NOWAIT = 0o4000;
export const IPC_RMID = 0, IPC_SET = 1, IPC_STAT = 2, IPC_INFO = 3;
export const IPC_PRIVATE = 0;
/** Old ABI without this bit is not there on x86-64; callers may set it all the same. */
export const IPC_64 = 0x100;
export const S_IRUGO = 0o444, S_IWUGO = 0o222;

/** struct ipc64_perm. */
export const PERM_KEY = 0, PERM_UID = 4, PERM_GID = 8, PERM_CUID = 12, PERM_CGID = 16, PERM_MODE = 20, PERM_SEQ = 24, PERM_SIZE = 48;

export const GETPID = 11, GETVAL = 12, GETALL = 13, GETNCNT = 14, GETZCNT = 15, SETVAL = 16, SETALL = 17, SEM_STAT = 18, SEM_INFO = 19, SEM_STAT_ANY = 20;
export const SEM_UNDO = 0x1000;
/** struct semid64_ds. */
export const SEMID_OTIME = 48, SEMID_CTIME = 64, SEMID_NSEMS = 80, SEMID_SIZE = 104;
/** struct sembuf. */
export const SEMBUF_NUM = 0, SEMBUF_OP = 2, SEMBUF_FLG = 4, SEMBUF_SIZE = 6;
/** struct seminfo: ten ints. */
export const SEMINFO_SIZE = 40;
export const SEMVMX = 32767, SEMMSL = 32000, SEMMNS = 1024000000, SEMOPM = 500, SEMMNI = 32000;

export const SHM_LOCK = 11, SHM_UNLOCK = 12, SHM_STAT = 13, SHM_INFO = 14, SHM_STAT_ANY = 15;
export const SHM_HUGETLB = 0o4000, SHM_NORESERVE = 0o10000;
export const SHM_RDONLY = 0o10000, SHM_RND = 0o20000, SHM_REMAP = 0o40000, SHM_EXEC = 0o100000;
/** Bits of shm_perm.mode. */
export const SHM_DEST = 0o1000, SHM_LOCKED = 0o2000;
/** struct shmid64_ds. */
export const SHMID_SEGSZ = 48, SHMID_ATIME = 56, SHMID_DTIME = 64, SHMID_CTIME = 72, SHMID_CPID = 80, SHMID_LPID = 84, SHMID_NATTCH = 88, SHMID_SIZE = 112;
/** struct shminfo64 (nine longs), struct shm_info. */
export const SHMINFO_SIZE = 72, SHM_INFO_SIZE = 48;
export const SHMMNI = 4096;
/** ULONG_MAX - (1 << 24): an unsigned long, beyond what a number holds exactly. */
export const SHMMAX = 18446744073692774399n;

export const MSG_STAT = 11, MSG_INFO = 12, MSG_STAT_ANY = 13;
export const MSG_NOERROR = 0o10000, MSG_EXCEPT = 0o20000, MSG_COPY = 0o40000;
/** struct msqid64_ds. */
export const MSQID_STIME = 48, MSQID_RTIME = 56, MSQID_CTIME = 64, MSQID_CBYTES = 72, MSQID_QNUM = 80, MSQID_QBYTES = 88, MSQID_LSPID = 96, MSQID_LRPID = 100, MSQID_SIZE = 120;
/** struct msginfo: seven ints and a short. */
export const MSGINFO_SIZE = 32;
export const MSGMAX = 8192, MSGMNB = 16384, MSGMNI = 32000;
