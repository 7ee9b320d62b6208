/** Checksums that a sender left to the device, and checking those of what comes in. Linux skb_checksum_help(), skb_checksum_init(). */
import { fold, pseudoSum, sumWords } from '../checksum.ts';
import { CHECKSUM_NONE, CHECKSUM_PARTIAL, type SkBuff } from '../skb.ts';

/** Fills the transport checksum in, if that was left to do. */
export function finishChecksum(skb: SkBuff): void {
  if (skb.ipSummed !== CHECKSUM_PARTIAL) return;
  const at = skb.csumStart + skb.csumOffset;
  let sum = fold(sumWords(skb.data, skb.csumStart, skb.end));
  if (sum === 0 && skb.ipProtocol === 17) sum = 0xffff;
  skb.setU16(at, sum);
  skb.ipSummed = CHECKSUM_NONE;
}
/** Leaves the transport checksum to the device: its place gets the sum of the pseudo header. */
export function partialChecksum(skb: SkBuff, transport: number, offset: number, protocol: number): void {
  const sum = ~fold(pseudoSum(skb.source, skb.destination, protocol, skb.end - transport)) & 0xffff;
  skb.setU16(transport + offset, sum);
  skb.csumStart = transport;
  skb.csumOffset = offset;
  skb.ipSummed = CHECKSUM_PARTIAL;
}
/** The checksum over pseudo header and data[from … end) is right; one that the sender left out counts as right. */
export function checksumGood(skb: SkBuff, from: number, protocol: number): boolean {
  if (skb.ipSummed !== CHECKSUM_NONE) return true;
  return fold(pseudoSum(skb.source, skb.destination, protocol, skb.end - from) + sumWords(skb.data, from, skb.end)) === 0;
}
