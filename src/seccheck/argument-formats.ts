/** Arguments of system calls as text, by the type words of the syscall rows (their list is in src/syscalls/args.ts). */
import { signalName } from '../abi/signal.ts';
import type { UserMemory } from '../memory/user-memory.ts';
import { CONSTANT_FAMILIES, constantText, FLAG_FAMILIES, flagText, futexOpText, socketTypeText } from './flag-names.ts';
import { formatBuffer, formatPath, formatString, pointer } from './string-format.ts';
import { ioPriorityText, RARE_CONSTANTS, RARE_FLAGS } from './rare-formats.ts';
import { formatArray, formatSocketAddress, formatStruct, modeText, openFlagsText, STRUCTS } from './struct-formats.ts';
import type { TracedArguments } from './trace-sink.ts';

/** One argument of a row, taken apart. */
export interface ArgumentType {
  readonly word: string;
  /** What is behind the colon: a length argument's index for `buf:2`, the structure's name for `out:stat`. */
  readonly detail: string;
  /** Filled by the call: printed when it returns. */
  readonly output: boolean;
}

export interface CallSignature {
  readonly name: string;
  readonly args: readonly ArgumentType[];
  /** Type word of the result. */
  readonly result: string;
}

/** Reads the third column of a syscall row: `fd,buf:2,size=size`. */
export function parseSignature(name: string, text: string): CallSignature {
  const [list = '', result = 'int'] = text.split('=');
  const args = list
    .split(',')
    .filter((w) => w !== '' && w !== 'void')
    .map((item): ArgumentType => {
      const colon = item.indexOf(':');
      const word = colon < 0 ? item : item.slice(0, colon);
      const detail = colon < 0 ? '' : item.slice(colon + 1);
      return { word, detail, output: word === 'out' || word === 'obuf' || word === 'outarray' };
    });
  return { name, args, result };
}

const signed = (a: TracedArguments, i: number): string => String(a.lo(i));

/** Text of argument `i`. `result`: what the call returned, for what it filled in; null before it returned. */
export function formatArgument(type: ArgumentType, space: UserMemory, a: TracedArguments, i: number, result: number | null): string {
  const { word, detail } = type;
  const addr = a.addr(i);
  switch (word) {
    case 'int':
    case 'fd':
    case 'pid':
    case 'tid':
      return signed(a, i);
    case 'uid':
    case 'gid':
      return a.lo(i) === -1 ? '-1' : String(a.lo(i) >>> 0);
    case 'uint':
      return String(a.lo(i) >>> 0);
    case 'long':
      return String(a.long(i));
    case 'ulong':
    case 'size':
    case 'off':
      return String(addr);
    case 'hex':
      return addr === 0 ? '0' : pointer(addr);
    case 'addr':
      return pointer(addr);
    case 'dirfd':
      return a.lo(i) === -100 ? 'AT_FDCWD' : signed(a, i);
    case 'path':
      return formatPath(space, addr);
    case 'str':
      return formatString(space, addr);
    case 'buf':
      return formatBuffer(space, addr, a.addr(Number(detail)));
    case 'obuf':
      return result === null || result < 0 ? pointer(addr) : formatBuffer(space, addr, result);
    case 'openflags':
      return openFlagsText(a.lo(i));
    case 'mode':
      return modeText(a.lo(i));
    case 'signal':
    case 'sig':
      return signalName(a.lo(i));
    case 'prot':
      return flagText(FLAG_FAMILIES['prot'] ?? [], a.lo(i), 'PROT_NONE');
    case 'accessmode':
      return flagText(FLAG_FAMILIES['accessmode'] ?? [], a.lo(i), 'F_OK');
    case 'cloneflags': {
      const flags = a.lo(i);
      const names = flagText(FLAG_FAMILIES['cloneflags'] ?? [], flags & ~0xff, '');
      const signal = flags & 0xff ? signalName(flags & 0xff) : '';
      return [names, signal].filter(Boolean).join('|') || '0';
    }
    case 'ioctl':
      return `0x${(a.lo(i) >>> 0).toString(16)}`;
    case 'futexop':
      return futexOpText(a.lo(i));
    case 'socktype':
      return socketTypeText(a.lo(i));
    case 'pollfds':
      return formatArray(space, addr, a.addr(Number(detail)), 'pollfd');
    case 'cloneargs':
      return formatStruct(space, addr, 'clone_args');
    case 'openhow':
      return formatStruct(space, addr, 'open_how');
    case 'argv':
      return formatStringArray(space, addr);
    case 'envp':
      return `${pointer(addr)} /* ${countPointers(space, addr)} vars */`;
    case 'sockaddr':
      return formatSocketAddress(space, addr, a.lo(Number(detail)));
    case 'array':
    case 'outarray': {
      const [name = '', count = ''] = detail.split(':');
      if (count === 'result') return result === null || result < 0 ? pointer(addr) : formatArray(space, addr, result, name);
      return formatArray(space, addr, a.addr(Number(count)), name);
    }
    case 'sigset':
      return formatStruct(space, addr, 'sigset');
    case 'out':
      if (detail === 'wstatus' && result !== null && result > 0) return formatStruct(space, addr, detail);
      return result === null || result < 0 || (detail === 'wstatus' && result === 0) ? pointer(addr) : formatStruct(space, addr, detail);
    default:
      break;
  }
  if (word === 'ioprio') return ioPriorityText(a.lo(i));
  const flags = FLAG_FAMILIES[word] ?? RARE_FLAGS[word];
  if (flags !== undefined) return flagText(flags, a.lo(i));
  const constants = CONSTANT_FAMILIES[word] ?? RARE_CONSTANTS[word];
  if (constants !== undefined) return constantText(constants, a.lo(i));
  if (STRUCTS[word] !== undefined) return formatStruct(space, addr, word);
  return addr === 0 ? '0' : pointer(addr);
}

/** Text of a result that is no error. */
export function formatResult(word: string, result: number): string {
  return word === 'addr' || word === 'hex' ? (result === 0 ? '0' : pointer(result)) : String(result);
}

function readPointer(space: UserMemory, addr: number): number {
  const bytes = new Uint8Array(8);
  if (space.copyIn(addr, bytes, 0, 8) < 8) return 0;
  const view = new DataView(bytes.buffer);
  return view.getUint32(4, true) * 4294967296 + view.getUint32(0, true);
}

function formatStringArray(space: UserMemory, addr: number): string {
  if (addr === 0) return 'NULL';
  const items: string[] = [];
  for (let i = 0; ; i++) {
    const p = readPointer(space, addr + i * 8);
    if (p === 0) break;
    if (i === 32) {
      items.push('...');
      break;
    }
    items.push(formatString(space, p));
  }
  return `[${items.join(', ')}]`;
}

function countPointers(space: UserMemory, addr: number): number {
  let n = 0;
  while (addr !== 0 && readPointer(space, addr + n * 8) !== 0) n++;
  return n;
}
