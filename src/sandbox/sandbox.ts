/** A sandbox: one kernel with its memory, platform and file systems, put together here and nowhere else. */
import { EACCES, EINVAL, ENOENT, ENOTDIR, isErr } from '../abi/errno.ts';
import type { Errno } from '../abi/errno.ts';
import { ERRNO_MESSAGES } from '../abi/errno-text.ts';
import { SIG_IGN, SIGCONT, SIGKILL, SIGWINCH } from '../abi/signal.ts';
import { registerMemoryDevices } from '../fs/dev/memory-devices.ts';
import { HostSocket } from '../fs/dev/host-socket.ts';
import { registerTunDevice } from '../fs/dev/tun-device.ts';
import { HostStreams } from '../fs/dev/host-stream.ts';
import { registerTtyDevices } from '../fs/dev/tty-devices.ts';
import { devptsType } from '../fs/devpts/devpts.ts';
import { registerPtmx } from '../fs/devpts/ptmx.ts';
import { kindOf, NsFs } from '../fs/nsfs/nsfs.ts';
import { CgroupType } from '../fs/cgroup2/cgroup-fs.ts';
import { MqueueType } from '../fs/mqueue/mqueue-fs.ts';
import { OverlayType } from '../fs/overlay/overlay-type.ts';
import { openFifo } from '../fs/pipe/fifo.ts';
import { ProcFileSystem } from '../fs/proc/proc-fs.ts';
import { SysFileSystem } from '../fs/sys/sys-fs.ts';
import { RamfsType } from '../fs/tmpfs/ramfs.ts';
import { TmpfsType } from '../fs/tmpfs/tmpfs.ts';
import { HostTty } from '../fs/tty/host-tty.ts';
import { openTty } from '../fs/tty/open-tty.ts';
import type { ArchiveEntry } from '../host/archive.ts';
import type { Host, HostDriver, HostStream } from '../host/host.ts';
import type { HostStorage } from '../host/storage.ts';
import { Kernel } from '../kernel/kernel.ts';
import { Timer } from '../base/timers.ts';
import type { Task } from '../kernel/task.ts';
import type { ThreadGroup } from '../kernel/thread-group.ts';
import { Vdso } from '../loader/vdso.ts';
import { Platform, preparePlatform } from '../platform/platform.ts';
import { CPU_AREA, CPU_AREA_END, FIRST_FRAME } from '../platform/layout.ts';
import { GuestSymbols } from '../seccheck/guest-symbols.ts';
import { SYSCALL_HANDLERS, SYSCALL_ROWS, missingCalls } from '../syscalls/table.ts';
import { SYSCALL_NAMES } from '../abi/syscall-numbers.ts';
import { FdTable } from '../vfs/fd-table.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import { FsContext } from '../vfs/fs-context.ts';
import type { Path } from '../vfs/mount.ts';
import { cpuid } from '../x86/cpuid.ts';
import type { ExitStatus, RootSource, SandboxOptions } from './options.ts';
import { type LoadedRoot, RootFileSystem } from './root-file-system.ts';
import { SetupError } from './setup-error.ts';
import { credentialsFor } from './user-lookup.ts';

/** Size of the linear memory: everything addressable with offsets that are small integers to the engine. */
const LINEAR_MEMORY_BYTES = 2147418112;
const DEFAULT_HOSTNAME = 'vivarium';
/** The terminal's number in /dev/pts. */
const TERMINAL_INDEX = 0;

/** Counters, for --stats. */
export interface SandboxStats {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly processes: number;
  readonly contextSwitches: number;
  readonly peakMemoryMiB: number;
  readonly regionsInterpreted: number;
  readonly regionsTranslated: number;
  /** Taken from an earlier run's. */
  readonly regionsStored: number;
  readonly instructionsTranslated: number;
  readonly wasmBytes: number;
  readonly tlbMisses: number;
  readonly platformExits: number;
  readonly promotions: number;
  readonly codeStores: number;
  /** Calls that returned ENOSYS because they are not implemented: name and how often. */
  readonly missingSystemCalls: string;
}

/** Makes what does not depend on the options: before a start-up snapshot is taken. */
export function prepareSandboxes(): void {
  preparePlatform(LINEAR_MEMORY_BYTES);
}

