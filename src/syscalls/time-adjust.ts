/** adjtimex and clock_adjtime. Linux 6.18 kernel/time/timekeeping.c timekeeping_validate_timex(), ntp.c __do_adjtimex(); man 2 adjtimex. */
import { CAP_SYS_TIME } from '../abi/capability.ts';
import { EFAULT, EINVAL, EOPNOTSUPP, EPERM, isErr } from '../abi/errno.ts';
import { CLOCK_REALTIME, NSEC_PER_SEC } from '../abi/time.ts';
import type { NtpState } from '../kernel/ntp.ts';
import type { Task } from '../kernel/task.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { cpuClock, isMonotonic, isWall, setWallClock } from './time-clock.ts';

/** struct timex. Bytes. */
const TIMEX_SIZE = 208;
const timex: Uint8Array = new Uint8Array(TIMEX_SIZE);
const view: DataView = new DataView(timex.buffer);
const AT_OFFSET = 8, AT_FREQ = 16, AT_MAXERROR = 24, AT_ESTERROR = 32, AT_STATUS = 40, AT_CONSTANT = 48, AT_PRECISION = 56, AT_TOLERANCE = 64, AT_SEC = 72, AT_SUB = 80;
const AT_TICK = 88, AT_TAI = 160;

const ADJ_OFFSET = 1, ADJ_FREQUENCY = 2, ADJ_MAXERROR = 4, ADJ_ESTERROR = 8, ADJ_STATUS = 0x10, ADJ_TIMECONST = 0x20, ADJ_TAI = 0x80, ADJ_SETOFFSET = 0x100, ADJ_MICRO = 0x1000;
const ADJ_NANO = 0x2000, ADJ_TICK = 0x4000, ADJ_ADJTIME = 0x8000;
/** With ADJ_ADJTIME: bits of ADJ_OFFSET_SINGLESHOT and of ADJ_OFFSET_SS_READ (ADJ_OFFSET_READONLY). */
const OFFSET_SINGLESHOT = 1, OFFSET_READONLY = 0x2000;
const STA_PLL = 1, STA_UNSYNC = 0x40, STA_FREQHOLD = 0x80, STA_NANO = 0x2000;
/** STA_PPSSIGNAL, JITTER, WANDER, ERROR, CLOCKERR, NANO, MODE, CLK: not the program's to set. */
const STA_RONLY = 0xff00;
const TIME_OK = 0, TIME_ERROR = 5;
const USER_HZ = 100;
/** Most frequency offset: 500 ppm, with 16 bits of fraction. */
const MAX_FREQUENCY = 32_768_000;
const MAX_TIME_CONSTANT = 10, MAX_TAI = 100_000, NTP_PHASE_LIMIT = 16_000_000;

const long = (at: number): number => view.getUint32(at, true) + view.getInt32(at + 4, true) * 4294967296;
function put(at: number, value: number): void {
  view.setUint32(at, value % 4294967296, true);
  view.setInt32(at + 4, Math.floor(value / 4294967296), true);
}

/** What is wrong with the request: 0, EINVAL, EPERM. */
function validate(t: Task, modes: number): number {
  const able = t.credentials.capableInInit(CAP_SYS_TIME);
  if (modes & ADJ_ADJTIME) {
    if (!(modes & OFFSET_SINGLESHOT)) return EINVAL;
    if (!(modes & OFFSET_READONLY) && !able) return EPERM;
  } else {
    if (modes !== 0 && !able) return EPERM;
    if (modes & ADJ_TICK && (long(AT_TICK) < 900_000 / USER_HZ || long(AT_TICK) > 1_100_000 / USER_HZ)) return EINVAL;
  }
  if (modes & ADJ_SETOFFSET) {
    if (!able) return EPERM;
    const sub = long(AT_SUB);
    if (sub < 0 || sub >= (modes & ADJ_NANO ? NSEC_PER_SEC : 1_000_000)) return EINVAL;
  }
  if (modes & ADJ_FREQUENCY && Math.abs(long(AT_FREQ)) > 2 ** 63 / 65536) return EINVAL;
  return 0;
}

