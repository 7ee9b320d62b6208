/** procfs: the file system type, its instances, the root directory, self and thread-self. */
import { EBUSY, EINVAL, ENOENT, EPERM, isErr } from '../../abi/errno.ts';
import { ROOT_KGID } from '../../abi/ids.ts';
import type { Errno } from '../../abi/errno.ts';
import { CAP_SYS_ADMIN } from '../../abi/capability.ts';
import { DT_DIR, S_IFDIR } from '../../abi/stat.ts';
import type { UserNamespace } from '../../auth/user-namespace.ts';
import { CONTROLLERS } from '../../kernel/cgroup/controllers.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { liveCounts } from '../../kernel/live-counts.ts';
import type { Pid, PidKeeper } from '../../kernel/pid.ts';
import { PidNamespace } from '../../kernel/pid-namespace.ts';
import { PTRACE_MODE_FSCREDS, PTRACE_MODE_READ, ptraceMayAccess } from '../../kernel/ptrace-access.ts';
import type { Task } from '../../kernel/task.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { FileSystemType } from '../../vfs/file-system.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { MountConfig, MountParameter, ParameterTable } from '../../vfs/mount-config.ts';
import { LOOKUP_FOLLOW, walkPath } from '../../vfs/path-walk.ts';
import type { SuperBlock } from '../../vfs/super-block.ts';
import { NamespaceInode, type NsFs } from '../nsfs/nsfs.ts';
import { dir, file, link } from '../pseudo/entries.ts';
import type { Entries, Entry } from '../pseudo/entries.ts';
import { ListedDirectory, makeInode, permanent, PseudoSuperBlock } from '../pseudo/pseudo-inode.ts';
import type { ListedName, SubjectPolicy } from '../pseudo/pseudo-inode.ts';
import {
  applyProcOptions, HIDEPID_INVISIBLE, HIDEPID_NO_ACCESS, HIDEPID_NOT_PTRACEABLE, HIDEPID_OFF, type ProcOptions, showProcOptions,
} from './proc-options.ts';
import { callerTask, ProcTask } from './proc-task.ts';
import { makeCpuinfo } from './system-cpuinfo.ts';
import { kmsg } from './system-kmsg.ts';
import { keyList, keyUsers } from './system-keys.ts';
import { makeBuddyinfo, makeMeminfo, makeVmstat, makeZoneinfo } from './system-memory.ts';
import { messageQueueTable, semaphoreTable, sharedMemoryTable } from './system-sysvipc.ts';
import { pressureDirectory } from './system-pressure.ts';
import { deviceList, fileSystemList, lockList, ttyDrivers } from './system-tables.ts';
import { makeInterrupts, makeLoadavg, makeStat, makeUptime, makeVersion } from './system-times.ts';
import { sysctlPolicy } from './sysctl/value.ts';
import { sysctlEntries, uuid } from './sysctl/sysctl-entries.ts';
import { makeProcessDirectory } from './task-entries.ts';
import { parseNumber } from './task-files.ts';

const PROC_SUPER_MAGIC = 0x9fa0;
/** Directory positions from here on are process numbers (Linux FIRST_PROCESS_ENTRY). */
const FIRST_PROCESS_ENTRY = 256;

