/**
 * Vivarium beside the machine it runs on and beside qemu-user: `npm run bench [-- [NAME…] [--quick] [--rounds=N] [--json=FILE] [--write]]`.
 * Every figure is a ratio of runs that were interleaved in this call. NAME: a section (operations, programs, start, scale) or a program.
 * --write puts the tables into docs/performance.md and the raw numbers beside it. Never judges: see docs/performance.md for the goals.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, runCommand, vivarium } from '../test/runner/command.ts';
import { PROGRAMS, START, type BenchProgram } from './programs.ts';

const flags = process.argv.slice(2).filter((a) => a.startsWith('--'));
const names = process.argv.slice(2).filter((a) => !a.startsWith('--'));
const quick = flags.includes('--quick');
const option = (name: string): string | undefined => flags.find((f) => f.startsWith(`--${name}=`))?.slice(name.length + 3);
const rounds = Number(option('rounds') ?? (quick ? 1 : 3));
const SECTIONS = ['operations', 'programs', 'start', 'scale'];
const sections = names.some((n) => SECTIONS.includes(n)) ? SECTIONS.filter((s) => names.includes(s)) : names.length > 0 ? ['programs', 'start'] : SECTIONS;
const chosen = (list: readonly BenchProgram[]): BenchProgram[] => {
  const picked = names.filter((n) => !SECTIONS.includes(n));
  return picked.length > 0 ? list.filter((p) => picked.includes(p.name)) : quick ? list.filter((_, i) => i % 4 === 0) : [...list];
};

const directory = mkdtempSync(join(tmpdir(), 'vivarium-bench-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
const raw: Record<string, unknown> = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, date: new Date().toISOString().slice(0, 10) };

/** Wall seconds of a run that ended well, else NaN. */
async function seconds(argv: readonly string[]): Promise<number> {
  const r = await runCommand(argv, '/', 300);
  return r.status === 0 ? r.seconds : Number.NaN;
}
const inside = (argv: readonly string[]): string[] => [vivarium, 'do', '--', ...argv];
const sorted = (xs: readonly number[]): number[] => [...xs].filter((x) => !Number.isNaN(x)).sort((x, y) => x - y);
const median = (xs: readonly number[]): number => sorted(xs)[Math.floor((sorted(xs).length - 1) / 2)] ?? Number.NaN;
const geomean = (xs: readonly number[]): number => Math.exp(sorted(xs).reduce((s, x) => s + Math.log(x), 0) / sorted(xs).length);
const show = (x: number, digits = 2): string => (Number.isNaN(x) ? 'fails' : x.toFixed(digits));

const report: string[] = [];
function print(line: string): void {
  console.log(line);
  report.push(line);
}
function table(title: string, head: readonly string[]): void {
  print(`\n### ${title}\n`);
  print(`| ${head.join(' | ')} |`);
  print(`|${head.map(() => '---').join('|')}|`);
}
const row = (cells: readonly string[]): void => print(`| ${cells.join(' | ')} |`);

async function build(source: string, out: string, compiler = 'gcc', ...options: string[]): Promise<string> {
  const file = join(directory, out);
  const r = await runCommand([compiler, '-O2', '-w', join(root, 'bench', source), '-o', file, ...options], directory, 120);
  if (r.status !== 0) throw new Error(`cannot build ${source}: ${r.stderr.slice(0, 300)}`);
  return file;
}

/** Rows "name<TAB>value" of procbench, or "name<TAB>population<TAB>value" of scale. */
function figures(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    const f = line.split('\t');
    if (f.length === 3 && f[0]!.includes(':')) found.set(`${f[0]}@${f[1]}`, Number(f[2]));
    else if (f.length === 3) found.set(f[0]!, Number(f[1]));
  }
  return found;
}

async function operations(): Promise<void> {
  const file = await build('procbench.c', 'procbench', 'gcc', '-static', '-pthread');
  const ns: [Map<string, number[]>, Map<string, number[]>] = [new Map(), new Map()];
  const env = { PATH: '/usr/bin:/bin', BUDGET_MS: quick ? '10' : '60' };
  for (let round = 0; round < rounds; round++) {
    for (const [side, argv] of [[0, [file]], [1, inside([file])]] as const) {
      for (const [name, value] of figures((await runCommand(argv, '/', 400, env)).stdout)) ns[side].set(name, [...(ns[side].get(name) ?? []), value]);
    }
  }
  table('Operations (ns; ratio below 1 is faster than the machine\'s own kernel)', ['operation', 'native', 'inside', 'ratio']);
  const ratios: number[] = [];
  for (const [name, values] of ns[0]) {
    const a = median(values);
    const b = median(ns[1].get(name) ?? []);
    if (!Number.isNaN(a / b)) ratios.push(b / a);
    row([name, show(a, 0), show(b, 0), show(b / a)]);
  }
  row(['**geometric mean**', '', '', `**${show(geomean(ratios))}**`]);
  raw['operations'] = { native: Object.fromEntries(ns[0]), inside: Object.fromEntries(ns[1]) };
}

