/** MMX instruction forms. */
import type { Form } from './snippets.ts';

const M = { fp: 'mmx' } as const;
const F = { fp: 'sse' } as const;

export const MMX_FORMS: readonly Form[] = [
  ...[
    'packsswb', 'packuswb', 'packssdw', 'pcmpgtb', 'pcmpgtw', 'pcmpgtd', 'pcmpeqb', 'pcmpeqw', 'pcmpeqd', 'paddb', 'paddw', 'paddd', 'paddq', 'paddsb', 'paddsw', 'paddusb', 'paddusw', 'psubb', 'psubw', 'psubd',
    'psubq', 'psubsb', 'psubsw', 'psubusb', 'psubusw', 'pmullw', 'pmulhw', 'pmulhuw', 'pmuludq', 'pmaddwd', 'pmaddubsw', 'pmulhrsw', 'pminub', 'pminsw', 'pmaxub', 'pmaxsw', 'pavgb', 'pavgw', 'psadbw', 'pand', 'pandn', 'por', 'pxor',
    'phaddw', 'phaddd', 'phaddsw', 'phsubw', 'phsubd', 'phsubsw', 'psignb', 'psignw', 'psignd', 'pabsb', 'pabsw', 'pabsd', 'pshufb', 'punpckhbw', 'punpckhwd', 'punpckhdq', 'psllw', 'pslld', 'psllq', 'psrlw', 'psrld', 'psrlq', 'psraw', 'psrad', 'movq',
  ].map((op): Form => [`${op} {mm},{mmm64}`, M]),
  ...['punpcklbw', 'punpcklwd', 'punpckldq'].map((op): Form => [`${op} {mm},{mmm32}`, M]),
  ...['psllw', 'pslld', 'psllq', 'psrlw', 'psrld', 'psrlq', 'psraw', 'psrad'].map((op): Form => [`${op} {mm},{u8}`, M]),
  ['movq {m64},{mm}', M], ['movntq {m64},{mm}', M], ['movd {mm},{rm32}', M], ['movq {mm},{r64}', M], ['movd {rm32},{mm}', M], ['movq {r64},{mm}', M], ['pshufw {mm},{mmm64},{u8}', M], ['palignr {mm},{mmm64},{u8}', M],
  ['pinsrw {mm},{r32},{u8}', M], ['pinsrw {mm},{m16},{u8}', M], ['pextrw {r32},{mm},{u8}', M], ['pmovmskb {r32},{mm}', M], ['maskmovq {mm},{mm}', { ...M, ptr: ['rdi'] }], ['emms', M], ['movq2dq {x},{mm}', M], ['movdq2q {mm},{x}', M],
  ['cvtpi2ps {x},{mmm64}', F], ['cvtpi2pd {x},{mmm64}', F], ['cvtps2pi {mm},{xm64}', F], ['cvttps2pi {mm},{xm64}', F], ['cvtpd2pi {mm},{xm128a}', F], ['cvttpd2pi {mm},{xm128a}', F],
];
