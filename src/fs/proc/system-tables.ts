/** /proc/filesystems, devices, locks, tty/drivers. */
import { F_WRLCK } from '../../abi/fcntl.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { Inode } from '../../vfs/inode.ts';
import { LOCK_FLOCK, LOCK_OFD } from '../../vfs/locks.ts';
import type { FileLock } from '../../vfs/locks.ts';
import type { ProcSuperBlock } from './proc-fs.ts';

export function fileSystemList(fs: ProcSuperBlock): string {
  let text = '';
  for (const type of fs.vfs.fileSystems.all()) text += `${type.requiresDevice ? '' : 'nodev'}\t${type.name}\n`;
  return text;
}

export function deviceList(): string {
  return (
    'Character devices:\n  1 mem\n  4 tty\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n 10 misc\n128 ptm\n136 pts\n\nBlock devices:\n'
  );
}

/** File locks, as lslocks reads them. Linux differs: only locks on files that some task has open are found, which is where they can be. */
export function lockList(fs: ProcSuperBlock, _ctx: VfsContext): string {
  let text = '';
  let n = 1;
  const seen = new Set<object>();
  for (const { files } of fs.kernel.tasks) {
    if (files === null || seen.has(files)) continue;
    seen.add(files);
    for (let fd = 0; fd < files.limit; fd++) {
      const inode = files.get(fd)?.inode;
      if (inode === undefined || inode.locks === null || seen.has(inode)) continue;
      seen.add(inode);
      for (const lock of [...inode.locks.records, ...inode.locks.flocks]) text += lockLine(fs, n++, lock, inode);
    }
  }
  return text;
}

function lockLine(fs: ProcSuperBlock, n: number, lock: FileLock, inode: Inode): string {
  const kind = lock.kind === LOCK_FLOCK ? 'FLOCK  ADVISORY ' : lock.kind === LOCK_OFD ? 'OFDLCK ADVISORY ' : 'POSIX  ADVISORY ';
  const pid = lock.pid < 0 || fs.pidNs === fs.kernel.pidNs ? lock.pid : (fs.kernel.pidNs.find(lock.pid)?.nr(fs.pidNs) ?? 0);
  const hex2 = (v: number): string => v.toString(16).padStart(2, '0');
  const dev = `${hex2(Math.floor(inode.dev / 0x100000))}:${hex2(inode.dev % 0x100000)}`;
  const range = lock.kind === LOCK_FLOCK ? '0 EOF' : `${lock.start} ${lock.end === Infinity ? 'EOF' : lock.end}`;
  return `${n}: ${kind} ${lock.type === F_WRLCK ? 'WRITE' : 'READ '} ${pid} ${dev}:${inode.ino} ${range}\n`;
}

export function ttyDrivers(): string {
  return (
    '/dev/tty             /dev/tty        5       0 system:/dev/tty\n/dev/console         /dev/console    5       1 system:console\n' +
    '/dev/ptmx            /dev/ptmx       5       2 system\npty_slave            /dev/pts      136 0-1048575 pty:slave\n' +
    'pty_master           /dev/ptm      128 0-1048575 pty:master\n'
  );
}
