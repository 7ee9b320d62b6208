/** What the threads of one process share: Linux struct signal_struct. */
import { CAP_IPC_LOCK, CAP_SYS_RAWIO } from '../abi/capability.ts';
import { RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK, RLIMIT_STACK } from '../abi/resource.ts';
import { WaitQueue } from '../base/wait-queue.ts';
import type { MemoryLimits } from '../memory/memory-limits.ts';
import type { ControllingTerminal } from './controlling-terminal.ts';
import { checkCpuTime } from './cpu-time.ts';
import type { IntervalTimers } from './interval-timers.ts';
import type { Pid } from './pid.ts';
import type { PosixTimer } from './posix-timers.ts';
import type { ProcessGroup } from './process-group.ts';
import type { ResourceLimits } from './resource-limits.ts';
import type { Session } from './session.ts';
import { PendingSignals } from './signal-pending.ts';
import { ResourceUsage } from './resource-usage.ts';
import type { Task } from './task.ts';

export class ThreadGroup implements MemoryLimits {
  readonly pid: Pid;
  leader: Task;
  /** Live and dying threads that are not yet released, the leader first. */
  readonly threads: Set<Task> = new Set();
  /** Threads that have not begun to exit. */
  live = 0;
  processGroup: ProcessGroup | null = null;
  tty: ControllingTerminal | null = null;
  /** The foreground group of a terminal that was hung up (Linux tty_old_pgrp): gets SIGHUP and SIGCONT when the session leader exits. */
  ttyOldGroup: ProcessGroup | null = null;
  /** Signals sent to the process as a whole. */
  readonly pending: PendingSignals = new PendingSignals();
  /** Woken when a signal is queued to the process or one of its threads: signalfd. */
  readonly signalQueue: WaitQueue = new WaitQueue();
  /** Children of its threads that have died and are not reaped. */
  readonly zombies: Set<Task> = new Set();
  /** wait4 and waitid of this process's threads. */
  readonly childQueue: WaitQueue = new WaitQueue();

  /** exit_group, a fatal signal or execve is ending all (other) threads. */
  exiting = false;
  /** Wait status (exit code << 8 | signal) that the process ends with, once `exiting`. */
  exitCode = 0;
  /** The thread that execs and waits for the others to be gone; null otherwise. */
  execTask: Task | null = null;
  /** Threads that execTask still waits for. */
  readonly execQueue: WaitQueue = new WaitQueue();

  /** Group stop: all threads stop (or are to). */
  stopped = false;
  /** A stop is under way: threads still to stop, and its signal. */
  stopCount = 0;
  stopSignal = 0;
  /** The signal that stopped the process, until a wait collects it (0). */
  stopCode = 0;
  /** A continue that WCONTINUED has not collected. */
  continued = false;
  /** CLD_STOPPED or CLD_CONTINUED that a thread of the group is to report to the parent; 0 = none (Linux SIGNAL_CLD_MASK). */
  childReport = 0;

  /** PR_SET_CHILD_SUBREAPER here, and on an ancestor. */
  childSubreaper = false;
  hasChildSubreaper = false;
  /** The signal its parent gets (SIGCHLD), from clone; set on the leader. */
  limits: ResourceLimits;
  /** CPU time and faults of threads that are gone, and of reaped children. */
  readonly usage: ResourceUsage = new ResourceUsage();
  readonly childUsage: ResourceUsage = new ResourceUsage();
  itimers: IntervalTimers | null = null;
  readonly posixTimers: Map<number, PosixTimer> = new Map();
  nextTimerId = 0;
  oomScoreAdj = 0;
  /** membarrier registrations. */
  barriers = 0;
  oomScoreAdjMin = 0;
  /** PR_TIMER_CREATE_RESTORE_IDS: timer_create takes the number that is asked for. */
  timerIdsRestorable = false;
  /** Init of a PID namespace: unhandled signals do not reach it. */
  unkillable = false;
  /** execve has happened since the fork: setpgid of a parent gives EACCES. */
  didExec = false;
  /** How many execves there were (Linux self_exec_id). */
  execs = 0;
  /** Monotonic ns of the first thread's start. */
  startTime = 0;
  /** CPU time of all threads, dead ones too, ns; and the time at which a limit or timer is to be looked at, 0 = none. */
  cpuTime = 0;
  cpuWatch = 0;

  constructor(pid: Pid, leader: Task, limits: ResourceLimits) {
    this.pid = pid;
    this.leader = leader;
    this.limits = limits;
    pid.threadGroup = this;
  }

  get session(): Session {
    return this.processGroup!.session; // in a group from its making to its release
  }
  /** True for the init of the root PID namespace. */
  get isInit(): boolean {
    return this.pid.ns.level === 0 && this.pid.global === 1;
  }
  /** True when every thread has exited: a zombie, or on the way there. */
  get dead(): boolean {
    return this.leader.exitState !== 0 && this.live === 0;
  }
  /** True if `sig` with its default action does not end this process, because it is an init. */
  unkillableBy(sig: number): boolean {
    return this.unkillable && sig !== 9;
  }
  /** `cpuWatch` has been reached: RLIMIT_CPU, ITIMER_PROF and the like. */
  cpuTimeReached(): void {
    checkCpuTime(this);
  }
  // What its address space asks.
  stackLimit(): number {
    return this.limits.soft[RLIMIT_STACK]!; // fixed index, as below
  }
  addressSpaceLimit(): number {
    return this.limits.soft[RLIMIT_AS]!;
  }
  dataLimit(): number {
    return this.limits.soft[RLIMIT_DATA]!;
  }
  memlockLimit(): number {
    return this.limits.soft[RLIMIT_MEMLOCK]!;
  }
  mayLockMemory(): boolean {
    return this.leader.credentials.capableInInit(CAP_IPC_LOCK);
  }
  mayMapLow(): boolean {
    return this.leader.credentials.capableInInit(CAP_SYS_RAWIO);
  }
  get singleThreaded(): boolean {
    return this.threads.size === 1;
  }
}
