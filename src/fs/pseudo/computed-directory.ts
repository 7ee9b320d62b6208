/** A directory whose entries are made anew for whoever looks: names that depend on the caller's namespace, or on devices that come and go. */
import { EACCES, ENOENT, type Errno } from '../../abi/errno.ts';
import { DT_DIR, DT_LNK, DT_REG, S_IFDIR } from '../../abi/stat.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { Inode } from '../../vfs/inode.ts';
import { dynamic } from './entries.ts';
import type { DynamicEntry, Entries, Entry } from './entries.ts';
import { ListedDirectory, type ListedName, makeInode, permanent, type PseudoSuperBlock, type SubjectPolicy } from './pseudo-inode.ts';

/** Inode numbers stay with the names, although inodes are made anew. */
const numbers: WeakMap<object, Map<string, number>> = new WeakMap();

export class ComputedDirectory<S> extends ListedDirectory<S> {
  private readonly key: string;
  private readonly compute: (ctx: VfsContext, sb: PseudoSuperBlock) => Entries<S>;
  private readonly policyFor: ((ctx: VfsContext) => SubjectPolicy<S>) | null;
  /** `key` tells the directory from others of its file system. */
  constructor(sb: PseudoSuperBlock, ino: number, key: string, subject: S, compute: (ctx: VfsContext, sb: PseudoSuperBlock) => Entries<S>, policyFor: ((ctx: VfsContext) => SubjectPolicy<S>) | null = null) {
    super(sb, ino, S_IFDIR | 0o555, subject, permanent as SubjectPolicy<S>);
    this.key = key;
    this.compute = compute;
    this.policyFor = policyFor;
  }
  private number(name: string): number {
    const sb = this.sb as PseudoSuperBlock;
    let m = numbers.get(sb);
    if (m === undefined) numbers.set(sb, (m = new Map()));
    const key = `${this.key}/${name}`;
    let n = m.get(key);
    if (n === undefined) m.set(key, (n = sb.allocateInos(1)));
    return n;
  }
  override lookup(ctx: VfsContext, name: string): Inode | Errno {
    const entries = this.compute(ctx, this.sb as PseudoSuperBlock);
    if (!Object.hasOwn(entries, name)) return ENOENT;
    return makeInode(this.sb as PseudoSuperBlock, this.number(name), entries[name] as Entry<S>, this.subject, this.policyFor === null ? this.policy : this.policyFor(ctx)); // hasOwn
  }
  override revalidateEntry(): boolean {
    return false;
  }
  override create(): Errno {
    return EACCES;
  }
  override list(ctx: VfsContext, cookie: number): readonly ListedName[] {
    const entries = this.compute(ctx, this.sb as PseudoSuperBlock);
    const out: ListedName[] = [];
    const names = Object.keys(entries);
    for (let i = Math.max(0, cookie - 2); i < names.length; i++) {
      const name = names[i]!; // in range
      const { kind } = entries[name]!; // of its keys
      out.push({ name, ino: this.number(name), dtype: kind === 'directory' || kind === 'dynamic' ? DT_DIR : kind === 'link' ? DT_LNK : DT_REG, cookie: i + 2 });
    }
    return out;
  }
}

/** An entry for such a directory. `policyFor`: whose its entries are; root's if not said. */
export function computed<S>(key: string, compute: (ctx: VfsContext, sb: PseudoSuperBlock) => Entries<S>, policyFor: ((ctx: VfsContext) => SubjectPolicy<S>) | null = null): DynamicEntry<S> {
  return dynamic((sb, ino, subject) => new ComputedDirectory(sb as PseudoSuperBlock, ino, key, subject, compute, policyFor));
}
