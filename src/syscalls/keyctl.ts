/** Keys and keyrings: add_key, request_key, keyctl. Linux 6.18 security/keys/keyctl.c. */
import { CAP_SYS_ADMIN } from '../abi/capability.ts';
import {
  EACCES, EAGAIN, EDQUOT, EFAULT, EINVAL, ENODEV, ENAMETOOLONG, ENOENT, ENOKEY, ENOTDIR, EEXIST, EOPNOTSUPP, EPERM, type Errno, isErr,
} from '../abi/errno.ts';
import * as K from '../abi/keyctl.ts';
import { defaultPermissions, type Key, KEY_IN_QUOTA, KEY_INVALIDATED, KEY_POSITIVE, KEY_REVOKED, KEY_UNINSTANTIATED } from '../auth/keys/key.ts';
import { keyPermission, type KeyRef, searchKeyring, validateKey } from '../auth/keys/key-search.ts';
import { keyTypeNamed, KEYRING } from '../auth/keys/key-types.ts';
import { clearKeyring, finishKey, instantiateAndLink, linkKey, moveKey, unlinkKey } from '../auth/keys/keyring.ts';
import { commitCredentials } from '../kernel/commit-credentials.ts';
import {
  authorityFor, getPersistent, joinSession, lookupKey, LOOKUP_CREATE, LOOKUP_PARTIAL, NEED_AUTHORITY_OVERRIDE, NEED_DEFERRED, NEED_UNLINK, optionsFor,
  processKeyring, threadKeyring, waitForConstruction,
} from '../kernel/process-keyrings.ts';
import { instantiateRequested, rejectKey, requestKey } from '../kernel/request-key.ts';
import type { Task } from '../kernel/task.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { readString } from './file-names.ts';

const MAX_PAYLOAD = 1024 * 1024 - 1;
const PAGE = 4096;
const NONE = new Uint8Array(0);
/** struct iovec. */
const IOVEC_SIZE = 16;
const MAX_ERRNO = 4095;

/** A string of at most `max` bytes with its NUL; EFAULT, EINVAL (longer). Linux strndup_user(). */
function readText(t: Task, addr: number, max: number): string | Errno {
  const s = readString(t.space, addr, max);
  return s === ENAMETOOLONG ? EINVAL : s;
}
/** EFAULT, EINVAL, EPERM (types of the kernel's own). Linux key_get_type_from_user(). */
function readTypeName(t: Task, addr: number): string | Errno {
  const s = readText(t, addr, K.KEY_MAX_TYPE);
  if (isErr(s)) return s;
  return s === '' ? EINVAL : s.startsWith('.') ? EPERM : s;
}
function readPayload(t: Task, addr: number, length: number): Uint8Array | Errno {
  if (length === 0) return NONE;
  const bytes = new Uint8Array(length);
  return isErr(t.space.readBytes(addr, bytes)) ? EFAULT : bytes;
}
/** The result of calls that answer `bytes`: its length; the bytes are written only if all of them fit. */
function answer(t: Task, addr: number, room: number, bytes: Uint8Array): number {
  if (addr === 0 || room < bytes.length || bytes.length === 0) return bytes.length;
  return isErr(t.space.writeBytes(addr, bytes, 0, bytes.length)) ? EFAULT : bytes.length;
}
const latin1 = (s: string): Uint8Array => Uint8Array.from(s, (ch) => ch.charCodeAt(0));

/** Replaces the payload. 0, EDQUOT. */
function updatePayload(t: Task, key: Key, payload: Uint8Array): 0 | Errno {
  const r = t.kernel.keys.reserve(key, payload.length);
  if (r < 0) return r;
  key.payload = payload;
  key.expiry = Infinity;
  finishKey(key, KEY_POSITIVE);
  return 0;
}

