/** SSE to SSE4.2 instruction forms. */
import type { Form } from './snippets.ts';

const FLOAT = { fp: 'sse' } as const;
/** Integer and move instructions with `xmm, xmm/m128` operands that must be aligned. */
const PACKED = [
  'movaps', 'movapd', 'movdqa', 'unpcklps', 'unpcklpd', 'unpckhps', 'unpckhpd', 'movsldup', 'movshdup', 'andps', 'andpd', 'andnps', 'andnpd', 'orps', 'orpd', 'xorps', 'xorpd',
  'punpcklbw', 'punpcklwd', 'punpckldq', 'punpcklqdq', 'punpckhbw', 'punpckhwd', 'punpckhdq', 'punpckhqdq', 'packsswb', 'packuswb', 'packssdw', 'packusdw',
  'pcmpgtb', 'pcmpgtw', 'pcmpgtd', 'pcmpgtq', 'pcmpeqb', 'pcmpeqw', 'pcmpeqd', 'pcmpeqq', 'paddb', 'paddw', 'paddd', 'paddq', 'paddsb', 'paddsw', 'paddusb', 'paddusw',
  'psubb', 'psubw', 'psubd', 'psubq', 'psubsb', 'psubsw', 'psubusb', 'psubusw', 'pmullw', 'pmulld', 'pmulhw', 'pmulhuw', 'pmuludq', 'pmuldq', 'pmaddwd', 'pmaddubsw', 'pmulhrsw',
  'pminub', 'pminsw', 'pmaxub', 'pmaxsw', 'pminsb', 'pminsd', 'pminuw', 'pminud', 'pmaxsb', 'pmaxsd', 'pmaxuw', 'pmaxud', 'pavgb', 'pavgw', 'psadbw', 'pand', 'pandn', 'por', 'pxor',
  'phaddw', 'phaddd', 'phaddsw', 'phsubw', 'phsubd', 'phsubsw', 'psignb', 'psignw', 'psignd', 'pabsb', 'pabsw', 'pabsd', 'pshufb', 'phminposuw',
  'pblendvb', 'blendvps', 'blendvpd', 'psllw', 'pslld', 'psllq', 'psrlw', 'psrld', 'psrlq', 'psraw', 'psrad', 'aesenc',
];
const SHIFT_BY = ['psllw', 'pslld', 'psllq', 'psrlw', 'psrld', 'psrlq', 'psraw', 'psrad', 'pslldq', 'psrldq'];
const WIDENING: readonly (readonly [string, number])[] = [['bw', 64], ['bd', 32], ['bq', 16], ['wd', 64], ['wq', 32], ['dq', 64]];
const ARITHMETIC = ['add', 'sub', 'mul', 'div', 'min', 'max'];

