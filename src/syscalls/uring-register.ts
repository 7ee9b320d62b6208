/** io_uring_register: what a ring knows beforehand: files, buffers, groups of buffers, an eventfd, credentials, restrictions. Linux 6.18 io_uring/register.c, rsrc.c, kbuf.c. */
import { EACCES, EBADF, EBADFD, EBUSY, EEXIST, EFAULT, EINVAL, ENOENT, ENOMEM, ENXIO, EOVERFLOW, isErr } from '../abi/errno.ts';
import { IORING_OP_LAST, IORING_SETUP_SINGLE_ISSUER, IORING_SETUP_SQPOLL, IOU_PBUF_RING_INC, IOU_PBUF_RING_MMAP } from '../abi/io-uring.ts';
import { EventfdDescription } from '../fs/anon/eventfd.ts';
import { BufferGroup, type BufferSlot, IoRing } from '../kernel/io-ring.ts';
import { SharedRing } from '../kernel/shared-ring.ts';
import type { Task } from '../kernel/task.ts';
import { TASK_SIZE } from '../memory/user-memory.ts';
import type { SyscallArgs } from './args.ts';
import { ringOf } from './io-uring.ts';
import { openFile } from './io-wait.ts';
import { cancelMatching } from './uring-cancel.ts';
import { registerFiles, unregisterFiles, updateFiles } from './uring-files.ts';
import { SubmissionPoller } from './uring-submit.ts';

const REGISTER_BUFFERS = 0, UNREGISTER_BUFFERS = 1, REGISTER_FILES = 2, UNREGISTER_FILES = 3, REGISTER_EVENTFD = 4, UNREGISTER_EVENTFD = 5, REGISTER_FILES_UPDATE = 6;
const REGISTER_EVENTFD_ASYNC = 7, REGISTER_PROBE = 8, REGISTER_PERSONALITY = 9, UNREGISTER_PERSONALITY = 10, REGISTER_RESTRICTIONS = 11, REGISTER_ENABLE_RINGS = 12;
const REGISTER_FILES2 = 13, REGISTER_FILES_UPDATE2 = 14, REGISTER_BUFFERS2 = 15, REGISTER_BUFFERS_UPDATE = 16, REGISTER_IOWQ_AFF = 17, UNREGISTER_IOWQ_AFF = 18;
const REGISTER_IOWQ_MAX_WORKERS = 19, REGISTER_RING_FDS = 20, UNREGISTER_RING_FDS = 21, REGISTER_PBUF_RING = 22, UNREGISTER_PBUF_RING = 23, REGISTER_SYNC_CANCEL = 24;
const REGISTER_FILE_ALLOC_RANGE = 25, REGISTER_PBUF_STATUS = 26, REGISTER_NAPI = 27, UNREGISTER_NAPI = 28, REGISTER_CLOCK = 29, REGISTER_CLONE_BUFFERS = 30, REGISTER_QUERY = 35;
const REGISTER_LAST = 36;
const USE_REGISTERED_RING = 0x80000000 | 0;

const MAX_BUFFERS = 1 << 14;
const MAX_BUFFER_BYTES = 2 ** 30;
const RSRC_SPARSE = 1;
/** Rings that one task may register. */
const RING_PLACES = 16;

export function ioUringRegister(t: Task, a: SyscallArgs): number {
  const raw = a.int(1);
  const opcode = raw & ~USE_REGISTERED_RING;
  if (opcode >= REGISTER_LAST) return EINVAL;
  const ring = ringOf(t, a.fd(0), (raw & USE_REGISTERED_RING) !== 0);
  if (isErr(ring)) return ring;
  if (ring.setup & IORING_SETUP_SINGLE_ISSUER && ring.maker !== t) return EEXIST;
  if (ring.restrictionsSet && ring.restrictions !== null && !ring.restrictions.registers.has(opcode)) return EACCES;
  return register(t, ring, opcode, a.addr(2), a.u32(3));
}

