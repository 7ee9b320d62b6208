/** Names for guest code, for profiles and reports: the function and the file that an address belongs to. */
import { readSymbols, type SymbolTable } from '../loader/elf-symbols.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import type { VfsContext } from '../vfs/context.ts';
import { FileDescription } from '../vfs/file-description.ts';
import type { Inode } from '../vfs/inode.ts';

export class GuestSymbols {
  private readonly ctx: VfsContext;
  private readonly tables: Map<Inode, SymbolTable | null> = new Map();

  /** `ctx`: who reads the files. */
  constructor(ctx: VfsContext) {
    this.ctx = ctx;
  }

  /** `function [file]`; `0xoffset [file]` where the file has no name for it; `[anonymous]` and its like for code that was generated. */
  name(space: AddressSpace, address: number): string {
    const vma = space.vmas.find(address);
    if (vma === null || address < vma.start) return '[unmapped]';
    const { file } = vma;
    if (!(file instanceof FileDescription)) return vma.name ?? '[anonymous]';
    const path = file.mapsPath();
    const offset = vma.pageOffset * 4096 + address - vma.start;
    return `${this.table(file)?.at(offset) ?? `0x${offset.toString(16)}`} [${path.slice(path.lastIndexOf('/') + 1)}]`;
  }

  private table(file: FileDescription): SymbolTable | null {
    let table = this.tables.get(file.inode);
    if (table === undefined) {
      table = readSymbols(this.ctx, file);
      this.tables.set(file.inode, table);
    }
    return table;
  }
}
