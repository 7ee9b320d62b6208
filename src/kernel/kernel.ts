/** The kernel: what there is one of, booting, the run loop. Dispatch of system calls stands in dispatch.ts, exits in guest-exits.ts. */
import { ROOT_KGID, ROOT_KUID } from '../abi/ids.ts';
import { ENOTTY, type Errno, isErr } from '../abi/errno.ts';
import { Credentials } from '../auth/credentials.ts';
import { KeyTable } from '../auth/keys/key-table.ts';
import type { Namespace } from '../auth/namespace.ts';
import { USED_PROCESSES } from '../auth/user-counts.ts';
import { UserNamespace } from '../auth/user-namespace.ts';
import type { Host, HostDriver } from '../host/host.ts';
import type { Vdso } from '../loader/vdso.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { setUp } from '../net/device/device-registry.ts';
import { NetStack } from '../net/net-stack.ts';
import { NetworkNamespace } from '../net/network-namespace.ts';
import type { TraceSink } from '../seccheck/trace-sink.ts';
import { SocketFileSystem } from '../net/socket-description.ts';
import type { FdTable } from '../vfs/fd-table.ts';
import { FsContext } from '../vfs/fs-context.ts';
import type { MountNamespace } from '../vfs/mount-namespace.ts';
import type { Path } from '../vfs/mount.ts';
import { Vfs } from '../vfs/vfs.ts';
import { CPU_STATE_SIZE, TSC_AUX } from '../x86/cpu-layout.ts';
import { CpuState } from '../x86/cpu-state.ts';
import type { DebugRegisters } from '../x86/debug-registers.ts';
import { EXIT_INTERRUPT, EXIT_SYSCALL } from '../x86/exits.ts';
import { addChild, removeChild } from './children.ts';
import { KernelClock } from './clock.ts';
import { KernelThreads } from './kernel-threads.ts';
import { CpuStatePool } from './cpu-state-pool.ts';
import { type Dispatcher, makeDispatcher, type SyscallHandlerFunction } from './dispatch.ts';
import { execFile } from './exec.ts';
import { openExecutable } from './exec-open.ts';
import { FutexTable } from './futex.ts';
import { handleGuestExit, killLargest } from './guest-exits.ts';
import { sendIoSignal } from './io-signal.ts';
import { distinctCredentials } from './process-keyrings.ts';
import { throttledGroup } from './cgroup/cpu.ts';
import { CgroupHierarchy } from './cgroup/hierarchy.ts';
import { tookBeyondHigh } from './cgroup/memory-throttle.ts';
import { IpcNamespace } from './ipc-namespace.ts';
import { LoadAverage } from './load-average.ts';
import { CgroupNamespace, INITIAL_CGROUP_NS_INUM, NsProxy } from './nsproxy.ts';
import type { Pid } from './pid.ts';
import { NtpState } from './ntp.ts';
import { PidFs } from './pidfs.ts';
import { PidNamespace } from './pid-namespace.ts';
import { runEnds, stalled, waitEnds } from './pressure-tracking.ts';
import { PRESSURE_IO, PRESSURE_MEMORY, type PressureResource } from './pressure.ts';
import { ProcessGroup } from './process-group.ts';
import { ptraceNotify } from './ptrace-stop.ts';
import { ResourceLimits } from './resource-limits.ts';
import { prepareUserMode, resumeTask } from './return-to-user.ts';
import { Scheduler } from './scheduler.ts';
import { Session } from './session.ts';
import { SignalActions } from './signal-actions.ts';
import { sendSignalToGroup } from './signal-send.ts';
import { RESUME_USER, SYSCALL_TRACE, Task, TASK_RUNNABLE, WORK_RESCHED, WORK_RSEQ } from './task.ts';
import { ThreadGroup } from './thread-group.ts';
import { TimeNamespace } from './time-namespace.ts';
import { TimerHeap } from '../base/timers.ts';
import { UtsNamespace } from './uts-namespace.ts';