function register(t: Task, ring: IoRing, opcode: number, addr: number, count: number): number {
  switch (opcode) {
    case REGISTER_BUFFERS:
      return addr === 0 ? EFAULT : registerBuffers(ring, t, addr, 0, count);
    case UNREGISTER_BUFFERS:
      return addr !== 0 || count !== 0 ? EINVAL : unregisterBuffers(ring);
    case REGISTER_FILES:
      return addr === 0 ? EFAULT : registerFiles(ring, t, addr, 0, count);
    case UNREGISTER_FILES:
      return addr !== 0 || count !== 0 ? EINVAL : unregisterFiles(ring);
    case REGISTER_EVENTFD:
    case REGISTER_EVENTFD_ASYNC:
      return count !== 1 ? EINVAL : registerEventfd(ring, t, addr, opcode === REGISTER_EVENTFD_ASYNC);
    case UNREGISTER_EVENTFD:
      if (addr !== 0 || count !== 0) return EINVAL;
      if (ring.eventfd === null) return ENXIO;
      ring.eventfd.unref();
      ring.eventfd = null;
      return 0;
    case REGISTER_FILES_UPDATE: {
      if (count === 0) return EINVAL;
      const u = readStruct(t, addr, 16);
      if (u === null) return EFAULT;
      return u.getUint32(4, true) !== 0 ? EINVAL : updateFiles(ring, t, u.getUint32(0, true), word64(u, 8), 0, count);
    }
    case REGISTER_PROBE:
      return probe(t, addr, count);
    case REGISTER_PERSONALITY:
      if (addr !== 0 || count !== 0) return EINVAL;
      ring.personalities.set(ring.nextPersonality, t.credentials);
      return ring.nextPersonality++;
    case UNREGISTER_PERSONALITY:
      return addr === 0 && ring.personalities.delete(count) ? 0 : EINVAL;
    case REGISTER_RESTRICTIONS:
      return registerRestrictions(ring, t, addr, count);
    case REGISTER_ENABLE_RINGS:
      if (addr !== 0 || count !== 0) return EINVAL;
      if (!ring.disabled) return EBADFD;
      ring.disabled = false;
      ring.restrictionsSet = ring.restrictions !== null;
      if (ring.setup & IORING_SETUP_SINGLE_ISSUER) ring.maker = t;
      if (ring.setup & IORING_SETUP_SQPOLL) new SubmissionPoller(ring, 0);
      return 0;
    case REGISTER_FILES2:
    case REGISTER_BUFFERS2:
      return registerResources(ring, t, addr, count, opcode === REGISTER_FILES2);
    case REGISTER_FILES_UPDATE2:
    case REGISTER_BUFFERS_UPDATE:
      return updateResources(ring, t, addr, count, opcode === REGISTER_FILES_UPDATE2);
    case REGISTER_IOWQ_AFF:
      return addr === 0 || count === 0 ? EINVAL : isErr(t.space.readBytes(addr, new Uint8Array(Math.min(count, 128)))) ? EFAULT : 0;
    case UNREGISTER_IOWQ_AFF:
      return addr !== 0 || count !== 0 ? EINVAL : 0;
    case REGISTER_IOWQ_MAX_WORKERS:
      return addr === 0 || count !== 2 ? EINVAL : maxWorkers(ring, t, addr);
    case REGISTER_RING_FDS:
    case UNREGISTER_RING_FDS:
      return registerRings(t, addr, count, opcode === REGISTER_RING_FDS);
    case REGISTER_PBUF_RING:
      return addr === 0 || count !== 1 ? EINVAL : registerGroup(ring, t, addr);
    case UNREGISTER_PBUF_RING:
      return addr === 0 || count !== 1 ? EINVAL : unregisterGroup(ring, t, addr);
    case REGISTER_SYNC_CANCEL:
      return addr === 0 || count !== 1 ? EINVAL : syncCancel(ring, t, addr);
    case REGISTER_FILE_ALLOC_RANGE:
      return addr === 0 || count !== 0 ? EINVAL : allocRange(ring, t, addr);
    case REGISTER_PBUF_STATUS:
      return addr === 0 || count !== 1 ? EINVAL : groupStatus(ring, t, addr);
    case REGISTER_NAPI:
    case UNREGISTER_NAPI:
      // There are no network devices to poll: the settings are taken and shown as they are.
      if (count !== 1 || (addr === 0 && opcode === REGISTER_NAPI)) return EINVAL;
      if (addr === 0) return 0;
      if (opcode === REGISTER_NAPI && isErr(t.space.readBytes(addr, new Uint8Array(16)))) return EFAULT;
      return isErr(t.space.clear(addr, 16)) ? EFAULT : 0;
    case REGISTER_CLOCK: {
      if (addr === 0 || count !== 0) return EINVAL;
      const c = readStruct(t, addr, 16);
      if (c === null) return EFAULT;
      const id = c.getUint32(0, true);
      if (c.getUint32(4, true) !== 0 || word64(c, 8) !== 0 || (id !== 1 && id !== 7)) return EINVAL;
      ring.clock = id;
      return 0;
    }
    case REGISTER_CLONE_BUFFERS:
      return count !== 1 ? EINVAL : cloneBuffers(ring, t, addr);
    case REGISTER_QUERY:
      return count !== 0 ? EINVAL : addr === 0 ? 0 : EFAULT;
    default:
      return addr !== 0 && count === 1 && opcode === 34 && readStruct(t, addr, 32) === null ? EFAULT : EINVAL;
  }
}

