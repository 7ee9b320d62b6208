/** Restartable sequences: a critical section that is pre-empted or signalled starts over at its abort handler. Linux kernel/rseq.c. */
import { isErr } from '../abi/errno.ts';
import { SIGSEGV } from '../abi/signal.ts';
import { kernelSignal } from './signal-info.ts';
import { forceSignal } from './signal-send.ts';
import type { Task } from './task.ts';

/** Offsets in struct rseq: cpu_id_start, cpu_id, rseq_cs, flags, node_id, mm_cid. */
const CPU_ID_START = 0, CPU_ID = 4, RSEQ_CS = 8, NODE_ID = 20, MM_CID = 24;
/** struct rseq as first published; longer ones have node_id and mm_cid. */
export const RSEQ_ORIG_SIZE = 32;

/** Before a handler's frame is built: the frame must not point into an aborted section. */
export function rseqPrepareSignal(t: Task): void {
  if (!rseqIpFixup(t)) forceSignal(t, kernelSignal(SIGSEGV));
}

/** After pre-emption or when the registration is new: aborts a running section, writes the CPU number. */
export function rseqResume(t: Task): void {
  if (!rseqIpFixup(t) || !rseqUpdateIds(t)) forceSignal(t, kernelSignal(SIGSEGV));
}

/** Writes cpu_id_start, cpu_id, node_id and mm_cid. False = EFAULT. One task runs at a time, so that concurrency id 0 is never used by two. */
export function rseqUpdateIds(t: Task): boolean {
  const a = t.rseqAddr;
  const space = t.space;
  if (isErr(space.writeU32(a + CPU_ID_START, t.sched.cpu)) || isErr(space.writeU32(a + CPU_ID, t.sched.cpu))) return false;
  return !isErr(space.writeU32(a + NODE_ID, 0)) && !isErr(space.writeU32(a + MM_CID, 0));
}

/** Back to the unregistered values. */
export function rseqResetIds(t: Task): boolean {
  const a = t.rseqAddr;
  const space = t.space;
  return !isErr(space.writeU32(a + CPU_ID_START, 0)) && !isErr(space.writeU32(a + CPU_ID, 0xffffffff));
}

function rseqIpFixup(t: Task): boolean {
  const space = t.space;
  const cs = space.readU64(t.rseqAddr + RSEQ_CS);
  if (isErr(cs)) return false;
  if (cs === 0) return true;
  // struct rseq_cs: version, flags, start_ip, post_commit_offset, abort_ip.
  const version = space.readU32(cs);
  const start = space.readU64(cs + 8);
  const length = space.readU64(cs + 16);
  const abort = space.readU64(cs + 24);
  if (isErr(version) || isErr(start) || isErr(length) || isErr(abort) || version !== 0) return false;
  const ip = t.regs.rip;
  const inside = ip >= start && ip - start < length;
  if (isErr(space.writeU32(t.rseqAddr + RSEQ_CS, 0)) || isErr(space.writeU32(t.rseqAddr + RSEQ_CS + 4, 0))) return false;
  if (!inside) return true;
  if (abort >= start && abort - start < length) return false;
  const signature = space.readU32(abort - 4);
  if (isErr(signature) || signature !== t.rseqSignature) return false;
  t.regs.rip = abort;
  return true;
}
