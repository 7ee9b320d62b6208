/** fork, vfork, clone, clone3. Argument rules: Linux 6.18 kernel/fork.c, man 2 clone. */
import {
  CLONE_ARGS_SIZE_VER0, CLONE_ARGS_SIZE_VER2, CLONE_CLEAR_SIGHAND_HI, CLONE_DETACHED, CLONE_INTO_CGROUP_HI, CLONE_NEWTIME, CLONE_PARENT, CLONE_SIGHAND,
  CLONE_THREAD, CLONE_VFORK, CLONE_VM, CSIGNAL,
} from '../abi/clone.ts';
import { E2BIG, EFAULT, EINVAL, isErr } from '../abi/errno.ts';
import { SIGCHLD } from '../abi/signal.ts';
import { CloneArguments, continueClone, kernelClone } from '../kernel/fork.ts';
import { MAX_PID_NS_LEVEL } from '../kernel/pid-namespace.ts';
import type { Task } from '../kernel/task.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';

/** End of user addresses. */
const TASK_SIZE = 0x7ffffffff000;

function sysFork(t: Task): number {
  const args = new CloneArguments();
  args.exitSignal = SIGCHLD;
  return kernelClone(t, args);
}

function sysVfork(t: Task): number {
  const args = new CloneArguments();
  args.flags = CLONE_VFORK | CLONE_VM;
  args.exitSignal = SIGCHLD;
  return kernelClone(t, args);
}

/** clone(flags, stack, parent_tid, child_tid, tls): the low byte of flags is the signal at exit. */
function sysClone(t: Task, a: SyscallArgs): number {
  const args = new CloneArguments();
  const flags = a.lo(0);
  args.flags = flags & ~CSIGNAL;
  args.exitSignal = flags & CSIGNAL;
  args.stack = a.addr(1);
  args.pidfd = args.parentTid = a.addr(2);
  args.childTid = a.addr(3);
  args.tls = a.addr(4);
  return kernelClone(t, args);
}

const buffer: Uint8Array = new Uint8Array(4096);
const view: DataView = new DataView(buffer.buffer);
const u64 = (off: number): number => view.getUint32(off, true) + view.getUint32(off + 4, true) * 4294967296;

/** clone3(struct clone_args *, size). */
function sysClone3(t: Task, a: SyscallArgs): number {
  // The structure may have changed while the call waited: it is read once.
  if (t.syscall.progress !== 0) return continueClone(t);
  const size = a.size(1);
  if (size > 4096) return E2BIG;
  if (size < CLONE_ARGS_SIZE_VER0) return EINVAL;
  const known = Math.min(size, CLONE_ARGS_SIZE_VER2);
  // A longer structure must be zero beyond what this kernel knows (copy_struct_from_user): looked at first, up to what is not zero.
  for (let i = known; i < size; i++) {
    const byte = t.space.readU8(a.addr(0) + i);
    if (isErr(byte)) return EFAULT;
    if (byte !== 0) return E2BIG;
  }
  buffer.fill(0, 0, CLONE_ARGS_SIZE_VER2);
  if (t.space.readBytes(a.addr(0), buffer, 0, known) !== 0) return EFAULT;
  const flagsLo = view.getInt32(0, true);
  const flagsHi = view.getInt32(4, true);
  const pidfd = u64(8);
  const childTid = u64(16);
  const parentTid = u64(24);
  const exitSignal = u64(32);
  const stack = u64(40);
  const stackSize = u64(48);
  const tls = u64(56);
  const setTidAddr = u64(64);
  const setTidSize = u64(72);
  const cgroup = u64(80);
  if (setTidSize > MAX_PID_NS_LEVEL) return EINVAL;
  if (setTidAddr === 0 && setTidSize > 0) return EINVAL;
  if (setTidAddr !== 0 && setTidSize === 0) return EINVAL;
  if (exitSignal > CSIGNAL || exitSignal > 64) return EINVAL;
  if (flagsHi & CLONE_INTO_CGROUP_HI && (cgroup > 0x7fffffff || size < CLONE_ARGS_SIZE_VER2)) return EINVAL;
  const setTid: number[] = [];
  for (let i = 0; i < setTidSize; i++) {
    const v = t.space.readU32(setTidAddr + i * 4);
    if (isErr(v)) return EFAULT;
    setTid.push(v | 0);
  }
  if (flagsHi & ~(CLONE_CLEAR_SIGHAND_HI | CLONE_INTO_CGROUP_HI)) return EINVAL;
  if (flagsLo & (CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME))) return EINVAL;
  if (flagsLo & CLONE_SIGHAND && flagsHi & CLONE_CLEAR_SIGHAND_HI) return EINVAL;
  if (flagsLo & (CLONE_THREAD | CLONE_PARENT) && exitSignal !== 0) return EINVAL;
  if (stack === 0) {
    if (stackSize > 0) return EINVAL;
  } else if (stackSize === 0 || stack + stackSize > TASK_SIZE) return EINVAL;
  const args = new CloneArguments();
  args.flags = flagsLo & ~CLONE_NEWTIME;
  args.newTime = (flagsLo & CLONE_NEWTIME) !== 0;
  args.clearSighand = (flagsHi & CLONE_CLEAR_SIGHAND_HI) !== 0;
  args.pidfd = pidfd;
  args.childTid = childTid;
  args.parentTid = parentTid;
  args.exitSignal = exitSignal;
  args.stack = stack === 0 ? 0 : stack + stackSize;
  args.tls = tls;
  args.setTid = setTid;
  args.intoCgroup = flagsHi & CLONE_INTO_CGROUP_HI ? cgroup : -1;
  return kernelClone(t, args);
}

export const processCloneRows: readonly SyscallRow[] = [
  [56, 'clone', 'cloneflags,addr,addr,addr,addr', 'full', sysClone],
  [57, 'fork', '', 'full', sysFork],
  [58, 'vfork', '', 'full', sysVfork],
  [435, 'clone3', 'cloneargs,size', 'partial', sysClone3],
];