function readStruct(t: Task, addr: number, size: number): DataView | null {
  const bytes = new Uint8Array(size);
  return isErr(t.space.readBytes(addr, bytes)) ? null : new DataView(bytes.buffer);
}
const word64 = (v: DataView, at: number): number => v.getUint32(at, true) + v.getUint32(at + 4, true) * 4294967296;

// ---- buffers

/** A buffer from the struct iovec at `addr`: null = an empty place; EFAULT, EOVERFLOW, EINVAL. */
function readBuffer(t: Task, addr: number, tags: number): BufferSlot | null | number {
  const base = t.space.readU64(addr);
  const length = t.space.readU64(addr + 8);
  const tagLo = tags === 0 ? 0 : t.space.readU32(tags);
  const tagHi = tags === 0 ? 0 : t.space.readU32(tags + 4);
  if (isErr(base) || isErr(length) || isErr(tagLo) || isErr(tagHi)) return EFAULT;
  if (base === 0) return length !== 0 ? EFAULT : (tagLo | tagHi) !== 0 ? EINVAL : null;
  if (length === 0 || length > MAX_BUFFER_BYTES || base + length > TASK_SIZE) return EFAULT;
  // The pages are pinned in Linux: they have to be there, and writable.
  for (let at = base - (base % 4096); at < base + length; at += 4096) if (t.space.writable(at) === 0) return EFAULT;
  return { addr: base, length, tagLo, tagHi };
}

function registerBuffers(ring: IoRing, t: Task, addr: number, tags: number, count: number): number {
  if (ring.buffers !== null) return EBUSY;
  if (count === 0 || count > MAX_BUFFERS) return EINVAL;
  const slots: (BufferSlot | null)[] = [];
  for (let i = 0; i < count; i++) {
    const b = addr === 0 ? null : readBuffer(t, addr + i * 16, tags === 0 ? 0 : tags + i * 8);
    if (typeof b === 'number') return b;
    slots.push(b);
  }
  ring.buffers = slots;
  return 0;
}
function unregisterBuffers(ring: IoRing): number {
  const { buffers } = ring;
  if (buffers === null) return ENXIO;
  ring.buffers = null;
  for (const b of buffers) if (b !== null) ring.reportTag(b.tagLo, b.tagHi);
  return 0;
}
function updateBuffers(ring: IoRing, t: Task, offset: number, addr: number, tags: number, count: number): number {
  const { buffers } = ring;
  if (buffers === null) return ENXIO;
  if (offset + count > buffers.length) return EINVAL;
  for (let i = 0; i < count; i++) {
    const b = readBuffer(t, addr + i * 16, tags === 0 ? 0 : tags + i * 8);
    if (typeof b === 'number') return i > 0 ? i : b;
    const old = buffers[offset + i];
    buffers[offset + i] = b;
    if (old) ring.reportTag(old.tagLo, old.tagHi);
  }
  return count;
}