function sysAddKey(t: Task, a: SyscallArgs): number {
  const { keys } = t.kernel;
  keys.collect();
  const length = a.size(3);
  if (length > MAX_PAYLOAD) return EINVAL;
  const typeName = readTypeName(t, a.addr(0));
  if (isErr(typeName)) return typeName;
  const description = a.addr(1) === 0 ? '' : readText(t, a.addr(1), K.KEY_MAX_DESC_SIZE);
  if (isErr(description)) return description;
  if (description.startsWith('.') && typeName.startsWith('keyring')) return EPERM;
  const payload = readPayload(t, a.addr(2), length);
  if (isErr(payload)) return payload;
  const into = lookupKey(t, a.int(4), LOOKUP_CREATE, K.KEY_OTH_WRITE);
  if (isErr(into)) return into;
  return createOrUpdate(t, into, typeName, description, payload);
}

/** Linux key_create_or_update(). */
function createOrUpdate(t: Task, into: KeyRef, typeName: string, description: string, payload: Uint8Array): number {
  const { keys } = t.kernel;
  const type = keyTypeNamed(typeName);
  if (type === undefined) return ENODEV;
  if (description === '' && !type.ownDescription) return EINVAL;
  if (!into.key.isKeyring) return ENOTDIR;
  const bad = type.preparse(payload);
  if (bad < 0) return bad;
  if (description === '') return EINVAL;
  if (into.key.restricted) return EPERM;
  const old = type.updates ? into.key.links?.get(`${type.name}\0${description}`) : undefined;
  if (old !== undefined && !(old.flags & (KEY_INVALIDATED | KEY_REVOKED))) {
    const made = old.state === KEY_UNINSTANTIATED ? waitForConstruction(t, old) : 0;
    if (made < 0) return made;
    const may = keyPermission({ key: old, possessed: into.possessed }, t.credentials, K.KEY_OTH_WRITE);
    const r = may < 0 ? may : updatePayload(t, old, payload);
    return r < 0 ? r : old.serial;
  }
  const c = t.credentials;
  const key = keys.alloc(type, description, c.fsuid, c.fsgid, defaultPermissions(type, type === KEYRING), 'counted');
  if (isErr(key)) return key;
  if (type === KEYRING) keys.named.set(key, c.userNs);
  const r = instantiateAndLink(keys, key, payload, into.key);
  if (r >= 0) return key.serial;
  keys.dirty = true;
  return r;
}

function sysRequestKey(t: Task, a: SyscallArgs): number {
  if (!t.syscall.again) t.kernel.keys.collect();
  const typeName = readTypeName(t, a.addr(0));
  if (isErr(typeName)) return typeName;
  const description = readText(t, a.addr(1), K.KEY_MAX_DESC_SIZE);
  if (isErr(description)) return description;
  const callout = a.addr(2) === 0 ? null : readText(t, a.addr(2), K.KEY_MAX_CALLOUT);
  if (isErr(callout)) return callout;
  let destination: Key | null = null;
  if (a.int(3) !== 0) {
    const ref = lookupKey(t, a.int(3), LOOKUP_CREATE, K.KEY_OTH_WRITE);
    if (isErr(ref)) return ref;
    destination = ref.key;
  }
  const type = keyTypeNamed(typeName);
  return type === undefined ? ENOKEY : requestKey(t, type, description, callout, destination);
}

// ---- keyctl, in the order of its numbers ----

function getKeyringId(t: Task, a: SyscallArgs): number {
  const ref = lookupKey(t, a.int(1), a.int(2) !== 0 ? LOOKUP_CREATE : 0, K.KEY_OTH_SEARCH);
  return isErr(ref) ? ref : ref.key.serial;
}

function joinSessionKeyring(t: Task, a: SyscallArgs): number {
  if (a.addr(1) === 0) return joinSession(t, null);
  const name = readText(t, a.addr(1), K.KEY_MAX_DESC_SIZE);
  if (isErr(name)) return name;
  return name.startsWith('.') ? EPERM : joinSession(t, name);
}

function update(t: Task, a: SyscallArgs): number {
  const length = a.size(3);
  if (length > PAGE) return EINVAL;
  const payload = readPayload(t, a.addr(2), length);
  if (isErr(payload)) return payload;
  const ref = lookupKey(t, a.int(1), 0, K.KEY_OTH_WRITE);
  if (isErr(ref)) return ref;
  if (!ref.key.type.updates) return EOPNOTSUPP;
  const bad = ref.key.type.preparse(payload);
  return bad < 0 ? bad : updatePayload(t, ref.key, payload);
}

