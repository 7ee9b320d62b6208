/**
 * Lazy arithmetic flags. The state is (op, dst, src, aux): `op = kind * 4 + log2(size)`, dst and src are zero-extended operand-size values
 * held in i64, aux as the kind says. `eflags = materialise(op, dst, src, aux)`; condition codes are computed straight from the operands.
 * Source for the flags each instruction defines: Intel SDM vol. 1 appendix A, vol. 2; undefined flags are those AMD/Intel parts agree on, else 0.
 */
/** src holds the CF PF AF ZF SF OF bits themselves, at their EFLAGS positions. */
export const FLAGS_RAW = 0;
/** dst = result, src = second operand b; a = dst - b. CF = dst <u b. */
export const FLAGS_ADD = 1;
/** dst = result, src = b, aux = carry in (0/1); a = dst - b - aux. */
export const FLAGS_ADC = 2;
/** dst = a (first operand), src = b; result = a - b. CMP and SUB. Kept as operands so that conditions are direct comparisons. */
export const FLAGS_SUB = 3;
/** dst = a, src = b, aux = borrow in; result = a - b - aux. */
export const FLAGS_SBB = 4;
/** dst = result; CF = OF = AF = 0. AND, OR, XOR, TEST. */
export const FLAGS_LOGIC = 5;
/** dst = result, aux = CF kept from before (0/1). INC. */
export const FLAGS_INC = 6;
/** dst = result, aux = CF kept from before. DEC. */
export const FLAGS_DEC = 7;
/** dst = result, aux = CF | OF << 1 computed by the lifter; AF = 0. Shifts, SHLD/SHRD, MUL/IMUL (whose SF/ZF/PF come from dst too). */
export const FLAGS_SHIFT = 8;
/** aux = CF, src = the other flags at their EFLAGS positions (its bit 0 is ignored). BT family, CLC STC CMC. When only CF is live, src need not be computed. */
export const FLAGS_CARRY = 9;
/** aux = CF | OF << 1, src = the other flags at their EFLAGS positions (its CF and OF are ignored). Rotates. */
export const FLAGS_ROTATE = 10;

/**
 * dst, src = two f64 as their bits: UCOMISD and COMISD dst, src (UCOMISS and COMISS promoted). CF = dst < src or unordered, ZF = equal or unordered,
 * PF = unordered; OF = SF = AF = 0. So A is `dst > src`, AE is `dst >= src`. Condition G is NE and LE is E, L never holds, GE always.
 */
export const FLAGS_FLOAT = 11;

export const CF = 0x001;
export const PF = 0x004;
export const AF = 0x010;
export const ZF = 0x040;
export const SF = 0x080;
export const TF = 0x100;
export const IF = 0x200;
export const DF = 0x400;
export const OF = 0x800;
/** Resume: the instruction breakpoint at RIP is passed over once. */
export const RF = 0x10000;
/** The six arithmetic flags. */
export const ARITH_FLAGS: number = CF | PF | AF | ZF | SF | OF;

/** Condition codes as encoded in Jcc/SETcc/CMOVcc: O NO B AE E NE BE A S NS P NP L GE LE G. */
export const CC_O = 0, CC_NO = 1, CC_B = 2, CC_AE = 3, CC_E = 4, CC_NE = 5, CC_BE = 6, CC_A = 7;
export const CC_S = 8, CC_NS = 9, CC_P = 10, CC_NP = 11, CC_L = 12, CC_GE = 13, CC_LE = 14, CC_G = 15;

const doubles = new Float64Array(2);
const words = new Int32Array(doubles.buffer);

/**
 * The six arithmetic flags at their EFLAGS positions, from the lazy state: `op` = kind * 4 + log2(size), the others as low and high halves
 * (dst and src zero-extended from the operand size). This is the definition that a platform's own code for conditions must agree with.
 */
