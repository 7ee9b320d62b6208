/** Short random programs: flags that live across instructions, loops and branches, partial registers, memory between registers. AF is the only undefined flag in them. */
import { Random } from './random.ts';
import type { Form } from './snippets.ts';

const CONDITIONS = ['o', 'no', 'b', 'ae', 'e', 'ne', 'be', 'a', 's', 'ns', 'p', 'np', 'l', 'ge', 'le', 'g'];
const STEPS: readonly string[] = [
  'add {rK},{rK}', 'adc {rK},{rK}', 'sub {rK},{rK}', 'sbb {rK},{rK}', 'cmp {rK},{rK}', 'and {rK},{rK}', 'or {rK},{rK}', 'xor {rK},{rK}', 'test {rK},{rK}', 'add {rK},{i8}', 'cmp {rK},{i8}', 'sbb {rK},{i8}',
  'inc {rK}', 'dec {rK}', 'neg {rK}', 'not {rK}', 'shl {rK},1', 'shr {rK},1', 'sar {rK},1', 'rol {rK},1', 'ror {rK},1', 'rcl {rK},1', 'rcr {rK},1', 'xadd {rK},{rK}', 'xchg {rK},{rK}', 'mov {rK},{rK}',
  'cmovCC {r32},{r32}', 'cmovCC {r64},{r64}', 'setCC {r8}', 'setCC {r8}', 'stc', 'cmc', 'clc', 'movzx {r32},{r8}', 'movsx {r64},{r16}', 'lea {r64},[{r64}+{r64}*4]', 'bswap {r64}', 'popcnt {r64},{r64}', 'cbw', 'cdqe', 'cqo',
];
const FLOAT_STEPS: readonly string[] = [
  'addsd {x},{x}', 'mulsd {x},{x}', 'subsd {x},{x}', 'divsd {x},{x}', 'sqrtsd {x},{x}', 'addss {x},{x}', 'movsd {x},{x}', 'movaps {x},{x}', 'unpcklpd {x},{x}', 'cvtsi2sd {x},{r32}', 'cvttsd2si {r64},{x}',
  'cvtss2sd {x},{x}', 'cvtsd2ss {x},{x}', 'pxor {x},{x}', 'paddd {x},{x}', 'minsd {x},{x}', 'maxsd {x},{x}', 'andpd {x},{x}', 'ucomisd {x},{x}; setCC {r8}', 'comiss {x},{x}; cmovCC {r64},{r64}', 'movq {r64},{x}', 'movd {x},{r32}',
  'cmpltsd {x},{x}', 'movmskpd {r32},{x}', 'pshufd {x},{x},{u8}', 'mulpd {x},{x}', 'haddpd {x},{x}',
];
const X87_STEPS: readonly string[] = [
  'fadd st,{st}', 'fmul st,{st}', 'fsubr {st},st', 'fdivp st(1),st', 'fld {st}', 'fld1', 'fldz', 'fxch {st}', 'fchs', 'fabs', 'fsqrt', 'faddp st(1),st', 'fstp st(2)', 'fcomi st,{st}; cmovCC {r64},{r64}', 'fnstsw ax', 'ffree {st}', 'frndint',
];

function programs(steps: readonly string[], count: number, lengths: readonly number[], options: Form[1], seed: number, loops: boolean): Form[] {
  const rnd = new Random(seed);
  const out: Form[] = [];
  for (let k = 0; k < count; k++) {
    const list: string[] = [];
    const length = rnd.pick(lengths);
    for (let n = 0; n < length; n++) list.push(rnd.pick(steps).replaceAll('CC', rnd.pick(CONDITIONS)).replaceAll('K', String(rnd.pick([8, 16, 32, 64]))));
    const shape = rnd.below(loops ? 4 : 2);
    if (shape === 1) list.splice(1, 0, `j${rnd.pick(CONDITIONS)} 1f`);
    // The register that counts may be changed by the loop's body: it still ends, as memory of a fault or the fuel does not count; so the counter is kept.
    if (shape === 2) {
      list[0] = `1: ${list[0]!}`;
      list.push('sub dword ptr [rsp],1', `j${rnd.pick(['a', 'ge', 'ns'])} 1b`);
      list.unshift('and dword ptr [rsp],15');
    }
    if (shape === 3) list.push(`j${rnd.pick(CONDITIONS)} .+3`);
    out.push([`${list.join('; ')}${shape === 1 ? '; 1:' : ''}`, { ...options, undef: 'af' }]);
  }
  return out;
}

export const SEQUENCE_FORMS: readonly Form[] = [
  ...programs(STEPS, 300, [3, 4, 5], {}, 1, true),
  ...programs(FLOAT_STEPS, 150, [3, 4], { fp: 'sse' }, 2, false),
  ...programs(X87_STEPS, 100, [3, 4, 5], { fp: 'x87', undefSw: 0x4500 }, 3, false),
];
