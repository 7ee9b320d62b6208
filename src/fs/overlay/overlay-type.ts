/** mount -t overlay: the parameters and the layers that they name. Linux fs/overlayfs/params.c, super.c. */
import { EINVAL, ELOOP, ENOTDIR, EROFS, type Errno, isErr } from '../../abi/errno.ts';
import { MS_RDONLY } from '../../abi/mount.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { FileSystemType } from '../../vfs/file-system.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { MountConfig, MountParameter, ParameterTable } from '../../vfs/mount-config.ts';
import type { Path } from '../../vfs/mount.ts';
import { LOOKUP_DIRECTORY, LOOKUP_FOLLOW, walkPath } from '../../vfs/path-walk.ts';
import type { SuperBlock } from '../../vfs/super-block.ts';
import type { Vfs } from '../../vfs/vfs.ts';
import { OverlayFs } from './overlay-fs.ts';

const ON_OFF = ['on', 'off'];
const MAX_LAYERS = 500;

/** Takes the backslashes of an escaped colon or comma away. */
function unescapePath(path: string): string {
  return path.replace(/\\(.)/g, '$1');
}

/** lowerdir=a:b::c as [name, holds data only] in their order; EINVAL for an empty name. */
function splitLayers(text: string): (readonly [string, boolean])[] | Errno {
  const out: (readonly [string, boolean])[] = [];
  let data = false;
  const parts = text.split(/(?<!\\):/);
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!; // within the list
    if (part === '') {
      // "::" opens the layers of data.
      if (i === 0 || i === parts.length - 1 || parts[i + 1] === '') return EINVAL;
      data = true;
      continue;
    }
    if (data && i > 0 && parts[i - 1] !== '') return EINVAL;
    out.push([unescapePath(part), data]);
  }
  return out;
}

export class OverlayType implements FileSystemType {
  readonly name = 'overlay';
  readonly requiresDevice = false;
  readonly userNamespaceMount = true;
  readonly parameters: ParameterTable = {
    lowerdir: 'text', 'lowerdir+': 'path', 'datadir+': 'path', upperdir: 'path', workdir: 'path', default_permissions: 'flag', redirect_dir: ['off', 'follow', 'nofollow', 'on'],
    index: ON_OFF, uuid: ['off', 'null', 'auto', 'on'], nfs_export: ON_OFF, userxattr: 'flag', xino: ['on', 'off', 'auto'], metacopy: ON_OFF,
    verity: ['off', 'on', 'require'], volatile: 'flag', override_creds: 'flag', nooverride_creds: 'flag',
  };
  private readonly vfs: Vfs;
  constructor(vfs: Vfs) {
    this.vfs = vfs;
  }

  /** A comma behind a backslash belongs to a name. */
  splitText(options: string): string[] {
    return options.split(/(?<!\\),/);
  }

  /** Layers are looked up as they are named. */
  checkParameter(ctx: VfsContext, config: MountConfig, p: MountParameter): number {
    switch (p.key) {
      case 'lowerdir': {
        if (p.text === '') return 0;
        const layers = splitLayers(p.text);
        if (isErr(layers)) return layers;
        if (layers.length > MAX_LAYERS) return EINVAL;
        for (const [name] of layers) {
          const at = this.directory(ctx, null, name);
          if (isErr(at)) return at;
        }
        return 0;
      }
      case 'lowerdir+':
      case 'datadir+':
      case 'upperdir':
      case 'workdir': {
        // Data layers come last, and one way of naming layers at a time.
        if (config.has('lowerdir') && p.key.endsWith('+')) return EINVAL;
        if (p.key === 'lowerdir+' && config.has('datadir+')) return EINVAL;
        const at = this.layerOf(ctx, p);
        return isErr(at) ? at : 0;
      }
      default:
        return 0;
    }
  }

  private layerOf(ctx: VfsContext, p: MountParameter): Path | Errno {
    if (p.file !== null) return p.file.inode.isDirectory ? p.file.path : ENOTDIR;
    return this.directory(ctx, p.base, p.kind === 'string' ? unescapePath(p.text) : p.text);
  }
  private directory(ctx: VfsContext, base: Path | null, name: string): Path | Errno {
    return walkPath(ctx, base, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY);
  }

