/** Hand-written WebAssembly functions: a structured builder on top of expressions.ts, used for the runtime module. */
import { CodeWriter } from './code-writer.ts';
import { Expr, Local } from './expressions.ts';
import { MODULE_HEADER, SECTION_CODE, SECTION_EXPORT, SECTION_FUNCTION, TypeTable, writeFunctionNames, writeImports, writeSection } from './module-writer.ts';
import { BLOCK, BR_TABLE, CALL_INDIRECT, DROP, ELSE, END, IF, LOOP, RETURN, RETURN_CALL, RETURN_CALL_INDIRECT, UNREACHABLE, VOID_TYPE } from './opcodes.ts';
import type { ValueType } from './opcodes.ts';

/** A function that can be called: imported or built here. */
export class FunctionRef {
  readonly name: string;
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
  readonly typeIndex: number;
  /** Index in the module; imports come first. */
  readonly index: number;
  constructor(name: string, params: readonly ValueType[], results: readonly ValueType[], typeIndex: number, index: number) {
    this.name = name;
    this.params = params;
    this.results = results;
    this.typeIndex = typeIndex;
    this.index = index;
  }
  /** The call as an expression (one result or none). */
  call(...args: Expr[]): Expr {
    if (args.length !== this.params.length) throw new Error(`${this.name}: ${args.length} arguments for ${this.params.length}`);
    return new Expr(this.results.length === 1 ? this.results[0]! : 0, (w) => {
      for (const a of args) a.emit(w);
      w.call(this.index);
    });
  }
}

/** A place that `br` can go to. */
export interface Label {
  readonly level: number;
}

/** Builds one function; statements are emitted as they are called. */
export class FunctionBuilder {
  readonly code: CodeWriter = new CodeWriter(256);
  readonly params: readonly ValueType[];
  private readonly locals: ValueType[] = [];
  private level = 0;

  constructor(params: readonly ValueType[]) {
    this.params = params;
  }

  param(i: number): Local {
    return new Local(this.params[i]!, i);
  }
  /** A new local, set to `init` here if given. */
  local(type: ValueType, init?: Expr): Local {
    const l = new Local(type, this.params.length + this.locals.push(type) - 1);
    if (init !== undefined) this.set(l, init);
    return l;
  }
  /** A new local that holds the value of `e`. */
  let(e: Expr): Local {
    return this.local(e.type as ValueType, e);
  }
  set(l: Local, e: Expr): void {
    e.emit(this.code);
    this.code.localSet(l.index);
  }
  /** Evaluates for its effect (stores, calls); a result is dropped. */
  do(e: Expr): void {
    e.emit(this.code);
    if (e.type !== 0) this.code.byte(DROP);
  }
  /** Calls a function with several results and stores them in locals. */
  callInto(into: readonly Local[], fn: FunctionRef, ...args: Expr[]): void {
    for (const a of args) a.emit(this.code);
    this.code.call(fn.index);
    for (let i = into.length - 1; i >= 0; i--) this.code.localSet(into[i]!.index);
  }
  if(condition: Expr, then: () => void, otherwise?: () => void): void {
    condition.emit(this.code);
    this.code.byte2(IF, VOID_TYPE);
    this.level++;
    then();
    if (otherwise !== undefined) {
      this.code.byte(ELSE);
      otherwise();
    }
    this.level--;
    this.code.byte(END);
  }
  /** A block; `br(label)` leaves it. */
  block(body: (leave: Label) => void): void {
    this.code.byte2(BLOCK, VOID_TYPE);
    body({ level: ++this.level });
    this.level--;
    this.code.byte(END);
  }
  /** A loop that ends at its end; `br(again)` repeats it. */
  loop(body: (again: Label) => void): void {
    this.code.byte2(LOOP, VOID_TYPE);
    body({ level: ++this.level });
    this.level--;
    this.code.byte(END);
  }
  while(condition: Expr, body: (leave: Label) => void): void {
    this.block((leave) => {
      this.loop((again) => {
        new Expr(0x7f, (w) => {
          condition.emit(w);
          w.byte(0x45);
        }).emit(this.code);
        this.code.brIf(this.level - leave.level);
        body(leave);
        this.br(again);
      });
    });
  }
  br(label: Label): void {
    this.code.br(this.level - label.level);
  }
  brIf(label: Label, condition: Expr): void {
    condition.emit(this.code);
    this.code.brIf(this.level - label.level);
  }
  /** Runs cases[index]; beyond the end, `otherwise`. Cases do not fall through. */
  switch(index: Expr, cases: readonly (() => void)[], otherwise: () => void): void {
    const n = cases.length;
    for (let i = 0; i <= n + 1; i++) this.code.byte2(BLOCK, VOID_TYPE);
    index.emit(this.code);
    this.code.byte(BR_TABLE);
    this.code.u32(n);
    for (let i = 0; i <= n; i++) this.code.u32(i);
    for (let i = 0; i <= n; i++) {
      this.code.byte(END);
      this.level += n + 1 - i;
      (i < n ? cases[i]! : otherwise)();
      this.level -= n + 1 - i;
      this.code.br(n - i);
    }
    this.code.byte(END);
  }
  return(...values: Expr[]): void {
    for (const v of values) v.emit(this.code);
    this.code.byte(RETURN);
  }
  /** Tail call. */
  returnCall(fn: FunctionRef, ...args: Expr[]): void {
    for (const a of args) a.emit(this.code);
    this.code.byte(RETURN_CALL);
    this.code.u32(fn.index);
  }
  /** Tail call through table 0. */
  returnCallIndirect(typeIndex: number, slot: Expr, ...args: Expr[]): void {
    for (const a of args) a.emit(this.code);
    slot.emit(this.code);
    this.code.byte(RETURN_CALL_INDIRECT);
    this.code.u32(typeIndex);
    this.code.u32(0);
  }
  unreachable(): void {
    this.code.byte(UNREACHABLE);
  }