/** What runs guest code. */
export interface GuestPlatform {
  /** Runs the task whose state is at `cpu` until it leaves: an EXIT_* of x86/exits.ts. `fuel` bounds the run. */
  run(cpu: number, space: AddressSpace, fuel: number, watch: DebugRegisters | null): number;
  /** Leave the guest at its next safe point. */
  kick(): void;
}

export interface KernelConfig {
  readonly host: Host;
  readonly memory: PhysicalMemory;
  /** Part of the linear memory for CPU states: bytes start … end. */
  readonly cpuArea: { readonly start: number; readonly end: number };
  readonly handlers: readonly SyscallHandlerFunction[];
  readonly hostname: string;
  readonly vdso: Vdso | null;
  /** AT_HWCAP (CPUID.1:EDX) and AT_HWCAP2. */
  readonly hwcap: number;
  readonly hwcap2: number;
  /** Processors shown to guests. */
  readonly cpus: number;
  /** Tasks that may exist at once. */
  readonly maxTasks?: number;
  /** For tests: see fault-injection.ts. */
  readonly faultInjection?: boolean;
}

/** The first program. Strings are byte strings. */
export interface ProgramRequest {
  readonly path: string;
  readonly argv: readonly string[];
  readonly envp: readonly string[];
  readonly mountNamespace: MountNamespace;
  readonly root: Path;
  readonly cwd: Path;
  readonly umask: number;
  readonly credentials: Credentials;
  /** Gets the standard streams; the kernel takes the table over. */
  readonly fdTable: FdTable;
  /** Called when the program (its whole process) has ended, with its wait status. */
  readonly onExit: (status: number) => void;
}

/** Bounds of the fuel of one run. Translated code counts loop turns and calls; what they cost differs, so each task's fuel follows its runs. */
const MIN_FUEL = 8_192, MAX_FUEL = 2_097_152;
/** A run should take between these, ns. */
const SHORT_RUN_NS = 500_000, LONG_RUN_NS = 2_000_000;
/** Exits from the guest between two looks at the clock; a power of two. */
const TURNS = 32;

export class Kernel implements HostDriver {
  readonly host: Host;
  readonly memory: PhysicalMemory;
  readonly clock: KernelClock;
  readonly vfs: Vfs;
  /** Where sockets' files live. */
  readonly sockets: SocketFileSystem;
  readonly netStack: NetStack;
  readonly pidFs: PidFs;
  readonly ntp: NtpState = new NtpState();
  readonly timers: TimerHeap = new TimerHeap();
  readonly scheduler: Scheduler = new Scheduler();
  readonly futexes: FutexTable = new FutexTable();
  readonly keys: KeyTable;
  readonly cgroups: CgroupHierarchy;
  readonly cpuStates: CpuStatePool;
  readonly dispatcher: Dispatcher;
  /** Handlers of system calls by number. */
  readonly handlers: readonly SyscallHandlerFunction[];
  readonly vdso: Vdso | null;
  readonly hwcap: number;
  readonly hwcap2: number;
  /** Bytes of the largest signal frame: AT_MINSIGSTKSZ. */
  readonly minSigStackSize: number = 1440;
  readonly hasXsave: boolean = false;
  readonly cpus: number;
  readonly maxTasks: number;
  /** sethostname and friends of the root namespace are in nsproxy.uts. */
  readonly userNs: UserNamespace = UserNamespace.initial();
  readonly pidNs: PidNamespace;
  /** The sandbox's own init: pid 1, adopts and reaps orphans, runs no code. */
  readonly init: Task;
  readonly kernelThreads: KernelThreads;
  platform: GuestPlatform | null = null;
  private traceSink: TraceSink | null = null;
  /** Values of /proc/sys that the guest changed, by dotted name. */
  readonly sysctls: Map<string, number> = new Map();
  /** Requests that io_setup was asked for, of all contexts (fs.aio-nr). */
  aioRequests = 0;
  /** fs.suid_dumpable: dumpability of programs that changed their ids. */
  suidDumpable = 0;
  /** /proc/PID/fail-nth is there. */
  readonly faultInjection: boolean;
  /** Core-dump bit of wait statuses: as natively, only if a core would be written. */
  coreBit = false;

