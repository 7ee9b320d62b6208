/** One request of io_uring, from its submission entry to its completion: links, timeouts, cancelling. Linux 6.18 io_uring/io_uring.c, timeout.c, cancel.c. */
import { EBADF, ECANCELED, EINTR, ERESTART_RESTARTBLOCK, ERESTARTNOHAND, ERESTARTSYS, ETIME } from '../abi/errno.ts';
import {
  IORING_CQE_BUFFER_SHIFT, IORING_CQE_F_BUFFER, IORING_CQE_F_MORE, IORING_OP_LINK_TIMEOUT, IOSQE_CQE_SKIP_SUCCESS, IOSQE_FIXED_FILE, IOSQE_IO_DRAIN, IOSQE_IO_HARDLINK, IOSQE_IO_LINK,
} from '../abi/io-uring.ts';
import type { Credentials } from '../auth/credentials.ts';
import { Timer } from '../base/timers.ts';
import type { IoRing, RingRequest } from '../kernel/io-ring.ts';
import type { IoWorker } from '../kernel/io-worker.ts';
import type { Task } from '../kernel/task.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import { openFile } from './io-wait.ts';

/** What an opcode does. */
export interface Operation {
  /** Works on the file of `fd`. */
  readonly needsFile?: boolean;
  /** May take its buffer from a group. */
  readonly selectsBuffer?: boolean;
  /** `ioprio` may be set. */
  readonly takesPriority?: boolean;
  /** Looks at the entry when it is taken: 0 or errno. */
  readonly prepare: (r: UringRequest) => number;
  /** Does it, in a worker: the result, or BLOCKED. */
  readonly step: (w: IoWorker, r: UringRequest) => number;
}

/** The timeout of a linked request, or of a timeout request that was taken out of its chain. */
class LinkTimer extends Timer {
  readonly request: UringRequest;
  constructor(request: UringRequest) {
    super();
    this.request = request;
  }
  override expire(): void {
    this.request.linkExpired();
  }
}

export class UringRequest implements RingRequest {
  readonly ring: IoRing;
  readonly submitter: Task;
  readonly operation: Operation;
  readonly view: DataView;
  readonly opcode: number;
  flags: number;
  userDataLo: number;
  userDataHi: number;
  credentials: Credentials;
  file: FileDescription | null = null;
  /** The second file of splice and tee. */
  second: FileDescription | null = null;
  worker: IoWorker | null = null;
  /** The request that begins when this one is done. */
  next: UringRequest | null = null;
  /** Its linked timeout while it runs; for the timeout, what it watches. */
  timeout: UringRequest | null = null;
  watched: UringRequest | null = null;
  private timer: LinkTimer | null = null;
  /** Flags of the completion. */
  cqeFlags = 0;
  /** A result that is not what was asked for ends the chain, even if it is no error. */
  failed = false;
  /** Preparing it failed; it ends with this. */
  bad = 0;
  done = false;
  // What operations keep between steps.
  offset = 0;
  address = 0;
  length = 0;
  events = 0;
  deadline = -1;
  target = 0;
  bufferGroup = -1;
  bufferId = -1;
  repeats = false;

