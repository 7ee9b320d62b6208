/** Runs a program in a sandbox and prints what the host's heap holds after its end, in bytes: `node --expose-gc heap.ts PROGRAM ARGS…`. */
import { createNodeSandbox } from '../../src/sandbox/on-node.ts';

const sandbox = await createNodeSandbox({ faultInjection: true });
const status = await sandbox.run(process.argv.slice(2));
const collect = (globalThis as { gc?: () => void }).gc;
for (let i = 0; i < 3; i++) {
  collect?.();
  await new Promise((resolve) => setImmediate(resolve));
}
console.log(`heap ${process.memoryUsage().heapUsed}`);
// The sandbox is to be alive up to here.
console.log(sandbox === null, status.kind);
process.exit(status.kind === 'exited' ? status.code : 125);
