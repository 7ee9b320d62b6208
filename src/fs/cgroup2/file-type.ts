/** What a file of a cgroup is: a row of the tables. Linux struct cftype. */
import { EINVAL, ERANGE, type Errno } from '../../abi/errno.ts';
import type { Credentials } from '../../auth/credentials.ts';
import type { Cgroup } from '../../kernel/cgroup/cgroup.ts';
import type { PeakWatcher } from '../../memory/frame-account.ts';
import type { CgroupNamespace } from '../../kernel/nsproxy.ts';
import type { PressureTrigger } from '../../kernel/pressure-trigger.ts';
import type { Task } from '../../kernel/task.ts';

/** Who opened the file: its rights and its namespace count, whoever writes. */
export interface Opener {
  readonly credentials: Credentials;
  readonly namespace: CgroupNamespace;
}

/** What one open file keeps for itself. */
export interface OpenState {
  /** memory.peak since this descriptor was written to; null: since the group was made. */
  watcher: PeakWatcher | null;
  /** Of a pressure file. */
  trigger: PressureTrigger | null;
  readonly opener: Opener;
}

export interface CgroupFileType {
  readonly name: string;
  /** Permission bits. */
  readonly mode: number;
  /** The controller it belongs to (bit); 0: every group has it. */
  readonly controller: number;
  /** Where it is: 'root' only there, 'child' not there. */
  readonly where: 'all' | 'root' | 'child';
  /** May be written from inside of a namespace whose root the group is (CFTYPE_NS_DELEGATABLE). */
  readonly delegatable: boolean;
  readonly show: ((c: Cgroup, t: Task, open: OpenState) => string | Errno) | null;
  /** Takes one write(2): 0 or errno. */
  readonly write: ((c: Cgroup, text: string, t: Task, open: OpenState) => number) | null;
  /** Its changes can be waited for. */
  readonly waits: boolean;
  /** A pressure file: only a trigger makes it ready. */
  readonly triggers: boolean;
}

export interface FileOptions {
  readonly controller?: number;
  readonly where?: CgroupFileType['where'];
  readonly delegatable?: boolean;
  readonly waits?: boolean;
  readonly triggers?: boolean;
}

export function shown(name: string, show: NonNullable<CgroupFileType['show']>, o: FileOptions = {}): CgroupFileType {
  return { name, mode: 0o444, controller: o.controller ?? 0, where: o.where ?? 'all', delegatable: false, show, write: null, waits: o.waits ?? false, triggers: false };
}
export function changed(name: string, show: CgroupFileType['show'], write: NonNullable<CgroupFileType['write']>, o: FileOptions = {}): CgroupFileType {
  return {
    name, mode: show === null ? 0o200 : 0o644, controller: o.controller ?? 0, where: o.where ?? 'all', delegatable: o.delegatable ?? false, show, write, waits: o.waits ?? false, triggers: o.triggers ?? false,
  };
}

/** An integer as kstrtoint(…, 0) reads it; null: none. `bits`: EINVAL and ERANGE are told apart by the caller. */
export function parseInt0(text: string): number | null {
  const word = text.trim();
  const m = /^([+-]?)(0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)$/i.exec(word);
  if (m === null) return null;
  const digits = m[2]!; // the group takes part
  const value = /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  return m[1] === '-' ? -value : value;
}

/** The same for an int: EINVAL, ERANGE. */
export function readInt(text: string): number | { errno: Errno } {
  const n = parseInt0(text);
  if (n === null) return { errno: EINVAL };
  return n > 0x7fffffff || n < -0x80000000 ? { errno: ERANGE } : n;
}