  /** The task whose code or call is running. */
  current: Task | null = null;
  /** Monotonic ns, as of the last look. */
  now = 0;
  /** All tasks but those that nobody has looked at: the kernel's own threads, at first. */
  readonly madeTasks: Set<Task> = new Set();
  taskCount = 0;
  nextSibling = 0;
  /** Tasks ever made, context switches, for /proc/stat. */
  forks = 0;
  switches = 0;
  /** Logins that /proc/PID/loginuid began. */
  loginSessions = 0;
  /** CPU time of all tasks, ns. */
  cpuTime = 0;
  /** The same by virtual CPU. */
  readonly cpuTimes: Float64Array;
  /** The virtual CPU of the task that ran last, and the one that the next new task is put on. */
  private lastCpu = 0;
  private nextCpu = 0;
  /** The idle time that was last shown, ns. */
  idleTime = 0;
  readonly loadAverage: LoadAverage = new LoadAverage();
  private readonly exitWatchers: Map<ThreadGroup, (status: number) => void> = new Map();
  private stopped = false;
  /** The run loop is running, and `now` is not old. */
  private looping = false;
  private nextInum = 0xf0000100; // above those of the initial namespaces

  constructor(config: KernelConfig) {
    this.host = config.host;
    this.faultInjection = config.faultInjection ?? false;
    this.memory = config.memory;
    this.memory.outOfMemory = () => {
      if (this.current !== null) this.outOfMemory(this.current);
    };
    this.clock = new KernelClock(config.host);
    this.keys = new KeyTable(() => distinctCredentials(this.madeTasks), (bytes) => this.random(bytes), () => this.wallSeconds());
    this.cgroups = new CgroupHierarchy(config.memory, this.timers, () => this.clock.monotonicNs());
    this.vfs = new Vfs(config.memory, this.clock);
    this.vfs.sendIoSignal = sendIoSignal;
    this.vfs.whileReading = (read) => this.whileStalled(PRESSURE_IO, read);
    this.memory.whileReclaiming = (search) => this.whileStalled(PRESSURE_MEMORY, search);
    this.cgroups.beyondHigh = (frames) => {
      if (this.current !== null) tookBeyondHigh(this.current, frames);
    };
    this.sockets = new SocketFileSystem(this.vfs);
    this.pidFs = new PidFs(this.vfs);
    this.netStack = new NetStack(this.clock, this.timers, { fill: (b) => this.host.random(b, 0, b.length) }, config.cpus);
    this.cpuStates = new CpuStatePool(config.cpuArea.start, config.cpuArea.end);
    this.maxTasks = config.maxTasks ?? Math.floor((config.cpuArea.end - config.cpuArea.start) / CPU_STATE_SIZE) - 8;
    this.vdso = config.vdso;
    this.vdso?.setRealtime(this.clock.bootSec, this.clock.bootNsec);
    this.hwcap = config.hwcap;
    this.hwcap2 = config.hwcap2;
    this.cpus = config.cpus;
    this.cpuTimes = new Float64Array(config.cpus);
    this.handlers = config.handlers;
    this.dispatcher = makeDispatcher(this, config.handlers);
    this.pidNs = new PidNamespace(null, this.userNs, 0xeffffffc);
    this.init = this.makeInit(config.hostname);
    this.kernelThreads = new KernelThreads(this);
  }

  /** Numbers for /proc/PID/ns/*: the initial namespaces have fixed ones. */
  allocateInum(): number {
    return this.nextInum++;
  }

