/** nsfs: namespaces as files. Linux fs/nsfs.c. */
import { CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWTIME, CLONE_NEWUSER, CLONE_NEWUTS } from '../../abi/clone.ts';
import { ENOTTY } from '../../abi/errno.ts';
import { S_IFREG } from '../../abi/stat.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { PseudoFileSystem, PseudoInode } from '../../vfs/anonymous.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { Path } from '../../vfs/mount.ts';
import type { Vfs } from '../../vfs/vfs.ts';

export const NSFS_MAGIC = 0x6e736673;

/** Kinds of namespace by their name in /proc/PID/ns, with the clone flag that makes one. */
export const NAMESPACE_KINDS: Readonly<Record<NamespaceKind, number>> = {
  cgroup: CLONE_NEWCGROUP,
  ipc: CLONE_NEWIPC,
  mnt: CLONE_NEWNS,
  net: CLONE_NEWNET,
  pid: CLONE_NEWPID,
  time: CLONE_NEWTIME,
  user: CLONE_NEWUSER,
  uts: CLONE_NEWUTS,
};
export type NamespaceKind = 'cgroup' | 'ipc' | 'mnt' | 'net' | 'pid' | 'time' | 'user' | 'uts';

/** A namespace object. Those that know their inode number say so; the others get one when they are first looked at. */
export type Namespace = object & { readonly inum?: number };

/** First number for namespaces that have none of their own; Linux's initial ones end below. */
const FIRST_INUM = 4026532200;

const NS_GET_NSTYPE = 0xb703;

class NamespaceInode extends PseudoInode {
  readonly kind: NamespaceKind;
  readonly namespace: Namespace;
  constructor(fs: NsFs, kind: NamespaceKind, namespace: Namespace, inum: number) {
    super(fs, S_IFREG | 0o444);
    this.ino = inum;
    this.kind = kind;
    this.namespace = namespace;
  }
  override openFile(_ctx: VfsContext, path: Path, flags: number): FileDescription {
    return new NamespaceFile(path, flags, this.kind, this.namespace);
  }
}

/** An open namespace: keeps it alive, and is what setns(2) enters. */
export class NamespaceFile extends FileDescription {
  readonly kind: NamespaceKind;
  readonly namespace: Namespace;
  constructor(path: Path, flags: number, kind: NamespaceKind, namespace: Namespace) {
    super(path, flags);
    this.kind = kind;
    this.namespace = namespace;
  }
  override ioctl(_ctx: VfsContext, cmd: number, _arg: number): number {
    return cmd >>> 0 === NS_GET_NSTYPE ? NAMESPACE_KINDS[this.kind] : ENOTTY;
  }
}

export class NsFs extends PseudoFileSystem {
  /** Places by namespace, so that the same namespace is the same inode for as long as anything refers to it. */
  private readonly places: WeakMap<Namespace, Path> = new WeakMap();
  private nextInum = FIRST_INUM;
  constructor(vfs: Vfs) {
    super(vfs, 'nsfs', NSFS_MAGIC);
  }
  /** The file of a namespace. */
  placeOf(kind: NamespaceKind, namespace: Namespace): Path {
    let place = this.places.get(namespace);
    if (place === undefined) {
      const inum = namespace.inum ?? this.nextInum++;
      place = this.path(`${kind}:[${inum}]`, new NamespaceInode(this, kind, namespace, inum));
      this.places.set(namespace, place);
    }
    return place;
  }
}
