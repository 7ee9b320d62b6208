/** Time namespaces: offsets of the monotonic and boot-time clocks. Linux struct time_namespace. */
import { Namespace } from '../auth/namespace.ts';

export class TimeNamespace extends Namespace {
  readonly kind = 'time';
  /** Nanoseconds added to what the clock shows in the initial namespace. */
  monotonic = 0;
  boottime = 0;
  /** Somebody is in it: the offsets can no longer be changed. */
  frozen = false;
}
