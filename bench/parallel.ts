/**
 * What compute in parallel would cost on this machine, for docs/parallel.md: `node bench/parallel.ts`. Round trips between a CPU worker and the
 * kernel's thread over shared memory, start of a worker, instances of the same modules in a second thread, loads from shared memory.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { CodeWriter } from '../src/wasm/code-writer.ts';
import { MODULE_HEADER, writeSection } from '../src/wasm/module-writer.ts';

const TRIPS = 20_000;
const PAGES = 16;
/** How often a side looks before it sleeps, in the variant that spins. */
const SPINS = 2000;
/** Words of the shared memory: the request's number and the answer's. */
const REQUEST = 0;
const ANSWER = 1;

// TypeScript's library here has no WebAssembly: the few parts that are used.
interface Engine {
  readonly Memory: new (d: { initial: number; maximum: number; shared: boolean }) => { readonly buffer: SharedArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: { sum(n: number): bigint } };
}
const engine = (globalThis as unknown as { WebAssembly: Engine }).WebAssembly;

interface Task {
  readonly memory: { readonly buffer: SharedArrayBuffer };
  readonly kind: 'sleep' | 'spin' | 'modules';
}

/** sum(n): adds the 8-byte words below n of its memory, which is 64 KiB that repeat. */
function sumModule(shared: boolean): Uint8Array {
  const out = new CodeWriter(512);
  for (const b of MODULE_HEADER) out.byte(b);
  const section = (id: number, bytes: readonly number[]): void => {
    const s = new CodeWriter(256);
    for (const b of bytes) s.byte(b);
    writeSection(out, id, s);
  };
  section(1, [1, 0x60, 1, 0x7f, 1, 0x7e]);
  section(2, [1, 1, 0x65, 1, 0x6d, 2, shared ? 3 : 1, PAGES, PAGES]);
  section(3, [1, 0]);
  section(7, [1, 3, 0x73, 0x75, 0x6d, 0, 0]);
  const body = [
    2, 1, 0x7f, 1, 0x7e, 0x03, 0x40, // i, sum; loop
    0x20, 2, 0x20, 1, 0x41, 0xf8, 0xff, 0x03, 0x71, 0x29, 3, 0, 0x7c, 0x21, 2, // sum += load(i & 0xfff8)
    0x20, 1, 0x41, 8, 0x6a, 0x22, 1, 0x20, 0, 0x48, 0x0d, 0, 0x0b, 0x20, 2, 0x0b, // while ((i += 8) < n)
  ];
  section(10, [1, body.length, ...body]);
  return out.u8.slice(0, out.at);
}

const now = (): number => Number(process.hrtime.bigint());
const message = (w: Worker): Promise<unknown> => new Promise((resolve) => w.once('message', resolve));

async function start(task: Task): Promise<Worker> {
  const w = new Worker(new URL(import.meta.url), { workerData: task });
  await message(w);
  return w;
}
async function end(w: Worker, words: Int32Array): Promise<void> {
  const gone = new Promise((resolve) => w.once('exit', resolve));
  Atomics.store(words, REQUEST, -1);
  Atomics.notify(words, REQUEST);
  await gone;
  words.fill(0);
}
function print(what: string, times: number[]): void {
  times.sort((a, b) => a - b);
  const at = (share: number): string => `${((times[Math.floor(times.length * share)] ?? Number.NaN) / 1000).toFixed(1)} µs`;
  console.log(`${what}: 10 % ${at(0.1)}, median ${at(0.5)}, 90 % ${at(0.9)}`);
}

async function measure(): Promise<void> {
  const memory = new engine.Memory({ initial: PAGES, maximum: PAGES, shared: true });
  const words = new Int32Array(memory.buffer);
  for (const kind of ['sleep', 'spin'] as const) {
    const w = await start({ memory, kind });
    const times: number[] = [];
    for (let i = 1; i <= TRIPS; i++) {
      const t = now();
      Atomics.store(words, REQUEST, i);
      Atomics.notify(words, REQUEST);
      if (kind === 'spin') for (let k = 0; k < SPINS && Atomics.load(words, ANSWER) !== i; k++);
      while (Atomics.load(words, ANSWER) !== i) Atomics.wait(words, ANSWER, i - 1, 1000);
      times.push(now() - t);
    }
    await end(w, words);
    print(`round trip, both sides ${kind}`, times);
  }
  {
    const w = await start({ memory, kind: 'sleep' });
    const times: number[] = [];
    for (let i = 1; i <= TRIPS / 10; i++) {
      const t = now();
      Atomics.store(words, REQUEST, i);
      Atomics.notify(words, REQUEST);
      while (Atomics.load(words, ANSWER) !== i) {
        const waiting = Atomics.waitAsync(words, ANSWER, i - 1);
        if (waiting.async) await waiting.value;
      }
      times.push(now() - t);
    }
    await end(w, words);
    print('round trip, the kernel in its event loop (Atomics.waitAsync)', times);
  }
  {
    const t = now();
    const w = await start({ memory, kind: 'modules' });
    console.log(`start of a worker: ${((now() - t) / 1e6).toFixed(1)} ms`);
    const modules = Array.from({ length: 500 }, () => new engine.Module(sumModule(true)));
    const sent = now();
    w.postMessage(modules);
    const own = (await message(w)) as number;
    console.log(`a compiled module in a second thread: ${((now() - sent) / 500e3).toFixed(1)} µs in all, ${(own / 500e3).toFixed(1)} µs of it the instance`);
    await w.terminate();
  }
  for (const shared of [false, true]) {
    const m = new engine.Memory({ initial: PAGES, maximum: PAGES, shared });
    const { sum } = new engine.Instance(new engine.Module(sumModule(shared)), { e: { m } }).exports;
    let best = Infinity;
    for (let i = 0; i < 200; i++) {
      const t = now();
      sum(800_000);
      best = Math.min(best, now() - t);
    }
    console.log(`a load from ${shared ? 'shared' : 'own'} memory: ${(best / 100_000).toFixed(2)} ns`);
  }
}

function work({ memory, kind }: Task): void {
  const words = new Int32Array(memory.buffer);
  if (kind === 'modules')
    parentPort?.once('message', (modules: object[]) => {
      const t = now();
      for (const m of modules) new engine.Instance(m, { e: { m: memory } });
      parentPort?.postMessage(now() - t);
    });
  parentPort?.postMessage('ready');
  if (kind === 'modules') return;
  for (let last = 0; ; ) {
    if (kind === 'spin') for (let k = 0; k < SPINS && Atomics.load(words, REQUEST) === last; k++);
    while (Atomics.load(words, REQUEST) === last) Atomics.wait(words, REQUEST, last, 1000);
    last = Atomics.load(words, REQUEST);
    if (last < 0) return;
    Atomics.store(words, ANSWER, last);
    Atomics.notify(words, ANSWER);
  }
}

if (isMainThread) await measure();
else work(workerData as Task);
