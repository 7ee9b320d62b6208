/** POSIX message queues. Source: Linux 6.18 include/uapi/linux/mqueue.h, ipc/mqueue.c, include/linux/ipc_namespace.h. */

/** Priorities are below this. */
export const MQ_PRIO_MAX = 32768;

/** struct mq_attr: mq_flags, mq_maxmsg, mq_msgsize, mq_curmsgs, four reserved longs. Offsets in bytes. */
export const MQ_FLAGS = 0, MQ_MAXMSG = 8, MQ_MSGSIZE = 16, MQ_CURMSGS = 24, MQ_ATTR_SIZE = 64;

/** SIGEV_THREAD: a message of this many bytes goes to a netlink socket, its last byte saying what happened. */
export const NOTIFY_COOKIE_LEN = 32;
export const NOTIFY_WOKENUP = 1, NOTIFY_REMOVED = 2;

/** Bounds of the limits in /proc/sys/fs/mqueue, and what they are at first. */
export const MIN_MSGMAX = 1, HARD_MSGMAX = 65536, DFLT_MSG = 10, DFLT_MSGMAX = 10;
export const MIN_MSGSIZEMAX = 128, HARD_MSGSIZEMAX = 16777216, DFLT_MSGSIZE = 8192, DFLT_MSGSIZEMAX = 8192;
export const DFLT_QUEUESMAX = 256;

export const MQUEUE_MAGIC = 0x19800202;
