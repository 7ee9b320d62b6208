/** CPUID, time stamps, segment registers, fences and hints, CMPXCHG8B/16B, XLAT, and what faults in user mode. */
import { RAX, RBX, RCX, RDX, RSP, TSC_AUX } from './cpu-layout.ts';
import { EXIT_GENERAL_PROTECTION } from './exits.ts';
import { FLAGS_RAW, ZF } from './flags.ts';
import { define } from './forms.ts';
import { pureHelper, stateHelper } from './helpers.ts';
import type { Insn } from './insn.ts';
import { I32_AND, I32_OR, I32_SHL, I64_EQ, I64_OR, I64_SHL, I64_SHR_U } from './ir-ops.ts';
import type { IrBuilder, Node } from './ir.ts';
import { I32, I64, VOID } from './ir.ts';
import { SELECTORS, loadSelector } from './lift-move.ts';
import { push } from './lift-stack.ts';
import { generalProtection, memory, readReg, withSegment, writeReg } from './operands.ts';

const CPUID: number = stateHelper('cpuid', [], VOID);
/** Time-stamp counter: nanoseconds since boot. Not a function of its arguments, but no two calls need to agree. */
const RDTSC: number = pureHelper('rdtsc', [], I64);

/** An i64 in EDX:EAX. */
function setPair(b: IrBuilder, v: number): void {
  b.setReg(RAX, b.and64(b.tmp(v), b.c64(-1, 0)));
  b.setReg(RDX, b.binary(I64_SHR_U, b.tmp(v), b.c64s(32)));
}
function rdtsc(b: IrBuilder): void {
  setPair(b, b.let(I64, b.helper(RDTSC)));
}
function rdtscp(b: IrBuilder): void {
  setPair(b, b.let(I64, b.helper(RDTSC)));
  b.setReg(RCX, b.zext(b.state(TSC_AUX, I32)));
}
function cpuidRow(b: IrBuilder): void {
  b.callHelper(CPUID);
}

function pushSegment(segment: number): (b: IrBuilder, i: Insn) => void {
  return (b, i) => push(b, i.size, b.constant(i.size, SELECTORS[segment]!));
}
function popSegment(segment: number): (b: IrBuilder, i: Insn) => void {
  return (b, i) => {
    const v = b.let(I32, b.truncate(2, b.wrap(b.load(b.reg(RSP), i.size, I64))));
    loadSelector(b, segment, v);
    b.setReg(RSP, b.add64(b.reg(RSP), b.c64s(i.size)));
  };
}

/** AL = byte at RBX + AL. */
function xlat(b: IrBuilder, i: Insn): void {
  const offset = b.add64(b.reg(RBX), b.zext(readReg(b, 1, RAX)));
  writeReg(b, 1, RAX, b.loadInt(withSegment(b, i, i.address32 ? b.zext(b.wrap(offset)) : offset), 1));
}

/** CMPXCHG8B and, with REX.W, CMPXCHG16B: only ZF changes. */
function cmpxchgPair(b: IrBuilder, i: Insn): void {
  if (i.rexW) return cmpxchg16(b, i);
  const host = b.rmw(memory(b, i), 8);
  const old = b.let(I64, b.rawLoad(b.tmp(host), 8, I64));
  const join = (high: number, low: number): Node => b.binary(I64_OR, b.binary(I64_SHL, b.reg(high), b.c64s(32)), b.and64(b.reg(low), b.c64(-1, 0)));
  const same = b.let(I32, b.binary(I64_EQ, b.tmp(old), join(RDX, RAX)));
  b.rawStore(b.tmp(host), b.select(b.tmp(same), join(RCX, RBX), b.tmp(old)), 8);
  b.rmwEnd(host, 8);
  b.if(b.isZero(4, b.tmp(same)));
  setPair(b, old);
  b.end();
  setZero(b, same);
}
function cmpxchg16(b: IrBuilder, i: Insn): void {
  const address = b.let(I64, memory(b, i));
  // A misaligned operand is #GP. SDM vol. 2, CMPXCHG16B.
  b.faultIf(b.and32(b.wrap(b.tmp(address)), b.c32(15)), EXIT_GENERAL_PROTECTION);
  const host = b.rmw(b.tmp(address), 16);
  const low = b.let(I64, b.rawLoad(b.tmp(host), 8, I64));
  const high = b.let(I64, b.rawLoad(b.add32(b.tmp(host), b.c32(8)), 8, I64));
  const same = b.let(I32, b.binary(I32_AND, b.binary(I64_EQ, b.tmp(low), b.reg(RAX)), b.binary(I64_EQ, b.tmp(high), b.reg(RDX))));
  b.rawStore(b.tmp(host), b.select(b.tmp(same), b.reg(RBX), b.tmp(low)), 8);
  b.rawStore(b.add32(b.tmp(host), b.c32(8)), b.select(b.tmp(same), b.reg(RCX), b.tmp(high)), 8);
  b.rmwEnd(host, 16);
  b.if(b.isZero(4, b.tmp(same)));
  b.setReg(RAX, b.tmp(low));
  b.setReg(RDX, b.tmp(high));
  b.end();
  setZero(b, same);
}
/** ZF = the temp, the other flags stay. */
function setZero(b: IrBuilder, zero: number): void {
  const rest = b.and32(b.eflags(), b.c32(~ZF));
  b.setFlags(FLAGS_RAW, 8, b.c64s(0), b.zext(b.binary(I32_OR, rest, b.binary(I32_SHL, b.tmp(zero), b.c32(6)))));
}

