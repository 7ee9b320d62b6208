/** Decoder of 64-bit mode instructions: prefixes, opcode, ModRM, SIB, displacement, immediates. Source: SDM vol. 2, chapter 2 and appendix A. */
import type { Cell } from './forms.ts';
import { IMM_16, IMM_16_8, IMM_32, IMM_8, IMM_NONE, IMM_OFFSET, IMM_V, IMM_Z, VEX_MAPS, cellOf } from './forms.ts';
import type { Insn } from './insn.ts';
import { MAX_LENGTH, REPE, REPNE } from './insn.ts';

/** The byte at a guest address, or -1 if it cannot be fetched. */
export type Fetch = (address: number) => number;

export const DECODE_OK = 0;
/** No row for these bytes: #UD. */
export const DECODE_ILLEGAL = 1;
/** A byte could not be fetched: `insn.faultAddress`. */
export const DECODE_FETCH_FAULT = 2;
/** More than 15 bytes: #GP. */
export const DECODE_TOO_LONG = 3;

// What a first-map byte is, where it is not an opcode.
const PREFIX_LOCK = 1, PREFIX_REPNE = 2, PREFIX_REPE = 3, PREFIX_66 = 4, PREFIX_67 = 5, PREFIX_FS = 6, PREFIX_GS = 7, PREFIX_IGNORED = 8, PREFIX_REX = 9;
const PREFIX_KIND = new Uint8Array(256);
PREFIX_KIND[0xf0] = PREFIX_LOCK;
PREFIX_KIND[0xf2] = PREFIX_REPNE;
PREFIX_KIND[0xf3] = PREFIX_REPE;
PREFIX_KIND[0x66] = PREFIX_66;
PREFIX_KIND[0x67] = PREFIX_67;
PREFIX_KIND[0x64] = PREFIX_FS;
PREFIX_KIND[0x65] = PREFIX_GS;
for (const p of [0x26, 0x2e, 0x36, 0x3e]) PREFIX_KIND[p] = PREFIX_IGNORED;
for (let p = 0x40; p < 0x50; p++) PREFIX_KIND[p] = PREFIX_REX;

let fetch: Fetch;
let failed = 0;

/** Takes the next byte; on failure sets `failed` and gives 0. */
function take(i: Insn): number {
  if (failed !== 0) return 0;
  const n = i.length;
  if (n >= MAX_LENGTH) {
    failed = DECODE_TOO_LONG;
    return 0;
  }
  const v = fetch(i.address + n);
  if (v < 0) {
    failed = DECODE_FETCH_FAULT;
    i.faultAddress = i.address + n;
    return 0;
  }
  i.bytes[n] = v;
  i.length = n + 1;
  return v;
}
function take16(i: Insn): number {
  const v = take(i);
  return v | (take(i) << 8);
}
function take32(i: Insn): number {
  const v = take16(i);
  return v | (take16(i) << 16);
}

