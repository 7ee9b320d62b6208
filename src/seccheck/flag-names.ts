/** Names of flags and constants, by family, made from the constants that abi/ declares. */
import * as anon from '../abi/anon-fd.ts';
import * as clone from '../abi/clone.ts';
import * as fcntl from '../abi/fcntl.ts';
import * as futex from '../abi/futex.ts';
import * as inotify from '../abi/inotify.ts';
import * as mman from '../abi/mman.ts';
import * as mount from '../abi/mount.ts';
import * as poll from '../abi/poll.ts';
import * as ptrace from '../abi/ptrace.ts';
import * as resource from '../abi/resource.ts';
import * as sched from '../abi/sched.ts';
import * as signal from '../abi/signal.ts';
import * as socket from '../abi/socket.ts';
import * as stat from '../abi/stat.ts';
import * as time from '../abi/time.ts';

type Constants = Readonly<Record<string, unknown>>;
export type NameTable = readonly (readonly [value: number, name: string])[];

/** The constants of `module` whose names match, in the order of their values (multi-bit flags before their parts). */
export function names(module: Constants, pattern: RegExp): NameTable {
  const rows = Object.entries(module).filter((row): row is [string, number] => pattern.test(row[0]) && typeof row[1] === 'number');
  const bits = (v: number): number => {
    let n = 0;
    for (let w = v >>> 0; w !== 0; w &= w - 1) n++;
    return n;
  };
  return rows
    .map(([name, value]) => [value, name] as const)
    .sort((a, b) => bits(b[0]) - bits(a[0]) || (a[0] >>> 0) - (b[0] >>> 0));
}

/** Families of flags, by the word that a syscall row uses. */
export const FLAG_FAMILIES: Readonly<Record<string, NameTable>> = {
  prot: names(mman, /^PROT_(?!NONE)/),
  mapflags: names(mman, /^MAP_(?!FAILED|SHARED_VALIDATE|TYPE|FILE|HUGE_)/),
  mremapflags: names(mman, /^MREMAP_/),
  msyncflags: names(mman, /^MS_/),
  mlockflags: names(mman, /^MCL_|^MLOCK_/),
  cloneflags: names(clone, /^CLONE_(?!ARGS|CLEAR_SIG|INTO|NEWTIME|NEW_MASK)/),
  unshareflags: names(clone, /^CLONE_(?!ARGS|CLEAR_SIG|INTO|NEW_MASK)/),
  waitflags: names(clone, /^W[A-Z]+$|^__W/).filter(([, name]) => name !== 'WSTOPPED'),
  atflags: names(fcntl, /^AT_(?!FDCWD|EACCESS|HANDLE|STATX)/),
  accessmode: names(fcntl, /^[RWX]_OK$/),
  renameflags: names(fcntl, /^RENAME_/),
  rwflags: names(fcntl, /^RWF_/),
  spliceflags: names(fcntl, /^SPLICE_F_/),
  fallocflags: names(fcntl, /^FALLOC_FL_/),
  flock: names(fcntl, /^LOCK_/),
  sealflags: names(fcntl, /^F_SEAL_/),
  saflags: names(signal, /^SA_/),
  ssflags: names(signal, /^SS_/),
  mountflags: names(mount, /^MS_/),
  umountflags: names(mount, /^MNT_|^UMOUNT_/),
  pollevents: names(poll, /^POLL(?!FD)/),
  epollevents: names(poll, /^EPOLL(?!_)/),
  msgflags: names(socket, /^MSG_/),
  waitoptions: names(clone, /^W[A-Z]+$|^__W/).filter(([, name]) => name !== 'WSTOPPED'),
  flockop: names(fcntl, /^LOCK_/),
  unlinkflags: names(fcntl, /^AT_REMOVEDIR/),
  ateaccess: names(fcntl, /^AT_(EACCESS|SYMLINK_NOFOLLOW|EMPTY_PATH)/),
  fallocmode: names(fcntl, /^FALLOC_FL_/),
  xattrflags: names(fcntl, /^XATTR_(CREATE|REPLACE)/),
  mlockallflags: names(mman, /^MCL_/),
  inotifymask: names(inotify, /^IN_(?!ALL|CLOEXEC|NONBLOCK|CLOSE$|MOVE$)/),
  inotifyflags: names(inotify, /^IN_(CLOEXEC|NONBLOCK)/),
  eventfdflags: names(anon, /^EFD_/),
  timerfdflags: names(anon, /^TFD_(CLOEXEC|NONBLOCK)/),
  timerfdsettime: names(anon, /^TFD_TIMER/),
  signalfdflags: names(anon, /^SFD_/),
  mfdflags: names(anon, /^MFD_(?!NAME)/),
  epollflags: names(poll, /^EPOLL_CLOEXEC/),
  sockflags: names(socket, /^SOCK_(CLOEXEC|NONBLOCK)/),
  getrandomflags: [[1, 'GRND_NONBLOCK'], [2, 'GRND_RANDOM'], [4, 'GRND_INSECURE']],
  closerangeflags: [[2, 'CLOSE_RANGE_UNSHARE'], [4, 'CLOSE_RANGE_CLOEXEC']],
  statxmask: names(stat, /^STATX_(?!ATTR)/),
};

