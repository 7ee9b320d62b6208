/** Random processor states that are rich in edge cases. */
import type { Random } from './random.ts';
import {
  DATA_BASE, FX_FCW, FX_FSW, FX_FTW, FX_MXCSR, FX_ST, FX_XMM, R_DATA, R_GPR, R_RFLAGS, R_RIP, R_SIGNO, R_SNIPPET, R_WINDOW, REG_NAMES,
  RECORD, WINDOW_SIZE,
} from './record.ts';
import type { Snippet } from './snippets.ts';

const F32_EDGES: readonly number[] = [
  0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001, 0xffa12345, 0x7fc54321, 1, 0x80000001, 0x007fffff,
  0x00800000, 0x80800000, 0x7f7fffff, 0xff7fffff, 0x4f000000, 0xcf000000, 0x4effffff, 0x4f800000, 0x5f000000, 0xdf000000, 0x3f000000, 0x3fc00000,
  0x40200000, 0xc0600000, 0x33800000, 0x00400000, 0x4b000000, 0x4b7fffff, 0x3effffff,
];
/** High and low words. */
const F64_EDGES: readonly (readonly [number, number])[] = [
  [0, 0], [0x80000000, 0], [0x3ff00000, 0], [0xbff00000, 0], [0x7ff00000, 0], [0xfff00000, 0], [0x7ff80000, 0], [0xfff80000, 0], [0x7ff00000, 1],
  [0xfff40000, 0x1234], [0x7ff81234, 0x5678], [0, 1], [0x80000000, 1], [0x000fffff, 0xffffffff], [0x00100000, 0], [0x7fefffff, 0xffffffff],
  [0xffefffff, 0xffffffff], [0x41e00000, 0], [0xc1e00000, 0], [0xc1e00000, 0x00200000], [0x41dfffff, 0xffc00000], [0x41dfffff, 0xffe00000], [0x43e00000, 0], [0xc3e00000, 0],
  [0x43dfffff, 0xffffffff], [0x3fe00000, 0], [0x3ff80000, 0], [0x40040000, 0], [0xc00c0000, 0], [0x47efffff, 0xe0000000], [0x47efffff, 0xf0000000],
  [0x38100000, 0], [0x380fffff, 0xffffffff], [0x36a00000, 0], [0x43300000, 0], [0x433fffff, 0xffffffff], [0x3fdfffff, 0xffffffff],
];

const ONE_F32 = new Float32Array(1);
const ONE_F32_BITS = new Int32Array(ONE_F32.buffer);

function put32(v: DataView, off: number, x: number): void {
  v.setInt32(off, x | 0, true);
}
function randomF32(rnd: Random): number {
  switch (rnd.below(6)) {
    case 0: return rnd.pick(F32_EDGES);
    case 1: return rnd.i32();
    case 2: return ((rnd.below(40) + 107) << 23) | (rnd.i32() & 0x807fffff);
    case 3: return ((rnd.below(16) + 120) << 23) | (rnd.i32() & 0x80700000);
    case 4: return ((rnd.below(2) ? 254 - rnd.below(3) : rnd.below(4)) << 23) | (rnd.i32() & 0x807fffff);
    default:
      ONE_F32[0] = rnd.below(2000) - 1000;
      return ONE_F32_BITS[0]!;
  }
}
function putF64(v: DataView, off: number, rnd: Random): void {
  switch (rnd.below(7)) {
    case 0: {
      const e = rnd.pick(F64_EDGES);
      put32(v, off, e[1]);
      put32(v, off + 4, e[0]);
      return;
    }
    case 1:
      put32(v, off, rnd.i32());
      put32(v, off + 4, rnd.i32());
      return;
    case 2:
      put32(v, off, rnd.i32());
      put32(v, off + 4, ((rnd.below(80) + 983) << 20) | (rnd.i32() & 0x800fffff));
      return;
    case 3:
      put32(v, off, 0);
      put32(v, off + 4, ((rnd.below(20) + 1013) << 20) | (rnd.i32() & 0x800f0000));
      return;
    case 4:
      put32(v, off, rnd.i32());
      put32(v, off + 4, ((rnd.below(2) ? 2046 - rnd.below(3) : rnd.below(4)) << 20) | (rnd.i32() & 0x800fffff));
      return;
    case 5:
      put32(v, off, rnd.i32() & 0xe0000000);
      put32(v, off + 4, ((rnd.below(6) ? rnd.below(256) + 895 : 0x47e) << 20) | (rnd.i32() & 0x800fffff));
      return;
    default:
      v.setFloat64(off, rnd.below(200000) - 100000, true);
  }
}
/** An 80-bit value, in every class. */
function putF80(v: DataView, off: number, rnd: Random): void {
  let exponent: number;
  let lo = rnd.i32();
  let hi = rnd.i32() | 0x80000000;
  switch (rnd.below(12)) {
    case 0: exponent = 0; hi = lo = 0; break;
    case 1: exponent = 0x7fff; lo = 0; hi = 0x80000000; break;
    case 2: exponent = 0x7fff; break; // NaNs, quiet and signalling
    case 3: exponent = 0; hi &= rnd.oneIn(4) ? -1 : 0x7fffffff; break; // denormals, pseudo-denormals
    case 4: exponent = rnd.below(0x8000); hi = rnd.oneIn(8) ? hi & 0x7fffffff : hi; break; // now and then an unnormal
    case 5: exponent = 0x3fff; lo = 0; hi = 0x80000000; break;
    case 6: exponent = 0x3fff + rnd.below(64); lo = 0; hi &= 0xffff0000; break;
    case 7: exponent = rnd.oneIn(2) ? 0x7ffe - rnd.below(2) : 1 + rnd.below(3); break;
    case 8: exponent = 0x3fff + rnd.below(70); break;
    default: exponent = 0x3fff - 40 + rnd.below(80);
  }
  put32(v, off, lo);
  put32(v, off + 4, hi);
  v.setUint16(off + 8, exponent | (rnd.oneIn(2) ? 0x8000 : 0), true);
}

