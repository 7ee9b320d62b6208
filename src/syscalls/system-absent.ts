/**
 * Calls whose number is taken but which Linux 6.18 as configured on the reference machine does not have: long gone ones (uselib was removed in
 * 6.13, _sysctl in 5.5, lookup_dcookie in 6.7), those of other architectures, and those of options that are off (modules, kexec, port I/O,
 * shadow stacks). They are rows because ENOSYS is their complete and right answer, and the uprobe pair, which only a trampoline of the kernel's may use.
 */
import { ENOSYS, ENXIO } from '../abi/errno.ts';
import { SI_KERNEL, SIGILL } from '../abi/signal.ts';
import { SignalInfo } from '../kernel/signal-info.ts';
import { forceSignal } from '../kernel/signal-send.ts';
import type { Task } from '../kernel/task.ts';
import type { SyscallRow } from './args.ts';

const absent = (): number => ENOSYS;

/** uretprobe: called from anywhere but its trampoline it is SIGILL (arch/x86/kernel/uprobes.c). */
function sysUretprobe(t: Task): number {
  forceSignal(t, new SignalInfo(SIGILL, SI_KERNEL));
  return -1;
}

export const systemAbsentRows: readonly SyscallRow[] = [
  [134, 'uselib', 'path', 'full', absent],
  [156, '_sysctl', 'addr', 'full', absent],
  [172, 'iopl', 'int', 'full', absent],
  [173, 'ioperm', 'hex,hex,int', 'full', absent],
  [174, 'create_module', 'hex,hex,hex', 'full', absent],
  [175, 'init_module', 'addr,size,str', 'full', absent],
  [176, 'delete_module', 'str,openflags', 'full', absent],
  [177, 'get_kernel_syms', 'hex', 'full', absent],
  [178, 'query_module', 'hex,hex,hex,hex,hex', 'full', absent],
  [180, 'nfsservctl', 'hex,hex,hex', 'full', absent],
  [181, 'getpmsg', 'hex,hex,hex,hex,hex', 'full', absent],
  [182, 'putpmsg', 'hex,hex,hex,hex,hex', 'full', absent],
  [183, 'afs_syscall', 'hex,hex,hex,hex,hex', 'full', absent],
  [184, 'tuxcall', 'hex,hex,hex', 'full', absent],
  [185, 'security', 'hex,hex,hex', 'full', absent],
  [205, 'set_thread_area', 'addr', 'full', absent],
  [211, 'get_thread_area', 'addr', 'full', absent],
  [212, 'lookup_dcookie', 'ulong,addr,size', 'full', absent],
  [214, 'epoll_ctl_old', 'hex,hex,hex,hex', 'full', absent],
  [215, 'epoll_wait_old', 'hex,hex,hex,hex', 'full', absent],
  [236, 'vserver', 'hex,hex,hex,hex,hex', 'full', absent],
  [246, 'kexec_load', 'hex,ulong,addr,hex', 'full', absent],
  [313, 'finit_module', 'fd,str,hex', 'full', absent],
  [320, 'kexec_file_load', 'fd,fd,ulong,str,hex', 'full', absent],
  [335, 'uretprobe', '', 'full', sysUretprobe],
  [336, 'uprobe', '', 'full', () => ENXIO],
  [453, 'map_shadow_stack', 'addr,size,hex', 'full', absent],
];
