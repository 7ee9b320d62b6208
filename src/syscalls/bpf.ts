/** bpf(2), for what control groups need: programs that decide about devices. Linux kernel/bpf/syscall.c; other types of program and maps are not there (EINVAL). */
import { CAP_BPF, CAP_NET_ADMIN, CAP_SYS_ADMIN } from '../abi/capability.ts';
import { E2BIG, EBADF, EFAULT, EINVAL, ENOENT, ENOSPC, EPERM, type Errno, isErr } from '../abi/errno.ts';
import { O_RDWR } from '../abi/fcntl.ts';
import type { Cgroup } from '../kernel/cgroup/cgroup.ts';
import { DeviceProgram } from '../kernel/cgroup/device-program.ts';
import type { Task } from '../kernel/task.ts';
import { FileDescription } from '../vfs/file-description.ts';
import type { Path } from '../vfs/mount.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';

const BPF_PROG_LOAD = 5, BPF_PROG_ATTACH = 8, BPF_PROG_DETACH = 9, BPF_PROG_GET_NEXT_ID = 11, BPF_PROG_GET_FD_BY_ID = 13, BPF_PROG_QUERY = 16;
const BPF_PROG_TYPE_CGROUP_SKB = 8, BPF_PROG_TYPE_CGROUP_DEVICE = 15, BPF_CGROUP_DEVICE = 6;
const BPF_F_ALLOW_OVERRIDE = 1, BPF_F_ALLOW_MULTI = 2, BPF_F_REPLACE = 4, BPF_F_QUERY_EFFECTIVE = 1;
/** Most instructions of a program: the more there are the longer every opening of a device takes. */
const MAX_INSTRUCTIONS = 4096;
/** Programs that one control group may have (BPF_CGROUP_MAX_PROGS). */
const MAX_PROGRAMS = 64;
/** sizeof(union bpf_attr); a longer one must end with zeros. */
const ATTR_SIZE = 168, PAGE_SIZE = 4096;

