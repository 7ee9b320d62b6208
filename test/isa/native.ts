/** Runs a batch of states on the host's processor. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export class NativeRunner {
  private readonly dir: string;
  constructor(code: Uint8Array) {
    this.dir = mkdtempSync(join(tmpdir(), 'isa-'));
    const source = join(dirname(fileURLToPath(import.meta.url)), 'native-runner.c');
    execFileSync('gcc', ['-O2', '-o', join(this.dir, 'runner'), source], { stdio: ['ignore', 'inherit', 'inherit'] });
    writeFileSync(join(this.dir, 'code'), code);
  }
  /** The records as the processor leaves them. */
  run(records: Uint8Array): Uint8Array {
    writeFileSync(join(this.dir, 'jobs'), records);
    execFileSync(join(this.dir, 'runner'), ['code', 'jobs', 'out'], { cwd: this.dir, stdio: ['ignore', 'inherit', 'inherit'] });
    return Uint8Array.from(readFileSync(join(this.dir, 'out')));
  }
  close(): void {
    rmSync(this.dir, { recursive: true });
  }
}
