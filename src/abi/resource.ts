/** Resource limits and usage. Source: Linux 6.18 include/uapi/asm-generic/resource.h, linux/resource.h. */
export const RLIMIT_CPU = 0, RLIMIT_FSIZE = 1, RLIMIT_DATA = 2, RLIMIT_STACK = 3, RLIMIT_CORE = 4, RLIMIT_RSS = 5, RLIMIT_NPROC = 6;
export const RLIMIT_NOFILE = 7, RLIMIT_MEMLOCK = 8, RLIMIT_AS = 9, RLIMIT_LOCKS = 10, RLIMIT_SIGPENDING = 11, RLIMIT_MSGQUEUE = 12;
export const RLIMIT_NICE = 13, RLIMIT_RTPRIO = 14, RLIMIT_RTTIME = 15;
export const RLIM_NLIMITS = 16;
/** What the guest writes for "no limit" (2^64-1); inside it is Infinity. */
export const RLIM_INFINITY: number = Infinity;
export const RUSAGE_SELF = 0, RUSAGE_CHILDREN = -1, RUSAGE_THREAD = 1;
/** struct rusage. Bytes. */
export const RUSAGE_SIZE = 144;
export const PRIO_PROCESS = 0, PRIO_PGRP = 1, PRIO_USER = 2;
