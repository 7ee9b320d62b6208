/** What a file system is being mounted with, parameter by parameter: Linux struct fs_context, fs/fs_context.c, fs/fs_parser.c. */
import { EINVAL, type Errno } from '../abi/errno.ts';
import { MS_DIRSYNC, MS_LAZYTIME, MS_MANDLOCK, MS_RDONLY, MS_SYNCHRONOUS } from '../abi/mount.ts';
import type { UserNamespace } from '../auth/user-namespace.ts';
import type { VfsContext } from './context.ts';
import type { FileDescription } from './file-description.ts';
import type { FileSystemType } from './file-system.ts';
import type { SuperBlock } from './super-block.ts';

/** One parameter as it was given: by mount(2)'s text or by fsconfig(2). */
export interface MountParameter {
  readonly key: string;
  readonly kind: 'flag' | 'string' | 'binary' | 'path' | 'file';
  /** A string's value; the name of a path, which no file system takes. */
  readonly text: string;
  readonly file: FileDescription | null;
}

export function flagParameter(key: string): MountParameter {
  return { key, kind: 'flag', text: '', file: null };
}
export function stringParameter(key: string, text: string): MountParameter {
  return { key, kind: 'string', text, file: null };
}

/** What a parameter takes. An array: one of these words. `flag` without a value, `text` with one that may be empty. */
export type ParameterKind = 'flag' | 'string' | 'text' | 'u32' | 'octal' | 'uid' | 'gid' | 'file' | readonly string[];
/** By name. A name may stand for two kinds: with and without a value. */
export type ParameterTable = Readonly<Record<string, ParameterKind | readonly [ParameterKind, 'flag']>>;

/** Messages for who reads the descriptor of fsopen(2): the last eight. */
export class MountLog {
  private readonly messages: string[] = [];
  add(message: string): void {
    if (this.messages.length === 8) this.messages.shift();
    this.messages.push(message);
  }
  /** The oldest message. */
  first(): string | undefined {
    return this.messages[0];
  }
  take(): void {
    this.messages.shift();
  }
}

/** Where a configuration is (enum fs_context_phase). */
export type MountPhase = 'create' | 'creating' | 'awaiting mount' | 'awaiting reconfigure' | 'reconfigure' | 'reconfiguring' | 'failed';

/** The parameter is not one of the file system's (Linux ENOPARAM; stays inside). */
export const NO_PARAMETER = 519;

const SET_FLAGS: Readonly<Record<string, number>> = { dirsync: MS_DIRSYNC, lazytime: MS_LAZYTIME, mand: MS_MANDLOCK, ro: MS_RDONLY, sync: MS_SYNCHRONOUS };
const CLEAR_FLAGS: Readonly<Record<string, number>> = { async: MS_SYNCHRONOUS, nolazytime: MS_LAZYTIME, nomand: MS_MANDLOCK, rw: MS_RDONLY };

export class MountConfig {
  readonly type: FileSystemType;
  phase: MountPhase;
  /** MS_ flags of the instance, and which of them were named. */
  superFlags = 0;
  superMask = 0;
  source: string | null = null;
  parameters: MountParameter[] = [];
  readonly log: MountLog | null;
  /** Who must hold CAP_SYS_ADMIN, and owns the instance. */
  userNs: UserNamespace;
  /** The instance made, or to be changed. */
  sb: SuperBlock | null = null;
  /** An instance that is there already will not do (FSCONFIG_CMD_CREATE_EXCL). */
  exclusive = false;
  /** It comes from mount(2). */
  readonly oldCall: boolean;
  /** Ids of parameters are those of who gives them. */
  private readonly userNsOfIds: UserNamespace;

  constructor(ctx: VfsContext, type: FileSystemType, sb: SuperBlock | null, log: MountLog | null, oldCall: boolean) {
    this.type = type;
    this.sb = sb;
    this.log = log;
    this.oldCall = oldCall;
    this.userNsOfIds = ctx.credentials.userNs;
    this.phase = sb === null ? 'create' : 'reconfigure';
    this.userNs = sb === null ? (type.owner?.(ctx) ?? ctx.credentials.userNs) : (sb.userNs ?? ctx.credentials.userNs);
  }

  /** Tells the reader why, and is the errno: EINVAL unless another is given. */
  refuse(text: string, errno: Errno = EINVAL): Errno {
    this.log?.add(`e ${this.type.name}: ${text}\n`);
    return errno;
  }
  /** The same for a message of the VFS itself. */
  refuseBare(text: string, errno: Errno = EINVAL): Errno {
    this.log?.add(`e ${text}\n`);
    return errno;
  }
  warn(text: string): void {
    this.log?.add(`w ${this.type.name}: ${text}\n`);
  }
  badValue(key: string): Errno {
    return this.refuse(`Bad value for '${key}'`);
  }

