/** Signals: dispositions, masks, sending, waiting. Linux kernel/signal.c. */
import { EAGAIN, EFAULT, EINTR, EINVAL, ENOMEM, EPERM, ERESTARTNOHAND, ESRCH, isErr } from '../abi/errno.ts';
import {
  MINSIGSTKSZ, SA_UNSUPPORTED, SI_TKILL, SI_USER, SIG_BLOCK, SIG_SETMASK, SIG_UNBLOCK, SIGINFO_SIZE, SIGKILL, SIGSEGV, SIGSTOP, SS_AUTODISARM,
  SS_DISABLE, SS_ONSTACK, UAPI_SA_FLAGS,
} from '../abi/signal.ts';
import { NSEC_PER_SEC } from '../abi/time.ts';
import { RSP } from '../x86/cpu-layout.ts';
import { dequeueSignal } from '../kernel/signal-deliver.ts';
import { altStackState, onAltStack, restoreSignalFrame } from '../kernel/signal-frame.ts';
import { kernelSignal, SignalInfo } from '../kernel/signal-info.ts';
import { SignalAction, sigKernelOnly } from '../kernel/signal-actions.ts';
import { checkKillPermission, flushIgnored, forceSignal, fromAncestorNs, recalcSigpending, sendSignalInfo, setBlocked, userSignal } from '../kernel/signal-send.ts';
import { REGISTERS_SET } from '../kernel/syscall-state.ts';
import { type Task, WORK_RESTORE_MASK } from '../kernel/task.ts';
import type { ThreadGroup } from '../kernel/thread-group.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';

const buffer: Uint8Array = new Uint8Array(SIGINFO_SIZE);
const view: DataView = new DataView(buffer.buffer);
const u64 = (off: number): number => view.getUint32(off, true) + view.getUint32(off + 4, true) * 4294967296;
function put64(off: number, v: number): void {
  view.setUint32(off, v >>> 0, true);
  view.setUint32(off + 4, Math.floor(v / 4294967296), true);
}

function sysRtSigaction(t: Task, a: SyscallArgs): number {
  if (a.size(3) !== 8) return EINVAL;
  const sig = a.int(0);
  const act = a.addr(1);
  const old = a.addr(2);
  let handler = 0;
  let flags = 0;
  let restorer = 0;
  let maskLo = 0;
  let maskHi = 0;
  if (act !== 0) {
    if (t.space.readBytes(act, buffer, 0, 32) !== 0) return EFAULT;
    handler = u64(0);
    flags = view.getInt32(8, true);
    restorer = u64(16);
    maskLo = view.getInt32(24, true);
    maskHi = view.getInt32(28, true);
  }
  if (sig < 1 || sig > 64 || (act !== 0 && sigKernelOnly(sig))) return EINVAL;
  const was = t.actions.get(sig);
  if (act !== 0) {
    const kept = flags & (UAPI_SA_FLAGS & ~SA_UNSUPPORTED);
    t.actions.set(sig, new SignalAction(handler, kept, restorer, maskLo & ~((1 << (SIGKILL - 1)) | (1 << (SIGSTOP - 1))), maskHi));
    flushIgnored(t.threadGroup, t.actions, sig);
  }
  if (old !== 0) {
    put64(0, was.handler);
    view.setInt32(8, was.flags, true);
    view.setInt32(12, 0, true);
    put64(16, was.restorer);
    view.setInt32(24, was.maskLo, true);
    view.setInt32(28, was.maskHi, true);
    if (t.space.writeBytes(old, buffer, 0, 32) !== 0) return EFAULT;
  }
  return 0;
}

