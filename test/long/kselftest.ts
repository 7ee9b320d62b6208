/**
 * The kernel's own selftests from Debian's linux-source package, natively and inside: `npm run kselftest [-- DIRECTORY|PROGRAM…]`.
 * A test whose result differs and that is not in kselftest-known.txt (with a reason) fails the run; a listed one that agrees fails it too.
 * Programs are built once, in a folder under the system's temporary one that later runs use again.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { inside, root, runCommand } from '../runner/command.ts';

/** What each program is made of beyond its own file: compiler arguments, relative to the folder of the selftests; `@` for a file beside this one. `#` lines are spaces between areas. */
const PROGRAMS = `
# clone, pids, namespaces
clone3/clone3 | -lcap
clone3/clone3_clear_sighand | -lcap
clone3/clone3_set_tid | -lcap
clone3/clone3_cap_checkpoint_restore | -lcap
pidfd/pidfd_test | -pthread
pidfd/pidfd_fdinfo_test | -pthread
pidfd/pidfd_open_test | -pthread
pidfd/pidfd_poll_test | -pthread
pidfd/pidfd_wait | -pthread
pidfd/pidfd_getfd_test | -pthread
pidfd/pidfd_setns_test | -pthread
nsfs/owner
nsfs/pidns
pid_namespace/regression_enomem
timens/timens | -lrt -pthread
timens/timerfd | -lrt -pthread
timens/timer | -lrt -pthread
timens/clock_nanosleep | -lrt -pthread
timens/procfs | -lrt -pthread
timens/exec | -lrt -pthread
timens/futex | -lrt -pthread
core/close_range_test
kcmp/kcmp_test
rlimits/rlimits-per-userns
ptrace/get_syscall_info
ptrace/peeksiginfo
ptrace/vmaccess | -pthread
# mounts and files
mount/unprivileged-remount-test
mount/nosymfollow-test
# (on a tmpfs, where the original makes an ext4 in a file and mounts it through a loop device: there are no block devices inside)
mount_setattr/mount_setattr_test | -pthread @mount-on-tmpfs.c -Wl,--wrap=system
move_mount_set_group/move_mount_set_group_test
openat2/openat2_test | openat2/helpers.c
openat2/resolve_test | openat2/helpers.c
filesystems/devpts_pts
filesystems/epoll/epoll_wakeup_test | -pthread
memfd/memfd_test | memfd/common.c -pthread
mincore/mincore_selftest
tmpfs/bug-link-o-tmpfile
splice/default_file_splice_read
splice/splice_read
proc/fd-001-lookup | -pthread
proc/fd-002-posix-eq
proc/fd-003-kthread
proc/proc-fsconfig-hidepid
proc/proc-loadavg-001
proc/proc-multiple-procfs
proc/proc-pid-vm
proc/proc-self-map-files-001
proc/proc-self-map-files-002
proc/proc-self-syscall
proc/proc-self-wchan
proc/proc-subset-pid
proc/proc-tid0 | -pthread
proc/proc-uptime-001
proc/proc-uptime-002
proc/read
proc/self
proc/setns-dcache
proc/setns-sysvipc
proc/thread-self | -pthread
exec/execveat
exec/load_address | -fPIE -pie
exec/non-regular
exec/null-argv
exec/recursion-depth
# control groups
cgroup/test_core | cgroup/cgroup_util.c -pthread
cgroup/test_freezer | cgroup/cgroup_util.c -pthread
cgroup/test_kill | cgroup/cgroup_util.c -pthread
# credentials, keys, queues, filters
capabilities/test_execve | -lcap-ng -lrt -ldl
capabilities/validate_cap | -lcap-ng -lrt -ldl
ipc/msgque
mqueue/mq_open_tests | -lrt -lpopt
seccomp/seccomp_bpf | -lcap -pthread
syscall_user_dispatch/sud_test
landlock/base_test | -lcap
landlock/fs_test | -lcap
landlock/ptrace_test | -lcap
# signals, time, futexes, rseq
sigaltstack/sas
breakpoints/breakpoint_test
timers/nanosleep | -lrt
timers/posix_timers | -lrt
timers/threadtest | -lrt -pthread
timers/inconsistency-check | -lrt
rseq/basic_test | rseq/rseq.c -Irseq -I../../include -pthread
rseq/basic_percpu_ops_test | rseq/rseq.c -Irseq -I../../include -pthread
membarrier/membarrier_test_single_thread
membarrier/membarrier_test_multi_thread | -pthread
sched/cs_prctl_test
prctl/disable-tsc-test
futex/functional/futex_wait_timeout | -Ifutex/include -Ifutex/functional -pthread -lrt
futex/functional/futex_wait_wouldblock | -Ifutex/include -Ifutex/functional -pthread -lrt
futex/functional/futex_requeue | -Ifutex/include -Ifutex/functional -pthread -lrt
futex/functional/futex_requeue_pi | -Ifutex/include -Ifutex/functional -pthread -lrt
futex/functional/futex_requeue_pi_signal_restart | -Ifutex/include -Ifutex/functional -pthread -lrt
futex/functional/futex_requeue_pi_mismatched_ops | -Ifutex/include -Ifutex/functional -pthread -lrt
futex/functional/futex_wait_uninitialized_heap | -Ifutex/include -Ifutex/functional -pthread -lrt
futex/functional/futex_wait_private_mapped_file | -Ifutex/include -Ifutex/functional -pthread -lrt
futex/functional/futex_wait | -Ifutex/include -Ifutex/functional -pthread -lrt
futex/functional/futex_waitv | -Ifutex/include -Ifutex/functional -pthread -lrt
# the vDSO and the processor
vDSO/vdso_test_gettimeofday | vDSO/parse_vdso.c
vDSO/vdso_test_getcpu | vDSO/parse_vdso.c
vDSO/vdso_test_abi | vDSO/parse_vdso.c
vDSO/vdso_test_clock_getres
vDSO/vdso_test_correctness | -ldl
x86/sigreturn | -Ix86 -pthread -ldl -no-pie
x86/single_step_syscall | -pthread -ldl -no-pie
x86/syscall_nt | -no-pie
x86/test_mremap_vdso | -ldl -no-pie
x86/check_initial_reg_state | -Wl,-ereal_start -static -no-pie
x86/sigaltstack | -pthread -no-pie
x86/sysret_rip | -no-pie
x86/sysret_ss_attrs | x86/thunks.S -pthread -no-pie
x86/syscall_numbering | -no-pie
x86/fsgsbase | -pthread -no-pie
x86/sigtrap_loop | -no-pie
x86/test_FCMOV | -lm -no-pie
x86/test_FCOMI | -lm -no-pie
x86/test_FISTTP | -lm -no-pie
`;
/** A program that has not ended by then, natively or inside, is ended. */
const SECONDS = Number(process.env['KSELFTEST_SECONDS'] ?? 60);
const folder = join(tmpdir(), 'vivarium-kselftest');
const build = join(folder, 'build');

