/** The package `vivarium`: Linux programs inside a TypeScript or JavaScript program on Node.js. */
import type { StandardStreams } from '../host/standard-streams.ts';
import type { ExitStatus, SandboxOptions } from './options.ts';
import { createNodeSandbox } from './on-node.ts';

export type { StandardInput, StandardOutput, StandardStreams } from '../host/standard-streams.ts';
export type { CapabilitySets, ExitStatus, LimitSpec, MountMode, MountSpec, RootSource, SandboxOptions, UserSpec } from './options.ts';
export { SetupError } from './setup-error.ts';

/** One Linux machine: a kernel of its own, its file systems, and what runs on it. */
export interface Sandbox {
  /**
   * Runs a program (byte strings: every char code is a byte; the first word is looked up in the PATH of the options' `env`) until it ends; what it
   * left running is then killed. Once a sandbox. Never rejects: a bug in Vivarium is the status `internal-error`.
   */
  run(argv: readonly string[]): Promise<ExitStatus>;
  /** Ends everything inside at once. */
  kill(): void;
}

/** Makes a sandbox whose files, clocks and entropy are this process's. Rejects with SetupError when the root, a mount or the user cannot be had. */
export function createSandbox(options: SandboxOptions): Promise<Sandbox> {
  return createNodeSandbox(options);
}

/** What a program inside did. */
export interface RunResult {
  readonly status: ExitStatus;
  /** Everything it wrote. */
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** Environment of a program that is given none. */
const ENVIRONMENT: readonly string[] = ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root', 'LANG=C.UTF-8'];

/**
 * Runs one program in a sandbox of its own and collects what it writes. `argv`: program and arguments, as UTF-8; `options`: as for createSandbox,
 * with `stdin` for what the program reads (nothing). Rejects with SetupError.
 */
export async function run(argv: readonly string[], options: Omit<SandboxOptions, 'stdio'> & Pick<StandardStreams, 'stdin'> = {}): Promise<RunResult> {
  const written: [Uint8Array[], Uint8Array[]] = [[], []];
  const { stdin, ...rest } = options;
  const sandbox = await createSandbox({
    env: ENVIRONMENT,
    ...rest,
    stdio: { ...(stdin === undefined ? {} : { stdin }), stdout: (bytes) => written[0].push(bytes), stderr: (bytes) => written[1].push(bytes) },
  });
  const encoder = new TextEncoder();
  const status = await sandbox.run(argv.map((word) => String.fromCharCode(...encoder.encode(word))));
  return { status, stdout: joined(written[0]), stderr: joined(written[1]) };
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of pieces) {
    all.set(p, at);
    at += p.length;
  }
  return all;
}
