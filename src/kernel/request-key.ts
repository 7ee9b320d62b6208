/** Making a key that nobody has: request_key(2) asks /sbin/request-key. Linux security/keys/request_key.c, request_key_auth.c. */
import { EAGAIN, EBUSY, ENOKEY, EPERM, type Errno, isErr } from '../abi/errno.ts';
import * as K from '../abi/keyctl.ts';
import { Credentials } from '../auth/credentials.ts';
import { defaultPermissions, type Key, KEY_INVALIDATED, KEY_POSITIVE, KEY_UNINSTANTIATED, KEY_USER_CONSTRUCT, type KeyType } from '../auth/keys/key.ts';
import { keyPermission } from '../auth/keys/key-search.ts';
import { KEYRING, REQUEST_KEY_AUTH } from '../auth/keys/key-types.ts';
import { finishKey, instantiateAndLink, linkKey } from '../auth/keys/keyring.ts';
import { FdTable } from '../vfs/fd-table.ts';
import type { Kernel } from './kernel.ts';
import { allocKeyring, optionsFor, searchProcess, userKeyrings, waitForConstruction } from './process-keyrings.ts';
import type { Task } from './task.ts';

const HELPER = '/sbin/request-key';
const HELPER_ENVIRONMENT: readonly string[] = ['HOME=/', 'PATH=/sbin:/bin:/usr/sbin:/usr/bin'];
/** Seconds that a key stays negative when the helper cannot be run or does nothing. */
const NEGATIVE_SECONDS = 60;
const AUTH_PERM = K.KEY_POS_VIEW | K.KEY_POS_READ | K.KEY_POS_SEARCH | K.KEY_POS_LINK | K.KEY_USR_VIEW;

/** A key that is being made while its requester sleeps. */
class Construction {
  readonly key: Key;
  /** The helper has ended. */
  done = false;
  constructor(key: Key) {
    this.key = key;
  }
}

/** The key says from now on that it is not there (`error`), for `seconds`. Linux key_reject_and_link(). */
export function rejectKey(kernel: Kernel, key: Key, seconds: number, error: Errno, keyring: Key | null, authority: Key | null): number {
  if (key.state !== KEY_UNINSTANTIATED) return EBUSY;
  const linked = keyring === null ? 0 : linkKey(kernel.keys, keyring, key);
  key.flags &= ~KEY_USER_CONSTRUCT;
  finishKey(key, error);
  kernel.keys.setExpiry(key, kernel.keys.now + seconds);
  if (authority !== null) endAuthority(kernel, authority);
  return linked;
}

/** The authority to make a key has been used. */
function endAuthority(kernel: Kernel, authority: Key): void {
  authority.flags |= KEY_INVALIDATED;
  kernel.keys.dirty = true;
}

/** KEYCTL_INSTANTIATE: the key gets its payload. 0, EBUSY, EINVAL, EDQUOT, EPERM. */
export function instantiateRequested(kernel: Kernel, key: Key, payload: Uint8Array, keyring: Key | null, authority: Key): number {
  const bad = key.type.preparse(payload);
  if (bad < 0) return bad;
  if (key.state !== KEY_UNINSTANTIATED) return EBUSY;
  const r = instantiateAndLink(kernel.keys, key, payload, keyring);
  if (r < 0) return r;
  key.flags &= ~KEY_USER_CONSTRUCT;
  key.construction.wake(-1, Infinity);
  endAuthority(kernel, authority);
  return 0;
}

/** Where a new key goes when the caller names no keyring. Linux construct_get_dest_keyring(). */
function defaultDestination(t: Task): Key | Errno {
  const c = t.credentials;
  let chosen: Key | null = null;
  switch (c.requestKeyDefault) {
    case K.KEY_REQKEY_DEFL_DEFAULT: case K.KEY_REQKEY_DEFL_REQUESTOR_KEYRING:
      if (c.requestKeyAuth?.request?.destination && !c.requestKeyAuth.revoked) return c.requestKeyAuth.request.destination;
      chosen = c.threadKeyring ?? c.processKeyring ?? c.sessionKeyring;
      break;
    case K.KEY_REQKEY_DEFL_THREAD_KEYRING:
      chosen = c.threadKeyring ?? c.processKeyring ?? c.sessionKeyring;
      break;
    case K.KEY_REQKEY_DEFL_PROCESS_KEYRING:
      chosen = c.processKeyring ?? c.sessionKeyring;
      break;
    case K.KEY_REQKEY_DEFL_SESSION_KEYRING:
      chosen = c.sessionKeyring;
      break;
  }
  if (chosen === null) {
    const users = userKeyrings(t);
    if (isErr(users)) return users;
    chosen = c.requestKeyDefault === K.KEY_REQKEY_DEFL_USER_KEYRING ? users.user : users.session;
  }
  const may = keyPermission({ key: chosen, possessed: true }, c, K.KEY_OTH_WRITE);
  return isErr(may) ? may : chosen;
}

