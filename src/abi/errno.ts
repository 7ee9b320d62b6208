/**
 * Linux errno values as they travel through Vivarium: negative numbers, returned and never thrown.
 * Source: Linux 6.18 include/uapi/asm-generic/errno-base.h, errno.h; include/linux/errno.h for the restart codes.
 */
declare const errnoBrand: unique symbol;
/** A negative errno (`-ENOENT`), or one of the internal codes below -511. */
export type Errno = number & { readonly [errnoBrand]: true };

const e = (n: number): Errno => -n as Errno;

/** True for a returned errno; objects and non-negative numbers are results. */
export function isErr(value: unknown): value is Errno {
  return typeof value === 'number' && value < 0;
}

export const EPERM: Errno = e(1);
export const ENOENT: Errno = e(2);
export const ESRCH: Errno = e(3);
export const EINTR: Errno = e(4);
export const EIO: Errno = e(5);
export const ENXIO: Errno = e(6);
export const E2BIG: Errno = e(7);
export const ENOEXEC: Errno = e(8);
export const EBADF: Errno = e(9);
export const ECHILD: Errno = e(10);
export const EAGAIN: Errno = e(11);
export const ENOMEM: Errno = e(12);
export const EACCES: Errno = e(13);
export const EFAULT: Errno = e(14);
export const ENOTBLK: Errno = e(15);
export const EBUSY: Errno = e(16);
export const EEXIST: Errno = e(17);
export const EXDEV: Errno = e(18);
export const ENODEV: Errno = e(19);
export const ENOTDIR: Errno = e(20);
export const EISDIR: Errno = e(21);
export const EINVAL: Errno = e(22);
export const ENFILE: Errno = e(23);
export const EMFILE: Errno = e(24);
export const ENOTTY: Errno = e(25);
export const ETXTBSY: Errno = e(26);
export const EFBIG: Errno = e(27);
export const ENOSPC: Errno = e(28);
export const ESPIPE: Errno = e(29);
export const EROFS: Errno = e(30);
export const EMLINK: Errno = e(31);
export const EPIPE: Errno = e(32);
export const EDOM: Errno = e(33);
export const ERANGE: Errno = e(34);
export const EDEADLK: Errno = e(35);
export const ENAMETOOLONG: Errno = e(36);
export const ENOLCK: Errno = e(37);
export const ENOSYS: Errno = e(38);
export const ENOTEMPTY: Errno = e(39);
export const ELOOP: Errno = e(40);
export const ENOMSG: Errno = e(42);
export const EIDRM: Errno = e(43);
export const ECHRNG: Errno = e(44);
export const EL2NSYNC: Errno = e(45);
export const EL3HLT: Errno = e(46);
export const EL3RST: Errno = e(47);
export const ELNRNG: Errno = e(48);
export const EUNATCH: Errno = e(49);
export const ENOCSI: Errno = e(50);
export const EL2HLT: Errno = e(51);
export const EBADE: Errno = e(52);
export const EBADR: Errno = e(53);
export const EXFULL: Errno = e(54);
export const ENOANO: Errno = e(55);
export const EBADRQC: Errno = e(56);
export const EBADSLT: Errno = e(57);
export const EBFONT: Errno = e(59);
export const ENOSTR: Errno = e(60);
export const ENODATA: Errno = e(61);
export const ETIME: Errno = e(62);
export const ENOSR: Errno = e(63);
export const ENONET: Errno = e(64);
export const ENOPKG: Errno = e(65);
export const EREMOTE: Errno = e(66);
export const ENOLINK: Errno = e(67);
export const EADV: Errno = e(68);
export const ESRMNT: Errno = e(69);
export const ECOMM: Errno = e(70);
export const EPROTO: Errno = e(71);
export const EMULTIHOP: Errno = e(72);
export const EDOTDOT: Errno = e(73);
export const EBADMSG: Errno = e(74);
export const EOVERFLOW: Errno = e(75);
export const ENOTUNIQ: Errno = e(76);
export const EBADFD: Errno = e(77);
export const EREMCHG: Errno = e(78);
export const ELIBACC: Errno = e(79);
export const ELIBBAD: Errno = e(80);
export const ELIBSCN: Errno = e(81);
export const ELIBMAX: Errno = e(82);
export const ELIBEXEC: Errno = e(83);
export const EILSEQ: Errno = e(84);
export const ERESTART: Errno = e(85);
export const ESTRPIPE: Errno = e(86);
export const EUSERS: Errno = e(87);
export const ENOTSOCK: Errno = e(88);
export const EDESTADDRREQ: Errno = e(89);
export const EMSGSIZE: Errno = e(90);
export const EPROTOTYPE: Errno = e(91);
export const ENOPROTOOPT: Errno = e(92);
export const EPROTONOSUPPORT: Errno = e(93);
export const ESOCKTNOSUPPORT: Errno = e(94);
export const EOPNOTSUPP: Errno = e(95);
export const EPFNOSUPPORT: Errno = e(96);
export const EAFNOSUPPORT: Errno = e(97);
export const EADDRINUSE: Errno = e(98);
export const EADDRNOTAVAIL: Errno = e(99);
export const ENETDOWN: Errno = e(100);
export const ENETUNREACH: Errno = e(101);
export const ENETRESET: Errno = e(102);
export const ECONNABORTED: Errno = e(103);
export const ECONNRESET: Errno = e(104);
export const ENOBUFS: Errno = e(105);
export const EISCONN: Errno = e(106);
export const ENOTCONN: Errno = e(107);
export const ESHUTDOWN: Errno = e(108);
export const ETOOMANYREFS: Errno = e(109);
export const ETIMEDOUT: Errno = e(110);
export const ECONNREFUSED: Errno = e(111);
export const EHOSTDOWN: Errno = e(112);
export const EHOSTUNREACH: Errno = e(113);
export const EALREADY: Errno = e(114);
export const EINPROGRESS: Errno = e(115);
export const ESTALE: Errno = e(116);
export const EUCLEAN: Errno = e(117);
export const ENOTNAM: Errno = e(118);
export const ENAVAIL: Errno = e(119);
export const EISNAM: Errno = e(120);
export const EREMOTEIO: Errno = e(121);
export const EDQUOT: Errno = e(122);
export const ENOMEDIUM: Errno = e(123);
export const EMEDIUMTYPE: Errno = e(124);
export const ECANCELED: Errno = e(125);
export const ENOKEY: Errno = e(126);
export const EKEYEXPIRED: Errno = e(127);
export const EKEYREVOKED: Errno = e(128);
export const EKEYREJECTED: Errno = e(129);
export const EOWNERDEAD: Errno = e(130);
export const ENOTRECOVERABLE: Errno = e(131);
export const ERFKILL: Errno = e(132);
export const EHWPOISON: Errno = e(133);
export const EDEADLOCK: Errno = EDEADLK;
export const ENOTSUP: Errno = EOPNOTSUPP;
export const EWOULDBLOCK: Errno = EAGAIN;

