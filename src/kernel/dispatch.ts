/** The way of a system call through the kernel. The usual one allocates nothing and stores its result in place. */
import { BLOCKED, EFAULT, ENOSYS, ERESTARTNOINTR, ERESTART_RESTARTBLOCK } from '../abi/errno.ts';
import { GPR, RAX } from '../x86/cpu-layout.ts';
import type { Kernel } from './kernel.ts';
import { ptraceSyscallStop } from './ptrace-stop.ts';
import { seccompCheck } from './seccomp-check.ts';
import { dispatchToUser } from './syscall-user-dispatch.ts';
import { SyscallArgs } from './syscall-args.ts';
import { REGISTERS_SET, TASK_EXITS } from './syscall-state.ts';
import {
  RESUME_SYSCALL_ENTRY, RESUME_USER, SYSCALL_DISPATCH, SYSCALL_EMU, SYSCALL_PTRACE, SYSCALL_SECCOMP, SYSCALL_TRACE, type Task, WORK_SIGNAL, WORK_SYSCALL_EXIT,
} from './task.ts';
import { awaitPage } from './userfaultfd.ts';

export type SyscallHandlerFunction = (t: Task, a: SyscallArgs) => number;

/** Calls in place without a look at the clock, and the time after which one is due, ns. */
const MOST_UNLOOKED = 64, LOOK_NS = 1_000_000;
/** Calls remembered for the report of an internal error. */
const RING = 32;

export interface Dispatcher {
  /** SYSCALL of the current task, in place: 0 = result stored, the guest goes on; 1 = it must leave. */
  syscall(cpu: number): number;
  /** Calls the handler of a blocked call again. */
  retry(t: Task): void;
  /** Starts the call after its entry was shown to a tracer. */
  enter(t: Task): void;
  /** Number of the task and of the call, oldest first. */
  recent(): { tid: number; nr: number }[];
}

