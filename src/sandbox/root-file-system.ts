/** The guest's first tree of mounts: the root, and what a Linux system has mounted on it. */
import { EINVAL, ENODEV, ENOENT, isErr } from '../abi/errno.ts';
import type { Errno } from '../abi/errno.ts';
import { MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MS_RELATIME } from '../abi/mount.ts';
import { S_IFDIR, S_IFREG } from '../abi/stat.ts';
import { makeDeviceNodes } from '../fs/dev/device-nodes.ts';
import { DevptsSuperBlock } from '../fs/devpts/devpts.ts';
import { HostFileSystem } from '../fs/host/host-file-system.ts';
import { makeOverlay } from './overlay-root.ts';
import { Tmpfs, TMPFS_PARAMETERS } from '../fs/tmpfs/tmpfs.ts';
import type { HostFiles } from '../host/host-files.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { ArchiveEntry } from '../host/archive.ts';
import { MountNamespace } from '../vfs/mount-namespace.ts';
import { Mount, Path } from '../vfs/mount.ts';
import { LOOKUP_FOLLOW, lookupChild, walkPath } from '../vfs/path-walk.ts';
import type { SuperBlock } from '../vfs/super-block.ts';
import type { MountMode, MountSpec, RootSource } from './options.ts';
import { SetupError } from './setup-error.ts';
import { Unpacker } from './unpack.ts';

/** A root whose archive has been read. */
export type LoadedRoot = RootSource | { readonly kind: 'entries'; readonly entries: readonly ArchiveEntry[] };

/** Number of the initial mount namespace. */
const MOUNT_NS_INUM = 0xeffffff8;
/** Host directories under the root that the guest has its own of. */
const OWN_MOUNTS: ReadonlySet<string> = new Set(['/proc', '/sys', '/dev']);

/** A host folder or file as a file system. Throws SetupError. */
function hostTree(kernel: Kernel, files: HostFiles | null, path: string, mode: MountMode, hidden: ReadonlySet<string>): SuperBlock {
  if (files === null) throw new SetupError(-ENODEV, `${path}: this host has no files`);
  const real = files.realpath(path);
  if (isErr(real)) throw new SetupError(-real, `${path}: cannot be opened on the host`);
  const root = real as string;
  const sb = HostFileSystem.open(kernel.vfs, files, { root, writable: mode === 'rw', cached: mode === 'cow', hidden });
  if (isErr(sb)) throw new SetupError(-sb, `${path}: cannot be opened on the host`);
  return mode === 'cow' ? makeOverlay(kernel, sb as SuperBlock) : (sb as SuperBlock);
}

/** Builds the tree. The caller has to be able to make directories and files in the root (kernel.init does). Throws SetupError. */
export class RootFileSystem {
  readonly namespace: MountNamespace;
  readonly devpts: DevptsSuperBlock;
  private readonly kernel: Kernel;
  private readonly files: HostFiles | null;

  constructor(kernel: Kernel, files: HostFiles | null, source: LoadedRoot) {
    this.kernel = kernel;
    this.files = files;
    const sb = this.rootOf(source);
    sb.source = 'vivarium';
    // Under the root lies an empty "rootfs", as on Linux: pivot_root(2) needs a root that is mounted on something.
    const base = new Tmpfs(kernel.vfs, { mode: 0o755 }, 'rootfs');
    this.namespace = new MountNamespace(kernel.vfs, new Mount(base, base.root, 0, 'rootfs'), kernel.userNs, MOUNT_NS_INUM);
    this.namespace.attach(new Mount(sb, sb.root, MS_RELATIME, 'vivarium'), new Path(this.namespace.root, base.root));
    this.devpts = new DevptsSuperBlock(kernel.vfs, kernel.userNs);
    this.devpts.setOptions('gid=5,mode=620,ptmxmode=666', kernel.userNs);
  }

  private rootOf(source: LoadedRoot): SuperBlock {
    switch (source.kind) {
      case 'host':
        return hostTree(this.kernel, this.files, '/', 'cow', OWN_MOUNTS);
      case 'directory':
        return hostTree(this.kernel, this.files, source.path, source.mode ?? 'cow', new Set());
      case 'tar':
        throw new SetupError(-EINVAL, `${source.path}: an archive is read before the sandbox is made`);
      case 'entries': {
        const unpacker = new Unpacker(this.kernel);
        for (const entry of source.entries) unpacker.add(entry);
        return unpacker.fs;
      }
    }
  }

