/** fanotify groups: queues of events, with descriptors or file handles of what they are about. Linux fs/notify/fanotify/fanotify_user.c; man 7 fanotify. */
import { EAGAIN, EINVAL, ENOENT, EPERM, type Errno, isErr } from '../../abi/errno.ts';
import {
  FAN_ACCESS_PERM, FAN_ALLOW, FAN_AUDIT, FAN_CLASS_CONTENT, FAN_CLASS_PRE_CONTENT, FAN_DENY, FAN_EPIDFD, FAN_EVENT_INFO_TYPE_DFID, FAN_EVENT_INFO_TYPE_DFID_NAME,
  FAN_EVENT_INFO_TYPE_FID, FAN_EVENT_INFO_TYPE_MNT, FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, FAN_EVENT_INFO_TYPE_PIDFD, FAN_NOFD, FAN_ONDIR,
  FAN_OPEN_EXEC_PERM, FAN_OPEN_PERM, FAN_Q_OVERFLOW, FAN_RENAME, FAN_REPORT_DIR_FID, FAN_REPORT_FD_ERROR, FAN_REPORT_FID, FAN_REPORT_MNT, FAN_REPORT_NAME,
  FAN_REPORT_PIDFD, FAN_REPORT_TARGET_FID, FAN_REPORT_TID, FAN_UNLIMITED_QUEUE, FANOTIFY_METADATA_SIZE, FANOTIFY_METADATA_VERSION,
} from '../../abi/fanotify.ts';
import { O_CLOEXEC, O_RDWR } from '../../abi/fcntl.ts';
import { POLLIN, POLLRDNORM } from '../../abi/poll.ts';
import { FIONREAD } from '../../abi/termios.ts';
import type { UserNamespace } from '../../auth/user-namespace.ts';
import type { IoVector } from '../../base/io-vector.ts';
import { WaitQueue } from '../../base/wait-queue.ts';
import { PidfdDescription } from '../../kernel/pidfd.ts';
import type { Pid } from '../../kernel/pid.ts';
import { Task } from '../../kernel/task.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { AnonymousDescription } from '../../vfs/anonymous-description.ts';
import type { Dentry } from '../../vfs/dentry.ts';
import type { Inode } from '../../vfs/inode.ts';
import { Path } from '../../vfs/mount.ts';
import { openPlace } from '../../vfs/open.ts';
import type { PollTable } from '../../vfs/poll.ts';
import { ENTRY_EVENTS, type EventSource, type FanotifyMarks, type Mark, type PermissionRequest, type Role } from './fanotify-marks.ts';

/** /proc/sys/fs/fanotify/max_queued_events. */
const MAX_QUEUED_EVENTS = 16384;
const PERMISSION = FAN_OPEN_PERM | FAN_ACCESS_PERM | FAN_OPEN_EXEC_PERM;
const FID_MODES = FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_NAME | FAN_REPORT_TARGET_FID;

/** One file handle with a name, as a record of an event. */
interface InfoRecord {
  readonly type: number;
  readonly dentry: Dentry;
  readonly name: string | null;
}

class QueuedEvent {
  mask: number;
  readonly pid: Pid | null;
  /** What events are merged by: equal strings and objects are one event. */
  readonly inode: Inode | null;
  readonly key: string;
  readonly place: Path | null;
  readonly records: readonly InfoRecord[];
  readonly mountId: number;
  request: PermissionRequest | null = null;
  /** Descriptor that the reader has for it and answers by. */
  fd = FAN_NOFD;
  constructor(mask: number, pid: Pid | null, inode: Inode | null, key: string, place: Path | null, records: readonly InfoRecord[], mountId = 0) {
    this.mask = mask;
    this.pid = pid;
    this.inode = inode;
    this.key = key;
    this.place = place;
    this.records = records;
    this.mountId = mountId;
    place?.get();
  }
}

export class FanotifyGroup extends AnonymousDescription {
  readonly initFlags: number;
  private readonly eventFlags: number;
  private readonly registry: FanotifyMarks;
  readonly userNs: UserNamespace;
  /** Made without CAP_SYS_ADMIN: sees no process numbers but its own. */
  private readonly unprivileged: boolean;
  readonly marks: Set<Mark> = new Set();
  private events: QueuedEvent[] = [];
  /** Questions that were read and not answered. */
  private readonly asked: QueuedEvent[] = [];
  private readonly waitQueue: WaitQueue = new WaitQueue();

