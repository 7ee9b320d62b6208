/** The Internet checksum (RFC 1071). */

/** Sum of the 16-bit words of b[from … to), not folded, on top of `sum`. */
export function sumWords(b: Uint8Array, from: number, to: number, sum = 0): number {
  let i = from;
  for (; i + 1 < to; i += 2) sum += (b[i]! << 8) | b[i + 1]!; // in range
  if (i < to) sum += b[i]! << 8; // in range
  return sum;
}
/** Folds to 16 bits and complements. */
export function fold(sum: number): number {
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}
export function checksum(b: Uint8Array, from = 0, to: number = b.length): number {
  return fold(sumWords(b, from, to));
}
/** Sum over the pseudo header of IPv4 and IPv6 (addresses, protocol, length), not folded. */
export function pseudoSum(source: Uint8Array, destination: Uint8Array, protocol: number, length: number): number {
  return sumWords(source, 0, source.length) + sumWords(destination, 0, destination.length) + protocol + (length & 0xffff) + (length >>> 16);
}
