/** POSIX message queues. Linux 6.18 ipc/mqueue.c. */
import {
  EACCES, EAGAIN, EBADF, EBUSY, EEXIST, EFAULT, EINVAL, EMSGSIZE, ENOENT, ENOTSOCK, ERESTARTSYS, ETIMEDOUT, type Errno, isErr,
} from '../abi/errno.ts';
import { O_ACCMODE, O_CREAT, O_EXCL, O_NOCTTY, O_NONBLOCK, O_PATH, O_RDONLY, O_TRUNC, O_WRONLY } from '../abi/fcntl.ts';
import { MQ_ATTR_SIZE, MQ_CURMSGS, MQ_FLAGS, MQ_MAXMSG, MQ_MSGSIZE, MQ_PRIO_MAX, NOTIFY_COOKIE_LEN } from '../abi/mqueue.ts';
import { SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD, SIGEVENT_SIZE } from '../abi/signal.ts';
import { AF_NETLINK } from '../abi/socket.ts';
import { S_IFMT, S_IFSOCK } from '../abi/stat.ts';
import { QueueWaiter, type PosixQueue, type QueuedMessage } from '../fs/mqueue/message-queue.ts';
import { mqueueOf } from '../fs/mqueue/mqueue-fs.ts';
import { QueueFile } from '../fs/mqueue/queue-file.ts';
import type { Task } from '../kernel/task.ts';
import type { Socket } from '../net/socket.ts';
import { SocketDescription } from '../net/socket-description.ts';
import type { Dentry } from '../vfs/dentry.ts';
import { PathDescription } from '../vfs/file-description.ts';
import { ATTR_ATIME, ATTR_CTIME } from '../vfs/inode.ts';
import { Path } from '../vfs/mount.ts';
import { IN_CREATE, IN_DELETE, IN_OPEN, notify, notifyEntry } from '../vfs/notify.ts';
import { lookupChild } from '../vfs/path-walk.ts';
import { inodePermission, MAY_READ, MAY_WRITE, mayCreate, mayDelete } from '../vfs/permission.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { readPath } from './file-names.ts';
import { openFile, readTimespec, TimeSpan } from './io-wait.ts';

const attr = new Uint8Array(MQ_ATTR_SIZE);
const attrView = new DataView(attr.buffer);
const event = new Uint8Array(SIGEVENT_SIZE);
const eventView = new DataView(event.buffer);
const span = new TimeSpan();
const longAt = (offset: number): number => Number(attrView.getBigInt64(offset, true));

/** The entry of `name` in the root of the caller's instance, negative if there is none; ENOENT, EACCES, ENAMETOOLONG. */
function entryOf(t: Task, name: string): Dentry | Errno {
  if (name === '') return ENOENT;
  if (name === '.' || name === '..' || name.includes('/')) return EACCES;
  return lookupChild(t, mqueueOf(t.kernel, t.nsproxy.ipc).root, name);
}

/** Makes the queue if it is to be made, and checks the access. 0 or errno. Linux prepare_open(). */
function prepareOpen(t: Task, dentry: Dentry, flags: number, mode: number, hasAttributes: boolean): number {
  const { inode } = dentry;
  if (inode !== null) {
    if ((flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL)) return EEXIST;
    const access = flags & O_ACCMODE;
    if (access === O_ACCMODE) return EINVAL;
    return inodePermission(t, inode, access === O_RDONLY ? MAY_READ : access === O_WRONLY ? MAY_WRITE : MAY_READ | MAY_WRITE);
  }
  if (!(flags & O_CREAT)) return ENOENT;
  const directory = mqueueOf(t.kernel, t.nsproxy.ipc).directory;
  const may = mayCreate(t, dentry.parent, dentry);
  if (may < 0) return may;
  const bits = mode & 0o7777 & ~t.fs.umask;
  const made = hasAttributes ? directory.createQueue(t, dentry.name, bits, longAt(MQ_MAXMSG), longAt(MQ_MSGSIZE)) : directory.create(t, dentry.name, bits);
  if (isErr(made)) return made;
  dentry.inode = made;
  notifyEntry(dentry.parent, IN_CREATE, dentry);
  return 0;
}

