/** What the VFS needs to know about its caller. The kernel's Task implements it; vfs/ never sees a Task. */
import type { Errno } from '../abi/errno.ts';
import type { Credentials } from '../auth/credentials.ts';
import type { WaitQueue } from '../base/wait-queue.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import type { FdTable } from './fd-table.ts';
import type { FsContext } from './fs-context.ts';
import type { MountNamespace } from './mount-namespace.ts';

/** Wall-clock time for timestamps, refreshed in place so that reading it allocates nothing. */
export interface WallClock {
  /** Seconds since the epoch and nanoseconds of that second, as of the last update() or coarse(). */
  sec: number;
  nsec: number;
  /** Brings `sec` and `nsec` up to date. */
  update(): void;
  /** The same to a tick (4 ms), as Linux's coarse clock: never behind what was seen before. */
  coarse(): void;
}

export interface VfsContext {
  readonly credentials: Credentials;
  readonly fs: FsContext;
  readonly fdTable: FdTable;
  /** The caller's mount namespace; null before there is any. */
  readonly mountNamespace: MountNamespace | null;
  /** Do the caller's control groups let it access device `rdev` of `kind` (1 block, 2 character) so (1 mknod, 2 read, 4 write)? */
  deviceAllowed?(kind: number, rdev: number, access: number): boolean;
  /** User memory, for ioctl arguments. */
  readonly space: AddressSpace;
  /** Thread-group id in the initial PID namespace: l_pid of POSIX locks, and what F_SETOWN defaults to. */
  readonly tgid: number;
  /** RLIMIT_FSIZE in bytes (Infinity: none). */
  readonly fileSizeLimit: number;
  /** RLIMIT_NOFILE. */
  readonly openFilesLimit: number;
  /** What the calling task keeps between two runs of one blocked call; `object` belongs to whoever blocks. Byte counts of reads and writes are kept by the system call layer. */
  readonly syscall: { readonly again: boolean; progress: number; deadline: number; timedOut: boolean; object: unknown };
  /** Monotonic nanoseconds, for deadlines. */
  monotonicNs(): number;
  /** Registers on `queue` and returns BLOCKED: the system call is run again after a wake-up, the deadline (monotonic ns) or a signal. */
  wait(queue: WaitQueue, deadline?: number): Errno;
  /** True if a signal is to be delivered: interruptible waits return ERESTARTSYS. */
  signalPending(): boolean;
  /** Sends `signo` to the calling task as the kernel does (SIGPIPE, SIGXFSZ). */
  sendSignal(signo: number): void;
}
