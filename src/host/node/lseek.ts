/**
 * lseek(2) under Node, which has none in node:fs. WASI has: fd_seek of node:wasi moves the real, shared position of a descriptor that is
 * handed to it as standard input. Loaded only when a guest really seeks on a file it inherited.
 */
import { EBADF, EINVAL, ESPIPE, type Errno } from '../../abi/errno.ts';

interface Seeker {
  fd_seek(fd: number, offset: bigint, whence: number, result: number): number;
}

/** A module that has one page of memory and nothing else: (module (memory (export "memory") 1)). */
const EMPTY_MODULE: Uint8Array = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 5, 3, 1, 0, 1, 7, 10, 1, 6, 109, 101, 109, 111, 114, 121, 2, 0);

const seekers = new Map<number, { seeker: Seeker; result: DataView }>();

function seekerFor(fd: number): { seeker: Seeker; result: DataView } {
  let s = seekers.get(fd);
  if (s === undefined) {
    // node:wasi warns that it is experimental; the owner's terminal is no place for that.
    const warn = process.emitWarning;
    process.emitWarning = (): void => {};
    const { WASI } = process.getBuiltinModule('node:wasi');
    const wasi = new WASI({ version: 'preview1', stdin: fd, stdout: fd, stderr: fd });
    process.emitWarning = warn;
    const wa = (globalThis as unknown as { WebAssembly: { Module: new (b: Uint8Array) => object; Instance: new (m: object, i: object) => { exports: { memory: { buffer: ArrayBuffer } } } } })
      .WebAssembly;
    const instance = new wa.Instance(new wa.Module(EMPTY_MODULE), {});
    wasi.initialize(instance);
    s = { seeker: wasi.wasiImport as unknown as Seeker, result: new DataView(instance.exports.memory.buffer) };
    seekers.set(fd, s);
  }
  return s;
}

/** WASI errno numbers that a seek gives. */
const WASI_BADF = 8;
const WASI_SPIPE = 70;

/** Moves the position of host descriptor `fd`: the new one, or EINVAL, ESPIPE, EBADF. SEEK_SET, SEEK_CUR, SEEK_END have the same numbers in WASI. */
export function seekDescriptor(fd: number, offset: number, whence: number): number | Errno {
  if (whence > 2) return EINVAL;
  const { seeker, result } = seekerFor(fd);
  const e = seeker.fd_seek(0, BigInt(offset), whence, 0);
  if (e !== 0) return e === WASI_SPIPE ? ESPIPE : e === WASI_BADF ? EBADF : EINVAL;
  return Number(result.getBigInt64(0, true));
}
