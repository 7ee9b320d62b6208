/** Compares what the processor and Vivarium made of one state. */
import { FX_FCW, FX_FSW, FX_FTW, FX_MXCSR, FX_ST, FX_XMM, R_ADDR, R_DATA, R_GPR, R_RFLAGS, R_RIP, R_SIGNO, R_WINDOW, REG_NAMES, RECORD, SIGNAL_NAMES, SIGTRAP, WINDOW_SIZE } from './record.ts';
import type { Snippet } from './snippets.ts';
import { flagMask } from './states.ts';

/** RFLAGS bits that mean something: arithmetic, DF. */
const FLAGS = 0xcd5;
const FLAG_NAMES: readonly (readonly [number, string])[] = [[1, 'cf'], [4, 'pf'], [16, 'af'], [64, 'zf'], [128, 'sf'], [0x400, 'df'], [0x800, 'of']];

const hex = (n: bigint | number, digits: number): string => n.toString(16).padStart(digits, '0');
function flagText(f: number): string {
  return FLAG_NAMES.map(([b, n]) => (f & b ? n.toUpperCase() : n)).join(' ');
}
function bytesHex(r: Uint8Array, at: number, n: number): string {
  let s = '';
  for (let k = n - 1; k >= 0; k--) s += hex(r[at + k]!, 2);
  return s;
}

/** Words of a record that are compared: all but si_code, the x87 pointers, MXCSR_MASK and what lies behind the XMM registers. */
const COMPARED: readonly number[] = Array.from({ length: RECORD / 4 }, (_, k) => k).filter((k) => k !== 37 && !(k > 129 && k < 134) && k !== 135 && k < 232);
/** The usual case, quickly: everything the same. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  const x = new Int32Array(a.buffer, a.byteOffset, RECORD / 4);
  const y = new Int32Array(b.buffer, b.byteOffset, RECORD / 4);
  if (((x[34]! ^ y[34]!) & FLAGS) !== 0 || (x[129]! & 0xffff) !== (y[129]! & 0xffff)) return false;
  for (const k of COMPARED) if (x[k] !== y[k] && k !== 34 && k !== 129) return false;
  return true;
}

/** Differences between `native` and `inside` (record views), each as "what: before → native / inside"; none = equal. */
export function differences(snippet: Snippet, before: Uint8Array, native: Uint8Array, inside: Uint8Array, watchFlags: boolean): string[] {
  if (equal(native, inside)) return [];
  const options = snippet.form[1] ?? {};
  const out: string[] = [];
  const b = new DataView(before.buffer, before.byteOffset, RECORD);
  const n = new DataView(native.buffer, native.byteOffset, RECORD);
  const i = new DataView(inside.buffer, inside.byteOffset, RECORD);
  const wide = (what: string, off: number): void => {
    if (n.getBigUint64(off, true) !== i.getBigUint64(off, true)) {
      out.push(`${what}: ${hex(b.getBigUint64(off, true), 16)} → ${hex(n.getBigUint64(off, true), 16)} / ${hex(i.getBigUint64(off, true), 16)}`);
    }
  };
  const signo = n.getInt32(R_SIGNO, true);
  if (signo !== i.getInt32(R_SIGNO, true)) out.push(`ends: ${SIGNAL_NAMES[signo] ?? signo} / ${SIGNAL_NAMES[i.getInt32(R_SIGNO, true)] ?? i.getInt32(R_SIGNO, true)}`);
  else wide('fault address', R_ADDR);
  wide('rip', R_RIP);
  REG_NAMES.forEach((name, k) => {
    if (!options.undefRegs?.includes(name)) wide(name, R_GPR + k * 8);
  });
  // After a fault flags are as before; the mask holds for what is undefined after completion.
  const mask = FLAGS & ~(signo === SIGTRAP ? flagMask(options.undef) : 0);
  const nf = n.getInt32(R_RFLAGS, true) & mask;
  const inf = i.getInt32(R_RFLAGS, true) & mask;
  if (nf !== inf) out.push(`flags: ${flagText(b.getInt32(R_RFLAGS, true))} → ${flagText(nf)} / ${flagText(inf)}`);
  const window = b.getUint32(R_WINDOW, true);
  const skipped = (k: number): boolean => {
    if (!options.skip || !snippet.memory) return false;
    const m = snippet.memory;
    const base = b.getUint32(R_GPR + m.base * 8, true) + (m.index >= 0 ? b.getInt32(R_GPR + m.index * 8, true) * m.scale : 0) + m.disp;
    const rel = (window + k - base) | 0;
    return options.skip.some(([from, length]) => rel >= from && rel < from + length);
  };
  const looksAtFlags = !watchFlags && snippet.text.includes('stmxcsr');
  for (let k = 0; k < WINDOW_SIZE && !looksAtFlags; k++) {
    if (native[R_DATA + k] !== inside[R_DATA + k] && !skipped(k)) {
      const from = Math.max(0, k - 2);
      const length = Math.min(16, WINDOW_SIZE - from);
      out.push(`memory at window+${k}: ${bytesHex(before, R_DATA + from, length)} → ${bytesHex(native, R_DATA + from, length)} / ${bytesHex(inside, R_DATA + from, length)}`);
      break;
    }
  }
  const half = (what: string, off: number, m = 0xffff): void => {
    if ((n.getUint16(off, true) ^ i.getUint16(off, true)) & m) out.push(`${what}: ${hex(b.getUint16(off, true), 4)} → ${hex(n.getUint16(off, true), 4)} / ${hex(i.getUint16(off, true), 4)}`);
  };
  half('fcw', FX_FCW);
  half('fsw', FX_FSW, 0xffff & ~(options.undefSw ?? 0));
  half('ftw', FX_FTW, 0xff);
  // The fast path keeps IE, ZE and OE of what computes, and no flags of what compares.
  half('mxcsr', FX_MXCSR, watchFlags ? 0xffff : /min|max|cmp|comis/.test(snippet.text) ? 0xffc0 : 0xffcd);
  for (let k = 0; k < 8; k++) {
    if (options.tolerance !== undefined && near(native, inside, FX_ST + k * 16, options.tolerance)) continue;
    if (bytesHex(native, FX_ST + k * 16, 10) !== bytesHex(inside, FX_ST + k * 16, 10)) {
      out.push(`st${k}: ${bytesHex(before, FX_ST + k * 16, 10)} → ${bytesHex(native, FX_ST + k * 16, 10)} / ${bytesHex(inside, FX_ST + k * 16, 10)}`);
    }
  }
  if (!options.undefXmm)
    for (let k = 0; k < 16; k++) {
      const off = FX_XMM + k * 16;
      if (n.getBigUint64(off, true) !== i.getBigUint64(off, true) || n.getBigUint64(off + 8, true) !== i.getBigUint64(off + 8, true)) {
        out.push(`xmm${k}: ${bytesHex(before, off, 16)} → ${bytesHex(native, off, 16)} / ${bytesHex(inside, off, 16)}`);
      }
    }
  return out;
}
/** Equal sign, and significand and exponent within `tolerance` units in the last place. */
function near(a: Uint8Array, b: Uint8Array, off: number, tolerance: number): boolean {
  const value = (r: Uint8Array): bigint => {
    const v = new DataView(r.buffer, r.byteOffset + off, 10);
    return (BigInt(v.getUint16(8, true)) << 63n) + (v.getBigUint64(0, true) & 0x7fffffffffffffffn);
  };
  const d = value(a) - value(b);
  return d <= BigInt(tolerance) && d >= -BigInt(tolerance);
}

