/** Making tasks: Linux kernel/fork.c, kernel_clone() and copy_process(). */
import {
  CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID, CLONE_DETACHED, CLONE_FILES, CLONE_FS, CLONE_IO, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWTIME,
  CLONE_NEWUSER, CLONE_PARENT, CLONE_PARENT_SETTID, CLONE_PIDFD, CLONE_PTRACE, CLONE_SETTLS, CLONE_SIGHAND, CLONE_THREAD,
  CLONE_SYSVSEM, CLONE_UNTRACED, CLONE_VFORK, CLONE_VM,
} from '../abi/clone.ts';
import { CAP_SYS_ADMIN, CAP_SYS_RESOURCE } from '../abi/capability.ts';
import { BLOCKED, EAGAIN, EINVAL, ENOMEM, EPERM, ERESTARTNOINTR, ERESTARTSYS, type Errno, isErr } from '../abi/errno.ts';
import { ROOT_KUID } from '../abi/ids.ts';
import {
  PTRACE_EVENT_CLONE, PTRACE_EVENT_FORK, PTRACE_EVENT_VFORK, PTRACE_EVENT_VFORK_DONE, PTRACE_O_TRACECLONE, PTRACE_O_TRACEFORK,
  PTRACE_O_TRACEVFORK, PTRACE_O_TRACEVFORKDONE,
} from '../abi/ptrace.ts';
import { RLIMIT_NPROC } from '../abi/resource.ts';
import { SIGCHLD, SIGSTOP, SS_DISABLE } from '../abi/signal.ts';
import { RAX, RSP } from '../x86/cpu-layout.ts';
import { CpuState } from '../x86/cpu-state.ts';
import { PIDFD_THREAD } from '../abi/anon-fd.ts';
import { SCHED_DEADLINE } from '../abi/sched.ts';
import type { Credentials } from '../auth/credentials.ts';
import { USED_PROCESSES } from '../auth/user-counts.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { TASK_SIZE } from '../memory/user-memory.ts';
import type { FdTable } from '../vfs/fd-table.ts';
import type { FsContext } from '../vfs/fs-context.ts';
import { refreshFrozen } from './cgroup/freezer.ts';
import { failNow } from './fault-injection.ts';
import { addChild } from './children.ts';
import { IoContext } from './io-context.ts';
import type { Kernel } from './kernel.ts';
import { makePidfd } from './pidfd.ts';
import { inheritKeyrings } from './process-keyrings.ts';
import { copyNamespaces, createUserNamespace } from './namespaces.ts';
import type { NsProxy } from './nsproxy.ts';
import type { Pid } from './pid.ts';
import { ptraceEvent, ptraceLink } from './ptrace-stop.ts';
import type { SignalActions } from './signal-actions.ts';
import { bareSignal } from './signal-info.ts';
import { recalcSigpending, sendSignalInfo } from './signal-send.ts';
import { type SemUndoList, undoListOf } from './sysv-sem.ts';
import { RESUME_SYSCALL, RESUME_USER, SYSCALL_EMU, SYSCALL_PTRACE, SYSCALL_SECCOMP, SYSCALL_TRACE, Task, WORK_RSEQ } from './task.ts';
import { ThreadGroup } from './thread-group.ts';

/** Where the class stands in an I/O priority; class 0 is none. */
const IOPRIO_CLASS_SHIFT = 13;

/** Linux struct kernel_clone_args. */
export class CloneArguments {
  /** CLONE_* of the low word, without CSIGNAL. */
  flags = 0;
  clearSighand = false;
  /** User address for the pidfd; made with CLONE_PIDFD. */
  pidfd = 0;
  childTid = 0;
  parentTid = 0;
  exitSignal = 0;
  /** New stack pointer, 0 = keep. */
  stack = 0;
  tls = 0;
  /** Wanted numbers, innermost namespace first. */
  setTid: readonly number[] = [];
  /** CLONE_INTO_CGROUP: descriptor of the group's directory; -1 = not asked for. */
  intoCgroup = -1;
  /** Called by the legacy clone: flags it does not check. */
  newTime = false;
}

