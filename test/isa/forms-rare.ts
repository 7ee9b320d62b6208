/** Encodings that assemblers do not choose (aliases, long branches), hints, and what user mode may not execute. */
import type { Form } from './snippets.ts';

const raw = (...bytes: number[]): string => `.byte ${bytes.join(',')}`;
const X = { fp: 'x87', undefSw: 0x4500 } as const;
const COMPARE = { fp: 'x87' } as const;
const SHIFT = { undef: 'af of' } as const;
const longBranches: Form[] = [];
for (let cc = 0; cc < 16; cc++) longBranches.push([raw(0x0f, 0x80 + cc, 4, 0, 0, 0)]);

export const RARE_FORMS: readonly Form[] = [
  // Aliases.
  [raw(0xc0, 0xf2, 3), SHIFT], [raw(0xc1, 0xf2, 3), SHIFT], [raw(0xd0, 0xf2), { undef: 'af' }], [raw(0xd1, 0xf2), { undef: 'af' }], [raw(0xd2, 0xf2), SHIFT], [raw(0xd3, 0xf2), SHIFT],
  [raw(0xf6, 0xca, 0x5a), { undef: 'af' }], [raw(0xf7, 0xca, 1, 2, 3, 0x84), { undef: 'af' }], ['test al,{i8}', { undef: 'af' }], ['test eax,{i32}', { undef: 'af' }], ['test rax,{i32}', { undef: 'af' }],
  [raw(0xa2, 0, 0x10, 0, 0x10, 0, 0, 0, 0)], [raw(0xa3, 0, 0x10, 0, 0x10, 0, 0, 0, 0)], [raw(0xa0, 0, 0x10, 0, 0x10, 0, 0, 0, 0)], [raw(0xa1, 0, 0x10, 0, 0x10, 0, 0, 0, 0)],
  [raw(0xd9, 0xd9), X], [raw(0xdb, 0xe0), X], [raw(0xdb, 0xe1), X], [raw(0xdb, 0xe4), X], [raw(0xdc, 0xd1), COMPARE], [raw(0xdc, 0xd9), COMPARE], [raw(0xdd, 0xc9), X], [raw(0xde, 0xd1), COMPARE], [raw(0xdf, 0xd1), X],
  [raw(0xdf, 0xd9), X], [raw(0xdf, 0xc9), X], [raw(0xdf, 0xc1), X],
  // Long branches.
  ...longBranches, [raw(0xe9, 4, 0, 0, 0)],
  // Hints.
  ['pause'], ['prefetchw {m}'], ['prefetcht0 {m}'], ['prefetchnta {m}'], [raw(0x0f, 0x18, 0xc2)], [raw(0x0f, 0x19, 0xc2)], [raw(0x0f, 0x1a, 0xc2)], [raw(0x0f, 0x1b, 0xc2)], [raw(0x0f, 0x1c, 0xc2)], [raw(0x0f, 0x1d, 0xc2)],
  ['endbr64'], ['clflush {m}'],
  // Not for user mode: #GP, or #UD.
  ['in al,5'], ['in eax,5'], ['in al,dx'], ['in eax,dx'], ['out 5,al'], ['out 5,eax'], ['out dx,al'], ['out dx,eax'], ['insb', { ptr: ['rdi'] }], ['insd', { ptr: ['rdi'] }], ['outsb', { ptr: ['rsi'] }], ['outsd', { ptr: ['rsi'] }],
  ['cli'], ['sti'], ['hlt'], ['clts'], ['invd'], ['wbinvd'], ['wrmsr'], ['rdmsr'], ['rdpmc'], ['swapgs'], ['lldt {r16}'], ['ltr {r16}'], ['lgdt {m}'], ['lidt {m}'], ['lmsw {r16}'], ['invlpg {m}'],
  ['mov cr0,{r64}'], ['mov {r64},cr0'], ['mov dr7,{r64}'], ['mov {r64},dr7'], [raw(0x0f, 0x07)], ['ud0 eax,eax'], ['ud1 eax,eax'],
  [raw(0x06)], [raw(0x27)], [raw(0x37)], [raw(0x60)], [raw(0x82, 0xc0, 1)], [raw(0xd6)], [raw(0x0f, 0x0a)], [raw(0x0f, 0x24, 0xc0)],
];