class Deadline extends Timer {
  private readonly sandbox: Sandbox;
  constructor(sandbox: Sandbox) {
    super();
    this.sandbox = sandbox;
  }
  override expire(): void {
    this.sandbox.timedOut();
  }
}

export class Sandbox {
  readonly kernel: Kernel;
  private readonly host: Host;
  private readonly options: SandboxOptions;
  private readonly platform: Platform;
  private readonly tree: RootFileSystem;
  private readonly terminal: HostTty | null;
  private result: ExitStatus | null = null;
  /** The first program was stopped since the last look. */
  private suspended: ThreadGroup | null = null;
  /** Tasks whose unimplemented instruction was reported, by address. */
  private readonly reported: Set<string> = new Set();

  /** Throws SetupError when the root, a mount or the user cannot be had. */
  constructor(host: Host, options: SandboxOptions, root: LoadedRoot) {
    this.host = host;
    this.options = options;
    let kernel: Kernel | null = null;
    const platform = new Platform({
      memoryBytes: LINEAR_MEMORY_BYTES,
      // The kernel needs the platform's memory and the platform the kernel's calls: the kernel is there before any guest code runs.
      host: {
        syscall: (cpu) => (kernel as Kernel).dispatcher.syscall(cpu),
        timestamp: () => (kernel as Kernel).clock.monotonicNs(),
        refuel: () => (kernel as Kernel).refuel(),
      },
    });
    this.platform = platform;
    const { memory } = platform;
    if (options.memory !== undefined) memory.limit = Math.min(memory.limit, Math.max(1024, Math.floor(options.memory / 4096)));
    kernel = new Kernel({
      host,
      memory,
      cpuArea: { start: CPU_AREA, end: Math.min(CPU_AREA_END, FIRST_FRAME * 4096) },
      handlers: SYSCALL_HANDLERS,
      hostname: options.hostname ?? DEFAULT_HOSTNAME,
      vdso: new Vdso(memory),
      hwcap: (cpuid(1, 0)[3] ?? 0) >>> 0,
      hwcap2: 0,
      faultInjection: options.faultInjection ?? false,
      cpus: Math.max(1, Math.min(32, options.cpus ?? host.machine.cpus)),
    });
    this.kernel = kernel;
    kernel.platform = platform;
    this.terminal = this.openTerminal();
    this.registerFileSystems();
    this.tree = this.buildTree(root);
    this.connectTerminal();
    kernel.onIllegalInstruction = (task) => this.reportInstruction(task);
    if (options.symbols === true) {
      const symbols = new GuestSymbols(kernel.init);
      platform.nameRegion = (space, rip) => symbols.name(space, rip);
    }
  }

  private registerFileSystems(): void {
    const { kernel, host } = this;
    const { vfs } = kernel;
    const types = vfs.fileSystems;
    types.register(new SysFileSystem(kernel));
    types.register(new TmpfsType(vfs));
    types.register(new RamfsType(vfs));
    const nsfs = new NsFs(vfs);
    kernel.openNamespace = (t, ns) => nsfs.open(t, kindOf(ns), ns);
    types.register(new ProcFileSystem(kernel, nsfs));
    types.register(devptsType);
    types.register(new OverlayType(vfs));
    types.register(new MqueueType(kernel));
    types.register(new CgroupType(kernel));
    vfs.openFifo = openFifo;
    registerMemoryDevices(vfs, host);
    registerTunDevice(vfs);
    registerTtyDevices(vfs, this.terminal);
    registerPtmx(vfs);
  }

  private openTerminal(): HostTty | null {
    const [input, output, errors] = this.host.stdio;
    if (this.host.terminal === null) return null;
    const readable = [input, output, errors].find((s) => s.kind === 'tty' && s.readable);
    const writable = [output, errors, input].find((s) => s.kind === 'tty' && s.writable);
    return readable !== undefined && writable !== undefined ? new HostTty(TERMINAL_INDEX, readable, writable) : null;
  }

