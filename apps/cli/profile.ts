/**
 * `--profile`: the JavaScript engine's CPU profiler over the whole run. Translated code carries the names of guest functions, guest calls are
 * WebAssembly calls, and so one call tree holds guest functions, the translator, the kernel's handlers and the file systems.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { type Profiler as Inspector, type Runtime, Session } from 'node:inspector';
import { SourceMap } from 'node:module';

/** Time between two samples, in microseconds. */
const INTERVAL_US = 200;
/** Lines of the summary's list of functions. */
const TOP = 12;


/** First match wins: where a sample's frame is from, and what the summary calls it. */
const PARTS: readonly (readonly [RegExp, string])[] = [
  [/^guest:/, 'guest code'],
  [/\/src\/(x86|wasm)\/|\/src\/platform\/(region|translator|control-flow|data-flow|expression|flags-emitter|module-assembler|code-cache)/, 'translator'],
  [/\/src\/platform\//, 'platform (slow paths of guest code)'],
  [/\/src\/fs\/|\/src\/vfs\//, 'file systems'],
  [/\/src\/memory\//, 'memory'],
  [/\/src\/net\//, 'network'],
  [/\/src\/host\/|^node:/, 'host'],
  [/\/src\//, 'kernel'],
];

export class Profiler {
  private readonly file: string;
  private readonly session = new Session();

  /** Starts at once; `file`: where the profile goes. */
  constructor(file: string) {
    this.file = file;
    this.session.connect();
    this.session.post('Profiler.enable');
    this.session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US });
    this.session.post('Profiler.start');
  }

  /** Stops, writes the file, and returns a summary in words. */
  finish(): string {
    let profile: Inspector.Profile | null = null;
    // The session is on this thread: the answer comes before post returns.
    this.session.post('Profiler.stop', (error, answer) => {
      if (error === null) profile = answer.profile;
    });
    this.session.disconnect();
    if (profile === null) return 'vivarium: the profiler gave no profile\n';
    const sources = sourceMap();
    for (const { callFrame } of (profile as Inspector.Profile).nodes) locate(callFrame, sources);
    writeFileSync(this.file, JSON.stringify(profile));
    return summary(profile, this.file);
  }
}

/** The bundle's source map, null when running from the sources. */
function sourceMap(): SourceMap | null {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${process.argv[1]}.map`, 'utf8')));
  } catch {
    return null;
  }
}

/** Puts the guest's file in place of a WebAssembly module's number, and the source in place of the bundle. */
function locate(frame: Runtime.CallFrame, sources: SourceMap | null): void {
  if (frame.url.startsWith('wasm://')) {
    const m = /^(.*) \[(.*)\]$/.exec(frame.functionName);
    frame.url = m === null && !frame.functionName.startsWith('[') ? 'wasm/src/platform/runtime.ts' : `guest:${m?.[2] ?? frame.functionName}`;
    return;
  }
  if (sources === null || frame.url === '' || !frame.url.endsWith('.cjs')) return;
  const entry = sources.findEntry(frame.lineNumber, frame.columnNumber);
  if (!('originalSource' in entry)) return;
  frame.url = entry.originalSource.replace(/^(\.\.\/)+/, '/');
  frame.lineNumber = entry.originalLine;
  frame.columnNumber = entry.originalColumn;
}

function summary(profile: Inspector.Profile, file: string): string {
  const frames = new Map(profile.nodes.map((n) => [n.id, n.callFrame]));
  const parts = new Map<string, number>();
  const functions = new Map<string, number>();
  let total = 0;
  profile.samples?.forEach((id, i) => {
    const us = profile.timeDeltas?.[i] ?? 0;
    const frame = frames.get(id);
    if (frame === undefined || frame.functionName === '(idle)') return;
    const part = PARTS.find(([pattern]) => pattern.test(frame.url))?.[1] ?? (frame.functionName === '(garbage collector)' ? 'garbage collector' : 'engine (compiler, start)');
    total += us;
    parts.set(part, (parts.get(part) ?? 0) + us);
    functions.set(frame.functionName, (functions.get(frame.functionName) ?? 0) + us);
  });
  const lines = (shares: ReadonlyMap<string, number>, most: number): string =>
    [...shares].sort((a, b) => b[1] - a[1]).slice(0, most).map(([name, us]) => `  ${((100 * us) / total).toFixed(1).padStart(5)} %  ${(us / 1000).toFixed(0).padStart(7)} ms  ${name}\n`).join('');
  return `vivarium: ${(total / 1e6).toFixed(2)} s of processor time, the whole profile is in ${file}\n${lines(parts, parts.size)}\n${lines(functions, TOP)}`;
}