  /** The first network namespace: its loopback is up, as the sandbox's owner has it. */
  private initialNetwork(ns: UserNamespace): NetworkNamespace {
    const net = new NetworkNamespace(this.netStack, ns, 0xf0000098, true);
    setUp(net.loopback);
    return net;
  }

  private makeInit(hostname: string): Task {
    const ns = this.userNs;
    const uts = new UtsNamespace(hostname, '(none)', ns, 0xeffffffe);
    const time = new TimeNamespace(ns, 0xeffffffa);
    time.frozen = true;
    const proxy = new NsProxy({
      uts, mnt: null as unknown as MountNamespace, pidForChildren: this.pidNs, ipc: new IpcNamespace(ns, 0xefffffff, ROOT_KUID, ROOT_KGID), net: this.initialNetwork(ns),
      cgroup: new CgroupNamespace(ns, INITIAL_CGROUP_NS_INUM, this.cgroups.root), time, timeForChildren: time,
    }); // the mount namespace comes with the first program
    const credentials = new Credentials(ns);
    const pid = this.pidNs.alloc([], credentials);
    const cpu = this.cpuStates.alloc();
    if (isErr(pid) || isErr(cpu)) throw new Error('no room for the first task');
    const init = new Task(this, pid, credentials, proxy, new SignalActions(), cpu, new CpuState(this.memory, cpu), 'init', true);
    pid.task = init;
    const tg = new ThreadGroup(pid, init, ResourceLimits.initial(this.maxTasks));
    init.threadGroup = tg;
    tg.threads.add(init);
    tg.live = 1;
    tg.unkillable = true;
    init.runState = 1;
    this.pidNs.childReaper = init;
    const session = new Session(pid, tg, this.cgroups.fairness.autogroups);
    new ProcessGroup(pid, session).add(tg);
    this.cgroups.enter(init, this.cgroups.root);
    this.madeTasks.add(init);
    this.taskCount++;
    credentials.counts.add(USED_PROCESSES, 1);
    return init;
  }

  get tasks(): ReadonlySet<Task> {
    this.kernelThreads.make();
    return this.madeTasks;
  }
  get trace(): TraceSink | null {
    return this.traceSink;
  }
  /** Switches tracing on or off for all tasks. */
  set trace(sink: TraceSink | null) {
    this.traceSink = sink;
    for (const t of this.madeTasks) {
      if (t.internal) continue;
      if (sink !== null) t.syscallWork |= SYSCALL_TRACE;
      else t.syscallWork &= ~SYSCALL_TRACE;
    }
  }

  /** Wall-clock time, whole seconds since the epoch. */
  wallSeconds(): number {
    this.clock.update();
    return this.clock.sec;
  }

  random(bytes: Uint8Array): void {
    this.host.random(bytes, 0, bytes.length);
  }

  /**
   * Makes a process, child of init in a group of its own, and execs `request.path` in it. The task, or execve's errno (nothing is left then).
   */
  startProgram(request: ProgramRequest): Task | Errno {
    const init = this.init;
    const pid = this.pidNs.alloc([], request.credentials);
    if (isErr(pid)) return pid;
    const cpu = this.cpuStates.alloc();
    if (isErr(cpu)) {
      this.pidNs.free(pid);
      return cpu;
    }
    const old = init.nsproxy;
    const nsproxy = new NsProxy({ ...old.set, mnt: request.mountNamespace });
    if ((old.mnt as MountNamespace | null) === null) {
      init.nsproxy = nsproxy;
      this.kernelThreads.enterNamespaces(nsproxy);
    }
    const t = this.adoptProgram(request, pid, cpu, nsproxy);
    const file = openExecutable(t, null, request.path, 0);
    const r = isErr(file) ? file : execFile(t, file, request.path, false, request.argv, request.envp);
    if (isErr(r) && r > -512) {
      this.abandon(t);
      return r;
    }
    t.threadGroup.didExec = false;
    this.exitWatchers.set(t.threadGroup, request.onExit);
    t.makeRunnable();
    return t;
  }

