/** All keys, by serial number; what each user has of them; and the collection of those that nobody refers to. Linux security/keys/key.c, gc.c. */
import { EDQUOT, EINVAL, type Errno, isErr } from '../../abi/errno.ts';
import { type KGid, type KUid, ROOT_KUID } from '../../abi/ids.ts';
import type { Credentials } from '../credentials.ts';
import type { UserNamespace } from '../user-namespace.ts';
import { KEY_IN_QUOTA, KEY_INVALIDATED, KEY_UNINSTANTIATED, Key, type KeyType } from './key.ts';
import { KEYRING } from './key-types.ts';

/** Bytes that a link counts against the quota of the keyring's user. */
export const LINK_BYTES = 4;
const FIRST_SERIAL = 3;

/** Linux struct key_user. */
export class KeyUser {
  readonly uid: KUid;
  keys = 0;
  instantiated = 0;
  /** What counts against the quota. */
  quotaKeys = 0;
  quotaBytes = 0;
  constructor(uid: KUid) {
    this.uid = uid;
  }
}

/** /proc/sys/kernel/keys. */
export class KeyLimits {
  maxKeys = 200;
  maxBytes = 20000;
  rootMaxKeys = 1000000;
  rootMaxBytes = 25000000;
  /** Seconds that an expired key stays visible. */
  gcDelay = 300;
  /** Seconds that a persistent keyring lives after its last use. */
  persistentExpiry = 259200;
}

/** How a new key counts. */
export type Quota = 'counted' | 'overrun' | 'none';

export class KeyTable {
  readonly limits: KeyLimits = new KeyLimits();
  /** Something was let go of since the last collection. */
  dirty = false;
  private readonly bySerial: Map<number, Key> = new Map();
  private readonly users: Map<number, KeyUser> = new Map();
  /** User namespaces with keyrings of their own. */
  readonly namespaces: Set<UserNamespace> = new Set();
  /** Keyrings that can be joined by name, in the order of their making, with the namespace they were made in. */
  readonly named: Map<Key, UserNamespace> = new Map();
  private readonly roots: () => Iterable<Credentials>;
  private readonly random: (bytes: Uint8Array) => void;
  private readonly seconds: () => number;
  private nextExpiry = Infinity;
  private mark = 0;

  /** `roots`: the credentials of all processes, once a process that shares them. `seconds`: wall-clock time. */
  constructor(roots: () => Iterable<Credentials>, random: (bytes: Uint8Array) => void, seconds: () => number) {
    this.roots = roots;
    this.random = random;
    this.seconds = seconds;
  }

  get now(): number {
    return this.seconds();
  }
  userOf(uid: KUid): KeyUser {
    let u = this.users.get(uid);
    if (u === undefined) this.users.set(uid, (u = new KeyUser(uid)));
    return u;
  }
  /** Users that have keys; root always. */
  usersInOrder(): KeyUser[] {
    this.userOf(ROOT_KUID);
    return [...this.users.values()].filter((u) => u.keys > 0 || u.uid === ROOT_KUID).sort((a, b) => a.uid - b.uid);
  }
  maxKeys(uid: KUid): number {
    return uid === ROOT_KUID ? this.limits.rootMaxKeys : this.limits.maxKeys;
  }
  maxBytes(uid: KUid): number {
    return uid === ROOT_KUID ? this.limits.rootMaxBytes : this.limits.maxBytes;
  }
  find(serial: number): Key | null {
    return this.bySerial.get(serial) ?? null;
  }
  inOrder(): Key[] {
    return [...this.bySerial.values()].sort((a, b) => a.serial - b.serial);
  }

  private freshSerial(): number {
    const word = new Uint32Array(1);
    for (;;) {
      this.random(new Uint8Array(word.buffer));
      const serial = word[0]! >>> 1; // one word
      if (serial >= FIRST_SERIAL && !this.bySerial.has(serial)) return serial;
    }
  }