function sysRtSigprocmask(t: Task, a: SyscallArgs): number {
  if (a.size(3) !== 8) return EINVAL;
  const set = a.addr(1);
  const old = a.addr(2);
  const b = t.signals.blocked;
  const oldLo = b.lo;
  const oldHi = b.hi;
  if (set !== 0) {
    const lo = t.space.readU32(set);
    const hi = t.space.readU32(set + 4);
    if (isErr(lo) || isErr(hi)) return EFAULT;
    switch (a.int(0)) {
      case SIG_BLOCK:
        setBlocked(t, b.lo | lo, b.hi | hi);
        break;
      case SIG_UNBLOCK:
        setBlocked(t, b.lo & ~lo, b.hi & ~hi);
        break;
      case SIG_SETMASK:
        setBlocked(t, lo | 0, hi | 0);
        break;
      default:
        return EINVAL;
    }
  }
  if (old !== 0 && (isErr(t.space.writeU32(old, oldLo)) || isErr(t.space.writeU32(old + 4, oldHi)))) return EFAULT;
  return 0;
}

function sysRtSigpending(t: Task, a: SyscallArgs): number {
  if (a.size(1) > 8) return EINVAL;
  const s = t.signals;
  const shared = t.threadGroup.pending.set;
  const lo = (s.pending.set.lo | shared.lo) & s.blocked.lo;
  const hi = (s.pending.set.hi | shared.hi) & s.blocked.hi;
  put64(0, (lo >>> 0) + (hi >>> 0) * 4294967296);
  view.setInt32(0, lo, true);
  view.setInt32(4, hi, true);
  return t.space.writeBytes(a.addr(0), buffer, 0, a.size(1)) !== 0 ? EFAULT : 0;
}

function sysRtSigreturn(t: Task): number {
  t.work &= ~WORK_RESTORE_MASK;
  if (!restoreSignalFrame(t)) forceSignal(t, kernelSignal(SIGSEGV));
  return REGISTERS_SET;
}

function sysRtSigsuspend(t: Task, a: SyscallArgs): number {
  if (a.size(1) !== 8) return EINVAL;
  if (!t.syscall.again) {
    const lo = t.space.readU32(a.addr(0));
    const hi = t.space.readU32(a.addr(0) + 4);
    if (isErr(lo) || isErr(hi)) return EFAULT;
    t.signals.savedMask.copyFrom(t.signals.blocked);
    setBlocked(t, lo | 0, hi | 0);
    t.work |= WORK_RESTORE_MASK;
  }
  const r = t.sleep(Infinity);
  return isErr(r) && r > -600 ? ERESTARTNOHAND : r;
}

function sysPause(t: Task): number {
  const r = t.sleep(Infinity);
  return r > -600 ? ERESTARTNOHAND : r;
}

function sysSigaltstack(t: Task, a: SyscallArgs): number {
  const s = t.signals;
  const sp = t.regs.getReg(RSP);
  const oldBase = s.altStackBase;
  const oldSize = s.altStackSize;
  const oldFlags = altStackState(t, sp) | (s.altStackFlags & SS_AUTODISARM);
  const ss = a.addr(0);
  if (ss !== 0) {
    if (t.space.readBytes(ss, buffer, 0, 24) !== 0) return EFAULT;
    const base = u64(0);
    const flags = view.getInt32(8, true);
    const size = u64(16);
    if (onAltStack(t, sp)) return EPERM;
    const mode = flags & ~SS_AUTODISARM;
    if (mode !== SS_DISABLE && mode !== SS_ONSTACK && mode !== 0) return EINVAL;
    if (mode === SS_DISABLE) {
      s.altStackBase = s.altStackSize = 0;
      s.altStackFlags = flags;
    } else {
      if (size < MINSIGSTKSZ) return ENOMEM;
      s.altStackBase = base;
      s.altStackSize = size;
      s.altStackFlags = flags;
    }
  }
  const old = a.addr(1);
  if (old !== 0) {
    put64(0, oldBase);
    view.setInt32(8, oldFlags, true);
    view.setInt32(12, 0, true);
    put64(16, oldSize);
    if (t.space.writeBytes(old, buffer, 0, 24) !== 0) return EFAULT;
  }
  return 0;
}

