/** sysfs and ustat: what is known about file systems by number. Linux 6.18 fs/filesystems.c, fs/statfs.c. */
import { EFAULT, EINVAL, ENOENT, isErr } from '../abi/errno.ts';
import { makedev } from '../abi/stat.ts';
import { stringToBytes } from '../base/byte-string.ts';
import type { Task } from '../kernel/task.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { readPath } from './file-names.ts';

/** sysfs(1, name): index of a file system type; sysfs(2, index, buffer): its name; sysfs(3): how many there are. */
function sysSysfs(t: Task, a: SyscallArgs): number {
  const types = [...t.kernel.vfs.fileSystems.all()];
  switch (a.int(0)) {
    case 1: {
      const name = readPath(t, a.addr(1));
      if (isErr(name)) return name;
      if (name === '') return ENOENT;
      const index = types.findIndex((type) => type.name === name);
      return index < 0 ? EINVAL : index;
    }
    case 2: {
      const type = types[a.u32(1)];
      if (type === undefined) return EINVAL;
      return isErr(t.space.writeBytes(a.addr(2), stringToBytes(`${type.name}\0`))) ? EFAULT : 0;
    }
    case 3:
      return types.length;
    default:
      return EINVAL;
  }
}

/** struct ustat: int f_tfree, long f_tinode, char f_fname[6], f_fpack[6]. Bytes. */
const SIZEOF_USTAT = 32;

/** ustat(dev, buffer): free blocks and inodes of the mounted file system with that device number, which is encoded as 32 bits (new_decode_dev). */
function sysUstat(t: Task, a: SyscallArgs): number {
  const encoded = a.u32(0);
  const dev = makedev((encoded & 0xfff00) >>> 8, (encoded & 0xff) | ((encoded >>> 12) & 0xfff00));
  for (const mount of t.nsproxy.mnt.mounts) {
    const { sb } = mount;
    if (sb.dev !== dev) continue;
    const s = sb.statfs(t);
    if (isErr(s)) return s;
    const bytes = new Uint8Array(SIZEOF_USTAT);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, s.bfree % 4294967296, true);
    view.setUint32(8, s.ffree % 4294967296, true);
    view.setUint32(12, Math.floor(s.ffree / 4294967296), true);
    return isErr(t.space.writeBytes(a.addr(1), bytes)) ? EFAULT : 0;
  }
  return EINVAL;
}

export const fileSystemInfoRows: readonly SyscallRow[] = [
  [136, 'ustat', 'hex,addr', 'full', sysUstat],
  [139, 'sysfs', 'int,addr,addr', 'full', sysSysfs],
];
