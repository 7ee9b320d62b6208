/** What memory needs from the platform that caches translations: TLB entries and machine code made from frames. */
import type { AddressSpace } from './address-space.ts';
import type { MemoryObject } from './memory-object.ts';

export interface PlatformHooks {
  /** Forgets all TLB entries of `space`. */
  flushSpace(space: AddressSpace): void;
  /** Forgets the TLB entries of one page (`vpn` = address / 4096) of `space`. */
  invalidatePage(space: AddressSpace, vpn: number): void;
  /** Executable memory that is the space's own appeared where there was none. */
  codeAdded(space: AddressSpace): void;
  /** [start, end) of `space` maps `object` executable, from page `page` of it on, where nothing executable was. */
  codeMapped(space: AddressSpace, start: number, end: number, object: MemoryObject, page: number): void;
  /** Executable pages of `space` went away, lost EXEC or got another frame: code found by address must be checked again. Once an operation. */
  execChanged(space: AddressSpace): void;
  /** `child` was made from `parent` by fork: same code at the same addresses. */
  forked(parent: AddressSpace, child: AddressSpace): void;
  /** The bytes of `frame` are about to change or go away: translations made from them must not be used again; clears FRAME_CODE. */
  codeWillChange(frame: number): void;
  /** `space` is torn down. */
  releaseSpace(space: AddressSpace): void;
}

/** Hooks for tests and for the time before a platform is attached: nothing is cached. */
export class NoPlatform implements PlatformHooks {
  flushSpace(): void {}
  invalidatePage(): void {}
  execChanged(): void {}
  codeAdded(): void {}
  codeMapped(): void {}
  forked(): void {}
  codeWillChange(): void {}
  releaseSpace(): void {}
}