function revoke(t: Task, a: SyscallArgs): number {
  let ref = lookupKey(t, a.int(1), 0, K.KEY_OTH_WRITE);
  if (ref === EACCES) ref = lookupKey(t, a.int(1), 0, K.KEY_OTH_SETATTR);
  if (isErr(ref)) return ref;
  const { key } = ref;
  key.flags |= KEY_REVOKED;
  // It is collected as an expired one is.
  const { keys } = t.kernel;
  if (key.expiry > keys.now) keys.setExpiry(key, keys.now);
  if (key.isKeyring) clearKeyring(keys, key);
  else {
    keys.reserve(key, 0);
    key.payload = null;
  }
  return 0;
}

function chown(t: Task, a: SyscallArgs): number {
  const [user, group] = [a.u32(2), a.u32(3)];
  const c = t.credentials;
  const uid = c.userNs.makeKuid(user);
  const gid = c.userNs.makeKgid(group);
  const [setsUser, setsGroup] = [user !== 0xffffffff, group !== 0xffffffff];
  if ((setsUser && (uid as number) === -1) || (setsGroup && (gid as number) === -1)) return EINVAL;
  if (!setsUser && !setsGroup) return 0;
  const ref = lookupKey(t, a.int(1), LOOKUP_CREATE | LOOKUP_PARTIAL, K.KEY_OTH_SETATTR);
  if (isErr(ref)) return ref;
  const { key } = ref;
  const privileged = (setsUser && key.uid !== uid) || (setsGroup && gid !== key.gid && !c.inGroup(gid));
  if (privileged && !c.capableInInit(CAP_SYS_ADMIN)) return EACCES;
  if (setsUser && uid !== key.uid) {
    const { keys } = t.kernel;
    const owner = keys.userOf(uid);
    if (key.flags & KEY_IN_QUOTA) {
      if (owner.quotaKeys + 1 > keys.maxKeys(uid) || owner.quotaBytes + key.quotaBytes > keys.maxBytes(uid)) return EDQUOT;
      owner.quotaKeys++;
      owner.quotaBytes += key.quotaBytes;
      key.user.quotaKeys--;
      key.user.quotaBytes -= key.quotaBytes;
    }
    key.user.keys--;
    owner.keys++;
    if (key.state !== KEY_UNINSTANTIATED) {
      key.user.instantiated--;
      owner.instantiated++;
    }
    key.user = owner;
    key.uid = uid;
  }
  if (setsGroup) key.gid = gid;
  return 0;
}

function setPermissions(t: Task, a: SyscallArgs): number {
  const perm = a.u32(2);
  if (perm & ~K.KEY_PERM_ALL) return EINVAL;
  const ref = lookupKey(t, a.int(1), LOOKUP_CREATE | LOOKUP_PARTIAL, K.KEY_OTH_SETATTR);
  if (isErr(ref)) return ref;
  if (ref.key.uid !== t.credentials.fsuid && !t.credentials.capableInInit(CAP_SYS_ADMIN)) return EACCES;
  ref.key.perm = perm;
  return 0;
}

/** A key to look at: who may make it may also see it. */
function lookupVisible(t: Task, id: number, need: number): KeyRef | Errno {
  const ref = lookupKey(t, id, LOOKUP_PARTIAL, need);
  if (ref !== EACCES || isErr(authorityFor(t, id))) return ref;
  return lookupKey(t, id, LOOKUP_PARTIAL, NEED_AUTHORITY_OVERRIDE);
}

function describe(t: Task, a: SyscallArgs): number {
  const ref = lookupVisible(t, a.int(1), K.KEY_OTH_VIEW);
  if (isErr(ref)) return ref;
  const { key } = ref;
  const ns = t.credentials.userNs;
  const perm = key.perm.toString(16).padStart(8, '0');
  return answer(t, a.addr(2), a.size(3), latin1(`${key.type.name};${ns.fromKuidMunged(key.uid)};${ns.fromKgidMunged(key.gid)};${perm};${key.description}\0`));
}

