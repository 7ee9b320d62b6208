/** Values of socket options as bytes. */

/** An int as an option value. */
export function intOption(n: number): Uint8Array {
  const b = new Uint8Array(4);
  new DataView(b.buffer).setInt32(0, n, true);
  return b;
}
/** The int in an option value of at least 4 bytes. */
export function optionInt(value: Uint8Array): number {
  return new DataView(value.buffer, value.byteOffset).getInt32(0, true);
}
