/**
 * What the processor says it is: x86-64-v2 (CMPXCHG16B, LAHF, POPCNT, SSE to SSE4.2) and the part of v3 that works on general registers (BMI1, BMI2, LZCNT, MOVBE), no AVX. Feature bits are set only for what has rows.
 * Sources: SDM vol. 2, CPUID; AMD APM vol. 3, appendix E; the x86-64 psABI for the levels.
 */
import { XSAVE_SIZE, XSTATE_SSE, XSTATE_X87 } from './cpu-state.ts';

// Leaf 1, EDX.
const FPU = 1 << 0, TSC = 1 << 4, MSR = 1 << 5, CX8 = 1 << 8, SEP = 1 << 11, CMOV = 1 << 15, CLFSH = 1 << 19, MMX = 1 << 23, FXSR = 1 << 24, SSE = 1 << 25, SSE2 = 1 << 26;
// Leaf 1, ECX.
const SSE3 = 1 << 0, SSSE3 = 1 << 9, CX16 = 1 << 13, SSE4_1 = 1 << 19, SSE4_2 = 1 << 20, MOVBE = 1 << 22, POPCNT = 1 << 23, XSAVE = 1 << 26, OSXSAVE = 1 << 27, HYPERVISOR = 1 << 31;
// Leaf 7, EBX. REP MOVSB and STOSB are the fastest way to copy and fill (lift-string.ts).
const BMI1 = 1 << 3, BMI2 = 1 << 8, ERMS = 1 << 9;
// Leaf 0x80000001.
const LAHF_LM = 1 << 0, LZCNT = 1 << 5, SYSCALL = 1 << 11, NX = 1 << 20, RDTSCP = 1 << 27, LM = 1 << 29;

/**
 * "GenuineIntel": run-time dispatch in glibc, OpenSSL and Go looks at the feature bits alone, but some programs treat an unknown vendor as a 386.
 */
const VENDOR = 'GenuineIntel';
/**
 * Family 6, model 0x4d (Silvermont), stepping 8: a real processor with x86-64-v2 and ERMS, and no more. It matters: C libraries know that its
 * string comparison instructions (PCMPISTRI) are slow and its unaligned loads fast, as is so here.
 */
const SIGNATURE = 0x000406d8;
const BRAND = 'Vivarium virtual processor (x86-64-v2)';
/** RDTSC counts nanoseconds. */
export const TSC_HZ = 1_000_000_000;

const result = new Int32Array(4);

function set(eax: number, ebx: number, ecx: number, edx: number): Int32Array {
  result[0] = eax;
  result[1] = ebx;
  result[2] = ecx;
  result[3] = edx;
  return result;
}

/** Four characters as a little-endian word. */
function word(s: string, at: number): number {
  let v = 0;
  for (let k = 0; k < 4; k++) v |= (at + k < s.length ? s.charCodeAt(at + k) : 0) << (8 * k);
  return v;
}

const MAX_BASIC = 0x16, MAX_EXTENDED = 0x80000008 | 0;

/** EAX, EBX, ECX, EDX of a leaf (i32 each), in an array that the next call reuses. */
export function cpuid(leaf: number, subleaf: number): Int32Array {
  switch (leaf | 0) {
    case 0:
      return set(MAX_BASIC, word(VENDOR, 0), word(VENDOR, 8), word(VENDOR, 4));
    case 1:
      // EBX: CLFLUSH line of 8 * 8 bytes, one logical processor, APIC id 0.
      return set(SIGNATURE, 0x00010800, SSE3 | SSSE3 | CX16 | SSE4_1 | SSE4_2 | MOVBE | POPCNT | XSAVE | OSXSAVE | HYPERVISOR,
        FPU | TSC | MSR | CX8 | SEP | CMOV | CLFSH | MMX | FXSR | SSE | SSE2);
    case 2:
      // One descriptor row: FF = the caches are in leaf 4, FE = the TLBs in leaf 0x18, F0 = 64-byte prefetch.
      return set(0x00feff01, 0xf0, 0, 0);
    case 4:
      // Deterministic cache parameters: type, level; ways, line; sets. 32 KiB data, 32 KiB code, 256 KiB, 32 MiB.
      switch (subleaf) {
        case 0:
          return set(0x121, (7 << 22) | 63, 63, 0);
        case 1:
          return set(0x122, (7 << 22) | 63, 63, 0);
        case 2:
          return set(0x143, (7 << 22) | 63, 511, 0);
        case 3:
          return set(0x163, (15 << 22) | 63, 32767, 0);
      }
      return set(0, 0, 0, 0);
    case 7:
      return set(0, subleaf === 0 ? BMI1 | BMI2 | ERMS : 0, 0, 0);
    case 0xd:
      // Subleaf 0: XCR0 (x87, SSE) and the size of the area; subleaf 1: XSAVEOPT; no component beyond the legacy region.
      return subleaf === 0 ? set(XSTATE_X87 | XSTATE_SSE, XSAVE_SIZE, XSAVE_SIZE, 0) : set(subleaf === 1 ? 1 : 0, 0, 0, 0);
    case 0x15:
      // TSC frequency = crystal (1 GHz) * EBX / EAX.
      return set(1, 1, TSC_HZ, 0);
    case 0x16:
      return set(TSC_HZ / 1_000_000, TSC_HZ / 1_000_000, 100, 0);
    case 0x40000000:
      return set(0x40000000, word('VivariumVivarium', 0), word('VivariumVivarium', 4), word('VivariumVivarium', 8));
    case 0x80000000 | 0:
      return set(MAX_EXTENDED, 0, 0, 0);
    case 0x80000001 | 0:
      return set(0, 0, LAHF_LM | LZCNT, SYSCALL | NX | RDTSCP | LM);
    case 0x80000002 | 0:
    case 0x80000003 | 0:
    case 0x80000004 | 0: {
      const at = ((leaf & 0xff) - 2) * 16;
      return set(word(BRAND, at), word(BRAND, at + 4), word(BRAND, at + 8), word(BRAND, at + 12));
    }
    case 0x80000006 | 0:
      // 256 KiB second-level cache, 8 ways, 64-byte lines.
      return set(0, 0, 0x01006040, 0);
    case 0x80000007 | 0:
      // Invariant TSC.
      return set(0, 0, 0, 1 << 8);
    case 0x80000008 | 0:
      // 39-bit physical, 48-bit linear addresses.
      return set(0x3027, 0, 0, 0);
  }
  return set(0, 0, 0, 0);
}
