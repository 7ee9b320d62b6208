/** execve: Linux fs/exec.c, from the opened file to the new program's first instruction. */
import { withPendingTime } from './namespaces.ts';
import { EACCES, EAGAIN, ENOMEM, ERESTARTSYS, type Errno, isErr } from '../abi/errno.ts';
import { PTRACE_EVENT_EXEC, PTRACE_O_TRACEEXEC } from '../abi/ptrace.ts';
import { RLIMIT_NPROC, RLIMIT_STACK } from '../abi/resource.ts';
import { SI_USER, SIGCHLD, SIGTRAP, SS_DISABLE } from '../abi/signal.ts';
import { S_IFMT, S_IFREG } from '../abi/stat.ts';
import type { ExecCredentials } from '../auth/exec-credentials.ts';
import { USED_PROCESSES } from '../auth/user-counts.ts';
import type { ExecHost, ExecIds, LoadedProgram } from '../loader/exec-request.ts';
import { EXEC_KILLS, loadProgram } from '../loader/load-program.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import { inodePermission, MAY_EXEC, MAY_READ } from '../vfs/permission.ts';
import { commitCredentials } from './commit-credentials.ts';
import { credentialsForExec } from './exec-privileges.ts';
import { replaceChild } from './children.ts';
import { openExecutable } from './exec-open.ts';
import { killOtherThreads, leaveRings, releaseMemory, releaseTask } from './exit.ts';
import { ptraceEvent } from './ptrace-stop.ts';
import type { UserNamespace } from '../auth/user-namespace.ts';
import { failNow } from './fault-injection.ts';
import { forceFatal, sendSignalInfo, userSignal } from './signal-send.ts';
import { REGISTERS_SET, TASK_EXITS } from './syscall-state.ts';
import { EXIT_NONE_YET, EXIT_ZOMBIE, RESUME_USER, SYSCALL_DISPATCH, type Task, WORK_REGISTERS } from './task.ts';

const READ_IMPLIES_EXEC = 0x0400000;
/** ADDR_COMPAT_LAYOUT, MMAP_PAGE_ZERO, ADDR_NO_RANDOMIZE: no help for who attacks a privileged program. */
const PER_CLEAR_ON_SETID = 0x0200000 | 0x0100000 | 0x0040000;
/** Linux _STK_LIM: the stack limit of a privileged program, bytes. */
const SECURE_STACK = 8 << 20;

/** A program that is loaded and waits for the other threads to go. */
class PendingExec {
  readonly program: LoadedProgram;
  readonly credentials: ExecCredentials;
  readonly comm: string;
  /** The program or its interpreter may be executed but not read: nobody looks into the process. */
  readonly hidden: boolean;
  constructor(program: LoadedProgram, credentials: ExecCredentials, comm: string, hidden: boolean) {
    this.program = program;
    this.credentials = credentials;
    this.comm = comm;
    this.hidden = hidden;
  }
}

/** The loader's questions, answered for one exec. */
class TaskExecHost implements ExecHost {
  readonly t: Task;
  credentials: ExecCredentials | null = null;
  constructor(t: Task) {
    this.t = t;
    this.owner = t.credentials.userNs;
  }
  /** As PendingExec.hidden; and the user namespace that the unreadable files leave to the new memory (Linux would_dump). */
  hidden = false;
  owner: UserNamespace;
  private readonly interpreters: FileDescription[] = [];
  openExec(path: string): FileDescription | Errno {
    const file = openExecutable(this.t, null, path, 0);
    if (isErr(file)) return file;
    this.interpreters.push(file);
    this.look(file);
    return file;
  }
  /** Takes note of a file that takes part. */
  look(file: FileDescription): void {
    const { inode } = file;
    if (inodePermission(this.t, inode, MAY_READ) >= 0) return;
    this.hidden = true;
    while (this.owner.parent !== null && (this.owner.fromKuid(inode.uid) === -1 || this.owner.fromKgid(inode.gid) === -1)) this.owner = this.owner.parent;
  }
  /** Interpreters may be written to again once they are loaded; only the program itself may not while it runs. */
  finish(exe: FileDescription | null): void {
    for (const file of this.interpreters) if (file !== exe) file.allowWriting();
  }
  idsFor(file: FileDescription): ExecIds | Errno {
    const made = credentialsForExec(this.t, file);
    if (isErr(made)) return made;
    this.credentials = made;
    const c = made.credentials;
    const ns = c.userNs;
    return {
      uid: ns.fromKuidMunged(c.uid),
      euid: ns.fromKuidMunged(c.euid),
      gid: ns.fromKgidMunged(c.gid),
      egid: ns.fromKgidMunged(c.egid),
      secure: made.secure,
    };
  }
  random(bytes: Uint8Array): void {
    this.t.kernel.random(bytes);
  }
}

