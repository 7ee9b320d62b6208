/** struct msghdr, its buffers and its control messages, in and out. Facts: Linux 6.18 net/socket.c, net/core/scm.c; man 3 cmsg. */
import { EBADF, EFAULT, EINVAL, EMSGSIZE, ENOBUFS, EPERM, ESRCH, type Errno, isErr } from '../abi/errno.ts';
import { CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN } from '../abi/capability.ts';
import type { Gid, KGid, KUid, Uid } from '../abi/ids.ts';
import {
  AF_UNIX,
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  MSGHDR_CONTROL,
  MSGHDR_CONTROLLEN,
  MSGHDR_IOV,
  MSGHDR_IOVLEN,
  MSGHDR_NAME,
  MSGHDR_NAMELEN,
  SCM_CREDENTIALS,
  SCM_MAX_FD,
  SCM_PIDFD,
  SCM_RIGHTS,
  SIZEOF_CMSGHDR,
  SIZEOF_MSGHDR,
  SIZEOF_SOCKADDR_STORAGE,
  SIZEOF_UCRED,
  SOL_SOCKET,
  UIO_MAXIOV,
} from '../abi/socket.ts';
import { PidfdDescription } from '../kernel/pidfd.ts';
import type { Pid } from '../kernel/pid.ts';
import type { Task } from '../kernel/task.ts';
import { UserIoVector } from '../memory/user-io-vector.ts';
import { TASK_SIZE } from '../memory/user-memory.ts';
import { Message } from '../net/message.ts';
import type { Socket } from '../net/socket.ts';
import { installFile } from './io-wait.ts';

/** net.core.optmem_max: longest control data of a send. */
const OPTMEM_MAX = 131072;
const MAX_RW_COUNT = 0x7ffff000;

const header = new Uint8Array(SIZEOF_MSGHDR);
const headerView = new DataView(header.buffer);
const word64 = (at: number): number => headerView.getUint32(at, true) + headerView.getUint32(at + 4, true) * 4294967296;

/** The fields of a msghdr as the guest gave them. */
export class UserMessage {
  name = 0;
  nameLength = 0;
  iov = 0;
  iovCount = 0;
  control = 0;
  controlLength = 0;

  /** Reads the struct at `addr`: 0, EFAULT, EINVAL, EMSGSIZE. */
  read(t: Task, addr: number): number {
    if (isErr(t.space.readBytes(addr, header))) return EFAULT;
    this.name = word64(MSGHDR_NAME);
    this.nameLength = headerView.getInt32(MSGHDR_NAMELEN, true);
    this.iov = word64(MSGHDR_IOV);
    this.iovCount = word64(MSGHDR_IOVLEN);
    this.control = word64(MSGHDR_CONTROL);
    this.controlLength = word64(MSGHDR_CONTROLLEN);
    if (this.name === 0) this.nameLength = 0;
    if (this.nameLength < 0) return EINVAL;
    if (this.nameLength > SIZEOF_SOCKADDR_STORAGE) this.nameLength = SIZEOF_SOCKADDR_STORAGE;
    if (this.iovCount > UIO_MAXIOV) return EMSGSIZE;
    return 0;
  }
}

/** One of each serves all calls: a handler runs to completion. */
export const userMessage: UserMessage = new UserMessage();
export const message: Message = new Message();
let vector: UserIoVector | null = null;

/** A vector for one buffer, without its first `skip` bytes; EFAULT if it is not in user space. */
export function bufferVector(t: Task, addr: number, len: number, skip: number): UserIoVector | Errno {
  if (len > MAX_RW_COUNT) len = MAX_RW_COUNT;
  if (addr + len > TASK_SIZE) return EFAULT;
  vector ??= new UserIoVector(t.space);
  return vector.reset(t.space).add(addr + skip, len - skip);
}

/** A vector for `count` struct iovec at `addr`, without the first `skip` bytes. EFAULT, EINVAL. */
export function iovecVector(t: Task, addr: number, count: number, skip: number): UserIoVector | Errno {
  vector ??= new UserIoVector(t.space);
  const v = vector.reset(t.space);
  let total = 0;
  for (let i = 0; i < count; i++) {
    const base = t.space.readU64(addr + i * 16);
    let len = t.space.readU64(addr + i * 16 + 8);
    if (isErr(base) || isErr(len)) return EFAULT;
    if (len >= 2 ** 63) return EINVAL;
    if (base + len > TASK_SIZE) return EFAULT;
    if (total + len > MAX_RW_COUNT) len = MAX_RW_COUNT - total;
    total += len;
    const cut = Math.min(skip, len);
    skip -= cut;
    if (len - cut > 0) v.add(base + cut, len - cut);
  }
  return v;
}

