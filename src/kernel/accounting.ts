/** Process accounting: a record in a file for each process that ends. Linux 6.18 kernel/acct.c (CONFIG_BSD_PROCESS_ACCT_V3). */
import { NSEC_PER_SEC } from '../abi/time.ts';
import { BytesIoVector } from '../base/io-vector.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import type { PidNamespace } from './pid-namespace.ts';
import type { Task } from './task.ts';

/** struct acct_v3, bytes. */
const SIZEOF_ACCT = 64;
const AFORK = 1, ACORE = 8, AXSIG = 0x10;
const AHZ = 100;
const record = new Uint8Array(SIZEOF_ACCT);
const view = new DataView(record.buffer);

/** comp_t: 13 bits of fraction and an exponent of 8. */
function compressed(value: number): number {
  let exponent = 0;
  let round = 0;
  let v = Math.floor(value);
  while (v > 0x1fff) {
    round = v & 4;
    v = Math.floor(v / 8);
    exponent++;
  }
  if (round !== 0 && ++v > 0x1fff) {
    v = Math.floor(v / 8);
    exponent++;
  }
  return exponent > 7 ? 0xffff : (exponent << 13) + v;
}

/** Switches accounting of a PID namespace to `file` (its reference is taken over), or off with null. */
export function setAccounting(ns: PidNamespace, file: FileDescription | null): void {
  ns.accounting?.unref();
  ns.accounting = file;
}

/** The last thread of a process ends, with its memory still there: a record for its PID namespace and each one above that keeps accounts. */
export function accountExit(t: Task, code: number): void {
  for (let ns: PidNamespace | null = t.threadGroup.pid.ns; ns !== null; ns = ns.parent) if (ns.accounting !== null) writeRecord(t, code, ns, ns.accounting);
}

function writeRecord(t: Task, code: number, ns: PidNamespace, file: FileDescription): void {
  const tg = t.threadGroup;
  const { clock } = t.kernel;
  let { utime, stime, minflt, majflt } = tg.usage;
  for (const m of tg.threads) {
    utime += m.usage.utime;
    stime += m.usage.stime;
    minflt += m.usage.minflt;
    majflt += m.usage.majflt;
  }
  const ticks = (ns: number): number => compressed((ns / NSEC_PER_SEC) * AHZ);
  const elapsed = clock.monotonicNs() - tg.startTime;
  clock.update();
  record.fill(0);
  // Linux differs: ASU (a capability was used) is not kept.
  record[0] = (t.forkNoExec ? AFORK : 0) | (code & 0x80 ? ACORE : 0) | (code & 0x7f ? AXSIG : 0);
  record[1] = 3;
  view.setUint32(4, code, true);
  const owner = t.kernel.userNs;
  view.setUint32(8, owner.fromKuid(t.credentials.uid), true);
  view.setUint32(12, owner.fromKgid(t.credentials.gid), true);
  view.setUint32(16, tg.pid.nr(ns), true);
  view.setUint32(20, t.realParent?.threadGroup.pid.nr(ns) ?? 0, true);
  view.setUint32(24, Math.floor(clock.sec - elapsed / NSEC_PER_SEC), true);
  view.setFloat32(28, (elapsed / NSEC_PER_SEC) * AHZ, true);
  view.setUint16(32, ticks(utime), true);
  view.setUint16(34, ticks(stime), true);
  view.setUint16(36, compressed((t.mm?.totalVm ?? 0) * 4), true);
  view.setUint16(42, compressed(minflt), true);
  view.setUint16(44, compressed(majflt), true);
  for (let i = 0; i < Math.min(15, t.comm.length); i++) record[48 + i] = t.comm.charCodeAt(i);
  file.write(t, new BytesIoVector(record), -1);
}
