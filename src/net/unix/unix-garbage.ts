/**
 * Sockets that are held only by messages in each other's queues. Facts: Linux 6.18 net/unix/garbage.c.
 * A socket all of whose file references are in flight is a candidate; candidates that can be received by somebody outside stay.
 */
import type { FileDescription } from '../../vfs/file-description.ts';
import { type UnixSocket, unixSocketOf } from './unix-socket.ts';

const inFlight = new Set<UnixSocket>();
let collecting = false;

/** Unix sockets that are in flight now. */
export function filesInFlight(): number {
  return inFlight.size;
}

export function addInFlight(file: FileDescription): void {
  const s = unixSocketOf(file);
  if (s === null) return;
  s.inFlight++;
  inFlight.add(s);
}
export function removeInFlight(file: FileDescription): void {
  const s = unixSocketOf(file);
  if (s === null) return;
  if (--s.inFlight === 0) inFlight.delete(s);
}

/** Calls `visit` for each unix socket that travels in the queue of `s`, those of its unaccepted connections included. */
function forEachCarried(s: UnixSocket, visit: (carried: UnixSocket) => void): void {
  for (let p = s.queue.head; p !== null; p = p.next)
    if (p.files !== null)
      for (const f of p.files) {
        const c = unixSocketOf(f);
        if (c !== null) visit(c);
      }
  for (const embryo of s.pendingConnections) forEachCarried(embryo, visit);
}

/** Frees the messages of unreachable sockets. */
export function collectGarbage(): void {
  if (collecting) return;
  collecting = true;
  const candidates = new Set<UnixSocket>();
  for (const s of inFlight) if (s.file !== null && s.file.refCount === s.inFlight) candidates.add(s);
  // References from candidates' own queues do not make anything reachable.
  const outside = new Map<UnixSocket, number>();
  for (const s of candidates) outside.set(s, s.inFlight);
  for (const s of candidates) forEachCarried(s, (c) => outside.set(c, (outside.get(c) ?? 0) - 1));
  const live: UnixSocket[] = [];
  for (const s of candidates) if ((outside.get(s) as number) > 0) live.push(s);
  for (let s = live.pop(); s !== undefined; s = live.pop()) {
    candidates.delete(s);
    forEachCarried(s, (c) => {
      if (candidates.has(c) && !live.includes(c)) live.push(c);
    });
  }
  for (const s of candidates) s.purge();
  collecting = false;
}
