/**
 * The tables of docs/process-model.md, from the code: the flags of clone and its like, and the kinds of namespace. Without words it writes the page
 * between its marks anew; `--check` fails if that would change it.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as clone from '../src/abi/clone.ts';
import { NAMESPACE_KINDS } from '../src/fs/nsfs/nsfs.ts';
import { NSPROXY_FLAGS } from '../src/kernel/namespaces.ts';
import { UNSHARE_FLAGS } from '../src/kernel/unshare.ts';

const root = `${import.meta.dirname}/..`;
const page = join(root, 'docs/process-model.md');
const BEGIN = (name: string): string => `<!-- ${name}: npm run process-model -->`;
const END = '<!-- end -->';

const text = (file: string): string => readFileSync(join(root, file), 'utf8');
const sources = globSync('src/{kernel,syscalls}/*.ts', { cwd: root }).filter((f) => !f.endsWith('.test.ts')).sort();
const tests = [...globSync('test/oracle/**/*.c', { cwd: root }), 'test/matrix/matrix.c'].sort();
const contents = new Map([...sources, ...tests].map((f) => [f, text(f)]));

/** The comment before each flag in abi/clone.ts. */
function flags(): { name: string; value: number; high: boolean; meaning: string }[] {
  const found = [];
  for (const m of text('src/abi/clone.ts').matchAll(/\/\*\* ([^*]*) \*\/\nexport const (CLONE_(?!NEW_MASK|ARGS)\w+)/g)) {
    const constant = m[2]!;
    const value = (clone as unknown as Record<string, number>)[constant]! >>> 0;
    found.push({ name: constant.replace(/_HI$/, ''), value, high: constant.endsWith('_HI'), meaning: m[1]!.trim() });
  }
  return found;
}

/** Files that use a flag beyond importing it, as links. */
function users(name: string): string {
  const used = sources.filter((f) => new RegExp(`[^\\w]${name}(_HI)?[^\\w,]|${name}(_HI)?\\)`).test(contents.get(f)!.replace(/^import [^;]*;/gm, '')));
  return used.map((f) => `\`${f.slice(f.lastIndexOf('/') + 1)}\``).join(' ');
}
const tested = (name: string): number => tests.filter((f) => contents.get(f)!.includes(name)).length;

export function flagTable(): string {
  const rows = flags().map(({ name, value, high, meaning }) => {
    const bit = high ? `${value.toString(16)}:00000000` : value.toString(16).padStart(8, '0');
    const inClone = high || name === 'CLONE_NEWTIME' ? '' : 'x';
    const inClone3 = name === 'CLONE_DETACHED' ? '' : 'x';
    const inUnshare = !high && (UNSHARE_FLAGS & value) !== 0 ? 'x' : '';
    const inSetns = !high && ((NSPROXY_FLAGS | clone.CLONE_NEWUSER) & value) !== 0 ? 'x' : '';
    const where = users(name);
    return `| ${name} | ${bit} | ${inClone} | ${inClone3} | ${inUnshare} | ${inSetns} | ${meaning} | ${where === '' ? '**nowhere**' : where} | ${tested(name)} |`;
  });
  return ['| flag | bit | clone | clone3 | unshare | setns | what it asks for | where | tests |', '|---|---|---|---|---|---|---|---|---|', ...rows].join('\n');
}

/** The file of the class of a kind, and what its first comment says. */
function home(kind: string): string {
  const words: Readonly<Record<string, string>> = { mnt: 'mount', net: 'network' };
  const files = globSync(`src/{auth,kernel,vfs,net}/${words[kind] ?? kind}-namespace.ts`, { cwd: root });
  const file = files[0] ?? globSync(`src/kernel/${kind}-namespace*.ts`, { cwd: root })[0] ?? 'src/kernel/nsproxy.ts';
  const comment = files[0] === undefined ? (/\/\*\* (A cgroup namespace[^*]*)\*\//.exec(text(file))?.[1] ?? '') : (/^\/\*\*\s*([\s\S]*?)\*\//.exec(text(file))?.[1] ?? '');
  return `${comment.replace(/\s*\n \* ?/g, ' ').split('. ')[0]!.replace(/[.\s]*$/, '')} | \`${file}\``;
}

export function namespaceTable(): string {
  const names = new Map(flags().map((f) => [f.value, f.name]));
  const limits = text('src/fs/proc/sysctl/sysctl-entries.ts');
  const rows = Object.entries(NAMESPACE_KINDS).map(([kind, flag]) => {
    const limit = `max_${kind}_namespaces`;
    return `| ${kind} | ${names.get(flag >>> 0)} | ${home(kind)} | ${limits.includes(limit) ? `\`${limit}\`` : '**none**'} |`;
  });
  return ['| kind | flag | what it is | where | limit in /proc/sys/user |', '|---|---|---|---|---|', ...rows].join('\n');
}

/** The page with its tables made anew. */
export function renewed(old: string): string {
  let page = old;
  for (const [name, table] of [['flags', flagTable()], ['namespaces', namespaceTable()]] as const) {
    const from = page.indexOf(BEGIN(name));
    const to = page.indexOf(END, from);
    if (from < 0 || to < 0) throw new Error(`docs/process-model.md has no marks for ${name}`);
    page = `${page.slice(0, from)}${BEGIN(name)}\n${table}\n${page.slice(to)}`;
  }
  return page;
}

if (import.meta.main) {
  const old = readFileSync(page, 'utf8');
  const now = renewed(old);
  if (!process.argv.includes('--check')) writeFileSync(page, now);
  else if (now !== old) {
    console.error('docs/process-model.md is not what the code says: npm run process-model');
    process.exit(1);
  }
}
