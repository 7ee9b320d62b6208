/** /proc/sys/net of the caller's network namespace. */
import { CAP_NET_ADMIN } from '../../../abi/capability.ts';
import { EACCES, EINVAL, EPERM } from '../../../abi/errno.ts';
import { INVALID_KGID, type KGid } from '../../../abi/ids.ts';
import type { NetworkNamespace } from '../../../net/network-namespace.ts';
import { NO_GROUPS } from '../../../net/sysctl.ts';
import { computed } from '../../pseudo/computed-directory.ts';
import { dir, file, writable } from '../../pseudo/entries.ts';
import type { Entries, Entry, FileEntry } from '../../pseudo/entries.ts';
import type { VfsContext } from '../../../vfs/context.ts';
import { MAY_EXEC } from '../../../vfs/permission.ts';
import { rootOf, type SubjectPolicy } from '../../pseudo/pseudo-inode.ts';
import type { ProcSuperBlock } from '../proc-fs.ts';
import { callerTask } from '../proc-task.ts';
import { sysctlAccess } from './value.ts';

/** The greatest group number. */
const MAX_GID = 0xfffffffe;
/** Two group numbers as the reader's user namespace has them; EINVAL for those it has not. Linux ipv4_ping_group_range(). */
function pingGroupRange(net: NetworkNamespace): FileEntry<ProcSuperBlock> {
  const shown = (ctx: VfsContext): number[] => net.sysctls.pingGroups.map((gid) => ctx.credentials.userNs.fromKgidMunged(gid));
  return writable(
    (_fs, ctx) => `${shown(ctx).join('\t')}\n`,
    (_fs, ctx, text) => {
      if (!ctx.credentials.nsCapable(net.userNs, CAP_NET_ADMIN)) return EPERM;
      const m = /^\s*(\d+)(?:(?=\s|$)\s*(?:(\d+)(?=\s|$)\s*)?)/.exec(text);
      if (m === null) return EINVAL;
      const range = [Number(m[1]), m[2] === undefined ? shown(ctx)[1]! : Number(m[2])]; // two
      if (range.some((n) => n > MAX_GID)) return EINVAL;
      const [low, high] = range.map((n) => ctx.credentials.userNs.makeKgid(n)) as [KGid, KGid];
      if (low === INVALID_KGID || high === INVALID_KGID) return EINVAL;
      net.sysctls.pingGroups = range[1]! < range[0]! || high < low ? NO_GROUPS : [low, high]; // two
      return m[0].length;
    },
  );
}

type Tree = { [name: string]: Tree | FileEntry<ProcSuperBlock> };

function value(net: NetworkNamespace, name: string): FileEntry<ProcSuperBlock> {
  const s = net.sysctls;
  if (name === 'ipv4/route/flush' || name === 'ipv6/route/flush') {
    return writable(
      () => '',
      (_fs, ctx) => {
        if (!ctx.credentials.nsCapable(net.userNs, CAP_NET_ADMIN)) return EPERM;
        net.forgetPathMtus();
        return 0;
      },
      0o200,
    );
  }
  if (name === 'ipv4/ping_group_range') return pingGroupRange(net);
  const read = (): string => `${s.text(name).replaceAll(' ', /^-?\d+ /.test(s.text(name)) ? '\t' : ' ')}\n`;
  if (s.readOnly(name)) return file(read);
  return writable(read, (_fs, ctx, text) => (ctx.credentials.nsCapable(net.userNs, CAP_NET_ADMIN) ? s.write(net, name, text) : EPERM), name.endsWith('fastopen_key') ? 0o600 : 0o644);
}
/** Values of one device, of all, or of those to come. */
function conf(net: NetworkNamespace, six: boolean, values: Record<string, number | string>): Entries<ProcSuperBlock> {
  const out: Record<string, Entry<ProcSuperBlock>> = {};
  for (const key of Object.keys(values))
    out[key] = writable(
      () => `${values[key]}\n`,
      (_fs, ctx, text) => (ctx.credentials.nsCapable(net.userNs, CAP_NET_ADMIN) ? net.sysctls.writeConf(net, six, values as Record<string, number>, key, text) : EPERM),
      key === 'stable_secret' ? 0o600 : 0o644,
    );
  return out;
}
const GC: readonly (readonly [string, number])[] = [['gc_interval', 30], ['gc_thresh1', 128], ['gc_thresh2', 512], ['gc_thresh3', 1024]];

