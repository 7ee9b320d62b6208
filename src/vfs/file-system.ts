/** File system types by name, as mount(2) and /proc/filesystems know them. */
import type { Errno } from '../abi/errno.ts';
import type { UserNamespace } from '../auth/user-namespace.ts';
import type { VfsContext } from './context.ts';
import type { MountConfig, MountParameter, ParameterTable } from './mount-config.ts';
import type { SuperBlock } from './super-block.ts';

export interface FileSystemType {
  readonly name: string;
  /** True if it needs a block device: the missing "nodev" in /proc/filesystems. */
  readonly requiresDevice: boolean;
  /** May be mounted inside a user namespace (FS_USERNS_MOUNT). */
  readonly userNamespaceMount: boolean;
  /** Mounts of it may show other owners (FS_ALLOW_IDMAP). */
  readonly idmappedMounts?: boolean;
  /** The parameters there are, checked as they are given; not there: any, and mount() looks at them. */
  readonly parameters?: ParameterTable;
  /** Parameters that are not in the table are taken and do nothing. */
  readonly ignoresUnknown?: boolean;
  /** No parameter can change later: mount(2) ignores them, fsconfig(2) is EINVAL. */
  readonly fixedParameters?: boolean;
  /** Further checks of a parameter that is of the right kind: 0 or errno (MountConfig.refuse tells why). */
  checkParameter?(ctx: VfsContext, config: MountConfig, parameter: MountParameter): number;
  /** Takes the text of mount(2) apart where it is not simply done at commas. */
  splitText?(options: string): string[];
  /** Who must hold CAP_SYS_ADMIN and owns the instance, if not the caller's user namespace: that of the caller's PID, IPC … namespace. */
  owner?(ctx: VfsContext): UserNamespace;
  /**
   * Makes (or finds) an instance. `options` are the parameters as a text; `flags` the MS_ flags of the super block; `config` (null while the first
   * tree is built) has the parameters one by one and takes messages.
   */
  mount(ctx: VfsContext, source: string, flags: number, options: string, config: MountConfig | null): SuperBlock | Errno;
}

export class FileSystemRegistry {
  private readonly types = new Map<string, FileSystemType>();

  register(type: FileSystemType): void {
    this.types.set(type.name, type);
  }
  get(name: string): FileSystemType | undefined {
    return this.types.get(name);
  }
  all(): IterableIterator<FileSystemType> {
    return this.types.values();
  }
}

/** One option of a mount data string. */
export interface MountOption {
  readonly key: string;
  /** undefined for an option without "=". */
  readonly value: string | undefined;
}

/** Splits "size=1m,mode=755,ro" at commas; a backslash keeps the next character, as overlay's lowerdir wants. */
export function parseMountOptions(options: string): MountOption[] {
  const out: MountOption[] = [];
  let item = '';
  const flush = (): void => {
    if (item === '') return;
    const eq = item.indexOf('=');
    out.push(eq < 0 ? { key: item, value: undefined } : { key: item.slice(0, eq), value: item.slice(eq + 1) });
    item = '';
  };
  for (let i = 0; i < options.length; i++) {
    const c = options.charAt(i);
    if (c === '\\' && i + 1 < options.length) item += c + options.charAt(++i);
    else if (c === ',') flush();
    else item += c;
  }
  flush();
  return out;
}
