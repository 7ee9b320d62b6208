/** CPU state blocks: one a task, in the part of the linear memory that the platform sets aside. */
import { EAGAIN, type Errno } from '../abi/errno.ts';
import { CPU_STATE_SIZE } from '../x86/cpu-layout.ts';

export class CpuStatePool {
  private next: number;
  /** Blocks that are given out. */
  used = 0;
  private readonly end: number;
  private readonly freeList: number[] = [];
  /** Bytes `start … end` of the linear memory. */
  constructor(start: number, end: number) {
    this.next = start;
    this.end = end;
  }
  /** Offset of a block, or EAGAIN. */
  alloc(): number | Errno {
    const reused = this.freeList.pop();
    if (reused !== undefined) {
      this.used++;
      return reused;
    }
    if (this.next + CPU_STATE_SIZE > this.end) return EAGAIN;
    const at = this.next;
    this.next += CPU_STATE_SIZE;
    this.used++;
    return at;
  }
  free(at: number): void {
    this.used--;
    this.freeList.push(at);
  }
}
