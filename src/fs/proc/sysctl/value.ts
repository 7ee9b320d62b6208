/** Words for /proc/sys: numbers and strings with a range, kept in the kernel's sysctl table or made from its state. */
import { EINVAL, EPERM } from '../../../abi/errno.ts';
import { CAP_SYS_ADMIN } from '../../../abi/capability.ts';
import type { Kernel } from '../../../kernel/kernel.ts';
import type { VfsContext } from '../../../vfs/context.ts';
import { file, writable } from '../../pseudo/entries.ts';
import type { FileEntry } from '../../pseudo/entries.ts';
import type { ProcSuperBlock } from '../proc-fs.ts';
import { parseInteger } from '../task-limits.ts';

/** A value that is only shown. */
export function shown(make: (kernel: Kernel, ctx: VfsContext) => string | number): FileEntry<ProcSuperBlock> {
  return file((fs, ctx) => `${make(fs.kernel, ctx)}\n`);
}

/** An integer from `min` to `max` that the guest may change; kept by name, and read by whoever honours it. EINVAL out of range. */
export function tunable(name: string, initial: number, min: number, max: number): FileEntry<ProcSuperBlock> {
  return writable(
    (fs) => `${fs.sysctls.get(name) ?? initial}\n`,
    (fs, ctx, text) => {
      if (!ctx.credentials.capable(CAP_SYS_ADMIN)) return EPERM;
      const value = parseInteger(text);
      if (!(value >= min && value <= max)) return EINVAL;
      fs.sysctls.set(name, value);
      return 0;
    },
  );
}
