/** Takes submission entries of io_uring and begins their requests: chains, draining, the poller. Linux 6.18 io_uring/io_uring.c io_submit_sqes(), sqpoll.c. */
import { EACCES, EINVAL, EOPNOTSUPP } from '../abi/errno.ts';
import {
  IORING_OP_LAST, IORING_OP_LINK_TIMEOUT, IORING_SETUP_IOPOLL, IORING_SETUP_SUBMIT_ALL, IORING_SQ_NEED_WAKEUP, IOSQE_BUFFER_SELECT, IOSQE_CQE_SKIP_SUCCESS, IOSQE_IO_HARDLINK, IOSQE_IO_LINK,
} from '../abi/io-uring.ts';
import { Timer } from '../base/timers.ts';
import type { IoRing } from '../kernel/io-ring.ts';
import type { Task } from '../kernel/task.ts';
import { OPERATIONS } from './uring-operations.ts';
import { UringRequest } from './uring-request.ts';

const SQE_BYTES = 64;

/** Requests that wait for all before them (IOSQE_IO_DRAIN), by ring. */
const waiting = new WeakMap<IoRing, UringRequest[]>();

/** Opcodes that can be polled for (def->iopoll): reads, writes and what does no I/O. */
const POLLABLE: ReadonlySet<number> = new Set([0, 1, 2, 4, 5, 20, 22, 23, 31, 32, 40, 46, 60, 61]);

/** A request made of the entry at `at`; what is wrong with it is in `bad`. */
function makeRequest(ring: IoRing, t: Task, at: number, last: UringRequest | null): UringRequest {
  const bytes = new Uint8Array(SQE_BYTES);
  const from = ring.sqes.offset(at);
  bytes.set(ring.sqes.pm.u8.subarray(from, from + SQE_BYTES));
  const op = OPERATIONS[bytes[0]!]; // 64 bytes
  const r = new UringRequest(ring, t, op ?? OPERATIONS[0]!, bytes);
  r.bad = op === undefined || r.opcode >= IORING_OP_LAST ? EINVAL : check(ring, r, last);
  if (op === undefined) r.flags &= IOSQE_IO_LINK | IOSQE_IO_HARDLINK;
  return r;
}

/** Linux io_init_req() and the opcode's own look. */
function check(ring: IoRing, r: UringRequest, last: UringRequest | null): number {
  if (r.flags & 0x80) return EINVAL;
  if (r.flags & IOSQE_BUFFER_SELECT && !r.operation.selectsBuffer) return EOPNOTSUPP;
  if (r.flags & IOSQE_CQE_SKIP_SUCCESS) ring.drainDisabled = true;
  if (r.drains && ring.drainDisabled) return EOPNOTSUPP;
  const limits = ring.restrictions;
  if (limits !== null && ring.restrictionsSet) {
    if (!limits.operations.has(r.opcode) || (r.flags & limits.required) !== limits.required || r.flags & ~(limits.allowed | limits.required)) return EACCES;
  }
  if (r.ioprio !== 0 && !r.operation.takesPriority) return EINVAL;
  if (ring.setup & IORING_SETUP_IOPOLL && !POLLABLE.has(r.opcode)) return EINVAL;
  if (r.personality !== 0) {
    const c = ring.personalities.get(r.personality);
    if (c === undefined) return EINVAL;
    r.credentials = c;
  }
  if (r.opcode === IORING_OP_LINK_TIMEOUT && (last === null || last.opcode === IORING_OP_LINK_TIMEOUT)) return EINVAL;
  return r.operation.prepare(r);
}

/** A chain that is complete begins, or waits for its turn. With a bad request in it, none of it begins: the others end with ECANCELED. */
function begin(ring: IoRing, head: UringRequest): void {
  for (let r: UringRequest | null = head; r !== null; r = r.next)
    if (r.bad !== 0 && r !== head) {
      head.cancelChain();
      return;
    }
  if (head.bad !== 0) {
    head.start();
    return;
  }
  const queue = waiting.get(ring);
  let drains = false;
  for (let r: UringRequest | null = head; r !== null; r = r.next) if (r.drains) drains = true;
  if ((queue !== undefined && queue.length > 0) || (drains && ring.active.size > 0)) {
    if (queue === undefined) waiting.set(ring, [head]);
    else queue.push(head);
    ring.drained = () => drain(ring);
    return;
  }
  head.start();
}

/** Nothing is under way: the first that waits begins, and those behind it that need not wait. */
function drain(ring: IoRing): void {
  const queue = waiting.get(ring);
  if (queue === undefined || ring.closed) return;
  while (queue.length > 0 && (ring.active.size === 0 || !queue[0]!.drains)) queue.shift()!.start();
}

/** Takes up to `count` entries: how many were taken. */
export function submit(ring: IoRing, t: Task, count: number): number {
  const entries = Math.min(count, ring.submissions);
  if (entries === 0) return 0;
  if (t.rings === null) t.rings = new Set();
  t.rings.add(ring);
  let taken = 0;
  let head: UringRequest | null = null;
  let last: UringRequest | null = null;
  ring.beginBatch();
  ring.postpone();
  while (taken < entries) {
    const at = ring.takeSubmission();
    if (at < 0) break;
    taken++;
    const r = makeRequest(ring, t, at, last);
    if (last !== null) last.next = r;
    else head = r;
    last = r.isLinked ? r : null;
    if (last === null && head !== null) {
      begin(ring, head);
      head = null;
    }
    if (r.bad !== 0 && !(ring.setup & IORING_SETUP_SUBMIT_ALL)) break;
  }
  if (head !== null) begin(ring, head);
  ring.publishHead();
  ring.flushDoomed();
  ring.endBatch();
  return taken;
}

const POLL_NS = 200_000;

/** The kernel's thread of a ring with IORING_SETUP_SQPOLL: looks for entries again and again, and sleeps when there were none for a while. */
export class SubmissionPoller extends Timer {
  private readonly ring: IoRing;
  /** How long it looks in vain, ns. */
  private readonly idle: number;
  private lastWork: number;
  /** Ended with the task whose memory it used. */
  stopped = false;

  constructor(ring: IoRing, idleMs: number) {
    super();
    this.ring = ring;
    this.idle = (idleMs === 0 ? 1000 : idleMs) * 1_000_000;
    this.lastWork = ring.kernel.clock.monotonicNs();
    ring.wakePoller = () => this.wake();
    ring.stopPoller = () => this.stop();
    this.arm();
  }
  private arm(): void {
    const { kernel } = this.ring;
    kernel.timers.arm(this, kernel.clock.monotonicNs() + POLL_NS);
  }
  override expire(now: number): void {
    const { ring } = this;
    if (this.stopped || ring.disabled) return;
    if (submit(ring, ring.maker, ring.submissions) > 0) {
      this.lastWork = now;
      ring.completions.wake();
    }
    if (now - this.lastWork > this.idle) ring.setSqFlag(IORING_SQ_NEED_WAKEUP, true);
    else this.arm();
  }
  private wake(): void {
    if (this.stopped) return;
    this.ring.setSqFlag(IORING_SQ_NEED_WAKEUP, false);
    this.lastWork = this.ring.kernel.clock.monotonicNs();
    this.expire(this.lastWork);
  }
  private stop(): void {
    this.stopped = true;
    this.ring.kernel.timers.cancel(this);
  }
}
