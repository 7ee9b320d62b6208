/** Classic BPF: programs of seccomp (32-bit loads from struct seccomp_data) and of sockets. Linux net/core/filter.c, kernel/seccomp.c. */
const BPF_LD = 0, BPF_LDX = 1, BPF_ST = 2, BPF_STX = 3, BPF_ALU = 4, BPF_JMP = 5, BPF_RET = 6, BPF_MISC = 7;
const BPF_W = 0, BPF_LEN = 0x80, BPF_ABS = 0x20, BPF_IMM = 0, BPF_MEM = 0x60, BPF_A = 0x10, BPF_K = 0, BPF_X = 8, BPF_TAX = 0, BPF_TXA = 0x80;
const BPF_ADD = 0, BPF_SUB = 0x10, BPF_MUL = 0x20, BPF_DIV = 0x30, BPF_OR = 0x40, BPF_AND = 0x50, BPF_LSH = 0x60, BPF_RSH = 0x70, BPF_NEG = 0x80, BPF_XOR = 0xa0;
const BPF_JA = 0, BPF_JEQ = 0x10, BPF_JGT = 0x20, BPF_JGE = 0x30, BPF_JSET = 0x40;
const MEMWORDS = 16;
/** sizeof(struct seccomp_data). */
export const SECCOMP_DATA_SIZE = 64;

const ALLOWED: ReadonlySet<number> = new Set([
  BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_W | BPF_LEN, BPF_LDX | BPF_W | BPF_LEN, BPF_RET | BPF_K, BPF_RET | BPF_A, BPF_LD | BPF_IMM, BPF_LDX | BPF_IMM,
  BPF_MISC | BPF_TAX, BPF_MISC | BPF_TXA, BPF_LD | BPF_MEM, BPF_LDX | BPF_MEM, BPF_ST, BPF_STX, BPF_JMP | BPF_JA, BPF_ALU | BPF_NEG,
  ...[BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND, BPF_LSH, BPF_RSH, BPF_XOR].flatMap((op) => [BPF_ALU | op | BPF_K, BPF_ALU | op | BPF_X]),
  ...[BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET].flatMap((op) => [BPF_JMP | op | BPF_K, BPF_JMP | op | BPF_X]),
]);

/** Checks a program: pairs of words (code | jt << 16 | jf << 24, k). False = EINVAL. */
export function validateBpf(p: Int32Array): boolean {
  const n = p.length / 2;
  // Which memory words are surely written when each instruction is reached.
  const written: number[] = new Array<number>(n).fill(0xffff);
  let valid = 0;
  for (let i = 0; i < n; i++) {
    const word = p[i * 2]!; // in range, as below
    const k = p[i * 2 + 1]! >>> 0;
    const code = word & 0xffff;
    const jt = (word >>> 16) & 0xff;
    const jf = word >>> 24;
    if (!ALLOWED.has(code)) return false;
    valid &= written[i]!;
    const cls = code & 7;
    if (code === (BPF_LD | BPF_W | BPF_ABS) && (k >= SECCOMP_DATA_SIZE || k & 3)) return false;
    if ((code === (BPF_ALU | BPF_DIV | BPF_K) && k === 0) || ((code === (BPF_ALU | BPF_LSH | BPF_K) || code === (BPF_ALU | BPF_RSH | BPF_K)) && k >= 32)) return false;
    if (cls === BPF_ST || cls === BPF_STX) {
      if (k >= MEMWORDS) return false;
      valid |= 1 << k;
    } else if (code === (BPF_LD | BPF_MEM) || code === (BPF_LDX | BPF_MEM)) {
      if (k >= MEMWORDS || !(valid & (1 << k))) return false;
    } else if (code === (BPF_JMP | BPF_JA)) {
      if (k >= n - i - 1) return false;
      written[i + 1 + k]! &= valid;
      valid = 0xffff;
    } else if (cls === BPF_JMP) {
      if (i + jt + 1 >= n || i + jf + 1 >= n) return false;
      written[i + 1 + jt]! &= valid;
      written[i + 1 + jf]! &= valid;
      valid = 0xffff;
    }
  }
  return (p[(n - 1) * 2]! & 7) === BPF_RET;
}

const memory: Int32Array = new Int32Array(MEMWORDS);

