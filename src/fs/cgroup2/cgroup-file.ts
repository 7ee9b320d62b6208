/** An open file of a cgroup. Linux fs/kernfs/file.c, cgroup_file_write(). */
import { EINVAL, ENODEV, EPERM, isErr } from '../../abi/errno.ts';
import { DEFAULT_POLLMASK, POLLERR, POLLPRI } from '../../abi/poll.ts';
import type { IoVector } from '../../base/io-vector.ts';
import type { Cgroup } from '../../kernel/cgroup/cgroup.ts';
import type { EventFile } from '../../kernel/cgroup/event-file.ts';
import { Task } from '../../kernel/task.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { Path } from '../../vfs/mount.ts';
import type { PollTable } from '../../vfs/poll.ts';
import { bytesOf } from '../pseudo/text-file.ts';
import type { CgroupFileType, OpenState } from './file-type.ts';

/** A write is at most a page. */
const MAX_WRITE = 4096;

export class CgroupFile extends FileDescription {
  private readonly cgroup: Cgroup;
  private readonly type: CgroupFileType;
  private readonly state: OpenState;
  private readonly events: EventFile | null;
  private seen: number;
  private text: Uint8Array | null = null;

  constructor(path: Path, flags: number, cgroup: Cgroup, type: CgroupFileType, t: Task) {
    super(path, flags);
    this.cgroup = cgroup;
    this.type = type;
    this.state = { watcher: null, trigger: null, opener: { credentials: t.credentials, namespace: t.nsproxy.cgroup } };
    this.events = type.waits || type.triggers ? cgroup.eventFile(type.name) : null;
    this.seen = this.events?.count ?? 0;
  }

  /** The group is gone, or the controller was taken away from it. */
  private get gone(): boolean {
    const { controller, where } = this.type;
    return this.cgroup.dead || (controller !== 0 && where === 'child' && (this.cgroup.controllers & controller) === 0);
  }

  override read(ctx: VfsContext, iov: IoVector, offset: number): number {
    const at = offset < 0 ? this.pos : offset;
    if (this.gone) return ENODEV;
    if (this.text === null || at === 0) {
      if (this.type.show === null) return EINVAL;
      this.seen = this.events?.count ?? 0;
      const made = this.type.show(this.cgroup, ctx as Task, this.state);
      if (isErr(made)) return made;
      this.text = bytesOf(made as string);
    }
    if (at >= this.text.length) return 0;
    const n = iov.put(this.text, at, Math.min(iov.remaining, this.text.length - at));
    if (n > 0 && offset < 0) this.pos = at + n;
    return n;
  }

  override write(ctx: VfsContext, iov: IoVector, offset: number): number {
    const { cgroup, type, state } = this;
    if (this.gone) return ENODEV;
    if (type.write === null || !(ctx instanceof Task)) return EINVAL;
    const bytes = new Uint8Array(Math.min(iov.remaining, MAX_WRITE));
    const n = iov.take(bytes, 0, bytes.length);
    if (n < 0) return n;
    if (n === 0) return 0;
    const ns = state.opener.namespace;
    if (cgroup.hierarchy.nsDelegate && !type.delegatable && ns.root === cgroup && !ns.root.isRoot) return EPERM;
    let text = '';
    for (let i = 0; i < n && bytes[i] !== 0; i++) text += String.fromCharCode(bytes[i]!); // in range
    const r = type.write(cgroup, text, ctx, state);
    if (r < 0) return r;
    this.text = null;
    if (offset < 0) this.pos += n;
    return n;
  }

  private pollTrigger(): number {
    const { trigger } = this.state;
    if (trigger === null) return DEFAULT_POLLMASK | POLLERR | POLLPRI;
    if (!trigger.event) return DEFAULT_POLLMASK;
    trigger.event = false;
    return DEFAULT_POLLMASK | POLLPRI;
  }

  override release(): void {
    if (this.state.watcher !== null) this.cgroup.memory?.account.unwatch(this.state.watcher);
    if (this.state.trigger !== null) this.cgroup.pressure.removeTrigger(this.state.trigger);
  }

  override poll(table: PollTable | null): number {
    if (this.events === null) return DEFAULT_POLLMASK;
    if (table !== null) table.add(this.events.queue);
    if (this.type.triggers && !this.gone) return this.pollTrigger();
    return this.gone || this.seen !== this.events.count ? DEFAULT_POLLMASK | POLLERR | POLLPRI : DEFAULT_POLLMASK;
  }
}
