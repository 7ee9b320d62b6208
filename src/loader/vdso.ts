/** The vDSO: a small shared object mapped into every process, and the vvar page with the kernel's side of the clocks. */
import { ENOMEM, isErr } from '../abi/errno.ts';
import type { Errno } from '../abi/errno.ts';
import { unmappedArea, mapRegion } from '../memory/mmap.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { MemoryObject } from '../memory/memory-object.ts';
import { FRAME_KERNEL, type PhysicalMemory } from '../memory/physical-memory.ts';
import { VM_DONTDUMP, VM_DONTEXPAND, VM_EXEC, VM_IO, VM_MAYEXEC, VM_MAYREAD, VM_MAYWRITE, VM_PFNMAP, VM_READ } from '../memory/vma.ts';
import { VDSO_CODE, VDSO_FUNCTIONS, VDSO_TEXT, VVAR_BOOT_NS, VVAR_CPU, VVAR_NODE, VVAR_REAL_NSEC, VVAR_REAL_SEC, VVAR_TAI_SEC } from './vdso-code.ts';

// As natively: [vvar] 4 pages, [vvar_vclock] 2, [vdso] 2.
const VVAR_PAGES = 4, VCLOCK_PAGES = 2, VDSO_PAGES = 2;
const SONAME = 'linux-vdso.so.1';
const VERSION = 'LINUX_2.6';

/** Frames that every process maps and none owns. */
class KernelPages extends MemoryObject {
  override readonly isSpecial: boolean = true;
  private readonly frames: number[];
  constructor(frames: number[]) {
    super();
    this.frames = frames;
  }
  override getFrame(page: number): number | Errno {
    return page < this.frames.length ? this.frames[page]! : ENOMEM;
  }
  override cachedFrame(page: number): number {
    return page < this.frames.length ? this.frames[page]! : 0;
  }
  override ref(): void {}
  override unref(): void {}
  override removePages(): 0 {
    return 0;
  }
}

/** One a kernel: the image in frames of its own, mapped by `map`. */
export class Vdso {
  private readonly pm: PhysicalMemory;
  private readonly vvarFrame: number;
  private readonly vvar: KernelPages;
  private readonly image: KernelPages;
  /** The same with functions that only make system calls: for clocks that a time namespace has moved. */
  private readonly calling: KernelPages;

  /** Builds the image; throws if there is no memory at all. */
  constructor(pm: PhysicalMemory) {
    this.pm = pm;
    const frames: number[] = [];
    for (let i = 0; i <= 2 * VDSO_PAGES; i++) {
      const f = pm.allocFrame();
      if (isErr(f)) throw new Error('no memory for the vDSO');
      frames.push(f);
      if (i > 0) pm.frameFlags[f]! |= FRAME_KERNEL;
    }
    this.vvarFrame = frames[0]!;
    const image = buildVdso();
    for (let i = 0; i < VDSO_PAGES; i++) pm.bytes(frames[i + 1]!).set(image.subarray(i * 4096, (i + 1) * 4096));
    const zeros: number[] = new Array(VVAR_PAGES - 1).fill(pm.zeroFrame);
    this.vvar = new KernelPages([this.vvarFrame, ...zeros]);
    this.image = new KernelPages(frames.slice(1, 1 + VDSO_PAGES));
    for (const [name, at] of VDSO_FUNCTIONS) image.set(callOf(VDSO_CALLS[name]!), VDSO_TEXT + at); // every function has its call
    for (let i = 0; i < VDSO_PAGES; i++) pm.bytes(frames[1 + VDSO_PAGES + i]!).set(image.subarray(i * 4096, (i + 1) * 4096));
    this.calling = new KernelPages(frames.slice(1 + VDSO_PAGES));
  }