  /** As fspick(2) would start it: nothing said yet. */
  reset(): void {
    this.parameters = [];
    this.source = null;
    this.superFlags = this.superMask = 0;
    this.phase = 'awaiting reconfigure';
  }

  /** Takes one parameter: 0 or errno. Linux vfs_parse_fs_param(). */
  parse(ctx: VfsContext, p: MountParameter): number {
    const set = Object.hasOwn(SET_FLAGS, p.key) ? SET_FLAGS[p.key]! : 0; // hasOwn
    const clear = Object.hasOwn(CLEAR_FLAGS, p.key) ? CLEAR_FLAGS[p.key]! : 0; // hasOwn
    if (set !== 0 || clear !== 0) {
      this.superFlags = (this.superFlags & ~clear) | set;
      this.superMask |= set | clear;
      return 0;
    }
    const r = this.parseOwn(ctx, p);
    if (r !== NO_PARAMETER) return r;
    if (p.key === 'source') {
      if (p.kind !== 'string') return this.refuseBare('Non-string source');
      if (this.source !== null) return this.refuseBare('Multiple sources');
      this.source = p.text;
      return 0;
    }
    return this.refuseBare(`${this.type.name}: Unknown parameter '${p.key}'`);
  }

  private parseOwn(ctx: VfsContext, p: MountParameter): number {
    const { type } = this;
    if (type.fixedParameters && this.phase === 'reconfigure') return this.oldCall ? 0 : this.refuse('No changes allowed in reconfigure');
    if (type.parameters === undefined) {
      if (p.key === 'source') return NO_PARAMETER;
      if (p.kind !== 'flag' && p.kind !== 'string') return EINVAL;
      this.parameters.push(p);
      return 0;
    }
    if (!Object.hasOwn(type.parameters, p.key)) return type.ignoresUnknown && p.key !== 'source' ? 0 : NO_PARAMETER;
    const r = this.checkKind(type.parameters[p.key]!, p); // hasOwn
    if (r !== 0) return r;
    const checked = type.checkParameter?.(ctx, this, p) ?? 0;
    if (checked === 0) this.parameters.push(p);
    return checked;
  }

  private checkKind(kinds: ParameterKind | readonly [ParameterKind, 'flag'], p: MountParameter): number {
    const pair = Array.isArray(kinds) && kinds.length === 2 && kinds[1] === 'flag';
    let kind = (pair ? kinds[0] : kinds) as ParameterKind;
    if (pair && p.kind === 'flag') kind = 'flag';
    if (kind === 'flag') return p.kind === 'flag' ? 0 : this.refuse(`Unexpected value for '${p.key}'`);
    const { text } = p;
    if (kind === 'file') return p.kind === 'file' || p.kind === 'string' ? 0 : this.badValue(p.key);
    if (p.kind !== 'string') return this.badValue(p.key);
    let good: boolean;
    switch (kind) {
      case 'text':
        good = true;
        break;
      case 'string':
        good = text !== '';
        break;
      case 'u32':
      case 'uid':
      case 'gid':
        good = /^(0x[0-9a-f]+|\d+)$/i.test(text) && Number(text) <= 0xffffffff;
        // Linux says so twice when it is no number.
        if (!good && kind !== 'u32') this.badValue(p.key);
        if (good && kind === 'uid' && (this.userNsOfIds.makeKuid(Number(text)) as number) === -1) return this.refuse(`Invalid uid '${text}'`);
        if (good && kind === 'gid' && (this.userNsOfIds.makeKgid(Number(text)) as number) === -1) return this.refuse(`Invalid gid '${text}'`);
        break;
      case 'octal':
        good = /^[0-7]+$/.test(text) && parseInt(text, 8) <= 0xffffffff;
        break;
      default:
        good = kind.includes(text);
    }
    return good ? 0 : this.badValue(p.key);
  }

  /** The text of mount(2): options between commas. 0 or errno. Linux generic_parse_monolithic(). */
  parseText(ctx: VfsContext, options: string): number {
    for (const item of (this.type.splitText ?? splitOptions)(options)) {
      const eq = item.indexOf('=');
      if (item === '' || eq === 0) continue;
      const r = this.parse(ctx, eq < 0 ? flagParameter(item) : stringParameter(item.slice(0, eq), item.slice(eq + 1)));
      if (r < 0) return r;
    }
    return 0;
  }

  /** The last value given for `key`; undefined if it was not. */
  value(key: string): string | undefined {
    return this.parameters.findLast((p) => p.key === key)?.text;
  }
  has(key: string): boolean {
    return this.parameters.some((p) => p.key === key);
  }

  /** The parameters but `without` as a text of options, for file systems that take one. */
  optionText(without?: string): string {
    return this.parameters.filter((p) => p.key !== without).map((p) => (p.kind === 'flag' ? p.key : `${p.key}=${p.text}`)).join(',');
  }
}

export function splitOptions(options: string): string[] {
  return options.split(',');
}
