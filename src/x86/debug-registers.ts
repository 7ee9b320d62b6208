/** The debug registers of one thread: up to four watched places. Source: Intel SDM vol. 3, 18.2 "Debug Registers". */

/** R/W field of DR7. I/O (2) is not for user mode. */
export const WATCH_EXECUTE = 0, WATCH_WRITE = 1, WATCH_ACCESS = 3;
/** Bytes by the LEN field of DR7. */
const LENGTHS: readonly number[] = [1, 2, 8, 4];

/** DR6: single step. */
export const DR6_STEP = 0x4000;

export class DebugRegisters {
  /** DR0 … DR3. */
  readonly addresses: [number, number, number, number] = [0, 0, 0, 0];
  /** DR7, as validated by who sets it. */
  control = 0;
  /** Places that the last instructions touched, a bit each as in DR6. Who takes them clears them. */
  hits = 0;
  /** Changes whenever another set of places is watched: what has been cached without them is void then. Never 0. */
  version: number = nextVersion++;
  /** Slots with DR7 enabled, a bit each: for data, for execution. */
  private data = 0;
  private execution = 0;

  /** Some place is watched. */
  get armed(): boolean {
    return (this.data | this.execution) !== 0;
  }
  /** Instructions must be looked at one by one. */
  get watchesExecution(): boolean {
    return this.execution !== 0;
  }

  static kind(control: number, slot: number): number {
    return (control >> (16 + slot * 4)) & 3;
  }
  static length(control: number, slot: number): number {
    return LENGTHS[(control >> (18 + slot * 4)) & 3]!; // masked
  }
  static enabled(control: number, slot: number): boolean {
    return ((control >> (slot * 2)) & 3) !== 0;
  }

  /** After `addresses` or `control` changed. */
  update(): void {
    this.version = nextVersion++;
    this.data = this.execution = 0;
    for (let i = 0; i < 4; i++) {
      if (!DebugRegisters.enabled(this.control, i)) continue;
      if (DebugRegisters.kind(this.control, i) === WATCH_EXECUTE) this.execution |= 1 << i;
      else this.data |= 1 << i;
    }
  }

  /** Slots that watch the instruction at `rip`. */
  at(rip: number): number {
    let found = 0;
    for (let i = 0; i < 4; i++) if (this.execution & (1 << i) && this.addresses[i] === rip) found |= 1 << i;
    return found;
  }

  /** Slots that an access to `size` bytes at `address` touches. */
  touched(address: number, size: number, write: boolean): number {
    let found = 0;
    for (let i = 0; i < 4; i++) {
      if (!(this.data & (1 << i)) || (!write && DebugRegisters.kind(this.control, i) === WATCH_WRITE)) continue;
      const from = this.addresses[i]!; // 0 … 3
      if (address < from + DebugRegisters.length(this.control, i) && from < address + size) found |= 1 << i;
    }
    return found;
  }

  /** Accesses of this kind to the page at `address` must be looked at. */
  watchesPage(address: number, write: boolean): boolean {
    return this.data !== 0 && this.touched(address, 4096, write) !== 0;
  }
}

let nextVersion = 1;