function clear(t: Task, a: SyscallArgs): number {
  const ref = lookupKey(t, a.int(1), LOOKUP_CREATE, K.KEY_OTH_WRITE);
  return isErr(ref) ? ref : clearKeyring(t.kernel.keys, ref.key);
}

function link(t: Task, a: SyscallArgs): number {
  const keyring = lookupKey(t, a.int(2), LOOKUP_CREATE, K.KEY_OTH_WRITE);
  if (isErr(keyring)) return keyring;
  const ref = lookupKey(t, a.int(1), LOOKUP_CREATE, K.KEY_OTH_LINK);
  return isErr(ref) ? ref : linkKey(t.kernel.keys, keyring.key, ref.key);
}

function unlink(t: Task, a: SyscallArgs): number {
  const keyring = lookupKey(t, a.int(2), 0, K.KEY_OTH_WRITE);
  if (isErr(keyring)) return keyring;
  const ref = lookupKey(t, a.int(1), LOOKUP_PARTIAL, NEED_UNLINK);
  return isErr(ref) ? ref : unlinkKey(t.kernel.keys, keyring.key, ref.key);
}

function search(t: Task, a: SyscallArgs): number {
  const typeName = readTypeName(t, a.addr(2));
  if (isErr(typeName)) return typeName;
  const description = readText(t, a.addr(3), K.KEY_MAX_DESC_SIZE);
  if (isErr(description)) return description;
  const keyring = lookupKey(t, a.int(1), 0, K.KEY_OTH_SEARCH);
  if (isErr(keyring)) return keyring;
  let into: Key | null = null;
  if (a.int(4) !== 0) {
    const ref = lookupKey(t, a.int(4), LOOKUP_CREATE, K.KEY_OTH_WRITE);
    if (isErr(ref)) return ref;
    into = ref.key;
  }
  const type = keyTypeNamed(typeName);
  if (type === undefined) return ENOKEY;
  const found = searchKeyring(keyring, optionsFor(t, type, description));
  if (isErr(found)) return found === EAGAIN ? ENOKEY : found;
  if (into !== null) {
    const may = keyPermission(found, t.credentials, K.KEY_OTH_LINK);
    const linked = may < 0 ? may : linkKey(t.kernel.keys, into, found.key);
    if (linked < 0) return linked;
  }
  return found.key.serial;
}

/** The serials in a keyring, or a payload. */
function contents(key: Key): Uint8Array {
  if (key.links === null) return key.payload ?? NONE;
  return new Uint8Array(Uint32Array.from([...key.links.values()], (k) => k.serial).buffer);
}

function read(t: Task, a: SyscallArgs): number {
  const ref = lookupKey(t, a.int(1), 0, NEED_DEFERRED);
  if (isErr(ref)) return ref < -512 ? ref : ENOKEY;
  const { key } = ref;
  if (key.state < 0) return key.state;
  const may = keyPermission(ref, t.credentials, K.KEY_OTH_READ);
  if (may < 0 && !ref.possessed) return EACCES;
  if (!key.type.reads) return EOPNOTSUPP;
  const valid = validateKey(key, t.kernel.keys.now);
  if (valid < 0) return valid;
  const [buffer, room] = [a.addr(2), a.size(3)];
  if (!key.isKeyring) return answer(t, buffer, room, contents(key));
  if (buffer !== 0 && room & 3) return EINVAL;
  return answer(t, buffer, room, contents(key));
}

