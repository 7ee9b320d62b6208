/**
 * Instruction rows, as in the processor manual: one row a form.
 *
 *   ['lock 01 /r', 'add Ev,Gv', lifter]
 *
 * Encoding: optional mandatory prefix (`NP` none of them, `66`, `F2`, `F3`; without one the row takes all that no other row claims), opcode
 * bytes, then `+r` (register in the opcode's low three bits), `/r`, or `/0`…`/7` (opcode extension in ModRM.reg). A byte that follows a
 * complete opcode is a whole ModRM byte (`0F 01 D0`), `+i` behind it spans its eight rm values (`D8 C0+i`).
 * Words in front: `VEX` = behind a VEX prefix, whose mandatory prefix must be given; `.L0`, `.L1`, `.W0`, `.W1` restrict its fields. `lock` = LOCK is allowed on a memory destination, `d64` = 64-bit operand size by default, 66 makes it 16, `f64` = 64-bit always.
 *
 * Operands use the manual's opcode-map letters (SDM vol. 2, appendix A.2): E = general register or memory, G = general register in ModRM.reg,
 * R = register only in rm, M = memory only, Z = register in the opcode, I = immediate, J = relative target, O = absolute offset,
 * B = general register in VEX.vvvv, H = XMM or YMM in VEX.vvvv, L = XMM or YMM in the immediate's upper half,
 * X/Y = string source/destination, S = segment register, V = XMM in reg, W = XMM or memory, U = XMM register only in rm, P = MMX in reg,
 * Q = MMX or memory, N = MMX register only in rm; sizes b w d q, v = 2/4/8, z = 2/4/4, y = 4/4/8, x/dq = 16. The immediates decide how many bytes follow.
 * M, R, U and N also restrict ModRM.mod; so do STi (register) and memory operands of x87.
 */
import type { IrBuilder } from './ir.ts';
import type { Insn } from './insn.ts';

/** Emits the IR of one decoded instruction. */
export type Lifter = (b: IrBuilder, i: Insn) => void;
/** Encoding, mnemonic with operands, lifter. */
export type Row = readonly [encoding: string, text: string, lift: Lifter];

/** What follows ModRM and displacement. */
export const IMM_NONE = 0, IMM_8 = 1, IMM_16 = 2, IMM_Z = 3, IMM_V = 4, IMM_OFFSET = 5, IMM_16_8 = 6, IMM_32 = 7;

/** A compiled row. */
export interface Form {
  readonly encoding: string;
  readonly mnemonic: string;
  readonly operands: readonly string[];
  readonly lift: Lifter;
  readonly immediate: number;
  readonly lockable: boolean;
  /** 1 = byte operands, 8 = `f64`, 64 = `d64`, 0 = by REX.W and 66. */
  readonly sizing: number;
  /** An operand is in VEX.vvvv; in the other VEX forms the field must say 0. */
  readonly usesVvvv: boolean;
}

/** All forms of one opcode, indexed by whichever of mandatory prefix, memory/register, reg and rm tell them apart. */
export interface Cell {
  readonly hasModrm: boolean;
  /** Multipliers of each dimension; 0 = it does not matter. */
  readonly byPrefix: number;
  readonly byL: number;
  readonly byW: number;
  readonly byMod: number;
  readonly byReg: number;
  readonly byRm: number;
  readonly forms: readonly (Form | null)[];
}

interface Pattern {
  readonly form: Form;
  /** Each -1 = any. */
  readonly prefix: number;
  readonly l: number;
  readonly w: number;
  readonly mod: number;
  readonly reg: number;
  readonly rm: number;
  readonly hasModrm: boolean;
}

/** Maps behind a VEX prefix are numbered this many higher. */
export const VEX_MAPS = 4;
const MAPS = 8;

const patterns: Pattern[][] = Array.from({ length: MAPS * 256 }, () => []);
const cells: (Cell | null | undefined)[] = Array.from({ length: MAPS * 256 }, () => undefined);

const PREFIXES: Readonly<Record<string, number>> = { NP: 0, '66': 1, F2: 2, F3: 3 };

/** Adds rows to the tables. Called at module load by every file that lifts instructions. */
export function define(rows: readonly Row[]): void {
  for (let k = 0; k < rows.length; k++) add(rows[k]!);
}

