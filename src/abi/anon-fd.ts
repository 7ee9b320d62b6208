/**
 * Descriptions that have no path: eventfd, timerfd, signalfd, pidfd, memfd.
 * Source: Linux 6.18 include/uapi/linux/{eventfd,timerfd,signalfd,pidfd,memfd}.h.
 */
export const EFD_SEMAPHORE = 1;
export const EFD_CLOEXEC = 0o2000000;
export const EFD_NONBLOCK = 0o4000;

export const TFD_TIMER_ABSTIME = 1;
export const TFD_TIMER_CANCEL_ON_SET = 2;
export const TFD_CLOEXEC = 0o2000000;
export const TFD_NONBLOCK = 0o4000;
export const TFD_IOC_SET_TICKS = 0x40085400;

export const SFD_CLOEXEC = 0o2000000;
export const SFD_NONBLOCK = 0o4000;
/** `struct signalfd_siginfo`. */
export const SIZEOF_SIGNALFD_SIGINFO = 128;

export const PIDFD_NONBLOCK = 0o4000;
export const PIDFD_THREAD = 0o200;
/** Instead of a descriptor: the calling thread, its process. */
export const PIDFD_SELF_THREAD: number = -10000;
export const PIDFD_SELF_THREAD_GROUP: number = -10001;

export const MFD_CLOEXEC = 1;
export const MFD_ALLOW_SEALING = 2;
export const MFD_HUGETLB = 4;
export const MFD_NOEXEC_SEAL = 8;
export const MFD_EXEC = 0x10;
/** Longest name of memfd_create, without the terminating zero: NAME_MAX - strlen("memfd:"). */
export const MFD_NAME_MAX = 249;
