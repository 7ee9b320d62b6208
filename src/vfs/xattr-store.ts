/** Extended attributes kept in memory with their inode: Linux fs/xattr.c simple_xattrs. */
import { EEXIST, ENODATA, type Errno } from '../abi/errno.ts';
import { XATTR_CREATE, XATTR_REPLACE } from '../abi/fcntl.ts';

export class XattrStore {
  private readonly values = new Map<string, Uint8Array>();

  get(name: string): Uint8Array | Errno {
    return this.values.get(name) ?? ENODATA;
  }
  /** 0, EEXIST with XATTR_CREATE, ENODATA with XATTR_REPLACE. */
  set(name: string, value: Uint8Array, flags: number): number {
    const there = this.values.has(name);
    if (there && flags & XATTR_CREATE) return EEXIST;
    if (!there && flags & XATTR_REPLACE) return ENODATA;
    this.values.set(name, value.slice());
    return 0;
  }
  remove(name: string): number {
    return this.values.delete(name) ? 0 : ENODATA;
  }
  names(): string[] {
    return [...this.values.keys()];
  }
}
