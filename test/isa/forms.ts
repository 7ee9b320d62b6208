/** All instruction forms that are compared with the processor. */
import { INTEGER_FORMS } from './forms-integer.ts';
import { MMX_FORMS } from './forms-mmx.ts';
import { RARE_FORMS } from './forms-rare.ts';
import { SEQUENCE_FORMS } from './forms-sequence.ts';
import { SSE_FORMS } from './forms-sse.ts';
import { X87_FORMS } from './forms-x87.ts';
import type { Form } from './snippets.ts';

export const ALL_FORMS: readonly Form[] = [...INTEGER_FORMS, ...SSE_FORMS, ...MMX_FORMS, ...X87_FORMS, ...RARE_FORMS, ...SEQUENCE_FORMS];