/** Everything at the top that is no process. */
const rootEntries: Entries<ProcSuperBlock> = {
  buddyinfo: file((fs) => makeBuddyinfo(fs.kernel)),
  bus: dir({}),
  cgroups: file((fs) => `#subsys_name\thierarchy\tnum_cgroups\tenabled\n${CONTROLLERS.map((c) => `${c.legacyName}\t0\t${fs.kernel.cgroups.count}\t1\n`).join('')}`),
  cmdline: file(() => 'vivarium\n'),
  consoles: file(() => ''),
  cpuinfo: file((fs) => makeCpuinfo(fs.kernel)),
  crypto: file(() => ''),
  devices: file(deviceList),
  diskstats: file(() => ''),
  execdomains: file(() => '0-0\tLinux           \t[kernel]\n'),
  filesystems: file(fileSystemList),
  fs: dir({}),
  interrupts: file((fs) => makeInterrupts(fs.kernel)),
  'key-users': file(keyUsers),
  keys: file(keyList),
  irq: dir({}),
  kmsg,
  loadavg: file(makeLoadavg),
  locks: file(lockList),
  meminfo: file((fs) => makeMeminfo(fs.kernel)),
  misc: file(() => ''),
  modules: file(() => ''),
  mounts: link(() => 'self/mounts'),
  net: link(() => 'self/net'),
  partitions: file(() => 'major minor  #blocks  name\n\n'),
  pressure: pressureDirectory,
  self: link((fs, ctx) => {
    const number = callerTask(ctx).threadGroup.pid.nr(fs.pidNs);
    return number === 0 ? ENOENT : String(number);
  }),
  softirqs: file((fs) => makeInterrupts(fs.kernel)),
  stat: file((fs, ctx) => makeStat(fs.kernel, callerTask(ctx).nsproxy.time.boottime)),
  swaps: file(() => 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n'),
  sys: dir(sysctlEntries),
  sysvipc: dir({ msg: file(messageQueueTable), sem: file(semaphoreTable), shm: file(sharedMemoryTable) }),
  'thread-self': link((fs, ctx) => {
    const task = callerTask(ctx);
    const number = task.pid.nr(fs.pidNs);
    return number === 0 ? ENOENT : `${task.threadGroup.pid.nr(fs.pidNs)}/task/${number}`;
  }),
  tty: dir({ drivers: file(ttyDrivers), ldiscs: file(() => 'n_tty       0\n') }),
  uptime: file((fs, ctx) => makeUptime(fs.kernel, callerTask(ctx).nsproxy.time.boottime)),
  version: file(makeVersion),
  vmstat: file((fs) => makeVmstat(fs.kernel)),
  zoneinfo: file((fs) => makeZoneinfo(fs.kernel)),
};
const rootNames: readonly string[] = Object.keys(rootEntries);
/** What is left of them with subset=pid. */
const processNames: ReadonlySet<string> = new Set(['self', 'thread-self']);

/** Not listed; only in a kernel whose steps can be made to fail. */
const faultCounts: Entry<ProcSuperBlock> = file((fs) => liveCounts(fs.kernel));

/** What all procfs instances of one kernel share. */
export class ProcShared {
  readonly kernel: Kernel;
  readonly nsfs: NsFs;
  corePattern = 'core';
  readonly bootId: string;
  constructor(kernel: Kernel, nsfs: NsFs) {
    this.kernel = kernel;
    this.nsfs = nsfs;
    this.bootId = uuid(kernel);
  }
}

export class ProcSuperBlock extends PseudoSuperBlock {
  /** Some sysctls belong to whoever owns the caller's namespace. */
  override readonly customPermission = true;
  readonly shared: ProcShared;
  /** Numbers are shown as this namespace sees them. */
  readonly pidNs: PidNamespace;
  readonly options: ProcOptions = { hidepid: HIDEPID_OFF, gid: ROOT_KGID, processesOnly: false };

  constructor(shared: ProcShared, pidNs: PidNamespace) {
    super(shared.kernel.vfs, 'proc', PROC_SUPER_MAGIC);
    this.shared = shared;
    this.pidNs = pidNs;
    pidNs.get();
    this.source = 'proc';
    this.initRoot(new ProcRoot(this, this.allocateInos(1), S_IFDIR | 0o555, this, permanent as SubjectPolicy<ProcSuperBlock>));
  }
  override kill(): void {
    this.pidNs.put();
  }
  override readonly mustBeVisible = true;
  override showOptions(): string {
    return showProcOptions(this.options);
  }
  override remount(ctx: VfsContext, _flags: number, options: string): number {
    return applyProcOptions(this.options, ctx, options);
  }
  /** False if the caller is not to see `task` so: `least` is the weakest hidepid that forbids it (Linux has_pid_permissions). */
  shows(ctx: VfsContext, task: Task, least: number): boolean {
    const { hidepid, gid } = this.options;
    if (hidepid === HIDEPID_OFF) return true;
    if (hidepid !== HIDEPID_NOT_PTRACEABLE && (hidepid < least || ctx.credentials.inGroup(gid))) return true;
    return ptraceMayAccess(callerTask(ctx), task, PTRACE_MODE_READ | PTRACE_MODE_FSCREDS) === 0;
  }
  get kernel(): Kernel {
    return this.shared.kernel;
  }
  get nsfs(): NsFs {
    return this.shared.nsfs;
  }
  get sysctls(): Map<string, number> {
    return this.shared.kernel.sysctls;
  }
  get corePattern(): string {
    return this.shared.corePattern;
  }
  set corePattern(pattern: string) {
    this.shared.corePattern = pattern;
  }
}

class ProcRoot extends ListedDirectory<ProcSuperBlock> implements PidKeeper {
  private readonly firstIno: number = this.subject.allocateInos(rootNames.length + 1);
  /** Inode numbers of process directories by process number, while the process lives. */
  private readonly inos: Map<number, number> = new Map();

  private inoOf(number: number): number {
    let ino = this.inos.get(number);
    if (ino === undefined) {
      ino = this.subject.allocateInos(1);
      this.inos.set(number, ino);
    }
    return ino;
  }

  override lookup(ctx: VfsContext, name: string): Inode | Errno {
    const { processesOnly, hidepid } = this.subject.options;
    if (Object.hasOwn(rootEntries, name) && (!processesOnly || processNames.has(name))) {
      // hasOwn above makes the look-up succeed.
      return makeInode(this.subject, this.firstIno + rootNames.indexOf(name), rootEntries[name] as Entry<ProcSuperBlock>, this.subject, name === 'sys' ? sysctlPolicy : this.policy);
    }
    if (name === 'fault-counts' && this.subject.kernel.faultInjection) return makeInode(this.subject, this.firstIno + rootNames.length, faultCounts, this.subject, this.policy);
    const number = parseNumber(name);
    const pid = number <= 0 ? null : this.subject.pidNs.find(number);
    // Threads are found too, though only thread-group leaders are listed, as in Linux.
    if (pid?.task == null) return ENOENT;
    if (hidepid === HIDEPID_NOT_PTRACEABLE && !this.subject.shows(ctx, pid.task, HIDEPID_NO_ACCESS)) return ENOENT;
    pid.keep(this);
    return makeProcessDirectory(this.sb, this.inoOf(number), new ProcTask(this.subject, pid, true));
  }

  override list(ctx: VfsContext, cookie: number): readonly ListedName[] {
    const names: ListedName[] = [];
    for (let i = Math.max(0, cookie - 2); i < rootNames.length; i++) {
      const name = rootNames[i] as string;
      if (this.subject.options.processesOnly && !processNames.has(name)) continue;
      const kind = (rootEntries[name] as Entry<ProcSuperBlock>).kind;
      names.push({ name, ino: this.firstIno + i, dtype: kind === 'directory' ? DT_DIR : kind === 'link' ? 10 : 8, cookie: i + 2 });
    }
    const numbers: number[] = [];
    for (const pid of this.subject.pidNs.all()) {
      if (pid.threadGroup === null || pid.task === null || !this.subject.shows(ctx, pid.task, HIDEPID_INVISIBLE)) continue;
      const number = pid.nr(this.subject.pidNs);
      if (number + FIRST_PROCESS_ENTRY >= cookie) numbers.push(number);
      pid.keep(this);
    }
    for (const n of numbers.sort((a, b) => a - b)) names.push({ name: String(n), ino: this.inoOf(n), dtype: DT_DIR, cookie: n + FIRST_PROCESS_ENTRY });
    return names;
  }

  taskReleased(pid: Pid): void {
    const number = pid.nr(this.subject.pidNs);
    this.inos.delete(number);
    this.sb.root.forgetChild(String(number));
  }

  override refresh(ctx: VfsContext): number {
    let processes = 0;
    for (const pid of this.subject.pidNs.all()) if (pid.threadGroup !== null) processes++;
    this.nlink = 2 + processes;
    return super.refresh(ctx);
  }
}

/** The file system type "proc": every mount is an instance of its own, for the PID namespace of the task that mounts it, or the one that it names. */
export class ProcFileSystem implements FileSystemType {
  readonly name = 'proc';
  readonly requiresDevice = false;
  readonly userNamespaceMount = true;
  readonly parameters: ParameterTable = { gid: 'u32', hidepid: 'string', subset: 'string', pidns: 'file' };
  private readonly shared: ProcShared;
  constructor(kernel: Kernel, nsfs: NsFs) {
    this.shared = new ProcShared(kernel, nsfs);
  }
  owner(ctx: VfsContext): UserNamespace {
    return callerTask(ctx).pid.ns.userNs;
  }
  checkParameter(ctx: VfsContext, config: MountConfig, p: MountParameter): number {
    if (p.key === 'pidns') return this.checkPidns(ctx, config, p);
    const scratch = { hidepid: HIDEPID_OFF, gid: ROOT_KGID, processesOnly: false };
    if (applyProcOptions(scratch, ctx, `${p.key}=${p.text}`) === 0) return 0;
    if (p.key === 'hidepid') return config.refuse(`unknown value of hidepid - ${p.text}\n`);
    return p.key === 'subset' ? config.refuse(`unsupported subset option - ${p.text.split('+').find((w) => w !== 'pid')}\n`) : EINVAL;
  }
  /** pidns=: the PID namespace to show, which the caller must administer. */
  private checkPidns(ctx: VfsContext, config: MountConfig, p: MountParameter): number {
    if (config.sb !== null) return config.refuse('cannot reconfigure pidns for existing procfs', EBUSY);
    const ns = this.pidnsOf(ctx, p);
    if (isErr(ns)) return ns === EINVAL ? config.refuse('pidns argument is not an nsfs file') : config.refuse('could not get file from pidns argument', ns);
    if (ns === null) return config.refuse('pidns argument is not a pidns file');
    if (!ctx.credentials.nsCapable(ns.userNs, CAP_SYS_ADMIN)) return config.refuse('insufficient permissions to set pidns', EPERM);
    config.userNs = ns.userNs;
    return 0;
  }
  private pidnsOf(ctx: VfsContext, p: MountParameter): PidNamespace | null | Errno {
    const place = p.file?.path ?? walkPath(ctx, null, p.text, LOOKUP_FOLLOW);
    if (isErr(place)) return place;
    const ns = place.dentry.inode instanceof NamespaceInode ? place.dentry.inode.namespace : EINVAL;
    if (isErr(ns)) return ns;
    return ns instanceof PidNamespace ? ns : null;
  }
  mount(ctx: VfsContext, source: string, flags: number, _options: string, config: MountConfig | null): SuperBlock | Errno {
    const named = config?.parameters.findLast((p) => p.key === 'pidns');
    const ns = named === undefined ? callerTask(ctx).pid.ns : this.pidnsOf(ctx, named);
    if (isErr(ns)) return ns;
    const sb = new ProcSuperBlock(this.shared, ns ?? callerTask(ctx).pid.ns);
    sb.source = source;
    sb.flags = flags;
    const r = config === null ? 0 : applyProcOptions(sb.options, ctx, config.optionText('pidns'));
    return r < 0 ? (r as Errno) : sb;
  }
}