/** EAGAIN for a process that setuid took over the limit: it may not start anything before it is below again. */
export function checkProcessLimit(t: Task): 0 | Errno {
  if (t.overProcessLimit && t.credentials.counts.over(USED_PROCESSES, t.limit(RLIMIT_NPROC))) return EAGAIN;
  t.overProcessLimit = false;
  return 0;
}

/**
 * Runs `file` in place of the caller's program. Takes over the reference to `file`. REGISTERS_SET on success, an errno if the old program lives
 * on, TASK_EXITS if it is lost, BLOCKED while other threads are still dying.
 */
export function execFile(t: Task, file: FileDescription, filename: string, pathInaccessible: boolean, argv: readonly string[], envp: readonly string[], emptyPath = false): number {
  const kernel = t.kernel;
  const mode = file.inode.mode;
  // Run through a descriptor alone (fexecve), it is called as the file is.
  const name = emptyPath ? file.path.dentry.name : filename.slice(filename.lastIndexOf('/') + 1);
  const comm = name.slice(0, 15);
  if ((mode & S_IFMT) !== S_IFREG) return drop(file, EACCES);
  const allowed = inodePermission(t, file.inode, MAY_EXEC, file.path.mount.idmap);
  if (allowed < 0) return drop(file, allowed as Errno);
  if (failNow(t)) return drop(file, ENOMEM);
  const host = new TaskExecHost(t);
  host.look(file);
  const program = loadProgram({
    pm: kernel.memory,
    ctx: t,
    host,
    limits: t.threadGroup,
    vdso: kernel.vdso,
    clocksShifted: t.nsproxy.timeForChildren.shifted,
    file,
    filename,
    pathInaccessible,
    argv,
    envp,
    hwcap: kernel.hwcap,
    hwcap2: kernel.hwcap2,
    minSigStackSize: kernel.minSigStackSize,
  });
  host.finish(typeof program === 'object' ? program.exe : null);
  file.unref();
  if (program === EXEC_KILLS) {
    forceFatal(t, 11);
    return TASK_EXITS;
  }
  if (isErr(program)) return program;
  if (failNow(t)) {
    program.space.put();
    return ENOMEM;
  }
  program.space.owner = host.owner;
  const pending = new PendingExec(program, host.credentials!, comm, host.hidden); // set by idsFor, which the loader called
  const tg = t.threadGroup;
  if (tg.threads.size > 1) {
    if (tg.exiting || tg.execTask !== null) {
      program.space.put();
      return EAGAIN;
    }
    tg.execTask = t;
    killOtherThreads(t);
  }
  t.syscall.object = pending;
  t.syscall.progress = 1;
  return continueExec(t);
}

/** Called again while other threads die (Linux de_thread). */
export function continueExec(t: Task): number {
  const tg = t.threadGroup;
  const pending = t.syscall.object as PendingExec;
  if (tg.threads.size > 1) {
    let alive = false;
    for (const m of tg.threads) if (m !== t && (m.exitState === EXIT_NONE_YET || (m.exitState === EXIT_ZOMBIE && !m.isLeader))) alive = true;
    if (alive) {
      const r = t.fatalSignalPending() ? ERESTARTSYS : t.waitKillable(tg.execQueue);
      if (r === ERESTARTSYS) {
        tg.execTask = null;
        pending.program.space.put();
        return EAGAIN;
      }
      return r;
    }
    if (!t.isLeader) becomeLeader(t);
    tg.execTask = null;
  }
  commit(t, pending);
  return REGISTERS_SET;
}

