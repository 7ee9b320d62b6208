/** Integer instruction forms. See snippets.ts for the operand syntax. */
import type { Form } from './snippets.ts';

const SHIFT_COUNTS = { values: { rcx: [0, 1, 2, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255] } };
const CONDITIONS = ['o', 'no', 'b', 'ae', 'e', 'ne', 'be', 'a', 's', 'ns', 'p', 'np', 'l', 'ge', 'le', 'g'];

export const INTEGER_FORMS: readonly Form[] = [
  ...['add', 'adc', 'sub', 'sbb', 'cmp', 'and', 'or', 'xor'].flatMap((op): Form[] => {
    const o = op === 'and' || op === 'or' || op === 'xor' ? { undef: 'af' } : {};
    return [[`${op} {rmN},{rN}`, o], [`${op} {rN},{rmN}`, o], [`${op} {rmN},{iN}`, o], [`${op} {rmN},{i8}`, o], [`${op} al,{i8}`, o], [`${op} rax,{i32}`, o]];
  }),
  ...['add', 'adc', 'sub', 'sbb', 'and', 'or', 'xor'].map((op): Form => [`lock ${op} {mN},{rN}`, op.length === 3 && op[0] === 'a' && op !== 'and' ? {} : op === 'sub' || op === 'sbb' ? {} : { undef: 'af' }]),
  ['test {rmN},{rN}', { undef: 'af' }], ['test {rmN},{iN}', { undef: 'af' }],
  ['mov {rmN},{rN}'], ['mov {rN},{rmN}'], ['mov {rmN},{iN}'], ['movabs {r64},0x123456789abcdef0'],
  ['movzx {r16},{rm8}'], ['movzx {r32},{rm8}'], ['movzx {r64},{rm8}'], ['movzx {r32},{rm16}'], ['movzx {r64},{rm16}'],
  ['movsx {r16},{rm8}'], ['movsx {r32},{rm8}'], ['movsx {r64},{rm8}'], ['movsx {r32},{rm16}'], ['movsx {r64},{rm16}'], ['movsxd {r64},{rm32}'],
  ['lea {rN},{m}', { sizes: [16, 32, 64] }], ['lea {r64},[{r32}+{r32}*4+5]'],
  ['inc {rmN}'], ['dec {rmN}'], ['neg {rmN}'], ['not {rmN}'], ['lock inc {mN}'], ['lock dec {mN}'], ['lock neg {mN}'], ['lock not {mN}'],
  ['mul {rmN}', { undef: 'sf zf af pf' }], ['imul {rmN}', { undef: 'sf zf af pf' }],
  ['imul {rN},{rmN}', { undef: 'sf zf af pf', sizes: [16, 32, 64] }], ['imul {rN},{rmN},{iN}', { undef: 'sf zf af pf', sizes: [16, 32, 64] }], ['imul {rN},{rmN},{i8}', { undef: 'sf zf af pf', sizes: [16, 32, 64] }],
  ['div {rmN}', { undef: 'cf pf af zf sf of', values: { rdx: [0, 0, 1, 5, 255, -1] }, weight: 2 }], ['idiv {rmN}', { undef: 'cf pf af zf sf of', values: { rdx: [0, 0, -1, 1, 5] }, weight: 2 }],
  ...['shl', 'shr', 'sar', 'rol', 'ror', 'rcl', 'rcr'].flatMap((op): Form[] => {
    const o = op.startsWith('s') ? { undef: 'af of' } : { undef: 'of' };
    const one = op.startsWith('s') ? { undef: 'af' } : {};
    return [[`${op} {rmN},1`, one], [`${op} {rmN},{u8}`, o], [`${op} {rmN},cl`, { ...o, ...SHIFT_COUNTS }]];
  }),
  ['shld {rmN},{rN},{u8}', { sizes: [32, 64], undef: 'af of' }], ['shld {rmN},{rN},cl', { sizes: [32, 64], undef: 'af of', ...SHIFT_COUNTS }],
  ['shrd {rmN},{rN},{u8}', { sizes: [32, 64], undef: 'af of' }], ['shrd {rmN},{rN},cl', { sizes: [32, 64], undef: 'af of', ...SHIFT_COUNTS }],
  ['shld {rm16},{r16},5', { undef: 'af of' }], ['shrd {rm16},{r16},11', { undef: 'af of' }],
  ...['bt', 'bts', 'btr', 'btc'].flatMap((op): Form[] => {
    const o = { undef: 'pf af sf of', sizes: [16, 32, 64] };
    return [[`${op} {rN},{rN}`, o], [`${op} {mN},{rsN}`, o], [`${op} {rmN},{u8}`, o]];
  }),
  ['lock bts {mN},{rsN}', { undef: 'pf af sf of', sizes: [16, 32, 64] }],
  ['bsf {rN},{rmN}', { undef: 'cf pf af sf of', sizes: [16, 32, 64] }], ['bsr {rN},{rmN}', { undef: 'cf pf af sf of', sizes: [16, 32, 64] }],
  ['tzcnt {rN},{rmN}', { undef: 'pf af sf of', sizes: [16, 32, 64] }], ['lzcnt {rN},{rmN}', { undef: 'pf af sf of', sizes: [16, 32, 64] }],
  ['andn {rN},{rN},{rmN}', { undef: 'pf af', sizes: [32, 64] }], ...['blsr', 'blsmsk', 'blsi'].map((op): Form => [`${op} {rN},{rmN}`, { undef: 'pf af', sizes: [32, 64] }]),
  ['bzhi {rN},{rmN},{rN}', { undef: 'pf af', sizes: [32, 64] }], ['bzhi {rN},{rmN},{rsN}', { undef: 'pf af', sizes: [32, 64] }],
  ['bextr {rN},{rmN},{rN}', { undef: 'pf af sf', sizes: [32, 64] }], ['mov ah,{u8}; and ax,0x3f1f; bextr {rN},{rN},rax', { undef: 'pf af sf', sizes: [64] }],
  ['pdep {rN},{rN},{rmN}', { sizes: [32, 64] }], ['pext {rN},{rN},{rmN}', { sizes: [32, 64] }], ['mulx {rN},{rN},{rmN}', { sizes: [32, 64] }], ['mulx {r64},rcx,{r64}; mulx rcx,rcx,rdx'],
  ['rorx {rN},{rmN},{u8}', { sizes: [32, 64] }], ...['shlx', 'shrx', 'sarx'].map((op): Form => [`${op} {rN},{rmN},{rN}`, { sizes: [32, 64] }]),
  ['movbe {rN},{mN}', { sizes: [16, 32, 64] }], ['movbe {mN},{rN}', { sizes: [16, 32, 64] }],
  ['.byte 0x66,0xc4,0xe2,0x78,0xf2,0xc1'], ['.byte 0x48,0xc4,0xe2,0x78,0xf2,0xc1'], ['.byte 0xf3,0xc4,0xe2,0x78,0xf2,0xc1'], ['.byte 0xc4,0xe2,0x7c,0xf2,0xc1'], ['.byte 0xc4,0xe0,0x78,0xf2,0xc1'],
  ['popcnt {rN},{rmN}', { sizes: [16, 32, 64] }],
  ['bswap {r32}'], ['bswap {r64}'],
  ['xchg {rmN},{rN}'], ['xadd {rmN},{rN}'], ['lock xadd {mN},{rN}'],
  ['cmpxchg {rmN},{rN}', { weight: 2 }], ['lock cmpxchg {mN},{rN}'], ['cmpxchg8b {m64}'], ['lock cmpxchg16b {m128a}', { weight: 3 }],
  ['mov rax,[{r64}]'], ['cbw'], ['cwde'], ['cdqe'], ['cwd'], ['cdq'], ['cqo'],
  ['lahf'], ['sahf'], ['clc'], ['stc'], ['cmc'], ['cld'], ['std'], ['nop'], ['nop dword ptr [rax+5]'],
  ...CONDITIONS.flatMap((c): Form[] => [[`set${c} {rm8}`], [`cmov${c} {rN},{rmN}`, { sizes: [16, 32, 64] }], [`j${c} .+9`], [`cmp {rN},{rN}; j${c} .+9`], [`test {r32},{r32}; set${c} {r8}`], [`dec {r16}; cmov${c} {r32},{r32}`]]),
  ['jmp .+9'], ['jrcxz .+9', { count: ['rcx'] }], ['loop .+9', { count: ['rcx'] }], ['loope .+9', { count: ['rcx'] }], ['loopne .+9', { count: ['rcx'] }],
  ['push {r64}'], ['push {r16}'], ['push {i8}'], ['push {i32}'], ['push {m64}'], ['push {m16}'], ['pop {r64}'], ['pop {r16}'], ['pop {m64}'], ['pop {m16}'], ['push rsp'], ['pop rsp'],
  ['pushfq', {}], ['pushf'], ['pushfq; and dword ptr [rsp],0x8d5; popfq'], ['pushf; and word ptr [rsp],0x8d5; popf'], ['leave', { ptr: ['rbp'] }], ['enter 16,0', { ptr: ['rbp'] }], ['enter 8,1', { ptr: ['rbp'] }], ['enter 0,3', { ptr: ['rbp'] }], ['enterw 8,0', { ptr: ['rbp'] }], ['leavew', { ptr: ['rbp'] }], ['xlatb', { ptr: ['rbx'] }],
  ['call .+9'], ['push 0x33; lea rax,[rip+3]; push rax; retfq'], ['mov rcx,rsp; push 0x2b; push rcx; push 0x2d5; push 0x33; lea rax,[rip+3]; push rax; iretq'], ['lea rax,[rip+2]; push rax; ret'], ['lea rcx,[rip+4]; push rcx; ret 8'], ['lea rdx,[rip+2]; jmp rdx'], ['lea r9,[rip+3]; call r9'],
  ['mov {r32},ds'], ['mov {r64},fs'], ['mov {r16},ss'], ['mov {m16},cs'], ['push fs'], ['push gs'], ['pop gs', { ptr: ['rsp'] }],
  ['.byte 0x67; lodsb', { ptr: ['rsi'] }], ['.byte 0x67; rep stosb', { ptr: ['rdi'], count: ['rcx'] }], ['.byte 0x67; jrcxz .+9', { count: ['rcx'] }],
  ['mov {r32},dword ptr [{r32}+{r32}]'], ['.byte 0x66,0x0f,0xc9'], ['.byte 0x66; nop'], ['shl {rm8},{u8}', { undef: 'af of cf' }], ['.byte 0xc0,0xf0,3', { undef: 'af of' }],
  ['in al,dx'], ['out dx,al'], ['hlt'], ['cli'], ['int 0x21'], ['rdmsr'], ['mov rax,cr0'], ['clflush {m8}'], ['mfence'], ['lfence'], ['sfence'], ['prefetcht0 {m8}'],
  ['movnti {m32},{r32}'], ['movnti {m64},{r64}'], ['movabs al,[0x10001f00]'], ['movabs [0x10001f00],rax'], ['movabs eax,[0x10001f00]'], ['movabs [0x10001f00],ax'],
  ['.byte 0xf0; mov {m32},{r32}'], ['.byte 0xf0; add eax,ebx'], ['.byte 0xf0; cmp {m32},{r32}'], ['.byte 0x0f,0xb9,0xc0'], ['.byte 0x06'], ['.byte 0xc4,0xe2,0x00'],
  ['.byte 0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x90'], ['.byte 0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x90'],
  ['.byte 0x48,0x66,0x01,0xc3'], ['.byte 0x66,0x48,0x01,0xc3'], ['.byte 0xf3; imul eax,ebx', { undef: 'sf zf af pf' }], ['.byte 0xf2; add eax,ebx'], ['lea {r64},[rip+5]'],
  ...['movs', 'stos', 'lods', 'cmps', 'scas'].flatMap((op): Form[] => {
    const r: Form[] = [];
    for (const s of ['b', 'w', 'd', 'q']) {
      r.push([`${op}${s}`, { ptr: ['rsi', 'rdi'], df: true }], [`rep ${op}${s}`, { ptr: ['rsi', 'rdi'], count: ['rcx'], df: true }]);
      if (op === 'cmps' || op === 'scas') r.push([`repne ${op}${s}`, { ptr: ['rsi', 'rdi'], count: ['rcx'], df: true }]);
    }
    return r;
  }),
  ['add {r64},{m64}; adc {r64},{r64}'], ['sub {r32},{r32}; sbb {r32},{r32}'], ['inc {r64}; adc {r64},{r64}'], ['ud2'], ['int3'],
  ['crc32 {r32},{rmN}', { sizes: [8, 16, 32] }], ['crc32 {r64},{rm64}'],
];
