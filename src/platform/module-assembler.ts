/** Puts emitted regions into a WebAssembly module: imports only what is called, fills table slots by element segments, adds branch hints. */
import { CodeWriter } from '../wasm/code-writer.ts';
import { MODULE_HEADER, SECTION_CODE, SECTION_CUSTOM, SECTION_ELEMENT, SECTION_FUNCTION, writeFunctionNames, writeSection } from '../wasm/module-writer.ts';
import { BLOCK, END, FUNCREF, VOID_TYPE } from '../wasm/opcodes.ts';
import type { RegionEmitter } from './region-emitter.ts';
import { writeLocals } from './region-emitter.ts';

/** A runtime function as region modules import it. */
export interface RuntimeFunction {
  readonly params: readonly number[];
  readonly results: readonly number[];
}

export class ModuleAssembler {
  private readonly bodies: CodeWriter = new CodeWriter(1 << 16);
  private readonly body: CodeWriter = new CodeWriter(1 << 16);
  private readonly head: CodeWriter = new CodeWriter(1024);
  private readonly section: CodeWriter = new CodeWriter(4096);
  private readonly out: CodeWriter = new CodeWriter(1 << 16);
  private readonly types: CodeWriter = new CodeWriter(1024);
  private readonly runtime: readonly (RuntimeFunction | undefined)[];
  private readonly memoryPages: number;
  /** Index of each runtime function among this module's imports, -1 = not imported; and the imported ones in order. */
  private readonly importIndex: Int32Array;
  readonly imports: number[] = [];
  private readonly slots: number[] = [];
  private readonly secondSlots: number[] = [];
  /** Per function: its name for profilers, '' = none. */
  private readonly names: string[] = [];
  /** Per function: start of its branch hints, flattened (count, offsets…). */
  private readonly hints: number[] = [];

  constructor(runtime: readonly (RuntimeFunction | undefined)[], memoryPages: number) {
    this.runtime = runtime;
    this.memoryPages = memoryPages;
    this.importIndex = new Int32Array(runtime.length).fill(-1);
  }

  start(): void {
    for (const f of this.imports) this.importIndex[f] = -1;
    this.imports.length = 0;
    this.slots.length = 0;
    this.secondSlots.length = 0;
    this.hints.length = 0;
    this.names.length = 0;
    this.bodies.reset();
  }

  get functionCount(): number {
    return this.slots.length;
  }

  /** Adds the region that `e` has just emitted; its function goes to table slots `slot` and `home` (0 = none). `name`: for profilers. */
  add(e: RegionEmitter, slot: number, home: number, name = ''): void {
    const { body, head } = this;
    const { w } = e;
    head.reset();
    writeLocals(head, e.localTypes);
    const stubs = e.stubCount;
    for (let i = 0; i < stubs; i++) head.byte2(BLOCK, VOID_TYPE);
    for (let i = 0; i < e.callAt.length; i++) {
      const fn = e.callOf[i]!;
      let index = this.importIndex[fn]!;
      if (index < 0) {
        index = this.importIndex[fn] = this.imports.length;
        this.imports.push(fn);
      }
      const at = e.callAt[i]!;
      w.u8[at] = (index & 0x7f) | 0x80;
      w.u8[at + 1] = index >> 7;
    }
    body.reset();
    body.bytes(head.u8, 0, head.at);
    body.bytes(w.u8, 0, w.at);
    body.byte(END);
    this.bodies.u32(body.at);
    this.bodies.bytes(body.u8, 0, body.at);
    this.hints.push(e.hints.length);
    for (const h of e.hints) this.hints.push(h + head.at);
    this.slots.push(slot);
    this.secondSlots.push(home);
    this.names.push(name);
  }

  /**
   * The code-section entry (without its size) of the region that was added last, with runtime functions called under their own numbers, as in a module
   * that imports all of them; `e` is as `add` left it.
   */
  keptBody(e: RegionEmitter): { body: Uint8Array; hints: number[] } {
    const { head } = this;
    const body = this.body.u8.slice(0, this.body.at);
    for (let i = 0; i < e.callAt.length; i++) {
      const at = head.at + e.callAt[i]!;
      const fn = e.callOf[i]!;
      body[at] = (fn & 0x7f) | 0x80;
      body[at + 1] = fn >> 7;
    }
    return { body, hints: e.hints.map((h) => h + head.at) };
  }

