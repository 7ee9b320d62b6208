/** The helpers of SSE and x87 that run as JavaScript, by the names under which sse-float.ts and x87.ts register them. */
import { makeSseFloat } from './sse-slow.ts';
import type { HelperMemory } from './sse-slow.ts';
import { makeX87 } from './x87-slow.ts';

/** Functions (cpu, …arguments) over the linear memory. */
export function fpRuntime(memory: HelperMemory): Record<string, (cpu: number, code: number) => number | void> {
  return { sseFloat: makeSseFloat(memory), x87: makeX87(memory) };
}
