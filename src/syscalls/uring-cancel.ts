/** Finding and cancelling requests of io_uring. Linux 6.18 io_uring/cancel.c. */
import { ENOENT } from '../abi/errno.ts';
import {
  IORING_ASYNC_CANCEL_ALL, IORING_ASYNC_CANCEL_ANY, IORING_ASYNC_CANCEL_FD, IORING_ASYNC_CANCEL_FD_FIXED, IORING_ASYNC_CANCEL_OP, IORING_ASYNC_CANCEL_USERDATA, IORING_OP_LINK_TIMEOUT,
} from '../abi/io-uring.ts';
import { EBADF } from '../abi/errno.ts';
import type { IoRing, RingRequest } from '../kernel/io-ring.ts';
import type { Task } from '../kernel/task.ts';
import { openFile } from './io-wait.ts';

/** The first request under way, other than `self`, that `wanted` accepts and nobody has cancelled; null if there is none. */
export function findRequest(ring: IoRing, self: RingRequest | null, wanted: (q: RingRequest) => boolean): RingRequest | null {
  for (const q of ring.active) if (q !== self && !ring.isDoomed(q) && wanted(q)) return q;
  return null;
}

/**
 * Cancels the first request, or with ALL or ANY every one, that `flags` and the keys describe: 0, or how many; ENOENT, EBADF. Their completions
 * come after the caller's.
 */
export function cancelMatching(ring: IoRing, t: Task, self: RingRequest | null, flags: number, lo: number, hi: number, fd: number, opcode: number): number {
  const any = (flags & IORING_ASYNC_CANCEL_ANY) !== 0;
  const byFd = (flags & IORING_ASYNC_CANCEL_FD) !== 0;
  const byOp = (flags & IORING_ASYNC_CANCEL_OP) !== 0;
  const byData = (flags & IORING_ASYNC_CANCEL_USERDATA) !== 0 || (!any && !byFd && !byOp);
  const file = !byFd ? null : flags & IORING_ASYNC_CANCEL_FD_FIXED ? (ring.files?.[fd]?.file ?? null) : openFile(t, fd);
  if (byFd && file === null) return EBADF;
  const wanted = (q: RingRequest): boolean => {
    if (any) return q.opcode !== IORING_OP_LINK_TIMEOUT;
    return (!byFd || q.file === file) && (!byOp || q.opcode === opcode) && (!byData || (q.userDataLo === lo && q.userDataHi === hi));
  };
  const all = any || (flags & IORING_ASYNC_CANCEL_ALL) !== 0;
  let n = 0;
  for (;;) {
    const q = findRequest(ring, self, wanted);
    if (q === null) break;
    ring.doom(q);
    n++;
    if (!all) return 0;
  }
  return all ? n : ENOENT;
}