/**
 * clone(2) and its like for `t` (the current task, in its system call): the child's number as the caller sees it, or an errno. With CLONE_VFORK the
 * caller waits until the child execs or exits; then the handler is called again, finds `syscall.progress` set and ends here.
 */
export function kernelClone(t: Task, args: CloneArguments): number {
  const s = t.syscall;
  if (s.progress !== 0) return continueClone(t);
  if (args.flags & CLONE_PIDFD && args.flags & CLONE_PARENT_SETTID && args.pidfd === args.parentTid) return EINVAL;
  let option = 0;
  let event = 0;
  if (t.ptrace !== null && !(args.flags & CLONE_UNTRACED)) {
    if (args.flags & CLONE_VFORK) [option, event] = [PTRACE_O_TRACEVFORK, PTRACE_EVENT_VFORK];
    else if (args.exitSignal !== SIGCHLD) [option, event] = [PTRACE_O_TRACECLONE, PTRACE_EVENT_CLONE];
    else [option, event] = [PTRACE_O_TRACEFORK, PTRACE_EVENT_FORK];
    if (!(t.ptrace.options & option)) option = 0;
  }
  const child = copyProcess(t, args, option !== 0);
  if (isErr(child)) return child;
  const nr = child.pid.nr(t.pid.ns);
  if (args.flags & CLONE_PARENT_SETTID) t.space.writeU32(args.parentTid, nr);
  if (args.flags & CLONE_VFORK) child.vforkParent = t;
  child.makeRunnable();
  if (option === 0 && !(args.flags & CLONE_VFORK)) return nr;
  s.progress = 1;
  s.progress2 = nr;
  s.object = child;
  s.vfork = (args.flags & CLONE_VFORK) !== 0;
  if (option !== 0 && t.ptrace !== null) {
    const message = t.parent !== null ? child.pid.nr(t.parent.pid.ns) : nr;
    if (ptraceEvent(t, option, event, message, RESUME_SYSCALL)) return BLOCKED;
  }
  return continueClone(t);
}

/** The call again, after an event stop or while it waits for a vfork child. */
export function continueClone(t: Task): number {
  const s = t.syscall;
  const child = s.object as Task;
  if (!s.vfork || s.progress === 2) return s.progress2;
  if (child.vforkParent === t) {
    if (t.fatalSignalPending()) child.vforkParent = null;
    else {
      const blocked = t.waitKillable(child.vforkQueue);
      if (t.cgroup.freezing) refreshFrozen(t.cgroup);
      if (blocked !== ERESTARTSYS) return blocked;
      child.vforkParent = null;
    }
    return s.progress2;
  }
  s.progress = 2;
  if (t.ptrace !== null && ptraceEvent(t, PTRACE_O_TRACEVFORKDONE, PTRACE_EVENT_VFORK_DONE, s.progress2, RESUME_SYSCALL)) return BLOCKED;
  return s.progress2;
}

/** What copy_process() has made so far, to be undone when a later step fails. */
class HalfMadeTask {
  private readonly caller: Task;
  /** Counted as a process of their user; they hold their user namespace. */
  private readonly credentials: Credentials;
  cpu = -1;
  semUndo: SemUndoList | null = null;
  files: FdTable | null = null;
  fs: FsContext | null = null;
  actions: SignalActions | null = null;
  space: AddressSpace | null = null;
  nsproxy: NsProxy | null = null;
  pid: Pid | null = null;
  /** Descriptor of the pidfd in the caller's table; -1 = none. */
  pidfd = -1;
  constructor(caller: Task, credentials: Credentials) {
    this.caller = caller;
    this.credentials = credentials;
  }
  undo(e: Errno): Errno {
    const t = this.caller;
    if (this.pidfd >= 0) t.fdTable.close(t, this.pidfd);
    if (this.pid !== null) this.pid.ns.free(this.pid);
    this.nsproxy?.put();
    this.space?.put();
    if (this.actions !== null) this.actions.users--;
    this.fs?.release();
    this.files?.release(t);
    if (this.semUndo !== null) this.semUndo.users--;
    if (this.cpu >= 0) t.kernel.cpuStates.free(this.cpu);
    this.credentials.counts.sub(USED_PROCESSES, 1);
    this.credentials.userNs.put();
    return e;
  }
}

