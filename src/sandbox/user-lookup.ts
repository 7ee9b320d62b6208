/** Users and groups by name, from the guest's /etc/passwd and /etc/group, without running anything inside. */
import { EINVAL, isErr } from '../abi/errno.ts';
import type { KGid, KUid } from '../abi/ids.ts';
import { CapSet } from '../auth/cap-set.ts';
import { Credentials } from '../auth/credentials.ts';
import { BytesIoVector } from '../base/io-vector.ts';
import { bytesToString } from '../base/byte-string.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { openPlace } from '../vfs/open.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import type { UserSpec } from './options.ts';
import { SetupError } from './setup-error.ts';
import type { RootFileSystem } from './root-file-system.ts';

const MAX_FILE = 1 << 20;

/** Lines of a colon-separated table inside; none if it is not there. */
function readTable(kernel: Kernel, tree: RootFileSystem, path: string): string[][] {
  const place = tree.find(path);
  if (isErr(place)) return [];
  const file = openPlace(kernel.init, place as Exclude<typeof place, number>, 0);
  if (isErr(file)) return [];
  const description = file as FileDescription;
  const bytes = new Uint8Array(MAX_FILE);
  const iov = new BytesIoVector(bytes);
  while (iov.remaining > 0) {
    const n = description.read(kernel.init, iov, -1);
    if (n <= 0) break;
  }
  description.unref();
  return bytesToString(bytes.subarray(0, iov.pos))
    .split('\n')
    .map((line) => line.split(':'));
}

/** The number that `word` is, or that the row with this name has in its third column. */
function resolve(word: string, rows: readonly string[][], what: string): number {
  if (/^\d+$/.test(word)) return Number(word);
  const row = rows.find((r) => r[0] === word);
  if (row === undefined) throw new SetupError(-EINVAL, `--user ${word}: there is no such ${what} inside`);
  return Number(row[2]);
}

/** Credentials of the first process: all capabilities for root, none for others. Throws SetupError for an unknown name. */
export function credentialsFor(kernel: Kernel, tree: RootFileSystem, user: UserSpec): Credentials {
  const c = new Credentials(kernel.userNs);
  let uid: number;
  let gid: number;
  let groups: readonly number[];
  if (user.kind === 'ids') ({ uid, gid, groups } = user);
  else {
    const [name = '', group] = user.text.split(':');
    const passwd = readTable(kernel, tree, '/etc/passwd');
    const groupTable = readTable(kernel, tree, '/etc/group');
    uid = resolve(name, passwd, 'user');
    const entry = passwd.find((r) => Number(r[2]) === uid);
    gid = group === undefined ? Number(entry?.[3] ?? uid) : resolve(group, groupTable, 'group');
    const login = entry?.[0] ?? '';
    groups = login === '' ? [] : groupTable.filter((r) => r[3]?.split(',').includes(login)).map((r) => Number(r[2]));
  }
  c.uid = c.euid = c.suid = c.fsuid = uid as KUid;
  c.gid = c.egid = c.sgid = c.fsgid = gid as KGid;
  c.groups = [...new Set(groups)].sort((a, b) => a - b) as KGid[];
  const sets = user.kind === 'ids' ? user.capabilities : undefined;
  if (sets !== undefined) {
    c.capInheritable = CapSet.of(...sets.inheritable);
    c.capPermitted = CapSet.of(...sets.permitted);
    c.capEffective = CapSet.of(...sets.effective);
    c.capBounding = CapSet.of(...sets.bounding);
    c.capAmbient = CapSet.of(...sets.ambient);
  } else if (uid !== 0) {
    c.capPermitted = CapSet.EMPTY;
    c.capEffective = CapSet.EMPTY;
  }
  return c;
}
