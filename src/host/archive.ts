/** File archives as a host hands them over, entry by entry, in the order of the archive. */

export type ArchiveEntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'character-device' | 'block-device' | 'fifo';

/** Names are byte strings. */
export interface ArchiveEntry {
  /** Path from the root of the archive, without a slash in front. */
  readonly path: string;
  readonly type: ArchiveEntryType;
  /** Permission bits, 07777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since the epoch. */
  readonly mtimeSec: number;
  /** Target of a symbolic link; path of the first name of a hard link. */
  readonly target: string;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly data: Uint8Array;
}