/** What copy_process() may not combine; all that needs no look at anything else. */
function refusedFlags(t: Task, flags: number): boolean {
  if ((flags & (CLONE_NEWNS | CLONE_FS)) === (CLONE_NEWNS | CLONE_FS)) return true;
  if ((flags & (CLONE_NEWUSER | CLONE_FS)) === (CLONE_NEWUSER | CLONE_FS)) return true;
  if (flags & CLONE_THREAD && !(flags & CLONE_SIGHAND)) return true;
  if (flags & CLONE_SIGHAND && !(flags & CLONE_VM)) return true;
  // An init's siblings would be outside its control.
  if (flags & CLONE_PARENT && t.threadGroup.unkillable) return true;
  if (flags & CLONE_THREAD && (flags & (CLONE_NEWUSER | CLONE_NEWPID) || t.pidNs !== t.nsproxy.pidForChildren)) return true;
  return (flags & CLONE_PIDFD) !== 0 && (flags & CLONE_DETACHED) !== 0;
}

/** Signal dispositions of the child: the caller's own, a copy, or a copy without handlers (CLONE_CLEAR_SIGHAND). */
function copyActions(t: Task, args: CloneArguments): SignalActions {
  if (args.flags & CLONE_SIGHAND) {
    t.actions.users++;
    return t.actions;
  }
  const actions = t.actions.clone();
  if (args.clearSighand) actions.flush();
  return actions;
}

