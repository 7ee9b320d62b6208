/** Structures in guest memory, by the name that a syscall row uses, as strace prints them. */
import { signalName } from '../abi/signal.ts';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } from '../abi/stat.ts';
import type { UserMemory } from '../memory/user-memory.ts';
import { CONSTANT_FAMILIES, constantText, FLAG_FAMILIES, flagText } from './flag-names.ts';
import { RARE_STRUCTS } from './rare-formats.ts';
import { formatBuffer, pointer, quote } from './string-format.ts';

/** A structure's size in bytes, and the text of the one at `view`'s start. */
type StructFormat = { readonly size: number; readonly text: (view: DataView, space: UserMemory) => string };

const u64 = (view: DataView, off: number): number => view.getUint32(off + 4, true) * 4294967296 + view.getUint32(off, true);
const i64 = (view: DataView, off: number): number => view.getInt32(off + 4, true) * 4294967296 + view.getUint32(off, true);
const i32 = (view: DataView, off: number): number => view.getInt32(off, true);

/** `[INT TERM]` of a 64-bit set, or `~[…]` when most are in it. */
export function signalSetText(lo: number, hi: number): string {
  const has = (n: number): boolean => ((n <= 32 ? lo >>> (n - 1) : hi >>> (n - 33)) & 1) !== 0;
  const inside: string[] = [];
  const outside: string[] = [];
  for (let n = 1; n <= 64; n++) (has(n) ? inside : outside).push(signalName(n).replace('SIG', ''));
  return inside.length > 32 ? `~[${outside.join(' ')}]` : `[${inside.join(' ')}]`;
}

const FILE_TYPES: Readonly<Record<number, string>> = {
  [S_IFIFO]: 'S_IFIFO', [S_IFCHR]: 'S_IFCHR', [S_IFDIR]: 'S_IFDIR', [S_IFBLK]: 'S_IFBLK', [S_IFREG]: 'S_IFREG', [S_IFLNK]: 'S_IFLNK', [S_IFSOCK]: 'S_IFSOCK',
};

/** `S_IFREG|0644`. */
export function modeText(mode: number): string {
  const type = FILE_TYPES[mode & S_IFMT];
  const bits = '0' + (mode & 0o7777).toString(8).padStart((mode & 0o7777) === 0 ? 2 : 3, '0');
  return type === undefined ? bits : `${type}|${bits}`;
}

const timespec: StructFormat = { size: 16, text: (v) => `{tv_sec=${i64(v, 0)}, tv_nsec=${i64(v, 8)}}` };
const timeval: StructFormat = { size: 16, text: (v) => `{tv_sec=${i64(v, 0)}, tv_usec=${i64(v, 8)}}` };
const limit = (n: number): string => (n >= 2 ** 63 ? 'RLIM64_INFINITY' : n >= 1024 && n % 1024 === 0 ? `${n / 1024}*1024` : String(n));

