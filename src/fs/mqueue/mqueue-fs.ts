/** The mqueue file system: one instance an IPC namespace. Linux ipc/mqueue.c. */
import { CAP_SYS_RESOURCE } from '../../abi/capability.ts';
import { EACCES, ENAMETOOLONG, ENOENT, ENOSPC, type Errno } from '../../abi/errno.ts';
import { NAME_MAX } from '../../abi/fcntl.ts';
import { MQUEUE_MAGIC } from '../../abi/mqueue.ts';
import { DT_DIR, DT_REG, S_IFDIR } from '../../abi/stat.ts';
import type { IpcNamespace } from '../../kernel/ipc-namespace.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Task } from '../../kernel/task.ts';
import { copyAttributes } from '../../vfs/attributes.ts';
import type { UserNamespace } from '../../auth/user-namespace.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { DirectoryFile, type EntryLister } from '../../vfs/directory-file.ts';
import type { DirectoryEmitter, FileDescription } from '../../vfs/file-description.ts';
import type { FileSystemType } from '../../vfs/file-system.ts';
import { ATTR_ATIME, ATTR_CTIME, ATTR_MTIME, Inode, type SetAttributes } from '../../vfs/inode.ts';
import { Mount, type Path } from '../../vfs/mount.ts';
import { SuperBlock } from '../../vfs/super-block.ts';
import { PosixQueue } from './message-queue.ts';

/** Bytes an entry counts in the directory's st_size (DIRENT_SIZE). */
const ENTRY_SIZE = 20;
const NOW: number = ATTR_ATIME | ATTR_MTIME | ATTR_CTIME;
/** Positions count down from here, so that the newest entry comes first and the others keep their places. */
const LAST_POSITION = 2 ** 40;

class MqueueRoot extends Inode implements EntryLister {
  private readonly entries: Map<string, { readonly queue: PosixQueue; readonly serial: number }> = new Map();
  private nextSerial = 1;

  constructor(sb: MqueueSuperBlock) {
    super(sb, sb.allocateIno(), S_IFDIR | 0o1777);
    this.uid = sb.ns.makerUid;
    this.gid = sb.ns.makerGid;
    this.nlink = 2;
    this.size = 2 * ENTRY_SIZE;
    this.touch(NOW);
  }
  private get mqueue(): MqueueSuperBlock {
    return this.sb as MqueueSuperBlock;
  }

  override lookup(_ctx: VfsContext, name: string): Inode | Errno {
    return this.entries.get(name)?.queue ?? (name.length > NAME_MAX ? ENAMETOOLONG : ENOENT);
  }
  override create(ctx: VfsContext, name: string, mode: number): Inode | Errno {
    const { mqueue } = this.mqueue.ns;
    return this.createQueue(ctx as Task, name, mode, Math.min(mqueue.msgMax, mqueue.msgDefault), Math.min(mqueue.msgsizeMax, mqueue.msgsizeDefault));
  }
  /** A new queue; EACCES (the namespace is gone), ENOSPC, EINVAL, EOVERFLOW, EMFILE. */
  createQueue(t: Task, name: string, mode: number, maxMessages: number, messageSize: number): PosixQueue | Errno {
    const sb = this.mqueue;
    const limits = sb.ns.mqueue;
    if (sb.namespaceEnded) return EACCES;
    if (limits.queues >= limits.queuesMax && !t.credentials.capableInInit(CAP_SYS_RESOURCE)) return ENOSPC;
    const queue = PosixQueue.make(sb, t, mode & 0o7777, maxMessages, messageSize);
    if (typeof queue === 'number') return queue;
    limits.queues++;
    this.entries.set(name, { queue, serial: this.nextSerial++ });
    this.size += ENTRY_SIZE;
    this.touch(NOW);
    return queue;
  }
  override unlink(_ctx: VfsContext, name: string, victim: Inode): number {
    this.entries.delete(name);
    this.size -= ENTRY_SIZE;
    this.touch(NOW);
    victim.nlink = 0;
    victim.touch(ATTR_CTIME);
    if (victim.openCount === 0) victim.evict();
    return 0;
  }
  override setattr(_ctx: VfsContext, attrs: SetAttributes): number {
    copyAttributes(this, attrs);
    return 0;
  }
  override openFile(_ctx: VfsContext, path: Path, flags: number): FileDescription {
    return new DirectoryFile(path, flags, this, this);
  }
  list(_ctx: VfsContext, position: number, parentIno: number, emitter: DirectoryEmitter): number {
    let pos = position;
    if (pos === 0) {
      if (!emitter.emit('.', this.ino, DT_DIR, 1)) return 0;
      pos = 1;
    }
    if (pos === 1) {
      if (!emitter.emit('..', parentIno, DT_DIR, 2)) return 1;
      pos = 2;
    }
    for (const [name, { queue, serial }] of [...this.entries].reverse()) {
      const at = LAST_POSITION - serial;
      if (at < pos) continue;
      if (!emitter.emit(name, queue.ino, DT_REG, at + 1)) return at;
      pos = at + 1;
    }
    return pos;
  }
  /** The file system goes, and every queue with it. */
  evictAll(): void {
    for (const { queue } of this.entries.values()) queue.evict();
    this.entries.clear();
  }
}

export class MqueueSuperBlock extends SuperBlock {
  readonly ns: IpcNamespace;
  /** Nobody is in the namespace any more: nothing new can be made. */
  namespaceEnded = false;
  /** What mq_open(2) works on; in no tree. */
  readonly internal: Mount;
  private nextIno = 1;
  constructor(kernel: Kernel, ns: IpcNamespace) {
    super(kernel.vfs, 'mqueue', MQUEUE_MAGIC);
    this.ns = ns;
    this.userNs = ns.userNs;
    this.initRoot(new MqueueRoot(this));
    this.internal = new Mount(this, this.root, 0, 'mqueue');
  }
  allocateIno(): number {
    return this.nextIno++;
  }
  get directory(): MqueueRoot {
    return this.root.inode as MqueueRoot;
  }
  /** The IPC namespace has ended: the internal mount goes, other mounts may stay. */
  endNamespace(): void {
    this.namespaceEnded = true;
    this.internal.unmounted = true;
    this.internal.releaseIfUnused();
  }
  override kill(): void {
    this.directory.evictAll();
  }
}

/** The instance of a namespace, made when it is first asked for. */
export function mqueueOf(kernel: Kernel, ns: IpcNamespace): MqueueSuperBlock {
  return (ns.mqueue.instance ??= new MqueueSuperBlock(kernel, ns)) as MqueueSuperBlock;
}

export class MqueueType implements FileSystemType {
  readonly name = 'mqueue';
  readonly requiresDevice = false;
  readonly userNamespaceMount = true;
  private readonly kernel: Kernel;
  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }
  readonly parameters = {};
  owner(ctx: VfsContext): UserNamespace {
    return (ctx as Task).nsproxy.ipc.userNs;
  }
  /** The instance of the caller's IPC namespace. There are no options. */
  mount(ctx: VfsContext): SuperBlock | Errno {
    return mqueueOf(this.kernel, (ctx as Task).nsproxy.ipc);
  }
}