  private buildTree(root: LoadedRoot): RootFileSystem {
    const { kernel, host, options } = this;
    const tree = new RootFileSystem(kernel, host.files, root);
    const rootPath = tree.namespace.rootPath();
    kernel.init.fsContext = new FsContext(rootPath, rootPath, 0);
    kernel.init.files = new FdTable();
    kernel.kernelThreads.enterRoot(rootPath, new FdTable());
    tree.mountSystem();
    for (const mount of options.mounts ?? []) tree.mountHost(mount);
    return tree;
  }

  /** Names the owner's terminal inside and makes it the one that controls init's session. */
  private connectTerminal(): void {
    const { terminal, host } = this;
    if (terminal === null || host.terminal === null) return;
    const { uid, gid } = host.identity;
    this.tree.devpts.addTerminal(TERMINAL_INDEX, terminal, uid as never, gid as never);
    terminal.winsize.row = host.terminal.rows();
    terminal.winsize.col = host.terminal.columns();
    host.terminal.setRaw(true);
  }

  /** Descriptors 0-2 as the host gave them. */
  private standardStreams(task: Task): FdTable {
    const table = new FdTable();
    const streams = new HostStreams(this.kernel.vfs, this.host.files);
    this.host.stdio.forEach((stream, fd) => {
      const description = this.openStream(task, stream, streams);
      if (!isErr(description)) table.replace(fd, description as FileDescription, false);
    });
    return table;
  }

  private openStream(task: Task, stream: HostStream, streams: HostStreams): FileDescription | Errno {
    if (stream.kind === 'tty' && this.terminal !== null) return this.openOwnTerminal(task);
    if (stream.kind === 'socket') return this.kernel.sockets.open(task, new HostSocket(task.nsproxy.net, stream), false);
    return streams.open(stream);
  }

  private openOwnTerminal(task: Task): FileDescription | Errno {
    const place = this.tree.find(`/dev/pts/${TERMINAL_INDEX}`);
    if (isErr(place) || this.terminal === null) return ENOENT;
    const path = place as Path;
    return openTty(task, path.dentry.inode!, path, 2, this.terminal, true); // find() gives positive entries
  }

  /** The path that `name` stands for, as execvp looks it up: an errno and the path that gave it if there is none. */
  private findProgram(name: string, env: readonly string[], cwd: string): string | { errno: Errno } {
    if (name.includes('/')) return name;
    if (name === '') return { errno: ENOENT };
    const search = env.find((e) => e.startsWith('PATH='))?.slice(5) ?? '/bin:/usr/bin';
    let errno: Errno = ENOENT;
    for (const folder of search.split(':')) {
      const path = `${folder === '' ? cwd : folder}/${name}`;
      const found = this.tree.find(path.startsWith('/') ? path : `${cwd}/${path}`);
      if (isErr(found)) {
        if (found !== ENOENT && found !== ENOTDIR) errno = found;
        continue;
      }
      const inode = (found as Path).dentry.inode;
      if (inode === null || !inode.isRegular || (inode.mode & 0o111) === 0) {
        errno = EACCES;
        continue;
      }
      return path;
    }
    return { errno };
  }

  /** Runs a program (byte strings; the first word is looked up in PATH) until it ends, and what it left running is killed. */
  run(argv: readonly string[]): Promise<ExitStatus> {
    const { options, kernel } = this;
    const env = options.env ?? [];
    const cwd = options.cwd ?? '/';
    let credentials: ReturnType<typeof credentialsFor>;
    try {
      credentials = credentialsFor(kernel, this.tree, options.user ?? { kind: 'ids', uid: 0, gid: 0, groups: [] });
    } catch (error) {
      if (error instanceof SetupError) return this.notStarted('setup', error.errno, error.message);
      throw error;
    }
    const cwdPath = this.tree.find(cwd);
    if (isErr(cwdPath)) return this.notStarted('setup', -cwdPath, `${cwd}: the working directory is not there inside`);
    const name = argv[0] ?? '';
    const program = this.findProgram(name, env, cwd);
    if (typeof program !== 'string') return this.notStarted('exec', -program.errno, `${name}: ${explain(program.errno)}`);
    this.useTranslations(program);
    const fdTable = this.standardStreams(kernel.init);
    const rootPath = this.tree.namespace.rootPath();
    const task = kernel.startProgram({
      path: program,
      argv,
      envp: env,
      mountNamespace: this.tree.namespace,
      root: rootPath,
      cwd: cwdPath as Path,
      umask: options.umask ?? 0o22,
      credentials,
      fdTable,
      onExit: (status) => this.ended(status),
    });
    if (isErr(task)) return this.notStarted('exec', -task, `${name}: ${explain(task)}`);
    this.inherit(task as Task);
    this.takeTerminal(task as Task);
    kernel.hostSignal = (signo) => this.ownerSignal(signo);
    kernel.onProgramStopped = (program) => {
      if (program === (task as Task).threadGroup) this.suspended = program;
    };
    if (options.timeout !== undefined) kernel.timers.arm(new Deadline(this), kernel.clock.monotonicNs() + options.timeout);
    return new Promise((resolve) => {
      this.host.drive(this.driver(), () => {
        this.keepTranslations();
        resolve(this.result ?? { kind: 'signaled', signal: SIGKILL, coreDumped: false });
      });
    });
  }