/** Runs a validated program on `data` (16 words of struct seccomp_data); the action. */
export function runBpf(p: Int32Array, data: Int32Array): number {
  let A = 0;
  let X = 0;
  for (let i = 0; ; i++) {
    const word = p[i * 2]!; // validated: jumps stay inside and the last instruction returns
    const k = p[i * 2 + 1]!;
    const code = word & 0xffff;
    switch (code) {
      case BPF_LD | BPF_W | BPF_ABS:
        A = data[k >> 2]!; // validated offset
        break;
      case BPF_LD | BPF_W | BPF_LEN:
        A = SECCOMP_DATA_SIZE;
        break;
      case BPF_LDX | BPF_W | BPF_LEN:
        X = SECCOMP_DATA_SIZE;
        break;
      case BPF_LD | BPF_IMM:
        A = k;
        break;
      case BPF_LDX | BPF_IMM:
        X = k;
        break;
      case BPF_LD | BPF_MEM:
        A = memory[k]!; // validated index, as below
        break;
      case BPF_LDX | BPF_MEM:
        X = memory[k]!;
        break;
      case BPF_ST:
        memory[k] = A;
        break;
      case BPF_STX:
        memory[k] = X;
        break;
      case BPF_MISC | BPF_TAX:
        X = A;
        break;
      case BPF_MISC | BPF_TXA:
        A = X;
        break;
      case BPF_RET | BPF_K:
        return k;
      case BPF_RET | BPF_A:
        return A;
      case BPF_ALU | BPF_NEG:
        A = -A | 0;
        break;
      case BPF_JMP | BPF_JA:
        i += k;
        break;
      default: {
        const operand = code & BPF_X ? X : k;
        if ((code & 7) === BPF_JMP) {
          const op = code & 0xf0;
          const taken =
            op === BPF_JEQ ? A === operand : op === BPF_JGT ? A >>> 0 > operand >>> 0 : op === BPF_JGE ? A >>> 0 >= operand >>> 0 : (A & operand) !== 0;
          i += taken ? (word >>> 16) & 0xff : word >>> 24;
        } else {
          // Division by a zero X ends the program with 0.
          if ((code & 0xf0) === BPF_DIV && operand === 0) return 0;
          A = alu(code & 0xf0, A, operand);
        }
      }
    }
  }
}

function alu(op: number, a: number, b: number): number {
  switch (op) {
    case BPF_ADD:
      return (a + b) | 0;
    case BPF_SUB:
      return (a - b) | 0;
    case BPF_MUL:
      return Math.imul(a, b);
    case BPF_DIV:
      return ((a >>> 0) / (b >>> 0)) | 0;
    case BPF_OR:
      return a | b;
    case BPF_AND:
      return a & b;
    case BPF_LSH:
      return a << b;
    case BPF_RSH:
      return a >>> b | 0;
    default:
      return a ^ b;
  }
}

// ---- filters of sockets: loads from the packet, too

const BPF_H = 0x08, BPF_B = 0x10, BPF_IND = 0x40, BPF_MSH = 0xa0, BPF_MOD = 0x90;
const SKF_AD_OFF = -0x1000, SKF_NET_OFF = -0x100000, SKF_LL_OFF = -0x200000;
const SOCKET_ALLOWED: ReadonlySet<number> = new Set([
  ...ALLOWED,
  BPF_LD | BPF_H | BPF_ABS, BPF_LD | BPF_B | BPF_ABS, BPF_LD | BPF_W | BPF_IND, BPF_LD | BPF_H | BPF_IND, BPF_LD | BPF_B | BPF_IND, BPF_LDX | BPF_B | BPF_MSH,
  BPF_ALU | BPF_MOD | BPF_K, BPF_ALU | BPF_MOD | BPF_X,
]);
/** Longest program of a socket (BPF_MAXINSNS). */
export const BPF_MAXINSNS = 4096;

/** Checks a socket's program (bpf_check_classic): false = EINVAL. */
export function validateSocketFilter(p: Int32Array): boolean {
  const n = p.length / 2;
  if (n === 0 || n > BPF_MAXINSNS) return false;
  const written: number[] = new Array<number>(n).fill(0xffff);
  let valid = 0;
  for (let i = 0; i < n; i++) {
    const word = p[i * 2]!; // in range, as below
    const k = p[i * 2 + 1]! >>> 0;
    const code = word & 0xffff;
    const cls = code & 7;
    if (!SOCKET_ALLOWED.has(code)) return false;
    valid &= written[i]!;
    if ((code === (BPF_ALU | BPF_DIV | BPF_K) || code === (BPF_ALU | BPF_MOD | BPF_K)) && k === 0) return false;
    if ((code === (BPF_ALU | BPF_LSH | BPF_K) || code === (BPF_ALU | BPF_RSH | BPF_K)) && k >= 32) return false;
    if (cls === BPF_ST || cls === BPF_STX) {
      if (k >= MEMWORDS) return false;
      valid |= 1 << k;
    } else if (code === (BPF_LD | BPF_MEM) || code === (BPF_LDX | BPF_MEM)) {
      if (k >= MEMWORDS || !(valid & (1 << k))) return false;
    } else if (code === (BPF_JMP | BPF_JA)) {
      if (k >= n - i - 1) return false;
      written[i + 1 + k]! &= valid;
      valid = 0xffff;
    } else if (cls === BPF_JMP) {
      const jt = (word >>> 16) & 0xff;
      const jf = word >>> 24;
      if (i + jt + 1 >= n || i + jf + 1 >= n) return false;
      written[i + 1 + jt]! &= valid;
      written[i + 1 + jf]! &= valid;
      valid = 0xffff;
    }
  }
  return (p[(n - 1) * 2]! & 7) === BPF_RET;
}