  private adoptProgram(request: ProgramRequest, pid: Pid, cpu: number, nsproxy: NsProxy): Task {
    const init = this.init;
    const t = new Task(this, pid, request.credentials, nsproxy, new SignalActions(), cpu, new CpuState(this.memory, cpu), '', false);
    pid.task = t;
    const tg = new ThreadGroup(pid, t, init.threadGroup.limits.clone());
    t.threadGroup = tg;
    tg.threads.add(t);
    tg.live = 1;
    tg.tty = init.threadGroup.tty;
    tg.startTime = t.startTime = this.clock.monotonicNs();
    t.files = request.fdTable;
    t.fsContext = new FsContext(request.root, request.cwd, request.umask);
    t.realParent = t.parent = init;
    t.exitSignal = 17;
    addChild(init, t);
    new ProcessGroup(pid, init.threadGroup.session).add(tg);
    this.cgroups.enter(t, this.cgroups.root);
    this.madeTasks.add(t);
    this.taskCount++;
    t.credentials.counts.add(USED_PROCESSES, 1);
    if (this.traceSink !== null) t.syscallWork |= SYSCALL_TRACE;
    return t;
  }

  /** Takes back a program that could not be exec'd. */
  private abandon(t: Task): void {
    this.cgroups.exit(t);
    t.files?.release(t);
    t.fsContext?.release();
    removeChild(this.init, t);
    t.threadGroup.processGroup?.remove(t.threadGroup);
    t.pid.task = null;
    t.pid.threadGroup = null;
    t.pid.releaseIfUnused();
    t.credentials.counts.sub(USED_PROCESSES, 1);
    this.taskGone(t);
  }

  /** A released task: its CPU state is free again. */
  taskGone(t: Task): void {
    this.madeTasks.delete(t);
    this.taskCount--;
    if (t.cpu !== 0) this.cpuStates.free(t.cpu);
    t.cpu = 0;
  }

  /** A child of the sandbox's init ended. */
  childOfInitExited(t: Task): void {
    const watcher = this.exitWatchers.get(t.threadGroup);
    if (watcher === undefined) return;
    this.exitWatchers.delete(t.threadGroup);
    watcher(t.threadGroup.exiting ? t.threadGroup.exitCode : t.exitCode);
  }

  /** Ends the run loop: `run` answers -1 from now on. */
  stop(): void {
    this.stopped = true;
    this.platform?.kick();
  }

  /** Processes of programs that have not ended. */
  get liveProcesses(): number {
    let n = 0;
    for (const t of this.madeTasks) if (t.isLeader && !t.internal && !t.threadGroup.dead) n++;
    return n;
  }

  /** A descriptor of a namespace in the table of `t`, close-on-exec; or an errno. The file system of namespaces provides it. */
  openNamespace: (t: Task, ns: Namespace | UserNamespace) => number = () => ENOTTY;

  /** A signal that the owner sent to the sandbox goes to the foreground group of the terminal, or to `target`. */
  hostSignal: (signo: number) => void = () => {};

  /** A process that the sandbox itself started was stopped: its owner does job control. */
  onProgramStopped: (program: ThreadGroup) => void = () => {};

  /** PTRACE: a stop that looks like signal `sig` from the task itself. */
  traceNotify(t: Task, sig: number): void {
    ptraceNotify(t, sig, RESUME_USER);
  }

  /** Writes a new child's number into its own memory (CLONE_CHILD_SETTID), which may be a copy of the parent's. */
  writeChildTid(child: Task, addr: number): void {
    child.space.writeU32(addr, child.pid.nr(child.pid.ns));
  }

  /** A real-time task became runnable. */
  preemptFor(t: Task): void {
    const current = this.current;
    if (current !== null && current.sched.rank < t.sched.rank) current.work |= WORK_RESCHED;
  }