/** A sockaddr from the guest: a fresh array; EINVAL (length), EFAULT. */
export function readAddress(t: Task, addr: number, len: number): Uint8Array | Errno {
  if (len < 0 || len > SIZEOF_SOCKADDR_STORAGE) return EINVAL;
  const a = new Uint8Array(len);
  return len > 0 && isErr(t.space.readBytes(addr, a)) ? EFAULT : a;
}

/** Gives the guest an address: as much as fits into the length found at `lenAddr`, and its true length there. 0, EFAULT, EINVAL. */
export function writeAddress(t: Task, address: Uint8Array, addr: number, lenAddr: number): number {
  const room = t.space.readU32(lenAddr);
  if (isErr(room)) return EFAULT;
  if (room > 0x7fffffff) return EINVAL;
  const n = Math.min(room, address.length);
  if (n > 0 && isErr(t.space.writeBytes(addr, address, 0, n))) return EFAULT;
  return t.space.writeU32(lenAddr, address.length);
}

// ---- control messages of a send

/** Parses the control data into `msg`: 0, EINVAL, EFAULT, ENOBUFS, EBADF, EPERM. On error nothing is held. */
export function parseControl(t: Task, s: Socket, addr: number, len: number, msg: Message): number {
  if (len > 0x7fffffff || len > OPTMEM_MAX) return ENOBUFS;
  const bytes = new Uint8Array(len);
  if (isErr(t.space.readBytes(addr, bytes))) return EFAULT;
  const view = new DataView(bytes.buffer);
  for (let at = 0; at + SIZEOF_CMSGHDR <= len; ) {
    const length = view.getUint32(at, true) + view.getUint32(at + 4, true) * 4294967296;
    if (length < SIZEOF_CMSGHDR || length > len - at) return EINVAL;
    const level = view.getInt32(at + 8, true);
    const type = view.getInt32(at + 12, true);
    const data = bytes.subarray(at + SIZEOF_CMSGHDR, at + length);
    if (level !== SOL_SOCKET) {
      msg.control.push({ level, type, data });
    } else if (s.family === AF_UNIX || type === SCM_CREDENTIALS) {
      const r = type === SCM_RIGHTS ? parseRights(t, data, msg) : type === SCM_CREDENTIALS ? parseCredentials(t, data, msg) : EINVAL;
      if (r < 0) return r;
    } else if (type === SCM_RIGHTS) {
      return EINVAL;
    } else {
      msg.control.push({ level, type, data });
    }
    at += (length + 7) & ~7;
  }
  return 0;
}

function parseRights(t: Task, data: Uint8Array, msg: Message): number {
  const n = data.length >> 2;
  if (n === 0) return 0;
  const files = (msg.files ??= []);
  if (files.length + n > SCM_MAX_FD) return EINVAL;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let i = 0; i < n; i++) {
    const fd = view.getInt32(i * 4, true);
    const file = fd < 0 ? null : t.fdTable.get(fd);
    if (file === null) return EBADF;
    files.push(file);
  }
  return 0;
}

function parseCredentials(t: Task, data: Uint8Array, msg: Message): number {
  if (data.length !== SIZEOF_UCRED) return EINVAL;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const pid = view.getInt32(0, true);
  const c = t.credentials;
  const uid = c.userNs.makeKuid(view.getUint32(4, true) as Uid);
  const gid = c.userNs.makeKgid(view.getUint32(8, true) as Gid);
  if ((uid as number) === -1 || (gid as number) === -1) return EINVAL;
  const own = t.threadGroup.pid;
  if (pid !== own.nr(t.pid.ns) && !c.nsCapable(t.pid.ns.userNs, CAP_SYS_ADMIN)) return EPERM;
  if (uid !== c.uid && uid !== c.euid && uid !== c.suid && !c.capEffective.has(CAP_SETUID)) return EPERM;
  if (gid !== c.gid && gid !== c.egid && gid !== c.sgid && !c.capEffective.has(CAP_SETGID)) return EPERM;
  const found = pid === own.nr(t.pid.ns) ? own : t.pid.ns.find(pid);
  if (found === null) return ESRCH;
  msg.hasCredentials = true;
  msg.pid = found;
  msg.uid = uid;
  msg.gid = gid;
  return 0;
}

// ---- control messages of a receive

const cmsg = new Uint8Array(SIZEOF_CMSGHDR);
const cmsgView = new DataView(cmsg.buffer);
const ucred = new Uint8Array(SIZEOF_UCRED);
const ucredView = new DataView(ucred.buffer);

/** Where control messages go; `left` shrinks as they are written. */
class ControlWriter {
  addr = 0;
  left = 0;
  flags = 0;

