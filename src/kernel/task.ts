/** A task: one thread of execution. Linux struct task_struct; what has a life of its own stands in owned parts. */
import { ERESTARTSYS, type Errno, BLOCKED } from '../abi/errno.ts';
import { INVALID_KUID, type KUid, type Pid as PidNumber } from '../abi/ids.ts';
import { RLIMIT_FSIZE, RLIMIT_NOFILE } from '../abi/resource.ts';
import { SIGKILL } from '../abi/signal.ts';
import { devMajor, devMinor } from '../abi/stat.ts';
import type { Credentials } from '../auth/credentials.ts';
import { unqueue, WaitQueue, Waiter, type Wakeable } from '../base/wait-queue.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import type { VfsContext } from '../vfs/context.ts';
import type { FdTable } from '../vfs/fd-table.ts';
import type { FsContext } from '../vfs/fs-context.ts';
import type { MountNamespace } from '../vfs/mount-namespace.ts';
import type { PollTable } from '../vfs/poll.ts';
import type { CpuState } from '../x86/cpu-state.ts';
import type { Cgroup } from './cgroup/cgroup.ts';
import type { CpuGroup } from './cgroup/cpu.ts';
import { FutexWaiter } from './futex.ts';
import type { IoContext } from './io-context.ts';
import type { Kernel } from './kernel.ts';
import type { NsProxy } from './nsproxy.ts';
import type { Pid } from './pid.ts';
import type { PidNamespace } from './pid-namespace.ts';
import type { PtraceState } from './ptrace-state.ts';
import { ResourceUsage } from './resource-usage.ts';
import { SchedEntity } from './sched-entity.ts';
import type { SeccompFilter } from './seccomp.ts';
import type { SeccompNotification } from './seccomp-notify.ts';
import type { SignalActions } from './signal-actions.ts';
import { isIgnoredOrBlocked, sendKernelSignal, sendSignalToGroup } from './signal-send.ts';
import type { SemUndoList } from './sysv-sem.ts';
import { TaskSignals } from './task-signals.ts';
import { SyscallState } from './syscall-state.ts';
import type { DebugRegisters } from '../x86/debug-registers.ts';
import type { PtraceDebug } from './ptrace-debug.ts';
import type { SyscallUserDispatch } from './syscall-user-dispatch.ts';
import type { ThreadGroup } from './thread-group.ts';
import { Timer } from '../base/timers.ts';

/** Run states. RUNNABLE covers running; the others wait for the event in their name. */
export const TASK_RUNNABLE = 0;
/** In a system call that returned BLOCKED; a signal ends the wait. */
export const TASK_BLOCKED = 1;
/** The same, but only a fatal signal ends the wait (Linux TASK_KILLABLE). */
export const TASK_KILLABLE = 2;
/** Stopped by job control; SIGCONT or SIGKILL resumes. */
export const TASK_STOPPED = 3;
/** Stopped for its tracer. */
export const TASK_TRACED = 4;
/** Exited: a zombie, or gone. */
export const TASK_DEAD = 5;
/** Stopped because its cgroup is frozen; SIGKILL resumes. */
export const TASK_FROZEN = 6;
export type RunState = 0 | 1 | 2 | 3 | 4 | 5 | 6;

/** How a task goes on: in user mode, in its system call (the handler is called again), at the call's start (its tracer saw it), in exit. */
export const RESUME_USER = 0, RESUME_SYSCALL = 1, RESUME_SYSCALL_ENTRY = 2, RESUME_EXIT = 3;
/** In exit, the init of a PID namespace waits until it is the last one there. */
export const RESUME_ZAP = 4;
/** A worker goes on with its request (io-worker.ts). */
export const RESUME_IO_WORK = 5;
/** It waited for a page, and the instruction is tried again. */
export const RESUME_FAULT = 6;
export type Resume = 0 | 1 | 2 | 3 | 4 | 5 | 6;

/** exitState */
export const EXIT_NONE_YET = 0, EXIT_ZOMBIE = 1, EXIT_GONE = 2;

