/** `#!` scripts. Linux 6.18 fs/binfmt_script.c load_script. */

/** Bytes at the start of a file that exec looks at (BINPRM_BUF_SIZE). */
export const EXEC_HEAD = 256;

export interface Script {
  /** Path of the interpreter, byte string. */
  readonly interpreter: string;
  /** The one optional argument: all the rest of the line. */
  readonly argument: string | null;
}

const spaceOrTab = (b: number): boolean => b === 0x20 || b === 0x09;

/** Index of the first byte in first…last that is neither space nor tab, or -1. */
function nextNonSpace(buf: Uint8Array, first: number, last: number): number {
  for (let i = first; i <= last; i++) if (!spaceOrTab(buf[i]!)) return i;
  return -1;
}
/** Index of the first space, tab or NUL in first…last, or -1. */
function nextTerminator(buf: Uint8Array, first: number, last: number): number {
  for (let i = first; i <= last; i++) if (spaceOrTab(buf[i]!) || buf[i] === 0) return i;
  return -1;
}
/** The string from `at` up to a NUL or `end`. */
function stringAt(buf: Uint8Array, at: number, end: number): string {
  let s = '';
  for (let i = at; i < end && buf[i] !== 0; i++) s += String.fromCharCode(buf[i]!);
  return s;
}

/** Splits the first line of `buf` (EXEC_HEAD bytes, zero-filled); null if it is no script, or names no interpreter (ENOEXEC). */
export function parseScript(buf: Uint8Array): Script | null {
  if (buf[0] !== 0x23 || buf[1] !== 0x21) return null;
  const bufEnd = EXEC_HEAD - 1;
  let end = -1;
  // strnchr stops at a NUL.
  for (let i = 0; i < EXEC_HEAD && buf[i] !== 0; i++)
    if (buf[i] === 0x0a) {
      end = i;
      break;
    }
  if (end < 0) {
    const start = nextNonSpace(buf, 2, bufEnd);
    if (start < 0) return null;
    // No space, tab or NUL behind it: the path is longer than what was read.
    if (nextTerminator(buf, start, bufEnd) < 0) return null;
    end = bufEnd;
  }
  while (spaceOrTab(buf[end - 1]!)) end--;
  const name = nextNonSpace(buf, 2, end);
  if (name < 0 || name === end) return null;
  const sep = nextTerminator(buf, name, end);
  let argument: string | null = null;
  let nameEnd = end;
  if (sep >= 0 && buf[sep] !== 0) {
    const arg = nextNonSpace(buf, sep, end);
    if (arg >= 0) {
      nameEnd = sep;
      argument = stringAt(buf, arg, end);
      if (arg === end) {
        argument = null;
        nameEnd = Math.min(sep, end);
      }
    }
  }
  return { interpreter: stringAt(buf, name, nameEnd), argument };
}