  /** Wall-clock time minus monotonic time (seconds, and nanoseconds 0…999999999); to be called whenever the clock is set. */
  setRealtime(sec: number, nsec: number): void {
    this.put64(VVAR_REAL_SEC, sec);
    this.put64(VVAR_REAL_NSEC, nsec);
  }
  /** Boot time minus monotonic time in ns, and TAI minus UTC in s. */
  setOtherClocks(bootNs: number, taiSec: number): void {
    this.put64(VVAR_BOOT_NS, bootNs);
    this.put64(VVAR_TAI_SEC, taiSec);
  }
  /** What getcpu says. */
  setCpu(cpu: number, node: number): void {
    this.pm.i32[(this.vvarFrame * 4096 + VVAR_CPU) >> 2] = cpu;
    this.pm.i32[(this.vvarFrame * 4096 + VVAR_NODE) >> 2] = node;
  }
  private put64(at: number, v: number): void {
    const hi = Math.floor(v / 4294967296);
    const word = (this.vvarFrame * 4096 + at) >> 2;
    this.pm.i32[word] = v - hi * 4294967296;
    this.pm.i32[word + 1] = hi;
  }

  /** The clocks of a process have moved under it: its vDSO asks the kernel from now on (Linux vdso_join_timens). */
  askKernel(space: AddressSpace): void {
    const v = space.vdso === 0 ? null : space.vmas.find(space.vdso);
    if (v === null || v.object !== this.image) return;
    v.object.removeMapping(v);
    v.object = this.calling;
    this.calling.addMapping(v);
    space.zapForObject(v.start, v.end, true);
    space.codeGone();
  }

  /** Maps vvar and vDSO into a new program; the address of the vDSO, or ENOMEM. `shifted`: its clocks are those of a time namespace. */
  map(space: AddressSpace, shifted: boolean): number | Errno {
    const at = unmappedArea(space, 0, (VVAR_PAGES + VCLOCK_PAGES + VDSO_PAGES) * 4096, 0, 0);
    if (isErr(at)) return at;
    const data = VM_READ | VM_MAYREAD | VM_IO | VM_DONTDUMP | VM_DONTEXPAND | VM_PFNMAP;
    const code = VM_READ | VM_EXEC | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_DONTEXPAND;
    const vclock = at + VVAR_PAGES * 4096;
    const vdso = vclock + VCLOCK_PAGES * 4096;
    const failed =
      isErr(mapRegion(space, at, VVAR_PAGES * 4096, data, 0, this.vvar, null, '[vvar]')) ||
      isErr(mapRegion(space, vclock, VCLOCK_PAGES * 4096, data, VVAR_PAGES, this.vvar, null, '[vvar_vclock]')) ||
      isErr(mapRegion(space, vdso, VDSO_PAGES * 4096, code, 0, shifted ? this.calling : this.image, null, '[vdso]'));
    if (failed) return ENOMEM;
    space.vdso = vdso;
    return vdso;
  }
}

/** System call numbers of the vDSO's functions. */
const VDSO_CALLS: Readonly<Record<string, number>> = { clock_gettime: 228, gettimeofday: 96, time: 201, getcpu: 309, clock_getres: 229 };
/** mov eax, nr; syscall; ret */
const callOf = (nr: number): Uint8Array => Uint8Array.of(0xb8, nr & 255, nr >> 8, 0, 0, 0x0f, 0x05, 0xc3);

/** System V hash of a symbol or version name. */
function elfHash(name: string): number {
  let h = 0;
  for (let i = 0; i < name.length; i++) {
    h = (h << 4) + name.charCodeAt(i);
    const g = h & 0xf0000000;
    if (g !== 0) h ^= g >>> 24;
    h &= ~g;
  }
  return h >>> 0;
}

