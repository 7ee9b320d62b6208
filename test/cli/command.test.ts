/** The command as its user meets it: exit statuses, messages, mounts, limits, bad input. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { vivarium } from '../runner/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'vivarium-cli.'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Result {
  status: number | null;
  out: string;
  err: string;
}

function run(args: readonly string[], input = ''): Result {
  const r = spawnSync(vivarium, args, { input, encoding: 'latin1', timeout: 90_000, cwd: folder });
  return { status: r.status, out: r.stdout, err: r.stderr };
}
const sh = (script: string, ...options: string[]): Result => run(['do', ...options, '--', '/bin/sh', '-c', script]);

test('output, input and exit status are the program\'s', () => {
  assert.deepEqual(sh('echo out; echo err >&2; exit 7'), { status: 7, out: 'out\n', err: 'err\n' });
  assert.equal(run(['do', '--', 'cat'], 'a\0\xff\n').out, 'a\0\xff\n');
  assert.equal(sh('kill -TERM $$').status, 143);
  assert.equal(sh('kill -KILL $$').status, 137);
});

test('a signal does not interrupt a write that would not wait natively', () => {
  // Node.js gives its children sockets for pipes.
  const script = `use Time::HiRes 'setitimer', 'ITIMER_REAL'; $SIG{ALRM} = sub { $n++ }; setitimer(ITIMER_REAL, .001, .001);
for (1 .. 3000) { defined syswrite(STDOUT, "$_\n") or print STDERR "lost $_: $!\n" } print STDERR "none came\n" if !$n`;
  const r = run(['do', '--', '/usr/bin/perl', '-e', script]);
  assert.equal(r.err, '');
  assert.equal(r.out, Array.from({ length: 3000 }, (_, k) => `${k + 1}\n`).join(''));
});

test('standard streams that are sockets are sockets inside', async () => {
  // Node.js gives its children sockets for pipes.
  const script = `import os, socket, stat, sys
for fd in (0, 1):
    s = socket.socket(fileno=os.dup(fd))
    print(stat.S_ISSOCK(os.fstat(fd).st_mode), s.family.name, s.type.name, repr(s.getsockname()), repr(s.getpeername()), s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
s = socket.socket(fileno=0)
print(s.recv(4, socket.MSG_PEEK), s.recv(4), sys.stdin.readline().strip(), flush=True)
socket.socket(fileno=os.dup(1)).send(b"sent\\n")`.replaceAll('\\\\', '\\');
  const answer = (command: string, args: readonly string[]): Promise<string> =>
    new Promise((resolve) => {
      const child = spawn(command, args, { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] });
      let text = '';
      child.stdout.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
      child.on('close', (status) => resolve(`${text}status ${status}`));
      child.stdin.end('peekrest\n');
    });
  const native = await answer('/usr/bin/python3', ['-c', script]);
  assert.match(native, /True AF_UNIX/);
  assert.equal(await answer(vivarium, ['do', '--', '/usr/bin/python3', '-c', script]), native);
});

test('programs that cannot be started', () => {
  const missing = run(['do', '--', 'no-such-program']);
  assert.equal(missing.status, 127);
  assert.match(missing.err, /no-such-program: command not found/);
  assert.equal(run(['do', '--', '/no/such']).status, 127);
  writeFileSync(join(folder, 'plain'), 'x', { mode: 0o644 });
  assert.equal(run(['do', '--', './plain']).status, 126);
  assert.equal(run(['do', '--', '/etc']).status, 126);
});

test('mistakes in the command line are named, status 125', () => {
  for (const [args, message] of [
    [['do', '--frobnicate', '--', 'true'], /unknown option --frobnicate/],
    [['do', '--memory', 'lots', '--', 'true'], /--memory lots/],
    [['do', '--memory'], /--memory needs a value/],
    [['do', '--mount', '/no/such:/x', '--', 'true'], /\/no\/such on the host: no such file or directory/],
    [['do', '--mount', '/etc:x', '--', 'true'], /must start with \//],
    [['do', '--mount', '/etc:/x:maybe', '--', 'true'], /ro, rw or cow/],
    [['do', '--user', 'nobody-like-this', '--', 'true'], /no such user/],
    [['do', '--workdir', '/no/such', '--', 'true'], /\/no\/such/],
    [['do'], /a program is missing/],
    [['rootfs', '/no/such', '--', 'true'], /no such file or directory/],
    [['sing'], /unknown command sing/],
    [[], /a command is missing/],
  ] as const) {
    const r = run(args);
    assert.equal(r.status, 125, args.join(' '));
    assert.match(r.err, message);
    assert.equal(r.out, '');
  }
});

test('options of the environment', () => {
  const r = sh('echo $A $B; pwd; hostname; id -u; id -g; echo ${HOME-none}', '--env', 'A=1', '--env', 'B=x=y', '--workdir', '/usr', '--hostname', 'box', '--user', '1000:50', '--no-env', '--env', 'PATH=/bin:/usr/bin');
  assert.equal(r.out, '1 x=y\n/usr\nbox\n1000\n50\nnone\n');
  assert.equal(sh('id -un', '--user', 'nobody').out, 'nobody\n');
  assert.equal(sh('pwd').out, `${folder}\n`);
});

test('host files are written only through rw mounts', () => {
  writeFileSync(join(folder, 'kept'), 'old\n');
  assert.equal(sh('echo new > kept; cat kept; rm kept; ls kept 2>&1 | wc -l').out, 'new\n1\n');
  assert.equal(readFileSync(join(folder, 'kept'), 'latin1'), 'old\n');
  const ro = sh('echo x > /m/f', '--mount', `${folder}:/m`);
  assert.equal(ro.status, 2);
  assert.match(ro.err, /Read-only file system/);
  assert.equal(sh('echo x > /m/f; cat /m/f', '--mount', `${folder}:/m:cow`).out, 'x\n');
  assert.equal(existsSync(join(folder, 'f')), false);
  assert.equal(sh('echo x > /m/f', '--mount', `${folder}:/m:rw`).status, 0);
  assert.equal(readFileSync(join(folder, 'f'), 'latin1'), 'x\n');
});

test('a file nobody may read is EACCES inside', () => {
  writeFileSync(join(folder, 'secret'), 's', { mode: 0o600 });
  const r = sh('cat secret; echo $?', '--user', '65534:65534');
  assert.equal(r.out, '1\n');
  assert.match(r.err, /Permission denied/);
});

test('time and memory have their bounds', () => {
  const loop = sh('while :; do :; done', '--timeout', '2');
  assert.equal(loop.status, 124);
  assert.match(loop.err, /--timeout/);
  const hog = run(['do', '--memory', '256M', '--', 'python3', '-c', 'x = [bytearray(10_000_000) for _ in range(200)]']);
  assert.ok(hog.status === 1 || hog.status === 137, `memory hog: status ${hog.status} ${hog.err}`);
});

test('a fork bomb ends with its time, and with the limit of its user', () => {
  const bomb = run(['do', '--timeout', '6', '--memory', '256M', '--', 'python3', '-c', 'import os\nwhile True:\n    try: os.fork()\n    except OSError: pass']);
  assert.equal(bomb.status, 124, bomb.err);
  assert.match(bomb.err, /--timeout/);
  const limited = run(['do', '--user', '1000', '--timeout', '60', '--', '/usr/bin/python3', '-c', 'import os, resource, time\nresource.setrlimit(resource.RLIMIT_NPROC, (20, 20))\nfor i in range(30):\n    if os.fork() == 0: time.sleep(60)\n    print(i, flush=True)']);
  assert.equal(limited.status, 1, limited.err);
  assert.equal(limited.out.split('\n').length, 20);
  assert.match(limited.err, /Resource temporarily unavailable/);
});

test('a full overlay is ENOSPC, and deleting gives room again', () => {
  const full = sh('head -c 400000000 /dev/zero > big; echo $?; echo x > more; echo $?; rm big; echo again > more && cat more', '--memory', '256M');
  assert.equal(full.status, 0, full.err);
  assert.match(full.err, /No space left on device/);
  assert.match(full.out, /^1\n[\s\S]*again\n$/);
  assert.equal(existsSync(join(folder, 'big')), false);
});

test('a program that is killed for its memory leaves the others', () => {
  const r = sh('python3 -c "x = [bytearray(b\'x\') * 10_000_000 for _ in range(100)]"; echo "status $?"; seq 3 | wc -l', '--memory', '256M');
  assert.match(r.out, /^status (1|137)\n3\n$/);
});

test('broken executables', () => {
  const elf = readFileSync('/bin/true');
  writeFileSync(join(folder, 'short'), elf.subarray(0, 40), { mode: 0o755 });
  assert.equal(run(['do', '--', './short']).status, 126);
  const cut = Buffer.from(elf.subarray(0, 4096));
  writeFileSync(join(folder, 'cut'), cut, { mode: 0o755 });
  assert.ok([126, 127, 135, 139].includes(run(['do', '--', './cut']).status ?? -1));
  for (let i = 0; i < 24; i++) {
    const bad = Buffer.from(elf);
    bad[16 + ((i * 37) % 100)] = (i * 91) & 0xff;
    writeFileSync(join(folder, 'bad'), bad, { mode: 0o755 });
    const r = run(['do', '--timeout', '20', '--', './bad']);
    assert.notEqual(r.status, 125, `byte ${16 + ((i * 37) % 100)}: ${r.err}`);
    assert.notEqual(r.status, null);
  }
});

test('--strace, --stats, --version, syscalls', () => {
  const traced = run(['do', '--strace', '--', '/bin/true']);
  assert.match(traced.err, /^exit_group\(0\) +=/m);
  assert.match(traced.err, /\+\+\+ exited with 0 \+\+\+/);
  const file = join(folder, 'trace');
  assert.equal(run(['do', `--strace=${file}`, '--', '/bin/true']).err, '');
  assert.match(readFileSync(file, 'latin1'), /exit_group/);
  assert.match(run(['do', '--stats', '--', '/bin/true']).err, /regionsTranslated/);
  assert.match(run(['--version']).out, /^vivarium \d/);
  assert.match(run(['--help']).out, /--mount HOST:GUEST/);
  assert.match(run(['syscalls']).out, /\| 0 \| read \| full/);
});

test('--profile shows guest functions, and says where the time went', () => {
  const file = join(folder, 'run.cpuprofile');
  const r = sh('i=0; while [ $i -lt 30000 ]; do i=$((i + 1)); done; echo $i', '--profile', file);
  assert.equal(r.out, '30000\n');
  assert.match(r.err, /guest code/);
  const { nodes } = JSON.parse(readFileSync(file, 'utf8')) as { nodes: { callFrame: { functionName: string; url: string } }[] };
  assert.ok(nodes.some((n) => n.callFrame.url === 'guest:libc.so.6' && / \[libc\.so\.6\]$/.test(n.callFrame.functionName)));
  assert.ok(nodes.some((n) => /^\/src\/kernel\//.test(n.callFrame.url)));
  assert.match(run(['do', '--profile', '/no/such/dir/x', '--', 'true']).err, /--profile .*no such file/);
});

test('a root file system from a folder or an archive', () => {
  const make = spawnSync('sh', ['-c', 'mkdir -p rt/bin rt/etc && cp /bin/busybox rt/bin/sh && ln rt/bin/sh rt/bin/id && ln -s sh rt/bin/echo && echo inside > rt/etc/name && tar -C rt -czf rt.tgz . && tar -C rt -cf rt.tar .'], { cwd: folder });
  assert.equal(make.status, 0);
  for (const source of ['rt', 'rt.tar', 'rt.tgz']) {
    const r = run(['rootfs', source, '--', '/bin/sh', '-c', 'cat /etc/name; echo x > /new; cat /new; exit 4']);
    assert.deepEqual([r.status, r.out], [4, 'inside\nx\n'], `${source}: ${r.err}`);
  }
  assert.equal(existsSync(join(folder, 'rt/new')), false);
  writeFileSync(join(folder, 'rubbish.tar'), 'no archive at all'.repeat(100));
  const bad = run(['rootfs', 'rubbish.tar', '--', 'sh']);
  assert.equal(bad.status, 125);
  assert.match(bad.err, /rubbish\.tar: /);
});