/** Linux process_adjtimex_modes(). */
function apply(t: Task, ntp: NtpState, modes: number): void {
  if (modes & ADJ_STATUS) {
    const status = view.getInt32(AT_STATUS, true);
    if (ntp.status & STA_PLL && !(status & STA_PLL)) ntp.status |= STA_UNSYNC;
    ntp.status = (ntp.status & STA_RONLY) | (status & ~STA_RONLY);
  }
  if (modes & ADJ_NANO) ntp.status |= STA_NANO;
  if (modes & ADJ_MICRO) ntp.status &= ~STA_NANO;
  if (modes & ADJ_FREQUENCY) ntp.frequency = Math.max(-MAX_FREQUENCY, Math.min(MAX_FREQUENCY, long(AT_FREQ)));
  if (modes & ADJ_MAXERROR) ntp.maxError = Math.max(0, Math.min(NTP_PHASE_LIMIT, long(AT_MAXERROR)));
  if (modes & ADJ_ESTERROR) ntp.estimatedError = Math.max(0, Math.min(NTP_PHASE_LIMIT, long(AT_ESTERROR)));
  if (modes & ADJ_TIMECONST) ntp.constant = Math.max(0, Math.min(MAX_TIME_CONSTANT, long(AT_CONSTANT) + (ntp.status & STA_NANO ? 0 : 4)));
  if (modes & ADJ_TAI && long(AT_CONSTANT) >= 0 && long(AT_CONSTANT) <= MAX_TAI) t.kernel.clock.taiOffset = long(AT_CONSTANT);
  if (modes & ADJ_OFFSET && ntp.status & STA_PLL) {
    const limit = ntp.status & STA_NANO ? 500_000_000 : 500_000;
    ntp.offset = Math.max(-limit, Math.min(limit, long(AT_OFFSET)));
    if (ntp.status & STA_FREQHOLD) ntp.adjust = 0;
  }
  if (modes & ADJ_TICK) ntp.tick = long(AT_TICK);
}

/** Takes and answers the struct timex at `addr`: the state of the clock (TIME_OK, TIME_ERROR), EFAULT, EINVAL, EPERM. */
function adjust(t: Task, addr: number): number {
  if (t.space.readBytes(addr, timex) !== 0) return EFAULT;
  const modes = view.getUint32(0, true);
  const bad = validate(t, modes);
  if (bad !== 0) return bad;
  const { clock, ntp } = t.kernel;
  if (modes & ADJ_SETOFFSET) {
    clock.update();
    const nsec = clock.nsec + (modes & ADJ_NANO ? long(AT_SUB) : long(AT_SUB) * 1000);
    setWallClock(t, clock.sec + long(AT_SEC) + Math.floor(nsec / NSEC_PER_SEC), nsec % NSEC_PER_SEC);
  }
  if (modes & ADJ_ADJTIME) {
    const before = ntp.adjust;
    if (!(modes & OFFSET_READONLY)) ntp.adjust = long(AT_OFFSET);
    put(AT_OFFSET, before);
  } else {
    if (modes !== 0) apply(t, ntp, modes);
    put(AT_OFFSET, ntp.offset);
  }
  clock.update();
  put(AT_FREQ, ntp.frequency);
  put(AT_MAXERROR, ntp.maxError);
  put(AT_ESTERROR, ntp.estimatedError);
  view.setInt32(AT_STATUS, ntp.status, true);
  put(AT_CONSTANT, ntp.constant);
  put(AT_PRECISION, 1);
  put(AT_TOLERANCE, MAX_FREQUENCY);
  put(AT_SEC, clock.sec);
  put(AT_SUB, ntp.status & STA_NANO ? clock.nsec : Math.floor(clock.nsec / 1000));
  put(AT_TICK, ntp.tick);
  timex.fill(0, 96, AT_TAI);
  view.setInt32(AT_TAI, clock.taiOffset, true);
  if (isErr(t.space.writeBytes(addr, timex))) return EFAULT;
  return ntp.status & STA_UNSYNC ? TIME_ERROR : TIME_OK;
}

function sysClockAdjtime(t: Task, a: SyscallArgs): number {
  const id = a.int(0);
  if (id !== CLOCK_REALTIME) return isWall(id) || isMonotonic(id) || cpuClock(t, id) !== null ? EOPNOTSUPP : EINVAL;
  return adjust(t, a.addr(1));
}

export const timeAdjustRows: readonly SyscallRow[] = [
  [159, 'adjtimex', 'out:timex', 'full', (t, a) => adjust(t, a.addr(0))],
  [305, 'clock_adjtime', 'clockid,out:timex', 'full', sysClockAdjtime],
];
