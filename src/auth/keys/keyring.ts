/** What keyrings hold. Linux security/keys/keyring.c. */
import { EAGAIN, EDEADLK, EEXIST, ENOENT, ENOTDIR, EPERM, type Errno, isErr } from '../../abi/errno.ts';
import { KEY_POSITIVE, KEY_UNINSTANTIATED, type Key } from './key.ts';
import { searchKeyring } from './key-search.ts';
import { type KeyTable, LINK_BYTES } from './key-table.ts';

/** Would linking `key` into `keyring` make a circle (EDEADLK) or a tree too deep (ELOOP)? */
function checkCycle(keyring: Key, key: Key): 0 | Errno {
  if (!key.isKeyring) return 0;
  const found = searchKeyring(
    { key, possessed: false },
    { credentials: null, type: keyring.type, description: keyring.description, identity: keyring, checkState: false, skipExpired: false, recurse: true, detectTooDeep: true, now: 0 },
  );
  return isErr(found) ? (found === EAGAIN ? 0 : found) : EDEADLK;
}

/** Room for one more link, unless one of the same name gives way: 0, ENOTDIR, EDQUOT. */
function reserveLink(table: KeyTable, keyring: Key, index: string): 0 | Errno {
  if (keyring.links === null) return ENOTDIR;
  return keyring.links.has(index) ? 0 : table.reserve(keyring, (keyring.links.size + 1) * LINK_BYTES);
}
function undoReserve(table: KeyTable, keyring: Key): void {
  table.reserve(keyring, keyring.links!.size * LINK_BYTES); // reserved, so a keyring
}

function place(table: KeyTable, keyring: Key, key: Key): void {
  const links = keyring.links!; // as above
  if (links.has(key.indexKey)) table.dirty = true;
  links.set(key.indexKey, key);
}

/** Links `key`; another one of its type and description gives way. ENOTDIR, EDQUOT, EPERM (restricted), EDEADLK, ELOOP. Linux key_link(). */
export function linkKey(table: KeyTable, keyring: Key, key: Key): 0 | Errno {
  const reserved = reserveLink(table, keyring, key.indexKey);
  if (reserved < 0) return reserved;
  const bad = keyring.restricted ? EPERM : checkCycle(keyring, key);
  if (bad < 0) {
    undoReserve(table, keyring);
    return bad;
  }
  place(table, keyring, key);
  return 0;
}

/** ENOTDIR, ENOENT. */
export function unlinkKey(table: KeyTable, keyring: Key, key: Key): 0 | Errno {
  if (keyring.links === null) return ENOTDIR;
  if (keyring.links.get(key.indexKey) !== key) return ENOENT;
  keyring.links.delete(key.indexKey);
  table.reserve(keyring, keyring.links.size * LINK_BYTES);
  table.dirty = true;
  return 0;
}

/** `exclusive`: EEXIST if one of the name is there. Linux key_move(). */
export function moveKey(table: KeyTable, key: Key, from: Key, to: Key, exclusive: boolean): 0 | Errno {
  if (from === to) return 0;
  if (from.links === null || to.links === null) return ENOTDIR;
  if (from.links.get(key.indexKey) !== key) return ENOENT;
  const reserved = reserveLink(table, to, key.indexKey);
  if (reserved < 0) return reserved;
  const bad = exclusive && to.links.has(key.indexKey) ? EEXIST : to.restricted ? EPERM : checkCycle(to, key);
  if (bad < 0) {
    undoReserve(table, to);
    return bad;
  }
  unlinkKey(table, from, key);
  place(table, to, key);
  return 0;
}

/** Empties it. ENOTDIR. */
export function clearKeyring(table: KeyTable, keyring: Key): 0 | Errno {
  if (keyring.links === null) return ENOTDIR;
  keyring.links.clear();
  table.reserve(keyring, 0);
  table.dirty = true;
  return 0;
}

/** Marks it as made; `state` KEY_POSITIVE or the errno of a negative key. Those who wait for it go on. */
export function finishKey(key: Key, state: number): void {
  if (key.state === KEY_UNINSTANTIATED) key.user.instantiated++;
  key.state = state;
  key.construction.wake(-1, Infinity);
}

/** Gives a fresh key its payload, and links it. EDQUOT and the errors of linking; then the key is nothing. */
export function instantiateAndLink(table: KeyTable, key: Key, payload: Uint8Array, keyring: Key | null): 0 | Errno {
  if (keyring !== null) {
    const reserved = reserveLink(table, keyring, key.indexKey);
    if (reserved < 0) return reserved;
  }
  const bad = keyring?.restricted ? EPERM : key.isKeyring ? 0 : table.reserve(key, payload.length);
  if (bad < 0) {
    if (keyring !== null) undoReserve(table, keyring);
    return bad;
  }
  if (!key.isKeyring) key.payload = payload;
  finishKey(key, KEY_POSITIVE);
  if (keyring !== null) place(table, keyring, key);
  return 0;
}
