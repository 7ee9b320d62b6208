/** Every row of the instruction table has a form in the comparison with the processor, or a reason not to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DECODE_OK, decode } from '../../src/x86/decoder.ts';
import type { Form as Row } from '../../src/x86/forms.ts';
import { allForms } from '../../src/x86/forms.ts';
import { Insn } from '../../src/x86/insn.ts';
import '../../src/x86/lift.ts';
import { ALL_FORMS } from './forms.ts';
import { CODE_BASE, STRIDE } from './record.ts';
import { makeSnippets } from './snippets.ts';

/** Rows without a form. */
const EXCEPT: Readonly<Record<string, string>> = {
  'NP 0F AE /0 fxsave': 'wider than the data window: test/oracle/fp/fxsave.c',
  'NP 0F AE /1 fxrstor': 'wider than the data window: test/oracle/fp/fxsave.c',
  'NP 0F AE /4 xsave': 'wider than the data window: test/oracle/fp/xsave.c',
  'NP 0F AE /5 xrstor': 'wider than the data window: test/oracle/fp/xsave.c',
  'NP 0F AE /6 xsaveopt': 'wider than the data window; the same as xsave',
  'NP 0F 01 D0 xgetbv': 'tells what is implemented, not what the processor has',
  '0F A2 cpuid': 'tells what is implemented, not what the processor has',
  '0F 05 syscall': 'the kernel is not part of the comparison',
  '0F 31 rdtsc': 'time',
  '0F 01 F9 rdtscp': 'time',
  'CC int3': 'ends every snippet',
  'F1 int1': 'the kernel changes RFLAGS.TF around it',
  'd64 0F A1 pop FS': 'takes the thread pointer from the native runner',
  '8E /r mov': 'segment registers are not in a state',
  'CA retf': 'segment registers are not in a state',
  'FF /3 call': 'far: segment registers are not in a state',
  'FF /5 jmp': 'far: segment registers are not in a state',
  '0F 35 sysexit': '#UD on AMD processors, #GP on others',
};

test('every instruction row is compared with the processor', () => {
  const { snippets, code } = makeSnippets(ALL_FORMS, 12, 5);
  const insn = new Insn();
  const seen = new Set<Row>();
  const byte = (address: number): number => code[address - CODE_BASE] ?? 0xcc;
  for (const s of snippets)
    for (let at = s.address; at < s.address + STRIDE && byte(at) !== 0xcc; at = insn.next) {
      if (decode(byte, at, insn) !== DECODE_OK) break;
      seen.add(insn.form!); // DECODE_OK: there is one
    }
  const missing = allForms().filter((r) => !seen.has(r)).map((r) => `${r.encoding} ${r.mnemonic}${r.mnemonic === 'pop' ? ` ${r.operands.join(',')}` : ''}`);
  assert.deepEqual(missing.filter((m) => !(m in EXCEPT)), [], 'rows without a form');
  console.log(`${allForms().length} rows, ${missing.length} not compared for a reason`);
});
