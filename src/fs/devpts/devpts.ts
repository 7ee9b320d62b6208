/** The devpts file system. Facts: Linux 6.18 fs/devpts/inode.c; Documentation/filesystems/devpts.rst. */
import { EINVAL, EIO, ENOENT, ENOSPC, EPERM, type Errno, isErr } from '../../abi/errno.ts';
import type { KGid, KUid } from '../../abi/ids.ts';
import { DEVPTS_SUPER_MAGIC, DT_CHR, DT_DIR, makedev, S_IFCHR, S_IFDIR } from '../../abi/stat.ts';
import type { UserNamespace } from '../../auth/user-namespace.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { Dentry } from '../../vfs/dentry.ts';
import { type DirectoryEmitter, FileDescription } from '../../vfs/file-description.ts';
import { type FileSystemType, parseMountOptions } from '../../vfs/file-system.ts';
import { ATTR_ATIME, ATTR_CTIME, ATTR_GID, ATTR_MODE, ATTR_MTIME, ATTR_UID, Inode, type SetAttributes } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/mount.ts';
import { SuperBlock } from '../../vfs/super-block.ts';
import type { Vfs } from '../../vfs/vfs.ts';
import { openTty } from '../tty/open-tty.ts';
import { makePty, PTY_SLAVE_MAJOR, type PtyMaster, type PtyOwner } from '../tty/pty.ts';
import type { Tty } from '../tty/tty.ts';
import { openPtmx } from './ptmx.ts';

const ROOT_INO = 1;
const PTMX_INO = 2;
/** Slave n has inode number n + 3. */
const FIRST_SLAVE_INO = 3;
/** Device number of ptmx. */
export const DEV_PTMX: number = makedev(5, 2);
/** NR_UNIX98_PTY_MAX: more than there are minors. */
const MAX_PTYS = 1 << 20;

export class DevptsSuperBlock extends SuperBlock implements PtyOwner {
  /** Of new slaves; -1: the opener's. */
  uidOption = -1;
  gidOption = -1;
  modeOption: number = 0o600;
  ptmxMode = 0;
  max: number = MAX_PTYS;
  readonly slaves: Map<number, SlaveInode> = new Map();
  readonly ptmx: PtmxInode;
  private readonly dentries: Map<number, Dentry> = new Map();

  /** Its root and ptmx are those of the root of `owner`. */
  constructor(vfs: Vfs, owner: UserNamespace) {
    super(vfs, 'devpts', DEVPTS_SUPER_MAGIC);
    this.initRoot(new DevptsRoot(this));
    this.ptmx = new PtmxInode(this);
    for (const inode of [this.root.inode!, this.ptmx]) {
      // made above
      inode.uid = owner.makeKuid(0);
      inode.gid = owner.makeKgid(0);
    }
  }

  /** Parses the mount data, with ids of `userNs`; 0 or EINVAL. */
  setOptions(options: string, userNs: UserNamespace): number {
    for (const { key, value } of parseMountOptions(options)) {
      if (key === 'newinstance') continue;
      const octal = key === 'mode' || key === 'ptmxmode';
      if (value === undefined || !(octal ? /^[0-7]+$/ : /^\d+$/).test(value)) return EINVAL;
      const n = Number.parseInt(value, octal ? 8 : 10);
      if (key === 'uid') this.uidOption = userNs.makeKuid(n);
      else if (key === 'gid') this.gidOption = userNs.makeKgid(n);
      else if (key === 'mode') this.modeOption = n & 0o7777;
      else if (key === 'ptmxmode') this.ptmxMode = n & 0o7777;
      else if (key === 'max' && n <= MAX_PTYS) this.max = n;
      else return EINVAL;
    }
    this.ptmx.mode = S_IFCHR | this.ptmxMode;
    return 0;
  }

  override showOptions(): string {
    let s = '';
    if (this.uidOption >= 0) s += `,uid=${this.uidOption}`;
    if (this.gidOption >= 0) s += `,gid=${this.gidOption}`;
    s += `,mode=${this.modeOption.toString(8).padStart(3, '0')},ptmxmode=${this.ptmxMode.toString(8).padStart(3, '0')}`;
    if (this.max < MAX_PTYS) s += `,max=${this.max}`;
    return s;
  }

  /** Its terminals are there for those who made it. */
  override get noDevices(): boolean {
    return false;
  }
  override remount(ctx: VfsContext, _flags: number, options: string): number {
    return this.setOptions(options, ctx.credentials.userNs);
  }

  /** The lowest free number; ENOSPC. */
  private freeIndex(): number | Errno {
    for (let i = 0; i < this.max; i++) if (!this.slaves.has(i)) return i;
    return ENOSPC;
  }

  /** A new pair with its name here, the slave belonging to the caller. ENOSPC. */
  newPty(ctx: VfsContext): PtyMaster | Errno {
    const index = this.freeIndex();
    if (isErr(index)) return index;
    const { master, slave } = makePty(index);
    master.onClose = this;
    this.addName(index, slave, ctx.credentials.fsuid, ctx.credentials.fsgid);
    return master;
  }

  /** Gives a terminal that is no pseudo terminal (the owner's own) a name here. */
  addTerminal(index: number, tty: Tty, uid: KUid, gid: KGid): void {
    this.addName(index, tty, uid, gid);
  }

  private addName(index: number, tty: Tty, uid: KUid, gid: KGid): void {
    const inode = new SlaveInode(this, index, tty);
    inode.uid = this.uidOption >= 0 ? (this.uidOption as KUid) : uid;
    inode.gid = this.gidOption >= 0 ? (this.gidOption as KGid) : gid;
    this.slaves.set(index, inode);
    const name = String(index);
    this.root.cachedChild(name)?.unhash();
    this.dentries.set(index, this.root.addChild(name, inode));
  }