/** Restart codes: a handler returns them when a signal interrupted it; the signal path turns them into a restart or EINTR. Never seen by the guest. */
export const ERESTARTSYS: Errno = e(512);
export const ERESTARTNOINTR: Errno = e(513);
export const ERESTARTNOHAND: Errno = e(514);
export const ERESTART_RESTARTBLOCK: Errno = e(516);
/** The handler registered what it waits for; the dispatcher calls it again after a wake-up, a deadline or a signal. Never seen by the guest. */
export const BLOCKED: Errno = e(600);

/** Names by positive number, for traces: `ERRNO_NAMES[2] === 'ENOENT'`. */
export const ERRNO_NAMES: readonly string[] = [
  '',
  'EPERM',
  'ENOENT',
  'ESRCH',
  'EINTR',
  'EIO',
  'ENXIO',
  'E2BIG',
  'ENOEXEC',
  'EBADF',
  'ECHILD',
  'EAGAIN',
  'ENOMEM',
  'EACCES',
  'EFAULT',
  'ENOTBLK',
  'EBUSY',
  'EEXIST',
  'EXDEV',
  'ENODEV',
  'ENOTDIR',
  'EISDIR',
  'EINVAL',
  'ENFILE',
  'EMFILE',
  'ENOTTY',
  'ETXTBSY',
  'EFBIG',
  'ENOSPC',
  'ESPIPE',
  'EROFS',
  'EMLINK',
  'EPIPE',
  'EDOM',
  'ERANGE',
  'EDEADLK',
  'ENAMETOOLONG',
  'ENOLCK',
  'ENOSYS',
  'ENOTEMPTY',
  'ELOOP',
  '',
  'ENOMSG',
  'EIDRM',
  'ECHRNG',
  'EL2NSYNC',
  'EL3HLT',
  'EL3RST',
  'ELNRNG',
  'EUNATCH',
  'ENOCSI',
  'EL2HLT',
  'EBADE',
  'EBADR',
  'EXFULL',
  'ENOANO',
  'EBADRQC',
  'EBADSLT',
  '',
  'EBFONT',
  'ENOSTR',
  'ENODATA',
  'ETIME',
  'ENOSR',
  'ENONET',
  'ENOPKG',
  'EREMOTE',
  'ENOLINK',
  'EADV',
  'ESRMNT',
  'ECOMM',
  'EPROTO',
  'EMULTIHOP',
  'EDOTDOT',
  'EBADMSG',
  'EOVERFLOW',
  'ENOTUNIQ',
  'EBADFD',
  'EREMCHG',
  'ELIBACC',
  'ELIBBAD',
  'ELIBSCN',
  'ELIBMAX',
  'ELIBEXEC',
  'EILSEQ',
  'ERESTART',
  'ESTRPIPE',
  'EUSERS',
  'ENOTSOCK',
  'EDESTADDRREQ',
  'EMSGSIZE',
  'EPROTOTYPE',
  'ENOPROTOOPT',
  'EPROTONOSUPPORT',
  'ESOCKTNOSUPPORT',
  'EOPNOTSUPP',
  'EPFNOSUPPORT',
  'EAFNOSUPPORT',
  'EADDRINUSE',
  'EADDRNOTAVAIL',
  'ENETDOWN',
  'ENETUNREACH',
  'ENETRESET',
  'ECONNABORTED',
  'ECONNRESET',
  'ENOBUFS',
  'EISCONN',
  'ENOTCONN',
  'ESHUTDOWN',
  'ETOOMANYREFS',
  'ETIMEDOUT',
  'ECONNREFUSED',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'EALREADY',
  'EINPROGRESS',
  'ESTALE',
  'EUCLEAN',
  'ENOTNAM',
  'ENAVAIL',
  'EISNAM',
  'EREMOTEIO',
  'EDQUOT',
  'ENOMEDIUM',
  'EMEDIUMTYPE',
  'ECANCELED',
  'ENOKEY',
  'EKEYEXPIRED',
  'EKEYREVOKED',
  'EKEYREJECTED',
  'EOWNERDEAD',
  'ENOTRECOVERABLE',
  'ERFKILL',
  'EHWPOISON',
];