/** 16 bytes that mean something as integers, single, double or extended floats. */
export function putVector(v: DataView, off: number, rnd: Random, kind: 'sse' | 'x87' | 'mmx' | undefined): void {
  const style = kind === 'x87' ? 5 + rnd.below(6) : rnd.below(6);
  switch (style) {
    case 0:
      for (let i = 0; i < 16; i += 4) put32(v, off + i, rnd.i32());
      return;
    case 1:
    case 2:
      for (let i = 0; i < 16; i += 4) put32(v, off + i, randomF32(rnd));
      return;
    case 3:
    case 4:
      putF64(v, off, rnd);
      putF64(v, off + 8, rnd);
      return;
    case 5:
      for (let i = 0; i < 16; i++) v.setUint8(off + i, rnd.pick([0, 0x7f, 0x80, 0xff, 1, 0x41, 0x61, rnd.below(256)]));
      return;
    case 6:
      putF64(v, off, rnd);
      v.setFloat64(off + 8, rnd.below(100), true);
      return;
    case 7:
      for (let i = 0; i < 16; i += 4) put32(v, off + i, randomF32(rnd));
      return;
    case 8: // packed decimal
      for (let i = 0; i < 9; i++) v.setUint8(off + i, rnd.below(10) * 16 + rnd.below(10));
      v.setUint8(off + 9, rnd.oneIn(2) ? 0x80 : 0);
      return;
    default:
      putF80(v, off, rnd);
      v.setUint32(off + 12, rnd.u32(), true);
  }
}

function putInteger(v: DataView, off: number, rnd: Random): void {
  let lo: number;
  let hi: number;
  switch (rnd.below(8)) {
    case 0: lo = rnd.pick([0, 1, -1, 0x7fffffff, -0x80000000, 0x80, 0x7f, 0xffff, 0x8000, 0xff]); hi = lo >> 31; break;
    case 1: lo = rnd.pick([0, -1, 1]); hi = rnd.pick([0x7fffffff, -0x80000000, 0, 1, -1]); break;
    case 2: lo = rnd.below(256); hi = 0; break;
    case 3: { const b = rnd.below(64); lo = b < 32 ? 1 << b : 0; hi = b < 32 ? 0 : 1 << (b - 32); break; }
    case 4: lo = rnd.i32(); hi = lo >> 31; break;
    case 5: lo = rnd.i32(); hi = 0; break;
    default: lo = rnd.i32(); hi = rnd.i32();
  }
  put32(v, off, lo);
  put32(v, off + 4, hi);
}

const FLAG_BITS: Record<string, number> = { cf: 1, pf: 4, af: 16, zf: 64, sf: 128, of: 2048 };
/** Mask of the flags named in `names`. */
export function flagMask(names: string | undefined): number {
  let m = 0;
  for (const n of (names ?? '').split(' ')) m |= FLAG_BITS[n] ?? 0;
  return m;
}

