/** Byte strings in C notation. */
import type { UserMemory } from '../memory/user-memory.ts';

/** Bytes of a string that are shown (strace -s). */
const SHOWN = 32;
/** Paths are shown whole. */
const PATH_SHOWN = 4096;

const ESCAPES: Readonly<Record<number, string>> = { 9: '\\t', 10: '\\n', 11: '\\v', 12: '\\f', 13: '\\r', 34: '\\"', 92: '\\\\' };

/** `bytes` in double quotes, octal for what is not printable. */
export function quote(bytes: Uint8Array, length: number = bytes.length): string {
  let s = '"';
  for (let i = 0; i < length; i++) {
    const b = bytes[i] as number;
    const next = i + 1 < length ? (bytes[i + 1] as number) : 0;
    const short = ESCAPES[b];
    if (short !== undefined) s += short;
    else if (b >= 32 && b < 127) s += String.fromCharCode(b);
    else s += '\\' + b.toString(8).padStart(next >= 48 && next <= 55 ? 3 : 1, '0');
  }
  return s + '"';
}

/** An address: NULL or hexadecimal. */
export function pointer(addr: number): string {
  return addr === 0 ? 'NULL' : '0x' + addr.toString(16);
}

/** `length` bytes at `addr`, cut after 32 with "...". */
export function formatBuffer(space: UserMemory, addr: number, length: number): string {
  if (addr === 0) return 'NULL';
  const shown = Math.min(length, SHOWN);
  const bytes = new Uint8Array(shown);
  if (shown > 0) {
    const n = space.copyIn(addr, bytes, 0, shown);
    if (n < shown) return pointer(addr);
  }
  return quote(bytes) + (length > SHOWN ? '...' : '');
}

function formatTerminated(space: UserMemory, addr: number, limit: number): string {
  if (addr === 0) return 'NULL';
  const bytes = new Uint8Array(limit);
  for (let i = 0; i < limit; i++) {
    if (space.copyIn(addr + i, bytes, i, 1) !== 1) return i === 0 ? pointer(addr) : quote(bytes, i) + '...';
    if (bytes[i] === 0) return quote(bytes, i);
  }
  return quote(bytes) + '...';
}

/** The zero-terminated string at `addr`, cut after 32 bytes. */
export function formatString(space: UserMemory, addr: number): string {
  return formatTerminated(space, addr, SHOWN);
}

/** The path at `addr`, whole. */
export function formatPath(space: UserMemory, addr: number): string {
  return formatTerminated(space, addr, PATH_SHOWN);
}