/** struct io_uring_rsrc_register: nr, flags, resv2, data, tags. */
function registerResources(ring: IoRing, t: Task, addr: number, size: number, files: boolean): number {
  if (size !== 32) return EINVAL;
  const r = readStruct(t, addr, 32);
  if (r === null) return EFAULT;
  const flags = r.getUint32(4, true);
  const data = word64(r, 16);
  if (r.getUint32(0, true) === 0 || word64(r, 8) !== 0 || flags & ~RSRC_SPARSE) return EINVAL;
  if (flags & RSRC_SPARSE && data !== 0) return EINVAL;
  if (!(flags & RSRC_SPARSE) && data === 0 && files) return EFAULT;
  return (files ? registerFiles : registerBuffers)(ring, t, data, word64(r, 24), r.getUint32(0, true));
}
/** struct io_uring_rsrc_update2: offset, resv, data, tags, nr, resv2. */
function updateResources(ring: IoRing, t: Task, addr: number, size: number, files: boolean): number {
  if (size !== 32) return EINVAL;
  const u = readStruct(t, addr, 32);
  if (u === null) return EFAULT;
  const count = u.getUint32(24, true);
  if (count === 0 || u.getUint32(4, true) !== 0 || u.getUint32(28, true) !== 0) return EINVAL;
  return (files ? updateFiles : updateBuffers)(ring, t, u.getUint32(0, true), word64(u, 8), word64(u, 16), count);
}

/** struct io_uring_clone_buffers: src_fd, flags, src_off, dst_off, nr. */
function cloneBuffers(ring: IoRing, t: Task, addr: number): number {
  const c = readStruct(t, addr, 32);
  if (c === null) return EFAULT;
  const flags = c.getUint32(4, true);
  if (flags & ~3 || c.getUint32(20, true) !== 0 || word64(c, 24) !== 0) return EINVAL;
  if (!(flags & 2) && ring.buffers !== null) return EBUSY;
  const source = ringOf(t, c.getInt32(0, true), (flags & 1) !== 0);
  if (isErr(source)) return source;
  if (source === ring || source.buffers === null) return source === ring ? EINVAL : ENXIO;
  const from = c.getUint32(8, true);
  const to = c.getUint32(12, true);
  const count = c.getUint32(16, true) || source.buffers.length - from;
  if (from + count > source.buffers.length || to + count > MAX_BUFFERS) return EOVERFLOW;
  const buffers = ring.buffers ?? [];
  while (buffers.length < to + count) buffers.push(null);
  for (let i = 0; i < count; i++) {
    const b = source.buffers[from + i] ?? null;
    buffers[to + i] = b === null ? null : { ...b, tagLo: 0, tagHi: 0 };
  }
  ring.buffers = buffers;
  return 0;
}

// ---- groups of buffers

