/** The x87 register stack as the slow path sees it, and the encodings of 80-bit numbers. Source: SDM vol. 1, chapter 8. */
import { EXIT_REASON, FPU_CW, FPU_SW, FPU_TAG, FPU_TOP, SCRATCH, ST } from './cpu-layout.ts';
import { EXIT_X87 } from './exits.ts';
import { C_FINITE, C_INF, C_QNAN, C_SNAN, C_ZERO, EXTENDED, F_IE, F_OE, F_PE, F_UE, bitLength, finite, infinity, lastRounding, roundTo, zero } from './soft-float.ts';
import type { Unpacked } from './soft-float.ts';
import type { HelperMemory } from './sse-slow.ts';

/** An encoding that the processor has refused since the 387: unnormals, pseudo-infinities, pseudo-NaNs. Every use is invalid. */
export const C_UNSUPPORTED = 5;
/** Stack fault flag of the status word, and the condition codes. */
export const SW_SF = 0x40, SW_ES = 0x80, SW_C0 = 0x100, SW_C1 = 0x200, SW_C2 = 0x400, SW_C3 = 0x4000, SW_B = 0x8000;
/** Exponents that an unmasked overflow or underflow takes off or adds. */
const WRAP = 24576;

/** A value in a register: 64-bit significand, sign and exponent. */
export interface Raw {
  readonly sig: bigint;
  readonly se: number;
}
/** Real indefinite. */
export const INDEFINITE: Raw = { sig: 0xc000000000000000n, se: 0xffff };
export const BIT63: bigint = 1n << 63n;

export function unpackRaw(r: Raw): Unpacked {
  const sign = r.se >> 15;
  const e = r.se & 0x7fff;
  if (e === 0x7fff) {
    if (r.sig === BIT63) return infinity(sign);
    if ((r.sig & BIT63) === 0n) return { kind: C_UNSUPPORTED, sign, mant: r.sig, exp: 0, denormal: false };
    return { kind: (r.sig >> 62n) & 1n ? C_QNAN : C_SNAN, sign, mant: r.sig, exp: 0, denormal: false };
  }
  if (e === 0) return r.sig === 0n ? zero(sign) : finite(sign, r.sig, -16382 - 63, true);
  if ((r.sig & BIT63) === 0n) return { kind: C_UNSUPPORTED, sign, mant: r.sig, exp: 0, denormal: false };
  return finite(sign, r.sig, e - 16383 - 63);
}
export function packRaw(n: Unpacked): Raw {
  const s = n.sign << 15;
  if (n.kind === C_ZERO) return { sig: 0n, se: s };
  if (n.kind === C_INF) return { sig: BIT63, se: s | 0x7fff };
  if (n.kind !== C_FINITE) return { sig: n.mant | (1n << 62n), se: s | 0x7fff };
  const bits = bitLength(n.mant);
  let exp = n.exp + bits - 64;
  let sig = bits <= 64 ? n.mant << BigInt(64 - bits) : n.mant >> BigInt(bits - 64);
  if (exp + 63 < -16382) {
    sig >>= BigInt(-16382 - 63 - exp);
    exp = -16382 - 63;
    return { sig, se: s };
  }
  return { sig, se: s | (exp + 63 + 16383) };
}

export class X87 {
  private readonly memory: HelperMemory;
  private view: DataView;
  cpu = 0;
  cw = 0;
  sw = 0;
  top = 0;
  tag = 0;
  /** Exceptions of this instruction. */
  flags = 0;
  /** The memory operand was a denormal of its own format. */
  sourceDenormal = false;