async function programs(list: readonly BenchProgram[]): Promise<void> {
  const kernels = await build('kernels.c', 'kernels', 'gcc', '-lm');
  const virtual = await build('virtual.cc', 'virtual', 'g++');
  const text = join(directory, 'text');
  writeFileSync(text, Array.from({ length: 600000 }, (_, i) => `${i} ${(i * 7919) % 100003} ${'abcdefghij'[i % 10]!.repeat(i % 23)}`).join('\n'));
  const bigC = join(directory, 'big.c');
  writeFileSync(bigC, Array.from({ length: 420 }, (_, i) => `static int t${i}[64];\nint f${i}(int a, int b) {\n  int s = a;\n  for (int i = 0; i < 64; i++) {\n    s += t${i}[i] * b;\n    if (s & ${i + 1}) s ^= a >> 3;\n    t${i}[i & 31] = s;\n  }\n  return s${i > 0 ? ` + f${i - 1}(b, a)` : ''};\n}`).join('\n'));
  const real = (argv: readonly string[]): string[] => argv.map((a) => a.replace('KERNELS', kernels).replaceAll('TEXT', text).replace('BIG_C', bigC).replace('VIRTUAL', virtual));
  const qemu = existsSync('/usr/bin/qemu-x86_64');
  table('Programs (whole process, seconds; median of interleaved rounds)', ['program', 'native', 'inside', 'inside / native', 'spread', 'qemu-user / native', 'inside / qemu-user']);
  const toNative: number[] = [];
  const toQemu: number[] = [];
  const numbers: Record<string, unknown> = {};
  for (const p of chosen(list)) {
    const n: number[] = [];
    const v: number[] = [];
    const q: number[] = [];
    for (let round = 0; round < rounds; round++) {
      n.push(await seconds(real(p.argv)));
      v.push(await seconds(inside(real(p.argv))));
      if (qemu && !quick) q.push(await seconds(['/usr/bin/qemu-x86_64', ...real(p.argv)]));
    }
    const pairs = sorted(v.map((x, i) => x / n[i]!));
    toNative.push(median(v) / median(n));
    toQemu.push(median(v) / median(q));
    row([p.name, show(median(n)), show(median(v)), show(median(v) / median(n)), `${show(pairs[0] ?? Number.NaN)}–${show(pairs.at(-1) ?? Number.NaN)}`, qemu && !quick ? show(median(q) / median(n)) : '-', qemu && !quick ? show(median(v) / median(q)) : '-']);
    numbers[p.name] = { native: n, inside: v, qemu: q };
  }
  row(['**geometric mean**', '', '', `**${show(geomean(toNative))}**`, '', '', toQemu.some((x) => !Number.isNaN(x)) ? `**${show(geomean(toQemu))}**` : '-']);
  raw['programs'] = numbers;
}

async function start(): Promise<void> {
  const node = join(root, 'node_modules/.bin/node');
  table('Start-up (whole command from a cold process, ms beyond `node -e 0`)', ['program', 'native', 'node -e 0', 'inside', 'beyond node']);
  const numbers: Record<string, unknown> = {};
  for (const p of chosen(START)) {
    const base: number[] = [];
    const n: number[] = [];
    const v: number[] = [];
    await seconds(inside(p.argv));
    for (let round = 0; round < rounds + 2; round++) {
      base.push((await seconds([node, '-e', '0'])) * 1000);
      n.push((await seconds(p.argv)) * 1000);
      v.push((await seconds(inside(p.argv))) * 1000);
    }
    row([p.name, show(median(n), 0), show(median(base), 0), show(median(v), 0), show(median(v) - median(base), 0)]);
    numbers[p.name] = { native: n, node: base, inside: v };
  }
  raw['start'] = numbers;
}

async function scale(): Promise<void> {
  const file = await build('scale.c', 'scale', 'gcc', '-static', '-pthread');
  const max = quick ? ['max=100'] : [];
  const n = figures((await runCommand([file, ...max], '/', 600)).stdout);
  const v = figures((await runCommand(inside([file, ...max]), '/', 600)).stdout);
  table('Scale (cost of an operation at the largest population over that at 10)', ['operation', 'population', 'native', 'inside']);
  const largest = new Map<string, number>();
  for (const key of n.keys()) largest.set(key.split('@')[0]!, Math.max(largest.get(key.split('@')[0]!) ?? 0, Number(key.split('@')[1])));
  for (const [name, population] of largest) {
    const growth = (m: Map<string, number>): number => (m.get(`${name}@${population}`) ?? Number.NaN) / (m.get(`${name}@10`) ?? Number.NaN);
    if (n.has(`${name}@10`)) row([name, String(population), show(growth(n)), show(growth(v))]);
  }
  raw['scale'] = { native: Object.fromEntries(n), inside: Object.fromEntries(v) };
}

print(`${raw['cpu']}, ${raw['cores']} cores, Node ${raw['node']}, ${rounds} rounds, ${raw['date']}`);
if (sections.includes('operations')) await operations();
if (sections.includes('programs')) await programs(PROGRAMS);
if (sections.includes('start')) await start();
if (sections.includes('scale')) await scale();
const json = option('json');
if (json) writeFileSync(json, `${JSON.stringify(raw, null, 1)}\n`);
if (flags.includes('--write')) {
  const file = join(root, 'docs/performance.md');
  const [before = '', , after = ''] = readFileSync(file, 'utf8').split(/<!-- bench -->/);
  writeFileSync(file, `${before}<!-- bench -->\n${report.join('\n')}\n<!-- bench -->${after}`);
  mkdirSync(join(root, 'docs/measurements'), { recursive: true });
  writeFileSync(join(root, `docs/measurements/${raw['date']}.json`), `${JSON.stringify(raw, null, 1)}\n`);
}