/** Linux copy_process(): checks in its order; everything made is undone on an error. The child is not yet runnable. */
function copyProcess(t: Task, args: CloneArguments, trace: boolean): Task | Errno {
  const flags = args.flags;
  const kernel: Kernel = t.kernel;
  if (refusedFlags(t, flags)) return EINVAL;
  // A fork bomb must be killable: no fork while a signal waits.
  recalcSigpending(t);
  if (t.signalPending()) return ERESTARTNOINTR;

  if (failNow(t)) return ENOMEM;
  let credentials = t.credentials;
  if (flags & CLONE_NEWUSER) {
    credentials = credentials.prepare();
    const r = createUserNamespace(t, credentials);
    if (isErr(r)) return r;
  } else credentials.userNs.get();
  const withKeys = inheritKeyrings(t.kernel, credentials, (flags & CLONE_THREAD) !== 0);
  if (isErr(withKeys)) {
    credentials.userNs.put();
    return withKeys;
  }
  credentials = withKeys;
  const counts = credentials.counts;
  counts.add(USED_PROCESSES, 1);
  const made = new HalfMadeTask(t, credentials);
  if (counts.over(USED_PROCESSES, t.limit(RLIMIT_NPROC)) && credentials.uid !== ROOT_KUID && !t.credentials.capableInInit(CAP_SYS_RESOURCE) && !t.credentials.capableInInit(CAP_SYS_ADMIN))
    return made.undo(EAGAIN);
  t.overProcessLimit = false;
  if (kernel.taskCount >= kernel.maxTasks) return made.undo(EAGAIN);
  // Linux sched_fork(): there is no sharing the time of a deadline.
  if (t.sched.policy === SCHED_DEADLINE && !t.sched.resetOnFork) return made.undo(EAGAIN);
  const cpu = failNow(t) ? ENOMEM : kernel.cpuStates.alloc();
  if (isErr(cpu)) return made.undo(cpu);
  made.cpu = cpu;
  if (flags & CLONE_SYSVSEM) {
    if (failNow(t)) return made.undo(ENOMEM);
    made.semUndo = undoListOf(t);
    made.semUndo.users++;
  }
  if (failNow(t)) return made.undo(ENOMEM);
  // Before the pidfd is made, so that a child with a table of its own does not get it.
  const files = flags & CLONE_FILES ? t.fdTable : t.fdTable.clone();
  if (flags & CLONE_FILES) files.users++;
  made.files = files;
  if (failNow(t)) return made.undo(ENOMEM);
  const fs = flags & CLONE_FS ? t.fs : t.fs.clone();
  if (flags & CLONE_FS) fs.users++;
  made.fs = fs;
  if (failNow(t)) return made.undo(ENOMEM);
  const actions = copyActions(t, args);
  made.actions = actions;
  const space = failNow(t) ? ENOMEM : flags & CLONE_VM ? t.space.get() : t.space.fork();
  if (isErr(space)) return made.undo(ENOMEM);
  made.space = space;
  const nsproxy = copyNamespaces(t, args.newTime ? flags | CLONE_NEWTIME : flags, credentials, fs);
  if (isErr(nsproxy)) return made.undo(nsproxy);
  if (nsproxy.time !== t.nsproxy.time && nsproxy.time.shifted) kernel.vdso?.askKernel(space);
  made.nsproxy = nsproxy;
  // Linux copy_thread().
  if (flags & CLONE_SETTLS && !(args.tls < TASK_SIZE)) return made.undo(EPERM);
  const pid = failNow(t) ? ENOMEM : nsproxy.pidForChildren.alloc(args.setTid, t.credentials);
  if (isErr(pid)) return made.undo(pid);
  made.pid = pid;
  if (flags & CLONE_PIDFD) {
    const fd = failNow(t) ? ENOMEM : makePidfd(t, pid, flags & CLONE_THREAD ? PIDFD_THREAD : 0);
    if (isErr(fd)) return made.undo(fd);
    made.pidfd = fd;
    const written = t.space.writeU32(args.pidfd, fd);
    if (isErr(written)) return made.undo(written);
  }
  const cgroup = kernel.cgroups.prepareFork(t, args.intoCgroup, (flags & CLONE_THREAD) !== 0);
  if (isErr(cgroup)) return made.undo(cgroup);

  // From here on nothing fails.
  const regs = new CpuState(space.pm, cpu);
  t.regs.copyTo(regs);
  const child = new Task(kernel, pid, credentials, nsproxy, actions, cpu, regs, t.comm, false);
  pid.task = child;
  child.mm = space;
  child.files = files;
  child.semUndo = made.semUndo;
  child.fsContext = fs;
  copyTaskFields(t, child, flags, args);

  if (flags & CLONE_THREAD) {
    const tg = t.threadGroup;
    child.threadGroup = tg;
    child.exitSignal = -1;
    tg.threads.add(child);
    tg.live++;
    child.realParent = t.realParent;
    child.parentExecId = t.parentExecId;
    if (tg.stopCount > 0 || t.signals.stopPending) {
      child.signals.stopPending = true;
      tg.stopCount++;
    }
  } else {
    if (flags & CLONE_PARENT) {
      child.realParent = t.realParent;
      child.parentExecId = t.parentExecId;
      child.exitSignal = t.threadGroup.leader.exitSignal;
    } else {
      child.realParent = t;
      child.parentExecId = t.execId;
      child.exitSignal = args.exitSignal;
    }
    const tg = copyThreadGroup(t, child, pid);
    if (child.realParent !== null) addChild(child.realParent, child);
    if (pid.ns.childReaper === null) {
      pid.ns.childReaper = child;
      tg.unkillable = true;
    }
    t.threadGroup.processGroup!.add(tg); // the caller lives, so it is in a group
    space.limits = flags & CLONE_VM ? space.limits : tg;
  }
  child.parent = child.realParent;
  kernel.taskCount++;
  kernel.madeTasks.add(child);
  kernel.cgroups.enter(child, cgroup);
  if (trace || (t.ptrace !== null && flags & CLONE_PTRACE)) {
    const p = t.ptrace!; // traced, or `trace` would be false
    ptraceLink(child, t.parent!, p.options, p.seized, p.tracerCredentials); // a traced task has a tracer
    if (t.syscallWork & SYSCALL_PTRACE) child.syscallWork |= SYSCALL_PTRACE;
    if (child.ptrace!.seized) child.ptrace!.trapPending = true; // just linked
    else sendSignalInfo(child, bareSignal(SIGSTOP), false, true);
  }
  recalcSigpending(child);
  return child;
}