export const STRUCTS: Readonly<Record<string, StructFormat>> = {
  ...RARE_STRUCTS,
  timespec,
  timeval,
  itimerspec: { size: 32, text: (v) => `{it_interval={tv_sec=${i64(v, 0)}, tv_nsec=${i64(v, 8)}}, it_value={tv_sec=${i64(v, 16)}, tv_nsec=${i64(v, 24)}}}` },
  itimerval: { size: 32, text: (v) => `{it_interval={tv_sec=${i64(v, 0)}, tv_usec=${i64(v, 8)}}, it_value={tv_sec=${i64(v, 16)}, tv_usec=${i64(v, 24)}}}` },
  sigset: { size: 8, text: (v) => signalSetText(i32(v, 0), i32(v, 4)) },
  sigaction: {
    size: 32,
    text: (v) => {
      const handler = u64(v, 0);
      const name = handler === 0 ? 'SIG_DFL' : handler === 1 ? 'SIG_IGN' : pointer(handler);
      const flags = i32(v, 8);
      const restorer = flags & 0x04000000 ? `, sa_restorer=${pointer(u64(v, 16))}` : '';
      return `{sa_handler=${name}, sa_mask=${signalSetText(i32(v, 24), i32(v, 28))}, sa_flags=${flagText(FLAG_FAMILIES['saflags'] ?? [], flags)}${restorer}}`;
    },
  },
  sigaltstack: { size: 24, text: (v) => `{ss_sp=${pointer(u64(v, 0))}, ss_flags=${flagText(FLAG_FAMILIES['ssflags'] ?? [], i32(v, 8))}, ss_size=${u64(v, 16)}}` },
  stat: {
    size: 144,
    text: (v) => {
      const mode = v.getUint32(24, true);
      const type = mode & S_IFMT;
      const what = type === S_IFCHR || type === S_IFBLK ? `st_rdev=makedev(${pointer(u64(v, 40) >>> 8)}, ${pointer(u64(v, 40) & 0xff)})` : `st_size=${i64(v, 48)}`;
      return `{st_mode=${modeText(mode)}, ${what}, ...}`;
    },
  },
  statx: { size: 256, text: (v) => `{stx_mask=${flagText(FLAG_FAMILIES['statxmask'] ?? [], i32(v, 0))}, stx_attributes=${pointer(u64(v, 8))}, stx_mode=${modeText(v.getUint16(28, true))}, stx_size=${u64(v, 40)}, ...}` },
  rlimitval: { size: 16, text: (v) => `{rlim_cur=${limit(u64(v, 0))}, rlim_max=${limit(u64(v, 8))}}` },
  rusage: { size: 144, text: (v) => `{ru_utime={tv_sec=${i64(v, 0)}, tv_usec=${i64(v, 8)}}, ru_stime={tv_sec=${i64(v, 16)}, tv_usec=${i64(v, 24)}}, ...}` },
  winsize: { size: 8, text: (v) => `{ws_row=${v.getUint16(0, true)}, ws_col=${v.getUint16(2, true)}, ws_xpixel=${v.getUint16(4, true)}, ws_ypixel=${v.getUint16(6, true)}}` },
  utsname: {
    size: 390,
    text: (v) => {
      const field = (i: number): string => {
        const bytes = new Uint8Array(v.buffer, v.byteOffset + i * 65, 65);
        return quote(bytes, Math.max(0, bytes.indexOf(0)));
      };
      return `{sysname=${field(0)}, nodename=${field(1)}, ...}`;
    },
  },
  sysinfo: { size: 112, text: (v) => `{uptime=${i64(v, 0)}, loads=[${u64(v, 8)}, ${u64(v, 16)}, ${u64(v, 24)}], totalram=${u64(v, 32)}, freeram=${u64(v, 40)}, ...}` },
  pipefd: { size: 8, text: (v) => `[${i32(v, 0)}, ${i32(v, 4)}]` },
  fdpair: { size: 8, text: (v) => `[${i32(v, 0)}, ${i32(v, 4)}]` },
  fds: { size: 8, text: (v) => `[${i32(v, 0)}, ${i32(v, 4)}]` },
  uid: { size: 4, text: (v) => `[${v.getUint32(0, true)}]` },
  gid: { size: 4, text: (v) => `[${v.getUint32(0, true)}]` },
  time: { size: 8, text: (v) => `[${i64(v, 0)}]` },
  size: { size: 8, text: (v) => `[${u64(v, 0)}]` },
  addr: { size: 8, text: (v) => `[${pointer(u64(v, 0))}]` },
  schedparam: { size: 4, text: (v) => `[${i32(v, 0)}]` },
  tms: { size: 32, text: (v) => `{tms_utime=${i64(v, 0)}, tms_stime=${i64(v, 8)}, tms_cutime=${i64(v, 16)}, tms_cstime=${i64(v, 24)}}` },
  utimbuf: { size: 16, text: (v) => `{actime=${i64(v, 0)}, modtime=${i64(v, 8)}}` },
  statfs: { size: 120, text: (v) => `{f_type=${pointer(u64(v, 0))}, f_bsize=${i64(v, 8)}, f_blocks=${u64(v, 16)}, f_bfree=${u64(v, 24)}, ...}` },
  intp: { size: 4, text: (v) => `[${i32(v, 0)}]` },
  int: { size: 4, text: (v) => `[${i32(v, 0)}]` },
  wstatus: { size: 4, text: (v) => `[${waitStatusText(i32(v, 0))}]` },
  ids: { size: 4, text: (v) => `[${i32(v, 0)}]` },
  siginfo: { size: 128, text: (v) => `{si_signo=${signalName(i32(v, 0))}, si_code=${i32(v, 8)}, si_pid=${i32(v, 16)}, si_uid=${i32(v, 20)}, ...}` },
  epoll_event: { size: 12, text: (v) => `{events=${flagText(FLAG_FAMILIES['epollevents'] ?? [], i32(v, 0))}, data=${pointer(u64(v, 4))}}` },
  pollfd: {
    size: 8,
    text: (v) => {
      const events = FLAG_FAMILIES['pollevents'] ?? [];
      return `{fd=${i32(v, 0)}, events=${flagText(events, v.getInt16(4, true) & 0xffff)}, revents=${flagText(events, v.getInt16(6, true) & 0xffff)}}`;
    },
  },
  iovec: { size: 16, text: (v, space) => `{iov_base=${formatBuffer(space, u64(v, 0), u64(v, 8))}, iov_len=${u64(v, 8)}}` },
  flock: {
    size: 32,
    text: (v) =>
      `{l_type=${constantText(CONSTANT_FAMILIES['locktype'] ?? [], v.getInt16(0, true))}, l_whence=${constantText(CONSTANT_FAMILIES['whence'] ?? [], v.getInt16(2, true))}, l_start=${i64(v, 8)}, l_len=${i64(v, 16)}}`,
  },
  open_how: { size: 24, text: (v) => `{flags=${openFlagsText(i32(v, 0))}, mode=${modeText(i32(v, 8))}, resolve=${pointer(u64(v, 16))}}` },
  clone_args: {
    size: 64,
    text: (v) =>
      `{flags=${flagText(FLAG_FAMILIES['cloneflags'] ?? [], i32(v, 0))}, child_tid=${pointer(u64(v, 16))}, parent_tid=${pointer(u64(v, 24))}, exit_signal=${i32(v, 32) === 0 ? '0' : signalName(i32(v, 32))}, stack=${pointer(u64(v, 40))}, stack_size=${pointer(u64(v, 48))}, tls=${pointer(u64(v, 56))}}`,
  },
  msghdr: {
    size: 56,
    text: (v, space) => {
      const count = Math.min(u64(v, 24), 8);
      const iov = formatArray(space, u64(v, 16), count, 'iovec');
      return `{msg_name=${pointer(u64(v, 0))}, msg_namelen=${i32(v, 8)}, msg_iov=${iov}, msg_iovlen=${u64(v, 24)}, msg_controllen=${u64(v, 40)}, msg_flags=${flagText(FLAG_FAMILIES['msgflags'] ?? [], i32(v, 48))}}`;
    },
  },
};