/** Bits of `work`: what is to be done before the task goes (back) to user mode. */
export const WORK_SIGNAL = 1;
export const WORK_RESCHED = 2;
/** The signal mask was changed for one call (sigsuspend, ppoll): `signals.savedMask` comes back. */
export const WORK_RESTORE_MASK = 4;
/** execve or rt_sigreturn replaced the registers. */
export const WORK_REGISTERS = 8;
/** rseq has to be looked at: the task was pre-empted, migrated or signalled. */
export const WORK_RSEQ = 16;
/** A tracer wants to see the end of the call. */
export const WORK_SYSCALL_EXIT = 32;
/** A ptrace event stop is due. */
export const WORK_TRACE_STOP = 64;
/** It took memory beyond memory.high and is to wait for a while. */
export const WORK_OVER_HIGH = 128;

/** Bits of `syscallWork`: who wants to see system calls. */
export const SYSCALL_PTRACE = 1;
export const SYSCALL_SECCOMP = 2;
export const SYSCALL_TRACE = 4;
export const SYSCALL_EMU = 8;
export const SYSCALL_DISPATCH = 16;

/** Something that ends with a task or its program. */
export interface TaskDependant {
  taskGone(t: Task): void;
}

/** Something that counts what a task does. */
export interface TaskCounter extends TaskDependant {
  forked(child: Task): void;
  execed(): void;
}

/** The deadline of a wait. */
class WaitTimer extends Timer {
  readonly task: Task;
  constructor(task: Task) {
    super();
    this.task = task;
  }
  override expire(): void {
    const t = this.task;
    t.syscall.timedOut = true;
    if (t.runState === TASK_BLOCKED || t.runState === TASK_KILLABLE) t.makeRunnable();
  }
}

export class Task implements Wakeable, VfsContext {
  readonly kernel: Kernel;
  /** Offset of the CPU state in the linear memory. */
  cpu: number;
  readonly regs: CpuState;
  /** Own number; the same in the thread group for the leader. */
  pid: Pid;
  threadGroup: ThreadGroup;
  /** Who made it (or adopted it): a thread. */
  realParent: Task | null = null;
  /** Who is told about it: the tracer or the real parent. */
  parent: Task | null = null;
  /** Thread-group leaders that this thread made. */
  readonly children: Set<Task> = new Set();
  /** Grows from each child of a parent to the next. */
  siblingOrder = 0;

  /** Byte string, up to 15 bytes. */
  comm: string;
  /** Null once exited. `space`, `fdTable` and `fs` are the same without the null, for everything that runs in the task's own calls. */
  mm: AddressSpace | null = null;
  files: FdTable | null = null;
  fsContext: FsContext | null = null;
  credentials: Credentials;
  nsproxy: NsProxy;
  readonly signals: TaskSignals;
  actions: SignalActions;
  readonly sched: SchedEntity;
  readonly syscall: SyscallState = new SyscallState();
  readonly usage: ResourceUsage = new ResourceUsage();
  ptrace: PtraceState | null = null;
  /** Tasks that this thread traces; null = never any. */
  tracees: Set<Task> | null = null;
  seccomp: SeccompFilter | null = null;
  /** PR_SET_SYSCALL_USER_DISPATCH, with SYSCALL_DISPATCH in `syscallWork`. */
  syscallDispatch: SyscallUserDispatch | null = null;
  /** The call that a supervisor decides about. */
  seccompNotification: SeccompNotification | null = null;
  /** 0 off, 1 strict, 2 filter. */
  seccompMode = 0;

  runState: RunState = TASK_RUNNABLE;
  /** How it goes on when it runs again. */
  resume: Resume = RESUME_USER;
  exitState = 0;
  /** PF_EXITING: exit has begun. */
  exiting = false;
  /** Wait status. */
  exitCode = 0;
  /** Signal for the parent at exit (low byte of clone's flags); -1 for a thread that is not the leader. */
  exitSignal = 0;
  work = 0;
  syscallWork = 0;

