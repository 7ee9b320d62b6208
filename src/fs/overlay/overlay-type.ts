/** mount -t overlay: the parameters and the layers that they name. Linux fs/overlayfs/params.c, super.c. */
import { CAP_SYS_ADMIN } from '../../abi/capability.ts';
import { EBUSY, EINVAL, ELOOP, EROFS, type Errno, isErr } from '../../abi/errno.ts';
import { MS_RDONLY } from '../../abi/mount.ts';
import { S_IFDIR, S_IFREG } from '../../abi/stat.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { Dentry } from '../../vfs/dentry.ts';
import type { FileSystemType } from '../../vfs/file-system.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { MountConfig, MountParameter, ParameterTable } from '../../vfs/mount-config.ts';
import type { Path } from '../../vfs/mount.ts';
import { LOOKUP_FOLLOW, lookupChild, walkPath } from '../../vfs/path-walk.ts';
import type { SuperBlock } from '../../vfs/super-block.ts';
import type { Vfs } from '../../vfs/vfs.ts';
import { OverlayFs } from './overlay-fs.ts';
import { leaveOutXattrs, type OverlaySettings, settle, shownOptions } from './overlay-settings.ts';

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
  readonly fixedParameters = true;
  readonly parameters: ParameterTable = {
    lowerdir: 'text', 'lowerdir+': 'file', 'datadir+': 'file', upperdir: 'file', workdir: 'file', default_permissions: 'flag', redirect_dir: ['off', 'follow', 'nofollow', 'on'],
    index: ON_OFF, uuid: ['off', 'null', 'auto', 'on'], nfs_export: ON_OFF, userxattr: 'flag', xino: ['on', 'off', 'auto'], metacopy: ON_OFF,
    verity: ['off', 'on', 'require'], volatile: 'flag', fsync: ['volatile', 'auto', 'strict'], override_creds: 'flag', nooverride_creds: 'flag',
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
        if (config.parameters.some((given) => given.key.endsWith('+'))) return EINVAL;
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
    if (p.file !== null) return p.file.inode.isDirectory ? p.file.path : EINVAL;
    return this.directory(ctx, p.kind === 'string' ? unescapePath(p.text) : p.text);
  }
  private directory(ctx: VfsContext, name: string): Path | Errno {
    const at = walkPath(ctx, null, name, LOOKUP_FOLLOW);
    return isErr(at) || at.dentry.inode?.isDirectory ? at : EINVAL;
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

  /** The upper layer and where it is worked on: on one mount, and none in the other. EINVAL, EROFS. */
  private writableLayers(ctx: VfsContext, config: MountConfig): readonly [Path, Path] | Errno {
    const [upperdir, workdir] = ['upperdir', 'workdir'].map((key) => config.parameters.findLast((p) => p.key === key));
    if (upperdir === undefined || workdir === undefined) return EINVAL;
    const u = this.layerOf(ctx, upperdir);
    if (isErr(u)) return u;
    const w = this.layerOf(ctx, workdir);
    if (isErr(w)) return w;
    if (u.mount.readOnly) return EINVAL;
    if (u.mount !== w.mount || u.dentry.isAncestorOf(w.dentry) || w.dentry.isAncestorOf(u.dentry)) return EINVAL;
    return u.dentry.sb.flags & MS_RDONLY ? EROFS : [u, w];
  }

  mount(ctx: VfsContext, source: string, flags: number, _options: string, config: MountConfig | null): SuperBlock | Errno {
    if (config === null) return EINVAL;
    const found = this.lowerLayers(ctx, config);
    if (isErr(found)) return found;
    const { paths, data } = found;
    const privileged = ctx.credentials.capableInInit(CAP_SYS_ADMIN);
    const settings = settle(config, data, privileged);
    if (isErr(settings)) return settings;
    if (paths.length === 0 || data === paths.length) return EINVAL;
    const layers = config.has('upperdir') ? this.writableLayers(ctx, config) : null;
    if (isErr(layers)) return layers;
    if (layers === null && paths.length < 2) return EINVAL;
    const taken = layers === null ? [] : layers.map((l) => l.dentry.inode as Inode); // walked to
    if (settings.index && taken.some((inode) => OverlayFs.inUse.has(inode))) return EBUSY;
    if (overlaps(layers ?? [], paths)) return ELOOP;
    if (layers !== null) {
      const [upper, work] = layers;
      // Its names now also change through the overlay, which knows nothing of its dentries.
      const { sb } = upper.dentry;
      sb.stable = sb.cachesNegative = false;
      if (!settings.keepsXattrs) leaveOutXattrs(settings);
      const r = makeWorkDirectory(ctx, work, settings);
      if (r < 0) return r as Errno;
    }
    const sb = new OverlayFs(this.vfs, {
      upper: taken[0] ?? null,
      lowers: paths.map((p) => p.dentry.inode as Inode), // walked to
      redirect: settings.redirect === 'on' && layers !== null,
      transparent: false,
      userXattrs: settings.userxattr,
      shownOptions: shownOptions(config, settings),
    });
    sb.take(taken);
    sb.source = source;
    sb.flags |= flags;
    return sb;
  }
}

/** The directory `name` in `at`, made if it is not there, with `mode`. */
function subdirectory(ctx: VfsContext, at: Dentry, name: string, mode: number): Dentry | Errno {
  const child = lookupChild(ctx, at, name);
  if (isErr(child) || child.inode !== null) return child;
  const made = at.inode!.mkdir(ctx, name, S_IFDIR | mode); // a directory
  if (isErr(made)) return made;
  child.inode = made;
  return child;
}

/**
 * What is being made stands in "work" under workdir, which nobody may enter; "index" beside it. A volatile overlay leaves a mark, with which no other takes
 * the directory: EINVAL. Linux ovl_make_workdir().
 */
function makeWorkDirectory(ctx: VfsContext, base: Path, s: OverlaySettings): number {
  const work = subdirectory(ctx, base.dentry, 'work', 0);
  if (isErr(work)) return work;
  const incompat = lookupChild(ctx, work, 'incompat');
  if (isErr(incompat)) return incompat;
  if (incompat.inode !== null) return EINVAL;
  if (s.index) {
    const index = subdirectory(ctx, base.dentry, 'index', 0);
    if (isErr(index)) return index;
  }
  if (s.fsync !== 'volatile') return 0;
  let at: Dentry | Errno = work;
  for (const name of ['incompat', 'volatile']) {
    at = subdirectory(ctx, at, name, 0);
    if (isErr(at)) return at;
  }
  const dirty = lookupChild(ctx, at, 'dirty');
  if (isErr(dirty)) return dirty;
  const made = at.inode!.create(ctx, 'dirty', S_IFREG); // a directory
  if (isErr(made)) return made;
  dirty.inode = made;
  return 0;
}

/** True if a layer is there twice, or a lower one stands in another. Linux ovl_setup_trap(), ovl_check_layer(). */
function overlaps(upper: readonly (Path | null)[], lowers: readonly Path[]): boolean {
  const layers = [...upper, ...lowers].filter((l) => l !== null).map((l) => l.dentry);
  const roots = new Set(layers);
  if (roots.size < layers.length) return true;
  for (const { dentry } of lowers) for (let d = dentry; !d.isRoot; d = d.parent) if (roots.has(d.parent)) return true;
  return false;
}
