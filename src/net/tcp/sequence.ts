/** Sequence numbers: 32 bits that wrap around. */

/** a < b */
export function before(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}
/** a > b */
export function after(a: number, b: number): boolean {
  return ((b - a) | 0) < 0;
}
/** a + n */
export function plus(a: number, n: number): number {
  return (a + n) >>> 0;
}
/** a - b as a distance. */
export function distance(a: number, b: number): number {
  return (a - b) | 0;
}

export const TCP_ESTABLISHED = 1;
export const TCP_SYN_SENT = 2;
export const TCP_SYN_RECV = 3;
export const TCP_FIN_WAIT1 = 4;
export const TCP_FIN_WAIT2 = 5;
export const TCP_TIME_WAIT = 6;
export const TCP_CLOSE = 7;
export const TCP_CLOSE_WAIT = 8;
export const TCP_LAST_ACK = 9;
export const TCP_LISTEN = 10;
export const TCP_CLOSING = 11;
export const TCP_NEW_SYN_RECV = 12;

export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const PSH = 8;
export const ACK = 16;
export const URG = 32;

/** MAX_TCP_WINDOW, largest window scale. */
export const MAX_WINDOW = 32767;
export const MAX_WSCALE = 14;
export const MS = 1_000_000;
export const RTO_INITIAL: number = 1000 * MS;
export const RTO_MIN: number = 200 * MS;
export const RTO_MAX: number = 120_000 * MS;
export const ATO_MIN: number = 40 * MS;
