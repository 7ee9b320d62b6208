/** /proc/keys, /proc/key-users, /proc/sys/kernel/keys. Linux security/keys/proc.c. */
import { EINVAL, EPERM } from '../../abi/errno.ts';
import { CAP_SYS_ADMIN } from '../../abi/capability.ts';
import { KEY_OTH_VIEW, KEY_POS_VIEW } from '../../abi/keyctl.ts';
import {
  type Key, KEY_DEAD, KEY_IN_QUOTA, KEY_INVALIDATED, KEY_POSITIVE, KEY_REVOKED, KEY_UNINSTANTIATED, KEY_USER_CONSTRUCT,
} from '../../auth/keys/key.ts';
import { keyPermission } from '../../auth/keys/key-search.ts';
import type { KeyLimits } from '../../auth/keys/key-table.ts';
import { possesses } from '../../kernel/process-keyrings.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { writable } from '../pseudo/entries.ts';
import type { Entries, FileEntry } from '../pseudo/entries.ts';
import type { ProcSuperBlock } from './proc-fs.ts';
import { callerTask } from './proc-task.ts';
import { parseInteger } from './task-limits.ts';

const MAX_INT = 0x7fffffff;
const pad = (n: number, width: number): string => String(n).padStart(width);

/** Time left, in its largest unit. */
function remaining(key: Key, now: number): string {
  if (key.expiry === Infinity) return 'perm';
  if (now >= key.expiry) return 'expd';
  const left = key.expiry - now;
  if (left < 60) return `${left}s`;
  if (left < 3600) return `${Math.floor(left / 60)}m`;
  if (left < 86400) return `${Math.floor(left / 3600)}h`;
  return left < 604800 ? `${Math.floor(left / 86400)}d` : `${Math.floor(left / 604800)}w`;
}

/** What the type says of it. */
function summary(key: Key): string {
  if (key.state !== KEY_POSITIVE) return key.description;
  if (key.links !== null) return `${key.description}: ${key.links.size === 0 ? 'empty' : key.links.size}`;
  return `${key.description}: ${key.dataLength}`;
}

/** The keys that the reader may see. */
export function keyList(fs: ProcSuperBlock, ctx: VfsContext): string {
  const t = callerTask(ctx);
  const { keys } = fs.kernel;
  const ns = t.credentials.userNs;
  keys.collect();
  keys.markAll();
  const { now } = keys;
  let text = '';
  for (const key of keys.inOrder()) {
    if (ns.fromKuid(key.user.uid) === -1) continue;
    const possessed = (key.perm & KEY_POS_VIEW) !== 0 && possesses(t, key);
    if (keyPermission({ key, possessed }, t.credentials, KEY_OTH_VIEW) !== 0) continue;
    const flag = (letter: string, bit: number): string => (key.flags & bit ? letter : '-');
    const flags =
      (key.state === KEY_UNINSTANTIATED ? '-' : 'I') + flag('R', KEY_REVOKED) + flag('D', KEY_DEAD) + flag('Q', KEY_IN_QUOTA) + flag('U', KEY_USER_CONSTRUCT) +
      (key.state < 0 ? 'N' : '-') + flag('i', KEY_INVALIDATED);
    const ids = `${pad(ns.fromKuidMunged(key.uid), 5)} ${pad(ns.fromKgidMunged(key.gid), 5)}`;
    const hex = (n: number): string => n.toString(16).padStart(8, '0');
    text += `${hex(key.serial)} ${flags} ${pad(key.references, 5)} ${remaining(key, now).padStart(4)} ${hex(key.perm)} ${ids} ${key.type.name.slice(0, 9).padEnd(9)} ${summary(key)}\n`;
  }
  return text;
}

export function keyUsers(fs: ProcSuperBlock, ctx: VfsContext): string {
  const { keys } = fs.kernel;
  const ns = ctx.credentials.userNs;
  keys.collect();
  let text = '';
  for (const u of keys.usersInOrder()) {
    const uid = ns.fromKuid(u.uid);
    if (uid === -1) continue;
    const references = u.keys + (u.uid === 0 ? 1 : 0);
    text += `${pad(uid, 5)}: ${pad(references, 5)} ${u.keys}/${u.instantiated} ${u.quotaKeys}/${keys.maxKeys(u.uid)} ${u.quotaBytes}/${keys.maxBytes(u.uid)}\n`;
  }
  return text;
}

function limit(name: keyof KeyLimits): FileEntry<ProcSuperBlock> {
  return writable(
    (fs) => `${fs.kernel.keys.limits[name]}\n`,
    (fs, ctx, text) => {
      if (!ctx.credentials.capable(CAP_SYS_ADMIN)) return EPERM;
      const value = parseInteger(text);
      if (!(value >= 0 && value <= MAX_INT)) return EINVAL;
      fs.kernel.keys.limits[name] = value;
      return 0;
    },
  );
}

export const keySysctls: Entries<ProcSuperBlock> = {
  gc_delay: limit('gcDelay'),
  maxbytes: limit('maxBytes'),
  maxkeys: limit('maxKeys'),
  persistent_keyring_expiry: limit('persistentExpiry'),
  root_maxbytes: limit('rootMaxBytes'),
  root_maxkeys: limit('rootMaxKeys'),
};
