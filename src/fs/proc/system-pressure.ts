/** /proc/pressure: stalls of the whole machine, and triggers on them. Linux kernel/sched/psi.c psi_proc_init(). */
import { CAP_SYS_RESOURCE } from '../../abi/capability.ts';
import { EBUSY, EINVAL, isErr } from '../../abi/errno.ts';
import { SEEK_CUR, SEEK_SET } from '../../abi/fcntl.ts';
import { DEFAULT_POLLMASK, POLLERR, POLLPRI } from '../../abi/poll.ts';
import type { Credentials } from '../../auth/credentials.ts';
import type { IoVector } from '../../base/io-vector.ts';
import { WaitQueue } from '../../base/wait-queue.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { PRESSURE_CPU, PRESSURE_IO, PRESSURE_MEMORY, type PressureResource } from '../../kernel/pressure.ts';
import { parseTrigger, type PressureTrigger } from '../../kernel/pressure-trigger.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { Path } from '../../vfs/mount.ts';
import type { PollTable } from '../../vfs/poll.ts';
import { dir, file, special, type SpecialEntry } from '../pseudo/entries.ts';
import { TextFile } from '../pseudo/text-file.ts';
import type { ProcSuperBlock } from './proc-fs.ts';

/** What is taken of a write, its last byte not. */
const MAX_WRITE = 32;

class PressureFile extends TextFile<Kernel> {
  private readonly kernel: Kernel;
  private readonly resource: PressureResource;
  private readonly opener: Credentials;
  private readonly queue: WaitQueue = new WaitQueue();
  private trigger: PressureTrigger | null = null;

  constructor(path: Path, flags: number, kernel: Kernel, resource: PressureResource, opener: Credentials) {
    super(path, flags, file((k: Kernel) => k.cgroups.root.pressure.show(resource, k.clock.monotonicNs())), kernel);
    this.kernel = kernel;
    this.resource = resource;
    this.opener = opener;
  }

  override write(_ctx: VfsContext, iov: IoVector): number {
    const length = iov.remaining;
    if (length === 0) return EINVAL;
    const bytes = new Uint8Array(Math.min(length, MAX_WRITE));
    const n = iov.take(bytes, 0, bytes.length);
    if (n < 0) return n;
    if (this.trigger !== null) return EBUSY;
    const text = String.fromCharCode(...bytes.subarray(0, bytes.length - 1));
    const trigger = parseTrigger(text, this.resource, this.opener.capable(CAP_SYS_RESOURCE), () => this.queue.wake(POLLPRI));
    if (isErr(trigger)) return trigger;
    this.trigger = trigger as PressureTrigger; // no errno
    this.kernel.cgroups.root.pressure.addTrigger(this.trigger, this.kernel.clock.monotonicNs());
    return length;
  }
  override seek(ctx: VfsContext, offset: number, whence: number): number {
    return whence === SEEK_SET || whence === SEEK_CUR ? super.seek(ctx, offset, whence) : EINVAL;
  }
  override poll(table: PollTable | null): number {
    const { trigger } = this;
    if (trigger === null) return DEFAULT_POLLMASK | POLLERR | POLLPRI;
    table?.add(this.queue);
    if (!trigger.event) return DEFAULT_POLLMASK;
    trigger.event = false;
    return DEFAULT_POLLMASK | POLLPRI;
  }
  override release(): void {
    if (this.trigger !== null) this.kernel.cgroups.root.pressure.removeTrigger(this.trigger);
  }
}

const entry = (resource: PressureResource): SpecialEntry<ProcSuperBlock> =>
  special(0o666, (fs, ctx, path, flags) => new PressureFile(path, flags, fs.kernel, resource, ctx.credentials));

export const pressureDirectory: ReturnType<typeof dir<ProcSuperBlock>> = dir({ io: entry(PRESSURE_IO), memory: entry(PRESSURE_MEMORY), cpu: entry(PRESSURE_CPU) });
