/** Runs a program in a sandbox whose calls can be made to fail: `inside.ts PROGRAM ARGS…`. Its exit status is the program's. */
import { createNodeSandbox } from '../../src/sandbox/on-node.ts';

const sandbox = await createNodeSandbox({ faultInjection: true });
const status = await sandbox.run(process.argv.slice(2));
if (status.kind !== 'exited') console.error(status);
process.exit(status.kind === 'exited' ? status.code : 125);