  private storage: HostStorage | null = null;
  private storageKey = '';

  /** Takes in what an earlier run of `program` had translated. */
  private useTranslations(program: string): void {
    const { translations, symbols } = this.options;
    // Names for a profiler come from translating.
    if (translations === undefined || symbols === true) return;
    const storage = this.host.storage(translations.place);
    if (storage === null) return;
    this.storage = storage;
    this.storageKey = `${translations.version} ${LINEAR_MEMORY_BYTES} ${program}`;
    this.platform.useImage(storage.read(this.storageKey), this.storageKey, storage);
  }

  private keepTranslations(): void {
    const { storage } = this;
    if (storage === null || this.result?.kind === 'internal-error') return;
    const image = this.platform.storeImage(this.storageKey);
    if (image === null) storage.remove(this.storageKey);
    else if (image !== 'unchanged') storage.write(this.storageKey, image);
  }

  /** The kernel for the host; a bug in it ends the sandbox and nothing else. */
  private driver(): HostDriver {
    const { kernel } = this;
    return {
      run: () => {
        try {
          const next = kernel.run();
          if (this.suspended === null) return next;
          this.suspend(this.suspended);
          return 0;
        } catch (error) {
          const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
          const calls = kernel.dispatcher.recent().map(({ tid, nr }) => `${tid}:${SYSCALL_NAMES[nr] ?? nr}`).join(' ');
          this.result = { kind: 'internal-error', message: `${detail}\n  last system calls: ${calls}` };
          kernel.stop();
          return -1;
        }
      },
      hostSignal: (signo) => kernel.hostSignal(signo),
    };
  }

  /** The first program was stopped: the whole sandbox stops as a job of the owner's shell, and goes on when that continues it. */
  private suspend(program: ThreadGroup): void {
    const { host, terminal } = this;
    this.suspended = null;
    if (terminal === null || host.terminal === null) return;
    host.terminal.suspend();
    terminal.resize(host.terminal.rows(), host.terminal.columns(), 0, 0);
    // What the owner's shell does for a job that comes to the foreground.
    const group = program.processGroup;
    terminal.pgrp = group;
    group?.signal(SIGCONT);
  }

  /** What the owner gave the first process besides its credentials. */
  private inherit(task: Task): void {
    const { limits } = task.threadGroup;
    for (const { resource, soft, hard } of this.options.limits ?? []) {
      limits.soft[resource] = soft;
      limits.hard[resource] = hard;
    }
    task.sched.nice = this.options.nice ?? 0;
    task.sched.refill();
    for (const signo of this.options.ignoredSignals ?? []) task.actions.setHandler(signo, SIG_IGN);
  }

  /** The first program is a session's foreground group on the owner's terminal. */
  private takeTerminal(task: Task): void {
    const { terminal, kernel } = this;
    if (terminal === null) return;
    const { session } = kernel.init.threadGroup;
    terminal.session = session;
    session.tty = terminal;
    terminal.pgrp = task.threadGroup.processGroup;
    kernel.init.threadGroup.tty = terminal;
    task.threadGroup.tty = terminal;
  }

  private notStarted(stage: 'setup' | 'exec', errno: number, message: string): Promise<ExitStatus> {
    this.host.terminal?.setRaw(false);
    return Promise.resolve({ kind: 'not-started', stage, errno, message });
  }

