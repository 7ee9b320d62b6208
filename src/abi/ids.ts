/** Branded integers for identities: only decoders and allocators mint them, so a number as one namespace sees it never passes for a global one. */
declare const uidBrand: unique symbol;
declare const gidBrand: unique symbol;
declare const kuidBrand: unique symbol;
declare const kgidBrand: unique symbol;
declare const pidBrand: unique symbol;

/** A user id as one user namespace sees it (0 … 2^32-2; 4294967295 = none). */
export type Uid = number & { readonly [uidBrand]: true };
/** A group id as one user namespace sees it. */
export type Gid = number & { readonly [gidBrand]: true };
/** A global user id (Linux kuid_t): what inodes and credentials hold. -1 = no mapping. */
export type KUid = number & { readonly [kuidBrand]: true };
/** A global group id (Linux kgid_t). -1 = no mapping. */
export type KGid = number & { readonly [kgidBrand]: true };
/** A process, thread, group or session number as one PID namespace sees it; 0 = not visible there. */
export type Pid = number & { readonly [pidBrand]: true };

export const INVALID_KUID: KUid = -1 as KUid;
export const INVALID_KGID: KGid = -1 as KGid;
export const ROOT_KUID: KUid = 0 as KUid;
export const ROOT_KGID: KGid = 0 as KGid;
/** /proc/sys/kernel/overflowuid: shown for ids that a namespace does not map. */
export const OVERFLOW_UID: Uid = 65534 as Uid;
export const OVERFLOW_GID: Gid = 65534 as Gid;
