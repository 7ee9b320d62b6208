/** ioctls of pidfds. Source: Linux 6.18 include/uapi/linux/pidfd.h. */

export const FS_IOC_GETVERSION = 0x80087601;
/** _IO(0xff, 1 … 10): a descriptor of a namespace of the process, by number. */
export const PIDFD_NAMESPACES = [
  '', 'cgroup', 'ipc', 'mnt', 'net', 'pid', 'pidForChildren', 'time', 'timeForChildren', 'user', 'uts',
] as const;
export const PIDFS_IOCTL_MAGIC = 0xff;
/** Number of PIDFD_GET_INFO, whose command holds the size of the struct. */
export const NR_GET_INFO = 11;
/** _IOC directions: _IOWR. */
export const IOC_READ_WRITE = 3;

export const PIDFD_INFO_PID = 1;
export const PIDFD_INFO_CREDS = 2;
export const PIDFD_INFO_CGROUPID = 4;
export const PIDFD_INFO_EXIT = 8;
export const PIDFD_INFO_COREDUMP = 16;

/** coredump_mask */
export const PIDFD_COREDUMPED = 1;
export const PIDFD_COREDUMP_SKIP = 2;
export const PIDFD_COREDUMP_USER = 4;
export const PIDFD_COREDUMP_ROOT = 8;

/** struct pidfd_info: its first size, and today's. */
export const PIDFD_INFO_SIZE_VER0 = 64;
export const SIZEOF_PIDFD_INFO = 72;
export const PIDFD_INFO_OFFSETS = {
  mask: 0, cgroupid: 8, pid: 16, tgid: 20, ppid: 24, ruid: 28, rgid: 32, euid: 36, egid: 40, suid: 44, sgid: 48, fsuid: 52, fsgid: 56, exitCode: 60, coredumpMask: 64,
} as const;
