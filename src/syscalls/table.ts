/**
 * The one table of system calls. Dispatch, `--strace`, the coverage page and the argument fuzzer derive from it.
 * A family file exports `rows`; it is listed here. A call without a row returns ENOSYS and is counted.
 */
import { ENOSYS } from '../abi/errno.ts';
import { SYSCALL_NAMES } from '../abi/syscall-numbers.ts';
import type { SyscallHandler, SyscallRow } from './args.ts';
import { rows as bpf } from './bpf.ts';
import { rows as fanotify } from './fanotify.ts';
import { rows as fileAttributes } from './file-attributes.ts';
import { rows as fileDescriptor } from './file-descriptor.ts';
import { rows as fileDirectory } from './file-directory.ts';
import { rows as filePipe } from './file-pipe.ts';
import { rows as fileSync } from './file-sync.ts';
import { rows as fileIoctl } from './file-ioctl.ts';
import { rows as fileLink } from './file-link.ts';
import { rows as fileOpen } from './file-open.ts';
import { rows as fileReadWrite } from './file-read-write.ts';
import { rows as fileXattr } from './file-xattr.ts';
import { rows as fileSplice } from './file-splice.ts';
import { rows as fileHandle } from './file-handle.ts';
import { rows as fileStat } from './file-stat.ts';
import { rows as ioAio } from './io-aio.ts';
import { rows as ioAnon } from './io-anon.ts';
import { rows as ioEpoll } from './io-epoll.ts';
import { rows as ioFiles } from './io-files.ts';
import { rows as ioPoll } from './io-poll.ts';
import { rows as ioUring } from './io-uring.ts';
import { rows as ipcMqueue } from './ipc-mqueue.ts';
import { rows as ipcSysv } from './ipc-sysv.ts';
import { rows as keyctl } from './keyctl.ts';
import { rows as memoryAdvice } from './memory-advice.ts';
import { rows as memoryMap } from './memory-map.ts';
import { rows as memoryPolicy } from './memory-policy.ts';
import { rows as memoryProcessVm } from './memory-process-vm.ts';
import { rows as mountClassic } from './mount-classic.ts';
import { rows as mountConfig } from './mount-config.ts';
import { rows as mountQuery } from './mount-query.ts';
import { rows as mountTree } from './mount-tree.ts';
import { rows as namespace } from './namespace.ts';
import { rows as quota } from './quota.ts';
import { rows as socketConnect } from './socket-connect.ts';
import { rows as socketTransfer } from './socket-transfer.ts';
import { capabilityRows } from './capability.ts';
import { futexRows } from './futex.ts';
import { identityRows } from './identity.ts';
import { landlockRows } from './landlock.ts';
import { processCloneRows } from './process-clone.ts';
import { processControlRows } from './process-control.ts';
import { fileFileattrRows } from './file-fileattr.ts';
import { memoryUserfaultRows } from './memory-userfault.ts';
import { perfEventRows } from './perf-event.ts';
import { processLdtRows } from './process-ldt.ts';
import { timeAdjustRows } from './time-adjust.ts';
import { processExecRows } from './process-exec.ts';
import { processExitRows } from './process-exit.ts';
import { ptraceRows } from './ptrace.ts';
import { schedRows } from './sched.ts';
import { seccompRows } from './seccomp.ts';
import { signalRows } from './signal.ts';
import { fileSystemInfoRows } from './file-system-info.ts';
import { systemAbsentRows } from './system-absent.ts';
import { systemAdminRows } from './system-admin.ts';
import { systemLsmRows } from './system-lsm.ts';
import { systemRows } from './system.ts';
import { timeClockRows } from './time-clock.ts';
import { timeTimerRows } from './time-timer.ts';

const FAMILIES: readonly (readonly SyscallRow[])[] = [
  bpf, fanotify, fileAttributes, fileDescriptor, fileDirectory, fileLink, fileIoctl, fileSync, filePipe, fileOpen, fileReadWrite, fileStat, fileHandle, fileSplice, fileXattr, ioAnon,
  ioEpoll, ioFiles, ioPoll, ipcMqueue, ipcSysv, keyctl, memoryAdvice, memoryMap, memoryPolicy, memoryProcessVm, mountClassic, mountConfig, mountQuery, mountTree, namespace, quota, socketConnect, socketTransfer,
  capabilityRows, futexRows, identityRows, processCloneRows, processControlRows, processExecRows, processExitRows, ptraceRows, schedRows, seccompRows, signalRows, systemRows, timeClockRows, timeTimerRows,
  ioAio, ioUring, landlockRows, fileFileattrRows, processLdtRows, perfEventRows, memoryUserfaultRows, timeAdjustRows, fileSystemInfoRows, systemAbsentRows, systemAdminRows, systemLsmRows,
];

export const NR_SYSCALLS: number = SYSCALL_NAMES.length;

/** Row by number; null = not there. */
export const SYSCALL_ROWS: readonly (SyscallRow | null)[] = buildRows();

/** Calls that returned ENOSYS for want of a row, by number. */
export const missingCalls: Map<number, number> = new Map();

const notImplemented: SyscallHandler = (t) => {
  const nr = t.syscall.nr;
  missingCalls.set(nr, (missingCalls.get(nr) ?? 0) + 1);
  return ENOSYS;
};

/** Handler by number, for dispatch: dense, no holes. */
export const SYSCALL_HANDLERS: readonly SyscallHandler[] = SYSCALL_ROWS.map((row) => (row ? row[4] : notImplemented));

function buildRows(): (SyscallRow | null)[] {
  const table: (SyscallRow | null)[] = SYSCALL_NAMES.map(() => null);
  for (const rows of FAMILIES)
    for (const row of rows) {
      if (SYSCALL_NAMES[row[0]] !== row[1]) throw new Error(`syscall ${row[0]} is ${SYSCALL_NAMES[row[0]]}, not ${row[1]}`);
      if (table[row[0]]) throw new Error(`syscall ${row[1]} has two rows`);
      table[row[0]] = row;
    }
  return table;
}