  constructor(registry: FanotifyMarks, owner: Task, initFlags: number, eventFlags: number, flags: number, unprivileged: boolean) {
    super(registry.kernel.vfs.anonymous.anonymousPath('[fanotify]'), O_RDWR | flags);
    this.registry = registry;
    this.initFlags = initFlags;
    this.eventFlags = eventFlags;
    this.unprivileged = unprivileged;
    this.userNs = owner.credentials.userNs;
    registry.groups++;
  }

  get fidMode(): number {
    return this.initFlags & FID_MODES;
  }
  /** FAN_CLASS_CONTENT or PRE_CONTENT: may be asked. */
  get answers(): boolean {
    return (this.initFlags & (FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT)) !== 0;
  }
  drop(mark: Mark): void {
    this.registry.remove(mark);
    this.marks.delete(mark);
  }

  private caller(): Pid | null {
    const task = this.registry.kernel.current;
    if (task === null) return null;
    return this.initFlags & FAN_REPORT_TID ? task.pid : task.threadGroup.pid;
  }

  /** An event that its marks ask for. Linux fanotify_alloc_event(). */
  event(mask: number, source: EventSource, roles: ReadonlySet<Role>): void {
    const { fidMode } = this;
    const { dentry, mount } = source;
    if (fidMode === 0) {
      // A descriptor needs a place.
      if (mount === null || !dentry.inode || (!dentry.inode.isRegular && !dentry.inode.isDirectory)) return;
      this.queue(new QueuedEvent(mask, this.caller(), dentry.inode, 'fd', new Path(mount, dentry), []));
      return;
    }
    const records = this.recordsOf(mask, source, roles);
    if (records.length === 0) return;
    const shown = source.isDirectory ? mask | FAN_ONDIR : mask;
    const key = records.map((r) => `${r.type} ${r.dentry.inode?.ino} ${r.name}`).join('/') + (source.isDirectory ? 'd' : '') + (mask & FAN_RENAME ? 'r' : '');
    this.queue(new QueuedEvent(shown, this.caller(), records[0]?.dentry.inode ?? null, key, null, records));
  }

  /** The handles that tell what an event is about. Linux copy_info_records_to_user(). */
  private recordsOf(mask: number, source: EventSource, roles: ReadonlySet<Role>): InfoRecord[] {
    const { fidMode } = this;
    const { dentry, parent, name, isDirectory, newParent, newName } = source;
    const isEntry = (mask & ENTRY_EVENTS) !== 0;
    const directory = isEntry ? parent : isDirectory ? dentry : parent;
    const out: InfoRecord[] = [];
    if (!(fidMode & FAN_REPORT_DIR_FID) || directory === null) {
      const object = isEntry && !(fidMode & FAN_REPORT_TARGET_FID) ? parent : dentry;
      if (fidMode & FAN_REPORT_FID && object !== null) out.push({ type: FAN_EVENT_INFO_TYPE_FID, dentry: object, name: null });
      return out;
    }
    const named = (fidMode & FAN_REPORT_NAME) !== 0 && (isEntry || !isDirectory);
    if (mask & FAN_RENAME) {
      // Only the directories that are watched are told.
      const both = roles.has('sb');
      if (both || roles.has('self')) out.push({ type: FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, dentry: directory, name });
      if (newParent !== null && (both || roles.has('newParent'))) out.push({ type: FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, dentry: newParent, name: newName });
    } else if (named) out.push({ type: FAN_EVENT_INFO_TYPE_DFID_NAME, dentry: directory, name });
    else if (fidMode & FAN_REPORT_NAME) out.push({ type: FAN_EVENT_INFO_TYPE_DFID_NAME, dentry: directory, name: '.' });
    else out.push({ type: FAN_EVENT_INFO_TYPE_DFID, dentry: directory, name: null });
    const hasChild = fidMode & FAN_REPORT_FID && dentry.inode !== directory.inode && (!isEntry || fidMode & FAN_REPORT_TARGET_FID);
    if (hasChild) out.push({ type: FAN_EVENT_INFO_TYPE_FID, dentry, name: null });
    return out;
  }

  mountEvent(mask: number, id: number): void {
    this.queue(new QueuedEvent(mask, this.caller(), null, `mount ${id}`, null, [], id));
  }