export function makeDispatcher(kernel: Kernel, handlers: readonly SyscallHandlerFunction[]): Dispatcher {
  const i32 = kernel.memory.i32;
  const args = new SyscallArgs(i32);
  const count = handlers.length;
  const ringTid = new Int32Array(RING);
  const ringNr = new Int32Array(RING);
  let ringAt = 0;
  const RAX_WORD = (GPR >> 2) + RAX * 2;

  /** Calls in place until the next look at the clock, and from one look to the next. */
  let unlooked = MOST_UNLOOKED;
  let between = MOST_UNLOOKED;
  let lookedAt = 0;

  /** Guest code counts its fuel, calls do not: a task that does little but calls is stopped here when its turn or a timer is due. */
  function look(): void {
    const now = kernel.clock.monotonicNs();
    const spent = now - lookedAt;
    lookedAt = now;
    if (spent > LOOK_NS) {
      if (between > 1) between >>= 1;
    } else if (between < MOST_UNLOOKED && spent * 4 < LOOK_NS) between <<= 1;
    unlooked = between;
    if (now - kernel.now >= LOOK_NS || kernel.timers.next <= now) kernel.platform?.kick();
  }

  function store(at: number, r: number): void {
    if (r === (r | 0)) {
      i32[at + RAX_WORD] = r;
      i32[at + RAX_WORD + 1] = r >> 31;
    } else {
      i32[at + RAX_WORD] = r | 0;
      i32[at + RAX_WORD + 1] = Math.floor(r / 4294967296);
    }
  }

  /** Everything but a plain result. Always leaves the guest. */
  function finish(t: Task, at: number, nr: number, r: number): 0 | 1 {
    if (r === BLOCKED) return 1;
    if (r === EFAULT && t.mm !== null && t.mm.userFault !== 0 && awaitPage(t)) {
      // A signal comes first; the call is made again after it.
      if (!t.signalPending()) return 1;
      r = ERESTARTNOINTR;
    }
    if (t.syscallWork & SYSCALL_TRACE && kernel.trace !== null && r !== REGISTERS_SET && r !== TASK_EXITS) {
      args.base = at;
      kernel.trace.syscallLeave(t, nr, args, r);
    } else if (r === REGISTERS_SET && kernel.trace !== null && t.syscallWork & SYSCALL_TRACE && t.mm !== null) {
      args.base = at;
      kernel.trace.syscallLeave(t, nr, args, 0);
    }
    if (r === TASK_EXITS) return 1;
    if (r !== REGISTERS_SET) {
      store(at, r);
      // A restart code is taken care of on the signal path even if the signal went elsewhere.
      if (r <= -512 && r >= ERESTART_RESTARTBLOCK) t.work |= WORK_SIGNAL;
    }
    if (t.syscallWork & SYSCALL_PTRACE) t.work |= WORK_SYSCALL_EXIT;
    return t.work === 0 && r !== REGISTERS_SET ? 0 : 1;
  }

  /** Calls that somebody watches: a tracer, a filter, strace. */
  function watched(t: Task, at: number, nr: number): 0 | 1 {
    if (t.syscallWork & SYSCALL_DISPATCH && dispatchToUser(t, nr)) return 1;
    if (t.syscallWork & (SYSCALL_PTRACE | SYSCALL_EMU) && t.ptrace !== null) {
      store(at, ENOSYS); // what a tracer sees in RAX at the entry of a call
      ptraceSyscallStop(t, 1, RESUME_SYSCALL_ENTRY);
      return 1;
    }
    return start(t, at, nr);
  }

  /** After the entry stop (if any): filters, strace, the handler. */
  function start(t: Task, at: number, nr: number): 0 | 1 {
    args.base = at;
    if (t.syscallWork & SYSCALL_SECCOMP) {
      const verdict = seccompCheck(t, nr, args);
      if (verdict !== 0) {
        if (t.syscallWork & SYSCALL_PTRACE) t.work |= WORK_SYSCALL_EXIT;
        return 1;
      }
      nr = t.syscall.nr;
      args.base = at;
    }
    if (t.syscallWork & SYSCALL_TRACE && kernel.trace !== null) {
      kernel.trace.syscallEnter(t, nr, args);
      args.base = at;
    }
    const r = nr >= 0 && nr < count ? handlers[nr]!(t, args) : ENOSYS;
    return finish(t, at, nr, r);
  }

  return {
    syscall(cpu: number): number {
      const t = kernel.current!; // a guest runs, so there is one
      const at = cpu >> 2;
      const nr = i32[at + RAX_WORD]!;
      t.syscall.begin(nr);
      args.base = at;
      ringTid[ringAt] = t.pid.global;
      ringNr[ringAt] = nr;
      ringAt = (ringAt + 1) & (RING - 1);
      if (--unlooked <= 0) look();
      if (t.syscallWork !== 0) return watched(t, at, nr);
      const r = nr >= 0 && nr < count ? handlers[nr]!(t, args) : ENOSYS;
      if (t.work === 0 && r > -512 && r !== EFAULT) {
        if (r === (r | 0)) {
          i32[at + RAX_WORD] = r;
          i32[at + RAX_WORD + 1] = r >> 31;
        } else store(at, r);
        return 0;
      }
      return finish(t, at, nr, r);
    },
    retry(t: Task): void {
      t.resume = RESUME_USER;
      t.clearWaits();
      const s = t.syscall;
      s.again = true;
      const at = t.cpu >> 2;
      args.base = at;
      const nr = s.nr;
      finish(t, at, nr, handlers[nr]!(t, args)); // it was called before, so it is there
      s.timedOut = false;
    },
    enter(t: Task): void {
      t.resume = RESUME_USER;
      t.clearWaits();
      const at = t.cpu >> 2;
      const p = t.ptrace;
      if (p !== null && p.emulateSyscalls) {
        t.work |= WORK_SYSCALL_EXIT;
        return;
      }
      // The tracer may have changed the number; -1 skips the call.
      const nr = t.syscall.nr;
      if (nr === -1) {
        t.work |= WORK_SYSCALL_EXIT;
        return;
      }
      start(t, at, nr);
    },
    recent(): { tid: number; nr: number }[] {
      const list: { tid: number; nr: number }[] = [];
      for (let i = 0; i < RING; i++) {
        const k = (ringAt + i) & (RING - 1);
        if (ringTid[k] !== 0) list.push({ tid: ringTid[k]!, nr: ringNr[k]! });
      }
      return list;
    },
  };
}