  /** A new key that is not yet instantiated. EINVAL (description), EDQUOT. Linux key_alloc(). */
  alloc(type: KeyType, description: string, uid: KUid, gid: KGid, perm: number, quota: Quota): Key | Errno {
    if (description === '') return EINVAL;
    const vetted = type.vetDescription?.(description) ?? 0;
    if (isErr(vetted)) return vetted;
    const user = this.userOf(uid);
    const bytes = description.length + 1;
    if (quota === 'counted' && (user.quotaKeys + 1 > this.maxKeys(uid) || user.quotaBytes + bytes > this.maxBytes(uid))) return EDQUOT;
    const key = new Key(this.freshSerial(), type, description, uid, gid, perm, user, type === KEYRING);
    key.quotaBytes = bytes;
    if (quota !== 'none') {
      user.quotaKeys++;
      user.quotaBytes += bytes;
      key.flags |= KEY_IN_QUOTA;
    }
    user.keys++;
    this.bySerial.set(key.serial, key);
    return key;
  }

  /** The payload grows or shrinks to `length` bytes: 0 or EDQUOT. Linux key_payload_reserve(). */
  reserve(key: Key, length: number): 0 | Errno {
    const delta = length - key.dataLength;
    if (delta !== 0 && key.flags & KEY_IN_QUOTA) {
      if (delta > 0 && key.user.quotaBytes + delta > this.maxBytes(key.user.uid)) return EDQUOT;
      key.user.quotaBytes += delta;
      key.quotaBytes += delta;
    }
    key.dataLength = length;
    return 0;
  }

  setExpiry(key: Key, expiry: number): void {
    key.expiry = expiry;
    this.nextExpiry = Math.min(this.nextExpiry, expiry + this.limits.gcDelay);
  }

  private drop(key: Key): void {
    const { user } = key;
    this.bySerial.delete(key.serial);
    this.named.delete(key);
    user.keys--;
    if (key.state !== KEY_UNINSTANTIATED) user.instantiated--;
    if (key.flags & KEY_IN_QUOTA) {
      user.quotaKeys--;
      user.quotaBytes -= key.quotaBytes;
    }
    if (user.keys === 0) this.users.delete(user.uid);
  }

  /** True if its links are to go: invalidated, or expired for a while. */
  private isDead(key: Key, now: number): boolean {
    return (key.flags & KEY_INVALIDATED) !== 0 || key.expiry + this.limits.gcDelay <= now;
  }

  /** Removes what is dead or unreachable. Nothing may hold a key that is neither linked nor in credentials. */
  collect(): void {
    const now = this.now;
    if (!this.dirty && now < this.nextExpiry) return;
    this.dirty = false;
    this.nextExpiry = Infinity;
    for (const key of this.bySerial.values()) {
      if (key.links === null) continue;
      for (const [index, linked] of key.links) {
        if (!this.isDead(linked, now)) continue;
        key.links.delete(index);
        this.reserve(key, key.links.size * LINK_BYTES);
      }
    }
    this.markAll();
    for (const key of [...this.bySerial.values()]) {
      if (key.mark !== this.mark) this.drop(key);
      else if (key.expiry + this.limits.gcDelay > now) this.nextExpiry = Math.min(this.nextExpiry, key.expiry + this.limits.gcDelay);
    }
  }

  /** Counts the references to each key (`references`), for /proc/keys. */
  markAll(): void {
    this.mark++;
    const todo: Key[] = [];
    const reach = (key: Key | null): void => {
      if (key === null) return;
      if (key.mark === this.mark) {
        key.references++;
        return;
      }
      key.mark = this.mark;
      key.references = 1;
      todo.push(key);
    };
    for (const c of this.roots()) for (const key of [c.threadKeyring, c.processKeyring, c.sessionKeyring, c.requestKeyAuth]) reach(key);
    for (const ns of this.namespaces) {
      if (ns.users <= 0) {
        this.namespaces.delete(ns);
        continue;
      }
      reach(ns.userKeyrings);
      reach(ns.persistentKeyrings);
    }
    for (let key = todo.pop(); key !== undefined; key = todo.pop()) {
      if (key.links !== null) for (const linked of key.links.values()) reach(linked);
      if (key.request !== null) {
        reach(key.request.target);
        reach(key.request.destination);
      }
    }
  }
}
