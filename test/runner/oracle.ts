/**
 * Oracle tests: each test/oracle/*.c is compiled, run natively and run inside, and every line it prints is a check.
 * A line is `label: value`; labels are unique in a file. The exit status is a check of its own.
 * Directives in comments at the head of a file: `// flags: -static -lrt` (for gcc), `// args: a b`, `// timeout: 60` (seconds), `// needs: PACKAGE`.
 */
import { existsSync, globSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { inParallel, inside, root, runCommand, withFolder } from './command.ts';
import { directive } from './directives.ts';
import type { Results } from './results.ts';

const buildFolder = `${root}/build/oracle`;

/** Compiles `source` unless the binary is newer; the binary's path, or the compiler's complaint. */
async function compile(source: string, text: string): Promise<{ binary: string } | { error: string }> {
  const binary = `${buildFolder}/${source.replace(/^test\/oracle\//, '').replace(/\.c$/, '')}`;
  const path = `${root}/${source}`;
  if (existsSync(binary) && statSync(binary).mtimeMs > statSync(path).mtimeMs) return { binary };
  mkdirSync(dirname(binary), { recursive: true });
  const flags = directive(text, 'flags').split(' ').filter(Boolean);
  const r = await runCommand(['gcc', '-O1', '-w', '-pthread', path, '-o', binary, ...flags, '-lm'], root, 60);
  return r.status === 0 ? { binary } : { error: r.stderr };
}

/** The lines by label; a line without a label is its own label. A repeated label gets a number. */
function byLabel(output: string): Map<string, string> {
  const lines = new Map<string, string>();
  for (const line of output.split('\n')) {
    if (line === '') continue;
    const colon = line.indexOf(':');
    const plain = colon < 0 ? line : line.slice(0, colon);
    let label = plain;
    for (let n = 2; lines.has(label); n++) label = `${plain} #${n}`;
    lines.set(label, colon < 0 ? '' : line.slice(colon + 1).trim());
  }
  return lines;
}

async function runOne(source: string, results: Results): Promise<void> {
  const name = basename(source, '.c');
  const text = readFileSync(`${root}/${source}`, 'utf8');
  const built = await compile(source, text);
  if ('error' in built) {
    results.fail(`${name}/compile`, built.error);
    return;
  }
  const argv = [built.binary, ...directive(text, 'args').split(' ').filter(Boolean)];
  const seconds = Number(directive(text, 'timeout') || 30);
  const native = await withFolder((folder) => runCommand(argv, folder, seconds));
  const ours = await withFolder((folder) => runCommand(inside(argv), folder, seconds));
  const expected = byLabel(native.stdout);
  const got = byLabel(ours.stdout);
  for (const [label, value] of expected) {
    const mine = got.get(label);
    if (mine === value) results.pass(`${name}/${label}`);
    else results.fail(`${name}/${label}`, `native ${value}, inside ${mine ?? '(no such line)'}`);
  }
  for (const [label, value] of got) if (!expected.has(label)) results.fail(`${name}/${label}`, `printed only inside: ${value}`);
  if (ours.status === native.status) results.pass(`${name}/exit status`);
  else results.fail(`${name}/exit status`, `native ${native.status}, inside ${ours.status}\n${ours.stderr.slice(-2000)}`);
}

/** Runs the files whose path contains one of `patterns` (all without any). */
export async function runOracle(patterns: readonly string[], results: Results): Promise<void> {
  const files = globSync('test/oracle/**/*.c', { cwd: root }).sort();
  const wanted = files.filter((f) => patterns.length === 0 || patterns.some((p) => f.includes(p)));
  await inParallel(wanted, 2, (f) => runOne(f, results));
}