/** What one needs to understand a difference: the registers the snippet names. */
export function describe(snippet: Snippet, before: Uint8Array): string {
  const b = new DataView(before.buffer, before.byteOffset, RECORD);
  const lines: string[] = [];
  const names = new Set<string>();
  for (const m of snippet.text.matchAll(/xmm\d+|mm\d|st\(\d\)/g)) names.add(m[0]);
  for (const name of names) {
    const k = Number(/\d+/.exec(name)![0]);
    if (name.startsWith('xmm')) lines.push(`${name}=${bytesHex(before, FX_XMM + k * 16, 16)}`);
  }
  REG_NAMES.forEach((name, k) => lines.push(`${name}=${hex(b.getBigUint64(R_GPR + k * 8, true), 16)}`));
  lines.push(`flags=${flagText(b.getInt32(R_RFLAGS, true))}`, `fcw=${hex(b.getUint16(FX_FCW, true), 4)}`, `fsw=${hex(b.getUint16(FX_FSW, true), 4)}`, `ftw=${hex(before[FX_FTW]!, 2)}`, `mxcsr=${hex(b.getUint32(FX_MXCSR, true), 4)}`);
  if (snippet.form[1]?.fp === 'x87') for (let k = 0; k < 8; k++) lines.push(`st${k}=${bytesHex(before, FX_ST + k * 16, 10)}`);
  return lines.join(' ');
}
