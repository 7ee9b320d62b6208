/** capget and capset. Linux kernel/capability.c, security/commoncap.c. */
import { _LINUX_CAPABILITY_VERSION_1, _LINUX_CAPABILITY_VERSION_2, _LINUX_CAPABILITY_VERSION_3, CAP_SETPCAP } from '../abi/capability.ts';
import { EFAULT, EINVAL, EPERM, ESRCH, isErr } from '../abi/errno.ts';
import { CapSet } from '../auth/cap-set.ts';
import { commitCredentials } from '../kernel/commit-credentials.ts';
import type { Task } from '../kernel/task.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';

/** Words of each set in the version at `header`, or an errno; an unknown version is overwritten with the one this kernel prefers. */
function versionWords(t: Task, header: number): number {
  const version = t.space.readU32(header);
  if (isErr(version)) return EFAULT;
  if (version === _LINUX_CAPABILITY_VERSION_1) return 1;
  if (version === _LINUX_CAPABILITY_VERSION_2 || version === _LINUX_CAPABILITY_VERSION_3) return 2;
  return isErr(t.space.writeU32(header, _LINUX_CAPABILITY_VERSION_3)) ? EFAULT : EINVAL;
}

function sysCapget(t: Task, a: SyscallArgs): number {
  const words = versionWords(t, a.addr(0));
  const data = a.addr(1);
  // Asking for the version only.
  if (data === 0) return words === EFAULT ? EFAULT : 0;
  if (words < 0) return words;
  const pid = t.space.readU32(a.addr(0) + 4);
  if (isErr(pid)) return EFAULT;
  if ((pid | 0) < 0) return EINVAL;
  const p = pid === 0 ? t : (t.pidNs.find(pid)?.task ?? null);
  if (p === null) return ESRCH;
  const c = p.credentials;
  const sets = [c.capEffective, c.capPermitted, c.capInheritable];
  for (let w = 0; w < words; w++)
    for (let i = 0; i < 3; i++) {
      const s = sets[i]!; // three sets
      if (isErr(t.space.writeU32(data + w * 12 + i * 4, w === 0 ? s.lo : s.hi))) return EFAULT;
    }
  return 0;
}

function sysCapset(t: Task, a: SyscallArgs): number {
  const words = versionWords(t, a.addr(0));
  if (words < 0) return words;
  const pid = t.space.readU32(a.addr(0) + 4);
  if (isErr(pid)) return EFAULT;
  if (pid !== 0 && pid !== t.pid.nr(t.pid.ns)) return EPERM;
  const w: number[] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < words * 3; i++) {
    const v = t.space.readU32(a.addr(1) + i * 4);
    if (isErr(v)) return EFAULT;
    w[i] = v;
  }
  const effective = CapSet.of(w[0]!, w[3]!); // six words
  const permitted = CapSet.of(w[1]!, w[4]!);
  const inheritable = CapSet.of(w[2]!, w[5]!);
  const old = t.credentials;
  if (!old.nsCapable(old.userNs, CAP_SETPCAP) && !inheritable.isSubsetOf(old.capInheritable.or(old.capPermitted))) return EPERM;
  if (!inheritable.isSubsetOf(old.capInheritable.or(old.capBounding))) return EPERM;
  if (!permitted.isSubsetOf(old.capPermitted)) return EPERM;
  if (!effective.isSubsetOf(permitted)) return EPERM;
  const c = old.prepare();
  c.capEffective = effective;
  c.capPermitted = permitted;
  c.capInheritable = inheritable;
  c.capAmbient = old.capAmbient.and(permitted).and(inheritable);
  commitCredentials(t, c);
  return 0;
}

export const capabilityRows: readonly SyscallRow[] = [
  [125, 'capget', 'caphdr,out:capdata', 'full', sysCapget],
  [126, 'capset', 'caphdr,capdata', 'full', sysCapset],
];