  constructor(memory: HelperMemory) {
    this.memory = memory;
    this.view = new DataView(memory.buffer);
  }
  /** Takes the control state in. */
  enter(cpu: number): void {
    if (this.view.buffer !== this.memory.buffer) this.view = new DataView(this.memory.buffer);
    const v = this.view;
    this.cpu = cpu;
    this.cw = v.getInt32(cpu + FPU_CW, true);
    this.sw = v.getInt32(cpu + FPU_SW, true);
    this.top = v.getInt32(cpu + FPU_TOP, true);
    this.tag = v.getInt32(cpu + FPU_TAG, true);
    this.flags = 0;
    this.sourceDenormal = false;
  }
  /** Writes it back; exceptions of the instruction become flags, and the summary bit if one is unmasked. */
  leave(): void {
    const v = this.view;
    this.sw |= this.flags & (0x3f | SW_SF);
    if (this.flags & ~this.cw & 0x3f) this.sw |= SW_ES | SW_B;
    v.setInt32(this.cpu + FPU_CW, this.cw, true);
    v.setInt32(this.cpu + FPU_SW, this.sw & ~0x3800, true);
    v.setInt32(this.cpu + FPU_TOP, this.top, true);
    v.setInt32(this.cpu + FPU_TAG, this.tag, true);
  }
  /** True if an unmasked exception waits: the exit is prepared. */
  pending(): boolean {
    if ((this.sw & SW_ES) === 0) return false;
    this.view.setInt32(this.cpu + EXIT_REASON, EXIT_X87, true);
    return true;
  }
  /** Sets C1 and clears it otherwise. */
  setC1(on: boolean): void {
    this.sw = (this.sw & ~SW_C1) | (on ? SW_C1 : 0);
  }
  setConditions(c3: number, c2: number, c0: number): void {
    this.sw = (this.sw & ~(SW_C0 | SW_C2 | SW_C3)) | (c3 ? SW_C3 : 0) | (c2 ? SW_C2 : 0) | (c0 ? SW_C0 : 0);
  }
  unmasked(flags: number): boolean {
    return (flags & ~this.cw & 0x3f) !== 0;
  }
  isEmpty(i: number): boolean {
    return ((this.tag >> ((this.top + i) & 7)) & 1) === 0;
  }
  private at(i: number): number {
    return this.cpu + ST + ((this.top + i) & 7) * 16;
  }
  get(i: number): Raw {
    const p = this.at(i);
    return { sig: this.view.getBigUint64(p, true), se: this.view.getUint16(p + 8, true) };
  }
  set(i: number, r: Raw): void {
    const p = this.at(i);
    this.view.setBigUint64(p, r.sig, true);
    this.view.setBigUint64(p + 8, BigInt(r.se), true);
    this.tag |= 1 << ((this.top + i) & 7);
  }
  free(i: number): void {
    this.tag &= ~(1 << ((this.top + i) & 7));
  }
  pop(): void {
    this.free(0);
    this.top = (this.top + 1) & 7;
  }
  /** Pushes; on a full stack the masked answer is the indefinite. False if nothing was pushed. */
  push(r: Raw): boolean {
    if (!this.isEmpty(7)) {
      this.flags |= F_IE | SW_SF;
      this.setC1(true);
      if (this.unmasked(F_IE)) return false;
      this.top = (this.top - 1) & 7;
      this.set(0, INDEFINITE);
      return true;
    }
    this.top = (this.top - 1) & 7;
    this.set(0, r);
    return true;
  }
  /** An empty register was read: invalid, C1 = 0. */
  underflow(): void {
    this.flags |= F_IE | SW_SF;
    this.setC1(false);
  }
  scratch(offset: number, width: number): bigint {
    const p = this.cpu + SCRATCH + offset;
    const v = this.view;
    return width === 8 ? v.getBigUint64(p, true) : width === 4 ? BigInt(v.getUint32(p, true)) : BigInt(v.getUint16(p, true));
  }
  setScratch(offset: number, width: number, n: bigint): void {
    const p = this.cpu + SCRATCH + offset;
    const v = this.view;
    if (width === 8) v.setBigUint64(p, n, true);
    else if (width === 4) v.setUint32(p, Number(n), true);
    else v.setUint16(p, Number(n), true);
  }

  /** Significand bits that precision control asks for. */
  precision(): number {
    const pc = (this.cw >> 8) & 3;
    return pc === 0 ? 24 : pc === 2 ? 53 : 64;
  }
  get rc(): number {
    return (this.cw >> 10) & 3;
  }
  /** Rounds an exact value for a register: flags and C1 are noted; unmasked overflow and underflow wrap the exponent. */
  round(sign: number, mant: bigint, exp: number, sticky: boolean, precision: number): Raw {
    if (mant === 0n) {
      this.setC1(false);
      return { sig: 0n, se: sign << 15 };
    }
    const unbounded = roundTo({ precision, emin: -1e6, emax: 1e6 }, sign, mant, exp, sticky, this.rc);
    const top = unbounded.exp + bitLength(unbounded.mant) - 1;
    const inexact = lastRounding.flags & F_PE;
    const wrap = top < EXTENDED.emin && this.unmasked(F_UE) ? WRAP : top > EXTENDED.emax && this.unmasked(F_OE) ? -WRAP : 0;
    if (wrap !== 0) {
      this.flags |= (wrap > 0 ? F_UE : F_OE) | inexact;
      this.setC1(lastRounding.up);
      if (top + wrap >= EXTENDED.emin && top + wrap <= EXTENDED.emax) return packRaw(finite(sign, unbounded.mant, unbounded.exp + wrap));
      // Beyond even the wrapped range (FSCALE): zero or infinity.
      this.flags |= F_PE;
      this.setC1(wrap < 0);
      return wrap < 0 ? { sig: BIT63, se: (sign << 15) | 0x7fff } : { sig: 0n, se: sign << 15 };
    }
    const r = roundTo({ precision, emin: EXTENDED.emin, emax: EXTENDED.emax }, sign, mant, exp, sticky, this.rc);
    this.flags |= lastRounding.flags;
    this.setC1(lastRounding.up);
    return packRaw(r);
  }
}
