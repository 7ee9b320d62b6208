/**
 * Workers of io_uring: a context in which a system call's handler runs for a request, so that it can wait while the program goes on. A worker
 * stands for the task that made the request (its memory, files, credentials, number), has no code of its own and gets no signals; the scheduler
 * runs it when what it waits for has happened. Linux runs most requests in the task itself and polls; workers of its own are io-wq's (io_uring/io-wq.c).
 */
import { BLOCKED, type Errno } from '../abi/errno.ts';
import { FdTable } from '../vfs/fd-table.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import { GPR } from '../x86/cpu-layout.ts';
import { SyscallArgs } from './syscall-args.ts';
import { RESUME_IO_WORK, Task, TASK_BLOCKED } from './task.ts';

/** The number under which a handler finds the request's file, whatever became of its descriptor. */
export const REQUEST_FD = 0x7ffffff0, REQUEST_FD2 = 0x7ffffff1;

/** The descriptors of the program, with the files of one request in front. */
class RequestFiles extends FdTable {
  private base: FdTable = this;
  private file: FileDescription | null = null;
  private second: FileDescription | null = null;
  set(base: FdTable, file: FileDescription | null, second: FileDescription | null): void {
    this.base = base;
    this.file = file;
    this.second = second;
  }
  override get(fd: number): FileDescription | null {
    return fd === REQUEST_FD ? this.file : fd === REQUEST_FD2 ? this.second : this.base.get(fd);
  }
  override get limit(): number {
    return this.base.limit;
  }
  override lowestFree(from: number, limit: number): number | Errno {
    return this.base.lowestFree(from, limit);
  }
  override install(file: FileDescription, limit: number, cloexec: boolean, from = 0): number | Errno {
    return this.base.install(file, limit, cloexec, from);
  }
  override remove(fd: number): FileDescription | null {
    return this.base.remove(fd);
  }
}

/** What a worker does. */
export interface WorkerRequest {
  /** Runs it (again): BLOCKED after registering a wait, or its result. */
  step(worker: IoWorker): number;
  /** It has ended with that result. */
  finished(worker: IoWorker, result: number): void;
}

export class IoWorker extends Task {
  readonly args: SyscallArgs = new SyscallArgs(new Int32Array((GPR >> 2) + 64));
  private readonly requestFiles: RequestFiles = new RequestFiles();
  request: WorkerRequest | null = null;

  constructor(owner: Task) {
    super(owner.kernel, owner.pid, owner.credentials, owner.nsproxy, owner.actions, 0, owner.regs, owner.comm, true);
    this.runState = TASK_BLOCKED;
  }

  /** Stands for `owner` from now on, with `file` (and `second`) at REQUEST_FD (and REQUEST_FD2). */
  actFor(owner: Task, credentials: Task['credentials'], file: FileDescription | null, second: FileDescription | null): void {
    this.pid = owner.pid;
    this.threadGroup = owner.threadGroup;
    this.credentials = credentials;
    this.nsproxy = owner.nsproxy;
    this.actions = owner.actions;
    this.mm = owner.mm;
    this.fsContext = owner.fsContext;
    this.realParent = owner.realParent;
    if (owner.files !== null) this.requestFiles.set(owner.files, file, second);
    this.files = file === null && second === null ? owner.files : this.requestFiles;
  }

  /** Begins `request`, and ends it if nothing keeps it waiting. */
  start(request: WorkerRequest): void {
    this.request = request;
    this.syscall.begin(0);
    this.runState = TASK_BLOCKED;
    this.settle(request, request.step(this));
  }
  private settle(request: WorkerRequest, result: number): void {
    if (result === BLOCKED) return;
    this.clearWaits();
    this.runState = TASK_BLOCKED;
    this.request = null;
    request.finished(this, result);
  }

  /** Another thing happened: the request goes on. */
  override runWork(): void {
    const { request } = this;
    this.clearWaits();
    this.runState = TASK_BLOCKED;
    if (request === null) return;
    this.syscall.again = true;
    const r = request.step(this);
    this.syscall.timedOut = false;
    this.settle(request, r);
  }
  /** Gives the request up: it will not be run again. */
  stop(): void {
    this.clearWaits();
    this.kernel.scheduler.dequeue(this);
    this.runState = TASK_BLOCKED;
    this.request = null;
  }

  /** Calls the handler of system call `nr` with what is in `args`. */
  call(nr: number): number {
    this.syscall.nr = nr;
    return this.kernel.handlers[nr]!(this, this.args); // rows that exist
  }

  override makeRunnable(): void {
    this.resume = RESUME_IO_WORK;
    super.makeRunnable();
  }
  /** Its signals are blocked (Linux PF_IO_WORKER). */
  override sendSignal(_signo: number): void {}
}
