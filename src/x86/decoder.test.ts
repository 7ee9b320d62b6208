/** The decoder against objdump: every instruction of real programs has the same length and name. */
import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { DECODE_FETCH_FAULT, DECODE_ILLEGAL, DECODE_OK, DECODE_TOO_LONG, decode } from './decoder.ts';
import { disassemble } from './disassemble.ts';
import { Insn } from './insn.ts';
import './lift.ts';

const insn = new Insn();
function decodeBytes(bytes: readonly number[], address = 0x1000): number {
  return decode((a) => bytes[a - address] ?? -1, address, insn);
}

/** Names that objdump gives to what one row here covers. */
function sameName(theirs: string, ours: string): boolean {
  // AT&T names carry size suffixes, and a few differ altogether.
  const alias: Readonly<Record<string, string>> = {
    cltq: 'cwde', cwtl: 'cwde', cbtw: 'cwde', cqto: 'cdq', cltd: 'cdq', cwtd: 'cdq', nopw: 'nop', nopl: 'nop', xchg: 'xchg', sal: 'shl', movabs: 'mov', movslq: 'movsxd',
    data16: '', cs: '', ds: '', es: '', ss: '', fs: '', gs: '', rex: '', repz: '', rep: '', repnz: '', lock: '', bnd: '', notrack: '', pause: 'pause', endbr64: 'nop', ud2: 'ud2',
  };
  if (theirs in alias) return alias[theirs] === '' || alias[theirs] === ours || (theirs === 'xchg' && ours === 'xchg');
  if (theirs === 'nop') return ours === 'nop' || ours === 'xchg';
  if (/^movz|^movs[bwl]/.test(theirs)) return ours.startsWith('mov');
  return theirs === ours || theirs.slice(0, -1) === ours || (/^(set|cmov|j)/.test(ours) && theirs[0] === ours[0]) || theirs.startsWith('rex.') || ours.startsWith(theirs.slice(0, 3)) || theirs.startsWith(ours.slice(0, 3));
}

for (const program of ['/bin/bash', '/usr/lib/x86_64-linux-gnu/libm.so.6', '/usr/bin/python3'])
  test(`same lengths and names as objdump: ${program}`, { skip: existsSync(program) ? false : 'not on this machine' }, () => {
    const text = spawnSync('objdump', ['-d', '-w', program], { maxBuffer: 1 << 30 }).stdout.toString();
    assert.ok(text.length > 1000, 'objdump (binutils) is needed');
    const wrong: string[] = [];
    let total = 0;
    const pattern = /^ *([0-9a-f]+):\t([0-9a-f ]+)\t(\S+)/gm;
    for (let m = pattern.exec(text); m !== null && total < 400_000; m = pattern.exec(text)) {
      const bytes = m[2]!.trim().split(' ').map((x) => Number.parseInt(x, 16));
      const status = decodeBytes(bytes, Number.parseInt(m[1]!, 16));
      total++;
      // objdump takes FWAIT and what follows for one instruction.
      if (bytes[0] === 0x9b && bytes.length > 1) continue;
      const name = m[3]!;
      if ((insn.vex && status !== DECODE_OK) || name === '(bad)' || /^(x(test|begin|abort|end)|.*xsave.*|xrstor|xgetbv|kmov.*|rdsspq|incsspq)/.test(name)) continue;
      if (status !== DECODE_OK || insn.length !== bytes.length) wrong.push(`${m[0]} -> ${status === DECODE_OK ? insn.length : `status ${status}`}`);
      else if (!sameName(name, insn.form!.mnemonic)) wrong.push(`${m[0]} -> ${disassemble(insn)}`);
    }
    assert.ok(total > 10_000, `${total} instructions`);
    assert.deepEqual(wrong.slice(0, 20), []);
  });

test('at most 15 bytes', () => {
  assert.equal(decodeBytes([...Array<number>(14).fill(0x66), 0x90]), DECODE_OK);
  assert.equal(insn.length, 15);
  assert.equal(decodeBytes([...Array<number>(15).fill(0x66), 0x90]), DECODE_TOO_LONG);
});
test('a byte that cannot be fetched is named', () => {
  assert.equal(decodeBytes([0x48, 0x8b, 0x05, 1, 2]), DECODE_FETCH_FAULT);
  assert.equal(insn.faultAddress, 0x1005);
});
test('LOCK needs a memory destination of an instruction that takes it', () => {
  assert.equal(decodeBytes([0xf0, 0x01, 0x03]), DECODE_OK);
  assert.equal(decodeBytes([0xf0, 0x01, 0xc3]), DECODE_ILLEGAL);
  assert.equal(decodeBytes([0xf0, 0x89, 0x03]), DECODE_ILLEGAL);
});
test('operands as text', () => {
  const text = (...bytes: number[]): string => {
    assert.equal(decodeBytes(bytes), DECODE_OK);
    return disassemble(insn);
  };
  assert.equal(text(0x48, 0x8b, 0x44, 0xcb, 0x10), 'mov rax,qword ptr [rbx+rcx*8+0x10]');
  assert.equal(text(0x66, 0x41, 0x0f, 0xb6, 0xc0), 'movzx ax,r8b');
  assert.equal(text(0x88, 0xe0), 'mov al,ah');
  assert.equal(text(0x40, 0x88, 0xe0), 'mov al,spl');
  assert.equal(text(0x64, 0x48, 0x8b, 0x04, 0x25, 0x28, 0, 0, 0), 'mov rax,qword ptr fs:[0x28]');
  assert.equal(text(0xf3, 0xa4), 'rep movs byte ptr es:[rdi],byte ptr ds:[rsi]');
  assert.equal(text(0x0f, 0x84, 0xfa, 0xff, 0xff, 0xff), 'je 0x1000');
  assert.equal(text(0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 0), 'mov rax,0x7060504030201');
});