  /** The lower layers, topmost first, and how many of them hold data only. */
  private lowerLayers(ctx: VfsContext, config: MountConfig): { paths: Path[]; data: number } | Errno {
    const paths: Path[] = [];
    let data = 0;
    const whole = config.value('lowerdir') ?? '';
    if (whole !== '') {
      const layers = splitLayers(whole);
      if (isErr(layers)) return layers;
      for (const [name, isData] of layers) {
        const at = this.directory(ctx, null, name);
        if (isErr(at)) return at;
        paths.push(at);
        if (isData) data++;
      }
    }
    for (const p of config.parameters) {
      if (!p.key.endsWith('+')) continue;
      const at = this.layerOf(ctx, p);
      if (isErr(at)) return at;
      paths.push(at);
      if (p.key === 'datadir+') data++;
    }
    return { paths, data };
  }

  mount(ctx: VfsContext, source: string, flags: number, _options: string, config: MountConfig | null): SuperBlock | Errno {
    if (config === null) return EINVAL;
    const last = (key: string): MountParameter | undefined => config.parameters.findLast((p) => p.key === key);
    const found = this.lowerLayers(ctx, config);
    if (isErr(found)) return found;
    const { paths, data } = found;
    if (paths.length === 0 || data === paths.length) return EINVAL;
    const [upperdir, workdir] = [last('upperdir'), last('workdir')];
    let upper: Path | null = null;
    let work: Path | null = null;
    if (upperdir !== undefined) {
      if (workdir === undefined) return EINVAL;
      const u = this.layerOf(ctx, upperdir);
      if (isErr(u)) return u;
      const w = this.layerOf(ctx, workdir);
      if (isErr(w)) return w;
      if (u.mount.readOnly) return EINVAL;
      if (u.mount !== w.mount || u.dentry.isAncestorOf(w.dentry) || w.dentry.isAncestorOf(u.dentry)) return EINVAL;
      if (u.dentry.sb.flags & MS_RDONLY) return EROFS;
      [upper, work] = [u, w];
    }
    if (upper === null && paths.length < 2) return EINVAL;
    if (overlaps([upper, work, ...paths])) return ELOOP;
    if (upper !== null) {
      // Its names now also change through the overlay, which knows nothing of its dentries.
      const { sb } = upper.dentry;
      sb.stable = sb.cachesNegative = false;
    }
    const userxattr = config.has('userxattr');
    const redirectMode = config.value('redirect_dir') ?? (userxattr ? 'nofollow' : 'follow');
    const sb = new OverlayFs(this.vfs, {
      upper: upper?.dentry.inode ?? null,
      lowers: paths.map((p) => p.dentry.inode as Inode), // walked to
      redirect: redirectMode === 'on' && upper !== null,
      transparent: false,
      shownOptions: shownOptions(config, upper !== null, redirectMode, userxattr),
    });
    sb.source = source;
    sb.flags |= flags;
    return sb;
  }
}

/** True if one layer stands in another (overlapping layers). */
function overlaps(layers: readonly (Path | null)[]): boolean {
  const roots = new Set(layers.map((l) => l?.dentry));
  for (const l of layers) {
    if (l === null) continue;
    for (let d = l.dentry; !d.isRoot; d = d.parent) if (roots.has(d.parent)) return true;
  }
  return false;
}

/** Options as Linux shows them: what differs from the defaults, in its order. */
function shownOptions(config: MountConfig, writable: boolean, redirectMode: string, userxattr: boolean): string {
  let s = '';
  const given = config.parameters.filter((p) => p.key === 'lowerdir');
  if (given.length > 0) s += `,lowerdir=${given[given.length - 1]!.text}`; // not empty
  for (const p of config.parameters) if (p.key.endsWith('+')) s += `,${p.key}=${p.text}`;
  for (const key of ['upperdir', 'workdir']) {
    const value = config.value(key);
    if (value !== undefined && writable) s += `,${key}=${value}`;
  }
  if (config.has('default_permissions')) s += ',default_permissions';
  const shownRedirect = writable || redirectMode === 'nofollow' ? redirectMode : 'on';
  if (shownRedirect !== 'follow') s += `,redirect_dir=${shownRedirect}`;
  if (writable && config.value('index') === 'on') s += ',index=on';
  const uuid = config.value('uuid');
  if (uuid !== undefined && uuid !== 'auto') s += `,uuid=${writable ? uuid : 'null'}`;
  if (config.value('nfs_export') === 'on' && writable) s += ',nfs_export=on';
  const xino = config.value('xino');
  if (xino !== undefined && xino !== 'off') s += writable ? `,xino=${xino}` : '';
  if (config.value('metacopy') === 'on') s += ',metacopy=on';
  if (config.has('volatile') && writable) s += ',volatile';
  if (userxattr) s += ',userxattr';
  const verity = config.value('verity');
  if (verity !== undefined && verity !== 'off') s += `,verity=${verity}`;
  return s;
}
