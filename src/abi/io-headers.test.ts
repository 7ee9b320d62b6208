/** Every number of these files is compared with the C headers of the machine the test runs on. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as anon from './anon-fd.ts';
import * as inotify from './inotify.ts';
import * as poll from './poll.ts';
import * as socket from './socket.ts';
import * as termios from './termios.ts';

const SIZES: Record<string, string> = {
  SIZEOF_TERMIOS: 'sizeof(struct termios)',
  SIZEOF_TERMIOS2: 'sizeof(struct termios2)',
  SIZEOF_TERMIO: 'sizeof(struct termio)',
  SIZEOF_WINSIZE: 'sizeof(struct winsize)',
  SIZEOF_EPOLL_EVENT: 'sizeof(struct epoll_event)',
  SIZEOF_POLLFD: 'sizeof(struct pollfd)',
  SIZEOF_INOTIFY_EVENT: 'sizeof(struct inotify_event)',
  SIZEOF_SIGNALFD_SIGINFO: 'sizeof(struct signalfd_siginfo)',
  SIZEOF_MSGHDR: 'sizeof(struct msghdr)',
  SIZEOF_MMSGHDR: 'sizeof(struct mmsghdr)',
  SIZEOF_CMSGHDR: 'sizeof(struct cmsghdr)',
  SIZEOF_SOCKADDR_STORAGE: 'sizeof(struct sockaddr_storage)',
  SIZEOF_SOCKADDR_UN: 'sizeof(struct sockaddr_un)',
  SIZEOF_SOCKADDR_IN: 'sizeof(struct sockaddr_in)',
  SIZEOF_SOCKADDR_IN6: 'sizeof(struct sockaddr_in6)',
  SIZEOF_UCRED: 'sizeof(struct ucred)',
  MSGHDR_NAME: 'offsetof(struct msghdr, msg_name)',
  MSGHDR_NAMELEN: 'offsetof(struct msghdr, msg_namelen)',
  MSGHDR_IOV: 'offsetof(struct msghdr, msg_iov)',
  MSGHDR_IOVLEN: 'offsetof(struct msghdr, msg_iovlen)',
  MSGHDR_CONTROL: 'offsetof(struct msghdr, msg_control)',
  MSGHDR_CONTROLLEN: 'offsetof(struct msghdr, msg_controllen)',
  MSGHDR_FLAGS: 'offsetof(struct msghdr, msg_flags)',
  UNIX_PATH_MAX: 'sizeof(((struct sockaddr_un *)0)->sun_path)',
};
/** Kernel-internal or too new for the headers of a current distribution. */
const INTERNAL = new Set(['NCCS', 'DEFAULT_POLLMASK', 'SOCK_TYPE_MASK', 'MFD_NAME_MAX', 'SCM_MAX_FD', 'SIN6_LEN_RFC2133', 'AF_MAX', 'MSG_PROBE', 'PIDFD_SELF_THREAD', 'PIDFD_SELF_THREAD_GROUP']);

function check(module: Record<string, unknown>, includes: string[]): void {
  const names = Object.keys(module).filter((n) => typeof module[n] === 'number' && !INTERNAL.has(n));
  const body = names.map((n) => {
    const expression = SIZES[n];
    if (expression) return `printf("${n} %lld\\n", (long long)(${expression}));`;
    return `\n#ifdef ${n}\nprintf("${n} %lld\\n", (long long)(unsigned)(${n}));\n#endif\n`;
  });
  const source = `#define _GNU_SOURCE\n#include <stdio.h>\n#include <stddef.h>\n${includes.map((i) => `#include <${i}>`).join('\n')}\nint main(void) {\n${body.join('\n')}\nreturn 0; }\n`;
  const dir = mkdtempSync(join(tmpdir(), 'abi-'));
  try {
    writeFileSync(join(dir, 'a.c'), source);
    execFileSync('gcc', ['-w', '-o', join(dir, 'a'), join(dir, 'a.c')]);
    const lines = execFileSync(join(dir, 'a'), { encoding: 'utf8' }).trim().split('\n');
    assert.ok(lines.length > names.length * 0.7, `only ${lines.length} of ${names.length} names known to the headers`);
    for (const line of lines) {
      const [name, value] = line.split(' ') as [string, string];
      assert.equal(module[name], Number(value), name);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test('termios.ts', () => check(termios, ['asm/termbits.h', 'asm/ioctls.h', 'linux/termios.h', 'linux/tty.h']));
test('poll.ts', () => check(poll, ['poll.h', 'linux/eventpoll.h']));
test('inotify.ts', () => check(inotify, ['sys/inotify.h']));
test('anon-fd.ts', () => check(anon, ['fcntl.h', 'sys/eventfd.h', 'sys/timerfd.h', 'sys/signalfd.h', 'linux/memfd.h']));
test('socket.ts', () =>
  check(socket, [
    'sys/types.h',
    'sys/socket.h',
    'sys/un.h',
    'netinet/in.h',
    'netinet/tcp.h',
    'netinet/udp.h',
    'linux/sockios.h',
    'sys/ioctl.h',
    'linux/netlink.h',
  ]));
