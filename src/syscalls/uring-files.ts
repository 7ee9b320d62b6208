/** Files registered with a ring of io_uring. Linux 6.18 io_uring/rsrc.c. */
import { EBADF, EBUSY, EFAULT, EINVAL, EMFILE, ENXIO, EOVERFLOW, isErr } from '../abi/errno.ts';
import { IORING_REGISTER_FILES_SKIP } from '../abi/io-uring.ts';
import { type FileSlot, IoRing } from '../kernel/io-ring.ts';
import type { Task } from '../kernel/task.ts';
import { openFile } from './io-wait.ts';

/** IORING_MAX_FIXED_FILES. */
const MAX_FIXED_FILES = 1 << 20;

/** Registers `count` files from the array of descriptors at `addr` (0: all places stay empty), with tags at `tags` (0: none). 0 or errno. */
export function registerFiles(ring: IoRing, t: Task, addr: number, tags: number, count: number): number {
  if (ring.files !== null) return EBUSY;
  if (count === 0) return EINVAL;
  if (count > MAX_FIXED_FILES || count > t.openFilesLimit) return EMFILE;
  const slots: (FileSlot | null)[] = [];
  const fail = (code: number): number => {
    for (const s of slots) s?.file.unref();
    return code;
  };
  for (let i = 0; i < count; i++) {
    const fd = addr === 0 ? 0xffffffff : t.space.readU32(addr + i * 4);
    const tagLo = tags === 0 ? 0 : t.space.readU32(tags + i * 8);
    const tagHi = tags === 0 ? 0 : t.space.readU32(tags + i * 8 + 4);
    if (isErr(fd) || isErr(tagLo) || isErr(tagHi)) return fail(EFAULT);
    if ((fd | 0) === -1) {
      if ((tagLo | tagHi) !== 0) return fail(EINVAL);
      slots.push(null);
      continue;
    }
    const file = openFile(t, fd);
    // A ring among its own files would keep itself alive.
    if (file === null || file instanceof IoRing) return fail(EBADF);
    file.ref();
    slots.push({ file, tagLo, tagHi });
  }
  ring.files = slots;
  ring.fileAllocStart = 0;
  ring.fileAllocEnd = count;
  return 0;
}

export function unregisterFiles(ring: IoRing): number {
  if (ring.files === null) return ENXIO;
  for (let i = 0; i < ring.files.length; i++) ring.dropSlot(i);
  ring.files = null;
  return 0;
}

/** Changes `count` places from `offset` on: -1 empties, -2 leaves. How many were done, or the errno of the first. */
export function updateFiles(ring: IoRing, t: Task, offset: number, addr: number, tags: number, count: number): number {
  const { files } = ring;
  if (files === null) return ENXIO;
  if (offset + count > 0xffffffff) return EOVERFLOW;
  if (offset + count > files.length) return EINVAL;
  for (let i = 0; i < count; i++) {
    const r = updateOne(ring, t, offset + i, addr + i * 4, tags === 0 ? 0 : tags + i * 8);
    if (r < 0) return i > 0 ? i : r;
  }
  return count;
}

function updateOne(ring: IoRing, t: Task, index: number, addr: number, tag: number): number {
  const fd = t.space.readU32(addr);
  const tagLo = tag === 0 ? 0 : t.space.readU32(tag);
  const tagHi = tag === 0 ? 0 : t.space.readU32(tag + 4);
  if (isErr(fd) || isErr(tagLo) || isErr(tagHi)) return EFAULT;
  const number = fd | 0;
  if ((number === -1 || number === IORING_REGISTER_FILES_SKIP) && (tagLo | tagHi) !== 0) return EINVAL;
  if (number === IORING_REGISTER_FILES_SKIP) return 0;
  ring.dropSlot(index);
  if (number === -1) return 0;
  const file = openFile(t, number);
  if (file === null || file instanceof IoRing) return EBADF;
  file.ref();
  ring.fillSlot(index, file, tagLo, tagHi);
  return 0;
}