/** The authority that this task has assumed over the key `id`; EPERM. */
function assumedAuthority(t: Task, id: number): Key | Errno {
  const authority = t.credentials.requestKeyAuth;
  return authority === null || authority.request?.target.serial !== id ? EPERM : authority;
}
/** Where an instantiated key is to be linked: null for nowhere. */
function instantiationKeyring(t: Task, id: number, authority: Key): Key | null | Errno {
  if (id === 0) return null;
  if (id > 0) {
    const ref = lookupKey(t, id, LOOKUP_CREATE, K.KEY_OTH_WRITE);
    return isErr(ref) ? ref : ref.key;
  }
  if (id === K.KEY_SPEC_REQKEY_AUTH_KEY) return EINVAL;
  return id >= K.KEY_SPEC_REQUESTOR_KEYRING ? (authority.request?.destination ?? null) : ENOKEY;
}
function setAuthority(t: Task, authority: Key | null): void {
  const c = t.credentials.prepare();
  c.requestKeyAuth = authority;
  commitCredentials(t, c);
}

function instantiateWith(t: Task, id: number, payload: Uint8Array | Errno, ring: number): number {
  const authority = assumedAuthority(t, id);
  if (isErr(authority)) return authority;
  if (isErr(payload)) return payload;
  const keyring = instantiationKeyring(t, ring, authority);
  if (isErr(keyring)) return keyring;
  const r = instantiateRequested(t.kernel, authority.request!.target, payload, keyring, authority); // assumedAuthority looked
  if (r === 0) setAuthority(t, null);
  return r;
}
function instantiate(t: Task, a: SyscallArgs): number {
  const length = a.size(3);
  return length > MAX_PAYLOAD ? EINVAL : instantiateWith(t, a.int(1), readPayload(t, a.addr(2), length), a.int(4));
}
function instantiateIov(t: Task, a: SyscallArgs): number {
  const count = a.u32(3);
  if (count > 1024) return EINVAL;
  const parts: Uint8Array[] = [];
  let total = 0;
  for (let i = 0; i < count; i++) {
    const base = t.space.readU64(a.addr(2) + i * IOVEC_SIZE);
    const length = t.space.readU64(a.addr(2) + i * IOVEC_SIZE + 8);
    if (isErr(base) || isErr(length)) return EFAULT;
    if ((total += length) > MAX_PAYLOAD) return EINVAL;
    const part = readPayload(t, base, length);
    if (isErr(part)) return part;
    parts.push(part);
  }
  const payload = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    payload.set(part, at);
    at += part.length;
  }
  return instantiateWith(t, a.int(1), payload, a.int(4));
}
function rejectWith(t: Task, id: number, seconds: number, error: number, ring: number): number {
  if (error <= 0 || error >= MAX_ERRNO || (error >= 512 && error <= 516)) return EINVAL;
  const authority = assumedAuthority(t, id);
  if (isErr(authority)) return authority;
  const keyring = instantiationKeyring(t, ring, authority);
  if (isErr(keyring)) return keyring;
  const r = rejectKey(t.kernel, authority.request!.target, seconds, -error as Errno, keyring, authority); // as above
  if (r === 0) setAuthority(t, null);
  return r;
}

function setRequestKeyring(t: Task, a: SyscallArgs): number {
  const wanted = a.int(1);
  const old = t.credentials.requestKeyDefault;
  if (wanted === K.KEY_REQKEY_DEFL_NO_CHANGE) return old;
  if (wanted < 0 || wanted > K.KEY_REQKEY_DEFL_REQUESTOR_KEYRING || wanted === 6) return EINVAL;
  const made = wanted === K.KEY_REQKEY_DEFL_THREAD_KEYRING ? threadKeyring(t) : wanted === K.KEY_REQKEY_DEFL_PROCESS_KEYRING ? processKeyring(t) : null;
  if (isErr(made)) return made;
  const c = t.credentials.prepare();
  c.requestKeyDefault = wanted;
  commitCredentials(t, c);
  return old;
}

function setTimeout(t: Task, a: SyscallArgs): number {
  const ref = lookupVisible(t, a.int(1), K.KEY_OTH_SETATTR);
  if (isErr(ref)) return ref;
  const seconds = a.u32(2);
  const { keys } = t.kernel;
  keys.setExpiry(ref.key, seconds > 0 ? keys.now + seconds : Infinity);
  return 0;
}