/** struct io_uring_buf_reg: ring_addr, ring_entries, bgid, flags, resv. */
function registerGroup(ring: IoRing, t: Task, addr: number): number {
  const g = readStruct(t, addr, 40);
  if (g === null) return EFAULT;
  const base = word64(g, 0);
  const entries = g.getUint32(8, true);
  const id = g.getUint16(12, true);
  const flags = g.getUint16(14, true);
  if (word64(g, 16) !== 0 || word64(g, 24) !== 0 || word64(g, 32) !== 0 || flags & ~(IOU_PBUF_RING_MMAP | IOU_PBUF_RING_INC)) return EINVAL;
  if (entries === 0 || (entries & (entries - 1)) !== 0 || entries >= 65536) return EINVAL;
  const old = ring.groups.get(id);
  if (old !== undefined && (old.isRing || old.list.length > 0)) return EEXIST;
  const group = new BufferGroup();
  group.entries = entries;
  group.incremental = (flags & IOU_PBUF_RING_INC) !== 0;
  if (flags & IOU_PBUF_RING_MMAP) {
    if (base !== 0) return EINVAL;
    const memory = SharedRing.make(t.kernel.memory, 'anon_inode:[io_uring]', entries * 16);
    if (isErr(memory)) return ENOMEM;
    group.ring = memory;
  } else {
    if (base === 0) return EFAULT;
    if (base % 4096 !== 0) return EINVAL;
    for (let at = base; at < base + entries * 16; at += 4096) if (t.space.writable(at) === 0) return EFAULT;
    group.addr = base;
  }
  ring.groups.set(id, group);
  return 0;
}
function unregisterGroup(ring: IoRing, t: Task, addr: number): number {
  const g = readStruct(t, addr, 40);
  if (g === null) return EFAULT;
  if (g.getUint16(14, true) !== 0 || word64(g, 16) !== 0 || word64(g, 24) !== 0 || word64(g, 32) !== 0) return EINVAL;
  const id = g.getUint16(12, true);
  const group = ring.groups.get(id);
  if (group === undefined) return ENOENT;
  if (!group.isRing) return EINVAL;
  ring.groups.delete(id);
  group.ring?.unref();
  return 0;
}
/** struct io_uring_buf_status: buf_group, head, resv. */
function groupStatus(ring: IoRing, t: Task, addr: number): number {
  const s = readStruct(t, addr, 40);
  if (s === null) return EFAULT;
  for (let i = 8; i < 40; i += 4) if (s.getUint32(i, true) !== 0) return EINVAL;
  const group = ring.groups.get(s.getUint32(0, true));
  if (group === undefined) return ENOENT;
  if (!group.isRing) return EINVAL;
  return isErr(t.space.writeU32(addr + 4, group.head)) ? EFAULT : 0;
}

// ---- the rest

function registerEventfd(ring: IoRing, t: Task, addr: number, asyncOnly: boolean): number {
  if (ring.eventfd !== null) return EBUSY;
  const fd = t.space.readU32(addr);
  if (isErr(fd)) return EFAULT;
  const file = openFile(t, fd | 0);
  if (file === null) return EBADF;
  if (!(file instanceof EventfdDescription)) return EINVAL;
  file.ref();
  ring.eventfd = file;
  ring.eventfdAsyncOnly = asyncOnly;
  return 0;
}

/** struct io_uring_probe: last_op, ops_len, 14 bytes; then op, 1 byte, flags (16 bits), 4 bytes for each. It has to come zeroed. */
function probe(t: Task, addr: number, count: number): number {
  if (addr === 0 || count > 256) return EINVAL;
  const bytes = new Uint8Array(16 + count * 8);
  if (isErr(t.space.readBytes(addr, bytes))) return EFAULT;
  if (bytes.some((b) => b !== 0)) return EINVAL;
  const n = Math.min(count, IORING_OP_LAST);
  bytes[0] = IORING_OP_LAST - 1;
  bytes[1] = n;
  for (let i = 0; i < n; i++) {
    bytes[16 + i * 8] = i;
    bytes[18 + i * 8] = 1;
  }
  return isErr(t.space.writeBytes(addr, bytes, 0, 16 + n * 8)) ? EFAULT : 0;
}

const RESTRICT_REGISTER = 0, RESTRICT_OPERATION = 1, RESTRICT_ALLOWED = 2, RESTRICT_REQUIRED = 3;

/** struct io_uring_restriction: opcode (16 bits), value (8 bits), 13 bytes. */
function registerRestrictions(ring: IoRing, t: Task, addr: number, count: number): number {
  if (!ring.disabled) return EBADFD;
  if (ring.restrictions !== null) return EBUSY;
  if (addr === 0 || count > 99) return EINVAL;
  const found = { registers: new Set<number>(), operations: new Set<number>(), allowed: 0, required: 0 };
  for (let i = 0; i < count; i++) {
    const r = readStruct(t, addr + i * 16, 16);
    if (r === null) return EFAULT;
    const value = r.getUint8(2);
    switch (r.getUint16(0, true)) {
      case RESTRICT_REGISTER:
        if (value >= REGISTER_LAST) return EINVAL;
        found.registers.add(value);
        break;
      case RESTRICT_OPERATION:
        if (value >= IORING_OP_LAST) return EINVAL;
        found.operations.add(value);
        break;
      case RESTRICT_ALLOWED:
        found.allowed = value;
        break;
      case RESTRICT_REQUIRED:
        found.required = value;
        break;
      default:
        return EINVAL;
    }
  }
  ring.restrictions = found;
  return 0;
}

