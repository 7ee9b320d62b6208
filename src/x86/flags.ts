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
/** dst = result, aux = CF | OF << 1 computed by the lifter; AF = 0. Shifts, SHLD/SHRD, MUL/IMUL (whose SF/ZF/PF come from dst too), BT-family are RAW. */
export const FLAGS_SHIFT = 8;

export const CF = 0x001;
export const PF = 0x004;
export const AF = 0x010;
export const ZF = 0x040;
export const SF = 0x080;
export const TF = 0x100;
export const IF = 0x200;
export const DF = 0x400;
export const OF = 0x800;
/** The six arithmetic flags. */
export const ARITH_FLAGS: number = CF | PF | AF | ZF | SF | OF;

/** Condition codes as encoded in Jcc/SETcc/CMOVcc: O NO B AE E NE BE A S NS P NP L GE LE G. */
export const CC_O = 0, CC_NO = 1, CC_B = 2, CC_AE = 3, CC_E = 4, CC_NE = 5, CC_BE = 6, CC_A = 7;
export const CC_S = 8, CC_NS = 9, CC_P = 10, CC_NP = 11, CC_L = 12, CC_GE = 13, CC_LE = 14, CC_G = 15;
