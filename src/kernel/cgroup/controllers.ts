/** The controllers, as bits, in Linux's order. */
export const CPUSET = 1, CPU = 2, IO = 4, MEMORY = 8, PIDS = 16;
export const ALL_CONTROLLERS = 31;
/** Those that can tell the threads of one process apart. */
export const THREADED_CONTROLLERS: number = CPUSET | CPU | PIDS;

export interface ControllerName {
  readonly bit: number;
  readonly name: string;
  /** In /proc/cgroups. */
  readonly legacyName: string;
}
export const CONTROLLERS: readonly ControllerName[] = [
  { bit: CPUSET, name: 'cpuset', legacyName: 'cpuset' },
  { bit: CPU, name: 'cpu', legacyName: 'cpu' },
  { bit: IO, name: 'io', legacyName: 'blkio' },
  { bit: MEMORY, name: 'memory', legacyName: 'memory' },
  { bit: PIDS, name: 'pids', legacyName: 'pids' },
];

/** "cpu memory": what cgroup.controllers shows. */
export function controllerNames(mask: number): string {
  return CONTROLLERS.filter((c) => mask & c.bit)
    .map((c) => c.name)
    .join(' ');
}
