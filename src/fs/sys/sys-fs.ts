/** sysfs: the file system type and its one tree. */
import type { Errno } from '../../abi/errno.ts';
import type { UserNamespace } from '../../auth/user-namespace.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Task } from '../../kernel/task.ts';
import type { NetworkNamespace } from '../../net/network-namespace.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { FileSystemType } from '../../vfs/file-system.ts';
import type { SuperBlock } from '../../vfs/super-block.ts';
import { dir, dynamic, mountPoint } from '../pseudo/entries.ts';
import type { DirectoryEntry, Entry } from '../pseudo/entries.ts';
import { makeInode, MapDirectory, permanent, PseudoSuperBlock } from '../pseudo/pseudo-inode.ts';
import type { SubjectPolicy } from '../pseudo/pseudo-inode.ts';
import { systemEntries } from './cpu-entries.ts';
import { classEntries, kernelEntries } from './kernel-entries.ts';
import { netDevices, type NetTagged } from './net-entries.ts';

const SYSFS_MAGIC = 0x62656572;

/** Made when somebody looks: few programs do, and there are many files. */
const system: Entry<Kernel> = dynamic(
  (sb, ino, kernel) => new MapDirectory(sb as PseudoSuperBlock, ino, dir(systemEntries(kernel.cpus)), kernel, permanent as SubjectPolicy<Kernel>),
);

const tree: DirectoryEntry<Kernel> = dir({
  block: dir({}),
  bus: dir({}),
  class: dir(classEntries),
  dev: dir({ block: dir({}), char: dir({}) }),
  devices: dir({ system, virtual: dir({ net: netDevices }) }),
  firmware: dir({}),
  fs: dir({ bpf: mountPoint(), cgroup: mountPoint(), fuse: dir({ connections: mountPoint() }), pstore: mountPoint() }),
  hypervisor: dir({}),
  kernel: dir(kernelEntries),
  module: dir({}),
  power: dir({}),
});

class SysSuperBlock extends PseudoSuperBlock implements NetTagged {
  override readonly mustBeVisible = true;
  readonly net: NetworkNamespace;
  constructor(kernel: Kernel, net: NetworkNamespace) {
    super(kernel.vfs, 'sysfs', SYSFS_MAGIC);
    this.source = 'sysfs';
    this.net = net;
    this.initRoot(makeInode(this, this.allocateInos(1), tree, kernel, permanent as SubjectPolicy<Kernel>));
  }
}

/** The file system type "sysfs": an instance a network namespace, whose devices it shows. */
export class SysFileSystem implements FileSystemType {
  readonly name = 'sysfs';
  readonly requiresDevice = false;
  readonly userNamespaceMount = true;
  readonly parameters = {};
  private readonly kernel: Kernel;
  private readonly instances: WeakMap<NetworkNamespace, SysSuperBlock> = new WeakMap();
  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }
  owner(ctx: VfsContext): UserNamespace {
    return (ctx as Task).nsproxy.net.userNs;
  }
  mount(ctx: VfsContext, source: string): SuperBlock | Errno {
    const { net } = (ctx as Task).nsproxy;
    let sb = this.instances.get(net);
    if (sb === undefined) this.instances.set(net, (sb = new SysSuperBlock(this.kernel, net)));
    sb.source = source;
    return sb;
  }
}
