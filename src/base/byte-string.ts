/** Byte strings: JavaScript strings whose character codes are bytes (0…255). Names, paths and arguments of the guest are such. */

/** Bytes off … off+len-1 as a byte string. */
export function bytesToString(bytes: Uint8Array, off = 0, len: number = bytes.length - off): string {
  let s = '';
  // In pieces: apply has a limit on arguments.
  for (let at = off, end = off + len; at < end; at += 4096) {
    s += String.fromCharCode.apply(null, bytes.subarray(at, Math.min(end, at + 4096)) as unknown as number[]); // apply takes array-likes
  }
  return s;
}

/** The bytes of a byte string. */
export function stringToBytes(s: string): Uint8Array {
  const bytes = new Uint8Array(s.length);
  for (let i = 0; i < s.length; i++) bytes[i] = s.charCodeAt(i);
  return bytes;
}

/** A JavaScript string (UTF-16) as a byte string of its UTF-8 bytes. */
export function utf8ToByteString(s: string): string {
  return bytesToString(new TextEncoder().encode(s));
}

/** A byte string that holds UTF-8 as a JavaScript string. */
export function byteStringToUtf8(s: string): string {
  return new TextDecoder().decode(stringToBytes(s));
}