  /** The dentry of slave `index`, for TIOCGPTPEER. */
  slaveDentry(index: number): Dentry | undefined {
    return this.dentries.get(index);
  }

  ptyClosed(index: number): void {
    const inode = this.slaves.get(index);
    if (inode !== undefined) inode.nlink = 0;
    this.dentries.get(index)?.unhash();
    this.dentries.delete(index);
    this.slaves.delete(index);
  }
}

/** chmod, chown and utimes of what stands here. */
function setDevptsAttributes(inode: Inode, a: SetAttributes): number {
  if (a.valid & ATTR_MODE) inode.mode = (inode.mode & ~0o7777) | a.mode;
  if (a.valid & ATTR_UID) inode.uid = a.uid;
  if (a.valid & ATTR_GID) inode.gid = a.gid;
  if (a.valid & ATTR_ATIME) {
    inode.atimeSec = a.atimeSec;
    inode.atimeNsec = a.atimeNsec;
  }
  if (a.valid & ATTR_MTIME) {
    inode.mtimeSec = a.mtimeSec;
    inode.mtimeNsec = a.mtimeNsec;
  }
  inode.touch(ATTR_CTIME);
  return 0;
}

class DevptsRoot extends Inode {
  constructor(sb: DevptsSuperBlock) {
    super(sb, ROOT_INO, S_IFDIR | 0o755);
    this.nlink = 2;
    this.touch(ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
  }
  override lookup(_ctx: VfsContext, name: string): Inode | Errno {
    const sb = this.sb as DevptsSuperBlock;
    if (name === 'ptmx') return sb.ptmx;
    const slave = /^(0|[1-9]\d*)$/.test(name) ? sb.slaves.get(Number(name)) : undefined;
    return slave ?? ENOENT;
  }
  override create(): Errno {
    return EPERM;
  }
  override setattr(_ctx: VfsContext, a: SetAttributes): number {
    return setDevptsAttributes(this, a);
  }
  override openFile(_ctx: VfsContext, path: Path, flags: number): FileDescription {
    return new DevptsDirectory(path, flags, this);
  }
}

class DevptsDirectory extends FileDescription {
  override iterate(_ctx: VfsContext, emitter: DirectoryEmitter): number {
    const sb = this.inode.sb as DevptsSuperBlock;
    const parent = this.path.mount.mountpoint?.parent.inode?.ino ?? ROOT_INO;
    if (this.pos === 0) {
      if (!emitter.emit('.', ROOT_INO, DT_DIR, 1)) return 0;
      this.pos = 1;
    }
    if (this.pos === 1) {
      if (!emitter.emit('..', parent, DT_DIR, 2)) return 0;
      this.pos = 2;
    }
    // The newest first, as Linux lists it; a position is 3 + (MAX_PTYS - index), so that it only grows.
    const indices = [...sb.slaves.keys()].sort((a, b) => b - a);
    for (const index of indices) {
      const at = 3 + MAX_PTYS - index;
      if (at <= this.pos) continue;
      if (!emitter.emit(String(index), FIRST_SLAVE_INO + index, DT_CHR, at)) return 0;
      this.pos = at;
    }
    const end = 4 + MAX_PTYS;
    if (this.pos < end) {
      if (!emitter.emit('ptmx', PTMX_INO, DT_CHR, end)) return 0;
      this.pos = end;
    }
    return 0;
  }
  override fsync(): number {
    return 0;
  }
}

class PtmxInode extends Inode {
  constructor(sb: DevptsSuperBlock) {
    super(sb, PTMX_INO, S_IFCHR);
    this.rdev = DEV_PTMX;
    this.touch(ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
  }
  override setattr(_ctx: VfsContext, a: SetAttributes): number {
    return setDevptsAttributes(this, a);
  }
  override open(ctx: VfsContext, path: Path, flags: number): FileDescription | Errno {
    return openPtmx(ctx, this, path, flags);
  }
}

/** /dev/pts/N. */
export class SlaveInode extends Inode {
  readonly tty: Tty;
  constructor(sb: DevptsSuperBlock, index: number, tty: Tty) {
    super(sb, FIRST_SLAVE_INO + index, S_IFCHR | sb.modeOption);
    this.tty = tty;
    this.rdev = makedev(PTY_SLAVE_MAJOR, index);
    this.touch(ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
  }
  override setattr(_ctx: VfsContext, a: SetAttributes): number {
    return setDevptsAttributes(this, a);
  }
  override open(ctx: VfsContext, path: Path, flags: number): FileDescription | Errno {
    if (this.nlink === 0) return EIO;
    return openTty(ctx, this, path, flags, this.tty, false);
  }
}

/** mount -t devpts: always a new instance. */
export const devptsType: FileSystemType = {
  name: 'devpts',
  requiresDevice: false,
  userNamespaceMount: true,
  parameters: { uid: 'uid', gid: 'gid', mode: 'octal', ptmxmode: 'octal', max: 'u32', newinstance: 'flag' },
  checkParameter: (_ctx, config, { key, text }) => (key === 'max' && Number(text) > MAX_PTYS ? config.refuseBare('max out of range') : 0),
  mount(ctx, _source, _flags, options, config) {
    const sb = new DevptsSuperBlock(ctx.fs.root.mount.sb.vfs, config?.userNs ?? ctx.credentials.userNs);
    const r = sb.setOptions(options, ctx.credentials.userNs);
    return r < 0 ? (r as Errno) : sb;
  },
};
