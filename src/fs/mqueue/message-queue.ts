/** A POSIX message queue: Linux struct mqueue_inode_info. */
import { CAP_SYS_RESOURCE } from '../../abi/capability.ts';
import { EINVAL, EMFILE, EOVERFLOW, type Errno } from '../../abi/errno.ts';
import { HARD_MSGMAX, HARD_MSGSIZEMAX, MQ_PRIO_MAX, NOTIFY_COOKIE_LEN, NOTIFY_REMOVED, NOTIFY_WOKENUP } from '../../abi/mqueue.ts';
import { POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import { RLIMIT_MSGQUEUE } from '../../abi/resource.ts';
import { SI_MESGQ, SIGEV_SIGNAL, SIGEV_THREAD } from '../../abi/signal.ts';
import { S_IFREG } from '../../abi/stat.ts';
import { USED_MSGQUEUE, type UserCounts } from '../../auth/user-counts.ts';
import type { UserNamespace } from '../../auth/user-namespace.ts';
import { WaitQueue } from '../../base/wait-queue.ts';
import type { IpcNamespace } from '../../kernel/ipc-namespace.ts';
import type { Pid } from '../../kernel/pid.ts';
import { SignalInfo } from '../../kernel/signal-info.ts';
import { sendSignalInfo } from '../../kernel/signal-send.ts';
import type { Task } from '../../kernel/task.ts';
import type { Socket } from '../../net/socket.ts';
import { copyAttributes } from '../../vfs/attributes.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import { ATTR_ATIME, ATTR_CTIME, ATTR_MTIME, ATTR_SIZE, Inode, type SetAttributes } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/mount.ts';
import type { MqueueSuperBlock } from './mqueue-fs.ts';
import { QueueFile } from './queue-file.ts';

/** st_size of a queue (FILENT_SIZE). */
const FILE_SIZE = 80;
/** What the kernel's own structures count a message (struct msg_msg) and a priority in use (struct posix_msg_tree_node), bytes. */
const MESSAGE_OVERHEAD = 48, PRIORITY_OVERHEAD = 48;

export interface QueuedMessage {
  readonly priority: number;
  readonly text: Uint8Array;
}

/** A task that sleeps for a message or for room. The other side carries out what it waits for and sets `done`. */
export class QueueWaiter {
  readonly queue: WaitQueue = new WaitQueue();
  /** Where it stands. */
  readonly list: WaiterList;
  readonly task: Task;
  /** What is to be sent; or what was received. */
  message: QueuedMessage | null;
  done = false;
  /** Absolute monotonic ns. */
  readonly deadline: number;
  constructor(list: WaiterList, task: Task, message: QueuedMessage | null, deadline: number) {
    this.list = list;
    this.task = task;
    this.message = message;
    this.deadline = deadline;
  }
}

/** Lower goes first: Linux task_struct.prio. */
const priorityOf = (t: Task): number => (t.sched.rtPriority > 0 ? 99 - t.sched.rtPriority : 120 + t.sched.nice);

/** Sleepers for one thing: the most urgent task first, and the longest waiting among equals (wq_add). */
export class WaiterList {
  private readonly list: QueueWaiter[] = [];
  add(w: QueueWaiter): void {
    const prio = priorityOf(w.task);
    let i = this.list.length;
    while (i > 0 && priorityOf(this.list[i - 1]!.task) > prio) i--; // in range
    this.list.splice(i, 0, w);
  }
  remove(w: QueueWaiter): void {
    const i = this.list.indexOf(w);
    if (i >= 0) this.list.splice(i, 1);
  }
  first(): QueueWaiter | null {
    return this.list[0] ?? null;
  }
  /** `w` has what it waited for. */
  finish(w: QueueWaiter): void {
    this.remove(w);
    w.done = true;
    w.queue.wake();
  }
}

/** Who is told once when a message comes to the empty queue: mq_notify(2). */
interface Notification {
  readonly owner: Pid;
  readonly userNs: UserNamespace;
  /** SIGEV_NONE, SIGEV_SIGNAL or SIGEV_THREAD. */
  readonly notify: number;
  readonly signo: number;
  readonly valueLo: number;
  readonly valueHi: number;
  /** The process's execves at registration: a new program is not signalled. */
  readonly execs: number;
  /** SIGEV_THREAD: where the cookie goes. */
  readonly socket: Socket | null;
  readonly cookie: Uint8Array | null;
}

/** What a queue of these attributes counts, bytes; EINVAL, EOVERFLOW. Linux mqueue_get_inode(). */
function bytesFor(t: Task, ns: IpcNamespace, maxMessages: number, messageSize: number): number | Errno {
  if (maxMessages <= 0 || messageSize <= 0) return EINVAL;
  const privileged = t.credentials.capableInInit(CAP_SYS_RESOURCE);
  const m = ns.mqueue;
  if (maxMessages > (privileged ? HARD_MSGMAX : m.msgMax) || messageSize > (privileged ? HARD_MSGSIZEMAX : m.msgsizeMax)) return EINVAL;
  const bytes = maxMessages * messageSize + maxMessages * MESSAGE_OVERHEAD + Math.min(maxMessages, MQ_PRIO_MAX) * PRIORITY_OVERHEAD;
  return bytes > Number.MAX_SAFE_INTEGER ? EOVERFLOW : bytes;
}

export class PosixQueue extends Inode {
  readonly maxMessages: number;
  readonly messageSize: number;
  /** Highest priority first, the oldest first among equals. */
  private readonly messages: QueuedMessage[] = [];
  /** Bytes of all messages. */
  bytes = 0;
  readonly senders: WaiterList = new WaiterList();
  readonly receivers: WaiterList = new WaiterList();
  /** Pollers. */
  readonly pollers: WaitQueue = new WaitQueue();
  notification: Notification | null = null;
  private readonly ns: IpcNamespace;
  private readonly charged: UserCounts;
  private readonly chargedBytes: number;

  private constructor(sb: MqueueSuperBlock, t: Task, mode: number, maxMessages: number, messageSize: number, charged: UserCounts, chargedBytes: number) {
    super(sb, sb.allocateIno(), S_IFREG | mode);
    this.ns = sb.ns;
    this.maxMessages = maxMessages;
    this.messageSize = messageSize;
    this.charged = charged;
    this.chargedBytes = chargedBytes;
    this.uid = t.credentials.fsuid;
    this.gid = t.credentials.fsgid;
    this.size = FILE_SIZE;
    this.touch(ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
  }

  /** A new queue, charged to the caller. EINVAL, EOVERFLOW, EMFILE (RLIMIT_MSGQUEUE). */
  static make(sb: MqueueSuperBlock, t: Task, mode: number, maxMessages: number, messageSize: number): PosixQueue | Errno {
    const bytes = bytesFor(t, sb.ns, maxMessages, messageSize);
    if (bytes < 0) return bytes as Errno;
    const { counts } = t.credentials;
    const fits = counts.add(USED_MSGQUEUE, bytes);
    if (!fits || counts.used[USED_MSGQUEUE]! > t.limit(RLIMIT_MSGQUEUE)) {
      // the index is in range
      counts.sub(USED_MSGQUEUE, bytes);
      return EMFILE;
    }
    return new PosixQueue(sb, t, mode, maxMessages, messageSize, counts, bytes);
  }

  get count(): number {
    return this.messages.length;
  }
  get full(): boolean {
    return this.messages.length === this.maxMessages;
  }

  private insert(m: QueuedMessage): void {
    const list = this.messages;
    let low = 0;
    let high = list.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (list[mid]!.priority >= m.priority) low = mid + 1; // in range
      else high = mid;
    }
    list.splice(low, 0, m);
    this.bytes += m.text.length;
  }

  /** Gives `m` to a sleeping receiver, or queues it (there is room) and tells who asked to be told. `sender` is the current task. */
  put(sender: Task, m: QueuedMessage): void {
    const receiver = this.receivers.first();
    if (receiver !== null) {
      receiver.message = m;
      this.receivers.finish(receiver);
    } else {
      this.insert(m);
      this.tell(sender);
    }
    this.touch(ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
  }

  /** The first message (there is one); a sleeping sender's takes the room. */
  take(): QueuedMessage {
    const m = this.messages.shift()!; // the caller looked
    this.bytes -= m.text.length;
    this.touch(ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
    const sender = this.senders.first();
    if (sender === null) this.pollers.wake(POLLOUT | POLLWRNORM);
    else {
      this.insert(sender.message!); // a sender's waiter has one
      this.senders.finish(sender);
    }
    return m;
  }

  /** The notification fires when the queue was empty; then it is gone. Linux __do_notify(). */
  private tell(sender: Task): void {
    const n = this.notification;
    if (n !== null && this.messages.length === 1) {
      if (n.notify === SIGEV_SIGNAL) this.signal(sender, n);
      else if (n.notify === SIGEV_THREAD) this.sendCookie(n, NOTIFY_WOKENUP);
      this.notification = null;
      n.userNs.put();
    }
    this.pollers.wake(POLLIN | POLLRDNORM);
  }
  private signal(sender: Task, n: Notification): void {
    const tg = n.owner.threadGroup;
    if (n.signo === 0 || tg === null || tg.execs !== n.execs) return;
    const info = new SignalInfo(n.signo, SI_MESGQ);
    info.setSender(sender.threadGroup.pid.nr(n.owner.ns), n.userNs.fromKuidMunged(sender.credentials.uid)).setValue(n.valueLo, n.valueHi);
    sendSignalInfo(tg.leader, info, true, false);
  }
  private sendCookie(n: Notification, what: number): void {
    const bytes = n.cookie!.slice(); // SIGEV_THREAD has both
    bytes[NOTIFY_COOKIE_LEN - 1] = what;
    n.socket!.kernelMessage(bytes);
  }
  setNotification(n: Notification): void {
    this.notification = n;
    n.userNs.get();
    this.touch(ATTR_ATIME | ATTR_CTIME);
  }
  /** mq_notify(NULL), and every close by the process that registered. */
  removeNotification(): void {
    const n = this.notification;
    if (n === null) return;
    if (n.notify === SIGEV_THREAD) this.sendCookie(n, NOTIFY_REMOVED);
    this.notification = null;
    n.userNs.put();
  }

  override openFile(_ctx: VfsContext, path: Path, flags: number): FileDescription {
    return new QueueFile(path, flags, this);
  }
  override setattr(_ctx: VfsContext, attrs: SetAttributes): number {
    if (attrs.valid & ATTR_SIZE) this.size = attrs.size;
    copyAttributes(this, attrs);
    return 0;
  }
  override evict(): void {
    this.messages.length = 0;
    this.charged.sub(USED_MSGQUEUE, this.chargedBytes);
    this.ns.mqueue.queues--;
  }
}