/** Fills one record for a snippet. */
export function makeState(bytes: Uint8Array, at: number, snippet: Snippet, number: number, rnd: Random): void {
  const v = new DataView(bytes.buffer, bytes.byteOffset + at, RECORD);
  const options = snippet.form[1] ?? {};
  const fp = options.fp;
  for (let r = 0; r < 16; r++) putInteger(v, R_GPR + r * 8, rnd);
  put32(v, R_RIP, snippet.address);
  put32(v, R_RIP + 4, 0);
  put32(v, R_RFLAGS, 0x202 | (rnd.i32() & 0x8d5) | (options.df && rnd.oneIn(2) ? 0x400 : 0));
  put32(v, R_RFLAGS + 4, 0);
  for (let i = R_SIGNO; i < R_WINDOW; i += 4) put32(v, i, 0);
  // The window ends at an unmapped page, or straddles two mapped ones.
  const window = rnd.oneIn(2) ? DATA_BASE + 0x2000 - WINDOW_SIZE : DATA_BASE + 0x1000 - 160;
  const edge = rnd.oneIn(12);

  put32(v, R_WINDOW, window);
  put32(v, R_WINDOW + 4, 0);
  put32(v, R_SNIPPET, number);
  put32(v, R_SNIPPET + 4, 0);
  const where = (size: number, aligned: boolean): number => {
    let t = edge ? window + WINDOW_SIZE - rnd.below(24) : window + 64 + rnd.below(WINDOW_SIZE - 128 - Math.min(size, 64));
    if (aligned && !rnd.oneIn(10)) t &= ~15;
    return t;
  };
  const set = (r: number, x: number): void => {
    put32(v, R_GPR + r * 8, x);
    put32(v, R_GPR + r * 8 + 4, Math.floor(x / 4294967296));
  };
  set(4, window + 160 + rnd.below(16));
  for (const r of snippet.small) set(r, rnd.below(2000) - 1000);
  for (const name of options.count ?? []) set(REG_NAMES.indexOf(name), rnd.oneIn(6) ? 0 : rnd.below(20));
  for (const [name, values] of Object.entries(options.values ?? {})) set(REG_NAMES.indexOf(name), rnd.pick(values));
  for (const name of options.ptr ?? []) set(REG_NAMES.indexOf(name), where(32, false));
  const m = snippet.memory;
  let target = 0;
  if (m) {
    target = where(m.size, m.aligned);
    if (m.size > 64) target = window + ((-window) & 63) + (edge ? 8 : 0);
    if (m.index >= 0) set(m.index, rnd.below(0x10000) - 0x8000);
    const index = m.index >= 0 ? v.getInt32(R_GPR + m.index * 8, true) * m.scale : 0;
    set(m.base, rnd.oneIn(400) ? -0x7fff00000000 - target * 65536 : target - index - m.disp);
  }
  for (let i = 0; i < WINDOW_SIZE; i += 16) putVector(v, R_DATA + i, rnd, fp);
  // The operand itself starts with a meaningful value.
  if (target && target >= window && target + 16 <= window + WINDOW_SIZE) putVector(v, R_DATA + target - window, rnd, fp);

  for (let i = FX_FCW; i < RECORD; i += 4) put32(v, i, 0);
  let fcw = 0x37f;
  if (fp === 'x87') {
    if (rnd.oneIn(2)) fcw = 0x7f | (rnd.pick([0, 2, 3, 3]) << 8) | (rnd.below(4) << 10);
    if (rnd.oneIn(12)) fcw &= ~(1 << rnd.below(6));
  }
  v.setUint16(FX_FCW, fcw, true);
  v.setUint16(FX_FSW, (rnd.below(8) << 11) | (rnd.i32() & 0x4700) | (fp === 'x87' && rnd.oneIn(4) ? rnd.below(64) & fcw : 0), true);
  v.setUint8(FX_FTW, fp === 'x87' ? (rnd.oneIn(3) ? rnd.below(256) : 255) : rnd.below(256));
  let mxcsr = 0x1f80;
  if (fp === 'sse') {
    if (rnd.oneIn(3)) mxcsr |= rnd.below(4) << 13;
    if (rnd.oneIn(8)) mxcsr |= 0x40;
    if (rnd.oneIn(8)) mxcsr |= 0x8000;
    if (rnd.oneIn(3)) mxcsr |= rnd.below(64);
    if (rnd.oneIn(16)) mxcsr &= ~(0x80 << rnd.below(6));
    // A flag that is set while its exception is unmasked raises nothing by itself.
  }
  put32(v, FX_MXCSR, mxcsr);
  for (let i = 0; i < 8; i++) {
    const at16 = FX_ST + i * 16;
    if (fp === 'mmx') {
      putVector(v, at16, rnd, undefined);
      v.setUint16(at16 + 8, rnd.below(65536), true);
    } else putF80(v, at16, rnd);
    for (let k = 10; k < 16; k++) v.setUint8(at16 + k, 0);
  }
  for (let i = 0; i < 16; i++) putVector(v, FX_XMM + i * 16, rnd, fp === 'x87' ? undefined : fp);
}
