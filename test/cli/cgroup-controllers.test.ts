/**
 * The controllers of control groups inside. There is nothing to compare with where the host has them in version 1: what is asserted here
 * is what Linux 6.18 does with version 2.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { vivarium } from '../runner/command.ts';

/** Standard output of a shell script that starts in a group `g` with all controllers, as root of the sandbox. */
function inGroup(script: string): string {
  const head = 'cd /sys/fs/cgroup && echo "+pids +memory +cpu +cpuset +io" > cgroup.subtree_control && mkdir g && inside() { sh -c "echo 0 > g/cgroup.procs; $1"; }\n';
  const r = spawnSync(vivarium, ['do', '--user', '0', '--', '/bin/sh', '-c', head + script], { encoding: 'latin1', timeout: 90_000 });
  return r.stdout;
}

test('pids.max refuses forks with EAGAIN, and counts them', () => {
  const out = inGroup('echo 2 > g/pids.max; inside "/bin/true & wait; (/bin/true & /bin/true & wait) 2>&1 | grep -c fork" ; cat g/pids.max; sleep 0.2; cat g/pids.current; grep -q "max 0" g/pids.events || echo refused');
  assert.match(out, /2\n0\nrefused\n$/);
});

// tail keeps a line of any length in memory.
const hog = (bytes: string): string => `head -c ${bytes} /dev/zero | tail > /dev/null`;

test('memory.max kills inside of the group', () => {
  // What a dying task still takes is charged beyond the limit, as by Linux (try_charge_memcg, force): the peak may be a little higher.
  const out = inGroup(`echo 30M > g/memory.max; inside '${hog('60M')}' 2>/dev/null; echo $?; grep -E '^oom(_kill)? ' g/memory.events; awk '{ print ($1 >= 31457280 && $1 < 32000000) }' g/memory.peak; head -1 g/cgroup.events`);
  assert.equal(out, '137\noom 1\noom_kill 1\n1\npopulated 0\n');
  const fits = inGroup(`echo 30M > g/memory.max; inside '${hog('5M')}'; echo $?; grep oom_kill g/memory.events`);
  assert.equal(fits, '0\noom_kill 0\n');
});

test('memory.oom.group kills all of the group', () => {
  const out = inGroup(`echo 1 > g/memory.oom.group; echo 30M > g/memory.max; inside 'sleep 60 & ${hog('60M')}; echo not reached' 2>/dev/null; sleep 0.2; cat g/cgroup.procs; grep oom_group_kill g/memory.events`);
  assert.equal(out, 'oom_group_kill 1\n');
});

test('cpu.max makes a group wait when its share is used up', () => {
  const out = inGroup("echo '20000 100000' > g/cpu.max; cat g/cpu.max; inside 'timeout 2 sh -c \"while :; do :; done\"'; awk '$1 ~ /nr_throttled|throttled_usec/ { print ($2 > 0) }' g/cpu.stat");
  assert.equal(out, '20000 100000\n1\n1\n');
});

test('values that the files refuse', () => {
  const lines = [
    'pids.max -1', 'pids.max x', 'memory.max x', 'cpu.weight 0', 'cpu.weight 10001', 'cpu.max 10', 'cpu.max "100000 1"', 'cpuset.cpus 99', 'cpuset.mems 1', 'io.max x', 'memory.oom.group 2',
  ];
  const out = inGroup(lines.map((l) => `(echo ${l.slice(l.indexOf(' ') + 1)} > g/${l.slice(0, l.indexOf(' '))}) 2>/dev/null && echo "${l.replaceAll('"', '')} was taken"`).join('\n'));
  assert.equal(out, '');
});

test('from inside of a namespace the limits of its root cannot be changed (nsdelegate)', () => {
  const out = inGroup('inside "unshare -C sh -c \'cat /proc/self/cgroup; (echo 5 > g/pids.max) 2>/dev/null || echo refused; mkdir g/sub && echo made; echo 0 > g/sub/cgroup.procs; cat /proc/self/cgroup; echo 0 > cgroup.procs 2>/dev/null || echo stays\'"');
  assert.equal(out, '0::/\nrefused\nmade\n0::/sub\nstays\n');
});