/** Decodes the instruction at `address` into `i`. */
export function decode(from: Fetch, address: number, i: Insn): number {
  fetch = from;
  failed = 0;
  i.address = address;
  i.length = 0;
  i.form = null;
  i.data16 = i.address32 = i.lock = i.rex = i.rexW = i.vex = i.wide = false;
  i.rep = i.segment = i.rexR = i.rexX = i.rexB = i.prefix = i.vvvv = 0;
  i.mod = 3;
  i.place = -1;

  let byte = take(i);
  for (let kind = PREFIX_KIND[byte]!; kind !== 0 && failed === 0; kind = PREFIX_KIND[byte]!) {
    if (kind === PREFIX_REX) {
      const rex = byte;
      byte = take(i);
      // A REX prefix counts only right in front of the opcode.
      if (PREFIX_KIND[byte] === 0) {
        i.rex = true;
        i.rexW = (rex & 8) !== 0;
        i.rexR = (rex & 4) << 1;
        i.rexX = (rex & 2) << 2;
        i.rexB = (rex & 1) << 3;
      }
      continue;
    }
    if (kind === PREFIX_66) i.data16 = true;
    else if (kind === PREFIX_67) i.address32 = true;
    else if (kind === PREFIX_LOCK) i.lock = true;
    else if (kind === PREFIX_REPNE) i.rep = REPNE;
    else if (kind === PREFIX_REPE) i.rep = REPE;
    else if (kind === PREFIX_FS) i.segment = 4;
    else if (kind === PREFIX_GS) i.segment = 5;
    byte = take(i);
  }

  let map = 0;
  if (byte === 0x0f) {
    map = 1;
    byte = take(i);
    if (byte === 0x38 || byte === 0x3a) {
      map = byte === 0x38 ? 2 : 3;
      byte = take(i);
    }
  } else if (byte === 0xc4 || byte === 0xc5) {
    // In 64-bit mode these are always VEX; 66, F2, F3, LOCK and REX must not stand before it. SDM vol. 2, 2.3.
    const fits = !i.data16 && i.rep === 0 && !i.lock && !i.rex;
    map = vexPrefix(i, byte === 0xc4);
    if (failed !== 0) return failed;
    if (!fits || map === 0) return DECODE_ILLEGAL;
    byte = take(i);
  }
  i.map = map;
  i.opcode = byte;
  if (failed !== 0) return failed;

  const cell: Cell | null = cellOf(map, byte);
  if (cell === null) return DECODE_ILLEGAL;
  const prefix = i.vex ? i.prefix : i.rep === REPE ? 3 : i.rep === REPNE ? 2 : i.data16 ? 1 : 0;
  i.prefix = prefix;
  let at = prefix * cell.byPrefix + (i.wide ? cell.byL : 0) + (i.rexW ? cell.byW : 0);
  if (cell.hasModrm) {
    const modrm = take(i);
    i.modrm = modrm;
    i.mod = modrm >> 6;
    i.reg = ((modrm >> 3) & 7) | i.rexR;
    if (i.mod === 3) {
      i.rm = (modrm & 7) | i.rexB;
      at += cell.byMod;
    } else memoryOperand(i, modrm);
    at += ((modrm >> 3) & 7) * cell.byReg + (modrm & 7) * cell.byRm;
  } else i.rm = (byte & 7) | i.rexB;
  if (failed !== 0) return failed;

  const form = cell.forms[at]!;
  if (form === null) return DECODE_ILLEGAL;
  i.form = form;
  if (i.vvvv !== 0 && !form.usesVvvv) return DECODE_ILLEGAL;
  const sizing = form.sizing;
  i.size = sizing === 1 ? 1 : sizing === 8 ? 8 : sizing === 64 ? (i.data16 && !i.rexW ? 2 : 8) : i.rexW ? 8 : i.data16 ? 2 : 4;
  if (form.immediate !== IMM_NONE) immediates(i, form.immediate);
  i.next = address + i.length;
  if (failed !== 0) return failed;
  if (i.lock && (!form.lockable || i.mod === 3)) return DECODE_ILLEGAL;
  return DECODE_OK;
}

/** VEX.pp to the column of the mandatory prefix: none, 66, F3, F2. */
const VEX_PREFIX = [0, 1, 3, 2];

/** The two or three bytes of a VEX prefix; the map, 0 = no such map. */
function vexPrefix(i: Insn, three: boolean): number {
  i.vex = true;
  let map = 1;
  let last = take(i);
  i.rexR = last & 0x80 ? 0 : 8;
  if (three) {
    i.rexX = last & 0x40 ? 0 : 8;
    i.rexB = last & 0x20 ? 0 : 8;
    map = last & 31;
    last = take(i);
    i.rexW = (last & 0x80) !== 0;
  }
  i.vvvv = ((last >> 3) & 15) ^ 15;
  i.wide = (last & 4) !== 0;
  i.prefix = VEX_PREFIX[last & 3]!; // two bits
  return map >= 1 && map <= 3 ? VEX_MAPS + map : 0;
}

function memoryOperand(i: Insn, modrm: number): void {
  const rm = modrm & 7;
  const mod = i.mod;
  i.index = -1;
  i.scale = 0;
  i.ripRelative = false;
  i.disp = 0;
  let wide = mod === 2;
  if (rm === 4) {
    const sib = take(i);
    const index = ((sib >> 3) & 7) | i.rexX;
    if (index !== 4) {
      i.index = index;
      i.scale = sib >> 6;
    }
    if ((sib & 7) === 5 && mod === 0) {
      i.base = -1;
      wide = true;
    } else i.base = (sib & 7) | i.rexB;
  } else if (rm === 5 && mod === 0) {
    i.base = -1;
    i.ripRelative = true;
    wide = true;
  } else i.base = rm | i.rexB;
  if (wide) i.disp = take32(i);
  else if (mod === 1) i.disp = (take(i) << 24) >> 24;
}

function immediates(i: Insn, kind: number): void {
  i.imm2 = 0;
  switch (kind) {
    case IMM_8:
      i.imm = (take(i) << 24) >> 24;
      break;
    case IMM_16:
      i.imm = take16(i);
      break;
    case IMM_16_8:
      i.imm = take16(i);
      i.imm2 = take(i);
      break;
    case IMM_Z:
      i.imm = i.size === 2 ? (take16(i) << 16) >> 16 : take32(i);
      break;
    case IMM_32:
      i.imm = take32(i);
      break;
    case IMM_V:
      if (i.size === 8) {
        i.imm = take32(i);
        i.immHi = take32(i);
        return;
      }
      i.imm = i.size === 2 ? take16(i) : take32(i);
      break;
    case IMM_OFFSET:
      i.imm = take32(i);
      i.immHi = i.address32 ? 0 : take32(i);
      return;
  }
  i.immHi = i.imm >> 31;
}