  /** Told about instructions that are not implemented; the sandbox reports them to its owner. */
  onIllegalInstruction: (t: Task) => void = () => {};
  illegalInstruction(t: Task): void {
    this.onIllegalInstruction(t);
  }
  /** No frame is left: a process is killed, and if it is another one the access is tried again when its memory is free. */
  outOfMemory(t: Task): void {
    // Below the machine's limit it was a cgroup's, which has killed one of its own.
    if (this.memory.free <= 0) killLargest(t);
    t.work |= WORK_RESCHED;
  }

  /** Monotonic ns: the run loop's, or outside of it the clock's. */
  recently(): number {
    if (!this.looping) this.now = this.clock.monotonicNs();
    return this.now;
  }
  /** The time that `work` takes is time in which the running task stalls. */
  private whileStalled<T>(resource: PressureResource, work: () => T): T {
    const t = this.current;
    if (t === null) return work();
    const from = this.clock.monotonicNs();
    const r = work();
    const now = this.clock.monotonicNs();
    stalled(t, resource, now - from, now);
    return r;
  }

  // ---- the run loop ----

  /** HostDriver: runs tasks for some milliseconds. */
  run(): number {
    this.looping = true;
    const due = this.runTasks();
    this.looping = false;
    return due;
  }
  private runTasks(): number {
    this.now = this.clock.monotonicNs();
    this.until = this.now + this.host.sliceNs;
    for (;;) {
      if (this.stopped) return -1;
      if (this.timers.next <= this.now) this.timers.run(this.now);
      const t = this.scheduler.pick();
      if (t === null) {
        const next = this.timers.next;
        if (next === Infinity) return Infinity;
        this.now = this.clock.monotonicNs();
        if (next > this.now) return next;
        continue;
      }
      this.runTask(t);
      if (this.now >= this.until) return this.stopped ? -1 : 0;
    }
  }
  /** When the host is to get the thread back, monotonic ns. */
  private until = 0;

  /** Runs `t` until it blocks, its turn is over, or the host is due. */
  private runTask(t: Task): void {
    const platform = this.platform!; // set before the first program starts
    this.current = t;
    waitEnds(t, this.now, true);
    this.memory.faults = t.usage;
    this.memory.account = t.cgroup.frameAccount;
    this.switches++;
    if (t.sched.cpu !== this.lastCpu) this.showCpu(t.sched.cpu);
    let turns = 0;
    for (;;) {
      if (t.resume !== RESUME_USER) resumeTask(t);
      if (t.work !== 0 && t.runState === TASK_RUNNABLE && t.resume === RESUME_USER) prepareUserMode(t);
      if (t.runState !== TASK_RUNNABLE) {
        this.charge(t);
        t.usage.nvcsw++;
        break;
      }
      // Woken before it had left: the call is made again.
      if (t.resume !== RESUME_USER) continue;
      if (t.work & WORK_RESCHED) {
        t.work &= ~WORK_RESCHED;
        this.charge(t);
        t.usage.nvcsw++;
        this.current = null;
        runEnds(t, this.now);
        this.scheduler.yieldTask(t);
        return;
      }
      const reason = platform.run(t.cpu, t.mm!, t.sched.fuel, t.watch); // runnable, so it has memory
      // Leaving again and again (signals, faults) must not keep the clock from being looked at.
      if (reason === EXIT_SYSCALL) {
        if (t.runState !== TASK_RUNNABLE) {
          this.charge(t);
          t.usage.nvcsw++;
          break;
        }
        if ((++turns & (TURNS - 1)) !== 0) continue;
      } else {
        t.syscall.nr = -1;
        if (reason !== EXIT_INTERRUPT) {
          handleGuestExit(t, reason);
          if ((++turns & (TURNS - 1)) !== 0) continue;
        }
      }
      this.charge(t);
      if (this.timers.next <= this.now) this.timers.run(this.now);
      if (this.turnIsOver(t)) {
        const over = t.sched.left <= 0;
        if (over) t.sched.refill();
        t.usage.nivcsw++;
        if (t.rseqAddr !== 0) t.work |= WORK_RSEQ;
        this.current = null;
        runEnds(t, this.now);
        if (t.runState === TASK_RUNNABLE) {
          if (over) this.scheduler.requeue(t);
          else this.scheduler.requeueFront(t);
        }
        return;
      }
    }
    this.current = null;
    runEnds(t, this.now);
  }

