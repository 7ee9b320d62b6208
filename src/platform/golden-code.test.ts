/**
 * What a few dozen instruction sequences become in the second tier, pinned: `golden-code.txt` holds size and text of the WebAssembly function of each, so that
 * a change shows what it does to the emitted code. `VIVARIUM_WRITE_GOLDEN=1 npm run unit -- golden` writes it anew.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import wabt from 'wabt';
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_EXEC, PROT_READ, PROT_WRITE } from '../abi/mman.ts';
import { AddressSpace } from '../memory/address-space.ts';
import { mmap } from '../memory/mmap.ts';
import { CpuState } from '../x86/cpu-state.ts';
import { Platform } from './platform.ts';

const GOLDEN = join(import.meta.dirname, 'golden-code.txt');
const CODE = 0x400000;
const DATA = 0x600000;
const STACK = 0x7ffff0000000;
/** Bytes of code each sequence may have. */
const STRIDE = 256;

/** Name and code in Intel syntax. Each runs to its end with all registers pointing at data. */
const SEQUENCES: readonly (readonly [string, string])[] = [
  ['add of registers', 'add rax, rcx'],
  ['32-bit arithmetic', 'mov eax, ecx; sub eax, edx; lea esi, [rax + rcx*4 + 5]'],
  ['16-bit and 8-bit parts', 'mov ax, cx; add ah, dl; movzx esi, al; movsx rdi, cx'],
  ['load', 'mov rax, [rcx + 16]'],
  ['store', 'mov [rcx + rdx*8 - 8], rax'],
  ['two loads from one block', 'mov rax, [rcx]; mov rdx, [rcx + 8]'],
  ['read-modify-write', 'add qword ptr [rcx], 5'],
  ['compare and branch', 'cmp rax, rcx; jl 1f; add rdx, 1; 1: sub rdx, 3'],
  ['flags that are read late', 'add rax, rcx; mov rdx, rsi; jc 1f; nop; 1: nop'],
  ['test and set', 'test eax, eax; setne dl; movzx edx, dl'],
  ['conditional move', 'cmp rax, rcx; cmovb rax, rcx'],
  ['carry chain', 'add rax, rcx; adc rdx, rsi'],
  ['shifts', 'shl rax, 3; shr ecx, cl; sar rdx, 63; rol esi, 7'],
  ['multiply', 'imul rax, rcx; mul rdx'],
  ['divide', 'xor edx, edx; mov ecx, 7; div rcx'],
  ['push and pop', 'push rbx; push rbp; pop rbp; pop rbx'],
  ['call and return', 'call 2f; add rax, 1; jmp 3f; 2: mov rdx, rax; ret; 3: nop'],
  ['frame', 'push rbp; mov rbp, rsp; sub rsp, 32; mov [rbp - 8], rdi; mov rax, [rbp - 8]; leave'],
  ['indirect call', 'lea rax, [rip + 2f]; call rax; jmp 3f; 2: ret; 3: nop'],
  ['counted loop', 'mov ecx, 10; 1: add rax, rcx; dec ecx; jnz 1b'],
  ['loop over memory', 'mov ecx, 10; 1: add rax, [rsi]; add rsi, 8; dec ecx; jne 1b'],
  ['byte fill', 'mov ecx, 10; 1: mov byte ptr [rdi + rcx], 1; sub rcx, 1; jnz 1b'],
  ['length of a string', 'xor eax, eax; 1: cmp byte ptr [rdi + rax], 0; je 2f; inc rax; jmp 1b; 2: nop'],
  ['pointer chase', 'mov [rdi], rdi; mov ecx, 9; 1: mov rdi, [rdi]; dec rcx; jnz 1b'],
  ['recursion', 'mov edi, 5; call 4f; jmp 5f; 4: cmp edi, 2; jb 6f; push rdi; sub edi, 1; call 4b; pop rdi; add eax, edi; ret; 6: mov eax, edi; ret; 5: nop'],
  ['repeated move', 'mov ecx, 8; rep movsb'],
  ['atomic add', 'mov eax, 1; lock xadd [rdi], eax'],
  ['atomic exchange', 'lock cmpxchg [rdi], rcx'],
  ['bit operations', 'bt rax, 5; bsf rcx, rdx; popcnt rsi, rdi; bswap eax'],
  ['system call', 'mov eax, 39; syscall'],
  ['scalar floating point', 'movsd xmm0, [rdi]; mulsd xmm0, xmm1; addsd xmm0, [rsi]; movsd [rdi], xmm0'],
  ['comparison of doubles', 'ucomisd xmm0, xmm1; ja 1f; nop; 1: nop'],
  ['conversion', 'cvtsi2sd xmm0, rax; cvttsd2si rcx, xmm0'],
  ['packed floating point', 'movups xmm0, [rdi]; addps xmm0, xmm1; mulps xmm0, xmm2; movups [rdi], xmm0'],
  ['packed integers', 'movdqu xmm0, [rdi]; pcmpeqb xmm0, xmm1; pmovmskb eax, xmm0; test eax, eax; jne 1f; nop; 1: nop'],
  ['x87', 'fld qword ptr [rdi]; fadd qword ptr [rsi]; fstp qword ptr [rdi]'],
  ['thread-local load', 'mov rax, fs:[0x28]'],
];

