/** The keyrings of tasks, users and namespaces, and finding a key for a task. Linux security/keys/process_keys.c, persistent.c. */
import { CAP_SETUID } from '../abi/capability.ts';
import { EACCES, EAGAIN, EINVAL, EIO, EKEYREVOKED, ENOKEY, ENOTDIR, EPERM, type Errno, isErr } from '../abi/errno.ts';
import type { KGid, KUid } from '../abi/ids.ts';
import * as K from '../abi/keyctl.ts';
import type { Credentials } from '../auth/credentials.ts';
import { type Key, KEY_UID_KEYRING, KEY_UNINSTANTIATED, KEY_USER_CONSTRUCT, type KeyType } from '../auth/keys/key.ts';
import { keyPermission, type KeyRef, searchCredentials, type SearchOptions, validateKey } from '../auth/keys/key-search.ts';
import type { KeyTable, Quota } from '../auth/keys/key-table.ts';
import { KEYRING, REQUEST_KEY_AUTH } from '../auth/keys/key-types.ts';
import { instantiateAndLink, linkKey } from '../auth/keys/keyring.ts';
import type { UserNamespace } from '../auth/user-namespace.ts';
import { commitCredentials } from './commit-credentials.ts';
import type { Kernel } from './kernel.ts';
import type { Task } from './task.ts';
import type { ThreadGroup } from './thread-group.ts';

const NO_GROUP = -1 as KGid;
const USER_KEYRING_PERM = (K.KEY_POS_ALL & ~K.KEY_POS_SETATTR) | K.KEY_USR_ALL;
const PERSISTENT_PERM = (K.KEY_POS_ALL & ~K.KEY_POS_SETATTR) | K.KEY_USR_VIEW | K.KEY_USR_READ;

/** Flags of lookupKey: make the special keyring if it is not there; keys under construction will do. */
export const LOOKUP_CREATE = 1, LOOKUP_PARTIAL = 2;
/** What lookupKey asks for besides one of the KEY_OTH_ permissions. */
export const NEED_UNLINK = -1, NEED_SYSADMIN_OVERRIDE = -2, NEED_AUTHORITY_OVERRIDE = -3, NEED_DEFERRED = -4;

/** The credentials in use, those that threads of a process share once. */
export function* distinctCredentials(tasks: Iterable<Task>): Iterable<Credentials> {
  const seen: Map<ThreadGroup, Set<Credentials>> = new Map();
  for (const t of tasks) {
    const c = t.credentials;
    if (!c.holdsKeys) continue;
    const group = seen.get(t.threadGroup);
    if (group === undefined) seen.set(t.threadGroup, new Set([c]));
    else if (group.has(c)) continue;
    else group.add(c);
    yield c;
  }
}

/** A keyring, linked into `into` if given. EINVAL, EDQUOT. Linux keyring_alloc(). */
export function allocKeyring(keys: KeyTable, ns: UserNamespace, name: string, uid: KUid, gid: KGid, perm: number, quota: Quota, into: Key | null): Key | Errno {
  const key = keys.alloc(KEYRING, name, uid, gid, perm, quota);
  if (isErr(key)) return key;
  if (!name.startsWith('.')) keys.named.set(key, ns);
  const r = instantiateAndLink(keys, key, new Uint8Array(0), into);
  if (isErr(r)) {
    keys.dirty = true;
    return r;
  }
  return key;
}

const ownKeyring = (kernel: Kernel, c: Credentials, name: string): Key | Errno =>
  allocKeyring(kernel.keys, c.userNs, name, c.uid, c.gid, K.KEY_POS_ALL | K.KEY_USR_VIEW, 'overrun', null);

/** The credentials of a new task: a thread has a thread keyring if its maker has one; a process has neither its parent's thread nor process keyring. */
export function inheritKeyrings(kernel: Kernel, old: Credentials, thread: boolean): Credentials | Errno {
  if (old.threadKeyring === null && (thread || old.processKeyring === null)) return old;
  const c = old.prepare();
  c.threadKeyring = null;
  if (!thread) c.processKeyring = null;
  else {
    const own = ownKeyring(kernel, c, '_tid');
    if (isErr(own)) return own;
    c.threadKeyring = own;
    // Whatever becomes of the task.
    kernel.keys.dirty = true;
  }
  return c;
}