function sysMqOpen(t: Task, a: SyscallArgs): number {
  const flags = a.int(1);
  const attributes = a.addr(3);
  if (attributes !== 0 && isErr(t.space.readBytes(attributes, attr))) return EFAULT;
  const name = readPath(t, a.addr(0));
  if (isErr(name)) return name;
  if (name === '') return ENOENT;
  const free = t.fdTable.lowestFree(0, t.openFilesLimit);
  if (isErr(free)) return free;
  const dentry = entryOf(t, name);
  if (isErr(dentry)) return dentry;
  const r = prepareOpen(t, dentry, flags, a.u32(2), attributes !== 0);
  if (r < 0) return r;
  const path = new Path(mqueueOf(t.kernel, t.nsproxy.ipc).internal, dentry);
  const kept = flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC);
  const queue = dentry.inode as PosixQueue; // just made or found
  const file = flags & O_PATH ? new PathDescription(path, kept) : new QueueFile(path, kept, queue);
  if (file instanceof QueueFile) notify(dentry, IN_OPEN, path.mount);
  if (file.writable) {
    file.countWriter();
  }
  const fd = t.fdTable.install(file, t.openFilesLimit, true);
  if (isErr(fd)) file.unref();
  return fd;
}

function sysMqUnlink(t: Task, a: SyscallArgs): number {
  const name = readPath(t, a.addr(0));
  if (isErr(name)) return name;
  const dentry = entryOf(t, name);
  if (isErr(dentry)) return dentry;
  const { inode, parent } = dentry;
  if (inode === null) return ENOENT;
  const directory = parent.inode!; // the root of the instance
  const may = mayDelete(t, directory, dentry, false);
  if (may < 0) return may;
  const r = directory.unlink(t, name, inode);
  if (r < 0) return r;
  dentry.unhash();
  notifyEntry(parent, IN_DELETE, dentry);
  return 0;
}

function queueOf(t: Task, fd: number): QueueFile | Errno {
  const file = openFile(t, fd);
  return file instanceof QueueFile ? file : EBADF;
}

/** Monotonic ns of the absolute wall-clock time at `addr` (0: never); EFAULT, EINVAL. */
function deadlineAt(t: Task, addr: number): number | Errno {
  if (addr === 0) return Infinity;
  const r = readTimespec(t, addr, span);
  return isErr(r) ? r : Math.max(0, t.kernel.clock.monotonicOfWall(span.sec, span.nsec));
}

/** Sleeps until the other side has acted, the deadline or a signal: 0, ETIMEDOUT, ERESTARTSYS, BLOCKED. Linux wq_sleep(). */
function sleep(t: Task, w: QueueWaiter): number {
  if (w.done) return 0;
  let r: number = ETIMEDOUT;
  if (t.signalPending()) r = ERESTARTSYS;
  else if (w.deadline > t.monotonicNs() && !t.syscall.timedOut) return t.wait(w.queue, w.deadline);
  w.list.remove(w);
  return r;
}

function sysMqTimedsend(t: Task, a: SyscallArgs): number {
  const { syscall } = t;
  if (syscall.object instanceof QueueWaiter) return sleep(t, syscall.object);
  const file = queueOf(t, a.int(0));
  const length = a.size(2);
  const priority = a.u32(3);
  const deadline = deadlineAt(t, a.addr(4));
  if (deadline < 0) return deadline;
  if (priority >= MQ_PRIO_MAX) return EINVAL;
  if (isErr(file)) return file;
  if (!file.writable) return EBADF;
  const { queue } = file;
  if (length > queue.messageSize) return EMSGSIZE;
  const text = new Uint8Array(length);
  if (length > 0 && isErr(t.space.readBytes(a.addr(1), text))) return EFAULT;
  const message: QueuedMessage = { priority, text };
  if (!queue.full) {
    queue.put(t, message);
    return 0;
  }
  return file.nonBlocking ? EAGAIN : startSleep(t, new QueueWaiter(queue.senders, t, message, deadline));
}

function startSleep(t: Task, w: QueueWaiter): number {
  w.list.add(w);
  t.syscall.object = w;
  return sleep(t, w);
}

/** The message and its priority to user memory: its length or EFAULT. */
function copyOut(t: Task, a: SyscallArgs, m: QueuedMessage): number {
  const priorityAt = a.addr(3);
  if (priorityAt !== 0 && isErr(t.space.writeU32(priorityAt, m.priority))) return EFAULT;
  const { length } = m.text;
  return length > 0 && isErr(t.space.writeBytes(a.addr(1), m.text, 0, length)) ? EFAULT : length;
}

function sysMqTimedreceive(t: Task, a: SyscallArgs): number {
  const { syscall } = t;
  if (syscall.object instanceof QueueWaiter) {
    const r = sleep(t, syscall.object);
    return r === 0 ? copyOut(t, a, syscall.object.message!) : r; // the sender left one
  }
  const deadline = deadlineAt(t, a.addr(4));
  if (deadline < 0) return deadline;
  const file = queueOf(t, a.int(0));
  if (isErr(file)) return file;
  if (!file.readable) return EBADF;
  const { queue } = file;
  if (a.size(2) < queue.messageSize) return EMSGSIZE;
  if (queue.count > 0) return copyOut(t, a, queue.take());
  if (file.nonBlocking) return EAGAIN;
  return startSleep(t, new QueueWaiter(queue.receivers, t, null, deadline));
}

