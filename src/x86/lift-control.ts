/** Jumps, calls, returns, loops, SYSCALL, software interrupts, and what user mode may not do. */
import { RCX, RSP } from './cpu-layout.ts';
import { EXIT_BREAKPOINT, EXIT_GENERAL_PROTECTION, EXIT_ILLEGAL, EXIT_OVERFLOW } from './exits.ts';
import { CC_E } from './flags.ts';
import { define } from './forms.ts';
import type { Insn } from './insn.ts';
import { I32_AND, I32_NE, I32_OR } from './ir-ops.ts';
import type { IrBuilder, Node } from './ir.ts';
import { I32, I64, S_SYSCALL } from './ir.ts';
import { POPF_OTHER, setUserFlags } from './lift-flags.ts';
import { SELECTORS, perCondition } from './lift-move.ts';
import { push } from './lift-stack.ts';
import { generalProtection, memory } from './operands.ts';

function jcc(b: IrBuilder, i: Insn): void {
  b.branch(b.cond(i.opcode & 15), i.target);
}
function jmp(b: IrBuilder, i: Insn): void {
  b.jump(i.target);
}
function call(b: IrBuilder, i: Insn): void {
  push(b, 8, b.addr(i.next));
  b.call(i.target);
}
/** The 64-bit target of an indirect jump or call. */
function targetE(b: IrBuilder, i: Insn): Node {
  return i.mod === 3 ? b.reg(i.rm) : b.loadInt(memory(b, i), 8);
}
function jmpE(b: IrBuilder, i: Insn): void {
  b.jumpIndirect(targetE(b, i));
}
function callE(b: IrBuilder, i: Insn): void {
  const target = b.let(I64, targetE(b, i));
  push(b, 8, b.addr(i.next));
  b.callIndirect(b.tmp(target));
}
/** A near call whose target does nothing but jump to what the pointer at `slot` says, as the entries of a procedure linkage table do: that call. */
export function callThrough(b: IrBuilder, i: Insn, slot: number): void {
  const target = b.let(I64, b.loadInt(b.addr(slot), 8));
  push(b, 8, b.addr(i.next));
  b.callIndirect(b.tmp(target));
}
function ret(b: IrBuilder, i: Insn): void {
  const target = b.let(I64, b.loadInt(b.reg(RSP), 8));
  b.setReg(RSP, b.add64(b.reg(RSP), b.c64s(8 + (i.form!.operands.length > 0 ? i.imm & 0xffff : 0))));
  b.ret(b.tmp(target));
}

/** RETF: only to the 64-bit code segment of Linux's user mode. */
function retf(b: IrBuilder, i: Insn): void {
  const size = i.size;
  const target = b.let(I64, b.widen(size, b.loadInt(b.reg(RSP), size)));
  const selector = b.let(I32, b.load(b.add64(b.reg(RSP), b.c64s(size)), 2, I32));
  b.faultIf(b.binary(I32_NE, b.tmp(selector), b.c32(SELECTORS[1]!)), EXIT_GENERAL_PROTECTION);
  b.setReg(RSP, b.add64(b.reg(RSP), b.c64s(2 * size + (i.form!.operands.length > 0 ? i.imm & 0xffff : 0))));
  b.jumpIndirect(b.tmp(target));
}
/** IRETQ: RIP, CS, RFLAGS, RSP, SS from the stack; CS and SS must be those of user mode. */
function iretq(b: IrBuilder, i: Insn): void {
  if (i.size !== 8) return generalProtection(b);
  const word = (k: number): number => b.let(I64, b.loadInt(b.add64(b.reg(RSP), b.c64s(8 * k)), 8));
  const target = word(0), cs = word(1), flags = word(2), sp = word(3), ss = word(4);
  const differs = (t: number, selector: number): Node => b.binary(I32_NE, b.and32(b.wrap(b.tmp(t)), b.c32(0xffff)), b.c32(selector));
  b.faultIf(b.binary(I32_OR, differs(cs, SELECTORS[1]!), differs(ss, SELECTORS[2]!)), EXIT_GENERAL_PROTECTION);
  setUserFlags(b, b.let(I32, b.wrap(b.tmp(flags))), POPF_OTHER);
  b.setReg(RSP, b.tmp(sp));
  b.jumpIndirect(b.tmp(target));
}

/** RCX or ECX, as the address size says, is zero. */
function counterIsZero(b: IrBuilder, i: Insn): Node {
  return i.address32 ? b.isZero(4, b.wrap(b.reg(RCX))) : b.isZero(8, b.reg(RCX));
}
function jrcxz(b: IrBuilder, i: Insn): void {
  b.branch(counterIsZero(b, i), i.target);
}
/** LOOP (any ZF), LOOPE (ZF = 1), LOOPNE (ZF = 0). */
function loop(cc: number): (b: IrBuilder, i: Insn) => void {
  return (b, i) => {
    const less = b.add64(b.reg(RCX), b.c64s(-1));
    b.setReg(RCX, i.address32 ? b.zext(b.wrap(less)) : less);
    const more = b.isNonZero(i.address32 ? 4 : 8, i.address32 ? b.wrap(b.reg(RCX)) : b.reg(RCX));
    b.branch(cc < 0 ? more : b.binary(I32_AND, more, b.cond(cc)), i.target);
  };
}

function syscall(b: IrBuilder): void {
  b.stmt(S_SYSCALL);
}
function int3(b: IrBuilder): void {
  b.trap(EXIT_BREAKPOINT, 3);
}
function int1(b: IrBuilder): void {
  b.trap(EXIT_BREAKPOINT, 1);
}
/** INT n: the gates of all vectors but 3, 4 and 0x80 are closed to user mode. */
function int(b: IrBuilder, i: Insn): void {
  const vector = i.imm & 0xff;
  if (vector === 3) b.trap(EXIT_BREAKPOINT, 3);
  else if (vector === 4) b.trap(EXIT_OVERFLOW);
  else b.fault(EXIT_GENERAL_PROTECTION, vector * 8 + 2);
}
function ud(b: IrBuilder): void {
  b.fault(EXIT_ILLEGAL, 1);
}

define([
  ...perCondition((cc, n) => [(0x70 + n).toString(16), `j${cc} Jb`, jcc]),
  ...perCondition((cc, n) => [`0F ${(0x80 + n).toString(16)}`, `j${cc} Jz`, jcc]),
  ['EB', 'jmp Jb', jmp],
  ['E9', 'jmp Jz', jmp],
  ['E8', 'call Jz', call],
  ['f64 FF /2', 'call Ev', callE],
  ['f64 FF /4', 'jmp Ev', jmpE],
  ['f64 C3', 'ret', ret],
  ['f64 C2', 'ret Iw', ret],
  ['CB', 'retf', retf],
  ['CA', 'retf Iw', retf],
  ['CF', 'iret', iretq],
  ['E3', 'jrcxz Jb', jrcxz],
  ['E2', 'loop Jb', loop(-1)],
  ['E1', 'loope Jb', loop(CC_E)],
  ['E0', 'loopne Jb', loop(CC_E + 1)],
  ['0F 05', 'syscall', syscall],
  ['CC', 'int3', int3],
  ['F1', 'int1', int1],
  ['CD', 'int Ib', int],
  ['0F 0B', 'ud2', ud],
  ['0F B9 /r', 'ud1 Gv,Ev', ud],
  ['0F FF /r', 'ud0 Gv,Ev', ud],
  ['F4', 'hlt', generalProtection],
  ['0F 1F /r', 'nop Ev', () => {}],
  ['0F 1E /r', 'nop Ev', () => {}],
]);
