/** struct rusage for the guest. */
import { RUSAGE_SIZE } from '../abi/resource.ts';
import { NSEC_PER_SEC } from '../abi/time.ts';
import type { ResourceUsage } from '../kernel/resource-usage.ts';
import type { Task } from '../kernel/task.ts';

const bytes: Uint8Array = new Uint8Array(RUSAGE_SIZE);
const view: DataView = new DataView(bytes.buffer);

function long(off: number, v: number): void {
  view.setUint32(off, v >>> 0, true);
  view.setUint32(off + 4, Math.floor(v / 4294967296), true);
}

/** Writes `u` at `addr`; false = EFAULT. */
export function writeRusage(t: Task, addr: number, u: ResourceUsage): boolean {
  long(0, Math.floor(u.utime / NSEC_PER_SEC));
  long(8, Math.floor((u.utime % NSEC_PER_SEC) / 1000));
  long(16, Math.floor(u.stime / NSEC_PER_SEC));
  long(24, Math.floor((u.stime % NSEC_PER_SEC) / 1000));
  bytes.fill(0, 32);
  long(32, u.maxrss);
  long(64, u.minflt);
  long(72, u.majflt);
  long(88, u.inblock);
  long(96, u.oublock);
  long(128, u.nvcsw);
  long(136, u.nivcsw);
  return t.space.writeBytes(addr, bytes) === 0;
}