function change(t: Task, f: (c: Credentials) => void): void {
  const c = t.credentials.prepare();
  f(c);
  commitCredentials(t, c);
}

/** The task's thread keyring, made if it has none. */
export function threadKeyring(t: Task): Key | Errno {
  const has = t.credentials.threadKeyring;
  if (has !== null) return has;
  const key = ownKeyring(t.kernel, t.credentials, '_tid');
  if (!isErr(key)) change(t, (c) => { c.threadKeyring = key; });
  return key;
}
export function processKeyring(t: Task): Key | Errno {
  const has = t.credentials.processKeyring;
  if (has !== null) return has;
  const key = ownKeyring(t.kernel, t.credentials, '_pid');
  if (!isErr(key)) change(t, (c) => { c.processKeyring = key; });
  return key;
}

interface UserKeyrings {
  readonly user: Key;
  readonly session: Key;
}

/** The keyrings of the task's real user in its user namespace, made if they are not there. Linux look_up_user_keyrings(). */
export function userKeyrings(t: Task): UserKeyrings | Errno {
  const c = t.credentials;
  const { keys } = t.kernel;
  const ns = c.userNs;
  if (ns.userKeyrings === null) {
    const perm = K.KEY_POS_WRITE | K.KEY_POS_SEARCH | K.KEY_USR_VIEW | K.KEY_USR_READ;
    const made = allocKeyring(keys, ns, '.user_reg', ns.owner, NO_GROUP, perm, 'counted', null);
    if (isErr(made)) return made;
    ns.userKeyrings = made;
    keys.namespaces.add(ns);
  }
  const register = ns.userKeyrings;
  const number = ns.fromKuid(c.uid) >>> 0;
  const find = (name: string): Key | Errno => {
    const there = register.links?.get(`keyring\0${name}`);
    if (there !== undefined) return there;
    const made = allocKeyring(keys, ns, name, c.uid, NO_GROUP, USER_KEYRING_PERM, 'counted', register);
    if (!isErr(made)) made.flags |= KEY_UID_KEYRING;
    return made;
  };
  const user = find(`_uid.${number}`);
  if (isErr(user)) return user;
  const hadSession = register.links?.has(`keyring\0_uid_ses.${number}`);
  const session = find(`_uid_ses.${number}`);
  if (isErr(session)) return session;
  if (!hadSession) {
    const r = linkKey(keys, session, user);
    if (isErr(r)) return r;
  }
  return { user, session };
}

/** The user session keyring if it is there already, for searches. */
function existingUserSession(c: Credentials): Key | null {
  return c.userNs.userKeyrings?.links?.get(`keyring\0_uid_ses.${c.userNs.fromKuid(c.uid) >>> 0}`) ?? null;
}

/** Searches everything that the task can search: its own keyrings, and those it has the authority to. Linux search_process_keyrings_rcu(). */
export function searchProcess(t: Task, o: SearchOptions): KeyRef | Errno {
  const c = t.credentials;
  const found = searchCredentials(c, existingUserSession(c), o);
  if (!isErr(found)) return found;
  const authority = c.requestKeyAuth;
  if (authority === null || o.type === REQUEST_KEY_AUTH || validateKey(authority, t.kernel.keys.now) !== 0 || authority.request === null) return found;
  const requester = authority.request.credentials;
  const other = searchCredentials(requester, existingUserSession(requester), { ...o, credentials: o.credentials === null ? null : requester });
  if (!isErr(other)) return other;
  if (found === ENOKEY || other === ENOKEY) return ENOKEY;
  return found === EACCES ? other : found;
}

/** Is `key` among what the task can search? */
export function possesses(t: Task, key: Key): boolean {
  const o: SearchOptions = {
    credentials: t.credentials, type: key.type, description: key.description, identity: key, checkState: false, skipExpired: false, recurse: true, detectTooDeep: false,
    now: 0,
  };
  return !isErr(searchProcess(t, o));
}