/** The folder of the selftests' source, unpacked from the package's archive. */
function source(): string {
  const archive = readdirSync('/usr/src').find((name) => /^linux-source-.*\.tar\.xz$/.test(name));
  if (!archive) throw new Error('no /usr/src/linux-source-*.tar.xz: as root, apt-get install linux-source-6.1 libcap-dev libcap-ng-dev libpopt-dev');
  const top = archive.replace('.tar.xz', '');
  const selftests = join(folder, top, 'tools/testing/selftests');
  if (!existsSync(join(folder, top, 'arch/x86/include'))) {
    mkdirSync(folder, { recursive: true });
    execFileSync('tar', ['xf', join('/usr/src', archive), '-C', folder, '--wildcards', `${top}/tools/testing/selftests/*`, `${top}/tools/include/*`, `${top}/arch/x86/include/asm/desc_defs.h`]);
  }
  return selftests;
}

/** Results by test name from the Test Anything Protocol's lines; a program without such lines is one test, named `status`. */
function results(output: string, status: number | string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of output.split('\n')) {
    const m = /^\s*(?:#\s*)?(not ok|ok)\s+\d+\s*(.*)$/.exec(line);
    if (!m) continue;
    const skip = /#\s*SKIP|\bskip(ped)?\b/i.test(m[2]!);
    let name = m[2]!.replace(/^[-\s]+/, '').replace(/#\s*SKIP.*/i, '').replace(/\b(0x[0-9a-f]+|\d+)\b/g, 'N').trim();
    for (let k = 2; found.has(name); k++) name = `${name.replace(/ \[\d+\]$/, '')} [${k}]`;
    found.set(name, skip ? 'skip' : m[1]!);
  }
  found.set('status', String(status));
  return found;
}

const known = new Map<string, string>();
for (const line of readFileSync(join(root, 'test/long/kselftest-known.txt'), 'utf8').split('\n')) {
  const m = /^([^#|]+?)\s*\|\s*(.+)$/.exec(line);
  if (m) known.set(m[1]!, m[2]!);
}
const selftests = source();
const wanted = process.argv.slice(2);
let passed = 0;
let failed = 0;
let skipped = 0;
for (const line of PROGRAMS.split('\n')) {
  const [program, extra = ''] = line.split('|').map((part) => part.trim());
  if (!program || program.startsWith('#') || (wanted.length > 0 && !wanted.some((w) => program === w || program.startsWith(`${w}/`)))) continue;
  const executable = join(build, program);
  if (!existsSync(executable)) {
    mkdirSync(dirname(executable), { recursive: true });
    const args = ['-O2', '-w', '-g', '-std=gnu11', '-D_GNU_SOURCE', '-I.', `${program}.c`, ...extra.split(/\s+/).filter(Boolean).map((a) => a.replace(/^@/, `${import.meta.dirname}/`)), '-o', executable];
    const r = await runCommand(['gcc', ...args], selftests, 120);
    if (r.status !== 0) {
      console.log(`BAD ${program}: does not compile here: ${r.stderr.split('\n').find((l) => /error|undefined/.test(l)) ?? r.stderr.slice(0, 200)}`);
      failed++;
      continue;
    }
  }
  const outcome = async (isInside: boolean): Promise<{ found: Map<string, string>; seconds: number }> => {
    const copy = join(folder, isInside ? 'inside' : 'native', program);
    mkdirSync(copy, { recursive: true });
    cpSync(executable, join(copy, basename(program)));
    const argv = [join(copy, basename(program))];
    const r = await runCommand(isInside ? inside(argv) : argv, copy, SECONDS);
    return { found: results(`${r.stdout}\n${r.stderr}`, r.status), seconds: r.seconds };
  };
  const native = await outcome(false);
  const there = await outcome(true);
  const different: string[] = [];
  let same = 0;
  for (const [name, result] of native.found) {
    const got = there.found.get(name) ?? 'did not run';
    const id = `${program} ${name}`;
    const reason = known.get(id) ?? known.get(program);
    if (got === result) {
      if (known.has(id)) different.push(`  ${id}: agrees (${result}), but is listed as known`);
      else same++;
    } else if (reason) skipped++;
    else different.push(`  ${id}: native ${result}, inside ${got}`);
  }
  passed += same;
  failed += different.length;
  console.log(`${different.length === 0 ? 'ok ' : 'BAD'} ${program}: ${same} of ${native.found.size} as natively; native ${native.seconds.toFixed(1)} s, inside ${there.seconds.toFixed(1)} s`);
  for (const text of different.slice(0, 20)) console.log(text);
  if (different.length > 20) console.log(`  … and ${different.length - 20} more`);
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 ? 1 : 0;