  /**
   * Puts a task on a virtual CPU that its affinity allows: the next in turn, as all are equally idle to a thread that runs one task at a time.
   */
  placeOnCpu(t: Task): void {
    const { sched } = t;
    let cpu = this.nextCpu;
    while (((sched.affinity >>> cpu) & 1) === 0 || cpu >= this.cpus) cpu = (cpu + 1) % Math.max(this.cpus, 32);
    this.nextCpu = (cpu + 1) % this.cpus;
    sched.cpu = cpu;
    if (t.cpu !== 0) this.memory.i32[(t.cpu + TSC_AUX) >> 2] = cpu; // the kernel's threads have none
    if (t.rseqAddr !== 0) t.work |= WORK_RSEQ;
    if (t === this.current) this.showCpu(cpu);
  }
  /** The vDSO tells the number of the CPU that runs. */
  private showCpu(cpu: number): void {
    this.lastCpu = cpu;
    this.vdso?.setCpu(cpu, 0);
  }

  /** True if another task or the host is due. One that is alone goes on. */
  private turnIsOver(t: Task): boolean {
    if (this.now >= this.until || this.scheduler.hasBetter(t)) return true;
    if (t.sched.left > 0) return false;
    if (this.scheduler.runnable > 0 || (this.cgroups.cpuGroups !== 0 && throttledGroup(t.cgroup.cpuGroup) !== null)) return true;
    t.sched.refill();
    return false;
  }

  /** The running task has used up its fuel: more of it, or 0 if there is something else to do. */
  refuel(): number {
    const t = this.current!; // only asked for by guest code
    const spent = this.charge(t);
    if (spent < SHORT_RUN_NS) {
      if (t.sched.fuel < MAX_FUEL) t.sched.fuel *= 2;
    } else if (spent > LONG_RUN_NS && t.sched.fuel > MIN_FUEL) t.sched.fuel /= 2;
    return t.work !== 0 || this.stopped || this.timers.next <= this.now || this.turnIsOver(t) ? 0 : t.sched.fuel;
  }

  /** Adds the time since the last look to the task's account; how much, ns. */
  private charge(t: Task): number {
    const now = this.clock.monotonicNs();
    const spent = now - this.now;
    this.now = now;
    if (spent <= 0) return 0;
    t.usage.utime += spent;
    t.sched.left -= spent;
    t.sched.lastRun = spent;
    if (this.scheduler.ran(t.sched.rank, spent, now, this.cpus)) t.sched.left = 0;
    this.cpuTime += spent;
    this.cpuTimes[t.sched.cpu]! += spent;
    const cgroup = t.cgroup;
    cgroup.cpuTime += spent;
    if (t.sched.nice > 0) cgroup.niceTime += spent;
    if (this.cgroups.competition && this.cgroups.fairness.charge(t, spent, now)) t.sched.left = 0;
    const tg = t.threadGroup;
    tg.cpuTime += spent;
    if (tg.cpuWatch !== 0 && tg.cpuTime >= tg.cpuWatch) tg.cpuTimeReached();
    return spent;
  }

  /** A terminal or the owner hangs up: everything but init gets `signo`. */
  signalAll(signo: number): void {
    for (const t of [...this.madeTasks]) if (t.isLeader && !t.internal) sendSignalToGroup(t.threadGroup, signo, null);
  }
}
