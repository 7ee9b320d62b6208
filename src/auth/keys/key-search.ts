/** Who may do what with a key, and finding keys in nested keyrings. Linux security/keys/permission.c, keyring.c, process_keys.c. */
import { EACCES, EAGAIN, EKEYEXPIRED, EKEYREVOKED, ELOOP, ENOKEY, ENOTDIR, type Errno, isErr } from '../../abi/errno.ts';
import { KEY_GRP_ALL, KEY_OTH_SEARCH } from '../../abi/keyctl.ts';
import type { Credentials } from '../credentials.ts';
import { KEY_DEAD, KEY_INVALIDATED, KEY_REVOKED, type Key, type KeyType, indexOf } from './key.ts';

/** Keyrings nested deeper than this are not searched. */
const MAX_DEPTH = 6;

/** A key, and whether it is possessed: reached from a keyring of the task's own. */
export interface KeyRef {
  readonly key: Key;
  readonly possessed: boolean;
}

/** May `c` do `need` (one KEY_OTH_ bit)? 0 or EACCES. Linux key_task_permission(). */
export function keyPermission(ref: KeyRef, c: Credentials, need: number): 0 | Errno {
  const { key, possessed } = ref;
  let perm: number;
  if (key.uid === c.fsuid) perm = key.perm >> 16;
  else if ((key.gid as number) !== -1 && key.perm & KEY_GRP_ALL && c.inGroup(key.gid)) perm = key.perm >> 8;
  else perm = key.perm;
  if (possessed) perm |= key.perm >> 24;
  return (perm & need) === need ? 0 : EACCES;
}

/** Revoked, invalidated or expired? 0, ENOKEY, EKEYREVOKED, EKEYEXPIRED. Linux key_validate(). */
export function validateKey(key: Key, now: number): 0 | Errno {
  if (key.flags & KEY_INVALIDATED) return ENOKEY;
  if (key.flags & (KEY_REVOKED | KEY_DEAD)) return EKEYREVOKED;
  return now >= key.expiry ? EKEYEXPIRED : 0;
}

export interface SearchOptions {
  /** Whose permission to search counts; null: not asked. */
  readonly credentials: Credentials | null;
  readonly type: KeyType;
  readonly description: string;
  /** This one key and no other of the name. */
  readonly identity: Key | null;
  /** Revoked, expired and negative keys are passed over, and said so if nothing else is found. */
  readonly checkState: boolean;
  /** Expired keys count as not there. */
  readonly skipExpired: boolean;
  readonly recurse: boolean;
  /** ELOOP instead of not looking deeper. */
  readonly detectTooDeep: boolean;
  readonly now: number;
}

/** One search through a tree of keyrings. */
class Search {
  private readonly o: SearchOptions;
  private readonly possessed: boolean;
  private readonly index: string;
  result: KeyRef | Errno = EAGAIN;
  constructor(o: SearchOptions, possessed: boolean) {
    this.o = o;
    this.possessed = possessed;
    this.index = indexOf(o.type, o.description);
  }

  private matches(key: Key): boolean {
    return this.o.identity === null || key === this.o.identity;
  }
  private maySearch(key: Key): boolean {
    return this.o.credentials === null || keyPermission({ key, possessed: this.possessed }, this.o.credentials, KEY_OTH_SEARCH) === 0;
  }
  /** Looks at one key of the right name: true if it is the one. Linux keyring_search_iterator(). */
  private accepts(key: Key): boolean {
    const { o } = this;
    if (o.checkState) {
      if (key.flags & (KEY_INVALIDATED | KEY_REVOKED)) return this.skip(EKEYREVOKED);
      if (o.now >= key.expiry) {
        if (!o.skipExpired) this.result = EKEYEXPIRED;
        return false;
      }
    }
    if (!this.matches(key)) return false;
    if (!this.maySearch(key)) return this.skip(EACCES);
    if (o.checkState && key.state < 0) return this.skip(key.state as Errno);
    this.result = { key, possessed: this.possessed };
    return true;
  }
  private skip(e: Errno): false {
    this.result = e;
    return false;
  }

  /** The keyring itself, then its tree. */
  from(keyring: Key): void {
    if (keyring.indexKey === this.index) {
      const before = this.result;
      if (this.accepts(keyring)) return;
      // It has the name, but cannot be used: nothing below it counts either.
      if (this.result !== before) return;
    }
    this.descend(keyring, 0);
  }
  private descend(keyring: Key, depth: number): boolean {
    if (keyring.flags & (KEY_INVALIDATED | KEY_REVOKED)) return false;
    const direct = keyring.links!.get(this.index); // only keyrings are descended into
    if (direct !== undefined && this.accepts(direct)) return true;
    if (!this.o.recurse) return false;
    for (const child of keyring.links!.values()) {
      if (!child.isKeyring) continue;
      if (depth >= MAX_DEPTH) {
        if (!this.o.detectTooDeep) continue;
        this.result = ELOOP;
        return true;
      }
      if (this.maySearch(child) && this.descend(child, depth + 1)) return true;
    }
    return false;
  }
}

/** Searches `ref`'s tree: the key, EAGAIN if it is not there, ENOTDIR, EACCES, or what is the matter with the one that is. Linux keyring_search_rcu(). */
export function searchKeyring(ref: KeyRef, o: SearchOptions): KeyRef | Errno {
  if (!ref.key.isKeyring) return ENOTDIR;
  if (o.credentials !== null && keyPermission(ref, o.credentials, KEY_OTH_SEARCH) !== 0) return EACCES;
  const search = new Search(o, ref.possessed);
  search.from(ref.key);
  return search.result;
}

/**
 * Searches the keyrings of `c`: the thread's, the process's, the session's or (without one) the user session's. The key; ENOKEY (a negative key)
 * before EAGAIN (none) before other errors. Linux search_cred_keyrings_rcu().
 */
export function searchCredentials(c: Credentials, userSession: Key | null, o: SearchOptions): KeyRef | Errno {
  let result: Errno | null = null;
  let failure: Errno = EAGAIN;
  const keyrings = [c.threadKeyring, c.processKeyring, c.sessionKeyring ?? userSession];
  for (const key of keyrings) {
    if (key === null) continue;
    const found = searchKeyring({ key, possessed: true }, o);
    if (!isErr(found)) return found;
    if (found === ENOKEY || (found === EAGAIN && result === null)) result = found;
    else if (found !== EAGAIN) failure = found;
  }
  return result ?? failure;
}
