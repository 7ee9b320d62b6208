/** Resource limits of a process: Linux signal->rlim. */
import { RLIM_INFINITY, RLIM_NLIMITS } from '../abi/resource.ts';

/** Soft and hard limit; Infinity = none. */
export class ResourceLimits {
  readonly soft: number[];
  readonly hard: number[];
  constructor(soft: number[], hard: number[]) {
    this.soft = soft;
    this.hard = hard;
  }
  clone(): ResourceLimits {
    return new ResourceLimits(this.soft.slice(), this.hard.slice());
  }
  /** What init has natively (include/asm-generic/resource.h), with the process and queue limits for `processes` tasks. */
  static initial(processes: number): ResourceLimits {
    const soft = new Array<number>(RLIM_NLIMITS).fill(RLIM_INFINITY);
    const hard = soft.slice();
    const set = (i: number, s: number, h: number): void => {
      soft[i] = s;
      hard[i] = h;
    };
    set(3, 8 << 20, RLIM_INFINITY); // STACK
    set(4, 0, RLIM_INFINITY); // CORE
    set(6, processes, processes); // NPROC
    set(7, 1024, 1048576); // NOFILE
    set(8, 8 << 20, 8 << 20); // MEMLOCK
    set(11, processes, processes); // SIGPENDING
    set(12, 819200, 819200); // MSGQUEUE
    set(13, 0, 0); // NICE
    set(14, 0, 0); // RTPRIO
    return new ResourceLimits(soft, hard);
  }
}