/** A key that is not there yet, linked where it is to be. */
function allocRequested(t: Task, type: KeyType, description: string, destination: Key): Key | Errno {
  const { keys } = t.kernel;
  const c = t.credentials;
  const key = keys.alloc(type, description, c.fsuid, c.fsgid, defaultPermissions(type, false), 'counted');
  if (isErr(key)) return key;
  key.flags |= KEY_USER_CONSTRUCT;
  const linked = linkKey(keys, destination, key);
  if (isErr(linked)) {
    keys.dirty = true;
    return linked;
  }
  return key;
}

/** The keyring of the helper: it holds the authority to make the key. */
function helperSession(t: Task, key: Key, callout: string, destination: Key): { session: Key; authority: Key } | Errno {
  const { keys } = t.kernel;
  const c = t.credentials;
  const session = allocKeyring(keys, c.userNs, `_req.${key.serial}`, c.fsuid, c.fsgid, K.KEY_POS_ALL | K.KEY_USR_VIEW | K.KEY_USR_READ, 'overrun', null);
  if (isErr(session)) return session;
  const authority = keys.alloc(REQUEST_KEY_AUTH, key.serial.toString(16), c.fsuid, c.fsgid, AUTH_PERM, 'none');
  if (isErr(authority)) return authority;
  authority.request = { target: key, destination, callout, credentials: c };
  finishKey(authority, KEY_POSITIVE);
  authority.payload = Uint8Array.from(callout, (ch) => ch.charCodeAt(0));
  const linked = linkKey(keys, session, authority);
  return isErr(linked) ? linked : { session, authority };
}

/** Starts the helper; ENOENT and whatever else execve says. */
function startHelper(t: Task, construction: Construction, session: Key, authority: Key): 0 | Errno {
  const { kernel } = t;
  const { init } = kernel;
  const c = t.credentials;
  const own = c.sessionKeyring ?? userKeyrings(t);
  const sessionSerial = isErr(own) ? 0 : 'session' in own ? own.session.serial : own.serial;
  const credentials = new Credentials(kernel.userNs);
  credentials.sessionKeyring = session;
  const { key } = construction;
  const started = kernel.startProgram({
    path: HELPER,
    argv: [HELPER, 'create', key.serial, c.fsuid, c.fsgid, c.threadKeyring?.serial ?? 0, c.processKeyring?.serial ?? 0, sessionSerial].map(String),
    envp: HELPER_ENVIRONMENT,
    mountNamespace: init.nsproxy.mnt,
    root: init.fs.root,
    cwd: init.fs.root,
    umask: 0o22,
    credentials,
    fdTable: new FdTable(),
    onExit: () => {
      construction.done = true;
      if (key.flags & KEY_USER_CONSTRUCT) rejectKey(kernel, key, NEGATIVE_SECONDS, ENOKEY, null, authority);
      key.construction.wake(-1, Infinity);
    },
  });
  return isErr(started) ? started : 0;
}

/**
 * request_key(2): the serial of the key found or made. EAGAIN never; ENOKEY, EACCES, EKEYREVOKED, EKEYEXPIRED, EPERM (a keyring cannot be made so),
 * EDQUOT; BLOCKED while the helper runs.
 */
export function requestKey(t: Task, type: KeyType, description: string, callout: string | null, destination: Key | null): number {
  const { kernel } = t;
  const under = t.syscall.object;
  if (under instanceof Construction) {
    if (!under.done) return t.waitKillable(under.key.construction);
    return keyResult(t, under.key);
  }
  const found = searchProcess(t, { ...optionsFor(t, type, description), skipExpired: true });
  if (!isErr(found)) {
    if (destination !== null) {
      const may = keyPermission(found, t.credentials, K.KEY_OTH_LINK);
      const linked = may < 0 ? may : linkKey(kernel.keys, destination, found.key);
      if (linked < 0) return linked;
    }
    return keyResult(t, found.key);
  }
  if (found !== EAGAIN) return found;
  if (callout === null) return ENOKEY;
  if (type === KEYRING) return EPERM;
  const into = destination ?? defaultDestination(t);
  if (isErr(into)) return into;
  const key = allocRequested(t, type, description, into);
  if (isErr(key)) return key;
  const helper = helperSession(t, key, callout, into);
  if (isErr(helper)) {
    rejectKey(kernel, key, NEGATIVE_SECONDS, ENOKEY, null, null);
    return helper;
  }
  const construction = new Construction(key);
  const started = startHelper(t, construction, helper.session, helper.authority);
  if (started < 0) {
    rejectKey(kernel, key, NEGATIVE_SECONDS, ENOKEY, null, helper.authority);
    return started;
  }
  t.syscall.object = construction;
  return t.waitKillable(key.construction);
}

/** Its serial, once it is made and valid. */
function keyResult(t: Task, key: Key): number {
  const r = waitForConstruction(t, key);
  return r < 0 ? r : key.serial;
}