  constructor(ring: IoRing, submitter: Task, operation: Operation, bytes: Uint8Array) {
    this.ring = ring;
    this.submitter = submitter;
    this.operation = operation;
    const view = (this.view = new DataView(bytes.buffer));
    this.opcode = view.getUint8(0);
    this.flags = view.getUint8(1);
    this.userDataLo = view.getUint32(32, true);
    this.userDataHi = view.getUint32(36, true);
    this.credentials = submitter.credentials;
  }
  // Fields of struct io_uring_sqe.
  get ioprio(): number {
    return this.view.getUint16(2, true);
  }
  get fd(): number {
    return this.view.getInt32(4, true);
  }
  private word64(at: number): number {
    return this.view.getUint32(at, true) + this.view.getUint32(at + 4, true) * 4294967296;
  }
  /** `off`, as an unsigned number: addresses and lengths. */
  get addr2(): number {
    return this.word64(8);
  }
  /** `off`, signed. */
  get off(): number {
    return this.view.getUint32(8, true) + this.view.getInt32(12, true) * 4294967296;
  }
  get addr(): number {
    return this.word64(16);
  }
  get len(): number {
    return this.view.getUint32(24, true);
  }
  get opFlags(): number {
    return this.view.getUint32(28, true);
  }
  get bufIndex(): number {
    return this.view.getUint16(40, true);
  }
  get personality(): number {
    return this.view.getUint16(42, true);
  }
  /** `file_index` and `splice_fd_in`. */
  get fileIndex(): number {
    return this.view.getUint32(44, true);
  }
  get addr3(): number {
    return this.word64(48);
  }
  get isLinked(): boolean {
    return (this.flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK)) !== 0;
  }
  get drains(): boolean {
    return (this.flags & IOSQE_IO_DRAIN) !== 0;
  }

  // ---- life ----
  /** Begins: finds the file, arms the linked timeout, does the work until it is done or waits. */
  start(): void {
    const { ring } = this;
    ring.active.add(this);
    if (this.bad !== 0) {
      this.end(this.bad);
      return;
    }
    if (this.operation.needsFile && !this.findFile()) {
      this.end(EBADF);
      return;
    }
    const { next } = this;
    if (next !== null && next.opcode === IORING_OP_LINK_TIMEOUT && next.bad === 0) {
      this.next = next.next;
      this.timeout = next;
      next.watched = this;
      next.next = null;
    }
    const w = ring.worker(this.submitter);
    this.worker = w;
    w.actFor(this.submitter, this.credentials, this.file, this.second);
    w.start(this);
    // Linux arms it once the request is under way; one that is done already needs none.
    if (this.timeout !== null && !this.done) this.timeout.armLink();
  }
  /** The file of `fd`, or the registered one: held until the end. */
  private findFile(): boolean {
    let file: FileDescription | null;
    if (this.flags & IOSQE_FIXED_FILE) file = this.ring.files?.[this.fd]?.file ?? null;
    else file = openFile(this.submitter, this.fd);
    if (file === null) return false;
    file.ref();
    this.file = file;
    return true;
  }
  step(w: IoWorker): number {
    return this.operation.step(w, this);
  }
  finished(_w: IoWorker, result: number): void {
    this.end(result);
  }
  /** Posts a completion that is not the last. */
  more(result: number): void {
    this.ring.post(this.userDataLo, this.userDataHi, result, IORING_CQE_F_MORE | this.takeFlags());
  }
  private takeFlags(): number {
    let flags = this.cqeFlags;
    this.cqeFlags = 0;
    if (this.bufferId >= 0) flags |= IORING_CQE_F_BUFFER | (this.bufferId << IORING_CQE_BUFFER_SHIFT);
    this.bufferId = -1;
    return flags;
  }

  /** The last completion, and what follows from it. */
  end(result: number): void {
    if (this.done) return;
    this.done = true;
    const r = result === ERESTARTSYS || result === ERESTARTNOHAND || result === ERESTART_RESTARTBLOCK ? EINTR : result;
    if (r < 0) this.failed = true;
    const { ring } = this;
    if (!(this.flags & IOSQE_CQE_SKIP_SUCCESS) || this.failed) ring.post(this.userDataLo, this.userDataHi, r, this.takeFlags());
    const { worker, timeout, next } = this;
    this.worker = null;
    this.file?.unref();
    this.second?.unref();
    this.file = this.second = null;
    this.next = this.timeout = null;
    if (timeout !== null) timeout.disarm();
    if (next !== null && this.failed && !(this.flags & IOSQE_IO_HARDLINK)) next.cancelChain();
    else if (next !== null) next.start();
    ring.retire(this, worker);
  }
  /** Ends it and all that hang on it without having begun. */
  cancelChain(): void {
    for (let r: UringRequest | null = this; r !== null; ) {
      const next: UringRequest | null = r.next;
      r.next = null;
      r.end(r.bad !== 0 ? r.bad : ECANCELED);
      r = next;
    }
  }
  /** ASYNC_CANCEL, the end of the ring or the task. */
  cancel(): void {
    if (this.done) return;
    this.worker?.stop();
    if (this.timer !== null) this.ring.kernel.timers.cancel(this.timer);
    this.end(ECANCELED);
  }

  // ---- linked timeouts: this request is the timeout ----
  private armLink(): void {
    this.ring.active.add(this);
    this.timer = new LinkTimer(this);
    this.ring.kernel.timers.arm(this.timer, this.deadline);
  }
  /** What it watched is done. */
  disarm(): void {
    if (this.timer !== null) this.ring.kernel.timers.cancel(this.timer);
    this.watched = null;
    this.end(ECANCELED);
  }
  /** TIMEOUT_REMOVE with IORING_LINK_TIMEOUT_UPDATE. */
  moveLink(deadline: number): boolean {
    if (this.timer === null || !this.timer.armed) return false;
    this.ring.kernel.timers.arm(this.timer, deadline);
    return true;
  }
  linkExpired(): void {
    const { watched } = this;
    if (watched !== null) watched.timeout = null;
    this.watched = null;
    this.end(ETIME);
    watched?.cancel();
  }
}

