/** How much there is of everything that a failed or finished call must not leave behind: what the tests of fault injection compare. */
import { COUNT_KINDS } from '../auth/user-counts.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import type { Kernel } from './kernel.ts';

/** Lines "name number". Two looks at the same state are the same. */
export function liveCounts(kernel: Kernel): string {
  const spaces = new Set<object>();
  const tables = new Set<object>();
  const contexts = new Set<object>();
  const proxies = new Set<object>();
  const descriptions = new Set<FileDescription>();
  let shares = 0;
  let actionUsers = 0;
  const actions = new Set<object>();
  for (const t of kernel.tasks) {
    if (t.mm !== null) spaces.add(t.mm);
    if (t.mm !== null) shares += t.mm.users;
    proxies.add(t.nsproxy);
    if (!actions.has(t.actions)) actionUsers += t.actions.users;
    actions.add(t.actions);
    if (t.fsContext !== null && !contexts.has(t.fsContext)) {
      contexts.add(t.fsContext);
      shares += t.fsContext.users;
    }
    const { files } = t;
    if (files === null || tables.has(files)) continue;
    tables.add(files);
    shares += files.users;
    for (let fd = 0; fd < files.limit; fd++) {
      const file = files.get(fd);
      if (file !== null) descriptions.add(file);
    }
  }
  let references = 0;
  for (const d of descriptions) references += d.refCount;
  let busy = 0;
  let mounts = 0;
  for (const m of kernel.init.nsproxy.mnt.mounts) {
    busy += m.refs;
    mounts += m.sb.mountCount;
  }
  const namespaces = new Array<number>(COUNT_KINDS).fill(0);
  for (const counts of kernel.userNs.allCounts()) counts.counts.forEach((n, kind) => (namespaces[kind]! += n)); // same length
  let used = 0;
  for (const counts of kernel.userNs.allCounts()) used += counts.used.reduce((a, b) => a + b, 0);
  const lines: readonly (readonly [string, number])[] = [
    ['tasks', kernel.tasks.size], ['task count', kernel.taskCount], ['pids', kernel.pidNs.size], ['cpu states', kernel.cpuStates.used], ['spaces', spaces.size],
    ['live spaces', kernel.memory.spaces], ['tables', tables.size], ['contexts', contexts.size], ['shares', shares], ['actions', actions.size], ['action users', actionUsers],
    ['proxies', proxies.size], ['descriptions', descriptions.size], ['references', references], ['mounts', mounts], ['busy', busy],
    ...namespaces.map((n, kind) => [`namespaces ${kind}`, n] as const), ['limits used', used], ['initial user namespace', kernel.userNs.users], ['initial PID namespace', kernel.pidNs.users],
    ['initial mount namespace', kernel.init.nsproxy.mnt.users], ['initial network namespace', kernel.init.nsproxy.net.users], ['initial UTS namespace', kernel.init.nsproxy.uts.users],
  ];
  return lines.map(([name, n]) => `${name} ${n}\n`).join('');
}