/** Sends `info` from `t` to process `tg`, or only checks with signal 0. */
function killGroup(t: Task, tg: ThreadGroup, sig: number, info: SignalInfo | null): number {
  const p = tg.leader;
  const allowed = checkKillPermission(t, p, sig);
  if (allowed !== 0) return allowed;
  if (sig === 0) return 0;
  return sendSignalInfo(p, info ?? userSignal(sig, SI_USER, t, p), true, fromAncestorNs(t, p));
}

/** kill(pid, sig): one process, a group, or everybody but init and oneself. */
function sysKill(t: Task, a: SyscallArgs): number {
  const pid = a.int(0);
  const sig = a.int(1);
  if (sig < 0 || sig > 64) return pid > 0 && t.pidNs.find(pid) === null ? ESRCH : EINVAL;
  if (pid > 0) {
    const tg = t.pidNs.find(pid)?.task?.threadGroup ?? null;
    if (tg === null) return ESRCH;
    return killGroup(t, tg, sig, null);
  }
  if (pid === -0x80000000) return ESRCH;
  let found = 0;
  let sent = 0;
  let error = 0;
  if (pid === -1) {
    for (const p of [...t.pidNs.all()]) {
      const tg = p.threadGroup;
      if (tg === null || p.nr(t.pidNs) <= 1 || tg === t.threadGroup) continue;
      found++;
      const r = killGroup(t, tg, sig, null);
      if (r !== EPERM) error = r;
    }
    return found === 0 ? ESRCH : error;
  }
  const group = pid === 0 ? t.threadGroup.processGroup : (t.pidNs.find(-pid)?.processGroup ?? null);
  if (group === null) return ESRCH;
  error = ESRCH;
  for (const tg of [...group.members]) {
    const r = killGroup(t, tg, sig, null);
    if (r === 0) sent++;
    error = r;
  }
  return sent > 0 ? 0 : error;
}

function sendToThread(t: Task, tgid: number, tid: number, sig: number, info: SignalInfo | null): number {
  const p = t.pidNs.find(tid)?.task ?? null;
  if (p === null || (tgid > 0 && p.threadGroup.pid.nr(t.pidNs) !== tgid)) return ESRCH;
  if (sig < 0 || sig > 64) return EINVAL;
  const allowed = checkKillPermission(t, p, sig);
  if (allowed !== 0) return allowed;
  if (sig === 0) return 0;
  const r = sendSignalInfo(p, info ?? userSignal(sig, SI_TKILL, t, p), false, fromAncestorNs(t, p));
  // The thread may have begun to exit in between: success, as Linux says.
  return r === ESRCH ? 0 : r;
}

function sysTkill(t: Task, a: SyscallArgs): number {
  if (a.int(0) <= 0) return EINVAL;
  return sendToThread(t, 0, a.int(0), a.int(1), null);
}
function sysTgkill(t: Task, a: SyscallArgs): number {
  if (a.int(0) <= 0 || a.int(1) <= 0) return EINVAL;
  return sendToThread(t, a.int(0), a.int(1), a.int(2), null);
}

function readInfo(t: Task, addr: number, sig: number): SignalInfo | null {
  if (t.space.readBytes(addr, buffer) !== 0) return null;
  const info = SignalInfo.read(view, 0);
  info.signo = sig;
  return info;
}

/** Only the kernel and kill may claim codes >= 0 or SI_TKILL, except towards oneself. */
const mayNotClaim = (t: Task, info: SignalInfo, pid: number): boolean => (info.code >= 0 || info.code === SI_TKILL) && t.threadGroup.pid.nr(t.pid.ns) !== pid;

function sysRtSigqueueinfo(t: Task, a: SyscallArgs): number {
  const sig = a.int(1);
  const info = readInfo(t, a.addr(2), sig);
  if (info === null) return EFAULT;
  if (mayNotClaim(t, info, a.int(0))) return EPERM;
  const tg = t.pidNs.find(a.int(0))?.task?.threadGroup ?? null;
  if (tg === null) return ESRCH;
  if (sig < 0 || sig > 64) return EINVAL;
  return killGroup(t, tg, sig, info);
}
function sysRtTgsigqueueinfo(t: Task, a: SyscallArgs): number {
  const info = readInfo(t, a.addr(3), a.int(2));
  if (info === null) return EFAULT;
  if (a.int(0) <= 0 || a.int(1) <= 0) return EINVAL;
  if ((info.code >= 0 || info.code === SI_TKILL) && t.pid.nr(t.pid.ns) !== a.int(1)) return EPERM;
  return sendToThread(t, a.int(0), a.int(1), a.int(2), info);
}

