/** x87 instruction forms. C0, C2 and C3 of the status word are undefined after most of them; the masks say which are not compared. */
import type { Form } from './snippets.ts';

/** C0, C2, C3. */
const CONDITIONS = 0x4500;
const X = { fp: 'x87', undefSw: CONDITIONS } as const;
const COMPARE = { fp: 'x87' } as const;
/** Transcendental functions: the processor is not correctly rounded. C1 follows from the rounding. */
const NEAR = { fp: 'x87', undefSw: CONDITIONS | 0x200, tolerance: 1 } as const;

export const X87_FORMS: readonly Form[] = [
  ...['fadd', 'fmul', 'fsub', 'fsubr', 'fdiv', 'fdivr'].flatMap((op): Form[] => [
    [`${op} st,{st}`, { ...X, weight: 4 }], [`${op} {st},st`, { ...X, weight: 2 }], [`${op}p {st},st`, { ...X, weight: 2 }], [`${op} {m32}`, X], [`${op} {m64}`, X], [`fi${op.slice(1)} {m16}`, X], [`fi${op.slice(1)} {m32}`, X],
  ]),
  ...['fcom', 'fcomp'].flatMap((op): Form[] => [[`${op} {st}`, { ...COMPARE, weight: 2 }], [`${op} {m32}`, COMPARE], [`${op} {m64}`, COMPARE], [`fi${op.slice(1)} {m16}`, COMPARE], [`fi${op.slice(1)} {m32}`, COMPARE]]),
  ['fcompp', COMPARE], ['fucompp', COMPARE], ['fucom {st}', COMPARE], ['fucomp {st}', COMPARE], ['ftst', COMPARE], ['fxam', { ...COMPARE, weight: 4 }],
  ...['fcomi', 'fucomi', 'fcomip', 'fucomip'].map((op): Form => [`${op} st,{st}`, { ...X, weight: 2 }]),
  ...['b', 'e', 'be', 'u', 'nb', 'ne', 'nbe', 'nu'].map((c): Form => [`fcmov${c} st,{st}`, X]),
  ['fld {m32}', X], ['fld {m64}', X], ['fld {m80}', X], ['fld {st}', X], ['fild {m16}', X], ['fild {m32}', X], ['fild {m64}', X], ['fbld {m80}', X],
  ['fst {m32}', { ...X, weight: 2 }], ['fst {m64}', { ...X, weight: 2 }], ['fst {st}', X], ['fstp {m32}', X], ['fstp {m64}', X], ['fstp {m80}', X], ['fstp {st}', X], ['fbstp {m80}', { ...X, weight: 2 }],
  ['fist {m16}', X], ['fist {m32}', X], ['fistp {m16}', X], ['fistp {m32}', X], ['fistp {m64}', X], ['fisttp {m16}', X], ['fisttp {m32}', X], ['fisttp {m64}', X],
  ['fxch {st}', X], ['ffree {st}', X], ['fincstp', X], ['fdecstp', X], ['fchs', X], ['fabs', X], ['fnop', X], ['fwait', X],
  ...['fld1', 'fldl2t', 'fldl2e', 'fldpi', 'fldlg2', 'fldln2', 'fldz'].map((op): Form => [op, X]),
  ['fsqrt', { ...X, weight: 4 }], ['frndint', { ...X, weight: 4 }], ['fscale', { ...X, weight: 6 }], ['fxtract', { ...X, weight: 4 }], ['fprem', { ...COMPARE, weight: 8 }], ['fprem1', { ...COMPARE, weight: 8 }],
  ['f2xm1', NEAR], ['fyl2x', NEAR], ['fyl2xp1', NEAR], ['fpatan', NEAR], ['fptan', NEAR], ['fsin', NEAR], ['fcos', NEAR], ['fsincos', NEAR],
  ['fnstcw {m16}', X], ['fnstsw {m16}', { fp: 'x87' }], ['fnstsw ax', { fp: 'x87' }], ['fnclex', X], ['fninit', { fp: 'x87' }], ['fldcw {m16}', X],
  // The pointers are not kept: this processor saves them only with an exception pending.
  ['fnstenv {m:28}', { ...COMPARE, skip: [[12, 16]], weight: 2 }], ['fldenv {m:28}', { fp: 'x87', weight: 4 }], ['fnsave {m:108}', { fp: 'x87', skip: [[12, 16]], weight: 2 }], ['frstor {m:108}', { fp: 'x87', weight: 4 }],
  ['data16 fnstenv {m:14}', { ...COMPARE, skip: [[6, 8]] }], ['data16 fldenv {m:14}', { fp: 'x87' }],
  ['fld {m64}; fadd {m64}; fstp {m64}', X], ['fild {m32}; fsqrt; fstp {m64}', X],
];
