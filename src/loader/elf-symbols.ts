/** Symbol tables of ELF files, for those who look at a program from outside: .symtab where there is one, else .dynsym. Nothing in the file is believed. */
import { isErr } from '../abi/errno.ts';
import { EHDR_SIZE, PT_LOAD } from '../abi/elf.ts';
import type { VfsContext } from '../vfs/context.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import { parseElfHeader, type ProgramHeader, readExactly, readProgramHeaders } from './elf-file.ts';

const SHDR_SIZE = 64;
const SYM_SIZE = 24;
const SHT_SYMTAB = 2;
const SHT_DYNSYM = 11;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;
/** No symbol table or string table larger than this is read, in bytes. */
const TABLE_MAX = 256 << 20;

/** The functions of one file, by the address that the file gives them. */
export class SymbolTable {
  private readonly segments: readonly ProgramHeader[];
  private readonly starts: Float64Array;
  private readonly sizes: Float64Array;
  private readonly names: readonly string[];

  constructor(segments: readonly ProgramHeader[], functions: { start: number; size: number; name: string }[]) {
    functions.sort((a, b) => a.start - b.start);
    this.segments = segments;
    this.starts = Float64Array.from(functions, (f) => f.start);
    this.sizes = Float64Array.from(functions, (f) => f.size);
    this.names = functions.map((f) => f.name);
  }

  /**
   * The function that holds the byte at file offset `offset`, null if there is none: the local functions of a stripped file have no names.
   * A symbol without a size (from assembly) reaches to the next one.
   */
  at(offset: number): string | null {
    const segment = this.segments.find((p) => offset >= p.offset && offset < p.offset + p.filesz);
    if (segment === undefined) return null;
    const address = segment.vaddr + offset - segment.offset;
    let low = 0;
    let high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.starts[middle]! <= address) low = middle + 1; // middle < high
      else high = middle;
    }
    const last = low - 1;
    if (last < 0 || (this.sizes[last]! > 0 && address >= this.starts[last]! + this.sizes[last]!)) return null; // in range
    return this.names[last]!;
  }
}

/** Reads the functions of `file`; null if it is not an ELF file or has no symbols. */
export function readSymbols(ctx: VfsContext, file: FileDescription): SymbolTable | null {
  const head = readExactly(ctx, file, 0, EHDR_SIZE);
  if (isErr(head)) return null;
  const header = parseElfHeader(head);
  if (header === null) return null;
  const programs = readProgramHeaders(ctx, file, header);
  const v = new DataView(head.buffer);
  const count = v.getUint16(60, true);
  const sections = readExactly(ctx, file, u64(v, 40), count * SHDR_SIZE);
  if (programs === null || isErr(sections)) return null;
  const s = new DataView(sections.buffer);
  for (const wanted of [SHT_SYMTAB, SHT_DYNSYM])
    for (let at = 0; at < sections.length; at += SHDR_SIZE) {
      if (s.getUint32(at + 4, true) !== wanted) continue;
      const link = s.getUint32(at + 40, true);
      if (link >= count) return null;
      const symbols = readSection(ctx, file, s, at);
      const strings = readSection(ctx, file, s, link * SHDR_SIZE);
      if (symbols === null || strings === null) return null;
      return new SymbolTable(programs.filter((p) => p.type === PT_LOAD), functionsOf(symbols, strings));
    }
  return null;
}

function readSection(ctx: VfsContext, file: FileDescription, sections: DataView, at: number): Uint8Array | null {
  const size = u64(sections, at + 32);
  if (size > TABLE_MAX) return null;
  const bytes = readExactly(ctx, file, u64(sections, at + 24), size);
  return isErr(bytes) ? null : bytes;
}

function functionsOf(symbols: Uint8Array, strings: Uint8Array): { start: number; size: number; name: string }[] {
  const v = new DataView(symbols.buffer);
  const list: { start: number; size: number; name: string }[] = [];
  for (let at = 0; at + SYM_SIZE <= symbols.length; at += SYM_SIZE) {
    const type = symbols[at + 4]! & 15; // in range
    const defined = v.getUint16(at + 6, true) !== 0;
    const from = v.getUint32(at, true);
    if ((type !== STT_FUNC && type !== STT_GNU_IFUNC) || !defined || from >= strings.length) continue;
    const end = strings.indexOf(0, from);
    list.push({ start: u64(v, at + 8), size: u64(v, at + 16), name: String.fromCharCode(...strings.subarray(from, Math.min(end < 0 ? strings.length : end, from + 1024))) });
  }
  return list;
}

function u64(v: DataView, at: number): number {
  return v.getUint32(at + 4, true) * 4294967296 + v.getUint32(at, true);
}