  /** Begins a module of kept bodies. */
  startKept(): void {
    this.start();
    this.priority = 127;
    for (let f = 0; f < this.runtime.length; f++) {
      this.importIndex[f] = f;
      this.imports.push(f);
    }
  }
  /** Adds a kept body; returns where it begins among the bodies. */
  addKept(body: Uint8Array, hints: readonly number[], slot: number, home: number): number {
    this.bodies.u32(body.length);
    const at = this.bodies.at;
    this.bodies.bytes(body, 0, body.length);
    this.hints.push(hints.length, ...hints);
    this.slots.push(slot);
    this.secondSlots.push(home);
    this.names.push('');
    return at;
  }
  /** Where the bodies begin in what `finish` returned, when no names follow them. */
  bodiesAt(module: Uint8Array): number {
    return module.length - this.bodies.at;
  }

  /** The module's bytes. */
  finish(): Uint8Array<ArrayBuffer> {
    const { out, section, types } = this;
    const n = this.slots.length;
    out.reset();
    for (const b of MODULE_HEADER) out.byte(b);
    // Type 0: regions. One type for each import, duplicates do no harm.
    section.reset();
    section.u32(1 + this.imports.length);
    section.byte2(0x60, 2);
    section.byte2(0x7f, 0x7f);
    section.byte2(1, 0x7e);
    for (const f of this.imports) {
      const r = this.runtime[f]!;
      section.byte2(0x60, r.params.length);
      for (const p of r.params) section.byte(p);
      section.byte(r.results.length);
      for (const p of r.results) section.byte(p);
    }
    writeSection(out, 1, section);
    section.reset();
    section.u32(2 + this.imports.length);
    section.byte2(1, 0x65); // module "e"
    section.byte2(1, 0x6d); // name "m"
    section.byte2(0x02, 0x01);
    section.u32(this.memoryPages);
    section.u32(this.memoryPages);
    section.byte2(1, 0x65);
    section.byte2(1, 0x74); // name "t"
    section.byte2(0x01, FUNCREF);
    section.byte2(0x00, 0x01);
    for (let i = 0; i < this.imports.length; i++) {
      section.byte2(1, 0x65);
      section.name(String(this.imports[i]!));
      section.byte(0);
      section.u32(1 + i);
    }
    writeSection(out, 2, section);
    section.reset();
    section.u32(n);
    for (let i = 0; i < n; i++) section.byte(0);
    writeSection(out, SECTION_FUNCTION, section);
    // Element segments: each function goes to its slots at instantiation.
    section.reset();
    types.reset();
    let segments = 0;
    const base = this.imports.length;
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < 2; k++) {
        const slot = k === 0 ? this.slots[i]! : this.secondSlots[i]!;
        if (slot === 0) continue;
        segments++;
        types.byte(0x00);
        types.i32Const(slot);
        types.byte2(END, 1);
        types.u32(base + i);
      }
    }
    section.u32(segments);
    section.bytes(types.u8, 0, types.at);
    writeSection(out, SECTION_ELEMENT, section);
    this.writePriorities(base);
    this.writeHints(base);
    section.reset();
    section.u32(n);
    section.bytes(this.bodies.u8, 0, this.bodies.at);
    writeSection(out, SECTION_CODE, section);
    if (this.names.some((name) => name !== '')) writeFunctionNames(out, base, this.names);
    return out.u8.slice(0, out.at);
  }

  /** Compilation priority and optimization priority of all functions, for engines that take the hint: 127 = leave it to the baseline compiler, 0 = optimise at once. */
  priority = 127;

  private writePriorities(base: number): void {
    const { section, out } = this;
    section.reset();
    section.name('metadata.code.compilation_priority');
    section.u32(this.slots.length);
    for (let i = 0; i < this.slots.length; i++) {
      section.u32(base + i);
      section.byte2(0, 2);
      section.byte2(1, this.priority);
    }
    writeSection(out, SECTION_CUSTOM, section);
  }

  private writeHints(base: number): void {
    const { section, out } = this;
    section.reset();
    section.name('metadata.code.branch_hint');
    let functions = 0;
    for (let p = 0; p < this.hints.length; p += 1 + this.hints[p]!) if (this.hints[p]! > 0) functions++;
    section.u32(functions);
    let i = 0;
    for (let p = 0; p < this.hints.length; p += 1 + this.hints[p]!, i++) {
      const count = this.hints[p]!;
      if (count === 0) continue;
      section.u32(base + i);
      section.u32(count);
      for (let k = 1; k <= count; k++) {
        section.u32(this.hints[p + k]!);
        section.byte2(1, 0);
      }
    }
    writeSection(out, SECTION_CUSTOM, section);
  }
}
