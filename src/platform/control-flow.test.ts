/**
 * Random control flow in all tiers: programs of blocks with loops of every shape (also with two ways in), switches, computed jumps from many places, calls, calls
 * through linkage stubs, and accesses that fault in the middle of it. The interpreter, which goes from block to block with everything in memory, says what is right.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_EXEC, PROT_READ, PROT_WRITE } from '../abi/mman.ts';
import { AddressSpace } from '../memory/address-space.ts';
import { mmap } from '../memory/mmap.ts';
import { CpuState } from '../x86/cpu-state.ts';
import { Platform } from './platform.ts';

const CODE = 0x400000, CODE_BYTES = 0x40000;
const DATA = 0x600000, DATA_BYTES = 0x4000;
const STACK = 0x7ffff0000000;
const PROGRAMS = 60;
const REGS = ['rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11'];
const LOW = ['eax', 'ebx', 'ecx', 'edx', 'esi', 'edi', 'r8d', 'r9d', 'r10d', 'r11d'];
const BYTES = ['al', 'bl', 'cl', 'dl', 'sil', 'dil', 'r8b', 'r9b', 'r10b', 'r11b'];
const CONDITIONS = ['z', 'nz', 'c', 'nc', 's', 'ns', 'l', 'ge', 'le', 'g', 'a', 'be', 'o', 'p'];

function random(seed: number): (n: number) => number {
  let s = seed;
  return (n) => {
    s = (Math.imul(s, 1664525) + 1013904223) | 0;
    return (s >>> 8) % n;
  };
}

/** One program: r14 counts the blocks that are left, r15 points to data, r13 to its table of blocks, r12 to its last block. */
function program(p: number, rounds: number): string {
  const r = random(p * 7919 + 17);
  const reg = (): number => r(REGS.length);
  const blocks = 4 + r(14);
  /** Of 10 ways a block ends, so many are indirect jumps. */
  const indirect = [0, 0, 1, 6][r(4)]!;
  const faults = r(6) === 0;
  const lines: string[] = ['.balign 16', `P${p}:`, `lea r13, [rip + T${p}]`, `mov r14d, ${rounds}`];
  const operation = (): string => {
    const a = reg();
    const b = reg();
    switch (r(14)) {
      case 0: return `add ${REGS[a]}, ${REGS[b]}`;
      case 1: return `sub ${LOW[a]}, ${LOW[b]}`;
      case 2: return `xor ${REGS[a]}, ${r(1000)}`;
      case 3: return `lea ${LOW[a]}, [${REGS[b]} + ${REGS[reg()]}*4 + ${r(99) - 50}]`;
      case 4: return `mov ${REGS[a]}, [r15 + ${8 * r(64)}]`;
      case 5: return `mov [r15 + ${8 * r(64)}], ${REGS[a]}`;
      case 6: return `add qword ptr [r15 + ${8 * r(64)}], ${REGS[a]}`;
      case 7: return `cmp ${REGS[a]}, ${REGS[b]}`;
      case 8: return `movzx ${LOW[a]}, ${BYTES[b]}`;
      case 9: return `add ${BYTES[a]}, ${BYTES[b]}`;
      case 10: return `push ${REGS[a]}; mov ${REGS[b]}, [rsp]; pop ${REGS[a]}`.replaceAll('; ', '\n');
      case 11: return `rol ${LOW[a]}, ${r(31)}`;
      case 12: return `set${CONDITIONS[r(CONDITIONS.length)]} ${BYTES[a]}`;
      default: return `adc ${REGS[a]}, ${REGS[b]}`;
    }
  };
  for (let k = 0; k < blocks; k++) {
    lines.push(`B${p}_${k}:`);
    for (let n = r(5); n >= 0; n--) lines.push(operation());
    if (r(5) === 0) lines.push(`call ${r(2) === 0 ? 'leaf' : 'stub'}`);
    // Beyond the data, now and then.
    if (faults && r(4) === 0) lines.push(`mov ${LOW[9]}, ${LOW[reg()]}`, `and r11d, 0x7ff`, `shl r11, 3`, `mov r10, [r15 + r11]`);
    const next = `B${p}_${r(blocks)}`;
    const way = r(10);
    if (way < indirect) {
      const a = reg();
      lines.push('dec r14', `jz E${p}`, `mov ${LOW[a]}, ${LOW[reg()]}`, `and ${LOW[a]}, 15`, `jmp [r13 + ${REGS[a]}*8]`);
    } else if (way < 8) lines.push('sub r14, 1', `jz E${p}`, operation(), `j${CONDITIONS[r(CONDITIONS.length)]} ${next}`);
    else lines.push('sub r14, 1', `jz E${p}`, `jmp ${next}`);
  }
  lines.push('sub r14, 1', `jz E${p}`, `jmp B${p}_0`, `E${p}:`, 'mov r12, rax', 'mov eax, 60', 'syscall', '.balign 8', `T${p}:`);
  for (let k = 0; k < 16; k++) lines.push(`.quad B${p}_${r(blocks)}`);
  return lines.join('\n');
}

