/** Clocks and timers. Source: Linux 6.18 include/uapi/linux/time.h, timex.h. */
export const CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 1, CLOCK_PROCESS_CPUTIME_ID = 2, CLOCK_THREAD_CPUTIME_ID = 3, CLOCK_MONOTONIC_RAW = 4;
export const CLOCK_REALTIME_COARSE = 5, CLOCK_MONOTONIC_COARSE = 6, CLOCK_BOOTTIME = 7, CLOCK_REALTIME_ALARM = 8, CLOCK_BOOTTIME_ALARM = 9;
export const CLOCK_TAI = 11;
export const TIMER_ABSTIME = 1;
export const ITIMER_REAL = 0, ITIMER_VIRTUAL = 1, ITIMER_PROF = 2;
export const NSEC_PER_SEC = 1_000_000_000;
/** USER_HZ: clock_t ticks per second. */
export const USER_HZ = 100;
/** Resolution of the coarse clocks: one tick at HZ=250. Nanoseconds. */
export const TICK_NSEC = 4_000_000;