export const SSE_FORMS: readonly Form[] = [
  ...PACKED.filter((op) => op !== 'aesenc').map((op): Form => [`${op} {x},{xm128a}`, op.endsWith('ps') || op.endsWith('pd') ? FLOAT : {}]),
  ...SHIFT_BY.map((op): Form => [`${op} {x},{u8}`]),
  ...['psllw', 'pslld', 'psllq', 'psrlw', 'psrld', 'psrlq', 'psraw', 'psrad'].map((op): Form => [`mov eax,{u8}; movd xmm3,eax; ${op} {x},xmm3`]),
  ...['movups', 'movupd', 'movdqu'].flatMap((op): Form[] => [[`${op} {x},{xm128}`], [`${op} {m128},{x}`]]),
  ...['movaps', 'movapd', 'movdqa', 'movntps', 'movntpd', 'movntdq'].map((op): Form => [`${op} {m128a},{x}`]),
  ['lddqu {x},{m128}'], ['movntdqa {x},{m128a}'],
  ['movss {x},{xm32}', FLOAT], ['movss {m32},{x}', FLOAT], ['movsd {x},{xm64}', FLOAT], ['movsd {m64},{x}', FLOAT], ['movddup {x},{xm64}'],
  ['movlps {x},{m64}'], ['movlps {m64},{x}'], ['movhps {x},{m64}'], ['movhps {m64},{x}'], ['movlpd {x},{m64}'], ['movlpd {m64},{x}'], ['movhpd {x},{m64}'], ['movhpd {m64},{x}'],
  ['movhlps {x},{x}'], ['movlhps {x},{x}'], ['movd {x},{rm32}'], ['movq {x},{r64}'], ['movd {rm32},{x}'], ['movq {r64},{x}'], ['movq {x},{xm64}'], ['movq {m64},{x}'],
  ['pshufd {x},{xm128a},{u8}'], ['pshufhw {x},{xm128a},{u8}'], ['pshuflw {x},{xm128a},{u8}'], ['shufps {x},{xm128a},{u8}'], ['shufpd {x},{xm128a},{u8}'],
  ['palignr {x},{xm128a},{u8}', { weight: 4 }], ['blendps {x},{xm128a},{u8}'], ['blendpd {x},{xm128a},{u8}'], ['pblendw {x},{xm128a},{u8}'], ['mpsadbw {x},{xm128a},{u8}', { weight: 3 }],
  ['pinsrw {x},{r32},{u8}'], ['pinsrw {x},{m16},{u8}'], ['pinsrb {x},{r32},{u8}'], ['pinsrb {x},{m8},{u8}'], ['pinsrd {x},{rm32},{u8}'], ['pinsrq {x},{rm64},{u8}'], ['insertps {x},{xm32},{u8}', { weight: 4 }],
  ['pextrw {r32},{x},{u8}'], ['pextrw {m16},{x},{u8}'], ['pextrb {r32},{x},{u8}'], ['pextrb {m8},{x},{u8}'], ['pextrd {rm32},{x},{u8}'], ['pextrq {rm64},{x},{u8}'], ['extractps {rm32},{x},{u8}'],
  ['movmskps {r32},{x}'], ['movmskpd {r32},{x}'], ['pmovmskb {r32},{x}'], ['maskmovdqu {x},{x}', { ptr: ['rdi'] }], ['ptest {x},{xm128a}'], ['ptest xmm1,xmm1'], ['pxor xmm2,xmm2'], ['pcmpeqd xmm9,xmm9'],
  ...WIDENING.flatMap(([op, n]): Form[] => [[`pmovsx${op} {x},{xm${n}}`], [`pmovzx${op} {x},{xm${n}}`]]),
  ...['pcmpistri', 'pcmpistrm'].map((op): Form => [`${op} {x},{xm128},{u8}`, { weight: 16 }]),
  ...['pcmpestri', 'pcmpestrm'].map((op): Form => [`${op} {x},{xm128},{u8}`, { weight: 16, values: { rax: [0, 1, 3, 5, 8, 12, 16, 20, -4, -16, -300, 70000], rdx: [0, 1, 2, 7, 8, 11, 15, 16, 17, -3, -9, 70000] } }]),
  ...['pcmpestri', 'pcmpestrm'].map((op): Form => [`rex.w ${op} {x},xmm5,{u8}`, { weight: 4, values: { rax: [0, 1, 3, 5, 8, 12, 16, 20, -4, -16, -300, 70000], rdx: [0, 1, 2, 7, 8, 11, 15, 16, 17, -3, -9, 70000] } }]),
  // Floating point.
  ...ARITHMETIC.flatMap((op): Form[] => [[`${op}ps {x},{xm128a}`, FLOAT], [`${op}pd {x},{xm128a}`, FLOAT], [`${op}ss {x},{xm32}`, { ...FLOAT, weight: 3 }], [`${op}sd {x},{xm64}`, { ...FLOAT, weight: 3 }]]),
  ['sqrtps {x},{xm128a}', FLOAT], ['sqrtpd {x},{xm128a}', FLOAT], ['sqrtss {x},{xm32}', FLOAT], ['sqrtsd {x},{xm64}', FLOAT],
  ...['eq', 'lt', 'le', 'unord', 'neq', 'nlt', 'nle', 'ord'].flatMap((p): Form[] => [[`cmp${p}ps {x},{xm128a}`, FLOAT], [`cmp${p}pd {x},{xm128a}`, FLOAT], [`cmp${p}ss {x},{xm32}`, FLOAT], [`cmp${p}sd {x},{xm64}`, FLOAT]]),
  ...['ucomiss', 'comiss'].map((op): Form => [`${op} {x},{xm32}`, FLOAT]), ...['ucomisd', 'comisd'].map((op): Form => [`${op} {x},{xm64}`, FLOAT]),
  ...['a', 'ae', 'b', 'be', 'e', 'ne', 'p', 'np', 'l', 'g', 'ge', 'le', 's', 'o'].map((c): Form => [`ucomisd {x},{x}; set${c} {r8}`, FLOAT]),
  ...['addsubps', 'addsubpd', 'haddps', 'haddpd', 'hsubps', 'hsubpd'].map((op): Form => [`${op} {x},{xm128a}`, FLOAT]),
  ['dpps {x},{xm128a},{u8}', { ...FLOAT, weight: 4 }], ['dppd {x},{xm128a},{u8}', { ...FLOAT, weight: 4 }],
  ...['roundps', 'roundpd'].map((op): Form => [`${op} {x},{xm128a},{u8}`, { ...FLOAT, weight: 3 }]), ['roundss {x},{xm32},{u8}', { ...FLOAT, weight: 3 }], ['roundsd {x},{xm64},{u8}', { ...FLOAT, weight: 3 }],
  ['rcpps {x},{xm128a}', { ...FLOAT, undefXmm: true }], ['rcpss {x},{xm32}', { ...FLOAT, undefXmm: true }], ['rsqrtps {x},{xm128a}', { ...FLOAT, undefXmm: true }], ['rsqrtss {x},{xm32}', { ...FLOAT, undefXmm: true }],
  ['cvtsi2ss {x},{rm32}', FLOAT], ['cvtsi2ss {x},{rm64}', FLOAT], ['cvtsi2sd {x},{rm32}', FLOAT], ['cvtsi2sd {x},{rm64}', FLOAT],
  ...['r32', 'r64'].flatMap((r): Form[] => [[`cvtss2si {${r}},{xm32}`, FLOAT], [`cvttss2si {${r}},{xm32}`, FLOAT], [`cvtsd2si {${r}},{xm64}`, FLOAT], [`cvttsd2si {${r}},{xm64}`, FLOAT]]),
  ['cvtsd2ss {x},{xm64}', { ...FLOAT, weight: 2 }], ['cvtss2sd {x},{xm32}', FLOAT], ['cvtps2pd {x},{xm64}', FLOAT], ['cvtpd2ps {x},{xm128a}', FLOAT], ['cvtdq2ps {x},{xm128a}', FLOAT], ['cvtps2dq {x},{xm128a}', FLOAT],
  ['cvttps2dq {x},{xm128a}', FLOAT], ['cvtpd2dq {x},{xm128a}', FLOAT], ['cvttpd2dq {x},{xm128a}', FLOAT], ['cvtdq2pd {x},{xm64}', FLOAT],
  ['stmxcsr {m32}', FLOAT], ['ldmxcsr {m32}', { ...FLOAT, weight: 2 }], ['mov dword ptr [rsp],{u8}; ldmxcsr [rsp]; addsd {x},{x}', FLOAT], ['mov dword ptr [rsp],0xffc0; ldmxcsr [rsp]; mulpd {x},{x}', FLOAT], ['addsd {x},{x}; mulsd {x},{x}; subsd {x},{x}', FLOAT], ['addsd {x},{x}; stmxcsr {m32}', FLOAT],
];