function copyTaskFields(t: Task, child: Task, flags: number, args: CloneArguments): void {
  const regs = child.regs;
  regs.setReg(RAX, 0);
  if (args.stack !== 0) regs.setReg(RSP, args.stack);
  if (flags & CLONE_SETTLS) regs.fsBase = args.tls;
  child.syscall.nr = -1;
  child.resume = RESUME_USER;
  if (flags & CLONE_CHILD_SETTID) child.kernel.writeChildTid(child, args.childTid);
  child.clearChildTid = flags & CLONE_CHILD_CLEARTID ? args.childTid : 0;
  const s = child.signals;
  s.blocked.copyFrom(t.signals.blocked);
  if (!(flags & CLONE_VM) || flags & CLONE_VFORK) {
    s.altStackBase = t.signals.altStackBase;
    s.altStackSize = t.signals.altStackSize;
    s.altStackFlags = t.signals.altStackFlags;
  } else s.altStackFlags = SS_DISABLE;
  // Restartable sequences stay registered in a copy of the memory only.
  if (!(flags & CLONE_VM)) {
    child.rseqAddr = t.rseqAddr;
    child.rseqSize = t.rseqSize;
    child.rseqSignature = t.rseqSignature;
    if (child.rseqAddr !== 0) child.work |= WORK_RSEQ;
  }
  child.sched.copyFrom(t.sched);
  child.kernel.placeOnCpu(child);
  if (child.sched.resetOnFork) child.sched.reset();
  child.personality = t.personality;
  child.loginUid = t.loginUid;
  child.loginSession = t.loginSession;
  child.noNewPrivs = t.noNewPrivs;
  child.execId = t.execId;
  child.failNth = 0;
  child.timerSlack = child.defaultTimerSlack = t.timerSlack;
  // Without CLONE_IO a priority is inherited, not shared (Linux __copy_io).
  const io = t.ioContext;
  if (io !== null) child.ioContext = flags & CLONE_IO ? io : io.priority >> IOPRIO_CLASS_SHIFT !== 0 ? new IoContext(io.priority) : null;
  child.memoryPolicy = t.memoryPolicy;
  if (t.counters !== null) for (const c of t.counters) c.forked(child);
  child.seccomp = t.seccomp;
  if (t.seccomp !== null) t.seccomp.users++;
  child.seccompMode = t.seccompMode;
  child.syscallWork = t.syscallWork & (SYSCALL_TRACE | SYSCALL_SECCOMP) & ~(SYSCALL_PTRACE | SYSCALL_EMU);
  child.tscDisabled = t.tscDisabled;
  child.startTime = child.kernel.clock.monotonicNs();
}

function copyThreadGroup(t: Task, child: Task, pid: Pid): ThreadGroup {
  const old = t.threadGroup;
  const tg = new ThreadGroup(pid, child, old.limits.clone());
  child.threadGroup = tg;
  tg.threads.add(child);
  tg.live = 1;
  tg.tty = old.tty;
  const parent = child.realParent?.threadGroup ?? old;
  tg.hasChildSubreaper = parent.hasChildSubreaper || parent.childSubreaper;
  tg.oomScoreAdj = old.oomScoreAdj;
  tg.oomScoreAdjMin = old.oomScoreAdjMin;
  tg.startTime = child.startTime;
  return tg;
}

