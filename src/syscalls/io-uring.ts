/** io_uring_setup and io_uring_enter. Linux 6.18 io_uring/io_uring.c; man 2 io_uring_setup, 2 io_uring_enter. */
import { CAP_SYS_ADMIN } from '../abi/capability.ts';
import { BLOCKED, EBADF, EBADFD, EEXIST, EFAULT, EINTR, EINVAL, ENXIO, EOPNOTSUPP, EPERM, ERESTARTSYS, ETIME, isErr } from '../abi/errno.ts';
import * as U from '../abi/io-uring.ts';
import { IoRing } from '../kernel/io-ring.ts';
import { SharedRing } from '../kernel/shared-ring.ts';
import type { Task } from '../kernel/task.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { installFile, openFile, readTimespec, restoreMask, setTemporaryMask, TimeSpan } from './io-wait.ts';
import { ioUringRegister } from './uring-register.ts';
import { SubmissionPoller, submit } from './uring-submit.ts';

/** kernel.io_uring_disabled: 1 leaves it to root and the group of kernel.io_uring_group, 2 to nobody. */
function allowed(t: Task): boolean {
  const disabled = t.kernel.sysctls.get('kernel.io_uring_disabled') ?? 0;
  if (disabled === 2) return false;
  if (disabled === 0 || t.credentials.capableInInit(CAP_SYS_ADMIN)) return true;
  const group = t.kernel.sysctls.get('kernel.io_uring_group') ?? -1;
  return group >= 0 && t.credentials.inEffectiveGroup(t.kernel.userNs.makeKgid(group));
}

const powerOfTwo = (n: number): number => (n <= 1 ? 1 : 2 ** Math.ceil(Math.log2(n)));

/** What is wrong with a combination of IORING_SETUP_ flags: 0 or EINVAL. */
function checkSetup(flags: number): number {
  if (flags & ~U.IORING_SETUP_KNOWN) return EINVAL;
  if (flags & U.IORING_SETUP_REGISTERED_FD_ONLY && !(flags & U.IORING_SETUP_NO_MMAP)) return EINVAL;
  if (flags & U.IORING_SETUP_SQPOLL) {
    if (flags & (U.IORING_SETUP_COOP_TASKRUN | U.IORING_SETUP_TASKRUN_FLAG | U.IORING_SETUP_DEFER_TASKRUN)) return EINVAL;
  } else if (flags & U.IORING_SETUP_SQ_AFF) return EINVAL;
  if (flags & U.IORING_SETUP_TASKRUN_FLAG && !(flags & (U.IORING_SETUP_COOP_TASKRUN | U.IORING_SETUP_DEFER_TASKRUN))) return EINVAL;
  if (flags & U.IORING_SETUP_HYBRID_IOPOLL && !(flags & U.IORING_SETUP_IOPOLL)) return EINVAL;
  if (flags & U.IORING_SETUP_DEFER_TASKRUN && !(flags & U.IORING_SETUP_SINGLE_ISSUER)) return EINVAL;
  return (flags & (U.IORING_SETUP_CQE32 | U.IORING_SETUP_CQE_MIXED)) === (U.IORING_SETUP_CQE32 | U.IORING_SETUP_CQE_MIXED) ? EINVAL : 0;
}

const params = new Uint8Array(U.SIZEOF_IO_URING_PARAMS);
const view = new DataView(params.buffer);

