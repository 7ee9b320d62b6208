/** Processors as /proc shows them. */
import type { Kernel } from '../../kernel/kernel.ts';

/** Processors the guest sees. */
export function cpuCount(kernel: Kernel): number {
  return kernel.cpus;
}

/** `f` for processors 0-3, as in Cpus_allowed. */
export function cpuMaskText(mask: number): string {
  return (mask >>> 0).toString(16);
}

/** `0-1,3`. */
export function cpuListText(mask: number): string {
  const parts: string[] = [];
  for (let i = 0; i < 32; ) {
    if (((mask >>> i) & 1) === 0) {
      i++;
      continue;
    }
    let end = i;
    while (end < 31 && ((mask >>> (end + 1)) & 1) !== 0) end++;
    parts.push(end === i ? String(i) : `${i}-${end}`);
    i = end + 1;
  }
  return parts.join(',');
}