  /** clear_child_tid and set_child_tid, user addresses. */
  clearChildTid = 0;
  robustList = 0;
  private futexWaiterOrNull: FutexWaiter | null = null;
  /** struct rseq: address, size, signature; 0 = none. */
  rseqAddr = 0;
  rseqSize = 0;
  rseqSignature = 0;
  /** PR_SET_PDEATHSIG. */
  deathSignal = 0;
  noNewPrivs = false;
  /** setuid and the like made it a process too many (PF_NPROC_EXCEEDED): the next execve looks at the limit. */
  overProcessLimit = false;
  /** Grows with each execve; and that of its parent when it was made. A parent that has become another program gets SIGCHLD and no other exit signal. */
  execId = 0;
  parentExecId = 0;
  /** Steps until one fails on purpose (fault-injection.ts); 0 = none does. */
  failNth = 0;
  personality = 0;
  /** /proc/PID/loginuid; and the number of the login, 4294967295 = none. */
  loginUid: KUid = INVALID_KUID;
  loginSession = 0xffffffff;
  timerSlack = 50_000;
  defaultTimerSlack = 50_000;
  /** Null: nothing of its I/O was ever set. */
  ioContext: IoContext | null = null;
  /** set_mempolicy: mode; there is one node. */
  memoryPolicy = 0;
  /** arch: PR_SET_TSC, CPUID faulting. */
  tscDisabled = false;
  /** prctl flags that change nothing here but are remembered: PR_SET_THP_DISABLE, PR_SET_IO_FLUSHER. */
  hugePagesDisabled = false;
  ioFlusher = false;
  /** PF_* of one of the kernel's own threads (kernel-threads.ts); 0 for all others. And whether it waits without being counted (TASK_IDLE). */
  kernelThread = 0;
  kernelIdle = false;
  /** Internal task without guest code: the sandbox's own init, the kernel's threads. */
  readonly internal: boolean;
  /** Semaphore adjustments to undo at exit; shared by CLONE_SYSVSEM. */
  semUndo: SemUndoList | null = null;
  /** Counters of perf_event_open that count it, and those it made; null for nearly all. */
  counters: Set<TaskCounter> | null = null;
  ownedCounters: Set<{ enable(on: boolean): void }> | null = null;
  /** Rings that it registered for IORING_ENTER_REGISTERED_RING, by place. */
  registeredRings: (object | null)[] | null = null;
  /** Rings of io_uring that it has used, told when it exits or execs; null for nearly all. */
  rings: Set<TaskDependant> | null = null;
  /** vfork: the child must release its address space first; its parent waits here. */
  vforkParent: Task | null = null;
  readonly vforkQueue: WaitQueue = new WaitQueue();
  /** Monotonic ns. */
  startTime = 0;
  /** Forked and has not exec'd (PF_FORKNOEXEC). */
  forkNoExec = true;
  /** The last fault, for signal frames and ptrace. */
  readonly fault: FaultState = new FaultState();
  /** Debug registers that a tracer has written, and what of them is armed: only that costs anything. */
  debug: PtraceDebug | null = null;
  watch: DebugRegisters | null = null;
  /** The kind of wait, for /proc/PID/wchan. */
  waitChannel = 0;

  cgroup: Cgroup;
  /** Its cgroup freezes: it is to stop on its way to user mode; and it has. */
  freezeTrap = false;
  frozen = false;
  /** It sleeps, or is about to, as its groups use more memory than memory.high: for how many frames more. */
  overHigh = 0;
  inMemoryStall = false;
  /** Runnable, but its group has used up its processor time. */
  parkedIn: CpuGroup | null = null;

  /** Links of the run queue it is on. */
  runNext: Task | null = null;
  runPrev: Task | null = null;
  queued = false;

  private readonly waiter: Waiter;
  private extraWaiters: Waiter[] | null = null;
  private extraUsed = 0;
  private readonly waitTimer: WaitTimer;
  private poller: TaskPollTable | null = null;

  constructor(kernel: Kernel, pid: Pid, credentials: Credentials, nsproxy: NsProxy, actions: SignalActions, cpu: number, regs: CpuState, comm: string, internal: boolean) {
    this.kernel = kernel;
    this.cgroup = kernel.cgroups.root;
    this.pid = pid;
    this.credentials = credentials;
    this.nsproxy = nsproxy;
    this.actions = actions;
    this.cpu = cpu;
    this.regs = regs;
    this.comm = comm;
    this.internal = internal;
    this.signals = new TaskSignals();
    this.sched = new SchedEntity();
    this.waiter = new Waiter(this);
    this.waitTimer = new WaitTimer(this);
    this.threadGroup = null as unknown as ThreadGroup; // set by its maker before anything sees the task
  }

