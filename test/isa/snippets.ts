/**
 * Instruction forms and the concrete snippets made from them.
 *
 * A form is one line of Intel-syntax assembly with operands in braces, which are filled at random:
 *   {r8} {r16} {r32} {r64}       general register                {rN} {rmN} {mN} {iN}: N runs over `sizes` (default 8 16 32 64)
 *   {m8} … {m64} {m80} {m128}    memory (base, index, scale and displacement at random)      {rm32}: register or memory
 *   {m128a}                      16-byte memory operand that must be aligned (usually is)    {xm128a} {xm64} {xm32} {xm128}: xmm register or memory
 *   {x} xmm register, {mm} MMX register, {mmm64} MMX register or memory, {st} st(i), {i8} {i16} {i32} {u8} immediates
 *   {rs64} …                     register whose value is small (bit offsets, counts)
 *   {m} memory without size, {mN:48}: 48 bytes of it are touched
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from './random.ts';
import { CODE_BASE, REG_NAMES, STRIDE } from './record.ts';

export interface FormOptions {
  /** Flags the processor leaves undefined here: not compared. Names: cf pf af zf sf of. */
  readonly undef?: string;
  /** Registers that must point into the data window. */
  readonly ptr?: readonly string[];
  /** Registers that hold a small count. */
  readonly count?: readonly string[];
  readonly sizes?: readonly number[];
  /** Direction flag at random. */
  readonly df?: boolean;
  /** What the state should be rich in. */
  readonly fp?: 'sse' | 'x87' | 'mmx';
  /** Condition bits of the x87 status word that are undefined: a mask. */
  readonly undefSw?: number;
  /** Bytes of the data window, from the pointed-to address, that are not compared (reserved fields): [offset, length] pairs relative to the memory operand. */
  readonly skip?: readonly (readonly [number, number])[];
  /** Not compared: general registers. */
  readonly undefRegs?: readonly string[];
  /** Values of registers: name to list of choices. */
  readonly values?: Readonly<Record<string, readonly number[]>>;
  /** XMM registers are not compared (approximations, whose tables differ from processor to processor). */
  readonly undefXmm?: boolean;
  /** Units in the last place that x87 results may be off (transcendental functions). */
  readonly tolerance?: number;
  /** Concrete snippets made of this form, relative to the usual number. */
  readonly weight?: number;
}
export type Form = readonly [template: string, options?: FormOptions];

export interface MemoryOperand {
  readonly base: number;
  /** Index register, or -1. */
  readonly index: number;
  readonly scale: number;
  readonly disp: number;
  readonly size: number;
  readonly aligned: boolean;
}
export interface Snippet {
  readonly form: Form;
  readonly text: string;
  readonly address: number;
  readonly memory: MemoryOperand | null;
  /** Registers with small values. */
  readonly small: readonly number[];
}

const NAMES: Record<number, readonly string[]> = {
  8: ['al', 'cl', 'dl', 'bl', 'spl', 'bpl', 'sil', 'dil', 'r8b', 'r9b', 'r10b', 'r11b', 'r12b', 'r13b', 'r14b', 'r15b'],
  16: ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di', 'r8w', 'r9w', 'r10w', 'r11w', 'r12w', 'r13w', 'r14w', 'r15w'],
  32: ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi', 'r8d', 'r9d', 'r10d', 'r11d', 'r12d', 'r13d', 'r14d', 'r15d'],
  64: REG_NAMES,
};
const HIGH_BYTES = ['al', 'cl', 'dl', 'bl', 'ah', 'ch', 'dh', 'bh'];
const POINTER: Record<number, string> = { 8: 'byte ptr ', 16: 'word ptr ', 32: 'dword ptr ', 64: 'qword ptr ', 80: 'tbyte ptr ', 128: 'xmmword ptr ' };