/** rt_sigtimedwait(set, siginfo *, timeout, size). */
function sysRtSigtimedwait(t: Task, a: SyscallArgs): number {
  if (a.size(3) !== 8) return EINVAL;
  const set = a.addr(0);
  const lo = t.space.readU32(set);
  const hi = t.space.readU32(set + 4);
  if (isErr(lo) || isErr(hi)) return EFAULT;
  // SIGKILL and SIGSTOP cannot be waited for.
  const notLo = ~(lo & ~((1 << (SIGKILL - 1)) | (1 << (SIGSTOP - 1))));
  const notHi = ~hi;
  const s = t.signals;
  let deadline = Infinity;
  if (t.syscall.again) {
    // The mask was opened for the wait: the signals stay blocked for everything else.
    s.blocked.copyFrom(s.realBlocked);
    s.realBlocked.set(0, 0);
    recalcSigpending(t);
    deadline = t.syscall.deadline;
  } else {
    const ts = a.addr(2);
    if (ts !== 0) {
      const sec = t.space.readU64(ts);
      const nsec = t.space.readU64(ts + 8);
      if (isErr(sec) || isErr(nsec)) return EFAULT;
      if (sec >= 2 ** 63 || nsec >= NSEC_PER_SEC) return EINVAL;
      deadline = sec === 0 && nsec === 0 ? -1 : t.monotonicNs() + sec * NSEC_PER_SEC + nsec;
    }
  }
  const info = dequeueSignal(t, notLo, notHi);
  if (info !== null) {
    const at = a.addr(1);
    if (at !== 0) {
      info.write(view, 0);
      if (t.space.writeBytes(at, buffer) !== 0) return EFAULT;
    }
    return info.signo;
  }
  if (t.syscall.timedOut || deadline === -1) return EAGAIN;
  if (t.syscall.again && t.signalPending()) return EINTR;
  s.realBlocked.copyFrom(s.blocked);
  s.blocked.set(s.blocked.lo & notLo, s.blocked.hi & notHi);
  recalcSigpending(t);
  const r = t.sleep(deadline);
  if (r > -600) {
    s.blocked.copyFrom(s.realBlocked);
    s.realBlocked.set(0, 0);
    recalcSigpending(t);
    return EINTR;
  }
  return r;
}

export const signalRows: readonly SyscallRow[] = [
  [13, 'rt_sigaction', 'signal,sigaction,out:sigaction,size', 'full', sysRtSigaction],
  [14, 'rt_sigprocmask', 'sigprocmask,sigset,out:sigset,size', 'full', sysRtSigprocmask],
  [15, 'rt_sigreturn', '', 'full', sysRtSigreturn],
  [34, 'pause', '', 'full', sysPause],
  [62, 'kill', 'pid,signal', 'full', sysKill],
  [127, 'rt_sigpending', 'out:sigset,size', 'full', sysRtSigpending],
  [128, 'rt_sigtimedwait', 'sigset,out:siginfo,timespec,size=signal', 'full', sysRtSigtimedwait],
  [129, 'rt_sigqueueinfo', 'pid,signal,siginfo', 'full', sysRtSigqueueinfo],
  [130, 'rt_sigsuspend', 'sigset,size', 'full', sysRtSigsuspend],
  [131, 'sigaltstack', 'sigaltstack,out:sigaltstack', 'full', sysSigaltstack],
  [200, 'tkill', 'pid,signal', 'full', sysTkill],
  [234, 'tgkill', 'pid,pid,signal', 'full', sysTgkill],
  [297, 'rt_tgsigqueueinfo', 'pid,pid,signal,siginfo', 'full', sysRtTgsigqueueinfo],
];