  private queue(e: QueuedEvent): void {
    for (let i = this.events.length - 1; i >= 0 && this.events.length - i < 128; i--) {
      const old = this.events[i]!; // within the queue
      if (old.request !== null || old.inode !== e.inode || old.key !== e.key || old.pid !== e.pid || (old.place === null) !== (e.place === null)) continue;
      if (old.place !== null && e.place !== null && !old.place.equals(e.place)) continue;
      old.mask |= e.mask;
      e.place?.put();
      return;
    }
    if (this.events.length >= MAX_QUEUED_EVENTS && !(this.initFlags & FAN_UNLIMITED_QUEUE)) {
      e.place?.put();
      const last = this.events[this.events.length - 1];
      if (last !== undefined && last.mask === FAN_Q_OVERFLOW) return;
      e = new QueuedEvent(FAN_Q_OVERFLOW, null, null, 'overflow', null, []);
    }
    this.events.push(e);
    this.waitQueue.wake(POLLIN | POLLRDNORM);
  }

  /** Asks the reader whether `request` may go on. */
  askPermission(mask: number, source: EventSource, request: PermissionRequest): void {
    if (source.mount === null) return;
    const e = new QueuedEvent(mask & PERMISSION, this.caller(), source.dentry.inode, 'ask', new Path(source.mount, source.dentry), []);
    e.request = request;
    request.pending++;
    this.events.push(e);
    this.waitQueue.wake(POLLIN | POLLRDNORM);
  }

  override read(ctx: VfsContext, iov: IoVector, _offset: number): number {
    let done = 0;
    while (this.events.length > 0) {
      const e = this.events[0]!; // not empty
      const bytes = this.encode(ctx, e);
      if (bytes.length > iov.remaining) {
        if (done === 0) return EINVAL;
        break;
      }
      this.events.shift();
      const fds = this.openDescriptors(ctx, e, bytes);
      if (isErr(fds)) {
        e.place?.put();
        e.request?.answer(-EPERM);
        if (done > 0) break;
        return fds;
      }
      const r = iov.put(bytes, 0, bytes.length);
      if (r < 0) return done > 0 ? done : r;
      done += bytes.length;
      if (e.request !== null) this.asked.push(e);
      e.place?.put();
    }
    if (done > 0) return done;
    return this.nonBlocking ? EAGAIN : ctx.wait(this.waitQueue);
  }

  /** The event's bytes, with no descriptors yet. */
  private encode(ctx: VfsContext, e: QueuedEvent): Uint8Array {
    const infos: Uint8Array[] = e.records.map((r) => encodeRecord(ctx, r));
    if (this.initFlags & FAN_REPORT_MNT && e.mountId !== 0) infos.push(encodeMount(e.mountId));
    if (this.initFlags & FAN_REPORT_PIDFD) infos.push(Uint8Array.of(FAN_EVENT_INFO_TYPE_PIDFD, 0, 8, 0, 0xff, 0xff, 0xff, 0xff));
    const size = FANOTIFY_METADATA_SIZE + infos.reduce((n, i) => n + i.length, 0);
    const bytes = new Uint8Array(size);
    const v = new DataView(bytes.buffer);
    v.setUint32(0, size, true);
    v.setUint8(4, FANOTIFY_METADATA_VERSION);
    v.setUint16(6, FANOTIFY_METADATA_SIZE, true);
    v.setUint32(8, e.mask >>> 0, true);
    v.setInt32(16, FAN_NOFD, true);
    v.setInt32(20, this.shownPid(ctx, e), true);
    let at = FANOTIFY_METADATA_SIZE;
    for (const info of infos) {
      bytes.set(info, at);
      at += info.length;
    }
    return bytes;
  }
  private shownPid(ctx: VfsContext, e: QueuedEvent): number {
    if (!(ctx instanceof Task) || e.pid === null) return 0;
    if (this.unprivileged && e.pid !== ctx.pid && e.pid !== ctx.threadGroup.pid) return 0;
    return e.pid.nr(ctx.pid.ns);
  }

