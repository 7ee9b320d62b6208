/** Mount options of procfs: who sees which processes, and whether there is anything else. Linux fs/proc/root.c. */
import { EINVAL, type Errno } from '../../abi/errno.ts';
import { type KGid, ROOT_KGID } from '../../abi/ids.ts';
import { parseMountOptions } from '../../vfs/file-system.ts';
import type { VfsContext } from '../../vfs/context.ts';

/** hidepid: all visible; others' directories cannot be entered; cannot be seen; only what the caller may trace is there. */
export const HIDEPID_OFF = 0, HIDEPID_NO_ACCESS = 1, HIDEPID_INVISIBLE = 2, HIDEPID_NOT_PTRACEABLE = 4;
const HIDEPID_NAMES: Readonly<Record<string, number>> = { off: HIDEPID_OFF, noaccess: HIDEPID_NO_ACCESS, invisible: HIDEPID_INVISIBLE, ptraceable: HIDEPID_NOT_PTRACEABLE };

export interface ProcOptions {
  hidepid: number;
  /** Who is in this group sees everything (but with HIDEPID_NOT_PTRACEABLE). */
  gid: KGid;
  /** subset=pid: processes only. */
  processesOnly: boolean;
}

/** Applies a list of options to `to`: 0, or EINVAL with nothing changed. */
export function applyProcOptions(to: ProcOptions, ctx: VfsContext, options: string): 0 | Errno {
  let { hidepid, gid, processesOnly } = to;
  for (const { key, value } of parseMountOptions(options)) {
    if (value === undefined) return EINVAL;
    if (key === 'gid') {
      if (!/^(0[xX][0-9a-fA-F]+|\d+)$/.test(value)) return EINVAL;
      gid = ctx.credentials.userNs.makeKgid(number(value));
      if (gid === -1) return EINVAL;
    } else if (key === 'hidepid') {
      hidepid = /^(0[xX][0-9a-fA-F]+|\d+)$/.test(value) ? number(value) : (HIDEPID_NAMES[value] ?? -1);
      if (hidepid !== HIDEPID_OFF && hidepid !== HIDEPID_NO_ACCESS && hidepid !== HIDEPID_INVISIBLE && hidepid !== HIDEPID_NOT_PTRACEABLE) return EINVAL;
    } else if (key === 'subset') {
      for (const part of value.split('+')) {
        if (part !== 'pid') return EINVAL;
        processesOnly = true;
      }
    } else return EINVAL;
  }
  Object.assign(to, { hidepid, gid, processesOnly });
  return 0;
}

/** A number as kstrtouint() with base 0 reads it. */
function number(text: string): number {
  return /^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text);
}

/** For /proc/PID/mounts. */
export function showProcOptions(o: ProcOptions): string {
  const gid = o.gid === ROOT_KGID ? '' : `,gid=${o.gid}`;
  const name = Object.keys(HIDEPID_NAMES).find((k) => HIDEPID_NAMES[k] === o.hidepid);
  return `${gid}${o.hidepid === HIDEPID_OFF ? '' : `,hidepid=${name}`}${o.processesOnly ? ',subset=pid' : ''}`;
}
