/** System V shared memory segments. Source: Linux 6.18 ipc/shm.c. */
import { SHM_DEST } from '../abi/ipc.ts';
import type { Credentials } from '../auth/credentials.ts';
import { PageCache } from '../memory/page-cache.ts';
import type { MappedFile } from '../memory/memory-object.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { IpcObject, type IpcNamespace } from './ipc-namespace.ts';
import type { Kernel } from './kernel.ts';
import type { Pid } from './pid.ts';

export class SharedSegment extends IpcObject implements MappedFile {
  readonly ns: IpcNamespace;
  readonly kernel: Kernel;
  /** Bytes, as asked for. */
  readonly size: number;
  readonly memory: PageCache;
  /** Thread groups. */
  readonly creator: Pid;
  last: Pid | null = null;
  /** Mappings of it in all address spaces. */
  attached = 0;
  /** Seconds since the epoch. */
  atime = 0;
  dtime = 0;
  ctime: number;
  constructor(kernel: Kernel, ns: IpcNamespace, key: number, mode: number, c: Credentials, size: number, pm: PhysicalMemory, creator: Pid) {
    super(key, mode, c);
    this.kernel = kernel;
    this.ns = ns;
    this.size = size;
    this.memory = new PageCache(pm, null);
    this.memory.truncate(size);
    this.creator = creator;
    kernel.clock.update();
    this.ctime = kernel.clock.sec;
  }
  get pages(): number {
    return Math.ceil(this.size / 4096);
  }

  // Each mapping holds one reference: shm_open() and shm_close() of the vm_operations.
  ref(): void {
    this.attached++;
    this.kernel.clock.update();
    this.atime = this.kernel.clock.sec;
    this.last = this.kernel.current?.threadGroup.pid ?? this.last;
  }
  unref(): void {
    this.attached--;
    this.kernel.clock.update();
    this.dtime = this.kernel.clock.sec;
    this.last = this.kernel.current?.threadGroup.pid ?? this.last;
    if (this.attached === 0 && (this.mode & SHM_DEST || this.ns.shmRmidForced)) this.destroy();
  }
  mapsPath(): string {
    return `/SYSV${(this.key >>> 0).toString(16).padStart(8, '0')} (deleted)`;
  }
  mapsDev(): number {
    return 1;
  }
  mapsIno(): number {
    return this.id;
  }

  /** IPC_RMID: gone at once, or with the last mapping. */
  markForRemoval(): void {
    if (this.attached > 0) {
      this.mode |= SHM_DEST;
      this.ns.shm.forgetKey(this);
    } else this.destroy();
  }
  private destroy(): void {
    if (this.deleted) return;
    this.ns.shmTotal -= this.pages;
    this.ns.shm.remove(this);
    this.memory.unref();
  }
}
