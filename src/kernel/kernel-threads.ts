/**
 * The kernel's own threads, as every Linux machine shows them: kthreadd, the second process, and its children. They are records: no memory, no
 * processor state, never on a run queue. What their namesakes do in Linux is done by the kernel at once or by timers.
 */
import { SCHED_FIFO } from '../abi/sched.ts';
import { SIGCHLD, SIG_IGN } from '../abi/signal.ts';
import {
  PF_FORKNOEXEC, PF_KCOMPACTD, PF_KSWAPD, PF_KTHREAD, PF_MEMALLOC, PF_NO_SETAFFINITY, PF_NOFREEZE, PF_SUPERPRIV, PF_WQ_WORKER,
} from '../abi/task-flags.ts';
import { FsContext } from '../vfs/fs-context.ts';
import type { FdTable } from '../vfs/fd-table.ts';
import type { Path } from '../vfs/mount.ts';
import { addChild } from './children.ts';
import type { Kernel } from './kernel.ts';
import type { NsProxy } from './nsproxy.ts';
import { Pid } from './pid.ts';
import { ProcessGroup } from './process-group.ts';
import type { ResourceLimits } from './resource-limits.ts';
import { Session } from './session.ts';
import { SignalActions } from './signal-actions.ts';
import { Task, TASK_BLOCKED } from './task.ts';
import { ThreadGroup } from './thread-group.ts';

const PLAIN = PF_KTHREAD | PF_FORKNOEXEC;
/** Does not stop for a suspend of the machine. */
const STAYS = PLAIN | PF_NOFREEZE;
const BOUND = STAYS | PF_NO_SETAFFINITY;
const WORKER = BOUND | PF_WQ_WORKER;

interface Row {
  /** `N` stands for the number of a processor, `U` for that of a pool of workers that are bound to none. */
  readonly name: string;
  /** PF_*. */
  readonly flags: number;
  /** It waits without counting for the load (TASK_IDLE). */
  readonly idle?: true;
  readonly nice?: number;
  /** SCHED_FIFO at this priority. */
  readonly fifo?: number;
}
const rescuer = (name: string): Row => ({ name: `kworker/R-${name}`, flags: WORKER, idle: true, nice: -20 });
const worker = (name: string, nice = 0): Row => ({ name: `kworker/${name}`, flags: WORKER, idle: true, nice });

/** In the order in which Linux 6.18 makes them while it boots; those of features that are not here are left out. */
const FIRST: readonly Row[] = [
  { name: 'kthreadd', flags: STAYS }, { name: 'pool_workqueue_release', flags: STAYS },
  rescuer('rcu_gp'), rescuer('sync_wq'), rescuer('kvfree_rcu_reclaim'), rescuer('slub_flushwq'), rescuer('netns'),
  worker('U:0-events_unbound'), rescuer('mm_percpu_wq'), { name: 'rcu_preempt', flags: STAYS, idle: true },
];
/** One of each for every processor. */
const PER_CPU: readonly Row[] = [
  { name: 'cpuhp/N', flags: BOUND }, { name: 'migration/N', flags: BOUND, fifo: 99 }, { name: 'ksoftirqd/N', flags: BOUND }, worker('N:0-events'), worker('N:0H-events_highpri', -20),
];
const LAST: readonly Row[] = [
  { name: 'kdevtmpfs', flags: STAYS | PF_SUPERPRIV }, rescuer('inet_frag_wq'), { name: 'kauditd', flags: PLAIN }, { name: 'khungtaskd', flags: STAYS },
  { name: 'oom_reaper', flags: PLAIN }, rescuer('writeback'), { name: 'kcompactd0', flags: PLAIN | PF_KCOMPACTD }, rescuer('kblockd'),
  { name: 'kswapd0', flags: PLAIN | PF_MEMALLOC | PF_KSWAPD }, rescuer('kthrotld'), rescuer('mld'), rescuer('ipv6_addrconf'),
];

/** All signals are ignored (Linux ignore_signals). */
function ignoring(): SignalActions {
  const actions = new SignalActions();
  for (let sig = 1; sig <= 64; sig++) actions.setHandler(sig, SIG_IGN);
  return actions;
}