function assemble(rounds: number): { code: Uint8Array; entries: number[] } {
  const dir = mkdtempSync(join(tmpdir(), 'viv-flow-'));
  try {
    const source = [
      '.intel_syntax noprefix', '.text', '.globl _start', '_start:', '.balign 8', ...Array.from({ length: PROGRAMS }, (_, p) => `.quad P${p}`),
      '.balign 16', 'leaf: add rax, 3', 'push rbx', 'xor ebx, eax', 'pop rbx', 'ret', '.balign 16', 'stub: endbr64', 'jmp [rip + pointer]', '.balign 8', 'pointer: .quad leaf',
      ...Array.from({ length: PROGRAMS }, (_, p) => program(p, rounds)), '',
    ];
    writeFileSync(join(dir, 'a.s'), source.join('\n'));
    execFileSync('as', ['--64', '-o', join(dir, 'a.o'), join(dir, 'a.s')]);
    execFileSync('ld', ['-N', '-Ttext', `0x${CODE.toString(16)}`, '--oformat', 'binary', '-o', join(dir, 'a.bin'), join(dir, 'a.o')]);
    const code = readFileSync(join(dir, 'a.bin'));
    return { code, entries: Array.from({ length: PROGRAMS }, (_, p) => code.readUInt32LE(8 * p)) };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** What each program ends with: exit reason, RIP, registers, data. */
function outcomes(code: Uint8Array, entries: readonly number[], firstTier: 0 | 1 | 2 | undefined): string[] {
  let cpu!: CpuState;
  const platform = new Platform({
    memoryBytes: 256 << 20,
    host: { syscall: () => 1, timestamp: () => 1, refuel: () => 0 },
    ...(firstTier === undefined ? {} : { firstTier }),
  });
  const pm = platform.memory;
  const space = new AddressSpace(pm);
  for (const [at, bytes] of [[CODE, CODE_BYTES], [DATA, DATA_BYTES], [STACK - 0x10000, 0x10000]] as const) {
    assert.equal(mmap(space, at, bytes, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, null, 0), at);
  }
  assert.ok(code.length < CODE_BYTES);
  space.copyOut(CODE, code, 0, code.length);
  return entries.map((entry, p) => {
    const data = new Uint8Array(DATA_BYTES).map((_, i) => (i * 37 + p) & 0xff);
    space.copyOut(DATA, data, 0, data.length);
    cpu = new CpuState(pm, platform.allocCpu());
    cpu.reset();
    for (let k = 0; k < 16; k++) cpu.setReg(k, k * 0x1234567 + p);
    cpu.setReg(4, STACK - 64);
    cpu.setReg(15, DATA);
    cpu.rip = entry;
    const reason = platform.run(cpu.at, space, 1 << 26);
    space.copyIn(DATA, data, 0, data.length);
    let sum = 0;
    for (const byte of data) sum = (Math.imul(sum, 31) + byte) | 0;
    const regs = Array.from({ length: 16 }, (_, k) => `${(cpu.regHi(k) >>> 0).toString(16)}:${(cpu.regLo(k) >>> 0).toString(16)}`);
    return `program ${p}: reason ${reason} rip ${cpu.rip.toString(16)} ${regs.join(' ')} data ${sum}`;
  });
}

test('random control flow is the same in all tiers', () => {
  const { code, entries } = assemble(5000);
  const expected = outcomes(code, entries, 0);
  assert.ok(expected.filter((e) => e.includes('reason 1 ') || e.includes('reason 6 ')).length > 0);
  for (const tier of [1, 2, undefined] as const) assert.deepEqual(outcomes(code, entries, tier), expected, `tier ${tier}`);
});