  // ---- what it is ----
  get space(): AddressSpace {
    return this.mm!; // only asked for by the task's own calls, before exit
  }
  get fdTable(): FdTable {
    return this.files!; // as above
  }
  get fs(): FsContext {
    return this.fsContext!; // as above
  }
  /** Global number of this thread. */
  get tid(): number {
    return this.pid.global;
  }
  /** Global number of its process. */
  get tgid(): number {
    return this.threadGroup.pid.global;
  }
  /** Numbers as `other`'s PID namespace sees them (default: the task's own). */
  tidIn(viewer: Task = this): PidNumber {
    return this.pid.nr(viewer.pid.ns);
  }
  tgidIn(viewer: Task = this): PidNumber {
    return this.threadGroup.pid.nr(viewer.pid.ns);
  }
  get isLeader(): boolean {
    return this.threadGroup.leader === this;
  }
  get fileSizeLimit(): number {
    return this.threadGroup.limits.soft[RLIMIT_FSIZE]!; // fixed indices
  }
  /** True unless a program of its control groups forbids such an access (ACCESS_*) to the device. */
  deviceAllowed(kind: number, rdev: number, access: number): boolean {
    if (!this.kernel.cgroups.deviceProgramsInUse) return true;
    for (const p of this.cgroup.effectiveDevicePrograms()) if (!p.allows(kind, devMajor(rdev), devMinor(rdev), access)) return false;
    return true;
  }
  get mountNamespace(): MountNamespace | null {
    return this.nsproxy.mnt;
  }
  get openFilesLimit(): number {
    return this.threadGroup.limits.soft[RLIMIT_NOFILE]!; // as above
  }
  limit(resource: number): number {
    return this.threadGroup.limits.soft[resource]!; // RLIMIT_*
  }
  /** Monotonic nanoseconds since boot. */
  monotonicNs(): number {
    return this.kernel.clock.monotonicNs();
  }

  // ---- waiting ----
  /** True if a signal is to be taken (TIF_SIGPENDING): interruptible waits return ERESTARTSYS or EINTR. */
  signalPending(): boolean {
    return (this.work & WORK_SIGNAL) !== 0;
  }
  fatalSignalPending(): boolean {
    return (this.work & WORK_SIGNAL) !== 0 && this.signals.pending.set.has(SIGKILL);
  }
  /** For futex calls that wait on one word. */
  get futexWaiter(): FutexWaiter {
    return (this.futexWaiterOrNull ??= new FutexWaiter(this));
  }
  /** WORK_RESTORE_MASK: `signals.savedMask` comes back after this call. */
  get workRestoresMask(): boolean {
    return (this.work & WORK_RESTORE_MASK) !== 0;
  }
  /** The active PID namespace. */
  get pidNs(): PidNamespace {
    return this.pid.ns;
  }
  /** Blocked or ignored (Linux is_ignored). */
  signalIgnored(signo: number): boolean {
    return isIgnoredOrBlocked(this, signo);
  }
  /** The kernel sends `signo` to the whole process. */
  sendGroupSignal(signo: number): void {
    sendSignalToGroup(this.threadGroup, signo);
  }
  /** Filters that are attached (Seccomp_filters of /proc/PID/status). */
  seccompFilterCount(): number {
    let n = 0;
    for (let f = this.seccomp; f !== null; f = f.previous) n++;
    return n;
  }
  sendSignal(signo: number): void {
    sendKernelSignal(this, signo);
  }