function add(row: Row): void {
  const [encoding, text, lift] = row;
  const space = text.indexOf(' ');
  const mnemonic = space < 0 ? text : text.slice(0, space);
  const operands = space < 0 ? [] : text.slice(space + 1).split(',');
  let prefix = -1, reg = -1, rm = -1, mod = -1, map = 0, opcode = -1, span = 1, l = -1, w = -1;
  let vex = false, hasModrm = false, lockable = false, sizing = operands.length > 0 && isByte(operands[0]!) ? 1 : 0;
  for (const word of encoding.split(' ')) {
    if (word.startsWith('VEX')) {
      vex = true;
      if (word.includes('.L')) l = word.includes('.L1') ? 1 : 0;
      if (word.includes('.W')) w = word.includes('.W1') ? 1 : 0;
    } else if (word === 'lock') lockable = true;
    else if (word === 'd64') sizing = 64;
    else if (word === 'f64') sizing = 8;
    else if (word === '/r') hasModrm = true;
    else if (word[0] === '/') {
      hasModrm = true;
      reg = Number(word[1]);
    } else if (opcode < 0 && prefix < 0 && word in PREFIXES) prefix = PREFIXES[word]!;
    else {
      const byte = parseInt(word, 16);
      if (opcode === 0x0f && map === 0) {
        map = byte === 0x38 ? 2 : byte === 0x3a ? 3 : 1;
        opcode = map === 1 ? byte : -1;
      } else if (opcode < 0) opcode = byte;
      else {
        hasModrm = true;
        mod = 1;
        reg = (byte >> 3) & 7;
        if (!word.endsWith('+i')) rm = byte & 7;
      }
      if (word.endsWith('+r')) span = 8;
    }
  }
  for (const o of operands) {
    if (/^M/.test(o)) mod = 0;
    else if (/^[RUN][a-z]/.test(o) || o === 'STi') mod = 1;
  }
  if (opcode < 0) throw new Error(`bad instruction row: ${encoding}`);
  const form: Form = { encoding, mnemonic, operands, lift, immediate: immediateOf(operands), lockable, sizing, usesVvvv: !vex || operands.some((o) => /^[BH]/.test(o)) };
  if (vex) map += VEX_MAPS;
  for (let k = 0; k < span; k++) patterns[map * 256 + opcode + k]!.push({ form, prefix, l, w, mod, reg, rm, hasModrm });
}

function isByte(operand: string): boolean {
  return /^[A-Z]b$/.test(operand) || operand === 'AL';
}

function immediateOf(operands: readonly string[]): number {
  let kind = IMM_NONE;
  for (const o of operands) {
    if (o === 'Ib' || o === 'Jb') kind = kind === IMM_16 ? IMM_16_8 : IMM_8;
    else if (o === 'Iw') kind = IMM_16;
    else if (o === 'Iz') kind = IMM_Z;
    else if (o === 'Jz') kind = IMM_32;
    else if (o === 'Iv') kind = IMM_V;
    else if (o === 'Ob' || o === 'Ov') kind = IMM_OFFSET;
  }
  return kind;
}

/** The cell of an opcode, or null if no row has it. Built at its first use, when all rows are in. */
export function cellOf(map: number, opcode: number): Cell | null {
  const at = map * 256 + opcode;
  const c = cells[at];
  return c === undefined ? (cells[at] = build(patterns[at]!)) : c;
}

function build(list: readonly Pattern[]): Cell | null {
  if (list.length === 0) return null;
  let n = 1;
  const stride = (used: boolean, values: number): number => {
    if (!used) return 0;
    const s = n;
    n *= values;
    return s;
  };
  const byPrefix = stride(list.some((p) => p.prefix >= 0), 4);
  const byL = stride(list.some((p) => p.l >= 0), 2);
  const byW = stride(list.some((p) => p.w >= 0), 2);
  const byMod = stride(list.some((p) => p.mod >= 0), 2);
  const byReg = stride(list.some((p) => p.reg >= 0), 8);
  const byRm = stride(list.some((p) => p.rm >= 0), 8);
  const forms: (Form | null)[] = Array.from({ length: n }, () => null);
  const owner: number[] = forms.map(() => -1);
  /** The values of a dimension that a pattern takes. */
  const range = (value: number, used: number, count: number): number[] => (value >= 0 ? [value] : Array.from({ length: used ? count : 1 }, (_, k) => k));
  const fill = (p: Pattern, weight: number): void => {
    for (const prefix of range(p.prefix, byPrefix, 4))
      for (const l of range(p.l, byL, 2))
        for (const w of range(p.w, byW, 2))
          for (const mod of range(p.mod, byMod, 2))
            for (const reg of range(p.reg, byReg, 8))
              for (const rm of range(p.rm, byRm, 8)) {
                const at = prefix * byPrefix + l * byL + w * byW + mod * byMod + reg * byReg + rm * byRm;
                if (owner[at] === weight) throw new Error(`rows collide: ${forms[at]!.encoding} ${forms[at]!.mnemonic}, ${p.form.encoding} ${p.form.mnemonic}`);
                if (owner[at]! > weight) continue;
                owner[at] = weight;
                forms[at] = p.form;
              }
  };
  for (const p of list) fill(p, (p.prefix >= 0 ? 8 : 0) + (p.rm >= 0 ? 4 : 0) + (p.reg >= 0 ? 2 : 0) + (p.mod >= 0 ? 1 : 0) + (p.l >= 0 ? 16 : 0) + (p.w >= 0 ? 32 : 0));
  return { hasModrm: list.some((p) => p.hasModrm), byPrefix, byL, byW, byMod, byReg, byRm, forms };
}

/** Every row there is, for tests and coverage listings. */
export function allForms(): Form[] {
  const seen = new Set<Form>();
  for (const list of patterns) for (const p of list) seen.add(p.form);
  return [...seen];
}
