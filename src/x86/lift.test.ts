/** Rules of the IR (docs/architecture.md), checked on what the integer lifters make of a real program's code. */
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { disassemble } from './disassemble.ts';
import { Insn } from './insn.ts';
import * as IR from './ir.ts';
import * as OPS from './ir-ops.ts';
import { LIFT_OK, liftInstruction } from './lift.ts';

const UNARY = new Set([
  OPS.I32_EQZ, OPS.I64_EQZ, OPS.I32_CLZ, OPS.I32_CTZ, OPS.I32_POPCNT, OPS.I64_CLZ, OPS.I64_CTZ, OPS.I64_POPCNT, OPS.I32_WRAP_I64, OPS.I64_EXTEND_I32_S, OPS.I64_EXTEND_I32_U,
  OPS.I32_EXTEND8_S, OPS.I32_EXTEND16_S, OPS.I64_EXTEND8_S, OPS.I64_EXTEND16_S, OPS.I64_EXTEND32_S,
]);

/** Operand nodes of a node, or null for an operation that is not an integer one. */
function operands(b: IR.IrBuilder, n: number): number[] | null {
  const o = b.op[n]!, a = b.a[n]!, second = b.b[n]!, c = b.c[n]!;
  if (UNARY.has(o)) return [a];
  if (o >= OPS.I32_EQZ && o <= OPS.I64_ROTR && !(o > OPS.I64_GE_U && o < OPS.I32_CLZ)) return [a, second];
  switch (o) {
    case IR.N_CONST32: case IR.N_CONST64: case IR.N_TMP: case IR.N_REG: case IR.N_STATE: case IR.N_COND: case IR.N_EFLAGS: case IR.N_CPU:
      return [];
    case IR.N_LOAD: case IR.N_RAW_LOAD: case IR.N_RMW:
      return [a];
    case IR.N_SELECT:
      return [a, second, c];
    case IR.N_HELPER:
      return b.args.slice(second, second + c);
    case IR.S_LET: case IR.S_SET_REG: case IR.S_SET_STATE: case IR.S_SET_TMP: case IR.S_HELPER:
      return [second];
    case IR.S_STORE: case IR.S_RAW_STORE:
      return [a, second];
    case IR.S_SET_FLAGS:
      return c < 0 ? [a, second] : [a, second, c];
    case IR.S_IF: case IR.S_AGAIN_IF: case IR.S_BRANCH: case IR.S_JUMP_INDIRECT: case IR.S_CALL_INDIRECT: case IR.S_RET: case IR.S_EXIT_IF:
      return [a];
    case IR.S_RMW_END: case IR.S_ELSE: case IR.S_END: case IR.S_LOOP: case IR.S_JUMP: case IR.S_CALL: case IR.S_SYSCALL: case IR.S_EXIT:
      return [];
  }
  return null;
}

/** Breaks of the rules in the instruction whose statements are in `b`. */
function violations(b: IR.IrBuilder): string[] {
  const found: string[] = [];
  const used = new Uint8Array(b.count);
  const bound = new Set<number>();
  let integerOnly = true, loads = false, written = false, stored = false, loops = false;
  const visit = (n: number): void => {
    if (used[n]++) found.push('a node is used twice');
    const o = b.op[n]!;
    if (o === IR.N_TMP && !bound.has(b.a[n]!)) found.push('a temp is read before it is bound');
    if (o === IR.N_LOAD || o === IR.N_RMW) {
      loads = true;
      if (written && !loops) found.push('an access that can fault behind a register that is set');
      if (stored && !loops) found.push('a load behind a store');
    }
    const list = operands(b, n);
    if (list === null) integerOnly = false;
    else for (const k of list) visit(k);
  };
  for (let k = 0; k < b.stmtCount && integerOnly; k++) {
    const s = b.stmts[k]!;
    const o = b.op[s]!;
    if (o === IR.S_LOOP) loops = true;
    loads = false;
    visit(s);
    if (o === IR.S_SET_FLAGS && loads) found.push('a load in the flags');
    if (o === IR.S_LET || o === IR.S_SET_TMP) bound.add(b.a[s]!);
    if (o === IR.S_STORE) {
      if (written && !loops) found.push('a store behind a register that is set');
      stored = true;
    }
    if (o === IR.S_SET_REG || o === IR.S_SET_FLAGS) written = true;
  }
  return integerOnly ? found : [];
}

test('lifted code keeps the rules of the IR', () => {
  // Any bytes do: the test program's own image, decoded from every offset of a sample.
  const image = readFileSync('/bin/sh');
  const b = new IR.IrBuilder();
  const insn = new Insn();
  const wrong = new Map<string, string>();
  let lifted = 0;
  for (let at = 0x4000; at < Math.min(image.length, 0x18000); at++) {
    b.reset();
    if (liftInstruction((a) => image[a] ?? -1, at, b, insn) > LIFT_OK + 1) continue;
    if (insn.form === null || insn.form.mnemonic === 'enter') continue;
    lifted++;
    for (const v of violations(b)) wrong.set(`${insn.form.encoding}: ${v}`, disassemble(insn));
  }
  assert.ok(lifted > 50_000, `${lifted} instructions`);
  assert.deepEqual([...wrong], []);
});
