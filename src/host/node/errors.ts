/** Node's exceptions as errno. */
import type { Errno } from '../../abi/errno.ts';
import { EINVAL, EIO } from '../../abi/errno.ts';

/** The errno of what a node:fs function threw: Node carries the negative Linux number. */
export function errnoOf(error: unknown): Errno {
  const e = error as { errno?: unknown; code?: unknown };
  if (typeof e.errno === 'number' && e.errno < 0 && e.errno > -200) return e.errno as Errno;
  if (typeof e.code === 'string' && e.code.startsWith('ERR_')) return EINVAL;
  return EIO;
}
