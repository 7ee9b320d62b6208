/** Access of the kernel to guest memory: copies, single words, strings. Every byte goes through the page table and is read once. */
import { EFAULT, ENAMETOOLONG, isErr } from '../abi/errno.ts';
import type { Errno } from '../abi/errno.ts';
import { FAULT_OOM, FAULT_USER } from './fault-code.ts';
import { PTE_FRAME, PTE_PRESENT, PTE_SHARED, PTE_WRITE, PageTable, READ, WRITE } from './page-table.ts';
import type { PhysicalMemory } from './physical-memory.ts';

/** End of user addresses (Linux TASK_SIZE_MAX, four-level paging). */
export const TASK_SIZE = 0x7ffffffff000;
/** Below this, a loop over bytes is cheaper than a typed-array view. */
const LOOP_MAX = 32;

export abstract class UserMemory {
  readonly pm: PhysicalMemory;
  readonly table: PageTable;
  /** Where a call met memory that a userfaultfd has to give, 0 = nowhere; and whether it wrote. */
  userFault = 0;
  userFaultWrites = false;

  constructor(pm: PhysicalMemory) {
    this.pm = pm;
    this.table = new PageTable(pm);
  }

  /** Resolves a missing translation: 0 = done, else the fault. */
  abstract fault(addr: number, access: number): number;

  /** As fault, in a call: it cannot wait for memory, so when there is none it takes from the reserve while a victim is killed. */
  private kernelFault(addr: number, access: number): number {
    const code = this.fault(addr, access);
    if (code === FAULT_USER) {
      this.userFault = addr;
      this.userFaultWrites = access === WRITE;
    }
    if (code !== FAULT_OOM || !this.pm.beginReserve()) return code;
    const again = this.fault(addr, access);
    this.pm.endReserve();
    return again;
  }

  /** PTE usable for the access at the address (two int32 halves), or 0; see PageTable.lookup. */
  lookup(addrLo: number, addrHi: number, access: number): number {
    return this.table.lookup(addrLo, addrHi, access);
  }

  /** Linear-memory offset of the byte at `addr`, faulted in for reading, or 0 = EFAULT. Good up to the end of the page. */
  readable(addr: number): number {
    if (!(addr >= 0 && addr < TASK_SIZE)) return 0;
    const lo = addr | 0;
    const hi = (addr / 4294967296) | 0;
    const base = this.table.leaf((hi << 10) | (lo >>> 22));
    if (base !== 0) {
      const pte = this.pm.i32[base + ((lo >>> 12) & 1023)]!;
      if (pte & PTE_PRESENT) return (pte & PTE_FRAME) | (lo & 4095);
    }
    if (this.kernelFault(addr, READ) !== 0) return 0;
    const pte = this.table.lookup(lo, hi, READ);
    return pte === 0 ? 0 : (pte & PTE_FRAME) | (lo & 4095);
  }

  /** As `readable`, for writing; translations of code in the page are dropped. */
  writable(addr: number): number {
    if (!(addr >= 0 && addr < TASK_SIZE)) return 0;
    const pm = this.pm;
    const lo = addr | 0;
    const hi = (addr / 4294967296) | 0;
    const base = this.table.leaf((hi << 10) | (lo >>> 22));
    let pte = 0;
    if (base !== 0) {
      pte = pm.i32[base + ((lo >>> 12) & 1023)]!;
      if (!(pte & PTE_WRITE && (pte & PTE_SHARED || pm.refs[base >> 10] === 1))) pte = 0;
    }
    if (pte === 0) {
      if (this.kernelFault(addr, WRITE) !== 0) return 0;
      pte = this.table.lookup(lo, hi, WRITE);
      if (pte === 0) return 0;
    }
    if (pm.frameFlags[pte >>> 12] !== 0) pm.willWrite(pte >>> 12);
    return (pte & PTE_FRAME) | (lo & 4095);
  }

  /** Copies `len` guest bytes at `addr` to `dst[off…]`. Returns how many (fewer when a page is missing), EFAULT if none. */
  copyIn(addr: number, dst: Uint8Array, off: number, len: number): number | Errno {
    const u8 = this.pm.u8;
    let done = 0;
    while (done < len) {
      const at = this.readable(addr + done);
      if (at === 0) return done > 0 ? done : EFAULT;
      const n = Math.min(len - done, 4096 - (at & 4095));
      if (n <= LOOP_MAX) for (let i = 0; i < n; i++) dst[off + done + i] = u8[at + i]!;
      else dst.set(u8.subarray(at, at + n), off + done);
      done += n;
    }
    return done;
  }

  /** Copies `len` bytes of `src[off…]` to the guest. Returns how many (fewer when a page is missing), EFAULT if none. */
  copyOut(addr: number, src: Uint8Array, off: number, len: number): number | Errno {
    const u8 = this.pm.u8;
    let done = 0;
    while (done < len) {
      const at = this.writable(addr + done);
      if (at === 0) return done > 0 ? done : EFAULT;
      const n = Math.min(len - done, 4096 - (at & 4095));
      if (n <= LOOP_MAX) for (let i = 0; i < n; i++) u8[at + i] = src[off + done + i]!;
      else u8.set(src.subarray(off + done, off + done + n), at);
      done += n;
    }
    return done;
  }

