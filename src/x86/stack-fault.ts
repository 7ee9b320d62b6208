/** Which accesses go through the stack segment: a non-canonical address there is #SS (SIGBUS on Linux), elsewhere #GP (SIGSEGV). */
import { RBP, RSP } from './cpu-layout.ts';
import type { Insn } from './insn.ts';

/** True if the memory access of the decoded instruction goes through SS: its operand is based on RSP or RBP, or it pushes or pops. */
export function faultsAsStack(i: Insn): boolean {
  if (i.form === null) return false;
  if (i.mod !== 3) return i.segment === 0 && !i.ripRelative && (i.base === RSP || i.base === RBP);
  return /^(push|pop|call|ret|enter|leave|iret)/.test(i.form.mnemonic);
}