function drop(file: FileDescription, err: Errno): Errno {
  file.unref();
  return err;
}

/** The thread that execs takes the dead leader's place and number. */
function becomeLeader(t: Task): void {
  const tg = t.threadGroup;
  const old = tg.leader;
  const own = t.pid;
  t.pid = old.pid;
  old.pid = own;
  t.pid.task = t;
  own.task = old;
  t.exitSignal = SIGCHLD;
  old.exitSignal = -1;
  t.startTime = old.startTime;
  tg.leader = t;
  const parent = old.realParent;
  if (parent !== null) replaceChild(parent, old, t);
  if (tg.pid.ns.childReaper === old) tg.pid.ns.childReaper = t;
  releaseTask(old);
}

/** The old program is gone; nothing fails from here (Linux begin_new_exec and start_thread). */
function commit(t: Task, pending: PendingExec): void {
  const tg = t.threadGroup;
  const { program, credentials } = pending;
  const oldNumber = t.tidIn(t.parent ?? t);
  // Files shared with other processes stay theirs.
  if (t.fdTable.users > 1) {
    const own = t.fdTable.clone();
    t.fdTable.release(t);
    t.files = own;
  }
  if (t.actions.users > 1) {
    const own = t.actions.clone();
    t.actions.users--;
    t.actions = own;
  }
  for (const timer of tg.posixTimers.values()) timer.cancel();
  tg.posixTimers.clear();
  if (t.mm !== null) program.space.dumpFilter = t.mm.dumpFilter;
  leaveRings(t);
  if (t.counters !== null) for (const c of t.counters) c.execed();
  releaseMemory(t);
  t.mm = program.space;
  program.space.limits = tg;
  t.fdTable.closeOnExec(t);
  // Linux exec_task_namespaces: a pending time namespace is entered.
  t.nsproxy = withPendingTime(t.nsproxy);
  t.actions.flush();
  const s = t.signals;
  s.altStackBase = s.altStackSize = 0;
  s.altStackFlags = SS_DISABLE;
  t.rseqAddr = t.rseqSize = t.rseqSignature = 0;
  t.robustList = 0;
  t.debug = t.watch = null;
  t.clearChildTid = 0;
  t.exitSignal = SIGCHLD;
  t.timerSlack = t.defaultTimerSlack;
  t.forkNoExec = false;
  t.syscallDispatch = null;
  t.syscallWork &= ~SYSCALL_DISPATCH;
  tg.didExec = true;
  tg.execs++;
  const old = t.credentials;
  const mayDump = !pending.hidden && old.euid === old.uid && old.egid === old.gid;
  program.space.dumpable = mayDump ? 1 : t.kernel.suidDumpable;
  if (credentials.secure) {
    t.deathSignal = 0;
    // A privileged program gets a stack that its caller did not choose.
    if (tg.limits.soft[RLIMIT_STACK]! > SECURE_STACK) tg.limits.soft[RLIMIT_STACK] = SECURE_STACK; // fixed index
  }
  // 64-bit programs never have it (set_personality_64bit).
  t.personality &= ~READ_IMPLIES_EXEC;
  if (credentials.gained) t.personality &= ~PER_CLEAR_ON_SETID;
  commitCredentials(t, credentials.credentials);
  t.execId++;
  t.comm = pending.comm;
  t.regs.reset();
  t.regs.rip = program.entry;
  t.regs.rsp = program.stackPointer;
  t.work |= WORK_REGISTERS;
  if (t.ptrace !== null) {
    if (t.ptrace.options & PTRACE_O_TRACEEXEC) ptraceEvent(t, PTRACE_O_TRACEEXEC, PTRACE_EVENT_EXEC, oldNumber, RESUME_USER);
    else if (!t.ptrace.seized) sendSignalInfo(t, userSignal(SIGTRAP, SI_USER, t, t), false, true);
  }
}
