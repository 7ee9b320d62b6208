/** Text of a decoded instruction in Intel syntax, from its row: for crash reports, the report of unimplemented instructions, and tests. */
import type { Insn } from './insn.ts';
import { REPE } from './insn.ts';

const R64 = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'];
const LOW8 = ['al', 'cl', 'dl', 'bl', 'spl', 'bpl', 'sil', 'dil'];
const HIGH8 = ['ah', 'ch', 'dh', 'bh'];
const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs', '?', '?'];
const SIZE_NAMES: Readonly<Record<number, string>> = { 1: 'byte', 2: 'word', 4: 'dword', 8: 'qword', 10: 'tbyte', 16: 'xmmword' };

function register(size: number, r: number, rex: boolean): string {
  if (size === 1) {
    if (r < 4 || (rex && r < 8)) return LOW8[r]!;
    return r < 8 ? HIGH8[r - 4]! : `${R64[r]}b`;
  }
  const name = R64[r]!;
  if (r >= 8) return size === 8 ? name : name + (size === 4 ? 'd' : 'w');
  return size === 8 ? name : size === 4 ? `e${name.slice(1)}` : name.slice(1);
}

/** Bytes that the size letter of an operand stands for; 0 = unknown. */
function sizeOf(letter: string, i: Insn): number {
  switch (letter) {
    case 'b':
      return 1;
    case 'w':
      return 2;
    case 'd':
      return 4;
    case 'q':
      return 8;
    case 'y':
      return i.rexW ? 8 : 4;
    case 'v':
      return i.size;
    case 'z':
      return i.size === 2 ? 2 : 4;
    case 'x':
    case 'dq':
    case 'ps':
    case 'pd':
      return 16;
  }
  return 0;
}

function hex(n: number): string {
  return n < 0 ? `-0x${(-n).toString(16)}` : `0x${n.toString(16)}`;
}

function address(i: Insn): string {
  const width = i.address32 ? 4 : 8;
  const parts: string[] = [];
  if (i.base >= 0) parts.push(register(width, i.base, true));
  if (i.index >= 0) parts.push(`${register(width, i.index, true)}*${1 << i.scale}`);
  const segment = i.segment === 0 ? '' : `${SEGMENTS[i.segment]}:`;
  if (i.ripRelative) return `${segment}[rip${i.disp < 0 ? '-' : '+'}${hex(Math.abs(i.disp))}]`;
  if (parts.length === 0) return `${segment}[${hex(i.disp >>> 0)}]`;
  if (i.disp !== 0) return `${segment}[${parts.join('+')}${i.disp < 0 ? '-' : '+'}${hex(Math.abs(i.disp))}]`;
  return `${segment}[${parts.join('+')}]`;
}

function memoryOperand(size: number, i: Insn): string {
  const name = SIZE_NAMES[size];
  return name === undefined ? address(i) : `${name} ptr ${address(i)}`;
}

function operand(text: string, i: Insn): string {
  const letter = text.slice(1);
  const size = sizeOf(letter, i);
  switch (text[0]) {
    case 'E':
      return i.mod === 3 ? register(size, i.rm, i.rex) : memoryOperand(size, i);
    case 'M':
      return memoryOperand(size, i);
    case 'G':
      return register(size, i.reg, i.rex);
    case 'B':
      return register(size, i.vvvv, true);
    case 'R':
    case 'Z':
      if (text.length !== 2) return text;
      return register(size, i.rm, i.rex);
    case 'I':
      return letter === 'v' && i.size === 8 ? hex(i.immHi * 4294967296 + (i.imm >>> 0)) : text === 'Ib' && i.form!.operands.length === 2 && i.form!.operands[0] === 'Iw' ? hex(i.imm2) : hex(i.imm);
    case 'J':
      return hex(i.target);
    case 'O':
      return `[${hex((i.immHi >>> 0) * 4294967296 + (i.imm >>> 0))}]`;
    case 'V':
      return `xmm${i.reg}`;
    case 'W':
      return i.mod === 3 ? `xmm${i.rm}` : memoryOperand(size, i);
    case 'U':
      return `xmm${i.rm}`;
    case 'P':
      return `mm${i.reg & 7}`;
    case 'Q':
      return i.mod === 3 ? `mm${i.rm & 7}` : memoryOperand(size, i);
    case 'N':
      return `mm${i.rm & 7}`;
    case 'S':
      if (text === 'STi') return `st(${i.rm & 7})`;
      return text === 'Sw' ? SEGMENTS[i.reg & 7]! : text;
    case 'X':
      return `${SIZE_NAMES[size]} ptr ${i.segment === 0 ? 'ds' : SEGMENTS[i.segment]}:[${register(i.address32 ? 4 : 8, 6, true)}]`;
    case 'Y':
      return `${SIZE_NAMES[size]} ptr es:[${register(i.address32 ? 4 : 8, 7, true)}]`;
  }
  return text === 'rAX' ? register(i.size, 0, true) : text.toLowerCase();
}

/** The instruction in `i` as text; what has no row as its bytes. */
export function disassemble(i: Insn): string {
  const form = i.form;
  if (form === null) return `(bad) ${bytesText(i)}`;
  let text = form.mnemonic;
  if (i.lock) text = `lock ${text}`;
  else if (i.rep !== 0 && /^(movs|stos|lods|cmps|scas|ins|outs)$/.test(text)) text = `${i.rep === REPE ? 'rep' : 'repnz'} ${text}`;
  if (form.operands.length > 0) text += ` ${form.operands.map((o) => operand(o, i)).join(',')}`;
  return text;
}

/** The bytes that were decoded, in hexadecimal. */
export function bytesText(i: Insn): string {
  return Array.from(i.bytes.subarray(0, i.length), (v) => v.toString(16).padStart(2, '0')).join(' ');
}