function ioUringSetup(t: Task, a: SyscallArgs): number {
  if (!allowed(t)) return EPERM;
  const addr = a.addr(1);
  if (isErr(t.space.readBytes(addr, params))) return EFAULT;
  for (let i = 28; i < 40; i += 4) if (view.getUint32(i, true) !== 0) return EINVAL;
  const flags = view.getUint32(8, true);
  const bad = checkSetup(flags);
  if (bad !== 0) return bad;
  const clamp = (flags & U.IORING_SETUP_CLAMP) !== 0;
  let entries = a.u32(0);
  if (entries === 0) return EINVAL;
  if (entries > U.IORING_MAX_ENTRIES) {
    if (!clamp) return EINVAL;
    entries = U.IORING_MAX_ENTRIES;
  }
  const sqEntries = powerOfTwo(entries);
  let cqEntries = sqEntries * 2;
  if (flags & U.IORING_SETUP_CQSIZE) {
    let asked = view.getUint32(4, true);
    if (asked === 0) return EINVAL;
    if (asked > U.IORING_MAX_CQ_ENTRIES) {
      if (!clamp) return EINVAL;
      asked = U.IORING_MAX_CQ_ENTRIES;
    }
    cqEntries = powerOfTwo(asked);
    if (cqEntries < sqEntries) return EINVAL;
  }
  if (flags & U.IORING_SETUP_ATTACH_WQ) {
    const other = openFile(t, view.getInt32(24, true));
    if (other === null) return ENXIO;
    if (!(other instanceof IoRing)) return EINVAL;
  }
  // Linux differs: rings in memory of the program's own cannot be had.
  if (flags & U.IORING_SETUP_NO_MMAP) return EFAULT;
  return make(t, addr, flags, sqEntries, cqEntries);
}

function make(t: Task, addr: number, flags: number, sqEntries: number, cqEntries: number): number {
  const name = 'anon_inode:[io_uring]';
  const completions = (U.CQES + cqEntries * 16) * (flags & U.IORING_SETUP_CQE32 ? 2 : 1);
  const array = flags & U.IORING_SETUP_NO_SQARRAY ? 0 : sqEntries * 4 + 64;
  const rings = SharedRing.make(t.kernel.memory, name, completions + array);
  if (isErr(rings)) return rings;
  const sqes = SharedRing.make(t.kernel.memory, name, sqEntries * (flags & U.IORING_SETUP_SQE128 ? 128 : 64));
  if (isErr(sqes)) {
    rings.unref();
    return sqes;
  }
  const idle = view.getUint32(16, true);
  const ring = new IoRing(t.kernel.vfs.anonymous.anonymousPath('[io_uring]'), t, flags, rings, sqes, sqEntries, cqEntries);
  ring.disabled = (flags & U.IORING_SETUP_R_DISABLED) !== 0;
  view.setUint32(0, sqEntries, true);
  view.setUint32(4, cqEntries, true);
  view.setUint32(20, U.IORING_FEATURES, true);
  const sq = [U.SQ_HEAD, U.SQ_TAIL, U.SQ_MASK, U.SQ_ENTRIES, U.SQ_FLAGS, U.SQ_DROPPED, ring.sqArray, 0, 0, 0];
  const cq = [U.CQ_HEAD, U.CQ_TAIL, U.CQ_MASK, U.CQ_ENTRIES, U.CQ_OVERFLOW, U.CQES, U.CQ_FLAGS, 0, 0, 0];
  sq.forEach((v, i) => view.setUint32(40 + i * 4, v, true));
  cq.forEach((v, i) => view.setUint32(80 + i * 4, v, true));
  if (isErr(t.space.writeBytes(addr, params))) {
    ring.unref();
    return EFAULT;
  }
  const fd = installFile(t, ring, true);
  if (fd >= 0 && flags & U.IORING_SETUP_SQPOLL) {
    if (t.rings === null) t.rings = new Set();
    t.rings.add(ring);
    if (!ring.disabled) new SubmissionPoller(ring, idle);
  }
  return fd;
}

const ENTER_KNOWN =
  U.IORING_ENTER_GETEVENTS | U.IORING_ENTER_SQ_WAKEUP | U.IORING_ENTER_SQ_WAIT | U.IORING_ENTER_EXT_ARG | U.IORING_ENTER_REGISTERED_RING | U.IORING_ENTER_ABS_TIMER |
  U.IORING_ENTER_EXT_ARG_REG | U.IORING_ENTER_NO_IOWAIT;

/** The ring that `fd` means, or that is registered at that place for the calling task; EBADF, EOPNOTSUPP. */
export function ringOf(t: Task, fd: number, registered: boolean): IoRing | typeof EBADF | typeof EOPNOTSUPP | typeof EINVAL {
  if (registered) {
    if (fd < 0 || fd >= 16) return EINVAL;
    return (t.registeredRings?.[fd] as IoRing | null | undefined) ?? EBADF;
  }
  const file = openFile(t, fd);
  if (file === null) return EBADF;
  return file instanceof IoRing ? file : EOPNOTSUPP;
}