  /**
   * Registers on `queue` and returns BLOCKED: the handler is called again after a wake-up, a signal, or when `deadline` (absolute monotonic
   * ns) has passed (`syscall.timedOut`). ERESTARTSYS if a signal is pending already.
   */
  wait(queue: WaitQueue, deadline: number = Infinity): Errno {
    if (this.work & WORK_SIGNAL) return ERESTARTSYS;
    this.waiter.exclusive = false;
    this.waiter.events = -1;
    queue.add(this.waiter);
    return this.block(deadline);
  }
  /** As `wait`, but one wake-up wakes one such waiter (events: poll mask to wait for). */
  waitExclusive(queue: WaitQueue, deadline: number = Infinity, events = -1): Errno {
    if (this.work & WORK_SIGNAL) return ERESTARTSYS;
    this.waiter.exclusive = true;
    this.waiter.events = events;
    queue.add(this.waiter);
    return this.block(deadline);
  }
  /** As `wait`, but only a fatal signal ends it. */
  waitKillable(queue: WaitQueue): Errno {
    if (this.fatalSignalPending()) return ERESTARTSYS;
    this.waiter.exclusive = false;
    this.waiter.events = -1;
    queue.add(this.waiter);
    this.runState = TASK_KILLABLE;
    this.resume = RESUME_SYSCALL;
    return BLOCKED;
  }
  /** Sleeps until `deadline` or a signal. */
  sleep(deadline: number): Errno {
    if (this.work & WORK_SIGNAL) return ERESTARTSYS;
    return this.block(deadline);
  }
  /**
   * Blocks on the queues given to `addWait` before or after this call. ERESTARTSYS if a signal is pending.
   */
  waitAny(deadline: number = Infinity): Errno {
    if (this.work & WORK_SIGNAL) {
      this.clearWaits();
      return ERESTARTSYS;
    }
    return this.block(deadline);
  }
  /** Adds a queue to those that end this wait. `events`: poll mask that is of interest. */
  addWait(queue: WaitQueue, events = -1, exclusive = false): void {
    const pool = (this.extraWaiters ??= []);
    if (this.extraUsed === pool.length) pool.push(new Waiter(this));
    const w = pool[this.extraUsed++]!; // just made sure
    w.events = events;
    w.exclusive = exclusive;
    queue.add(w);
  }
  /** A PollTable whose queues end this task's wait. */
  get pollTable(): TaskPollTable {
    return (this.poller ??= new TaskPollTable(this));
  }
  /** Leaves every queue: called before a handler runs again. */
  clearWaits(): void {
    if (this.waiter.queue !== null) unqueue(this.waiter);
    if (this.extraUsed > 0) {
      const pool = this.extraWaiters!; // used, so there
      for (let i = 0; i < this.extraUsed; i++) unqueue(pool[i]!);
      this.extraUsed = 0;
    }
    if (this.waitTimer.slot >= 0) this.kernel.timers.cancel(this.waitTimer);
  }
  private block(deadline: number): Errno {
    this.runState = TASK_BLOCKED;
    this.resume = RESUME_SYSCALL;
    this.syscall.deadline = deadline;
    if (deadline !== Infinity) this.kernel.timers.arm(this.waitTimer, deadline);
    return BLOCKED;
  }
  /** A queue it waits on was woken. */
  onWake(w: Waiter, _events: number): boolean {
    // An exclusive waiter that is already woken must not swallow the next wake-up.
    if (w === this.waiter) unqueue(w);
    if (this.runState === TASK_BLOCKED || this.runState === TASK_KILLABLE) {
      this.makeRunnable();
      return true;
    }
    return false;
  }
  /** Sleeps on its way to user mode until `deadline`; only a fatal signal ends it sooner. */
  sleepKillable(deadline: number): void {
    this.clearWaits();
    this.runState = TASK_KILLABLE;
    this.kernel.timers.arm(this.waitTimer, deadline);
  }
  /** Waits on `queue` for a page, to go on as `resume` says; a signal ends the wait too. */
  waitForPage(queue: WaitQueue, resume: Resume): void {
    this.clearWaits();
    this.waiter.exclusive = false;
    this.waiter.events = -1;
    queue.add(this.waiter);
    this.runState = TASK_BLOCKED;
    this.resume = resume;
  }
  /** RESUME_IO_WORK; only workers go on in that way. */
  runWork(): void {
    throw new Error('not a worker');
  }
  /** Puts it on the run queue, whatever it waited for. */
  makeRunnable(): void {
    // What stopped on its way to user mode has that way to finish: signals, and the restart of the call it was in (Linux get_signal() loops).
    if (this.runState >= TASK_STOPPED && this.resume === RESUME_USER) this.work |= WORK_SIGNAL;
    this.runState = TASK_RUNNABLE;
    this.kernel.scheduler.enqueue(this);
  }
}

/** What Linux keeps in thread_struct about the last exception. */
class FaultState {
  trapNumber = 0;
  errorCode = 0;
  address = 0;
}

export class TaskPollTable implements PollTable {
  readonly task: Task;
  /** Poll mask of interest for the queues added next. */
  events = -1;
  constructor(task: Task) {
    this.task = task;
  }
  add(queue: WaitQueue): void {
    this.task.addWait(queue, this.events);
  }
}
