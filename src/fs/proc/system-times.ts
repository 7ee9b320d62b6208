/** /proc/stat, uptime, loadavg, version, interrupts, softirqs. */
import { UTS_RELEASE, UTS_VERSION } from '../../abi/uts.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { TASK_RUNNABLE } from '../../kernel/task.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { ProcSuperBlock } from './proc-fs.ts';
import { callerTask } from './proc-task.ts';
import { cpuCount } from './system-cpu.ts';
import { ticks } from './task-stat.ts';

/** Nanoseconds of CPU time since boot: user, system, idle (of all processors). */
function cpuTimes(kernel: Kernel): { user: number; system: number; idle: number } {
  // The processor runs translated code and the kernel in one thread; what tasks are charged is shown as user time.
  const user = kernel.cpuTime;
  const system = 0;
  // Time is charged in slices, so it can grow faster than the clock for a moment; idle time never goes back.
  kernel.idleTime = Math.max(kernel.idleTime, kernel.clock.monotonicNs() * cpuCount(kernel) - user - system);
  return { user, system, idle: kernel.idleTime };
}

/** `offset`: of the boot time in the reader's time namespace, ns. */
export function makeStat(kernel: Kernel, offset: number): string {
  const { user, system, idle } = cpuTimes(kernel);
  const cpus = cpuCount(kernel);
  const line = (name: string, busy: number, rest: number): string => `${name} ${ticks(busy)} 0 ${ticks(system)} ${ticks(Math.max(0, rest))} 0 0 0 0 0 0\n`;
  let text = line('cpu ', user, idle);
  for (let i = 0; i < cpus; i++) text += line(`cpu${i}`, kernel.cpuTimes[i]!, (user + idle) / cpus - kernel.cpuTimes[i]!); // one a CPU
  let running = 0;
  for (const pid of kernel.pidNs.all()) if (pid.task !== null && pid.task.exitState === 0 && pid.task.runState === TASK_RUNNABLE) running++;
  return (
    `${text}intr 0\nctxt ${kernel.switches}\nbtime ${Math.floor(kernel.clock.bootTime - offset / 1e9)}\nprocesses ${kernel.forks}\nprocs_running ${running}\nprocs_blocked 0\n` +
    'softirq 0 0 0 0 0 0 0 0 0 0 0\n'
  );
}

/** `offset`: of the reader's time namespace, ns. */
export function makeUptime(kernel: Kernel, offset: number): string {
  const seconds = (ns: number): string => (Math.floor(ns / 1e7) / 100).toFixed(2);
  return `${seconds(kernel.clock.monotonicNs() + offset)} ${seconds(cpuTimes(kernel).idle)}\n`;
}

export function makeLoadavg(fs: ProcSuperBlock, ctx: VfsContext): string {
  const { kernel } = fs;
  let running = 0;
  let threads = 0;
  for (const pid of kernel.pidNs.all()) {
    if (pid.task === null || pid.task.exitState !== 0) continue;
    threads++;
    if (pid.task.runState === TASK_RUNNABLE) running++;
  }
  const averages = kernel.loadAverage.at(kernel.clock.monotonicNs(), kernel.cpuTime).map((n) => n.toFixed(2));
  return `${averages.join(' ')} ${running}/${threads} ${callerTask(ctx).pidNs.last}\n`;
}

export function makeVersion(): string {
  return `Linux version ${UTS_RELEASE} (vivarium@localhost) (TypeScript) ${UTS_VERSION}\n`;
}

export function makeInterrupts(kernel: Kernel): string {
  const columns = Array.from({ length: cpuCount(kernel) }, (_, i) => `CPU${i}`.padEnd(11)).join('');
  return `           ${columns}\n`;
}

