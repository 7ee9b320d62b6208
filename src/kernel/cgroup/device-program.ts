/**
 * eBPF programs that decide about a control group's devices (BPF_PROG_TYPE_CGROUP_DEVICE): checked and run. They see three words (access and kind, major,
 * minor) and have no maps, helpers, stack or loops here; what asks for more is refused as by a verifier. Linux kernel/bpf/verifier.c, kernel/bpf/cgroup.c.
 */
import { EACCES, EINVAL, type Errno } from '../../abi/errno.ts';

/** Classes and modes of an opcode. */
const CLASS_MASK = 0x07, LDX = 0x01, ALU = 0x04, JMP = 0x05, JMP32 = 0x06, ALU64 = 0x07;
const MODE_MASK = 0xe0, MODE_MEM = 0x60, SIZE_MASK = 0x18, SIZE_W = 0x00, SIZE_H = 0x08, SIZE_B = 0x10;
const SOURCE_REGISTER = 0x08;
/** Operations of the arithmetic classes. */
const ADD = 0x00, SUB = 0x10, MUL = 0x20, OR = 0x40, AND = 0x50, LSH = 0x60, RSH = 0x70, NEG = 0x80, XOR = 0xa0, MOV = 0xb0, ARSH = 0xc0;
const ARITHMETIC: ReadonlySet<number> = new Set([ADD, SUB, MUL, OR, AND, LSH, RSH, NEG, XOR, MOV, ARSH]);
/** Jumps. */
const JA = 0x00, JEQ = 0x10, JGT = 0x20, JGE = 0x30, JSET = 0x40, JNE = 0x50, JSGT = 0x60, JSGE = 0x70, EXIT = 0x90, JLT = 0xa0, JLE = 0xb0, JSLT = 0xc0, JSLE = 0xd0;
const CONDITIONS: ReadonlySet<number> = new Set([JEQ, JGT, JGE, JSET, JNE, JSGT, JSGE, JLT, JLE, JSLT, JSLE]);
/** Registers that a program may use: r10 is the stack's, which there is none of. */
const REGISTERS = 10;
/** struct bpf_cgroup_dev_ctx: access_type (access << 16 | kind), major, minor. Bytes. */
const CONTEXT_SIZE = 12;
const U64 = 0xffffffffffffffffn;

/** One instruction. */
interface Instruction {
  readonly code: number;
  readonly dst: number;
  readonly src: number;
  readonly off: number;
  readonly imm: number;
}

/** What a register holds: nothing, the context's address, or a number that is at most this (unsigned). */
type Kind = 'none' | 'context' | number;
/** Nothing is known of the number. */
const ANY = Infinity;
/** What a program may return at most: 1 = allowed. */
const MAX_RESULT = 1;
const isNumber = (kind: Kind | undefined): boolean => typeof kind === 'number';

/** Kinds of device and of access, as the programs see them. */
export const DEVICE_BLOCK = 1, DEVICE_CHAR = 2;
export const ACCESS_MKNOD = 1, ACCESS_READ = 2, ACCESS_WRITE = 4;

export class DeviceProgram {
  readonly id: number;
  /** BPF_PROG_TYPE_CGROUP_DEVICE; false: of another type, which cannot be attached here. */
  readonly forDevices: boolean;
  /** Descriptors and attachments; ids of programs that nothing holds are not found. */
  holders = 0;
  private readonly code: readonly Instruction[];
  private constructor(id: number, forDevices: boolean, code: readonly Instruction[]) {
    this.id = id;
    this.forDevices = forDevices;
    this.code = code;
  }

  /** The program in `bytes`, 8 an instruction. One that is not for devices may look at nothing. EINVAL for what is no instruction, EACCES for what may not be done. */
  static load(id: number, forDevices: boolean, bytes: Uint8Array): DeviceProgram | Errno {
    const v = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const code: Instruction[] = [];
    for (let at = 0; at < bytes.length; at += 8) {
      const registers = v.getUint8(at + 1);
      code.push({ code: v.getUint8(at), dst: registers & 15, src: registers >> 4, off: v.getInt16(at + 2, true), imm: v.getInt32(at + 4, true) });
    }
    const bad = check(code, forDevices ? CONTEXT_SIZE : 0);
    return bad !== 0 ? bad : new DeviceProgram(id, forDevices, code);
  }

  /** True if the program allows the access: it returns a number whose lowest bit is set. */
  allows(kind: number, major: number, minor: number, access: number): boolean {
    const r: bigint[] = new Array<bigint>(REGISTERS).fill(0n);
    const context = new DataView(new ArrayBuffer(CONTEXT_SIZE));
    context.setUint32(0, (access << 16) | kind, true);
    context.setUint32(4, major, true);
    context.setUint32(8, minor, true);
    for (let pc = 0; ; pc++) {
      const i = this.code[pc]!; // checked: every way ends with an exit
      const group = i.code & CLASS_MASK;
      if (group === LDX) {
        const size = i.code & SIZE_MASK;
        r[i.dst] = BigInt(size === SIZE_W ? context.getUint32(i.off, true) : size === SIZE_H ? context.getUint16(i.off, true) : context.getUint8(i.off));
        continue;
      }
      const wide = group === ALU64 || group === JMP;
      const operand = i.code & SOURCE_REGISTER ? r[i.src]! : BigInt.asUintN(64, BigInt(i.imm)); // registers were checked
      const y = wide ? operand : operand & 0xffffffffn;
      const x = wide ? r[i.dst]! : r[i.dst]! & 0xffffffffn; // as above
      const operation = i.code & 0xf0;
      if (group === ALU || group === ALU64) r[i.dst] = compute(operation, x, y, wide);
      else if (operation === EXIT) return (r[0]! & 1n) !== 0n; // always there
      else if (operation === JA || holds(operation, x, y, wide)) pc += i.off;
    }
  }
}

