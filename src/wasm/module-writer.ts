/** Assembles a WebAssembly module from function bodies: sections, and branch hints. */
import { CodeWriter } from './code-writer.ts';
import type { ValueType } from './opcodes.ts';
import { FUNCREF } from './opcodes.ts';

export const SECTION_CUSTOM = 0, SECTION_TYPE = 1, SECTION_IMPORT = 2, SECTION_FUNCTION = 3, SECTION_TABLE = 4, SECTION_EXPORT = 7, SECTION_ELEMENT = 9, SECTION_CODE = 10;

/** "\0asm" and version 1. */
export const MODULE_HEADER: readonly number[] = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

export interface FunctionType {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

export interface FunctionImport {
  readonly module: string;
  readonly name: string;
  readonly type: FunctionType;
}

/** Writes section `id` around what `body` writes into a scratch writer. */
export function writeSection(out: CodeWriter, id: number, body: CodeWriter): void {
  out.byte(id);
  out.u32(body.at);
  out.bytes(body.u8, 0, body.at);
}

/** Interns function types. */
export class TypeTable {
  readonly types: FunctionType[] = [];
  private readonly index: Map<string, number> = new Map();

  /** Index of the type with these parameters and results. */
  of(params: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${params.join()}>${results.join()}`;
    let i = this.index.get(key);
    if (i === undefined) {
      i = this.types.push({ params, results }) - 1;
      this.index.set(key, i);
    }
    return i;
  }

  write(out: CodeWriter): void {
    const s = new CodeWriter(256);
    s.u32(this.types.length);
    for (const t of this.types) {
      s.byte(0x60);
      s.u32(t.params.length);
      for (const p of t.params) s.byte(p);
      s.u32(t.results.length);
      for (const r of t.results) s.byte(r);
    }
    writeSection(out, SECTION_TYPE, s);
  }
}

/** The import section's entries that every module here has: `env.memory`, `env.table`, then functions. */
export function writeImports(out: CodeWriter, memoryPages: number, tableSize: number, functions: readonly { module: string; name: string; type: number }[]): void {
  const s = new CodeWriter(1024);
  s.u32(2 + functions.length);
  s.name('env');
  s.name('memory');
  s.byte2(0x02, 0x01);
  s.u32(memoryPages);
  s.u32(memoryPages);
  s.name('env');
  s.name('table');
  s.byte2(0x01, FUNCREF);
  s.byte(0x00);
  s.u32(tableSize);
  for (const f of functions) {
    s.name(f.module);
    s.name(f.name);
    s.byte(0x00);
    s.u32(f.type);
  }
  writeSection(out, SECTION_IMPORT, s);
}

/** The name section's function names, `names[i]` for function `first + i`: profilers and stack traces show them. Comes after the code. */
export function writeFunctionNames(out: CodeWriter, first: number, names: readonly string[]): void {
  const list = new CodeWriter(4096);
  list.u32(names.length);
  names.forEach((name, i) => {
    list.u32(first + i);
    list.name(name);
  });
  const s = new CodeWriter(4096);
  s.name('name');
  s.byte(1); // subsection: function names
  s.u32(list.at);
  s.bytes(list.u8, 0, list.at);
  writeSection(out, SECTION_CUSTOM, s);
}
