/** A key: Linux struct key. */
import type { Errno } from '../../abi/errno.ts';
import { KEY_POS_LINK, KEY_POS_READ, KEY_POS_SEARCH, KEY_POS_SETATTR, KEY_POS_VIEW, KEY_POS_WRITE, KEY_USR_VIEW } from '../../abi/keyctl.ts';
import type { KGid, KUid } from '../../abi/ids.ts';
import { WaitQueue } from '../../base/wait-queue.ts';
import type { Credentials } from '../credentials.ts';
import type { KeyUser } from './key-table.ts';

/** Bits of `flags`: KEY_FLAG_*. */
export const KEY_REVOKED = 1, KEY_IN_QUOTA = 2, KEY_USER_CONSTRUCT = 4, KEY_INVALIDATED = 8, KEY_UID_KEYRING = 16, KEY_DEAD = 32;

/** `state`: not yet instantiated, positive; a negative key has its errno. */
export const KEY_UNINSTANTIATED = 0, KEY_POSITIVE = 1;

/** What a type makes of a payload: its bytes, or an errno; and a description of its own if it has one. */
export type Preparse = (data: Uint8Array) => 0 | Errno;

export interface KeyType {
  readonly name: string;
  /** Checks what was given to add_key or update: 0 or errno. Null: the type has no such step, and needs a description. */
  readonly preparse: Preparse;
  /** May be added without a description, which the payload would give. */
  readonly ownDescription: boolean;
  readonly vetDescription: ((description: string) => 0 | Errno) | null;
  readonly updates: boolean;
  readonly reads: boolean;
  /** Restrictions of keyrings by this type (KEYCTL_RESTRICT_KEYRING). */
  readonly restricts: boolean;
}

/** What one request_key(2) wants made: the payload of an authorisation key. */
export interface ConstructionRequest {
  readonly target: Key;
  readonly destination: Key | null;
  readonly callout: string;
  /** Whose keyrings the program may search in. */
  readonly credentials: Credentials;
}

export class Key {
  readonly serial: number;
  readonly type: KeyType;
  readonly description: string;
  uid: KUid;
  gid: KGid;
  perm: number;
  user: KeyUser;
  flags = 0;
  state: number = KEY_UNINSTANTIATED;
  /** Seconds since the epoch; Infinity: never. */
  expiry: number = Infinity;
  /** What it counts against its user's quota, bytes; of that the payload. */
  quotaBytes = 0;
  dataLength = 0;
  payload: Uint8Array | null = null;
  /** Keyrings: by type and description. Null for other keys. */
  readonly links: Map<string, Key> | null;
  /** Links of any kind are refused (restrict_link_reject). */
  restricted = false;
  /** Of an authorisation key. */
  request: ConstructionRequest | null = null;
  /** Waiters for its construction. */
  readonly construction: WaitQueue = new WaitQueue();
  /** The last collection that reached it, and how many references it found. */
  mark = 0;
  references = 0;

  constructor(serial: number, type: KeyType, description: string, uid: KUid, gid: KGid, perm: number, user: KeyUser, isKeyring: boolean) {
    this.serial = serial;
    this.type = type;
    this.description = description;
    this.uid = uid;
    this.gid = gid;
    this.perm = perm;
    this.user = user;
    this.links = isKeyring ? new Map() : null;
  }

  get indexKey(): string {
    return indexOf(this.type, this.description);
  }
  get isKeyring(): boolean {
    return this.links !== null;
  }
  get revoked(): boolean {
    return (this.flags & KEY_REVOKED) !== 0;
  }
}

/** What links in a keyring go by. */
export function indexOf(type: KeyType, description: string): string {
  return `${type.name}\0${description}`;
}

/** Permissions of a key that add_key or request_key makes. */
export function defaultPermissions(type: KeyType, isKeyring: boolean): number {
  let perm = KEY_POS_VIEW | KEY_POS_SEARCH | KEY_POS_LINK | KEY_POS_SETATTR | KEY_USR_VIEW;
  if (type.reads) perm |= KEY_POS_READ;
  if (isKeyring || type.updates) perm |= KEY_POS_WRITE;
  return perm;
}