class Expander {
  memory: MemoryOperand | null = null;
  small: number[] = [];
  private readonly rnd: Random;
  private readonly legacy: boolean;
  private readonly reserved: readonly number[];
  constructor(rnd: Random, legacy: boolean, reserved: readonly number[]) {
    this.rnd = rnd;
    this.legacy = legacy;
    this.reserved = reserved;
  }
  register(): number {
    for (;;) {
      const r = this.rnd.below(this.legacy ? 8 : 16);
      if (r !== 4 && !(this.legacy && r > 3)) return r;
    }
  }
  private mem(size: number, pointer: string, aligned = false): string {
    const rnd = this.rnd;
    let base: number;
    do base = rnd.below(this.legacy ? 8 : 16);
    while (base === 4 && !rnd.oneIn(4) || this.reserved.includes(base));
    let index = -1;
    let scale = 1;
    if (rnd.oneIn(3)) {
      do index = rnd.below(this.legacy ? 8 : 16);
      while (index === 4 || index === base || this.reserved.includes(index));
      scale = 1 << rnd.below(4);
    }
    const disp = rnd.oneIn(2) ? 0 : rnd.oneIn(2) ? rnd.below(256) - 128 : rnd.below(0x100000) - 0x80000;
    this.memory = { base, index, scale, disp, size: size >> 3, aligned };
    const d = disp === 0 ? '' : disp < 0 ? `${disp}` : `+${disp}`;
    return `${pointer}[${REG_NAMES[base]}${index >= 0 ? `+${REG_NAMES[index]}*${scale}` : ''}${d}]`;
  }
  private immediate(bits: number): string {
    const rnd = this.rnd;
    if (bits === 8) return String(rnd.oneIn(3) ? rnd.pick([0, 1, -1, 127, -128, 7, 8, 31]) : rnd.below(256) - 128);
    if (bits === 16) return String(rnd.oneIn(3) ? rnd.pick([0, 1, -1, 0x7fff, -0x8000, 255]) : rnd.below(0x10000) - 0x8000);
    return String(rnd.oneIn(3) ? rnd.pick([0, 1, -1, 0x7fffffff, -0x80000000, 255, 128]) : rnd.i32());
  }
  operand(spec: string): string {
    const rnd = this.rnd;
    const [kind, touched] = spec.split(':');
    const m = /^([a-z]+?)(\d*)(a?)$/.exec(kind!);
    if (!m) throw new Error(`operand {${spec}}`);
    const bits = Number(m[2] || 0);
    const memoryForm = (): string => this.mem(touched ? Number(touched) * 8 : bits, POINTER[bits] ?? '', m[3] === 'a');
    switch (m[1]) {
      case 'r': {
        const r = this.register();
        return bits === 8 && this.legacy ? rnd.pick(HIGH_BYTES) : NAMES[bits]![r]!;
      }
      case 'rs': {
        const r = this.register();
        this.small.push(r);
        return NAMES[bits]![r]!;
      }
      case 'rm':
        return rnd.oneIn(2) ? this.operand(`r${bits}`) : memoryForm();
      case 'm':
        return memoryForm();
      case 'x':
        return `xmm${rnd.below(16)}`;
      case 'xm':
        return rnd.oneIn(2) ? `xmm${rnd.below(16)}` : memoryForm();
      case 'mm':
        return `mm${rnd.below(8)}`;
      case 'mmm':
        return rnd.oneIn(2) ? `mm${rnd.below(8)}` : memoryForm();
      case 'st':
        return `st(${rnd.below(8)})`;
      case 'i':
        return this.immediate(bits);
      case 'u':
        return String(rnd.oneIn(3) ? rnd.pick([0, 1, 7, 8, 15, 16, 31, 63, 255]) : rnd.below(256));
      default:
        throw new Error(`operand {${spec}}`);
    }
  }
}

/** Makes `perForm` snippets of each form (each size separately) and assembles them. The code is laid out from CODE_BASE. */
export function makeSnippets(forms: readonly Form[], perForm: number, seed: number): { snippets: Snippet[]; code: Uint8Array } {
  const rnd = new Random(seed);
  const snippets: Snippet[] = [];
  for (const form of forms) {
    const [template, options] = form;
    const sizes = /\{[a-z]+N/.test(template) ? (options?.sizes ?? [8, 16, 32, 64]) : [0];
    for (const size of sizes) {
      const text = template.replaceAll('N', String(size)).replaceAll('{i64', '{i32');
      const seen = new Set<string>();
      const wanted = Math.max(1, Math.round(perForm * (options?.weight ?? 1)));
      for (let i = 0; i < wanted * 3 && seen.size < wanted; i++) {
        const legacy = /\{rm?8/.test(text) && !/64/.test(text) && rnd.oneIn(3);
        const implicit = (options?.ptr ?? []).concat(options?.count ?? []).map((r) => REG_NAMES.indexOf(r));
        const e = new Expander(rnd, legacy, implicit);
        const filled = text.replace(/\{([^}]+)\}/g, (_, spec: string) => e.operand(spec));
        // An instruction without operands is taken several times, for more states of it.
        if (seen.has(filled) && filled !== text) continue;
        seen.add(filled === text ? `${i}` : filled);
        snippets.push({ form, text: filled, address: CODE_BASE + snippets.length * STRIDE, memory: e.memory, small: e.small });
      }
    }
  }
  return { snippets, code: assemble(snippets) };
}

function assemble(snippets: readonly Snippet[]): Uint8Array {
  const dir = mkdtempSync(join(tmpdir(), 'isa-'));
  try {
    const source = ['.intel_syntax noprefix'];
    for (const s of snippets) source.push(`.balign ${STRIDE}, 0xcc`, s.text);
    source.push('.byte 0xcc', `.balign ${STRIDE}, 0xcc`, '');
    writeFileSync(join(dir, 'a.s'), source.join('\n'));
    execFileSync('as', ['--64', '-mmnemonic=intel', '-o', join(dir, 'a.o'), join(dir, 'a.s')], { stdio: ['ignore', 'inherit', 'inherit'] });
    execFileSync('objcopy', ['-O', 'binary', '-j', '.text', join(dir, 'a.o'), join(dir, 'a.bin')]);
    return new Uint8Array(readFileSync(join(dir, 'a.bin')));
  } finally {
    rmSync(dir, { recursive: true });
  }
}