/** Families of constants, by the word that a syscall row uses. */
export const CONSTANT_FAMILIES: Readonly<Record<string, NameTable>> = {
  whence: names(fcntl, /^SEEK_/),
  fcntlcmd: names(fcntl, /^F_(?!OK|RDLCK|WRLCK|UNLCK|OWNER_|SEAL_)/),
  locktype: names(fcntl, /^F_(RD|WR|UN)LCK/),
  clockid: names(time, /^CLOCK_/),
  itimer: names(time, /^ITIMER_/),
  rlimit: names(resource, /^RLIMIT_/),
  rusagewho: names(resource, /^RUSAGE_(?!SIZE)/),
  priowhich: names(resource, /^PRIO_/),
  sighow: names(signal, /^SIG_(BLOCK|UNBLOCK|SETMASK)/),
  schedpolicy: names(sched, /^SCHED_(?!FLAG|ATTR|RESET)/),
  advice: names(mman, /^MADV_/),
  fadvice: names(fcntl, /^POSIX_FADV_/),
  idtype: names(clone, /^P_/),
  domain: names(socket, /^AF_/),
  epollop: names(poll, /^EPOLL_CTL_/),
  shutdownhow: names(socket, /^SHUT_/),
  sockopt: names(socket, /^SO_/),
  madvise: names(mman, /^MADV_/),
  family: names(socket, /^AF_/),
  fcntl: names(fcntl, /^F_(?!OK|RDLCK|WRLCK|UNLCK|OWNER_|SEAL_)/),
  sigprocmask: names(signal, /^SIG_(BLOCK|UNBLOCK|SETMASK)/),
  shuthow: names(socket, /^SHUT_/),
  sol: names(socket, /^SOL_/),
  ptracereq: names(ptrace, /^PTRACE_(?!O_|EVENT_|MODE)/),
  archprctl: [[0x1001, 'ARCH_SET_GS'], [0x1002, 'ARCH_SET_FS'], [0x1003, 'ARCH_GET_FS'], [0x1004, 'ARCH_GET_GS']],
};

const FUTEX_OPS: NameTable = names(futex, /^FUTEX_(?!OP_|PRIVATE|CLOCK|CMD|BITSET|OWNER|WAITERS|TID)/);

/** `FUTEX_WAIT_PRIVATE`, with FUTEX_CLOCK_REALTIME behind it. */
export function futexOpText(op: number): string {
  const name = constantText(FUTEX_OPS, op & 0x7f);
  return name + (op & 0x80 ? '_PRIVATE' : '') + (op & 0x100 ? '|FUTEX_CLOCK_REALTIME' : '');
}

const SOCKET_TYPES: NameTable = names(socket, /^SOCK_(STREAM|DGRAM|RAW|RDM|SEQPACKET|DCCP|PACKET)/);

/** `SOCK_STREAM|SOCK_CLOEXEC`. */
export function socketTypeText(type: number): string {
  const flags = type & ~0xf;
  return constantText(SOCKET_TYPES, type & 0xf) + (flags === 0 ? '' : `|${flagText(FLAG_FAMILIES['sockflags'] ?? [], flags)}`);
}

/** `A|B|0x40`: names of the bits of `value`, hexadecimal for the rest, `zero` (or 0) for none. */
export function flagText(table: NameTable, value: number, zero = '0'): string {
  let left = value | 0;
  const parts: [number, string][] = [];
  for (const [bits, name] of table) {
    if (bits !== 0 && (left & bits) === (bits | 0)) {
      parts.push([bits >>> 0, name]);
      left &= ~bits;
    }
  }
  parts.sort((a, b) => a[0] - b[0]);
  const text = parts.map(([, name]) => name);
  if (left !== 0) text.push('0x' + (left >>> 0).toString(16));
  return text.length === 0 ? zero : text.join('|');
}

/** The name of a constant, or the number. */
export function constantText(table: NameTable, value: number, unknown = `0x${(value >>> 0).toString(16)}`): string {
  return table.find(([v]) => v === value)?.[1] ?? unknown;
}