  /** Writes one message, cut to what is left (MSG_CTRUNC). 0 or EFAULT. */
  put(t: Task, level: number, type: number, data: Uint8Array): number {
    if (this.left < SIZEOF_CMSGHDR) {
      this.flags |= MSG_CTRUNC;
      return 0;
    }
    let length = SIZEOF_CMSGHDR + data.length;
    if (length > this.left) {
      this.flags |= MSG_CTRUNC;
      length = this.left;
    }
    cmsgView.setUint32(0, length, true);
    cmsgView.setUint32(4, 0, true);
    cmsgView.setInt32(8, level, true);
    cmsgView.setInt32(12, type, true);
    if (isErr(t.space.writeBytes(this.addr, cmsg))) return EFAULT;
    if (length > SIZEOF_CMSGHDR && isErr(t.space.writeBytes(this.addr + SIZEOF_CMSGHDR, data, 0, length - SIZEOF_CMSGHDR))) return EFAULT;
    const space = Math.min(this.left, (SIZEOF_CMSGHDR + data.length + 7) & ~7);
    this.addr += space;
    this.left -= space;
    return 0;
  }
}
const out = new ControlWriter();

function kuidIn(t: Task, uid: KUid): number {
  const u = (uid as number) === -1 ? -1 : t.credentials.userNs.fromKuid(uid);
  return (u as number) === -1 ? 65534 : u;
}
function kgidIn(t: Task, gid: KGid): number {
  const g = (gid as number) === -1 ? -1 : t.credentials.userNs.fromKgid(gid);
  return (g as number) === -1 ? 65534 : g;
}

/** A struct ucred as `t` sees it. */
export function encodeUcred(t: Task, pid: object | null, uid: KUid, gid: KGid): Uint8Array {
  ucredView.setInt32(0, pid === null ? 0 : (pid as Pid).nr(t.pid.ns), true);
  ucredView.setUint32(4, kuidIn(t, uid), true);
  ucredView.setUint32(8, kgidIn(t, gid), true);
  return ucred;
}

/** A new pidfd for the process of `pid`. */
export function newPidfd(t: Task, pid: Pid): number {
  return installFile(t, new PidfdDescription(t.kernel.pidFs.placeOf(pid), pid, 0), true);
}

/**
 * Writes what came beside the data to the control buffer (addr, len; addr 0: none). Returns the bytes used; `msg.resultFlags` gets MSG_CTRUNC.
 * Descriptors are installed here, those that do not fit are dropped.
 */
export function writeControl(t: Task, msg: Message, addr: number, len: number): number {
  out.addr = addr;
  out.left = addr === 0 ? 0 : len;
  out.flags = 0;
  if (addr === 0) {
    if (msg.hasCredentials || msg.files !== null) out.flags |= MSG_CTRUNC;
  } else {
    for (const c of msg.control) out.put(t, c.level, c.type, c.data);
    if (msg.hasCredentials) out.put(t, SOL_SOCKET, SCM_CREDENTIALS, encodeUcred(t, msg.pid, msg.uid, msg.gid));
    if (msg.files !== null) putRights(t, msg);
    if (msg.wantsPidfd && msg.pid !== null) putPidfd(t, msg.pid as Pid);
  }
  dropFiles(msg);
  msg.resultFlags |= out.flags;
  return addr === 0 ? 0 : len - out.left;
}

function putRights(t: Task, msg: Message): void {
  const files = msg.files ?? [];
  const room = out.left > SIZEOF_CMSGHDR ? (out.left - SIZEOF_CMSGHDR) >> 2 : 0;
  const fds: number[] = [];
  while (fds.length < files.length && fds.length < room) {
    const file = files[fds.length];
    if (file === undefined) break;
    file.ref();
    const fd = installFile(t, file, (msg.flags & MSG_CMSG_CLOEXEC) !== 0);
    if (fd < 0) break;
    fds.push(fd);
  }
  if (fds.length > 0) out.put(t, SOL_SOCKET, SCM_RIGHTS, new Uint8Array(Int32Array.from(fds).buffer));
  if (fds.length < files.length) out.flags |= MSG_CTRUNC;
}

function putPidfd(t: Task, pid: Pid): void {
  if (out.left < SIZEOF_CMSGHDR + 4) {
    out.flags |= MSG_CTRUNC;
    return;
  }
  const fd = pid.task === null ? ESRCH : newPidfd(t, pid);
  out.put(t, SOL_SOCKET, SCM_PIDFD, new Uint8Array(Int32Array.of(fd).buffer));
}

/** Releases descriptors that the receiver did not take. */
export function dropFiles(msg: Message): void {
  if (msg.files === null) return;
  for (const f of msg.files) f.unref();
  msg.files = null;
}
