/** Strings of the guest. What comes again and again (paths, arguments, environments) is found as the string it was last time. */
import { EFAULT, ENAMETOOLONG, isErr } from '../abi/errno.ts';
import type { Errno } from '../abi/errno.ts';
import { bytesToString } from '../base/byte-string.ts';
import type { UserMemory } from './user-memory.ts';

/** Longer ones are not remembered. */
const REMEMBERED_MAX = 4096;
const bytes: Uint8Array = new Uint8Array(REMEMBERED_MAX);
/** Strings seen lately, by hash: one that comes again costs no new string, and keeps its own hash for map look-ups. */
const SLOTS = 4096;
const seen: string[] = new Array<string>(SLOTS).fill('');

/** The byte string of length `len` in `bytes`. */
function remembered(len: number, hash: number): string {
  const slot = (hash ^ (hash >>> 12)) & (SLOTS - 1);
  const known = seen[slot]!; // in range
  if (known.length === len) {
    let i = 0;
    while (i < len && known.charCodeAt(i) === bytes[i]) i++;
    if (i === len) return known;
  }
  return (seen[slot] = bytesToString(bytes, 0, len));
}

/** A NUL-terminated byte string of at most `max` bytes with its NUL; EFAULT, ENAMETOOLONG. */
export function readUserString(space: UserMemory, addr: number, max: number): string | Errno {
  return read(space, addr, max, false);
}

/** The first `max` bytes at `addr`, or those up to a NUL (strncpy_from_user); EFAULT. `max`: at most 4096. */
export function readUserPrefix(space: UserMemory, addr: number, max: number): string | Errno {
  return read(space, addr, max, true);
}

function read(space: UserMemory, addr: number, max: number, cut: boolean): string | Errno {
  const u8 = space.pm.u8;
  const most = Math.min(max, REMEMBERED_MAX);
  let len = 0;
  let hash = 0;
  while (len < most) {
    const at = space.readable(addr + len);
    if (at === 0) return EFAULT;
    const n = Math.min(most - len, 4096 - (at & 4095));
    for (let i = 0; i < n; i++) {
      const c = u8[at + i]!;
      if (c === 0) return remembered(len, hash);
      bytes[len++] = c;
      hash = (Math.imul(hash, 31) + c) | 0;
    }
  }
  if (cut) return remembered(len, hash);
  if (most === max) return ENAMETOOLONG;
  const long = space.readCString(addr, max);
  return isErr(long) ? long : bytesToString(long);
}