function compute(operation: number, x: bigint, y: bigint, wide: boolean): bigint {
  const bits = wide ? 64 : 32;
  const shift = y & BigInt(bits - 1);
  const value = (): bigint => {
    switch (operation) {
      case ADD:
        return x + y;
      case SUB:
        return x - y;
      case MUL:
        return x * y;
      case OR:
        return x | y;
      case AND:
        return x & y;
      case LSH:
        return x << shift;
      case RSH:
        return x >> shift;
      case NEG:
        return -x;
      case XOR:
        return x ^ y;
      case ARSH:
        return BigInt.asIntN(bits, x) >> shift;
      default:
        return y;
    }
  };
  return BigInt.asUintN(bits, value()) & U64;
}

function holds(operation: number, x: bigint, y: bigint, wide: boolean): boolean {
  const signed = (n: bigint): bigint => BigInt.asIntN(wide ? 64 : 32, n);
  switch (operation) {
    case JEQ:
      return x === y;
    case JNE:
      return x !== y;
    case JGT:
      return x > y;
    case JGE:
      return x >= y;
    case JLT:
      return x < y;
    case JLE:
      return x <= y;
    case JSET:
      return (x & y) !== 0n;
    case JSGT:
      return signed(x) > signed(y);
    case JSGE:
      return signed(x) >= signed(y);
    case JSLT:
      return signed(x) < signed(y);
    default:
      return signed(x) <= signed(y);
  }
}

/** Follows every way through the program once: jumps go forward, so an instruction's registers are known when it is reached. */
function check(code: readonly Instruction[], contextSize: number): 0 | Errno {
  const states: (Kind[] | null)[] = new Array<Kind[] | null>(code.length).fill(null);
  const reach = (at: number, from: readonly Kind[]): 0 | Errno => {
    if (at >= code.length) return EINVAL; // runs over the end
    const old = states[at];
    if (old === null || old === undefined) states[at] = from.slice();
    else from.forEach((kind, i) => (old[i] = join(old[i]!, kind))); // same length
    return 0;
  };
  const start = new Array<Kind>(REGISTERS).fill('none');
  start[1] = 'context';
  if (reach(0, start) !== 0) return EINVAL;
  for (let pc = 0; pc < code.length; pc++) {
    const s = states[pc];
    if (s === null || s === undefined) return EINVAL; // an instruction that cannot be reached
    const r = step(code[pc]!, s, pc, contextSize, reach); // in range
    if (r !== 0) return r;
  }
  return 0;
}

/** What is known of a register that two ways lead to. */
function join(a: Kind, b: Kind): Kind {
  if (typeof a === 'number' && typeof b === 'number') return Math.max(a, b);
  return a === b ? a : 'none';
}

function step(i: Instruction, s: Kind[], pc: number, contextSize: number, reach: (at: number, from: readonly Kind[]) => 0 | Errno): 0 | Errno {
  if (i.dst >= REGISTERS || i.src >= REGISTERS) return i.dst > REGISTERS || i.src > REGISTERS ? EINVAL : EACCES;
  const group = i.code & CLASS_MASK;
  const operation = i.code & 0xf0;
  const fromRegister = (i.code & SOURCE_REGISTER) !== 0;
  if (group === LDX) {
    const size = i.code & SIZE_MASK;
    const bytes = size === SIZE_W ? 4 : size === SIZE_H ? 2 : size === SIZE_B ? 1 : 8;
    if ((i.code & MODE_MASK) !== MODE_MEM) return EINVAL;
    if (s[i.src] !== 'context' || i.off < 0 || i.off + bytes > contextSize || i.off % bytes !== 0) return EACCES;
    // Parts of a word only of the first.
    if (bytes > 4 || (bytes < 4 && i.off >= 4)) return EACCES;
    s[i.dst] = 2 ** (bytes * 8) - 1;
    return reach(pc + 1, s);
  }
  if (group === ALU || group === ALU64) {
    if (!ARITHMETIC.has(operation)) return EINVAL;
    const source: Kind = fromRegister ? s[i.src]! : i.imm >= 0 ? i.imm : ANY; // in range
    if (source === 'none') return EACCES;
    if (operation === MOV) {
      if (source === 'context' && group === ALU) return EACCES;
      s[i.dst] = source;
    } else {
      const old = s[i.dst]!; // in range
      if (typeof old !== 'number' || typeof source !== 'number') return EACCES;
      s[i.dst] = operation === AND ? Math.min(old, source) : ANY;
    }
    return reach(pc + 1, s);
  }
  if (group !== JMP && group !== JMP32) return EINVAL;
  if (operation === EXIT && group === JMP) return s[0] === 'none' ? EACCES : typeof s[0] === 'number' && s[0] <= MAX_RESULT ? 0 : EINVAL;
  if (i.off < 0) return EINVAL; // a loop
  if (operation === JA && group === JMP) return reach(pc + 1 + i.off, s);
  if (!CONDITIONS.has(operation)) return EINVAL;
  if (!isNumber(s[i.dst]) || (fromRegister && !isNumber(s[i.src]))) return EACCES;
  return reach(pc + 1 + i.off, s) || reach(pc + 1, s);
}