  private ended(status: number): void {
    if (this.result !== null) return;
    const signal = status & 0x7f;
    this.result = signal === 0 ? { kind: 'exited', code: (status >> 8) & 0xff } : { kind: 'signaled', signal, coreDumped: (status & 0x80) !== 0 };
    this.kernel.stop();
  }

  /** The time given is over. */
  timedOut(): void {
    this.result ??= { kind: 'timeout' };
    this.kernel.stop();
  }

  /** A signal that was sent to this process on the host. */
  private ownerSignal(signo: number): void {
    const { terminal, host, kernel } = this;
    if (signo === SIGWINCH && terminal !== null && host.terminal !== null) {
      terminal.resize(host.terminal.rows(), host.terminal.columns(), 0, 0);
      return;
    }
    kernel.signalAll(signo);
  }

  /** Ends everything inside at once. */
  kill(): void {
    this.result ??= { kind: 'signaled', signal: SIGKILL, coreDumped: false };
    this.kernel.stop();
    this.host.wakeUp();
  }

  /** Tells the owner once about every instruction that is not implemented. */
  private reportInstruction(task: Task): void {
    const { rip } = task.regs;
    const bytes = new Uint8Array(15);
    const n = task.mm === null ? 0 : task.mm.copyIn(rip, bytes, 0, bytes.length);
    const text = Array.from(bytes.subarray(0, Math.max(0, n)), (b) => b.toString(16).padStart(2, '0')).join(' ');
    if (this.reported.has(text)) return;
    this.reported.add(text);
    this.options.report?.(`instruction that is not implemented, in ${task.comm} (pid ${task.tgid}) at 0x${rip.toString(16)}: ${text}`);
  }

  stats(): SandboxStats {
    const { kernel, platform } = this;
    const missing = [...missingCalls].map(([nr, n]) => `${SYSCALL_NAMES[nr] ?? nr} ${n}`).join(', ');
    return {
      seconds: kernel.clock.monotonicNs() / 1e9,
      cpuSeconds: kernel.cpuTime / 1e9,
      processes: kernel.pidNs.last - 1,
      contextSwitches: kernel.switches,
      peakMemoryMiB: Math.round(platform.memory.peak / 256),
      regionsInterpreted: platform.stats.interpreted,
      regionsTranslated: platform.stats.regions,
      regionsStored: platform.stats.stored,
      instructionsTranslated: platform.stats.instructions,
      wasmBytes: platform.stats.wasmBytes,
      tlbMisses: platform.stats.tlbMisses,
      platformExits: platform.stats.exits,
      promotions: platform.stats.promotions,
      codeStores: platform.stats.codeStores,
      missingSystemCalls: missing === '' ? 'none' : missing,
    };
  }
}

/** strerror(3), in the words of a shell for a program that is not there. */
function explain(errno: Errno): string {
  return errno === ENOENT ? 'command not found' : (ERRNO_MESSAGES[-errno] ?? `error ${-errno}`);
}

/** Reads the archive of a root that is one. Throws SetupError. */
async function loadRoot(host: Host, root: RootSource): Promise<LoadedRoot> {
  if (root.kind !== 'tar') return root;
  const entries: ArchiveEntry[] = [];
  try {
    for await (const entry of host.readArchive(root.path)) entries.push(entry);
  } catch (error) {
    throw new SetupError(-EINVAL, `${root.path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (entries.length === 0) throw new SetupError(-EINVAL, `${root.path}: not a tar archive, or an empty one`);
  return { kind: 'entries', entries };
}

/** Makes a sandbox on `host`. Throws SetupError. */
export async function createSandbox(host: Host, options: SandboxOptions): Promise<Sandbox> {
  const sandbox = new Sandbox(host, options, await loadRoot(host, options.root ?? { kind: 'host' }));
  if (options.trace !== undefined) {
    const { Strace } = await import('../seccheck/strace.ts');
    sandbox.kernel.trace = new Strace((nr) => {
      const row = SYSCALL_ROWS[nr] ?? null;
      return row === null ? { name: SYSCALL_NAMES[nr] || `syscall_${nr}`, args: 'hex,hex,hex,hex,hex,hex' } : { name: row[1], args: row[2] };
    }, options.trace);
  }
  return sandbox;
}