  /** Appends the body (size, locals, code) to `out`. */
  write(out: CodeWriter): void {
    const b = new CodeWriter(this.code.at + 32);
    b.u32(this.locals.length);
    for (const l of this.locals) b.byte2(1, l);
    b.bytes(this.code.u8, 0, this.code.at);
    b.byte(END);
    out.u32(b.at);
    out.bytes(b.u8, 0, b.at);
  }
}

/** A call through table 0 as an expression. */
export function callIndirect(result: ValueType | 0, typeIndex: number, slot: Expr, ...args: Expr[]): Expr {
  return new Expr(result, (w) => {
    for (const a of args) a.emit(w);
    slot.emit(w);
    w.byte(CALL_INDIRECT);
    w.u32(typeIndex);
    w.u32(0);
  });
}

/** A module that imports `env.memory`, `env.table` and functions, and exports all its own functions by name. */
export class ModuleBuilder {
  readonly types: TypeTable = new TypeTable();
  private readonly imports: { module: string; name: string; type: number }[] = [];
  private readonly functions: { ref: FunctionRef; builder: FunctionBuilder }[] = [];
  private readonly byName: Map<string, FunctionRef> = new Map();

  /** Declares an imported function; all imports come before the first function. */
  import(module: string, name: string, params: readonly ValueType[], results: readonly ValueType[]): FunctionRef {
    if (this.functions.length > 0) throw new Error(`import ${name} after a function`);
    const type = this.types.of(params, results);
    const ref = new FunctionRef(name, params, results, type, this.imports.length);
    this.imports.push({ module, name, type });
    this.byName.set(name, ref);
    return ref;
  }

  /** Defines a function; `body` runs at once and may call functions defined before it, or itself through the second argument. */
  function(name: string, params: readonly ValueType[], results: readonly ValueType[], body: (f: FunctionBuilder, self: FunctionRef) => void): FunctionRef {
    const ref = new FunctionRef(name, params, results, this.types.of(params, results), this.imports.length + this.functions.length);
    const builder = new FunctionBuilder(params);
    this.functions.push({ ref, builder });
    this.byName.set(name, ref);
    body(builder, ref);
    return ref;
  }

  /** A function by name, or undefined. */
  find(name: string): FunctionRef | undefined {
    return this.byName.get(name);
  }

  /** The names of all functions built here. */
  names(): string[] {
    return this.functions.map((f) => f.ref.name);
  }

  /** The module's bytes. */
  write(memoryPages: number, tableSize: number): Uint8Array<ArrayBuffer> {
    const out = new CodeWriter(16384);
    for (const b of MODULE_HEADER) out.byte(b);
    this.types.write(out);
    writeImports(out, memoryPages, tableSize, this.imports);
    const s = new CodeWriter(16384);
    s.u32(this.functions.length);
    for (const f of this.functions) s.u32(f.ref.typeIndex);
    writeSection(out, SECTION_FUNCTION, s);
    s.reset();
    s.u32(this.functions.length);
    for (const f of this.functions) {
      s.name(f.ref.name);
      s.byte(0);
      s.u32(f.ref.index);
    }
    writeSection(out, SECTION_EXPORT, s);
    s.reset();
    s.u32(this.functions.length);
    for (const f of this.functions) f.builder.write(s);
    writeSection(out, SECTION_CODE, s);
    writeFunctionNames(out, this.imports.length, this.names());
    return out.u8.slice(0, out.at);
  }
}