  /** As copyIn, all or nothing: 0 or EFAULT (copy_from_user of a struct). */
  readBytes(addr: number, dst: Uint8Array, off = 0, len: number = dst.length - off): 0 | Errno {
    return this.copyIn(addr, dst, off, len) === len ? 0 : EFAULT;
  }
  /** As copyOut, 0 or EFAULT (copy_to_user of a struct). */
  writeBytes(addr: number, src: Uint8Array, off = 0, len: number = src.length - off): 0 | Errno {
    return this.copyOut(addr, src, off, len) === len ? 0 : EFAULT;
  }

  /** Writes `len` zeros; the count written, EFAULT if none. */
  clear(addr: number, len: number): number | Errno {
    let done = 0;
    while (done < len) {
      const at = this.writable(addr + done);
      if (at === 0) return done > 0 ? done : EFAULT;
      const n = Math.min(len - done, 4096 - (at & 4095));
      this.pm.u8.fill(0, at, at + n);
      done += n;
    }
    return done;
  }

  readU8(addr: number): number | Errno {
    const at = this.readable(addr);
    return at === 0 ? EFAULT : this.pm.u8[at]!;
  }
  readU16(addr: number): number | Errno {
    const lo = this.readU8(addr);
    if (isErr(lo)) return lo;
    const hi = this.readU8(addr + 1);
    return isErr(hi) ? hi : lo | (hi << 8);
  }
  /** 0 … 2^32-1, or EFAULT. */
  readU32(addr: number): number | Errno {
    const at = this.readable(addr);
    if (at === 0) return EFAULT;
    if ((at & 3) === 0) return this.pm.u32[at >> 2]!;
    const lo = this.readU16(addr);
    if (isErr(lo)) return lo;
    const hi = this.readU16(addr + 2);
    return isErr(hi) ? hi : lo + hi * 65536;
  }
  /** Unsigned 64-bit value as a double (exact below 2^53), or EFAULT. */
  readU64(addr: number): number | Errno {
    const at = this.readable(addr);
    if (at === 0) return EFAULT;
    if ((at & 7) === 0) return this.pm.u32[at >> 2]! + this.pm.u32[(at >> 2) + 1]! * 4294967296;
    const lo = this.readU32(addr);
    if (isErr(lo)) return lo;
    const hi = this.readU32(addr + 4);
    return isErr(hi) ? hi : lo + hi * 4294967296;
  }
  /** The signed 64-bit value at `addr`, after a call of `readU64` on the same address succeeded; for values that may be negative. */
  readI64(addr: number, out: { value: number }): 0 | Errno {
    const lo = this.readU32(addr);
    if (isErr(lo)) return lo;
    const hi = this.readU32(addr + 4);
    if (isErr(hi)) return hi;
    out.value = lo + (hi | 0) * 4294967296;
    return 0;
  }

  writeU8(addr: number, v: number): 0 | Errno {
    const at = this.writable(addr);
    if (at === 0) return EFAULT;
    this.pm.u8[at] = v;
    return 0;
  }
  writeU16(addr: number, v: number): 0 | Errno {
    return isErr(this.writeU8(addr, v)) ? EFAULT : this.writeU8(addr + 1, v >> 8);
  }
  /** Writes the low 32 bits of `v`. */
  writeU32(addr: number, v: number): 0 | Errno {
    const at = this.writable(addr);
    if (at === 0) return EFAULT;
    if ((at & 3) === 0) {
      this.pm.i32[at >> 2] = v | 0;
      return 0;
    }
    return isErr(this.writeU16(addr, v)) ? EFAULT : this.writeU16(addr + 2, v >> 16);
  }
  /** Writes a 64-bit value given as a double, signed or unsigned. */
  writeU64(addr: number, v: number): 0 | Errno {
    const hi = Math.floor(v / 4294967296);
    const at = this.writable(addr);
    if (at === 0) return EFAULT;
    if ((at & 7) === 0) {
      this.pm.i32[at >> 2] = v - hi * 4294967296;
      this.pm.i32[(at >> 2) + 1] = hi;
      return 0;
    }
    return isErr(this.writeU32(addr, v - hi * 4294967296)) ? EFAULT : this.writeU32(addr + 4, hi);
  }

  /** Atomic for the guest: if the aligned word at `addr` is `expected`, stores `desired`. The word found (0 … 2^32-1) or EFAULT. */
  cmpxchgU32(addr: number, expected: number, desired: number): number | Errno {
    const at = this.writable(addr);
    if (at === 0 || at & 3) return EFAULT;
    const found = this.pm.u32[at >> 2]!;
    if (found === expected >>> 0) this.pm.i32[at >> 2] = desired | 0;
    return found;
  }

  /** Length of the string at `addr` without its NUL, looking at `max` bytes at most: max if there is no NUL; EFAULT. */
  cStringLength(addr: number, max: number): number | Errno {
    let done = 0;
    while (done < max) {
      const at = this.readable(addr + done);
      if (at === 0) return EFAULT;
      const n = Math.min(max - done, 4096 - (at & 4095));
      const u8 = this.pm.u8;
      for (let i = 0; i < n; i++) if (u8[at + i] === 0) return done + i;
      done += n;
    }
    return max;
  }

  /** The bytes of a NUL-terminated string, without the NUL. `max` counts the NUL. EFAULT; ENAMETOOLONG if no NUL within max. */
  readCString(addr: number, max: number): Uint8Array | Errno {
    const len = this.cStringLength(addr, max);
    if (isErr(len)) return len;
    if (len >= max) return ENAMETOOLONG;
    const bytes = new Uint8Array(len);
    return len === 0 || this.copyIn(addr, bytes, 0, len) === len ? bytes : EFAULT;
  }
}
