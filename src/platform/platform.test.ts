import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AddressSpace } from '../memory/address-space.ts';
import { mmap } from '../memory/mmap.ts';
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_EXEC, PROT_READ, PROT_WRITE } from '../abi/mman.ts';
import { CpuState } from '../x86/cpu-state.ts';
import { DebugRegisters, WATCH_EXECUTE, WATCH_WRITE } from '../x86/debug-registers.ts';
import { EXIT_DIVIDE, EXIT_ILLEGAL, EXIT_INTERRUPT, EXIT_PAGE_FAULT, EXIT_SYSCALL, EXIT_WATCHED } from './exits.ts';
import { Platform } from './platform.ts';

const CODE = 0x400000;
const DATA = 0x600000;
const STACK = 0x7ffff0000000;

/** Machine code of an assembler source (AT&T syntax). */
function assemble(source: string): Uint8Array {
  const dir = mkdtempSync(join(tmpdir(), 'viv-as-'));
  try {
    writeFileSync(join(dir, 'a.s'), `.text\n.globl _start\n_start:\n${source}\n`);
    execFileSync('as', ['-o', join(dir, 'a.o'), join(dir, 'a.s')]);
    execFileSync('ld', ['-N', '-Ttext', `0x${CODE.toString(16)}`, '--oformat', 'binary', '-o', join(dir, 'a.bin'), join(dir, 'a.o')]);
    return readFileSync(join(dir, 'a.bin'));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

class Machine {
  readonly platform: Platform;
  readonly space: AddressSpace;
  readonly cpu: CpuState;
  syscalls = 0;
  constructor(source: string) {
    this.platform = new Platform({
      memoryBytes: 256 << 20,
      host: {
        syscall: () => {
          this.syscalls++;
          return this.cpu.getReg(0) === 60 ? 1 : 0;
        },
        timestamp: () => 12345,
        refuel: () => 0,
      },
    });
    const pm = this.platform.memory;
    this.space = new AddressSpace(pm);
    const map = (at: number, len: number): void => {
      const r = mmap(this.space, at, len, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, null, 0);
      assert.equal(r, at);
    };
    map(CODE, 0x10000);
    map(DATA, 0x10000);
    map(STACK - 0x10000, 0x10000);
    const bytes = assemble(source);
    assert.equal(this.space.copyOut(CODE, bytes, 0, bytes.length), bytes.length);
    this.cpu = new CpuState(pm, this.platform.allocCpu());
    this.cpu.reset?.();
    this.cpu.rip = CODE;
    this.cpu.setReg(4, STACK - 64);
  }
  run(fuel = 1 << 30): number {
    return this.platform.run(this.cpu.at, this.space, fuel);
  }
}

const EXIT = 'mov $60, %eax\nsyscall\n';

test('a loop with flags across blocks', () => {
  const m = new Machine(`xor %ebx, %ebx\nmov $10, %ecx\n1: add %rcx, %rbx\ndec %rcx\njnz 1b\n${EXIT}`);
  assert.equal(m.run(), EXIT_SYSCALL);
  assert.equal(m.cpu.getReg(3), 55);
  assert.equal(m.cpu.getReg(1), 0);
});

test('recursion: fib(20) through guest calls', () => {
  const m = new Machine(`mov $20, %edi\ncall fib\nmov %rax, %rbx\n${EXIT}
fib: cmp $2, %edi\njb 1f\npush %rbx\npush %rdi\nsub $1, %edi\ncall fib\nmov %rax, %rbx\npop %rdi\nsub $2, %edi\ncall fib\nadd %rbx, %rax\npop %rbx\nret\n1: mov %edi, %eax\nret`);
  assert.equal(m.run(), EXIT_SYSCALL);
  assert.equal(m.cpu.getReg(3), 6765);
  assert.equal(m.cpu.getReg(4), STACK - 64);
});

test('deep recursion exhausts the depth counter and comes back', () => {
  const m = new Machine(`mov $2000, %edi\nxor %eax, %eax\ncall f\nmov %rax, %rbx\n${EXIT}
f: test %edi, %edi\njz 1f\ndec %edi\ncall f\ninc %rax\n1: ret`);
  assert.equal(m.run(), EXIT_SYSCALL);
  assert.equal(m.cpu.getReg(3), 2000);
});

test('memory: loads, stores, accesses across pages, read-modify-write', () => {
  const m = new Machine(`mov $0x600ffc, %edi\nmovabs $0x1122334455667788, %rax\nmov %rax, (%rdi)\nmov (%rdi), %rbx\nmov 2(%rdi), %ecx\nadd $1, %rax\nlock add %rax, (%rdi)\nmov (%rdi), %rdx\n${EXIT}`);
  assert.equal(m.run(), EXIT_SYSCALL);
  assert.equal(m.cpu.regLo(3) >>> 0, 0x55667788);
  assert.equal(m.cpu.regHi(3) >>> 0, 0x11223344);
  assert.equal(m.cpu.regLo(1) >>> 0, 0x33445566);
  assert.equal(m.cpu.regLo(2) >>> 0, 0xaaccef11);
  assert.equal(m.cpu.regHi(2) >>> 0, 0x22446688);
});

test('faults are precise', () => {
  const m = new Machine('mov $7, %ebx\nmov $0x1000, %ecx\n1: add $1, %rbx\nmov (%rcx), %rax\nmov $9, %ebx');
  assert.equal(m.run(), EXIT_PAGE_FAULT);
  assert.equal(m.cpu.getReg(3), 8);
  assert.equal(m.cpu.rip, CODE + 14);
  const d = new Machine('xor %ecx, %ecx\nmov $5, %eax\ncltd\ndiv %ecx');
  assert.equal(d.run(), EXIT_DIVIDE);
  assert.equal(new Machine('ud2').run(), EXIT_ILLEGAL);
  const f = new Machine('mov $0x700000000000, %rax\njmp *%rax');
  assert.equal(f.run(), EXIT_PAGE_FAULT);
  assert.equal(f.cpu.rip, 0x700000000000);
});

test('fuel interrupts an endless loop at an instruction boundary', () => {
  const m = new Machine('xor %eax, %eax\n1: inc %rax\njmp 1b');
  assert.equal(m.run(1000), EXIT_INTERRUPT);
  const first = m.cpu.getReg(0);
  assert.ok(first > 900 && first <= 1000, String(first));
  assert.equal(m.run(1000), EXIT_INTERRUPT);
  assert.ok(m.cpu.getReg(0) > first + 900);
});

test('indirect calls, jumps and a jump into the middle of a loop', () => {
  const m = new Machine(`mov $5, %ecx\nxor %ebx, %ebx\nlea f(%rip), %rdx\n1: call *%rdx\ndec %ecx\njnz 1b\njmp mid\nloop: add $100, %rbx\nmid: add $1000, %rbx\ncmp $4000, %rbx\njb loop\n${EXIT}
f: inc %rbx\nlea g(%rip), %rax\njmp *%rax\nud2\ng: add $2, %rbx\nret`);
  assert.equal(m.run(), EXIT_SYSCALL);
  assert.equal(m.cpu.getReg(3), 4315);
});

test('self-modifying code takes effect at the next instruction', () => {
  const m = new Machine(`lea 1f+1(%rip), %rdi\nmov $3, %ecx\n2: movl $77, (%rdi)\n1: mov $5, %eax\nadd %rax, %rbx\ndec %ecx\njnz 2b\n${EXIT}`);
  m.cpu.setReg(3, 0);
  assert.equal(m.run(), EXIT_SYSCALL);
  assert.equal(m.cpu.getReg(3), 231);
});

test('rep stos and rep movs across pages', () => {
  const m = new Machine(`mov $0x600800, %edi\nmov $0xab, %eax\nmov $0x2000, %ecx\nrep stosb\nmov $0x600801, %esi\nmov $0x605003, %edi\nmov $0x1ff0, %ecx\nrep movsb\nmovzbl 0x606ff2, %ebx\nmovzbl 0x6027ff, %edx\nmovzbl 0x602800, %ebp\n${EXIT}`);
  assert.equal(m.run(), EXIT_SYSCALL);
  assert.equal(m.cpu.getReg(3), 0xab);
  assert.equal(m.cpu.getReg(2), 0xab);
  assert.equal(m.cpu.getReg(5), 0);
});

test('watched places are noticed however many instructions run one by one before', () => {
  const m = new Machine(`mov $0x601000, %edi\nmov $0x604000, %esi\nmov $9000, %ecx\nrep movsb\n1: jmp 1b`);
  const watch = new DebugRegisters();
  // A byte that is written late, an instruction that is not reached before.
  watch.addresses[0] = 0x601000 + 8000;
  watch.addresses[1] = CODE + 17;
  watch.control = 0b101 | (WATCH_WRITE << 16) | (WATCH_EXECUTE << 20);
  watch.update();
  const run = (fuel: number): number => m.platform.run(m.cpu.at, m.space, fuel, watch);
  assert.equal(run(1 << 20), EXIT_WATCHED);
  assert.equal(watch.hits, 1);
  assert.equal(m.cpu.getReg(1), 999);
  assert.equal(run(1 << 20), EXIT_WATCHED);
  assert.equal(watch.hits, 2);
  assert.equal(m.cpu.rip, CODE + 17);
  // An instruction that jumps to itself, alone, comes back each time.
  watch.control = 0b1 | (WATCH_EXECUTE << 16);
  watch.addresses[0] = CODE;
  watch.update();
  assert.equal(run(5000), EXIT_INTERRUPT);
  assert.equal(m.cpu.rip, CODE + 17);
});