function assumeAuthority(t: Task, a: SyscallArgs): number {
  const id = a.int(1);
  if (id < 0) return EINVAL;
  if (id === 0) {
    setAuthority(t, null);
    return 0;
  }
  const authority = authorityFor(t, id);
  if (isErr(authority)) return authority;
  setAuthority(t, authority);
  return authority.serial;
}

/** There is no security module that labels keys: an empty string. */
function getSecurity(t: Task, a: SyscallArgs): number {
  const ref = lookupVisible(t, a.int(1), K.KEY_OTH_VIEW);
  if (isErr(ref)) return ref;
  return a.addr(2) !== 0 && a.size(3) > 0 && isErr(t.space.writeU8(a.addr(2), 0)) ? EFAULT : 1;
}

function sessionToParent(t: Task): number {
  const ref = lookupKey(t, K.KEY_SPEC_SESSION_KEYRING, 0, K.KEY_OTH_LINK);
  if (isErr(ref)) return ref;
  const parent = t.realParent;
  if (parent === null || parent.internal || parent.tid <= 1 || parent.mm === null) return EPERM;
  if (parent.threadGroup.threads.size > 1) return EPERM;
  const mine = t.credentials;
  const its = parent.credentials;
  if (mine.sessionKeyring === its.sessionKeyring) return 0;
  if ([its.uid, its.euid, its.suid].some((id) => id !== mine.euid) || [its.gid, its.egid, its.sgid].some((id) => id !== mine.egid)) return EPERM;
  if ((its.sessionKeyring !== null && its.sessionKeyring.uid !== mine.euid) || mine.sessionKeyring?.uid !== mine.euid) return EPERM;
  const c = its.prepare();
  c.sessionKeyring = mine.sessionKeyring;
  commitCredentials(parent, c);
  return 0;
}

function invalidate(t: Task, a: SyscallArgs): number {
  const ref = lookupKey(t, a.int(1), 0, K.KEY_OTH_SEARCH);
  if (isErr(ref)) return ref;
  ref.key.flags |= KEY_INVALIDATED;
  t.kernel.keys.dirty = true;
  return 0;
}

function restrictKeyring(t: Task, a: SyscallArgs): number {
  const ref = lookupKey(t, a.int(1), 0, K.KEY_OTH_SETATTR);
  if (isErr(ref)) return ref;
  if (a.addr(2) !== 0) {
    if (a.addr(3) === 0) return EINVAL;
    const typeName = readTypeName(t, a.addr(2));
    if (isErr(typeName)) return typeName;
    const restriction = readText(t, a.addr(3), PAGE);
    if (isErr(restriction)) return restriction;
    const type = keyTypeNamed(typeName);
    if (!ref.key.isKeyring) return ENOTDIR;
    if (type === undefined) return ENOKEY;
    if (!type.restricts) return ENOENT;
    if (restriction !== 'builtin_trusted') return EINVAL;
  } else if (a.addr(3) !== 0) return EINVAL;
  if (!ref.key.isKeyring) return ENOTDIR;
  if (ref.key.restricted) return EEXIST;
  // No certificate is trusted, so the one restriction of a type refuses as much as the general one.
  ref.key.restricted = true;
  return 0;
}

function move(t: Task, a: SyscallArgs): number {
  const flags = a.u32(4);
  if (flags & ~K.KEYCTL_MOVE_EXCL) return EINVAL;
  const ref = lookupKey(t, a.int(1), LOOKUP_CREATE, K.KEY_OTH_LINK);
  if (isErr(ref)) return ref;
  const from = lookupKey(t, a.int(2), 0, K.KEY_OTH_WRITE);
  if (isErr(from)) return from;
  const to = lookupKey(t, a.int(3), LOOKUP_CREATE, K.KEY_OTH_WRITE);
  return isErr(to) ? to : moveKey(t.kernel.keys, ref.key, from.key, to.key, flags !== 0);
}

function capabilities(t: Task, a: SyscallArgs): number {
  const room = a.size(2);
  if (room > 0) {
    const bytes = new Uint8Array(Math.min(room, PAGE));
    bytes.set(K.KEYRING_CAPABILITIES.slice(0, bytes.length));
    if (isErr(t.space.writeBytes(a.addr(1), bytes, 0, bytes.length))) return EFAULT;
  }
  return K.KEYRING_CAPABILITIES.length;
}

