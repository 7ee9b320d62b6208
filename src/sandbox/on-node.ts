/** Sandboxes on Node.js. */
import { NodeHost } from '../host/node/node-host.ts';
import type { SandboxOptions } from './options.ts';
import { createSandbox, prepareSandboxes } from './sandbox.ts';
import type { Sandbox } from './sandbox.ts';

export { prepareSandboxes };

/** A sandbox whose host is this Node.js process: its files and clocks, and its standard streams unless `options.stdio` gives others. Throws SetupError. */
export function createNodeSandbox(options: SandboxOptions): Promise<Sandbox> {
  return createSandbox(new NodeHost(options.stdio ?? null), options);
}
