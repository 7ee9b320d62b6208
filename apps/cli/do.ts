/** `vivarium do` and `vivarium rootfs`: runs a program and answers with its exit status. */
import { appendFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ExitStatus, RootSource, SandboxOptions } from '../../src/sandbox/options.ts';
import type { Sandbox, SandboxStats } from '../../src/sandbox/sandbox.ts';
import { SetupError } from '../../src/sandbox/setup-error.ts';
import { createNodeSandbox, prepareSandboxes } from '../../src/sandbox/on-node.ts';
import type { ParsedArguments } from './arguments.ts';
import { parseArguments, UsageError } from './arguments.ts';
import { lastArguments } from './host-bytes.ts';
import { sandboxOptions, toSandboxOptions } from './sandbox-options.ts';

/** ENOENT, as execve gives it for a program that is not there. */
const ENOENT = 2;

/** Before a start-up snapshot is taken: what every start needs, and the parts of Node that it would load then. */
export function prepare(): void {
  prepareSandboxes();
  parseArguments([], sandboxOptions);
  performance.now();
}

export function runDo(argv: readonly string[]): Promise<number> {
  const parsed = parseArguments(argv, sandboxOptions);
  if (parsed.words.length === 0) throw new UsageError('do: a program is missing: vivarium do [OPTIONS] -- CMD ARGS…');
  return run(parsed, { kind: 'host' }, process.cwd(), lastArguments(parsed.words));
}

export function runRootfs(argv: readonly string[]): Promise<number> {
  const parsed = parseArguments(argv, sandboxOptions);
  const [source, ...rest] = parsed.words;
  if (source === undefined) throw new UsageError('rootfs: a folder or tar file is missing: vivarium rootfs DIR|FILE.tar -- CMD ARGS…');
  const words = rest[0] === '--' ? rest.slice(1) : rest;
  if (words.length === 0) throw new UsageError('rootfs: a program is missing: vivarium rootfs DIR|FILE.tar -- CMD ARGS…');
  const path = resolve(source);
  const info = statSync(path, { throwIfNoEntry: false });
  if (info === undefined) throw new UsageError(`rootfs: ${source}: no such file or directory`);
  const root: RootSource = info.isDirectory() ? { kind: 'directory', path, mode: 'cow' } : { kind: 'tar', path };
  return run(parsed, root, '/', lastArguments(words));
}

async function run(parsed: ParsedArguments, root: RootSource, cwd: string, words: readonly string[]): Promise<number> {
  const traceFile = parsed.options.get('strace')?.at(-1);
  let options: SandboxOptions = { ...toSandboxOptions(parsed, root, cwd), report: (line) => process.stderr.write(`vivarium: ${line}\n`) };
  if (traceFile !== undefined) options = { ...options, trace: traceWriter(traceFile) };
  let sandbox: Sandbox;
  try {
    sandbox = await createNodeSandbox(options);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    return report({ kind: 'not-started', stage: 'setup', errno: error.errno, message: error.message });
  }
  const profiler = parsed.options.has('profile') ? await startProfile(parsed.options.get('profile')?.at(-1) ?? '') : null;
  const status = await sandbox.run(words);
  if (profiler !== null) process.stderr.write(profiler.finish());
  if (parsed.options.has('stats')) process.stderr.write(statsText(sandbox.stats()));
  return report(status);
}

/** A profiler that writes to `file`, which is made at once to see that it can be. */
async function startProfile(file: string): Promise<{ finish(): string }> {
  try {
    writeFileSync(file, '');
  } catch (error) {
    throw new UsageError(`--profile ${file}: ${(error as Error).message}`);
  }
  const { Profiler } = await import('./profile.ts');
  return new Profiler(file);
}

/** Where trace lines go: standard error, or a file that is emptied first. */
function traceWriter(file: string): (text: string) => void {
  if (file === '') return (text) => writeSync(2, text);
  try {
    writeFileSync(file, '');
  } catch (error) {
    throw new UsageError(`--strace=${file}: ${(error as Error).message}`);
  }
  return (text) => appendFileSync(file, text, 'latin1');
}

/** The exit status for the caller, after a line on standard error if the program was never started. */
function report(status: ExitStatus): number {
  switch (status.kind) {
    case 'exited':
      return status.code;
    case 'signaled':
      return 128 + status.signal;
    case 'timeout':
      process.stderr.write('vivarium: the time given with --timeout is over: everything inside was killed\n');
      return 124;
    case 'internal-error':
      process.stderr.write(`vivarium: internal error, please report it: ${status.message}\n`);
      return 125;
    case 'not-started':
      process.stderr.write(`vivarium: ${status.message}\n`);
      return status.stage === 'setup' ? 125 : status.errno === ENOENT ? 127 : 126;
  }
}

function statsText(stats: SandboxStats): string {
  const rows = Object.entries(stats).map(([name, value]) => `  ${name.padEnd(28)}${typeof value === 'number' ? String(value) : value}\n`);
  return `vivarium: statistics\n${rows.join('')}`;
}
