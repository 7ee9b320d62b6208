/** Runs states in Vivarium's platform, without its kernel. */
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_EXEC, PROT_READ, PROT_WRITE } from '../../src/abi/mman.ts';
import { AddressSpace } from '../../src/memory/address-space.ts';
import { mmap } from '../../src/memory/mmap.ts';
import {
  EXIT_BREAKPOINT, EXIT_DIVIDE, EXIT_GENERAL_PROTECTION, EXIT_ILLEGAL, EXIT_INTERRUPT, EXIT_PAGE_FAULT, EXIT_SIMD, EXIT_STACK, EXIT_X87,
} from '../../src/platform/exits.ts';
import { Platform } from '../../src/platform/platform.ts';
import { FPU_CW, FPU_SW, FP_SLOW, GPR } from '../../src/x86/cpu-layout.ts';
import { CpuState } from '../../src/x86/cpu-state.ts';
import { CODE_BASE, DATA_BASE, DATA_SIZE, R_ADDR, R_DATA, R_FX, R_RFLAGS, R_RIP, R_SIGNO, R_WINDOW, RECORD, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP, WINDOW_SIZE } from './record.ts';

export class Inside {
  private readonly space: AddressSpace;
  private readonly platform: Platform;
  private readonly cpu: CpuState;
  private readonly u8: Uint8Array;

  /** `tier` is the platform's translation tier. */
  constructor(code: Uint8Array, tier: 0 | 1 | 2) {
    this.platform = new Platform({ memoryBytes: 128 << 20, host: { syscall: () => 1, timestamp: () => 0, refuel: () => 0 }, firstTier: tier });
    const pm = this.platform.memory;
    this.u8 = pm.u8;
    this.space = new AddressSpace(pm);
    const map = (at: number, len: number, prot: number): void => {
      const r = mmap(this.space, at, len, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, null, 0);
      if (r !== at) throw new Error(`mmap: ${r}`);
    };
    map(CODE_BASE, 0x1000000, PROT_READ | PROT_WRITE | PROT_EXEC);
    map(DATA_BASE, DATA_SIZE, PROT_READ | PROT_WRITE);
    // As in native-runner.c: all the rest is int3.
    this.space.copyOut(CODE_BASE, new Uint8Array(0x1000000).fill(0xcc), 0, 0x1000000);
    this.space.copyOut(CODE_BASE, code, 0, code.length);
    this.space.clear(DATA_BASE, DATA_SIZE);
    this.cpu = new CpuState(pm, this.platform.allocCpu());
    this.cpu.reset();
  }

  /** Clears the data pages, as each native run starts with. */
  clear(): void {
    this.space.clear(DATA_BASE, DATA_SIZE);
  }
  /** Runs the state at `at`, leaving the result in its place. */
  run(records: Uint8Array, at: number): void {
    const v = new DataView(records.buffer, records.byteOffset + at, RECORD);
    const { cpu, space, u8 } = this;
    const window = v.getUint32(R_WINDOW, true);
    space.copyOut(window, records, at + R_DATA, WINDOW_SIZE);
    u8.set(records.subarray(at, at + 128), cpu.at + GPR);
    cpu.rip = v.getUint32(R_RIP, true);
    cpu.setEflags(v.getInt32(R_RFLAGS, true));
    cpu.restoreFx(records, at + R_FX);
    // Every exception flag is compared: no fast path that skips some.
    cpu.setI32(FP_SLOW, watchFlags ? cpu.i32(FP_SLOW) | 2 : cpu.i32(FP_SLOW) & 1);
    const status = cpu.i32(FPU_SW) & ~0x8080;
    cpu.setI32(FPU_SW, status & ~cpu.i32(FPU_CW) & 0x3f ? status | 0x8080 : status);
    const reason = this.platform.run(cpu.at, space, 100000);
    records.set(u8.subarray(cpu.at + GPR, cpu.at + GPR + 128), at);
    putAddress(v, R_RIP, cpu.rip);
    v.setInt32(R_RFLAGS, cpu.getEflags(), true);
    v.setInt32(R_RFLAGS + 4, 0, true);
    v.setInt32(R_SIGNO, signalOf(reason), true);
    putAddress(v, R_ADDR, reason === EXIT_PAGE_FAULT ? cpu.faultAddress : 0);
    cpu.saveFx(records, at + R_FX);
    space.copyIn(window, records, at + R_DATA, WINDOW_SIZE);
  }
}

/** Whether SSE exception flags are compared exactly (the slow path for everything), or the fast path is under test and PE, UE, DE are not. */
export let watchFlags = true;
export function setWatchFlags(on: boolean): void {
  watchFlags = on;
}

function putAddress(v: DataView, off: number, n: number): void {
  v.setInt32(off, n | 0, true);
  v.setInt32(off + 4, Math.floor(n / 4294967296), true);
}
function signalOf(reason: number): number {
  switch (reason) {
    case EXIT_BREAKPOINT: return SIGTRAP;
    case EXIT_PAGE_FAULT: case EXIT_GENERAL_PROTECTION: return SIGSEGV;
    case EXIT_STACK: return SIGBUS;
    case EXIT_DIVIDE: case EXIT_SIMD: case EXIT_X87: return SIGFPE;
    case EXIT_ILLEGAL: return SIGILL;
    case EXIT_INTERRUPT: return 99;
    default: return 1000 + reason;
  }
}
