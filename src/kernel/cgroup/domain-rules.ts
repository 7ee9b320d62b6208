/** Where processes, threads and controllers may be. Linux kernel/cgroup/cgroup.c. The root is exempt from all ("mixable"). */
import { EBUSY, EOPNOTSUPP, type Errno } from '../../abi/errno.ts';
import type { Cgroup } from './cgroup.ts';
import { THREADED_CONTROLLERS } from './controllers.ts';

export function canBeThreadRoot(c: Cgroup): boolean {
  if (c.isRoot) return true;
  return !c.threaded && c.populatedDomainChildren === 0 && (c.subtreeControl & ~THREADED_CONTROLLERS) === 0;
}

export function isThreadRoot(c: Cgroup): boolean {
  if (c.threaded) return false;
  return c.threadedChildren > 0 || (c.tasks.size > 0 && (c.subtreeControl & THREADED_CONTROLLERS) !== 0);
}

/** False for a domain inside of a threaded subtree, which can hold nothing. */
export function isValidDomain(c: Cgroup): boolean {
  if (c.threaded) return false;
  for (let p = c.parent; p !== null; p = p.parent) {
    if (!p.isRoot && isThreadRoot(p)) return false;
    if (p.threaded) return false;
  }
  return true;
}

/** cgroup.type. */
export function typeOf(c: Cgroup): string {
  if (c.threaded) return 'threaded';
  if (!isValidDomain(c)) return 'domain invalid';
  return isThreadRoot(c) ? 'domain threaded' : 'domain';
}

/** May tasks be moved into `c`? 0, EOPNOTSUPP, EBUSY. Linux cgroup_migrate_vet_dst(). */
export function vetDestination(c: Cgroup): 0 | Errno {
  if (!isValidDomain(c.domain)) return EOPNOTSUPP;
  if (canBeThreadRoot(c) || c.threaded) return 0;
  return c.subtreeControl !== 0 ? EBUSY : 0;
}

/** May the controllers `enable` be given to the children of `c`? 0, EOPNOTSUPP, EBUSY. Linux cgroup_vet_subtree_control_enable(). */
export function vetEnable(c: Cgroup, enable: number): 0 | Errno {
  if (enable === 0) return 0;
  if (!isValidDomain(c.domain)) return EOPNOTSUPP;
  if (c.isRoot) return 0;
  if (enable & ~THREADED_CONTROLLERS) {
    if (isThreadRoot(c) || c.threaded) return EOPNOTSUPP;
  } else if (canBeThreadRoot(c) || c.threaded) return 0;
  return c.tasks.size > 0 ? EBUSY : 0;
}

/** Makes `c` threaded: 0 or EOPNOTSUPP. Linux cgroup_enable_threaded(). */
export function enableThreaded(c: Cgroup): 0 | Errno {
  if (c.threaded) return 0;
  const parent = c.parent!; // the root has no cgroup.type
  if (c.populated || c.subtreeControl & ~THREADED_CONTROLLERS) return EOPNOTSUPP;
  const domain = parent.domain;
  if (!isValidDomain(domain) || !canBeThreadRoot(domain)) return EOPNOTSUPP;
  for (const d of c.subtree()) if (d === c || d.threaded) d.domain = domain;
  parent.threadedChildren++;
  for (const d of c.subtree()) c.hierarchy.applyControl(d);
  return 0;
}
