/**
 * The kernel's own threads, as every Linux machine shows them: kthreadd, the second process, and its children. They are records: no memory, no
 * processor state, never on a run queue. What their namesakes do in Linux is done by the kernel at once or by timers.
 */
import { isErr } from '../abi/errno.ts';
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

export class KernelThreads {
  readonly all: Task[] = [];
  private readonly kernel: Kernel;
  private readonly actions: SignalActions = ignoring();
  /** The boot's own group and session, whose number is 0 everywhere. */
  private readonly group: ProcessGroup;

  /** Makes them, behind `kernel.init`. */
  constructor(kernel: Kernel) {
    this.kernel = kernel;
    const zero = new Pid(kernel.pidNs, [0]);
    this.group = new ProcessGroup(zero, new Session(zero, null, null));
    for (const row of FIRST) this.make(row, row.name.replace('U', `u${2 * kernel.cpus + 4}`), -1);
    for (let cpu = 0; cpu < kernel.cpus; cpu++) for (const row of PER_CPU) this.make(row, row.name.replace('N', String(cpu)), cpu);
    for (const row of LAST) this.make(row, row.name, -1);
  }

  private make(row: Row, name: string, cpu: number): void {
    const { kernel } = this;
    const { init } = kernel;
    const pid = kernel.pidNs.alloc([], init.credentials);
    if (isErr(pid)) return; // the numbers are used up by so many processors: none are left for programs either
    const t = new Task(kernel, pid, init.credentials, init.nsproxy, this.actions, 0, init.regs, name, true);
    pid.task = t;
    t.kernelThread = row.flags;
    t.kernelIdle = row.idle === true;
    t.runState = TASK_BLOCKED;
    const tg = new ThreadGroup(pid, t, init.threadGroup.limits.clone());
    t.threadGroup = tg;
    tg.threads.add(t);
    tg.live = 1;
    this.group.add(tg);
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
    kernel.cgroups.enter(t, kernel.cgroups.root);
    kernel.tasks.add(t);
    kernel.taskCount++;
    kernel.forks++;
    this.all.push(t);
  }

  /** The root is mounted: that is where they are, with no files open. */
  enterRoot(root: Path, files: FdTable): void {
    const fs = new FsContext(root, root, 0o022);
    for (const t of this.all) {
      t.fsContext = fs;
      t.files = files;
      fs.users++;
    }
  }
  /** The initial mount namespace is there. */
  enterNamespaces(nsproxy: NsProxy): void {
    for (const t of this.all) t.nsproxy = nsproxy;
  }
}
