/** Command lines: options up to `--` or the first word that is none, then the guest's own words, untouched. */
import { parseArgs } from 'node:util';

/** A mistake in the command line: a message for the user, who is then told about --help. Exit status 125. */
export class UsageError extends Error {}

/** `flag` takes no value, `value` needs one, `optional` takes one only as `--name=VALUE`. */
export interface OptionSpec {
  readonly kind: 'flag' | 'value' | 'optional';
  /** Stands for the value in the help; `[=FILE]` for an optional one. */
  readonly placeholder?: string;
  readonly short?: string;
  readonly help: string;
}

export interface ParsedArguments {
  /** Values by option, in the order given; a flag and an optional value that is absent give ''. */
  readonly options: ReadonlyMap<string, readonly string[]>;
  readonly words: readonly string[];
}

/** Splits `argv` by `specs`. Throws UsageError for an unknown option, a value that is missing, or one too many. */
export function parseArguments(argv: readonly string[], specs: Readonly<Record<string, OptionSpec>>): ParsedArguments {
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    tokens: true,
    options: Object.fromEntries(
      Object.entries(specs).map(([name, s]) => [name, { type: s.kind === 'value' ? 'string' : 'boolean', ...(s.short ? { short: s.short } : {}) } as const]),
    ),
  });
  const options = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === 'positional') return { options, words: argv.slice(token.index) };
    if (token.kind === 'option-terminator') return { options, words: argv.slice(token.index + 1) };
    const spec = specs[token.name];
    if (spec === undefined) throw new UsageError(`unknown option ${token.rawName}`);
    if (spec.kind === 'value' && (token.value === undefined || (!token.inlineValue && token.value === '--'))) {
      throw new UsageError(`option ${token.rawName} needs a value: ${token.rawName} ${spec.placeholder ?? 'VALUE'}`);
    }
    if (spec.kind === 'flag' && token.inlineValue) throw new UsageError(`option ${token.rawName} takes no value`);
    const value = token.value ?? '';
    const before = options.get(token.name);
    if (before) before.push(value);
    else options.set(token.name, [value]);
  }
  return { options, words: [] };
}

/** The option lines of a help text. */
export function describeOptions(specs: Readonly<Record<string, OptionSpec>>): string {
  const rows = Object.entries(specs).map(([name, s]) => {
    const short = s.short ? `-${s.short}, ` : '';
    const value = s.placeholder === undefined ? '' : s.kind === 'optional' ? s.placeholder : ` ${s.placeholder}`;
    return [`  ${short}--${name}${value}`, s.help] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return rows.map(([left, help]) => left.padEnd(width) + help.replaceAll('\n', `\n${' '.repeat(width)}`)).join('\n');
}

/** Bytes from `512`, `64k`, `1.5G`, `2GiB`. Throws UsageError. */
export function parseBytes(option: string, text: string): number {
  const m = /^(\d+(?:\.\d+)?)([kmgt]?)(?:i?b)?$/i.exec(text);
  if (!m) throw new UsageError(`${option} ${text}: a size is a number with k, M or G behind it, as in 512M`);
  const shift = { '': 0, k: 10, m: 20, g: 30, t: 40 }[m[2]?.toLowerCase() ?? ''] ?? 0;
  return Math.floor(Number(m[1]) * 2 ** shift);
}

/** Nanoseconds from `10`, `1.5s`, `500ms`, `2m`, `1h`. Throws UsageError. */
export function parseDuration(option: string, text: string): number {
  const m = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|)$/.exec(text);
  if (!m) throw new UsageError(`${option} ${text}: a time is a number of seconds, or one with ms, s, m or h behind it`);
  const unit = { ms: 1e6, s: 1e9, '': 1e9, m: 60e9, h: 3600e9, d: 86400e9 }[m[2] ?? ''] ?? 1e9;
  return Number(m[1]) * unit;
}
