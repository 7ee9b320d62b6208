/** Seccomp's user notification: a call is held while a supervisor decides about it through a descriptor. Linux kernel/seccomp.c, man 2 seccomp_unotify. */
import {
  BLOCKED, E2BIG, EBADF, EFAULT, EINPROGRESS, EINVAL, ENOENT, ENOSYS, ENOTTY, ERESTARTSYS, type Errno, isErr,
} from '../abi/errno.ts';
import { O_CLOEXEC, O_RDWR } from '../abi/fcntl.ts';
import { POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../abi/poll.ts';
import { WaitQueue } from '../base/wait-queue.ts';
import type { VfsContext } from '../vfs/context.ts';
import { closeDescription } from '../vfs/fd-table.ts';
import { FileDescription } from '../vfs/file-description.ts';
import type { Path } from '../vfs/mount.ts';
import type { PollTable } from '../vfs/poll.ts';
import { RESUME_SYSCALL_ENTRY, Task } from './task.ts';

const SECCOMP_IOCTL_NOTIF_RECV = 0xc0502100, SECCOMP_IOCTL_NOTIF_SEND = 0xc0182101, SECCOMP_IOCTL_NOTIF_ID_VALID = 0x40082102;
/** What the first headers said by mistake; still taken. */
const SECCOMP_IOCTL_NOTIF_ID_VALID_WRONG_DIR = 0x80082102;
const SECCOMP_IOCTL_NOTIF_SET_FLAGS = 0x40082104;
/** _IOW('!', 3, struct seccomp_notif_addfd) without direction and size, which may grow. */
const SECCOMP_IOCTL_NOTIF_ADDFD = 0x2103, IOCTL_NUMBER_MASK = 0xffff, IOCTL_SIZE_MASK = 0x3fff0000;
const SECCOMP_USER_NOTIF_FLAG_CONTINUE = 1, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP = 1;
const SECCOMP_ADDFD_FLAG_SETFD = 1, SECCOMP_ADDFD_FLAG_SEND = 2;
/** Bytes of struct seccomp_notif, seccomp_data, seccomp_notif_resp, seccomp_notif_addfd. */
const NOTIF_SIZE = 80, DATA_SIZE = 64, RESPONSE_SIZE = 24, ADDFD_SIZE = 24;
const PAGE_SIZE = 4096;

const buffer: Uint8Array = new Uint8Array(NOTIF_SIZE);
const view: DataView = new DataView(buffer.buffer);

/** Not shown yet, shown to the supervisor, answered. */
type State = 'init' | 'sent' | 'replied';

/** A call that waits for its supervisor. */
export class SeccompNotification {
  readonly id: number;
  readonly listener: SeccompListener;
  readonly task: Task;
  /** struct seccomp_data as the filter saw it. */
  readonly data: Uint8Array;
  state: State = 'init';
  value = 0;
  error = 0;
  flags = 0;
  /** The caller sleeps here. */
  readonly queue: WaitQueue = new WaitQueue();
  constructor(id: number, listener: SeccompListener, task: Task, data: Uint8Array) {
    this.id = id;
    this.listener = listener;
    this.task = task;
    this.data = data;
  }
}

/** What a filter with a listener has. */
export class SeccompListener {
  readonly notifications: SeccompNotification[] = [];
  /** Calls announced and not yet asked for: a look when its call is gone already finds nothing. */
  requests = 0;
  /** Supervisors that wait and poll. */
  readonly queue: WaitQueue = new WaitQueue();
  /** SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: once shown, only a fatal signal interrupts the call. */
  readonly waitKillable: boolean;
  /** No task uses the filter any more. */
  unused = false;
  closed = false;
  nextId: number;
  constructor(waitKillable: boolean, firstId: number) {
    this.waitKillable = waitKillable;
    this.nextId = firstId;
  }
  find(id: number): SeccompNotification | null {
    return this.notifications.find((n) => n.id === id) ?? null;
  }
  remove(n: SeccompNotification): void {
    const i = this.notifications.indexOf(n);
    if (i >= 0) this.notifications.splice(i, 1);
  }
}

/** The call goes on as if there were no filter; the task waits and will enter the call again; the call ends with a result. */
export type Verdict = { readonly k: 'go on' } | { readonly k: 'wait' } | { readonly k: 'result'; readonly result: number };
const GO_ON: Verdict = { k: 'go on' };
const WAIT: Verdict = { k: 'wait' };

/** A call that a filter hands to its listener; called again whenever the task wakes. */
export function notifySupervisor(t: Task, listener: SeccompListener | null, data: Int32Array): Verdict {
  let n = t.seccompNotification;
  if (n === null) {
    if (listener === null || listener.closed) return { k: 'result', result: ENOSYS };
    n = new SeccompNotification(listener.nextId++, listener, t, new Uint8Array(data.slice().buffer));
    listener.notifications.push(n);
    listener.requests++;
    t.seccompNotification = n;
    listener.queue.wake(POLLIN | POLLRDNORM);
  }
  if (n.state !== 'replied') {
    const killable = listener !== null && listener.waitKillable && n.state === 'sent';
    const r = killable ? t.waitKillable(n.queue) : t.wait(n.queue);
    if (r === BLOCKED) {
      t.resume = RESUME_SYSCALL_ENTRY;
      return WAIT;
    }
    finish(t, listener, n);
    return { k: 'result', result: ERESTARTSYS };
  }
  finish(t, listener, n);
  if (n.flags & SECCOMP_USER_NOTIF_FLAG_CONTINUE) return GO_ON;
  return { k: 'result', result: n.error !== 0 ? n.error : n.value };
}

function finish(t: Task, listener: SeccompListener | null, n: SeccompNotification): void {
  t.seccompNotification = null;
  listener?.remove(n);
}

/** The supervisor's descriptor. */
export class SeccompListenerFile extends FileDescription {
  readonly listener: SeccompListener;
  constructor(path: Path, listener: SeccompListener) {
    super(path, O_RDWR);
    this.listener = listener;
  }
  override get seekable(): boolean {
    return false;
  }
  override poll(table: PollTable | null): number {
    const l = this.listener;
    if (table !== null) table.add(l.queue);
    let mask = l.unused ? POLLHUP : 0;
    for (const n of l.notifications) {
      if (n.state === 'init') mask |= POLLIN | POLLRDNORM;
      if (n.state === 'sent') mask |= POLLOUT | POLLWRNORM;
    }
    return mask;
  }
  /** Nobody decides any more: calls that wait are not there (ENOSYS). */
  override release(): void {
    this.listener.closed = true;
    for (const n of this.listener.notifications) {
      if (n.state === 'replied') continue;
      reply(n, 0, ENOSYS, 0);
    }
    this.listener.notifications.length = 0;
  }

  override ioctl(ctx: VfsContext, cmd: number, arg: number): number {
    if (!(ctx instanceof Task)) return ENOTTY;
    switch (cmd >>> 0) {
      case SECCOMP_IOCTL_NOTIF_RECV:
        return this.receive(ctx, arg);
      case SECCOMP_IOCTL_NOTIF_SEND:
        return this.send(ctx, arg);
      case SECCOMP_IOCTL_NOTIF_ID_VALID:
      case SECCOMP_IOCTL_NOTIF_ID_VALID_WRONG_DIR: {
        const id = ctx.space.readU64(arg);
        if (isErr(id)) return EFAULT;
        return this.listener.find(id)?.state === 'sent' ? 0 : ENOENT;
      }
      case SECCOMP_IOCTL_NOTIF_SET_FLAGS:
        // A hint for the scheduler. The flags come as the argument itself.
        return arg & ~SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP ? EINVAL : 0;
      default:
        if ((cmd & IOCTL_NUMBER_MASK) === SECCOMP_IOCTL_NOTIF_ADDFD) return this.addDescriptor(ctx, arg, (cmd & IOCTL_SIZE_MASK) >>> 16);
        return EINVAL;
    }
  }

  /** The next call that nobody has seen. EINVAL for a buffer that is not zeros, ENOENT if the caller was interrupted or nobody is left. */
  private receive(t: Task, addr: number): number {
    if (t.space.readBytes(addr, buffer, 0, NOTIF_SIZE) !== 0) return EFAULT;
    for (let i = 0; i < NOTIF_SIZE; i++) if (buffer[i] !== 0) return EINVAL;
    const l = this.listener;
    if (l.requests === 0 && !l.unused) return t.wait(l.queue);
    if (l.requests > 0) l.requests--;
    const n = l.notifications.find((m) => m.state === 'init');
    if (n === undefined) return ENOENT;
    view.setUint32(0, n.id >>> 0, true);
    view.setUint32(4, Math.floor(n.id / 4294967296), true);
    view.setUint32(8, n.task.pid.nr(t.pid.ns), true);
    buffer.set(n.data.subarray(0, DATA_SIZE), 16);
    if (t.space.writeBytes(addr, buffer, 0, NOTIF_SIZE) !== 0) {
      l.requests++;
      return EFAULT;
    }
    n.state = 'sent';
    // A caller that from now on only a fatal signal may interrupt waits anew.
    if (l.waitKillable) n.queue.wake();
    l.queue.wake(POLLOUT | POLLWRNORM);
    return 0;
  }

  private send(t: Task, addr: number): number {
    if (t.space.readBytes(addr, buffer, 0, RESPONSE_SIZE) !== 0) return EFAULT;
    const id = view.getUint32(0, true) + view.getUint32(4, true) * 4294967296;
    const value = view.getUint32(8, true) + view.getInt32(12, true) * 4294967296;
    const error = view.getInt32(16, true);
    const flags = view.getUint32(20, true);
    if (flags & ~SECCOMP_USER_NOTIF_FLAG_CONTINUE) return EINVAL;
    if (flags & SECCOMP_USER_NOTIF_FLAG_CONTINUE && (error !== 0 || value !== 0)) return EINVAL;
    const n = this.listener.find(id);
    if (n === null) return ENOENT;
    if (n.state !== 'sent') return EINPROGRESS;
    reply(n, value, error, flags);
    return 0;
  }

  /** Puts one of the supervisor's descriptions into the caller's table: its number there; SECCOMP_ADDFD_FLAG_SEND makes that the call's result. */
  private addDescriptor(t: Task, addr: number, size: number): number {
    if (size < ADDFD_SIZE || size >= PAGE_SIZE) return EINVAL;
    if (t.space.readBytes(addr, buffer, 0, ADDFD_SIZE) !== 0) return EFAULT;
    for (let i = ADDFD_SIZE; i < size; i++) {
      const b = t.space.readU8(addr + i);
      if (isErr(b)) return EFAULT;
      if (b !== 0) return E2BIG;
    }
    const id = view.getUint32(0, true) + view.getUint32(4, true) * 4294967296;
    const flags = view.getUint32(8, true);
    const newFd = view.getUint32(16, true);
    const newFlags = view.getUint32(20, true);
    if (newFlags & ~O_CLOEXEC || flags & ~(SECCOMP_ADDFD_FLAG_SETFD | SECCOMP_ADDFD_FLAG_SEND)) return EINVAL;
    if (newFd !== 0 && !(flags & SECCOMP_ADDFD_FLAG_SETFD)) return EINVAL;
    const file = t.fdTable.get(view.getInt32(12, true));
    if (file === null) return EBADF;
    const n = this.listener.find(id);
    if (n === null) return ENOENT;
    if (n.state !== 'sent') return EINPROGRESS;
    const fd = install(n.task, file, flags & SECCOMP_ADDFD_FLAG_SETFD ? newFd : -1, (newFlags & O_CLOEXEC) !== 0);
    if (!isErr(fd) && flags & SECCOMP_ADDFD_FLAG_SEND) reply(n, fd, 0, 0);
    return fd;
  }
}

function reply(n: SeccompNotification, value: number, error: number, flags: number): void {
  n.state = 'replied';
  n.value = value;
  n.error = error;
  n.flags = flags;
  n.queue.wake();
}

/** Linux receive_fd(), or with a number receive_fd_replace(). */
function install(to: Task, file: FileDescription, fd: number, cloexec: boolean): number | Errno {
  const table = to.fdTable;
  if (fd < 0) {
    file.ref();
    const at = table.install(file, to.openFilesLimit, cloexec);
    if (isErr(at)) file.unref();
    return at;
  }
  if (fd >= to.openFilesLimit) return EBADF;
  file.ref();
  const old = table.replace(fd, file, cloexec);
  if (old !== null) closeDescription(to, table, old);
  return fd;
}
