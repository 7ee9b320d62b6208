/** The load averages of /proc/loadavg and sysinfo(2). Linux samples the run queue every five seconds; here readers account for the processor time since the last one, which costs nothing between. */

/** Over which the three averages decay, ns. */
const PERIODS: readonly number[] = [60e9, 300e9, 900e9];

export class LoadAverage {
  private readonly averages: number[] = [0, 0, 0];
  private lastTime = 0;
  private lastCpuTime = 0;

  /** The averages over one, five and fifteen minutes at monotonic time `now` (ns), when tasks have used `cpuTime` (ns) so far. */
  at(now: number, cpuTime: number): readonly number[] {
    const elapsed = now - this.lastTime;
    if (elapsed > 0) {
      const load = (cpuTime - this.lastCpuTime) / elapsed;
      PERIODS.forEach((period, i) => {
        const keep = Math.exp(-elapsed / period);
        this.averages[i] = this.averages[i]! * keep + load * (1 - keep); // three of each
      });
      this.lastTime = now;
      this.lastCpuTime = cpuTime;
    }
    return this.averages;
  }
}