const span = new TimeSpan();

/** What a wait was asked for, kept while it lasts. */
class EnterWait {
  submitted = 0;
  timeouts = 0;
  deadline = Infinity;
}

function ioUringEnter(t: Task, a: SyscallArgs): number {
  const flags = a.u32(3);
  if (flags & ~ENTER_KNOWN) return EINVAL;
  const ring = ringOf(t, a.fd(0), (flags & U.IORING_ENTER_REGISTERED_RING) !== 0);
  if (isErr(ring)) return ring;
  const state = t.syscall.object;
  if (state instanceof EnterWait) return waitForCompletions(t, a, ring, flags, state);
  if (ring.disabled) return EBADFD;
  const count = a.u32(1);
  let done = 0;
  if (ring.setup & U.IORING_SETUP_SQPOLL) {
    if (flags & U.IORING_ENTER_SQ_WAKEUP) ring.wakePoller();
    done = count;
  } else if (count > 0) {
    if (ring.setup & U.IORING_SETUP_SINGLE_ISSUER && ring.maker !== t) return EEXIST;
    done = submit(ring, t, count);
    if (done !== count) return done;
  }
  if (!(flags & U.IORING_ENTER_GETEVENTS)) return done;
  const wait = new EnterWait();
  wait.submitted = done;
  wait.timeouts = ring.timeouts;
  const bad = readWait(t, a, ring, flags, wait);
  return bad < 0 ? (done > 0 ? done : bad) : waitForCompletions(t, a, ring, flags, wait);
}

/** The signal mask and the timeout of a wait. The mask is only installed if there is something to wait for. */
function readWait(t: Task, a: SyscallArgs, ring: IoRing, flags: number, wait: EnterWait): number {
  let mask = a.addr(4);
  let size = a.size(5);
  let timeout = 0;
  if (flags & U.IORING_ENTER_EXT_ARG_REG) return EFAULT; // no region can be registered
  if (flags & U.IORING_ENTER_EXT_ARG) {
    if (size !== 24) return EINVAL;
    const at = mask;
    const m = t.space.readU64(at);
    const s = t.space.readU32(at + 8);
    const ts = t.space.readU64(at + 16);
    if (isErr(m) || isErr(s) || isErr(ts)) return EFAULT;
    mask = m;
    size = s;
    timeout = ts;
    if (ts !== 0) {
      if (readTimespec(t, ts, span) === EFAULT) return EFAULT;
    }
  }
  ring.flushOverflow();
  if (ring.ready >= Math.min(a.u32(2), ring.cqEntries)) return 0;
  if (timeout !== 0) {
    const ns = span.sec > 9_000_000 ? Infinity : span.sec * 1e9 + span.nsec;
    wait.deadline = flags & U.IORING_ENTER_ABS_TIMER ? Math.max(0, ns - t.nsproxy.time.offsetOf(1)) : t.monotonicNs() + ns;
  }
  return mask === 0 ? 0 : setTemporaryMask(t, mask, size);
}

function waitForCompletions(t: Task, a: SyscallArgs, ring: IoRing, _flags: number, wait: EnterWait): number {
  ring.flushOverflow();
  const least = Math.min(a.u32(2), ring.cqEntries);
  let r = 0;
  if (ring.ready < least && ring.timeouts === wait.timeouts) {
    if (t.syscall.timedOut || t.monotonicNs() >= wait.deadline) r = ETIME;
    else {
      t.syscall.object = wait;
      r = t.wait(ring.completions, wait.deadline);
      if (r === BLOCKED) return r;
      if (r === ERESTARTSYS) r = EINTR;
    }
  }
  restoreMask(t, r === EINTR);
  if (r < 0 && ring.ready > 0) r = 0;
  return wait.submitted > 0 ? wait.submitted : r;
}

export const rows: readonly SyscallRow[] = [
  [425, 'io_uring_setup', 'uint,out:io_uring_params=fd', 'full', ioUringSetup],
  [426, 'io_uring_enter', 'fd,uint,uint,ioringenterflags,addr,size', 'full', ioUringEnter],
  [427, 'io_uring_register', 'fd,ioringregister,addr,uint', 'full', ioUringRegister],
];
