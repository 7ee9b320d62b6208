/** What all file systems of one kernel share: identifiers, the clock, the registries. One instance a kernel. */
import type { Errno } from '../abi/errno.ts';
import { ENXIO } from '../abi/errno.ts';
import { makedev } from '../abi/stat.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { AnonymousInodes, type PseudoFileSystem } from './anonymous.ts';
import type { VfsContext, WallClock } from './context.ts';
import type { FileDescription, FileOwner } from './file-description.ts';
import { FileSystemRegistry } from './file-system.ts';
import type { Inode } from './inode.ts';
import type { Mount, Path } from './mount.ts';
import type { EventListeners } from './notify.ts';

/** Opens a special file: the driver of a device number, or the FIFO code. */
export type SpecialOpener = (ctx: VfsContext, inode: Inode, path: Path, flags: number) => FileDescription | Errno;

export class Vfs {
  readonly memory: PhysicalMemory;
  readonly clock: WallClock;
  /** Anonymous inodes: `vfs.anonymous.anonymousPath('[eventfd]')`. */
  readonly anonymous: AnonymousInodes;
  /** File systems without a place that open_by_handle_at(2) reaches by a number of their own (FD_NSFS_ROOT). */
  /** sysctl fs.mount-max: mounts of one namespace. */
  mountMax = 100_000;
  readonly handleRoots: Map<number, PseudoFileSystem> = new Map();
  readonly fileSystems: FileSystemRegistry = new FileSystemRegistry();
  /** Drivers by device number; a whole major when registered with registerMajor. */
  private readonly characterDevices = new Map<number, SpecialOpener>();
  private readonly characterMajors = new Map<number, SpecialOpener>();
  /** Set by fs/pipe. */
  openFifo: SpecialOpener = () => ENXIO;
  /** /proc/sys/fs/protected_symlinks, protected_hardlinks, protected_fifos, protected_regular. */
  protectedSymlinks = false;
  protectedHardlinks = false;
  protectedFifos = 0;
  protectedRegular = 0;
  /** Sends SIGIO or the signal of F_SETSIG; set by the kernel. `reason`: POLL_ code. */
  sendIoSignal: (owner: FileOwner, signo: number, fd: number, reason: number) => void = () => {};
  /** Told of every read from a device, in which the reader stalls; set by the kernel. */
  whileReading: <T>(read: () => T) => T = (read) => read();
  private nextAnonymousMinor = 1;
  private nextMountId = 1;
  private readonly freeMountIds: Set<number> = new Set();
  private readonly peerGroups: Set<number> = new Set();
  private nextUniqueMountId = 0x80000001;

  constructor(memory: PhysicalMemory, clock: WallClock) {
    this.memory = memory;
    this.clock = clock;
    this.anonymous = new AnonymousInodes(this);
  }

  /** An anonymous device number (major 0), as Linux's get_anon_bdev. */
  allocateDev(): number {
    return makedev(0, this.nextAnonymousMinor++);
  }
  allocateMountId(): number {
    if (this.freeMountIds.size === 0) return this.nextMountId++;
    const id = Math.min(...this.freeMountIds);
    this.freeMountIds.delete(id);
    return id;
  }
  freeMountId(id: number): void {
    this.freeMountIds.add(id);
  }
  /** fanotify's; null until a group is made. */
  listeners: EventListeners | null = null;
  /** Told when a mount ends for good: fanotify marks on it go. */
  mountReleased: (mount: Mount) => void = () => {};
  /** Numbers of peer groups: the smallest free one, from 1. */
  allocatePeerGroup(): number {
    let id = 1;
    while (this.peerGroups.has(id)) id++;
    this.peerGroups.add(id);
    return id;
  }
  freePeerGroup(id: number): void {
    this.peerGroups.delete(id);
  }
  allocateUniqueMountId(): number {
    return this.nextUniqueMountId++;
  }

  /** Registers the driver of one character device number (makedev). */
  registerCharacterDevice(dev: number, open: SpecialOpener): void {
    this.characterDevices.set(dev, open);
  }
  /** Registers the driver of all minors of a major (pseudo terminals). */
  registerCharacterMajor(major: number, open: SpecialOpener): void {
    this.characterMajors.set(major, open);
  }
  /** Opens the character device `inode.rdev`; ENXIO if there is no driver. */
  openCharacterDevice(ctx: VfsContext, inode: Inode, path: Path, flags: number): FileDescription | Errno {
    const open = this.characterDevices.get(inode.rdev) ?? this.characterMajors.get(Math.floor(inode.rdev / 0x100000));
    return open === undefined ? ENXIO : open(ctx, inode, path, flags);
  }
}
