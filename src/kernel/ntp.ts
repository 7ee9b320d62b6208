/** The state of the kernel's clock discipline, as adjtimex(2) shows and sets it. Linux 6.18 kernel/time/ntp.c. Linux differs: the clock itself is not slewed. */
export class NtpState {
  /** Offset still to be applied; us, or ns with STA_NANO. */
  offset = 0;
  /** What adjtime(3) still has to apply, us. */
  adjust = 0;
  /** ppm with 16 bits of fraction. */
  frequency = 0;
  /** us. */
  maxError = 16_000_000;
  estimatedError = 16_000_000;
  /** STA_ bits. */
  status = 0x40;
  constant = 2;
  /** us a tick of USER_HZ. */
  tick = 10_000;
}
