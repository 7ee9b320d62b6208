/** From the options of `do` and `rootfs` to the options of a sandbox. */
import { statSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { MountMode, MountSpec, RootSource, SandboxOptions, UserSpec } from '../../src/sandbox/options.ts';
import type { OptionSpec, ParsedArguments } from './arguments.ts';
import { parseBytes, parseDuration, UsageError } from './arguments.ts';
import { callerUser, inherited, isOwnVariable } from './caller.ts';
import { environment, utf8Bytes } from './host-bytes.ts';
import { BUILD } from './version.ts';

type OptionName = 'cache' | 'no-cache' | 'mount' | 'env' | 'no-env' | 'workdir' | 'user' | 'hostname' | 'memory' | 'cpus' | 'timeout' | 'strace' | 'profile' | 'stats';

export const sandboxOptions: Readonly<Record<OptionName, OptionSpec>> = {
  mount: { kind: 'value', placeholder: 'HOST:GUEST[:ro|rw|cow]', help: 'let the guest see HOST at GUEST: read-only (ro, the default), writes reach\nthe host (rw), or writes are thrown away (cow)' },
  env: { kind: 'value', placeholder: 'NAME=VALUE', short: 'e', help: 'set a variable; NAME alone removes it' },
  'no-env': { kind: 'flag', help: "start from an empty environment instead of the caller's" },
  workdir: { kind: 'value', placeholder: 'DIR', short: 'w', help: "working directory inside (the caller's)" },
  user: { kind: 'value', placeholder: 'USER[:GROUP]', short: 'u', help: "user and group, by name or number (the caller's)" },
  hostname: { kind: 'value', placeholder: 'NAME', help: "host name inside (the host's)" },
  memory: { kind: 'value', placeholder: 'SIZE', short: 'm', help: 'memory the guest may use, as 512M or 2G' },
  cpus: { kind: 'value', placeholder: 'N', help: "virtual CPUs inside, 1 to 32 (the host's number); they take turns on one of its cores" },
  timeout: { kind: 'value', placeholder: 'TIME', help: 'kill everything inside after this time, as 10, 500ms, 2m; exit status 124' },
  strace: { kind: 'optional', placeholder: '[=FILE]', help: 'print system calls as strace -f does, to standard error or FILE' },
  profile: { kind: 'value', placeholder: 'FILE', help: "write a CPU profile of guest functions, translator and kernel to FILE\n(.cpuprofile: for speedscope or a browser's developer tools)" },
  cache: { kind: 'value', placeholder: 'DIR', help: 'keep translated code for the next run in DIR ($XDG_CACHE_HOME/vivarium)' },
  'no-cache': { kind: 'flag', help: 'neither use nor keep translated code of other runs' },
  stats: { kind: 'flag', help: 'at the end, print to standard error what was run and what it took' },
};

function last(parsed: ParsedArguments, name: OptionName): string | undefined {
  return parsed.options.get(name)?.at(-1);
}

function parseMount(text: string): MountSpec {
  const parts = text.split(':');
  const mode = parts.length > 2 ? (parts.pop() as string) : 'ro';
  if (mode !== 'ro' && mode !== 'rw' && mode !== 'cow') throw new UsageError(`--mount ${text}: the mode is ro, rw or cow, not ${mode}`);
  const [host = '', guest = host] = parts;
  if (parts.length > 2 || host === '') throw new UsageError(`--mount ${text}: it is HOST:GUEST or HOST:GUEST:MODE`);
  if (!guest.startsWith('/')) throw new UsageError(`--mount ${text}: the path inside (${guest}) must start with /`);
  try {
    statSync(host);
  } catch (error) {
    throw new UsageError(`--mount ${text}: ${host} on the host: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file or directory' : (error as Error).message}`);
  }
  return { host: resolve(host), guest, mode: mode as MountMode };
}

/** The caller's environment with --no-env and --env applied. */
function environmentOf(parsed: ParsedArguments): string[] {
  const env = new Map<string, string>();
  for (const setting of parsed.options.has('no-env') ? [] : environment().filter((e) => !isOwnVariable(e))) {
    const eq = setting.indexOf('=', 1);
    if (eq > 0) env.set(setting.slice(0, eq), setting.slice(eq + 1));
  }
  for (const setting of (parsed.options.get('env') ?? []).map(utf8Bytes)) {
    const eq = setting.indexOf('=');
    if (eq === 0) throw new UsageError(`--env ${setting}: the name is missing`);
    if (eq < 0) env.delete(setting);
    else env.set(setting.slice(0, eq), setting.slice(eq + 1));
  }
  return [...env].map(([k, v]) => `${k}=${v}`);
}

function userOf(text: string | undefined): UserSpec {
  if (text !== undefined) return { kind: 'named', text };
  return callerUser();
}

/** Where translations are kept, unless they are not wanted or there is no place: the XDG base directory specification. */
function translationsOf(parsed: ParsedArguments): Pick<SandboxOptions, 'translations'> {
  // A command that runs from its sources has no version of its own.
  if (parsed.options.has('no-cache') || BUILD === '') return {};
  const version = `${BUILD} ${process.versions.v8} ${process.arch}`;
  const own = last(parsed, 'cache');
  if (own !== undefined) return { translations: { place: resolve(own), version } };
  const base = process.env['XDG_CACHE_HOME'] ?? '';
  const home = process.env['HOME'] ?? '';
  if (base.startsWith('/')) return { translations: { place: `${base}/vivarium`, version } };
  return home.startsWith('/') ? { translations: { place: `${home}/.cache/vivarium`, version } } : {};
}

/** Reads the common options. Throws UsageError. `cwd`: the working directory without --workdir. */
export function toSandboxOptions(parsed: ParsedArguments, root: RootSource, cwd: string): SandboxOptions {
  const workdir = last(parsed, 'workdir');
  const memory = last(parsed, 'memory');
  const cpus = last(parsed, 'cpus');
  const timeout = last(parsed, 'timeout');
  const name = last(parsed, 'hostname');
  if (name !== undefined && (name === '' || name.length > 64)) throw new UsageError(`--hostname ${name}: 1 to 64 characters`);
  if (cpus !== undefined && !(Number(cpus) >= 1 && Number(cpus) <= 32 && /^\d+$/.test(cpus))) throw new UsageError(`--cpus ${cpus}: a number from 1 to 32`);
  if (workdir !== undefined && !workdir.startsWith('/')) throw new UsageError(`--workdir ${workdir}: it is a path inside and starts with /`);
  return {
    root,
    mounts: (parsed.options.get('mount') ?? []).map(parseMount),
    env: environmentOf(parsed),
    cwd: workdir ?? cwd,
    user: userOf(last(parsed, 'user')),
    hostname: name ?? hostname(),
    umask: process.umask(),
    ...inherited(),
    ...translationsOf(parsed),
    symbols: parsed.options.has('profile'),
    ...(memory === undefined ? {} : { memory: parseBytes('--memory', memory) }),
    ...(cpus === undefined ? {} : { cpus: Number(cpus) }),
    ...(timeout === undefined ? {} : { timeout: parseDuration('--timeout', timeout) }),
  };
}
