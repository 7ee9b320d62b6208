/** landlock_create_ruleset, landlock_add_rule, landlock_restrict_self. Linux 6.18 security/landlock/syscalls.c. */
import { CAP_SYS_ADMIN } from '../abi/capability.ts';
import { E2BIG, EBADF, EBADFD, EFAULT, EINVAL, ENOMSG, EPERM, ESPIPE, type Errno, isErr } from '../abi/errno.ts';
import { O_RDWR } from '../abi/fcntl.ts';
import * as L from '../abi/landlock.ts';
import { LandlockDomain, LandlockLayer } from '../auth/landlock-domain.ts';
import { commitCredentials } from '../kernel/commit-credentials.ts';
import type { Task } from '../kernel/task.ts';
import { AnonymousDescription } from '../vfs/anonymous-description.ts';
import type { Path } from '../vfs/mount.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { installFile, openFile } from './io-wait.ts';

/** A set of rules that is being made. */
class RulesetDescription extends AnonymousDescription {
  readonly fs: number;
  readonly net: number;
  readonly scoped: number;
  readonly paths: Map<object, number> = new Map();
  readonly ports: Map<number, number> = new Map();
  constructor(path: Path, fs: number, net: number, scoped: number) {
    super(path, O_RDWR);
    this.fs = fs;
    this.net = net;
    this.scoped = scoped;
  }
  override seek(): number {
    return ESPIPE;
  }
}

/** struct landlock_ruleset_attr: handled_access_fs, handled_access_net, scoped. Bytes; those of the first version. */
const ATTR_SIZE = 24, ATTR_SIZE_MIN = 8;
const PAGE_SIZE = 4096;

function createRuleset(t: Task, a: SyscallArgs): number {
  const addr = a.addr(0);
  const size = a.size(1);
  const flags = a.u32(2);
  if (flags !== 0) {
    if (addr !== 0 || size !== 0) return EINVAL;
    return flags === L.LANDLOCK_CREATE_RULESET_VERSION ? L.LANDLOCK_ABI_VERSION : flags === L.LANDLOCK_CREATE_RULESET_ERRATA ? L.LANDLOCK_ERRATA : EINVAL;
  }
  if (addr === 0) return EFAULT;
  if (size < ATTR_SIZE_MIN) return EINVAL;
  if (size > PAGE_SIZE) return E2BIG;
  const bytes = new Uint8Array(Math.max(ATTR_SIZE, size));
  if (isErr(t.space.readBytes(addr, bytes, 0, size))) return EFAULT;
  if (bytes.subarray(ATTR_SIZE).some((b) => b !== 0)) return E2BIG;
  const view = new DataView(bytes.buffer);
  const [fs = 0, net = 0, scoped = 0] = [0, 8, 16].map((at) => view.getUint32(at, true));
  if ([4, 12, 20].some((at) => view.getUint32(at, true) !== 0) || fs & ~L.ACCESS_FS_ALL || net & ~3 || scoped & ~3) return EINVAL;
  if ((fs | net | scoped) === 0) return ENOMSG;
  return installFile(t, new RulesetDescription(t.kernel.vfs.anonymous.anonymousPath('[landlock-ruleset]'), fs, net, scoped), true);
}

function ruleset(t: Task, fd: number): RulesetDescription | Errno {
  const file = openFile(t, fd);
  if (file === null) return EBADF;
  return file instanceof RulesetDescription ? file : EBADFD;
}

function addRule(t: Task, a: SyscallArgs): number {
  if (a.u32(3) !== 0) return EINVAL;
  const set = ruleset(t, a.fd(0));
  if (isErr(set)) return set;
  switch (a.int(1)) {
    case L.LANDLOCK_RULE_PATH_BENEATH:
      return addPath(t, set, a.addr(2));
    case L.LANDLOCK_RULE_NET_PORT:
      return addPort(t, set, a.addr(2));
    default:
      return EINVAL;
  }
}

/** struct landlock_path_beneath_attr, packed: allowed_access (64 bits), parent_fd. */
function addPath(t: Task, set: RulesetDescription, addr: number): number {
  const allowed = t.space.readU64(addr);
  const fd = t.space.readU32(addr + 8);
  if (isErr(allowed) || isErr(fd)) return EFAULT;
  if (allowed === 0) return ENOMSG;
  if (allowed > 0xffffffff || (allowed & ~set.fs) !== 0) return EINVAL;
  const file = t.fdTable.get(fd | 0);
  if (file === null) return EBADF;
  const { dentry } = file.path;
  if (file instanceof RulesetDescription || dentry.sb.pseudoName(dentry) !== null || dentry.inode === null) return EBADFD;
  if (!dentry.inode.isDirectory && allowed & ~L.ACCESS_FS_FILE) return EINVAL;
  set.paths.set(dentry.inode, (set.paths.get(dentry.inode) ?? 0) | allowed);
  return 0;
}

/** struct landlock_net_port_attr: allowed_access, port. */
function addPort(t: Task, set: RulesetDescription, addr: number): number {
  const allowed = t.space.readU64(addr);
  const port = t.space.readU64(addr + 8);
  if (isErr(allowed) || isErr(port)) return EFAULT;
  if (allowed === 0) return ENOMSG;
  if (allowed > 3 || (allowed & ~set.net) !== 0 || port > 65535) return EINVAL;
  set.ports.set(port, (set.ports.get(port) ?? 0) | allowed);
  return 0;
}

function restrictSelf(t: Task, a: SyscallArgs): number {
  const flags = a.u32(1);
  const c = t.credentials;
  if (!t.noNewPrivs && !c.nsCapable(c.userNs, CAP_SYS_ADMIN)) return EPERM;
  if (flags & ~L.LANDLOCK_RESTRICT_SELF_KNOWN) return EINVAL;
  // Only what is written to the audit log changes, and there is none.
  if (a.fd(0) === -1 && flags === L.LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF) return 0;
  const set = ruleset(t, a.fd(0));
  if (isErr(set)) return set;
  const layers = c.domain?.layers ?? [];
  if (layers.length >= L.LANDLOCK_MAX_NUM_LAYERS) return E2BIG;
  const layer = new LandlockLayer(set.fs, set.net, set.scoped, new Map(set.paths), new Map(set.ports));
  const next = c.prepare();
  next.domain = new LandlockDomain([...layers, layer]);
  commitCredentials(t, next);
  return 0;
}

export const landlockRows: readonly SyscallRow[] = [
  [444, 'landlock_create_ruleset', 'landlock_ruleset,size,landlockflags=fd', 'full', createRuleset],
  [445, 'landlock_add_rule', 'fd,landlockrule,landlock_path,uint', 'full', addRule],
  [446, 'landlock_restrict_self', 'fd,uint', 'full', restrictSelf],
];
