/** Maps between ids inside a user namespace and ids of its parent: up to 340 extents, as /proc/PID/uid_map. */
import type { Gid, KGid, KUid, Uid } from '../abi/ids.ts';

/** Ids `first … first+count-1` inside stand for `lower …` globally. */
export interface IdExtent {
  readonly first: number;
  readonly lower: number;
  readonly count: number;
}

/** Lines a map may have (UID_GID_MAP_MAX_EXTENTS). */
export const MAX_EXTENTS = 340;

/** `lower` ids are stored already translated to global ids, so that a look-up is one step whatever the depth. */
export class IdMap {
  readonly extents: readonly IdExtent[];
  constructor(extents: readonly IdExtent[]) {
    this.extents = extents;
  }
  /** Global id of `id`, or -1. */
  down(id: number): number {
    for (const e of this.extents) if (id >= e.first && id < e.first + e.count) return e.lower + (id - e.first);
    return -1;
  }
  /** Id inside of global `id`, or -1. */
  up(id: number): number {
    for (const e of this.extents) if (id >= e.lower && id < e.lower + e.count) return e.first + (id - e.lower);
    return -1;
  }
  /** True if the whole range `first … first+count-1` is mapped by one extent; its global start, or -1. */
  downRange(first: number, count: number): number {
    for (const e of this.extents)
      if (first >= e.first && first + count <= e.first + e.count) return e.lower + (first - e.first);
    return -1;
  }
}

/** The initial namespace's map: every id is itself. */
export const IDENTITY_MAP: IdMap = new IdMap([{ first: 0, lower: 0, count: 0xffffffff }]);
export const EMPTY_MAP: IdMap = new IdMap([]);

export type { Gid, KGid, KUid, Uid };