/** Their names, in the order of their numbers. */
function* rows(cpus: number): Iterable<{ row: Row; name: string; cpu: number }> {
  for (const row of FIRST) yield { row, name: row.name.replace('U', `u${2 * cpus + 4}`), cpu: -1 };
  for (let cpu = 0; cpu < cpus; cpu++) for (const row of PER_CPU) yield { row, name: row.name.replace('N', String(cpu)), cpu };
  for (const row of LAST) yield { row, name: row.name, cpu: -1 };
}

export class KernelThreads {
  readonly all: Task[] = [];
  private readonly kernel: Kernel;
  private readonly limits: ResourceLimits;
  private first = 0;
  private made = false;
  // What enterRoot and enterNamespaces said.
  private fs: FsContext | null = null;
  private files: FdTable | null = null;
  private nsproxy: NsProxy;

  /** Takes the numbers behind that of `kernel.init`. The threads themselves are made when somebody looks: nearly no program does. */
  constructor(kernel: Kernel) {
    this.kernel = kernel;
    this.limits = kernel.init.threadGroup.limits.clone();
    this.nsproxy = kernel.init.nsproxy;
    this.first = kernel.pidNs.last + 1;
    const count = FIRST.length + PER_CPU.length * kernel.cpus + LAST.length;
    kernel.pidNs.reserve(count, () => this.make());
    kernel.taskCount += count;
    kernel.forks += count;
  }

  /** Before anything that could show them. */
  make(): void {
    if (this.made) return;
    this.made = true;
    const { kernel } = this;
    const zero = new Pid(kernel.pidNs, [0]);
    // The boot's own group and session, whose number is 0 everywhere.
    const group = new ProcessGroup(zero, new Session(zero, null, null));
    const actions = ignoring();
    const { tasks } = kernel.cgroups.root;
    const later = [...tasks].filter((t) => t !== kernel.init);
    for (const t of later) tasks.delete(t);
    let nr = this.first;
    for (const { row, name, cpu } of rows(kernel.cpus)) this.makeOne(row, name, cpu, kernel.pidNs.takeReserved(nr++), group, actions);
    for (const t of later) tasks.add(t);
  }

  private makeOne(row: Row, name: string, cpu: number, pid: Pid, group: ProcessGroup, actions: SignalActions): void {
    const { kernel } = this;
    const { init } = kernel;
    const t = new Task(kernel, pid, init.credentials, this.nsproxy, actions, 0, init.regs, name, true);
    pid.task = t;
    t.kernelThread = row.flags;
    t.kernelIdle = row.idle === true;
    t.runState = TASK_BLOCKED;
    const tg = new ThreadGroup(pid, t, this.limits.clone());
    t.threadGroup = tg;
    tg.threads.add(t);
    tg.live = 1;
    group.add(tg);
    const kthreadd = this.all[0];
    if (kthreadd !== undefined) {
      t.realParent = t.parent = kthreadd;
      t.exitSignal = SIGCHLD;
      addChild(kthreadd, t);
    }
    t.sched.nice = row.nice ?? 0;
    if (row.fifo !== undefined) {
      t.sched.policy = SCHED_FIFO;
      t.sched.rtPriority = row.fifo;
      t.timerSlack = 0;
    }
    if (cpu >= 0) {
      t.sched.affinity = t.sched.wishedAffinity = 1 << cpu;
      t.sched.cpu = cpu;
    }
    if (this.fs !== null) {
      t.fsContext = this.fs;
      this.fs.users++;
      t.files = this.files;
    }
    kernel.cgroups.root.tasks.add(t);
    kernel.madeTasks.add(t);
    this.all.push(t);
  }

  /** The root is mounted: that is where they are, with no files open. */
  enterRoot(root: Path, files: FdTable): void {
    this.fs = new FsContext(root, root, 0o022);
    this.files = files;
  }
  /** The initial mount namespace is there. */
  enterNamespaces(nsproxy: NsProxy): void {
    this.nsproxy = nsproxy;
  }
}