/** The session keyring becomes `keyring`, or a new one of the task's own. Linux install_session_keyring_to_cred(). */
export function installSession(t: Task, keyring: Key | null): Key | Errno {
  const c = t.credentials;
  const perm = K.KEY_POS_ALL | K.KEY_USR_VIEW | K.KEY_USR_READ;
  const key = keyring ?? allocKeyring(t.kernel.keys, c.userNs, '_ses', c.uid, c.gid, perm, c.sessionKeyring === null ? 'overrun' : 'counted', null);
  if (!isErr(key)) change(t, (n) => { n.sessionKeyring = key; });
  return key;
}

/** A keyring that may be joined: named so, and searchable by the task. */
function keyringNamed(t: Task, name: string): Key | null {
  const ns = t.credentials.userNs;
  for (const [key, madeIn] of t.kernel.keys.named) {
    if (madeIn !== ns || key.description !== name || key.revoked || ns.fromKuid(key.user.uid) === -1) continue;
    if (keyPermission({ key, possessed: false }, t.credentials, K.KEY_OTH_SEARCH) === 0) return key;
  }
  return null;
}

/** KEYCTL_JOIN_SESSION_KEYRING: the serial of the session keyring, 0 if it was that already, or an errno. */
export function joinSession(t: Task, name: string | null): number {
  if (name === null) {
    const key = installSession(t, null);
    return isErr(key) ? key : key.serial;
  }
  const c = t.credentials;
  const perm = K.KEY_POS_ALL | K.KEY_USR_VIEW | K.KEY_USR_READ | K.KEY_USR_LINK;
  const key = keyringNamed(t, name) ?? allocKeyring(t.kernel.keys, c.userNs, name, c.uid, c.gid, perm, 'counted', null);
  if (isErr(key)) return key;
  if (key === c.sessionKeyring) return 0;
  installSession(t, key);
  return key.serial;
}

/** The session keyring; without one, the user's stands in, and a new one is made where something is to be changed. */
function sessionKeyring(t: Task, create: boolean): Key | Errno {
  const has = t.credentials.sessionKeyring;
  if (has !== null && !(create && has.flags & KEY_UID_KEYRING)) return has;
  if (has === null) {
    const users = userKeyrings(t);
    if (isErr(users)) return users;
    if (!create) return installSession(t, users.session);
  }
  return installSession(t, null);
}

/** KEY_SPEC_ numbers: always possessed. */
function specialKey(t: Task, id: number, create: boolean): Key | Errno {
  const c = t.credentials;
  switch (id) {
    case K.KEY_SPEC_THREAD_KEYRING:
      return c.threadKeyring ?? (create ? threadKeyring(t) : ENOKEY);
    case K.KEY_SPEC_PROCESS_KEYRING:
      return c.processKeyring ?? (create ? processKeyring(t) : ENOKEY);
    case K.KEY_SPEC_SESSION_KEYRING:
      return sessionKeyring(t, create);
    case K.KEY_SPEC_USER_KEYRING: case K.KEY_SPEC_USER_SESSION_KEYRING: {
      const users = userKeyrings(t);
      if (isErr(users)) return users;
      return id === K.KEY_SPEC_USER_KEYRING ? users.user : users.session;
    }
    case K.KEY_SPEC_REQKEY_AUTH_KEY:
      return c.requestKeyAuth ?? ENOKEY;
    case K.KEY_SPEC_REQUESTOR_KEYRING:
      if (c.requestKeyAuth === null) return ENOKEY;
      return c.requestKeyAuth.revoked ? EKEYREVOKED : (c.requestKeyAuth.request?.destination ?? ENOKEY);
    default:
      return EINVAL;
  }
}

/** Waits until a key is made: 0; its errno if it is negative or no longer valid; BLOCKED, ERESTARTSYS. Linux wait_for_key_construction(). */
export function waitForConstruction(t: Task, key: Key): number {
  if (key.flags & KEY_USER_CONSTRUCT) return t.wait(key.construction);
  return key.state < 0 ? key.state : validateKey(key, t.kernel.keys.now);
}

