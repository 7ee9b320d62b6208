/** seccomp(2). Linux kernel/seccomp.c do_seccomp(). */
import { EFAULT, EINVAL, isErr } from '../abi/errno.ts';
import { attachSeccomp, SECCOMP_GET_NOTIF_SIZES } from '../kernel/seccomp.ts';
import type { Task } from '../kernel/task.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';

function sysSeccomp(t: Task, a: SyscallArgs): number {
  const flags = a.u32(1);
  if (a.u32(0) === SECCOMP_GET_NOTIF_SIZES) {
    if (flags !== 0) return EINVAL;
    const sizes = [80, 24, 64];
    for (let i = 0; i < 3; i++) if (isErr(t.space.writeU16(a.addr(2) + i * 2, sizes[i]!))) return EFAULT; // three sizes
    return 0;
  }
  if (a.u32(0) === 0 && a.addr(2) !== 0) return EINVAL;
  return attachSeccomp(t, a.int(0), flags, a.addr(2));
}

export const seccompRows: readonly SyscallRow[] = [[317, 'seccomp', 'int,hex,addr', 'partial', sysSeccomp]];
