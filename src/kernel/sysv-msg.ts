/** System V message queues. Source: Linux 6.18 ipc/msg.c. */
import type { Credentials } from '../auth/credentials.ts';
import { WaitQueue } from '../base/wait-queue.ts';
import { IpcObject, type IpcNamespace } from './ipc-namespace.ts';
import type { Pid } from './pid.ts';

export interface Message {
  /** Above zero. */
  readonly type: number;
  readonly text: Uint8Array;
}

/** How msgrcv chooses. */
export const SEARCH_ANY = 0, SEARCH_EQUAL = 1, SEARCH_NOT_EQUAL = 2, SEARCH_LESS_EQUAL = 3, SEARCH_NUMBER = 4;
export type Search = 0 | 1 | 2 | 3 | 4;

export class MessageQueue extends IpcObject {
  readonly ns: IpcNamespace;
  readonly messages: Message[] = [];
  /** Bytes in the queue, and how many it may hold. */
  bytes = 0;
  maxBytes: number;
  /** Thread groups and seconds since the epoch of the last send and receive. */
  sender: Pid | null = null;
  receiver: Pid | null = null;
  stime = 0;
  rtime = 0;
  ctime: number;
  readonly senders: WaitQueue = new WaitQueue();
  readonly receivers: WaitQueue = new WaitQueue();
  constructor(ns: IpcNamespace, key: number, mode: number, c: Credentials, now: number) {
    super(key, mode, c);
    this.ns = ns;
    this.maxBytes = ns.msgmnb;
    this.ctime = now;
  }
  /** True if a text of `length` bytes fits now. */
  fits(length: number): boolean {
    return length + this.bytes <= this.maxBytes && 1 + this.messages.length <= this.maxBytes;
  }
  /** Index of the message that a search finds, or -1. `type` is the type, or the number for SEARCH_NUMBER. */
  search(how: Search, type: number): number {
    if (how === SEARCH_NUMBER) return type < this.messages.length ? type : -1;
    let best = -1;
    let lowest = Infinity;
    for (let i = 0; i < this.messages.length; i++) {
      const t = this.messages[i]!.type; // in range
      if (how === SEARCH_ANY || (how === SEARCH_EQUAL && t === type) || (how === SEARCH_NOT_EQUAL && t !== type)) return i;
      if (how === SEARCH_LESS_EQUAL && t <= type && t < lowest) {
        lowest = t;
        best = i;
      }
    }
    return best;
  }
  take(index: number): void {
    const [m] = this.messages.splice(index, 1);
    if (m !== undefined) this.bytes -= m.text.length;
  }
  destroy(): void {
    this.messages.length = 0;
    this.ns.msg.remove(this);
    this.senders.wake(-1, Infinity);
    this.receivers.wake(-1, Infinity);
  }
}