/**
 * The key that `id` means to the task, with `need` allowed (a KEY_OTH_ bit or a NEED_). ENOKEY, EINVAL, EACCES, EKEYREVOKED, EKEYEXPIRED, EIO, what a
 * negative key says; BLOCKED while it is under construction. Linux lookup_user_key().
 */
export function lookupKey(t: Task, id: number, flags: number, need: number): KeyRef | Errno {
  let ref: KeyRef;
  if (id < 0) {
    const key = specialKey(t, id, (flags & LOOKUP_CREATE) !== 0);
    if (isErr(key)) return key;
    ref = { key, possessed: true };
  } else {
    if (id === 0) return EINVAL;
    const key = t.kernel.keys.find(id);
    if (key === null) return ENOKEY;
    ref = { key, possessed: possesses(t, key) };
  }
  const { key } = ref;
  if (need !== NEED_UNLINK) {
    if (!(flags & LOOKUP_PARTIAL)) {
      const made = waitForConstruction(t, key);
      if (made < 0 && (key.flags & KEY_USER_CONSTRUCT || (need !== NEED_AUTHORITY_OVERRIDE && need !== NEED_DEFERRED))) return made as Errno;
      if (key.state === KEY_UNINSTANTIATED) return EIO;
    } else if (need !== NEED_DEFERRED) {
      const valid = validateKey(key, t.kernel.keys.now);
      if (isErr(valid)) return valid;
    }
  }
  if (need > 0) {
    const may = keyPermission(ref, t.credentials, need);
    if (isErr(may)) return may;
  }
  return ref;
}

/** The authorisation key for making the key `serial`. ENOKEY, EKEYREVOKED. Linux key_get_instantiation_authkey(). */
export function authorityFor(t: Task, serial: number): Key | Errno {
  const o = optionsFor(t, REQUEST_KEY_AUTH, serial.toString(16));
  const found = searchProcess(t, { ...o, checkState: false });
  if (isErr(found)) return found === EAGAIN ? ENOKEY : found;
  return found.key.revoked ? EKEYREVOKED : found.key;
}

/** A search for a usable key by name, in nested keyrings too. */
export function optionsFor(t: Task, type: KeyType, description: string): SearchOptions {
  return {
    credentials: t.credentials, type, description, identity: null, checkState: true, skipExpired: false, recurse: true, detectTooDeep: false, now: t.kernel.keys.now,
  };
}

/** KEYCTL_GET_PERSISTENT: links the persistent keyring of user `id` (-1: the caller) into `destination` and starts its time anew. Its serial or an errno. */
export function getPersistent(t: Task, id: number, destination: number): number {
  const c = t.credentials;
  const ns = c.userNs;
  const { keys } = t.kernel;
  let { uid } = c;
  if (id !== 0xffffffff) {
    uid = ns.makeKuid(id);
    if ((uid as number) === -1) return EINVAL;
    if (uid !== c.uid && uid !== c.euid && !c.nsCapable(ns, CAP_SETUID)) return EPERM;
  }
  const into = lookupKey(t, destination, LOOKUP_CREATE, K.KEY_OTH_WRITE);
  if (isErr(into)) return into;
  if (!into.key.isKeyring) return ENOTDIR;
  if (ns.persistentKeyrings === null) {
    const register = allocKeyring(keys, ns, '.persistent_register', ns.makeKuid(0), ns.makeKgid(0), PERSISTENT_PERM, 'none', null);
    if (isErr(register)) return register;
    ns.persistentKeyrings = register;
    keys.namespaces.add(ns);
  }
  const name = `_persistent.${ns.fromKuid(uid) >>> 0}`;
  const key = ns.persistentKeyrings.links?.get(`keyring\0${name}`) ?? allocKeyring(keys, ns, name, uid, NO_GROUP, PERSISTENT_PERM, 'none', ns.persistentKeyrings);
  if (isErr(key)) return key;
  const may = keyPermission({ key, possessed: true }, c, K.KEY_OTH_LINK);
  const linked = may < 0 ? may : linkKey(keys, into.key, key);
  if (linked < 0) return linked;
  keys.setExpiry(key, keys.now + keys.limits.persistentExpiry);
  return key.serial;
}
