/** /proc/sys. Values are Linux 6.18's defaults unless the kernel has its own. */
import { CAP_CHECKPOINT_RESTORE, CAP_LAST_CAP, CAP_SYS_ADMIN, CAP_SYS_RESOURCE } from '../../../abi/capability.ts';
import { EINVAL, EPERM } from '../../../abi/errno.ts';
import {
  COUNT_CGROUP_NS, COUNT_INOTIFY_INSTANCES, COUNT_INOTIFY_WATCHES, COUNT_IPC_NS, COUNT_MNT_NS, COUNT_NET_NS, COUNT_PID_NS, COUNT_TIME_NS, COUNT_USER_NS, COUNT_UTS_NS,
} from '../../../auth/user-counts.ts';
import { MAX_MAP_COUNT, MMAP_MIN_ADDR } from '../../../memory/address-space.ts';
import { UTS_RELEASE, UTS_VERSION } from '../../../abi/uts.ts';
import { AIO_MAX_NR } from '../../../kernel/aio.ts';
import type { Kernel } from '../../../kernel/kernel.ts';
import { PID_MAX_LIMIT } from '../../../kernel/pid-namespace.ts';
import { dir, file, mountPoint, writable } from '../../pseudo/entries.ts';
import type { Entries, FileEntry } from '../../pseudo/entries.ts';
import type { ProcSuperBlock } from '../proc-fs.ts';
import { callerTask } from '../proc-task.ts';
import { parseInteger } from '../task-limits.ts';
import { netSysctls } from './net-sysctls.ts';
import { keySysctls } from '../system-keys.ts';
import { ipcEntries, mqueueEntries } from './ipc-entries.ts';
import { numbers, setInteger, shown, sysctlAccess, tunable } from './value.ts';

const MAX_INT = 0x7fffffff;

/** hostname and domainname of the caller's UTS namespace; sethostname's rules. */
function utsName(which: 'nodename' | 'domainname'): FileEntry<ProcSuperBlock> {
  return writable(
    (_fs, ctx) => `${callerTask(ctx).nsproxy.uts[which]}\n`,
    (_fs, ctx, text, _description, at) => {
      const task = callerTask(ctx);
      const { uts } = task.nsproxy;
      if (!task.credentials.nsCapable(uts.userNs, CAP_SYS_ADMIN)) return EPERM;
      // What is written behind the start is ignored (sysctl_writes_strict).
      if (at > 0 || text === '') return 0;
      uts[which] = text.replace(/[\n\0].*$/s, '').slice(0, 64);
      return 0;
    },
  );
}

/** A number of the kernel's own. */
function field(get: (kernel: Kernel) => number, set: (kernel: Kernel, value: number) => void, min = 0): FileEntry<ProcSuperBlock> {
  return numbers(
    (fs) => `${get(fs.kernel)}\n`,
    (fs, _ctx, text) => setInteger(text, min, MAX_INT, (value) => set(fs.kernel, value)),
  );
}

/** pid_max of the caller's PID namespace: for its owner's root and who administers it (Linux pid_table_root_permissions). */
const pidMax: FileEntry<ProcSuperBlock> = {
  ...writable<ProcSuperBlock>(
    (_fs, ctx) => `${callerTask(ctx).pidNs.pidMax}\n`,
    (_fs, ctx, text) => {
      const value = parseInteger(text);
      if (!(value >= 301 && value <= PID_MAX_LIMIT)) return EINVAL;
      callerTask(ctx).pidNs.pidMax = value;
      return 0;
    },
  ),
  access: (_fs, ctx, mask) => {
    const { userNs } = callerTask(ctx).pidNs;
    const c = ctx.credentials;
    return sysctlAccess(c.nsCapable(userNs, CAP_SYS_ADMIN) || c.euid === userNs.makeKuid(0) ? 0o666 : 0o444, ctx, mask);
  },
};

const lastPid: FileEntry<ProcSuperBlock> = writable(
  (_fs, ctx) => `${callerTask(ctx).pidNs.last}\n`,
  (_fs, ctx, text) => {
    const ns = callerTask(ctx).pidNs;
    if (!ctx.credentials.nsCapable(ns.userNs, CAP_SYS_ADMIN) && !ctx.credentials.nsCapable(ns.userNs, CAP_CHECKPOINT_RESTORE)) return EPERM;
    const value = parseInteger(text);
    if (!(value >= 0 && value <= ns.pidMax)) return EINVAL;
    ns.last = value;
    return 0;
  },
  0o666,
);