  /** Mounts what every Linux system has; kernel.init's file-system context must be there. */
  mountSystem(): void {
    const { kernel, devpts } = this;
    this.mountType('proc', '/proc', MS_NOSUID | MS_NODEV | MS_NOEXEC);
    this.mountType('sysfs', '/sys', MS_NOSUID | MS_NODEV | MS_NOEXEC);
    const dev = new Tmpfs(kernel.vfs, { mode: 0o755 }, 'devtmpfs');
    const made = makeDeviceNodes(kernel.init, dev.root.inode!); // a fresh root is positive
    if (isErr(made)) throw new SetupError(-made, '/dev: cannot be made');
    // All mounts of devtmpfs are of this one.
    kernel.vfs.fileSystems.register({ name: 'devtmpfs', requiresDevice: false, userNamespaceMount: false, parameters: TMPFS_PARAMETERS, mount: () => dev });
    this.mount(dev, '/dev', MS_NOSUID, 'devtmpfs');
    this.mount(devpts, '/dev/pts', MS_NOSUID | MS_NOEXEC, 'devpts');
    this.mount(new Tmpfs(kernel.vfs, { mode: 0o1777 }), '/dev/shm', MS_NOSUID | MS_NODEV, 'tmpfs');
    if (kernel.vfs.fileSystems.get('mqueue') !== undefined) this.mountType('mqueue', '/dev/mqueue', MS_NOSUID | MS_NODEV | MS_NOEXEC);
    if (kernel.vfs.fileSystems.get('cgroup2') !== undefined) this.mountType('cgroup2', '/sys/fs/cgroup', MS_NOSUID | MS_NODEV | MS_NOEXEC, 'nsdelegate,memory_recursiveprot');
  }

  /** Mounts a host file or folder that the owner named. */
  mountHost(spec: MountSpec): void {
    const sb = hostTree(this.kernel, this.files, spec.host, spec.mode ?? 'ro', new Set());
    this.makePlace(spec.guest, sb.root.inode?.isDirectory ?? true);
    this.mount(sb, spec.guest, (spec.mode === 'rw' || spec.mode === 'cow' ? 0 : MS_RDONLY), spec.host);
  }

  private mountType(type: string, at: string, flags: number, options = ''): void {
    const fileSystem = this.kernel.vfs.fileSystems.get(type);
    const sb = fileSystem?.mount(this.kernel.init, type, 0, options, null) ?? ENODEV;
    if (isErr(sb)) throw new SetupError(-sb, `${at}: ${type} cannot be mounted`);
    this.mount(sb as SuperBlock, at, flags, type);
  }

  private mount(sb: SuperBlock, at: string, flags: number, source: string): void {
    this.makePlace(at, sb.root.inode?.isDirectory ?? true);
    this.namespace.attach(new Mount(sb, sb.root, flags | MS_RELATIME, source), this.place(at));
  }

  private place(at: string): Path {
    const path = walkPath(this.kernel.init, this.namespace.rootPath(), at, LOOKUP_FOLLOW);
    if (isErr(path)) throw new SetupError(-path, `${at}: cannot be reached inside`);
    return path as Path;
  }

  /** Makes the directories on the way to `at`, and a directory or an empty file there, as far as they are missing. */
  private makePlace(at: string, directory: boolean): void {
    const names = at.split('/').filter(Boolean);
    let path = '';
    names.forEach((name, i) => {
      const parent = this.place(path === '' ? '/' : path);
      path += `/${name}`;
      const child = lookupChild(this.kernel.init, parent.dentry, name);
      if (isErr(child)) throw new SetupError(-child, `${path}: cannot be looked up inside`);
      if (typeof child === 'number' || child.inode !== null) return;
      const inode = parent.dentry.inode!; // place() returns positive entries
      const asDirectory = directory || i < names.length - 1;
      const made = asDirectory ? inode.mkdir(this.kernel.init, name, S_IFDIR | 0o755) : inode.create(this.kernel.init, name, S_IFREG | 0o644);
      if (isErr(made)) throw new SetupError(-(made as Errno), `${path}: cannot be made inside`);
      child.unhash();
      parent.dentry.addChild(name, made as typeof inode);
    });
  }

  /** True if `path` leads to a directory inside. */
  isDirectory(path: string): boolean {
    const found = walkPath(this.kernel.init, this.namespace.rootPath(), path, LOOKUP_FOLLOW);
    return !isErr(found) && ((found as Path).dentry.inode?.isDirectory ?? false);
  }

  /** The place of a path inside; ENOENT and the like. */
  find(path: string): Path | Errno {
    return path === '' ? ENOENT : walkPath(this.kernel.init, this.namespace.rootPath(), path, LOOKUP_FOLLOW);
  }
}
