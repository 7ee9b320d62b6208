/** Running commands natively and inside, bounded in time and output. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';

export const root: string = normalize(`${import.meta.dirname}/../..`);
export const vivarium: string = `${root}/bin/vivarium`;

/** The environment that both runs see. */
export const environment: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LANG: 'C.UTF-8',
  TERM: 'xterm',
  SHELL: '/bin/bash',
  TZ: 'UTC',
};

export interface CommandResult {
  /** Exit status, or the name of the signal that ended it, or `timeout`. */
  status: number | string;
  stdout: string;
  stderr: string;
  seconds: number;
}

const outputLimit = 8 << 20;

/** Runs `argv` in `cwd` in a process group of its own, which is killed after `seconds`. Output is latin1 text, so every byte counts. */
export function runCommand(argv: readonly string[], cwd: string, seconds: number, env: Readonly<Record<string, string>> = environment): Promise<CommandResult> {
  return new Promise((resolve) => {
    const started = process.hrtime.bigint();
    const [file = '', ...args] = argv;
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let stdout = '';
    let stderr = '';
    let expired = false;
    const killGroup = (): void => {
      try {
        process.kill(-(child.pid ?? 0), 'SIGKILL');
      } catch {
        // The group is gone already.
      }
    };
    const timer = setTimeout(() => {
      expired = true;
      killGroup();
    }, seconds * 1000);
    child.stdout.on('data', (bytes: Buffer) => {
      if (stdout.length < outputLimit) stdout += bytes.toString('latin1');
    });
    child.stderr.on('data', (bytes: Buffer) => {
      if (stderr.length < outputLimit) stderr += bytes.toString('latin1');
    });
    child.on('error', (error) => {
      clearTimeout(timer);
      resolve({ status: error.message, stdout, stderr, seconds: 0 });
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (!expired && child.pid !== undefined) killGroup();
      const status = expired ? `timeout after ${seconds} s` : (code ?? signal ?? 'unknown');
      resolve({ status, stdout, stderr, seconds: Number(process.hrtime.bigint() - started) / 1e9 });
    });
  });
}

/** The command line that runs `argv` inside Vivarium with the tests' environment. */
export function inside(argv: readonly string[]): string[] {
  return [vivarium, 'do', ...Object.entries(environment).flatMap(([k, v]) => ['--env', `${k}=${v}`]), '--', ...argv];
}

/** Calls `body` with an empty folder, which is removed afterwards. */
export async function withFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'vivarium-test.'));
  try {
    return await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs `body` over `items`, `width` at a time. */
export async function inParallel<T>(items: readonly T[], width: number, body: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const item = items[next++] as T;
      await body(item);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
}
