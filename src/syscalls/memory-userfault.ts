/** userfaultfd. Linux 6.18 fs/userfaultfd.c. */
import { CAP_SYS_PTRACE } from '../abi/capability.ts';
import { EINVAL, EPERM } from '../abi/errno.ts';
import { O_CLOEXEC, O_NONBLOCK } from '../abi/fcntl.ts';
import type { Task } from '../kernel/task.ts';
import { Userfaultfd } from '../kernel/userfaultfd.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { installFile } from './io-wait.ts';

const UFFD_USER_MODE_ONLY = 1;

function userfaultfd(t: Task, a: SyscallArgs): number {
  const flags = a.int(0);
  // Faults of system calls stop the kernel on the program's behalf: not for everybody.
  const allowed = flags & UFFD_USER_MODE_ONLY || t.kernel.sysctls.get('vm.unprivileged_userfaultfd') === 1 || t.credentials.capableInInit(CAP_SYS_PTRACE);
  if (!allowed) return EPERM;
  if (flags & ~(O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY)) return EINVAL;
  return installFile(t, new Userfaultfd(t.kernel.vfs.anonymous.anonymousPath('[userfaultfd]'), flags & O_NONBLOCK, t.space), (flags & O_CLOEXEC) !== 0);
}

export const memoryUserfaultRows: readonly SyscallRow[] = [[323, 'userfaultfd', 'openflags=fd', 'partial', userfaultfd]];