function assemble(): Uint8Array {
  const dir = mkdtempSync(join(tmpdir(), 'golden-'));
  try {
    const source = ['.intel_syntax noprefix', ...SEQUENCES.flatMap(([, code]) => [`.balign ${STRIDE}, 0xcc`, code.replaceAll('; ', '\n'), 'int3']), ''];
    writeFileSync(join(dir, 'a.s'), source.join('\n'));
    execFileSync('as', ['--64', '-o', join(dir, 'a.o'), join(dir, 'a.s')]);
    execFileSync('objcopy', ['-O', 'binary', '-j', '.text', join(dir, 'a.o'), join(dir, 'a.bin')]);
    return readFileSync(join(dir, 'a.bin'));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** Runs each sequence and keeps the modules that the platform made for it. */
function translations(): Uint8Array[][] {
  const engine = (globalThis as unknown as { WebAssembly: { Module: new (bytes: Uint8Array) => object } }).WebAssembly;
  const original = engine.Module;
  let made: Uint8Array[] = [];
  // The engine's constructor is what all translated code goes through.
  engine.Module = new Proxy(original, {
    construct(target, [bytes]: [Uint8Array]) {
      made.push(bytes.slice());
      return new target(bytes);
    },
  });
  try {
    const code = assemble();
    return SEQUENCES.map((_, i) => {
      const platform = new Platform({ memoryBytes: 128 << 20, host: { syscall: () => 0, timestamp: () => 0, refuel: () => 0 }, firstTier: 2 });
      const space = new AddressSpace(platform.memory);
      for (const [at, length, prot] of [[CODE, 0x10000, PROT_READ | PROT_WRITE | PROT_EXEC], [DATA, 0x10000, PROT_READ | PROT_WRITE], [STACK - 0x10000, 0x10000, PROT_READ | PROT_WRITE]] as const)
        assert.equal(mmap(space, at, length, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, null, 0), at);
      const own = code.subarray(i * STRIDE, (i + 1) * STRIDE);
      space.copyOut(CODE, own, 0, own.length);
      const cpu = new CpuState(platform.memory, platform.allocCpu());
      cpu.reset();
      for (let r = 0; r < 16; r++) cpu.setReg(r, DATA + 256 * r);
      cpu.setReg(4, STACK - 256);
      cpu.fsBase = DATA;
      cpu.rip = CODE;
      made = [];
      platform.run(cpu.at, space, 10000);
      const modules = made;
      made = [];
      return modules;
    });
  } finally {
    engine.Module = original;
  }
}

/** A line for each stretch without control flow. */
function compact(text: string): string {
  const out: string[] = [];
  let line = '';
  for (const row of text.trim().split('\n')) {
    const word = row.trim().replace(/ {2};; label = @\d+| \(;@\d+;\)| align=1$/g, '');
    if (/^(\(func|block|loop|if|else|end)/.test(word) || line.length > 140) {
      if (line !== '') out.push(line);
      line = row.replace(/\S.*/, '') + word;
    } else line += line === '' ? row.replace(/\S.*/, '') + word : `; ${word}`;
  }
  return [...out, line].join('\n');
}

test('the emitted code is what golden-code.txt says', async () => {
  const tools = await wabt();
  const lines: string[] = [];
  translations().forEach((modules, i) => {
    const [name, code] = SEQUENCES[i]!; // one result a sequence
    const texts = modules.map((bytes) => {
      const module = tools.readWasm(bytes, { readDebugNames: false, simd: true, tail_call: true, threads: true });
      const text = module.toText({ foldExprs: false, inlineExport: false });
      module.destroy();
      // The functions alone: imports and segments are the same for all.
      const functions = [...text.matchAll(/^ {2}\(func \(;\d+;\)[\s\S]*?(?=^ {2}\((?!func)|^\)|$(?![\s\S]))/gm)].map((m) => m[0]).filter((t) => t.trim().includes('\n'));
      return functions.map(compact).join('\n');
    });
    lines.push(`# ${name}: ${code}`, `# ${modules.length} modules, ${modules.reduce((n, b) => n + b.length, 0)} bytes`, ...texts, '');
  });
  const now = lines.join('\n');
  if (process.env['VIVARIUM_WRITE_GOLDEN']) writeFileSync(GOLDEN, now);
  const pinned = readFileSync(GOLDEN, 'utf8');
  if (now === pinned) return;
  const sizes = (text: string): Map<string, string> => new Map(text.split('\n# ').map((part) => [part.replace(/^# /, '').split(':')[0] ?? '', /\d+ modules, \d+ bytes/.exec(part)?.[0] ?? '']));
  const before = sizes(pinned);
  const changed = [...sizes(now)].filter(([name, size]) => before.get(name) !== size).map(([name, size]) => `${name}: ${before.get(name)} -> ${size}`);
  assert.fail(`the emitted code has changed; if that is meant, write the file anew (see the head of this test) and look at its diff\n${changed.join('\n')}`);
});
