/** mount -t overlay: the parameters and the layers that they name. Linux fs/overlayfs/params.c, super.c. */
import { CAP_SYS_ADMIN } from '../../abi/capability.ts';
import { EINVAL, ELOOP, ENOTDIR, EPERM, EROFS, type Errno, isErr } from '../../abi/errno.ts';
import { MS_RDONLY } from '../../abi/mount.ts';
import { S_IFDIR } from '../../abi/stat.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { FileSystemType } from '../../vfs/file-system.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { MountConfig, MountParameter, ParameterTable } from '../../vfs/mount-config.ts';
import type { Path } from '../../vfs/mount.ts';
import { LOOKUP_DIRECTORY, LOOKUP_FOLLOW, lookupChild, walkPath } from '../../vfs/path-walk.ts';
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
    lowerdir: 'text', 'lowerdir+': 'file', 'datadir+': 'file', upperdir: 'file', workdir: 'file', default_permissions: 'flag', redirect_dir: ['off', 'follow', 'nofollow', 'on'],
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
          const at = this.directory(ctx, name);
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
    return this.directory(ctx, p.kind === 'string' ? unescapePath(p.text) : p.text);
  }
  private directory(ctx: VfsContext, name: string): Path | Errno {
    return walkPath(ctx, null, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY);
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
        const at = this.directory(ctx, name);
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
    const privileged = ctx.credentials.capableInInit(CAP_SYS_ADMIN);
    const redirectMode = verify(config, privileged);
    if (isErr(redirectMode)) return redirectMode;
    if (work !== null) {
      const r = makeWorkDirectory(ctx, work);
      if (r < 0) return r as Errno;
    }
    const sb = new OverlayFs(this.vfs, {
      upper: upper?.dentry.inode ?? null,
      lowers: paths.map((p) => p.dentry.inode as Inode), // walked to
      redirect: redirectMode === 'on' && upper !== null,
      transparent: false,
      userXattrs: config.has('userxattr'),
      shownOptions: shownOptions(config, upper !== null, redirectMode, privileged),
    });
    sb.source = source;
    sb.flags |= flags;
    return sb;
  }
}

/** Options that do not go together, and those that need privileges; how redirects are followed. Linux ovl_fs_params_verify(). */
function verify(config: MountConfig, privileged: boolean): string | Errno {
  const userxattr = config.has('userxattr');
  const redirect = config.value('redirect_dir');
  const wantsMetacopy = config.value('metacopy') === 'on';
  if (config.value('nfs_export') === 'on' && (wantsMetacopy || config.value('index') === 'off') && config.has('upperdir')) return EINVAL;
  if (userxattr) {
    if ((redirect !== undefined && redirect !== 'nofollow') || wantsMetacopy) return EINVAL;
    return 'nofollow';
  }
  if (!privileged) {
    if ((redirect !== undefined && redirect !== 'nofollow') || wantsMetacopy) return EPERM;
    return 'nofollow';
  }
  // "off" still follows what is there (redirect_always_follow).
  return redirect === undefined || redirect === 'off' ? 'follow' : redirect;
}

/** What is being made stands in "work" under workdir, which nobody may enter. */
function makeWorkDirectory(ctx: VfsContext, work: Path): number {
  const child = lookupChild(ctx, work.dentry, 'work');
  if (isErr(child)) return child;
  if (child.inode !== null) return 0;
  const made = work.dentry.inode!.mkdir(ctx, 'work', S_IFDIR); // walked to
  if (isErr(made)) return made;
  child.inode = made;
  return 0;
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
function shownOptions(config: MountConfig, writable: boolean, redirectMode: string, privileged: boolean): string {
  const userxattr = config.has('userxattr');
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
  // The upper layer keeps it in an extended attribute, which takes privileges unless it is a user's.
  if (writable && (uuid === undefined || uuid === 'auto' || uuid === 'on')) s += `,uuid=${privileged || userxattr ? 'on' : 'null'}`;
  else if (uuid !== undefined && uuid !== 'auto') s += `,uuid=${writable ? uuid : 'null'}`;
  if (config.value('nfs_export') === 'on' && writable) s += ',nfs_export=on';
  if (config.value('metacopy') === 'on') s += ',metacopy=on';
  if (config.has('volatile') && writable) s += ',volatile';
  if (userxattr) s += ',userxattr';
  const verity = config.value('verity');
  if (verity !== undefined && verity !== 'off') s += `,verity=${verity}`;
  return s;
}
