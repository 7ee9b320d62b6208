/** The host's WebAssembly engine, typed for what is used here. */
export interface WasmTable {
  readonly length: number;
  get(index: number): unknown;
  set(index: number, value: unknown): void;
  /** Adds `by` entries that hold `value`. */
  grow(by: number, value: unknown): number;
}
export interface WasmInstance {
  readonly exports: Record<string, unknown>;
}
interface Engine {
  readonly Memory: new (d: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => WebAssembly.Module;
  readonly Instance: new (module: WebAssembly.Module, imports: Record<string, Record<string, unknown>>) => WasmInstance;
  readonly Table: new (d: { element: 'anyfunc'; initial: number }) => WasmTable;
}
const engine = (): Engine => (globalThis as unknown as { WebAssembly: Engine }).WebAssembly;
/** Looked up where it is used: while Node makes a start-up snapshot there is no WebAssembly. */
export const wasmEngine: Engine = {
  get Memory() {
    return engine().Memory;
  },
  get Module() {
    return engine().Module;
  },
  get Instance() {
    return engine().Instance;
  },
  get Table() {
    return engine().Table;
  },
};