/** Reads and changes the most workers that are bound and unbound; 0 leaves a number. */
function maxWorkers(ring: IoRing, t: Task, addr: number): number {
  for (let i = 0; i < 2; i++) {
    const wanted = t.space.readU32(addr + i * 4);
    if (isErr(wanted)) return EFAULT;
    const old = ring.workers[i]!; // two
    if (wanted !== 0) ring.workers[i] = wanted;
    if (isErr(t.space.writeU32(addr + i * 4, old))) return EFAULT;
  }
  return 0;
}

/** struct io_uring_rsrc_update: offset, resv, data: places of rings of the calling task. How many were done, or the errno of the first. */
function registerRings(t: Task, addr: number, count: number, add: boolean): number {
  if (count === 0 || count > RING_PLACES) return EINVAL;
  for (let i = 0; i < count; i++) {
    const r = add ? registerRing(t, addr + i * 16) : unregisterRing(t, addr + i * 16);
    if (r < 0) return i > 0 ? i : r;
  }
  return count;
}
function registerRing(t: Task, addr: number): number {
  const u = readStruct(t, addr, 16);
  if (u === null) return EFAULT;
  if (u.getUint32(4, true) !== 0) return EINVAL;
  const offset = u.getUint32(0, true);
  const places = (t.registeredRings ??= new Array<object | null>(RING_PLACES).fill(null));
  let at = offset;
  if (offset === 0xffffffff) {
    at = places.indexOf(null);
    if (at < 0) return EBUSY;
  } else if (offset >= RING_PLACES) return EINVAL;
  else if (places[offset] !== null) return EBUSY;
  const ring = ringOf(t, u.getInt32(8, true), false);
  if (isErr(ring)) return ring;
  ring.ref();
  places[at] = ring;
  if (isErr(t.space.writeU32(addr, at))) {
    places[at] = null;
    ring.unref();
    return EFAULT;
  }
  if (t.rings === null) t.rings = new Set();
  t.rings.add(ring);
  return 0;
}
function unregisterRing(t: Task, addr: number): number {
  const u = readStruct(t, addr, 16);
  if (u === null) return EFAULT;
  const offset = u.getUint32(0, true);
  if (u.getUint32(4, true) !== 0 || word64(u, 8) !== 0 || offset >= RING_PLACES) return EINVAL;
  const ring = t.registeredRings?.[offset] ?? null;
  if (ring instanceof IoRing) {
    t.registeredRings![offset] = null;
    ring.unref();
  }
  return 0;
}

/** struct io_uring_sync_cancel_reg: addr, fd, flags, timeout, opcode, pad. Cancels at once, so nothing is waited for. */
function syncCancel(ring: IoRing, t: Task, addr: number): number {
  const c = readStruct(t, addr, 64);
  if (c === null) return EFAULT;
  const flags = c.getUint32(12, true);
  if (flags & ~0x3f || c.getUint32(36, true) !== 0) return EINVAL;
  ring.postpone();
  const r = cancelMatching(ring, t, null, flags, c.getUint32(0, true), c.getUint32(4, true), c.getInt32(8, true), c.getUint8(32));
  ring.flushDoomed();
  return r;
}

function allocRange(ring: IoRing, t: Task, addr: number): number {
  const r = readStruct(t, addr, 16);
  if (r === null) return EFAULT;
  const end = r.getUint32(0, true) + r.getUint32(4, true);
  if (end > 0xffffffff) return EOVERFLOW;
  if (word64(r, 8) !== 0 || ring.files === null || end > ring.files.length) return EINVAL;
  ring.fileAllocStart = r.getUint32(0, true);
  ring.fileAllocEnd = end;
  return 0;
}
