/** arch_prctl(2). Linux 6.18 arch/x86/kernel/process_64.c do_arch_prctl_64(). */
import { EINVAL, EPERM } from '../abi/errno.ts';
import type { Task } from '../kernel/task.ts';
import { TASK_SIZE } from '../memory/user-memory.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';

const ARCH_SET_GS = 0x1001, ARCH_SET_FS = 0x1002, ARCH_GET_FS = 0x1003, ARCH_GET_GS = 0x1004;

function sysArchPrctl(t: Task, a: SyscallArgs): number {
  const addr = a.addr(1);
  switch (a.int(0)) {
    case ARCH_SET_FS:
      if (addr >= TASK_SIZE) return EPERM;
      t.regs.fsBase = addr;
      return 0;
    case ARCH_SET_GS:
      if (addr >= TASK_SIZE) return EPERM;
      t.regs.gsBase = addr;
      return 0;
    case ARCH_GET_FS:
      return t.space.writeU64(addr, t.regs.fsBase);
    case ARCH_GET_GS:
      return t.space.writeU64(addr, t.regs.gsBase);
    default:
      return EINVAL;
  }
}

export const processArchRows: readonly SyscallRow[] = [[158, 'arch_prctl', 'hex,addr', 'full', sysArchPrctl]];