/** `{WIFEXITED(s) && WEXITSTATUS(s) == 1}`. */
export function waitStatusText(status: number): string {
  const low = status & 0x7f;
  if (status === 0xffff) return '{WIFCONTINUED(s)}';
  if (low === 0) return `{WIFEXITED(s) && WEXITSTATUS(s) == ${(status >> 8) & 0xff}}`;
  if (low === 0x7f) return `{WIFSTOPPED(s) && WSTOPSIG(s) == ${signalName((status >> 8) & 0xff)}}`;
  return `{WIFSIGNALED(s) && WTERMSIG(s) == ${signalName(low)}${status & 0x80 ? ' && WCOREDUMP(s)' : ''}}`;
}

/** `O_RDWR|O_CREAT`. */
export function openFlagsText(flags: number): string {
  const mode = ['O_RDONLY', 'O_WRONLY', 'O_RDWR', 'O_ACCMODE'][flags & 3] as string;
  const rest = flags & ~3 & ~0o100000;
  return rest === 0 ? mode : `${mode}|${flagText(OPEN_BITS, rest)}`;
}

const OPEN_BITS: readonly (readonly [number, string])[] = [
  [0o4010000, 'O_SYNC'], [0o20200000, 'O_TMPFILE'], [0o100, 'O_CREAT'], [0o200, 'O_EXCL'], [0o400, 'O_NOCTTY'], [0o1000, 'O_TRUNC'], [0o2000, 'O_APPEND'],
  [0o4000, 'O_NONBLOCK'], [0o10000, 'O_DSYNC'], [0o20000, 'O_ASYNC'], [0o40000, 'O_DIRECT'], [0o200000, 'O_DIRECTORY'], [0o400000, 'O_NOFOLLOW'],
  [0o1000000, 'O_NOATIME'], [0o2000000, 'O_CLOEXEC'], [0o10000000, 'O_PATH'],
];

/** The structure `name` at `addr`; its address if it cannot be read or is not known. */
export function formatStruct(space: UserMemory, addr: number, name: string): string {
  const format = STRUCTS[name];
  if (addr === 0 || format === undefined) return pointer(addr);
  const bytes = new Uint8Array(format.size);
  if (space.copyIn(addr, bytes, 0, format.size) < format.size) return pointer(addr);
  return format.text(new DataView(bytes.buffer), space);
}

/** `count` structures from `addr` on, in brackets. */
export function formatArray(space: UserMemory, addr: number, count: number, name: string): string {
  if (addr === 0) return 'NULL';
  const size = STRUCTS[name]?.size ?? 0;
  const items: string[] = [];
  for (let i = 0; i < Math.min(count, 8); i++) items.push(formatStruct(space, addr + i * size, name));
  if (count > 8) items.push('...');
  return `[${items.join(', ')}]`;
}

/** A socket address of `length` bytes. */
export function formatSocketAddress(space: UserMemory, addr: number, length: number): string {
  if (addr === 0) return 'NULL';
  const size = Math.min(Math.max(length, 0), 128);
  const bytes = new Uint8Array(size);
  if (size < 2 || space.copyIn(addr, bytes, 0, size) < size) return pointer(addr);
  const view = new DataView(bytes.buffer);
  const family = view.getUint16(0, true);
  if (family === 1) {
    const path = bytes.subarray(2);
    if (path.length === 0) return '{sa_family=AF_UNIX}';
    if (path[0] === 0) return `{sa_family=AF_UNIX, sun_path=@${quote(path.subarray(1))}}`;
    const end = path.indexOf(0);
    return `{sa_family=AF_UNIX, sun_path=${quote(path, end < 0 ? path.length : end)}}`;
  }
  if (family === 2 && size >= 8) {
    return `{sa_family=AF_INET, sin_port=htons(${view.getUint16(2)}), sin_addr=inet_addr("${bytes.subarray(4, 8).join('.')}")}`;
  }
  return `{sa_family=${constantText(CONSTANT_FAMILIES['domain'] ?? [], family)}, sa_data=${quote(bytes.subarray(2, Math.min(size, 16)))}}`;
}
