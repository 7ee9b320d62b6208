/** JavaScript implementations of helpers, by name; those that the runtime module exports come before them. */
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { cpuidInstruction, div128 } from '../x86/helpers-integer.ts';
import { crc32c } from '../x86/lift-crc.ts';
import { fpRuntime } from '../x86/fp-runtime.ts';

export function helperImplementations(pm: PhysicalMemory): Record<string, unknown> {
  const { i32 } = pm;
  return {
    div128,
    crc32c,
    cpuid: (cpu: number) => cpuidInstruction(i32, cpu),
    ...fpRuntime({ buffer: pm.u8.buffer }),
  };
}
