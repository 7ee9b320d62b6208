/** /proc/filesystems, devices, locks, tty/drivers. */
import type { VfsContext } from '../../vfs/context.ts';
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

/** File locks by holder. Linux differs: only the locks on files that somebody has open through a descriptor table are found. */
export function lockList(_fs: ProcSuperBlock, _ctx: VfsContext): string {
  return '';
}

export function ttyDrivers(): string {
  return (
    '/dev/tty             /dev/tty        5       0 system:/dev/tty\n/dev/console         /dev/console    5       1 system:console\n' +
    '/dev/ptmx            /dev/ptmx       5       2 system\npty_slave            /dev/pts      136 0-1048575 pty:slave\n' +
    'pty_master           /dev/ptm      128 0-1048575 pty:master\n'
  );
}