function movnti(b: IrBuilder, i: Insn): void {
  b.store(memory(b, i), readReg(b, i.size, i.reg), i.size);
}
/** CLFLUSH has nothing to flush, but faults as a read of its byte would. */
function clflush(b: IrBuilder, i: Insn): void {
  b.let(I32, b.loadInt(memory(b, i), 1));
}
function nothing(): void {}

define([
  ['0F A2', 'cpuid', cpuidRow],
  ['0F 31', 'rdtsc', rdtsc],
  ['0F 01 F9', 'rdtscp', rdtscp],
  ['d64 0F A0', 'push FS', pushSegment(4)],
  ['d64 0F A8', 'push GS', pushSegment(5)],
  ['d64 0F A1', 'pop FS', popSegment(4)],
  ['d64 0F A9', 'pop GS', popSegment(5)],
  ['D7', 'xlat', xlat],
  ['lock 0F C7 /1', 'cmpxchg8b Mq', cmpxchgPair],
  ['NP 0F C3 /r', 'movnti My,Gy', movnti],
  // Hints and fences. There is one processor, and stores are seen in order.
  ['0F 0D /r', 'prefetchw M', nothing],
  ['0F 18 /r', 'prefetch M', nothing],
  ['0F 18 /r', 'nop Rv', nothing],
  ['0F 19 /r', 'nop Ev', nothing],
  ['0F 1A /r', 'nop Ev', nothing],
  ['0F 1B /r', 'nop Ev', nothing],
  ['0F 1C /r', 'nop Ev', nothing],
  ['0F 1D /r', 'nop Ev', nothing],
  ['NP 0F AE /5', 'lfence Rv', nothing],
  ['NP 0F AE /6', 'mfence Rv', nothing],
  ['NP 0F AE /7', 'sfence Rv', nothing],
  ['NP 0F AE /7', 'clflush Mb', clflush],
  // Privileged, or closed to user mode by Linux.
  ['E4', 'in AL,Ib', generalProtection],
  ['E5', 'in eAX,Ib', generalProtection],
  ['E6', 'out Ib,AL', generalProtection],
  ['E7', 'out Ib,eAX', generalProtection],
  ['EC', 'in AL,DX', generalProtection],
  ['ED', 'in eAX,DX', generalProtection],
  ['EE', 'out DX,AL', generalProtection],
  ['EF', 'out DX,eAX', generalProtection],
  ['6C', 'ins Yb,DX', generalProtection],
  ['6D', 'ins Yz,DX', generalProtection],
  ['6E', 'outs DX,Xb', generalProtection],
  ['6F', 'outs DX,Xz', generalProtection],
  ['FA', 'cli', generalProtection],
  ['FB', 'sti', generalProtection],
  ['0F 06', 'clts', generalProtection],
  ['0F 07', 'sysret', generalProtection],
  ['0F 08', 'invd', generalProtection],
  ['0F 09', 'wbinvd', generalProtection],
  ['0F 20 /r', 'mov Rq,Cd', generalProtection],
  ['0F 21 /r', 'mov Rq,Dd', generalProtection],
  ['0F 22 /r', 'mov Cd,Rq', generalProtection],
  ['0F 23 /r', 'mov Dd,Rq', generalProtection],
  ['0F 30', 'wrmsr', generalProtection],
  ['0F 32', 'rdmsr', generalProtection],
  ['0F 33', 'rdpmc', generalProtection],
  ['0F 35', 'sysexit', generalProtection],
  ['0F 00 /2', 'lldt Ew', generalProtection],
  ['0F 00 /3', 'ltr Ew', generalProtection],
  ['0F 01 /2', 'lgdt Ms', generalProtection],
  ['0F 01 /3', 'lidt Ms', generalProtection],
  ['0F 01 /6', 'lmsw Ew', generalProtection],
  ['0F 01 /7', 'invlpg Mb', generalProtection],
  ['0F 01 F8', 'swapgs', generalProtection],
  ['FF /3', 'call Mp', generalProtection],
  ['FF /5', 'jmp Mp', generalProtection],
]);
