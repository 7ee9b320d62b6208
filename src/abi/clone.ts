/** clone(2), wait(2) flags. Source: Linux 6.18 include/uapi/linux/sched.h, wait.h. */
/** The low byte of clone's flags: the signal for the parent at the end. */
export const CSIGNAL = 0x000000ff;
/** Memory is shared. */
export const CLONE_VM = 0x00000100;
/** Root, working directory and umask are shared. */
export const CLONE_FS = 0x00000200;
/** The descriptor table is shared. */
export const CLONE_FILES = 0x00000400;
/** Signal handlers are shared. */
export const CLONE_SIGHAND = 0x00000800;
/** A pidfd for the child is stored where the caller says. */
export const CLONE_PIDFD = 0x00001000;
/** A tracer of the caller traces the child too. */
export const CLONE_PTRACE = 0x00002000;
/** The caller waits until the child executes a program or exits. */
export const CLONE_VFORK = 0x00004000;
/** The child's parent is the caller's. */
export const CLONE_PARENT = 0x00008000;
/** The child is a thread of the caller's process. */
export const CLONE_THREAD = 0x00010000;
/** New mount namespace. */
export const CLONE_NEWNS = 0x00020000;
/** The list of System V semaphore adjustments is shared; unshare leaves it. */
export const CLONE_SYSVSEM = 0x00040000;
/** The child's FS base is given. */
export const CLONE_SETTLS = 0x00080000;
/** The child's number is stored in the caller's memory. */
export const CLONE_PARENT_SETTID = 0x00100000;
/** A word of the child is cleared and its futex woken when it leaves its memory. */
export const CLONE_CHILD_CLEARTID = 0x00200000;
/** Means nothing any more; refused together with CLONE_PIDFD and by clone3. */
export const CLONE_DETACHED = 0x00400000;
/** No tracer is told of the child. */
export const CLONE_UNTRACED = 0x00800000;
/** The child's number is stored in the child's memory. */
export const CLONE_CHILD_SETTID = 0x01000000;
/** New cgroup namespace. */
export const CLONE_NEWCGROUP = 0x02000000;
/** New UTS namespace. */
export const CLONE_NEWUTS = 0x04000000;
/** New IPC namespace. */
export const CLONE_NEWIPC = 0x08000000;
/** New user namespace, made before all others and owning them. */
export const CLONE_NEWUSER = 0x10000000;
/** New PID namespace: the child is its init; with unshare, the next child. */
export const CLONE_NEWPID = 0x20000000;
/** New network namespace. */
export const CLONE_NEWNET = 0x40000000;
/** The I/O context, which holds the I/O priority, is shared. */
export const CLONE_IO: number = 0x80000000 | 0;
/** The child's signal handlers are reset (high word of clone3's flags). */
export const CLONE_CLEAR_SIGHAND_HI = 1;
/** The child starts in a given cgroup (high word of clone3's flags). */
export const CLONE_INTO_CGROUP_HI = 2;
/** New time namespace; in clone(2) the bit is part of the signal. */
export const CLONE_NEWTIME = 0x00000080;
/** All namespace flags that clone takes in its 32 bits. */
export const CLONE_NEW_MASK: number =
  CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

/** Sizes of struct clone_args as it grew. Bytes. */
export const CLONE_ARGS_SIZE_VER0 = 64;
export const CLONE_ARGS_SIZE_VER1 = 80;
export const CLONE_ARGS_SIZE_VER2 = 88;

export const WNOHANG = 1;
export const WUNTRACED = 2;
export const WSTOPPED = 2;
export const WEXITED = 4;
export const WCONTINUED = 8;
export const WNOWAIT = 0x01000000;
export const __WNOTHREAD = 0x20000000;
export const __WALL = 0x40000000;
export const __WCLONE: number = 0x80000000 | 0;
export const P_ALL = 0, P_PID = 1, P_PGID = 2, P_PIDFD = 3;