function build(net: NetworkNamespace): Entries<ProcSuperBlock> {
  const s = net.sysctls;
  const tree: Tree = {};
  for (const name of Object.keys(s.top)) {
    const parts = name.split('/');
    let at = tree;
    for (const p of parts.slice(0, -1)) at = (at[p] ??= {}) as Tree;
    at[parts[parts.length - 1]!] = value(net, name); // never empty
  }
  const toEntries = (t: Tree): Record<string, Entry<ProcSuperBlock>> => {
    const out: Record<string, Entry<ProcSuperBlock>> = {};
    for (const k of Object.keys(t).sort()) {
      const v = t[k]!; // of its keys
      out[k] = 'kind' in v && typeof v.kind === 'string' ? (v as FileEntry<ProcSuperBlock>) : dir(toEntries(v as Tree));
    }
    return out;
  };
  const out = toEntries(tree);
  for (const six of [false, true]) {
    const devices: Record<string, Entry<ProcSuperBlock>> = { all: dir(conf(net, six, six ? s.all6 : s.all4)), default: dir(conf(net, six, six ? s.default6 : s.default4)) };
    const neighbours: Record<string, Entry<ProcSuperBlock>> = {};
    if (net.initial) {
      const gc: Record<string, Entry<ProcSuperBlock>> = {};
      for (const [k, n] of GC) gc[k] = file(() => `${n}\n`, 0o644);
      neighbours['default'] = dir({ ...conf(net, six, six ? s.neighDefault6 : s.neighDefault4), ...gc });
    }
    for (const d of net.devices) {
      devices[d.name] = dir(conf(net, six, six ? d.conf6 : d.conf4));
      neighbours[d.name] = dir(conf(net, six, six ? d.neigh6 : d.neigh4));
    }
    const name = six ? 'ipv6' : 'ipv4';
    const family = out[name] as { readonly entries: Entries<ProcSuperBlock> };
    out[name] = dir({ ...family.entries, conf: dir(devices), neigh: dir(neighbours) });
  }
  return out;
}
const built: WeakMap<NetworkNamespace, { generation: number; entries: Entries<ProcSuperBlock> }> = new WeakMap();

/** Root of the user namespace that owns the network owns its values, and who administers the network may do what root may. Linux net/sysctl_net.c. */
function makePolicy({ userNs }: NetworkNamespace): SubjectPolicy<ProcSuperBlock> {
  return {
    stamp(inode): void {
      [inode.uid, inode.gid] = rootOf(userNs);
    },
    alive: () => true,
    permission(inode, _fs, ctx, mask): number {
      if (inode.isRegular && mask & MAY_EXEC) return EACCES;
      const own = (inode.mode >> 6) & 7;
      return sysctlAccess(ctx.credentials.nsCapable(userNs, CAP_NET_ADMIN) ? own * 0o111 : inode.mode, ctx, mask);
    },
  };
}
const policies: WeakMap<NetworkNamespace, SubjectPolicy<ProcSuperBlock>> = new WeakMap();
function policyFor(ctx: VfsContext): SubjectPolicy<ProcSuperBlock> {
  const { net } = callerTask(ctx).nsproxy;
  let p = policies.get(net);
  if (p === undefined) policies.set(net, (p = makePolicy(net)));
  return p;
}

export const netSysctls: Entry<ProcSuperBlock> = computed('net', (ctx) => {
  const { net } = callerTask(ctx).nsproxy;
  const old = built.get(net);
  if (old !== undefined && old.generation === net.sysctls.generation) return old.entries;
  const entries = build(net);
  built.set(net, { generation: net.sysctls.generation, entries });
  return entries;
}, policyFor);
