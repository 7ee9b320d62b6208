/** What an overlay's parameters come to: defaults, what one implies for another, what excludes each other. Linux fs/overlayfs/params.c. */
import { EINVAL, EPERM, type Errno } from '../../abi/errno.ts';
import type { MountConfig } from '../../vfs/mount-config.ts';

export interface OverlaySettings {
  redirect: string;
  index: boolean;
  nfsExport: boolean;
  metacopy: boolean;
  readonly verity: string;
  /** 'volatile': the upper layer may be left half written, and is not taken again. */
  readonly fsync: string;
  readonly userxattr: boolean;
  readonly uuid: string;
  /** Attributes of the overlay's own can be written to the upper layer. */
  readonly keepsXattrs: boolean;
}

/** The settings of `config`; EINVAL (two exclude each other), EPERM. Linux ovl_fs_params_verify(). */
export function settle(config: MountConfig, dataLayers: number, privileged: boolean): OverlaySettings | Errno {
  const writable = config.has('upperdir');
  const userxattr = config.has('userxattr');
  const fsync = config.parameters.findLast((p) => p.key === 'fsync' || p.key === 'volatile');
  const given = config.value('redirect_dir');
  const s: OverlaySettings = {
    // "off" still follows what is there (redirect_always_follow).
    redirect: given === undefined || given === 'off' ? 'follow' : given,
    index: writable && config.value('index') === 'on',
    nfsExport: config.value('nfs_export') === 'on',
    metacopy: config.value('metacopy') === 'on',
    verity: config.value('verity') ?? 'off',
    fsync: fsync === undefined || !writable ? 'auto' : fsync.key === 'volatile' ? 'volatile' : fsync.text,
    userxattr,
    uuid: config.value('uuid') ?? 'auto',
    keepsXattrs: privileged || userxattr,
  };
  if (!writable && s.redirect === 'follow') s.redirect = 'on';
  if (s.metacopy && s.redirect !== 'on') {
    if (given !== undefined) return EINVAL;
    s.redirect = 'on';
  }
  if (s.nfsExport && !s.index) {
    if (!writable && s.redirect !== 'nofollow') s.nfsExport = false;
    else if (config.has('index')) return EINVAL;
    else s.index = true;
  }
  if (s.nfsExport && s.metacopy) return EINVAL;
  const redirects = given !== undefined && s.redirect !== 'nofollow';
  if (userxattr) {
    if (redirects || s.metacopy || s.verity !== 'off') return EINVAL;
    s.redirect = 'nofollow';
  } else if (!privileged && (redirects || s.metacopy || s.verity !== 'off' || dataLayers > 0)) return EPERM;
  return s;
}

/** Without attributes in the upper layer some things cannot be; they are silently left out. Linux ovl_make_workdir(). */
export function leaveOutXattrs(s: OverlaySettings): void {
  s.redirect = 'nofollow';
  s.index = s.nfsExport = s.metacopy = false;
}

/** Options as Linux shows them: what differs from the defaults, in its order. */
export function shownOptions(config: MountConfig, s: OverlaySettings): string {
  const writable = config.has('upperdir');
  let text = '';
  const layers = config.value('lowerdir');
  if (layers !== undefined) text += `,lowerdir=${layers}`;
  for (const p of config.parameters) if (p.key.endsWith('+')) text += `,${p.key}=${p.text}`;
  if (writable) text += `,upperdir=${config.value('upperdir')},workdir=${config.value('workdir')}`;
  if (config.has('default_permissions')) text += ',default_permissions';
  if (s.redirect !== 'follow') text += `,redirect_dir=${s.redirect}`;
  if (s.index) text += ',index=on';
  if (writable && (s.uuid === 'auto' || s.uuid === 'on')) text += `,uuid=${s.keepsXattrs ? 'on' : 'null'}`;
  else if (s.uuid !== 'auto') text += `,uuid=${writable ? s.uuid : 'null'}`;
  if (s.nfsExport) text += ',nfs_export=on';
  if (s.metacopy) text += ',metacopy=on';
  if (s.fsync !== 'auto') text += `,fsync=${s.fsync}`;
  if (s.userxattr) text += ',userxattr';
  if (s.verity !== 'off') text += `,verity=${s.verity}`;
  return text;
}