export function materialise(op: number, dstLo: number, dstHi: number, srcLo: number, srcHi: number, aux: number): number {
  const kind = op >> 2;
  if (kind === FLAGS_RAW) return srcLo & ARITH_FLAGS;
  if (kind === FLAGS_CARRY) return (srcLo & (ARITH_FLAGS & ~CF)) | (aux & 1);
  if (kind === FLAGS_ROTATE) return (srcLo & (ARITH_FLAGS & ~(CF | OF))) | (aux & 1) | ((aux & 2) << 10);
  if (kind === FLAGS_FLOAT) {
    words[0] = dstLo;
    words[1] = dstHi;
    words[2] = srcLo;
    words[3] = srcHi;
    const x = doubles[0]!, y = doubles[1]!;
    return x > y ? 0 : x < y ? CF : x === y ? ZF : CF | ZF | PF;
  }
  // a, b: operands; r: result. Only what the kind needs is filled in.
  const size = op & 3;
  const borrow = kind === FLAGS_ADC || kind === FLAGS_SBB ? aux & 1 : 0;
  let rLo = dstLo | 0, rHi = dstHi | 0;
  let flags = 0;
  if (kind === FLAGS_ADD || kind === FLAGS_ADC || kind === FLAGS_SUB || kind === FLAGS_SBB) {
    const bLo = srcLo | 0, bHi = srcHi | 0;
    // dst - src - borrow: the first operand of an addition, the result of a subtraction.
    const low = (dstLo >>> 0) - (srcLo >>> 0) - borrow;
    const xLo = low | 0;
    const xHi = ((dstHi | 0) - bHi - (low < 0 ? 1 : 0)) | 0;
    const subtract = kind === FLAGS_SUB || kind === FLAGS_SBB;
    const aLo = subtract ? dstLo | 0 : xLo, aHi = subtract ? dstHi | 0 : xHi;
    if (subtract) {
      rLo = xLo;
      rHi = xHi;
    }
    // Both come to: carry or borrow out of dst - src - borrow, which is the same comparison.
    const dH = dstHi >>> 0, sH = srcHi >>> 0, dL = dstLo >>> 0, sL = srcLo >>> 0;
    if (dH < sH || (dH === sH && (dL < sL || (dL === sL && borrow === 1)))) flags |= CF;
    flags |= (aLo ^ bLo ^ rLo) & AF;
    const overflowLo = subtract ? (aLo ^ bLo) & (aLo ^ rLo) : (aLo ^ rLo) & (bLo ^ rLo);
    const overflowHi = subtract ? (aHi ^ bHi) & (aHi ^ rHi) : (aHi ^ rHi) & (bHi ^ rHi);
    if (signBit(size, overflowLo, overflowHi)) flags |= OF;
  } else if (kind === FLAGS_INC || kind === FLAGS_DEC) {
    const inc = kind === FLAGS_INC;
    flags |= aux & CF;
    if ((rLo & 15) === (inc ? 0 : 15)) flags |= AF;
    // Overflow: INC gave the smallest number, DEC the largest.
    const minimumLo = size === 3 ? 0 : 1 << ((8 << size) - 1);
    const minimumHi = size === 3 ? 1 << 31 : 0;
    const edgeLo = inc ? minimumLo : size === 3 ? -1 : minimumLo - 1;
    const edgeHi = inc ? minimumHi : size === 3 ? minimumHi - 1 : 0;
    if (rLo === (edgeLo | 0) && rHi === (edgeHi | 0)) flags |= OF;
  } else if (kind === FLAGS_SHIFT) flags |= (aux & 1) | ((aux & 2) << 10);
  if (size === 0) rLo &= 0xff;
  else if (size === 1) rLo &= 0xffff;
  if (rLo === 0 && (size !== 3 || rHi === 0)) flags |= ZF;
  if (signBit(size, rLo, rHi)) flags |= SF;
  // 0x6996 has bit n set for each n of odd parity.
  if (((0x6996 >> ((rLo ^ (rLo >> 4)) & 15)) & 1) === 0) flags |= PF;
  return flags;
}

function signBit(size: number, lo: number, hi: number): boolean {
  return size === 3 ? hi < 0 : ((lo >> ((8 << size) - 1)) & 1) !== 0;
}