const suidDumpable: FileEntry<ProcSuperBlock> = writable(
  (fs) => `${fs.kernel.suidDumpable}\n`,
  (fs, _ctx, text) => {
    const value = parseInteger(text);
    if (!(value >= 0 && value <= 2)) return EINVAL;
    fs.kernel.suidDumpable = value;
    return 0;
  },
);

/** Descriptions that are open through descriptor tables. */
function openFiles(kernel: Kernel): number {
  const tables = new Set<object>();
  let n = 0;
  for (const { files } of kernel.tasks) {
    if (files === null || tables.has(files)) continue;
    tables.add(files);
    n += files.count;
  }
  return n;
}

/** A fresh version-4 UUID. */
export function uuid(kernel: Kernel): string {
  const b = new Uint8Array(16);
  kernel.random(b);
  b[6] = ((b[6] ?? 0) & 0x0f) | 0x40;
  b[8] = ((b[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(b, (v) => v.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const kernelEntries: Entries<ProcSuperBlock> = {
  acct: shown(() => '4\t2\t30'),
  ...ipcEntries,
  keys: dir(keySysctls),
  cap_last_cap: shown(() => CAP_LAST_CAP),
  core_pattern: writable((fs) => `${fs.corePattern}\n`, (fs, _ctx, text) => {
    fs.corePattern = text.replace(/\n.*$/s, '').slice(0, 127);
    return 0;
  }),
  core_pipe_limit: tunable('kernel.core_pipe_limit', 0, 0, MAX_INT),
  core_uses_pid: tunable('kernel.core_uses_pid', 0, 0, MAX_INT),
  'ctrl-alt-del': tunable('kernel.ctrl-alt-del', 0, 0, MAX_INT),
  dmesg_restrict: tunable('kernel.dmesg_restrict', 1, 0, 1),
  domainname: utsName('domainname'),
  hostname: utsName('nodename'),
  io_uring_disabled: tunable('kernel.io_uring_disabled', 0, 0, 2),
  io_uring_group: tunable('kernel.io_uring_group', -1, -1, MAX_INT),
  kptr_restrict: tunable('kernel.kptr_restrict', 0, 0, 2),
  ngroups_max: shown(() => 65536),
  ns_last_pid: lastPid,
  osrelease: shown(() => UTS_RELEASE),
  ostype: shown(() => 'Linux'),
  overflowgid: tunable('kernel.overflowgid', 65534, 0, 65535),
  overflowuid: tunable('kernel.overflowuid', 65534, 0, 65535),
  panic: tunable('kernel.panic', 0, 0, MAX_INT),
  perf_event_paranoid: tunable('kernel.perf_event_paranoid', 2, -1, 3),
  pid_max: pidMax,
  printk: shown(() => '4\t4\t1\t7'),
  pty: dir({ max: tunable('kernel.pty.max', 4096, 0, 1048576), nr: shown(() => 0), reserve: tunable('kernel.pty.reserve', 1024, 0, 1048576) }),
  random: dir({
    boot_id: file((fs) => `${fs.shared.bootId}\n`),
    entropy_avail: shown(() => 256),
    poolsize: shown(() => 256),
    urandom_min_reseed_secs: shown(() => 60),
    uuid: shown(uuid),
    write_wakeup_threshold: shown(() => 256),
  }),
  randomize_va_space: tunable('kernel.randomize_va_space', 2, 0, 2),
  sched_autogroup_enabled: writable(({ kernel }) => `${Number(kernel.cgroups.fairness.autogroups.enabled)}\n`, ({ kernel }, _ctx, text) => {
    const value = parseInteger(text);
    if (value !== 0 && value !== 1) return EINVAL;
    kernel.cgroups.fairness.autogroups.enabled = value === 1;
    return 0;
  }),
  sched_child_runs_first: tunable('kernel.sched_child_runs_first', 0, 0, 1),
  sched_rr_timeslice_ms: tunable('kernel.sched_rr_timeslice_ms', 100, 0, MAX_INT),
  sched_rt_period_us: tunable('kernel.sched_rt_period_us', 1000000, 1, MAX_INT),
  sched_rt_runtime_us: tunable('kernel.sched_rt_runtime_us', 950000, -1, MAX_INT),
  seccomp: dir({
    actions_avail: shown(() => 'kill_process kill_thread trap errno user_notif trace log allow'),
    actions_logged: shown(() => 'kill_process kill_thread trap errno user_notif trace log'),
  }),
  sysctl_writes_strict: tunable('kernel.sysctl_writes_strict', 1, -1, 1),
  tainted: shown(() => 0),
  'threads-max': shown((kernel) => kernel.maxTasks),
  unprivileged_bpf_disabled: tunable('kernel.unprivileged_bpf_disabled', 2, 0, 2),
  version: shown(() => UTS_VERSION),
  yama: dir({ ptrace_scope: tunable('kernel.yama.ptrace_scope', 0, 0, 3) }),
};

const vmEntries: Entries<ProcSuperBlock> = {
  admin_reserve_kbytes: tunable('vm.admin_reserve_kbytes', 8192, 0, MAX_INT),
  compaction_proactiveness: tunable('vm.compaction_proactiveness', 20, 0, 100),
  dirty_background_ratio: tunable('vm.dirty_background_ratio', 10, 0, 100),
  dirty_expire_centisecs: tunable('vm.dirty_expire_centisecs', 3000, 0, MAX_INT),
  dirty_ratio: tunable('vm.dirty_ratio', 20, 0, 100),
  dirty_writeback_centisecs: tunable('vm.dirty_writeback_centisecs', 500, 0, MAX_INT),
  drop_caches: writable((fs) => `${fs.sysctls.get('vm.drop_caches') ?? 0}\n`, (fs, _ctx, text) => {
    const value = parseInteger(text);
    if (!(value >= 1 && value <= 4)) return EINVAL;
    fs.sysctls.set('vm.drop_caches', value);
    return 0;
  }),
  legacy_va_layout: tunable('vm.legacy_va_layout', 0, 0, 1),
  max_map_count: shown(() => MAX_MAP_COUNT),
  memfd_noexec: tunable('vm.memfd_noexec', 0, 0, 2),
  min_free_kbytes: tunable('vm.min_free_kbytes', 22528, 0, MAX_INT),
  mmap_min_addr: shown(() => MMAP_MIN_ADDR),
  mmap_rnd_bits: shown(() => 28),
  nr_hugepages: shown(() => 0),
  nr_overcommit_hugepages: shown(() => 0),
  oom_dump_tasks: tunable('vm.oom_dump_tasks', 1, 0, 1),
  oom_kill_allocating_task: tunable('vm.oom_kill_allocating_task', 0, 0, 1),
  overcommit_kbytes: tunable('vm.overcommit_kbytes', 0, 0, MAX_INT),
  overcommit_memory: tunable('vm.overcommit_memory', 0, 0, 2),
  overcommit_ratio: tunable('vm.overcommit_ratio', 50, 0, MAX_INT),
  'page-cluster': tunable('vm.page-cluster', 3, 0, 31),
  panic_on_oom: tunable('vm.panic_on_oom', 0, 0, 2),
  swappiness: tunable('vm.swappiness', 60, 0, 200),
  unprivileged_userfaultfd: tunable('vm.unprivileged_userfaultfd', 0, 0, 1),
  user_reserve_kbytes: tunable('vm.user_reserve_kbytes', 131072, 0, MAX_INT),
  vfs_cache_pressure: tunable('vm.vfs_cache_pressure', 100, 0, MAX_INT),
};

const fsEntries: Entries<ProcSuperBlock> = {
  'aio-max-nr': tunable('fs.aio-max-nr', AIO_MAX_NR, 0, MAX_INT),
  'aio-nr': shown((kernel) => kernel.aioRequests),
  'dentry-state': shown(() => '0\t0\t45\t0\t0\t0'),
  binfmt_misc: mountPoint(),
  'dir-notify-enable': tunable('fs.dir-notify-enable', 1, 0, 1),
  epoll: dir({ max_user_watches: tunable('fs.epoll.max_user_watches', 1048576, 0, MAX_INT) }),
  fanotify: dir({
    max_queued_events: tunable('fs.fanotify.max_queued_events', 16384, 0, MAX_INT),
    max_user_groups: tunable('fs.fanotify.max_user_groups', 128, 0, MAX_INT),
    max_user_marks: tunable('fs.fanotify.max_user_marks', 205039, 0, MAX_INT),
  }),
  'file-max': shown(() => '9223372036854775807'),
  'file-nr': shown((kernel) => `${openFiles(kernel)}\t0\t9223372036854775807`),
  'inode-nr': shown(() => '0\t0'),
  'inode-state': shown(() => '0\t0\t0\t0\t0\t0\t0'),
  inotify: dir({
    max_queued_events: tunable('fs.inotify.max_queued_events', 16384, 0, MAX_INT),
    max_user_instances: field((k) => k.userNs.limits[COUNT_INOTIFY_INSTANCES]!, (k, n) => { k.userNs.limits[COUNT_INOTIFY_INSTANCES] = n; }),
    max_user_watches: field((k) => k.userNs.limits[COUNT_INOTIFY_WATCHES]!, (k, n) => { k.userNs.limits[COUNT_INOTIFY_WATCHES] = n; }),
  }),
  'lease-break-time': tunable('fs.lease-break-time', 45, 0, MAX_INT),
  'leases-enable': tunable('fs.leases-enable', 1, 0, 1),
  'mount-max': field((k) => k.vfs.mountMax, (k, n) => { k.vfs.mountMax = n; }, 1),
  mqueue: dir(mqueueEntries),
  nr_open: shown(() => 1048576),
  overflowgid: tunable('fs.overflowgid', 65534, 0, 65535),
  overflowuid: tunable('fs.overflowuid', 65534, 0, 65535),
  'pipe-max-size': tunable('fs.pipe-max-size', 1048576, 4096, MAX_INT),
  'pipe-user-pages-hard': tunable('fs.pipe-user-pages-hard', 0, 0, MAX_INT),
  'pipe-user-pages-soft': tunable('fs.pipe-user-pages-soft', 16384, 0, MAX_INT),
  protected_fifos: tunable('fs.protected_fifos', 0, 0, 2),
  protected_hardlinks: tunable('fs.protected_hardlinks', 0, 0, 1),
  protected_regular: tunable('fs.protected_regular', 0, 0, 2),
  protected_symlinks: tunable('fs.protected_symlinks', 0, 0, 1),
  suid_dumpable: suidDumpable,
};

/** A limit of what one user may make in the caller's user namespace. Linux kernel/ucount.c: who has CAP_SYS_RESOURCE there may change it. */
const userLimit = (kind: number): FileEntry<ProcSuperBlock> => ({
  ...numbers(
    (_fs, ctx) => `${ctx.credentials.userNs.limits[kind]}\n`,
    (_fs, ctx, text) => setInteger(text, 0, MAX_INT, (value) => { ctx.credentials.userNs.limits[kind] = value; }),
  ),
  access: (_fs, ctx, mask) => sysctlAccess(ctx.credentials.nsCapable(ctx.credentials.userNs, CAP_SYS_RESOURCE) ? 0o666 : 0o444, ctx, mask),
});
const userEntries: Entries<ProcSuperBlock> = {
  max_cgroup_namespaces: userLimit(COUNT_CGROUP_NS),
  max_inotify_instances: userLimit(COUNT_INOTIFY_INSTANCES),
  max_inotify_watches: userLimit(COUNT_INOTIFY_WATCHES),
  max_ipc_namespaces: userLimit(COUNT_IPC_NS),
  max_mnt_namespaces: userLimit(COUNT_MNT_NS),
  max_net_namespaces: userLimit(COUNT_NET_NS),
  max_pid_namespaces: userLimit(COUNT_PID_NS),
  max_time_namespaces: userLimit(COUNT_TIME_NS),
  max_user_namespaces: userLimit(COUNT_USER_NS),
  max_uts_namespaces: userLimit(COUNT_UTS_NS),
};

export const sysctlEntries: Entries<ProcSuperBlock> = {
  abi: dir({}),
  debug: dir({}),
  dev: dir({}),
  fs: dir(fsEntries),
  kernel: dir(kernelEntries),
  net: netSysctls,
  user: dir(userEntries),
  vm: dir(vmEntries),
};
