/** Bytes that the host keeps between runs, under keys. What it keeps is its own business: anything may be gone the next time. */
export interface HostStorage {
  /** What was written last under `key`, whole as far as the host can tell; null if nothing is there. */
  read(key: string): Uint8Array<ArrayBuffer> | null;
  /** Keeps `bytes` under `key`, instead of what was there; others that read at the same time get the one or the other. False if it cannot. */
  write(key: string, bytes: Uint8Array): boolean;
  remove(key: string): void;
  /** 32 bits that tell damaged bytes from whole ones, quickly. */
  checksum(bytes: Uint8Array): number;
  /** True if `length` bytes of `a` from `i` on and of `b` from `k` on are the same. */
  sameBytes(a: Uint8Array, i: number, b: Uint8Array, k: number, length: number): boolean;
  /** Runs `compile`, which compiles a WebAssembly module: all functions at once, on several threads where the host can, even if others are compiled only when they are called. */
  compileWhole<T>(compile: () => T): T;
}