/** No type that can be made here does asymmetric operations; their arguments are looked at all the same. */
function publicKey(t: Task, a: SyscallArgs, query: boolean): number {
  let id = a.int(1);
  if (query) {
    if (a.size(2) !== 0) return EINVAL;
  } else {
    const params = readPayload(t, a.addr(1), 40);
    if (isErr(params)) return params;
    const v = new DataView(params.buffer);
    id = v.getInt32(0, true);
    for (let at = 16; at < 40; at += 4) if (v.getUint32(at, true) !== 0) return EINVAL;
  }
  const info = readText(t, a.addr(query ? 3 : 2), PAGE);
  if (isErr(info)) return info;
  const ref = lookupKey(t, id, 0, K.KEY_OTH_SEARCH);
  return isErr(ref) ? ref : EOPNOTSUPP;
}

function sysKeyctl(t: Task, a: SyscallArgs): number {
  if (!t.syscall.again) t.kernel.keys.collect();
  switch (a.int(0)) {
    case K.KEYCTL_GET_KEYRING_ID: return getKeyringId(t, a);
    case K.KEYCTL_JOIN_SESSION_KEYRING: return joinSessionKeyring(t, a);
    case K.KEYCTL_UPDATE: return update(t, a);
    case K.KEYCTL_REVOKE: return revoke(t, a);
    case K.KEYCTL_CHOWN: return chown(t, a);
    case K.KEYCTL_SETPERM: return setPermissions(t, a);
    case K.KEYCTL_DESCRIBE: return describe(t, a);
    case K.KEYCTL_CLEAR: return clear(t, a);
    case K.KEYCTL_LINK: return link(t, a);
    case K.KEYCTL_UNLINK: return unlink(t, a);
    case K.KEYCTL_SEARCH: return search(t, a);
    case K.KEYCTL_READ: return read(t, a);
    case K.KEYCTL_INSTANTIATE: return instantiate(t, a);
    case K.KEYCTL_NEGATE: return rejectWith(t, a.int(1), a.u32(2), -ENOKEY, a.int(3));
    case K.KEYCTL_SET_REQKEY_KEYRING: return setRequestKeyring(t, a);
    case K.KEYCTL_SET_TIMEOUT: return setTimeout(t, a);
    case K.KEYCTL_ASSUME_AUTHORITY: return assumeAuthority(t, a);
    case K.KEYCTL_GET_SECURITY: return getSecurity(t, a);
    case K.KEYCTL_SESSION_TO_PARENT: return sessionToParent(t);
    case K.KEYCTL_REJECT: return rejectWith(t, a.int(1), a.u32(2), a.int(3), a.int(4));
    case K.KEYCTL_INSTANTIATE_IOV: return instantiateIov(t, a);
    case K.KEYCTL_INVALIDATE: return invalidate(t, a);
    case K.KEYCTL_GET_PERSISTENT: return getPersistent(t, a.u32(1), a.int(2));
    case K.KEYCTL_PKEY_QUERY: return publicKey(t, a, true);
    case K.KEYCTL_PKEY_ENCRYPT: case K.KEYCTL_PKEY_DECRYPT: case K.KEYCTL_PKEY_SIGN: case K.KEYCTL_PKEY_VERIFY: return publicKey(t, a, false);
    case K.KEYCTL_RESTRICT_KEYRING: return restrictKeyring(t, a);
    case K.KEYCTL_MOVE: return move(t, a);
    case K.KEYCTL_CAPABILITIES: return capabilities(t, a);
    default: return EOPNOTSUPP;
  }
}

export const rows: readonly SyscallRow[] = [
  [248, 'add_key', 'str,str,addr,size,int', 'full', sysAddKey],
  [249, 'request_key', 'str,str,str,int', 'full', sysRequestKey],
  [250, 'keyctl', 'int,hex,hex,hex,hex', 'full', sysKeyctl],
];
