/** Robust futexes: locks whose holder dies are marked and handed on. Linux kernel/futex/core.c exit_robust_list(). */
import { FUTEX_BITSET_MATCH_ANY, FUTEX_OWNER_DIED, FUTEX_TID_MASK, FUTEX_WAITERS, ROBUST_LIST_LIMIT } from '../abi/futex.ts';
import { isErr } from '../abi/errno.ts';
import type { Task } from './task.ts';

/** Walks the robust list of a dying (or exec'ing) task; a list that cannot be read ends the walk. */
export function exitRobustList(t: Task): void {
  const space = t.space;
  const head = t.robustList;
  const first = space.readU64(head);
  const offsetLo = space.readU32(head + 8);
  const offsetHi = space.readU32(head + 12);
  const pendingEntry = space.readU64(head + 16);
  if (isErr(first) || isErr(offsetLo) || isErr(offsetHi) || isErr(pendingEntry)) return;
  // The lowest bit of an entry marks a PI lock.
  const signedOffset = offsetLo + (offsetHi | 0) * 4294967296;
  const pending = pendingEntry - (pendingEntry % 2);
  let entry = first;
  for (let n = 0; n < ROBUST_LIST_LIMIT; n++) {
    const pi = entry % 2 === 1;
    const at = entry - (entry % 2);
    if (at === head) break;
    const next = space.readU64(at);
    if (at !== pending && !futexDeath(t, at + signedOffset, pi, false)) return;
    if (isErr(next)) return;
    entry = next;
  }
  if (pending !== 0) futexDeath(t, pending + signedOffset, pendingEntry % 2 === 1, true);
}

function futexDeath(t: Task, addr: number, pi: boolean, pendingOp: boolean): boolean {
  if (addr % 4 !== 0) return false;
  const space = t.space;
  const word = space.readU32(addr);
  if (isErr(word)) return false;
  const owner = word & FUTEX_TID_MASK;
  // The unlock had happened but the waiter was not woken yet.
  if (pendingOp && !pi && owner === 0) {
    futexWakeShared(t, addr);
    return true;
  }
  if (owner !== t.tidIn(t)) return true;
  const q = pi ? t.kernel.futexes.queue(t, addr, true) : null;
  if (q !== null && !isErr(q) && q.topPi !== null) {
    t.kernel.futexes.ownerDied(t, q, addr);
    return true;
  }
  if (isErr(space.writeU32(addr, (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED))) return false;
  if (!pi && word & FUTEX_WAITERS) futexWakeShared(t, addr);
  return true;
}

function futexWakeShared(t: Task, addr: number): void {
  const q = t.kernel.futexes.queue(t, addr, true);
  if (!isErr(q)) t.kernel.futexes.wake(q, 1, FUTEX_BITSET_MATCH_ANY);
}

/** The wake-up of clear_child_tid: one waiter on the shared key and one on the private key (joiners use either). */
export function futexWakeAddress(t: Task, addr: number): void {
  const table = t.kernel.futexes;
  for (const shared of [true, false]) {
    const q = table.queue(t, addr, shared);
    if (!isErr(q)) table.wake(q, 1, FUTEX_BITSET_MATCH_ANY);
  }
}
