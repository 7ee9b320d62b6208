/** /proc/cpuinfo: what CPUID says, in words. */
import type { Kernel } from '../../kernel/kernel.ts';
import { cpuid, TSC_HZ } from '../../x86/cpuid.ts';
import { cpuCount } from './system-cpu.ts';

/** Names of feature bits: leaf, register (index of EAX EBX ECX EDX), and the names from bit 0 up ('' = not shown). */
const FEATURES: readonly (readonly [leaf: number, register: number, names: string])[] = [
  [1, 3, 'fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts acpi mmx fxsr sse sse2 ss ht tm ia64 pbe'],
  [0x80000001, 3, '- - - - - - - - - - - syscall - - - - - - - - nx - mmxext - - fxsr_opt pdpe1gb rdtscp - lm 3dnowext 3dnow'],
  [1, 2, 'pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - pcid dca sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave - avx f16c rdrand hypervisor'],
  [0x80000001, 2, 'lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop skinit wdt - lwp fma4 tce - nodeid_msr - tbm topoext'],
  [7, 1, 'fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm cqm - mpx rdt_a avx512f avx512dq rdseed adx smap avx512ifma - clflushopt clwb intel_pt avx512pf avx512er avx512cd sha_ni avx512bw avx512vl'],
];

function flagNames(): string {
  const names: string[] = [];
  for (const [leaf, register, list] of FEATURES) {
    const bits = cpuid(leaf | 0, 0)[register] ?? 0;
    list.split(' ').forEach((name, bit) => {
      if (name !== '-' && (bits >>> bit) & 1) names.push(name);
    });
  }
  names.push('constant_tsc', 'nonstop_tsc', 'nopl', 'cpuid', 'tsc_known_freq');
  return names.join(' ');
}

/** Twelve characters of the vendor, or forty-eight of the brand, out of registers. */
function registerText(words: readonly number[]): string {
  let text = '';
  for (const w of words) for (let k = 0; k < 4; k++) text += String.fromCharCode((w >>> (8 * k)) & 0xff);
  return text.replace(/\0.*$/, '').trim();
}

export function makeCpuinfo(kernel: Kernel): string {
  const top = Array.from(cpuid(0, 0));
  const vendor = registerText([top[1] ?? 0, top[3] ?? 0, top[2] ?? 0]);
  const signature = cpuid(1, 0)[0] ?? 0;
  const family = ((signature >> 8) & 0xf) + ((signature >> 20) & 0xff);
  const model = ((signature >> 4) & 0xf) | (((signature >> 16) & 0xf) << 4);
  const brand = registerText([2, 3, 4].flatMap((n) => Array.from(cpuid((0x80000000 | n) | 0, 0))));
  const flags = flagNames();
  const mhz = (TSC_HZ / 1e6).toFixed(3);
  const cpus = cpuCount(kernel);
  let text = '';
  for (let i = 0; i < cpus; i++) {
    const rows: readonly (readonly [string, string | number])[] = [
      ['processor\t', i], ['vendor_id\t', vendor], ['cpu family\t', family], ['model\t\t', model], ['model name\t', brand], ['stepping\t', signature & 0xf],
      ['cpu MHz\t\t', mhz], ['cache size\t', '8192 KB'], ['physical id\t', 0], ['siblings\t', cpus], ['core id\t\t', i], ['cpu cores\t', cpus], ['apicid\t\t', i],
      ['initial apicid\t', i], ['fpu\t\t', 'yes'], ['fpu_exception\t', 'yes'], ['cpuid level\t', top[0] ?? 0], ['wp\t\t', 'yes'], ['flags\t\t', flags],
      ['bugs\t\t', ''], ['bogomips\t', ((TSC_HZ / 1e6) * 2).toFixed(2)], ['clflush size\t', 64], ['cache_alignment\t', 64],
      ['address sizes\t', '40 bits physical, 48 bits virtual'], ['power management', ''],
    ];
    for (const [name, value] of rows) text += `${name}: ${value}`.replace(/: $/, name === 'power management' ? ':' : ': ') + '\n';
    text += '\n';
  }
  return text;
}