  /** Opens what the reader gets, and writes the numbers into the bytes. EMFILE and what opening gives. */
  private openDescriptors(ctx: VfsContext, e: QueuedEvent, bytes: Uint8Array): 0 | Errno {
    const v = new DataView(bytes.buffer);
    if (e.place !== null) {
      const fd = this.openPlaceOf(ctx, e.place);
      if (fd < 0) {
        if (!(this.initFlags & FAN_REPORT_FD_ERROR)) return fd as Errno;
      } else e.fd = fd;
      v.setInt32(16, fd, true);
    }
    if (this.initFlags & FAN_REPORT_PIDFD) {
      let pidfd = FAN_NOFD;
      if (e.pid !== null && e.pid.task !== null) {
        const file = new PidfdDescription(this.registry.kernel.pidFs.placeOf(e.pid), e.pid, 0);
        const fd = ctx.fdTable.install(file, ctx.openFilesLimit, true);
        if (fd < 0) file.unref();
        pidfd = fd < 0 ? FAN_EPIDFD : fd;
      }
      v.setInt32(bytes.length - 4, pidfd, true);
    }
    return 0;
  }
  private openPlaceOf(ctx: VfsContext, place: Path): number {
    const listeners = this.registry.kernel.vfs.listeners;
    // What the listener opens tells nobody and asks nobody.
    this.registry.kernel.vfs.listeners = null;
    const file = openPlace(ctx, place, this.eventFlags & ~O_CLOEXEC);
    this.registry.kernel.vfs.listeners = listeners;
    if (isErr(file)) return file;
    file.silent = true;
    // Linux keeps the bit among the file's flags, where F_GETFL shows it.
    file.flags |= this.eventFlags & O_CLOEXEC;
    const fd = ctx.fdTable.install(file, ctx.openFilesLimit, (this.eventFlags & O_CLOEXEC) !== 0);
    if (fd < 0) file.unref();
    return fd;
  }

  /** A struct fanotify_response: s32 descriptor, u32 answer. */
  override write(_ctx: VfsContext, iov: IoVector, _offset: number): number {
    if (!this.answers) return EINVAL;
    if (iov.remaining < 8) return EINVAL;
    const bytes = new Uint8Array(8);
    const n = iov.take(bytes, 0, 8);
    if (n < 0) return n;
    const v = new DataView(bytes.buffer);
    const fd = v.getInt32(0, true);
    const answer = v.getUint32(4, true) & ~FAN_AUDIT;
    if (answer !== FAN_ALLOW && answer !== FAN_DENY) return EINVAL;
    if (fd < 0) return EINVAL;
    const i = this.asked.findIndex((e) => e.fd === fd);
    if (i < 0) return ENOENT;
    const [e] = this.asked.splice(i, 1);
    e?.request?.answer(answer === FAN_ALLOW ? 0 : -EPERM);
    return 8;
  }

  override poll(table: PollTable | null): number {
    table?.add(this.waitQueue);
    return this.events.length > 0 ? POLLIN | POLLRDNORM : 0;
  }
  override ioctl(ctx: VfsContext, cmd: number, arg: number): number {
    if (cmd !== FIONREAD) return super.ioctl(ctx, cmd, arg);
    return ctx.space.writeU32(arg, this.events.length * FANOTIFY_METADATA_SIZE);
  }

  /** Nobody will answer any more: everything may go on. */
  override release(): void {
    this.registry.groups--;
    for (const mark of [...this.marks]) this.drop(mark);
    for (const e of [...this.events, ...this.asked]) e.request?.answer(0);
    for (const e of this.events) e.place?.put();
    this.events = [];
  }

  override fdInfo(): string {
    return `fanotify flags:${this.initFlags.toString(16)} event-flags:${this.eventFlags.toString(16)}\n`;
  }
}

/** struct fanotify_event_info_fid: u8 type, u8 0, u16 length, 8 bytes of fsid, struct file_handle, name with its zero; to a multiple of four. */
function encodeRecord(_ctx: VfsContext, { type, dentry, name }: InfoRecord): Uint8Array {
  const { sb } = dentry;
  const handle = sb.encodeHandle(dentry, false);
  const handleBytes = handle.words.length * 4;
  const size = (12 + 8 + handleBytes + (name === null ? 0 : name.length + 1) + 3) & ~3;
  const bytes = new Uint8Array(size);
  const v = new DataView(bytes.buffer);
  v.setUint8(0, type);
  v.setUint16(2, size, true);
  v.setUint32(4, sb.dev % 4294967296, true);
  v.setUint32(12, handleBytes, true);
  v.setInt32(16, handle.type, true);
  handle.words.forEach((w, i) => v.setUint32(20 + i * 4, w, true));
  for (let i = 0; name !== null && i < name.length; i++) bytes[20 + handleBytes + i] = name.charCodeAt(i);
  return bytes;
}

/** struct fanotify_event_info_mnt: header, then the mount's never reused number. */
function encodeMount(id: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const v = new DataView(bytes.buffer);
  v.setUint8(0, FAN_EVENT_INFO_TYPE_MNT);
  v.setUint16(2, 16, true);
  v.setUint32(8, id % 4294967296, true);
  v.setUint32(12, Math.floor(id / 4294967296), true);
  return bytes;
}