const buffer: Uint8Array = new Uint8Array(ATTR_SIZE);
const view: DataView = new DataView(buffer.buffer);
const u32 = (at: number): number => view.getUint32(at, true);
const u64 = (at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 4294967296;

/** A descriptor of a program. */
class ProgramFile extends FileDescription {
  readonly program: DeviceProgram;
  constructor(path: Path, program: DeviceProgram) {
    super(path, O_RDWR);
    this.program = program;
    program.holders++;
  }
  override release(): void {
    this.program.holders--;
  }
}

/** Programs by id; those that nothing holds are dropped when ids are looked through. */
const programs: WeakMap<object, Map<number, DeviceProgram>> = new WeakMap();
function programsOf(t: Task): Map<number, DeviceProgram> {
  let all = programs.get(t.kernel);
  if (all === undefined) programs.set(t.kernel, (all = new Map()));
  for (const [id, p] of all) if (p.holders === 0) all.delete(id);
  return all;
}

function openProgram(t: Task, program: DeviceProgram): number {
  const file = new ProgramFile(t.kernel.vfs.anonymous.anonymousPath('bpf-prog'), program);
  const fd = t.fdTable.install(file, t.openFilesLimit, true);
  if (isErr(fd)) file.unref();
  return fd;
}

function load(t: Task): number {
  // Programs for packets of control groups can be loaded, which tells libraries that there is BPF_PROG_ATTACH, but not attached.
  const type = u32(0);
  if (type !== BPF_PROG_TYPE_CGROUP_DEVICE && type !== BPF_PROG_TYPE_CGROUP_SKB) return EINVAL;
  const count = u32(4);
  if (count === 0 || count > MAX_INSTRUCTIONS) return E2BIG;
  const bytes = new Uint8Array(count * 8);
  if (t.space.readBytes(u64(8), bytes) !== 0) return EFAULT;
  const all = programsOf(t);
  const id = Math.max(0, ...all.keys()) + 1;
  const program = DeviceProgram.load(id, type === BPF_PROG_TYPE_CGROUP_DEVICE, bytes);
  if (isErr(program)) return program;
  all.set(id, program);
  return openProgram(t, program);
}

/** The program of a descriptor: EBADF if it is not open, EINVAL if it is something else. */
function programAt(t: Task, fd: number): DeviceProgram | Errno {
  const file = t.fdTable.get(fd);
  return file instanceof ProgramFile ? file.program : file === null ? EBADF : EINVAL;
}

function cgroupAt(t: Task, fd: number): Cgroup | null {
  const file = t.fdTable.get(fd);
  return file === null ? null : (t.kernel.cgroups.files?.cgroupOf(file) ?? null);
}

/** BPF_PROG_ATTACH: target_fd, attach_bpf_fd, attach_type, attach_flags, replace_bpf_fd. Linux __cgroup_bpf_attach(). */
function attach(t: Task): number {
  const flags = u32(12);
  if (u32(8) !== BPF_CGROUP_DEVICE || flags & ~(BPF_F_ALLOW_OVERRIDE | BPF_F_ALLOW_MULTI | BPF_F_REPLACE)) return EINVAL;
  const program = programAt(t, view.getInt32(4, true));
  if (isErr(program)) return program;
  if (!program.forDevices) return EINVAL;
  const group = cgroupAt(t, view.getInt32(0, true));
  if (group === null) return EBADF;
  const kept = flags & (BPF_F_ALLOW_OVERRIDE | BPF_F_ALLOW_MULTI);
  const replaced = flags & BPF_F_REPLACE && flags & BPF_F_ALLOW_MULTI ? programAt(t, view.getInt32(16, true)) : null;
  if (isErr(replaced)) return replaced;
  if (kept === (BPF_F_ALLOW_OVERRIDE | BPF_F_ALLOW_MULTI) || (flags & BPF_F_REPLACE && !(flags & BPF_F_ALLOW_MULTI))) return EINVAL;
  // A group above whose program is final lets nothing be attached below.
  for (let g = group.parent; g !== null; g = g.parent) {
    if (g.devicePrograms.length === 0) continue;
    if (g.deviceFlags === 0) return EPERM;
    if (g.deviceFlags & BPF_F_ALLOW_MULTI) break;
  }
  if (group.devicePrograms.length > 0 && group.deviceFlags !== kept) return EPERM;
  if (replaced !== null && !group.devicePrograms.includes(replaced)) return ENOENT;
  if (replaced !== program && kept & BPF_F_ALLOW_MULTI && group.devicePrograms.includes(program)) return EINVAL;
  if (group.devicePrograms.length >= MAX_PROGRAMS) return E2BIG;
  const next = kept & BPF_F_ALLOW_MULTI ? group.devicePrograms.filter((p) => p !== replaced) : [];
  for (const p of group.devicePrograms) if (!next.includes(p)) p.holders--;
  program.holders++;
  t.kernel.cgroups.deviceProgramsInUse = true;
  group.devicePrograms = [...next, program];
  group.deviceFlags = kept;
  return 0;
}

/** BPF_PROG_DETACH: target_fd, attach_bpf_fd (of a group with several), attach_type. */
function detach(t: Task): number {
  if (u32(8) !== BPF_CGROUP_DEVICE) return EINVAL;
  const group = cgroupAt(t, view.getInt32(0, true));
  if (group === null) return EBADF;
  const several = (group.deviceFlags & BPF_F_ALLOW_MULTI) !== 0;
  const named = several ? programAt(t, view.getInt32(4, true)) : null;
  if (isErr(named)) return EINVAL;
  const program = named ?? group.devicePrograms[0] ?? null;
  if (program === null || !group.devicePrograms.includes(program)) return ENOENT;
  program.holders--;
  group.devicePrograms = group.devicePrograms.filter((p) => p !== program);
  return 0;
}

/** BPF_PROG_QUERY: target_fd, attach_type, query_flags, attach_flags (out), prog_ids, prog_cnt (in and out). */
function query(t: Task, attr: number): number {
  const flags = u32(8);
  if (u32(4) !== BPF_CGROUP_DEVICE || flags & ~BPF_F_QUERY_EFFECTIVE) return EINVAL;
  const group = cgroupAt(t, view.getInt32(0, true));
  if (group === null) return EBADF;
  const found = flags & BPF_F_QUERY_EFFECTIVE ? group.effectiveDevicePrograms() : group.devicePrograms;
  const room = u32(24);
  const ids = u64(16);
  if (isErr(t.space.writeU32(attr + 12, flags & BPF_F_QUERY_EFFECTIVE ? 0 : group.deviceFlags)) || isErr(t.space.writeU32(attr + 24, found.length))) return EFAULT;
  if (room === 0 || ids === 0 || found.length === 0) return 0;
  for (let i = 0; i < Math.min(room, found.length); i++) if (isErr(t.space.writeU32(ids + i * 4, found[i]!.id))) return EFAULT; // in range
  return room < found.length ? ENOSPC : 0;
}

/** bpf(command, attr, size). */
function sysBpf(t: Task, a: SyscallArgs): number {
  const attr = a.addr(1);
  const size = a.u32(2);
  if (size > PAGE_SIZE) return E2BIG;
  for (let i = ATTR_SIZE; i < size; i++) {
    const b = t.space.readU8(attr + i);
    if (isErr(b)) return EFAULT;
    if (b !== 0) return E2BIG;
  }
  buffer.fill(0);
  if (t.space.readBytes(attr, buffer, 0, Math.min(size, ATTR_SIZE)) !== 0) return EFAULT;
  const c = t.credentials;
  if (!c.capableInInit(CAP_SYS_ADMIN) && !(c.capableInInit(CAP_BPF) && c.capableInInit(CAP_NET_ADMIN))) return EPERM;
  switch (a.int(0)) {
    case BPF_PROG_LOAD:
      return load(t);
    case BPF_PROG_ATTACH:
      return attach(t);
    case BPF_PROG_DETACH:
      return detach(t);
    case BPF_PROG_QUERY:
      return query(t, attr);
    case BPF_PROG_GET_NEXT_ID: {
      const next = [...programsOf(t).keys()].filter((id) => id > u32(0)).sort((x, y) => x - y)[0];
      if (next === undefined) return ENOENT;
      return isErr(t.space.writeU32(attr + 4, next)) ? EFAULT : 0;
    }
    case BPF_PROG_GET_FD_BY_ID: {
      const program = programsOf(t).get(u32(0));
      return program === undefined ? ENOENT : openProgram(t, program);
    }
    default:
      return EINVAL;
  }
}

export const rows: readonly SyscallRow[] = [[321, 'bpf', 'int,addr,uint', 'partial', sysBpf]];
