/** Time namespaces: offsets of the monotonic and boot-time clocks. Linux struct time_namespace. */
import { CLOCK_BOOTTIME, CLOCK_BOOTTIME_ALARM, CLOCK_MONOTONIC, CLOCK_MONOTONIC_COARSE, CLOCK_MONOTONIC_RAW } from '../abi/time.ts';
import { Namespace } from '../auth/namespace.ts';

export class TimeNamespace extends Namespace {
  readonly kind = 'time';
  /** Nanoseconds added to what the clock shows in the initial namespace. */
  monotonic = 0;
  boottime = 0;
  /** Somebody is in it: the offsets can no longer be changed. */
  frozen = false;

  /** Nanoseconds between clock `id` in here and outside; 0 for clocks that are the same everywhere. */
  offsetOf(id: number): number {
    if (id === CLOCK_MONOTONIC || id === CLOCK_MONOTONIC_RAW || id === CLOCK_MONOTONIC_COARSE) return this.monotonic;
    return id === CLOCK_BOOTTIME || id === CLOCK_BOOTTIME_ALARM ? this.boottime : 0;
  }
  /** True if the clocks differ from the initial ones, so that the vDSO cannot read them without a call. */
  get shifted(): boolean {
    return this.monotonic !== 0 || this.boottime !== 0;
  }
}
