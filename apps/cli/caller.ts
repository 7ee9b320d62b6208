/** What the caller of this process gave it, to be given to the first process inside: ids, capabilities, limits, niceness, ignored signals. */
import { readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import type { CapabilitySets, LimitSpec, SandboxOptions, UserSpec } from '../../src/sandbox/options.ts';

/** Names in /proc/PID/limits, by RLIMIT_ number. */
const LIMIT_NAMES: readonly string[] = [
  'cpu time', 'file size', 'data size', 'stack size', 'core file size', 'resident set', 'processes', 'open files', 'locked memory', 'address space',
  'file locks', 'pending signals', 'msgqueue size', 'nice priority', 'realtime priority', 'realtime timeout',
];
const RLIMIT_STACK = 3;
const RLIMIT_NOFILE = 7;

/** The lines of a file of /proc/self, none where there is no Linux. */
function linesOf(file: string): string[] {
  try {
    return readFileSync(`/proc/self/${file}`, 'latin1').split('\n');
  } catch {
    return [];
  }
}

/** bin/vivarium writes down what Node changes at its start: "ignored signals (hexadecimal):soft limit of open files". */
const HANDED_OVER = 'VIVARIUM_CALLER';

function handedOver(): { ignored: string; openFiles: string } {
  const [ignored = '', openFiles = ''] = (process.env[HANDED_OVER] ?? '').split(':');
  return { ignored, openFiles };
}

/** True for variables that are between bin/vivarium and us. */
export const isOwnVariable = (setting: string): boolean => setting.startsWith(`${HANDED_OVER}=`) || setting.startsWith('NODE_COMPILE_CACHE=');

function capabilitySets(status: ReadonlyMap<string, string>): CapabilitySets | undefined {
  const words = (name: string): readonly [number, number] => {
    const text = (status.get(name) ?? '').padStart(16, '0');
    return [Number.parseInt(text.slice(8), 16) | 0, Number.parseInt(text.slice(0, 8), 16) | 0];
  };
  if (!status.has('CapEff')) return undefined;
  return { inheritable: words('CapInh'), permitted: words('CapPrm'), effective: words('CapEff'), bounding: words('CapBnd'), ambient: words('CapAmb') };
}

function limitSpecs(openFiles: string): LimitSpec[] {
  const value = (text: string | undefined): number => (text === undefined || text === 'unlimited' ? Infinity : Number(text));
  const specs: LimitSpec[] = [];
  for (const line of linesOf('limits')) {
    const m = /^Max (.+?) {2,}(\S+) +(\S+)/.exec(line);
    const resource = m === null ? -1 : LIMIT_NAMES.indexOf(m[1] ?? '');
    if (m === null || resource < 0) continue;
    const hard = value(m[3]);
    const soft = resource === RLIMIT_NOFILE && /^\d+$/.test(openFiles) ? Number(openFiles) : value(m[2]);
    // The stack limit bounds guest memory, and what is unlimited natively is the usual size inside.
    specs.push({ resource, soft: resource === RLIMIT_STACK && soft === Infinity ? 8 << 20 : soft, hard });
  }
  return specs;
}

/** Ids and capabilities of the caller. */
export function callerUser(): UserSpec {
  const status = new Map(linesOf('status').map((line) => line.split(':\t', 2) as [string, string]));
  // Node's getgroups() adds the effective group, which need not be in the list.
  const own = status.get('Groups')?.trim();
  const groups = own === undefined ? (process.getgroups?.() ?? []) : own === '' ? [] : own.split(/\s+/).map(Number);
  const ids = { kind: 'ids', uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, groups } as const;
  const capabilities = capabilitySets(status);
  return capabilities === undefined ? ids : { ...ids, capabilities };
}

/** Everything else that is inherited. */
export function inherited(): Pick<SandboxOptions, 'limits' | 'nice' | 'ignoredSignals'> {
  const { ignored, openFiles } = handedOver();
  const set = /^[0-9a-f]+$/.test(ignored) ? BigInt(`0x${ignored}`) : 0n;
  const ignoredSignals: number[] = [];
  for (let signo = 1; signo <= 64; signo++) if ((set >> BigInt(signo - 1)) & 1n) ignoredSignals.push(signo);
  return { limits: limitSpecs(openFiles), nice: getPriority(), ignoredSignals };
}