/** The ELF image: VDSO_PAGES pages, linked at 0. */
export function buildVdso(): Uint8Array {
  const image = new Uint8Array(VDSO_PAGES * 4096);
  const view = new DataView(image.buffer);
  const u16 = (at: number, v: number): void => view.setUint16(at, v, true);
  const u32 = (at: number, v: number): void => view.setUint32(at, v, true);
  const u64 = (at: number, v: number): void => {
    u32(at, v >>> 0);
    u32(at + 4, Math.floor(v / 4294967296));
  };
  let strings = '\0';
  const string = (s: string): number => {
    const at = strings.length;
    strings += `${s}\0`;
    return at;
  };

  const symbols: { name: string; strong: boolean; value: number; size: number }[] = [];
  const codeLength = VDSO_CODE.length / 2;
  VDSO_FUNCTIONS.forEach(([name, at], i) => {
    const size = (i + 1 < VDSO_FUNCTIONS.length ? VDSO_FUNCTIONS[i + 1]![1] : codeLength) - at;
    symbols.push({ name, strong: false, value: VDSO_TEXT + at, size });
    symbols.push({ name: `__vdso_${name}`, strong: true, value: VDSO_TEXT + at, size });
  });
  const count = symbols.length + 1;

  const hash = 64 + 3 * 56;
  const dynsym = (hash + (2 + 1 + count) * 4 + 7) & ~7;
  const versym = dynsym + count * 24;
  const verdef = (versym + count * 2 + 7) & ~7;
  const dynamic = verdef + 2 * (20 + 8);
  const dynstr = dynamic + 10 * 16;

  // Symbols, all in one hash bucket chain.
  u32(hash, 1);
  u32(hash + 4, count);
  u32(hash + 8, count > 1 ? 1 : 0);
  u16(versym, 0);
  symbols.forEach((s, i) => {
    const n = i + 1;
    u32(hash + 12 + n * 4, n + 1 < count ? n + 1 : 0);
    const at = dynsym + n * 24;
    u32(at, string(s.name));
    image[at + 4] = ((s.strong ? 1 : 2) << 4) | 2; // STB_GLOBAL or STB_WEAK, STT_FUNC
    u16(at + 6, 5); // any section that is not SHN_UNDEF
    u64(at + 8, s.value);
    u64(at + 16, s.size);
    u16(versym + n * 2, 2);
  });

  // Version definitions: the file itself, then LINUX_2.6.
  const soname = string(SONAME);
  const version = string(VERSION);
  [[1, 1, SONAME, soname], [0, 2, VERSION, version]].forEach(([flags, index, name, at], i) => {
    const def = verdef + i * 28;
    u16(def, 1);
    u16(def + 2, flags as number);
    u16(def + 4, index as number);
    u16(def + 6, 1);
    u32(def + 8, elfHash(name as string));
    u32(def + 12, 20);
    u32(def + 16, i === 0 ? 28 : 0);
    u32(def + 20, at as number);
    u32(def + 24, 0);
  });

  const entries: [number, number][] = [
    [14, soname], [4, hash], [5, dynstr], [6, dynsym], [10, strings.length], [11, 24], [0x6ffffff0, versym], [0x6ffffffc, verdef], [0x6ffffffd, 2], [0, 0],
  ];
  entries.forEach(([tag, value], i) => {
    u64(dynamic + i * 16, tag);
    u64(dynamic + i * 16 + 8, value);
  });
  for (let i = 0; i < strings.length; i++) image[dynstr + i] = strings.charCodeAt(i);
  const end = dynstr + strings.length;
  if (end > VDSO_TEXT) throw new Error('vDSO tables overlap its code');
  for (let i = 0; i < codeLength; i++) image[VDSO_TEXT + i] = Number.parseInt(VDSO_CODE.slice(i * 2, i * 2 + 2), 16);

  // ELF header and three program headers: everything, the dynamic section, no executable stack.
  image.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]);
  u16(16, 3);
  u16(18, 62);
  u32(20, 1);
  u64(24, VDSO_TEXT);
  u64(32, 64);
  u16(52, 64);
  u16(54, 56);
  u16(56, 3);
  u16(58, 64);
  const segment = (i: number, type: number, flags: number, at: number, size: number, align: number): void => {
    const p = 64 + i * 56;
    u32(p, type);
    u32(p + 4, flags);
    u64(p + 8, at);
    u64(p + 16, at);
    u64(p + 24, at);
    u64(p + 32, size);
    u64(p + 40, size);
    u64(p + 48, align);
  };
  segment(0, 1, 5, 0, VDSO_TEXT + codeLength, 4096);
  segment(1, 2, 4, dynamic, 160, 8);
  segment(2, 0x6474e551, 4, 0, 0, 16);
  return image;
}
