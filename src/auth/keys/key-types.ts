/** The types of key. Linux security/keys/user_defined.c, keyring.c; crypto/asymmetric_keys/asymmetric_type.c. */
import { EBADMSG, EINVAL } from '../../abi/errno.ts';
import type { KeyType } from './key.ts';

const MAX_USER_PAYLOAD = 32767;
const userPayload: KeyType['preparse'] = (data) => (data.length === 0 || data.length > MAX_USER_PAYLOAD ? EINVAL : 0);

export const KEYRING: KeyType = {
  name: 'keyring', preparse: (data) => (data.length === 0 ? 0 : EINVAL), ownDescription: false, vetDescription: null, updates: false, reads: true, restricts: false,
};
export const USER: KeyType = {
  name: 'user', preparse: userPayload, ownDescription: false, vetDescription: null, updates: true, reads: true, restricts: false,
};
/** For the kernel's own use: never read, and its description says whose it is ("service:name"). */
export const LOGON: KeyType = {
  name: 'logon', preparse: userPayload, ownDescription: false, vetDescription: (d) => (d.indexOf(':') > 0 ? 0 : EINVAL), updates: true, reads: false, restricts: false,
};
/** There is no parser for any format of certificate: each payload is one that nobody understands. */
export const ASYMMETRIC: KeyType = {
  name: 'asymmetric', preparse: () => EBADMSG, ownDescription: true, vetDescription: null, updates: false, reads: false, restricts: true,
};
/** Lets the program that request_key(2) starts make one key. Cannot be named by users. */
export const REQUEST_KEY_AUTH: KeyType = {
  name: '.request_key_auth', preparse: () => 0, ownDescription: false, vetDescription: null, updates: false, reads: true, restricts: false,
};

const TYPES: ReadonlyMap<string, KeyType> = new Map([KEYRING, USER, LOGON, ASYMMETRIC].map((t) => [t.name, t]));

/** The type of that name, or undefined. */
export function keyTypeNamed(name: string): KeyType | undefined {
  return TYPES.get(name);
}