/** The netlink socket of SIGEV_THREAD; EBADF, ENOTSOCK, EINVAL. */
function netlinkSocket(t: Task, fd: number): Socket | Errno {
  const file = openFile(t, fd);
  if (file === null) return EBADF;
  if ((file.inode.mode & S_IFMT) !== S_IFSOCK || !(file instanceof SocketDescription)) return ENOTSOCK;
  return file.socket.family === AF_NETLINK ? file.socket : EINVAL;
}

function sysMqNotify(t: Task, a: SyscallArgs): number {
  const wanted = a.addr(1);
  let kind: number = SIGEV_NONE;
  let signo = 0;
  let socket: Socket | null = null;
  let cookie: Uint8Array | null = null;
  if (wanted !== 0) {
    if (isErr(t.space.readBytes(wanted, event))) return EFAULT;
    signo = eventView.getInt32(8, true);
    kind = eventView.getInt32(12, true);
    if (kind !== SIGEV_NONE && kind !== SIGEV_SIGNAL && kind !== SIGEV_THREAD) return EINVAL;
    if (kind === SIGEV_SIGNAL && (signo < 0 || signo > 64)) return EINVAL;
    if (kind === SIGEV_THREAD) {
      cookie = new Uint8Array(NOTIFY_COOKIE_LEN);
      const at = eventView.getUint32(0, true) + eventView.getUint32(4, true) * 4294967296;
      if (isErr(t.space.readBytes(at, cookie))) return EFAULT;
      const found = netlinkSocket(t, signo);
      if (isErr(found)) return found;
      socket = found;
    }
  }
  const file = queueOf(t, a.int(0));
  if (isErr(file)) return file;
  const { queue } = file;
  const owner = t.threadGroup.pid;
  if (wanted === 0) {
    if (queue.notification?.owner !== owner) return 0;
    queue.removeNotification();
    queue.touch(ATTR_ATIME | ATTR_CTIME);
    return 0;
  }
  if (queue.notification !== null) return EBUSY;
  t.fdTable.closesMatter = true;
  queue.setNotification({
    owner, userNs: t.credentials.userNs, notify: kind, signo, socket, cookie, execs: t.threadGroup.execs,
    valueLo: eventView.getInt32(0, true), valueHi: eventView.getInt32(4, true),
  });
  return 0;
}

function sysMqGetsetattr(t: Task, a: SyscallArgs): number {
  const given = a.addr(1);
  if (given !== 0) {
    if (isErr(t.space.readBytes(given, attr))) return EFAULT;
    if ((attrView.getUint32(MQ_FLAGS, true) & ~O_NONBLOCK) !== 0 || attrView.getUint32(MQ_FLAGS + 4, true) !== 0) return EINVAL;
  }
  const nonBlocking = given !== 0 && (attrView.getUint32(MQ_FLAGS, true) & O_NONBLOCK) !== 0;
  const file = queueOf(t, a.int(0));
  if (isErr(file)) return file;
  const { queue } = file;
  attr.fill(0);
  attrView.setUint32(MQ_FLAGS, file.flags & O_NONBLOCK, true);
  for (const [at, value] of [[MQ_MAXMSG, queue.maxMessages], [MQ_MSGSIZE, queue.messageSize], [MQ_CURMSGS, queue.count]] as const) attrView.setUint32(at, value, true);
  if (given !== 0) {
    file.flags = nonBlocking ? file.flags | O_NONBLOCK : file.flags & ~O_NONBLOCK;
    queue.touch(ATTR_ATIME | ATTR_CTIME);
  }
  const old = a.addr(2);
  return old !== 0 && isErr(t.space.writeBytes(old, attr, 0, MQ_ATTR_SIZE)) ? EFAULT : 0;
}

export const rows: readonly SyscallRow[] = [
  [240, 'mq_open', 'str,openflags,mode,addr=fd', 'full', sysMqOpen],
  [241, 'mq_unlink', 'str', 'full', sysMqUnlink],
  [242, 'mq_timedsend', 'fd,buf:2,size,uint,timespec', 'full', sysMqTimedsend],
  [243, 'mq_timedreceive', 'fd,obuf,size,addr,timespec', 'full', sysMqTimedreceive],
  [244, 'mq_notify', 'fd,addr', 'full', sysMqNotify],
  [245, 'mq_getsetattr', 'fd,addr,addr', 'full', sysMqGetsetattr],
];