/** What a program can load from: bytes, where they begin, and the ancillary words of SKF_AD_. */
export interface FilterInput {
  readonly data: Uint8Array;
  /** The packet as the program sees it. */
  readonly start: number;
  readonly end: number;
  /** Offsets of the link and network headers; -1: none. */
  readonly mac: number;
  readonly network: number;
  ancillary(offset: number, A: number, X: number): number;
}

/** Loads `size` bytes at `k` (negative: from a header or an ancillary word); NaN: out of range, which ends the program with 0. */
function load(input: FilterInput, k: number, size: number, A: number, X: number): number {
  let at = input.start + k;
  if (k < 0) {
    if (k >= SKF_AD_OFF) return input.ancillary(k - SKF_AD_OFF, A, X);
    if (k >= SKF_NET_OFF) at = input.network < 0 ? -1 : input.network + (k - SKF_NET_OFF);
    else if (k >= SKF_LL_OFF) at = input.mac < 0 ? -1 : input.mac + (k - SKF_LL_OFF);
    else return Number.NaN;
  }
  if (at < 0 || at + size > input.end) return Number.NaN;
  let v = 0;
  for (let i = 0; i < size; i++) v = (v << 8) | input.data[at + i]!; // in range
  return v;
}

/** Runs a socket's program: how many bytes of the packet to keep; 0: drop it. */
export function runSocketFilter(p: Int32Array, input: FilterInput): number {
  let A = 0;
  let X = 0;
  for (let i = 0; ; i++) {
    const word = p[i * 2]!; // validated: jumps stay inside and the last instruction returns
    const k = p[i * 2 + 1]!;
    const code = word & 0xffff;
    switch (code) {
      case BPF_LD | BPF_W | BPF_ABS:
      case BPF_LD | BPF_H | BPF_ABS:
      case BPF_LD | BPF_B | BPF_ABS:
      case BPF_LD | BPF_W | BPF_IND:
      case BPF_LD | BPF_H | BPF_IND:
      case BPF_LD | BPF_B | BPF_IND: {
        const size = code & BPF_H ? 2 : code & BPF_B ? 1 : 4;
        const v = load(input, code & BPF_IND ? (X + k) | 0 : k, size, A, X);
        if (Number.isNaN(v)) return 0;
        A = v;
        break;
      }
      case BPF_LDX | BPF_B | BPF_MSH: {
        const v = load(input, k, 1, A, X);
        if (Number.isNaN(v)) return 0;
        X = (v & 15) << 2;
        break;
      }
      case BPF_LD | BPF_W | BPF_LEN:
        A = input.end - input.start;
        break;
      case BPF_LDX | BPF_W | BPF_LEN:
        X = input.end - input.start;
        break;
      case BPF_LD | BPF_IMM:
        A = k;
        break;
      case BPF_LDX | BPF_IMM:
        X = k;
        break;
      case BPF_LD | BPF_MEM:
        A = memory[k]!; // validated index, as below
        break;
      case BPF_LDX | BPF_MEM:
        X = memory[k]!;
        break;
      case BPF_ST:
        memory[k] = A;
        break;
      case BPF_STX:
        memory[k] = X;
        break;
      case BPF_MISC | BPF_TAX:
        X = A;
        break;
      case BPF_MISC | BPF_TXA:
        A = X;
        break;
      case BPF_RET | BPF_K:
        return k >>> 0;
      case BPF_RET | BPF_A:
        return A >>> 0;
      case BPF_ALU | BPF_NEG:
        A = -A | 0;
        break;
      case BPF_JMP | BPF_JA:
        i += k;
        break;
      default: {
        const operand = code & BPF_X ? X : k;
        const op = code & 0xf0;
        if ((code & 7) === BPF_JMP) {
          const taken =
            op === BPF_JEQ ? A === operand : op === BPF_JGT ? A >>> 0 > operand >>> 0 : op === BPF_JGE ? A >>> 0 >= operand >>> 0 : (A & operand) !== 0;
          i += taken ? (word >>> 16) & 0xff : word >>> 24;
        } else {
          if ((op === BPF_DIV || op === BPF_MOD) && operand === 0) return 0;
          A = op === BPF_MOD ? ((A >>> 0) % (operand >>> 0)) | 0 : alu(op, A, operand);
        }
      }
    }
  }
}
