/** Arguments and environment as the byte strings that the caller gave (char codes are bytes): Node decodes them as UTF-8 and loses what is not. */
import { readFileSync } from 'node:fs';

/** The UTF-8 bytes of `text` as a byte string. */
export function utf8Bytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function zeroSeparated(path: string): string[] | null {
  try {
    return readFileSync(path, 'latin1').split('\0').slice(0, -1);
  } catch {
    return null; // not Linux
  }
}

/** The last words of this process's command line. `decoded`: the same words as Node gives them. */
export function lastArguments(decoded: readonly string[]): string[] {
  if (decoded.every((word) => /^[\x00-\x7f]*$/.test(word))) return [...decoded];
  const exact = zeroSeparated('/proc/self/cmdline');
  return exact === null ? decoded.map(utf8Bytes) : exact.slice(exact.length - decoded.length);
}

/** This process's environment, `NAME=VALUE` each. */
export function environment(): string[] {
  return zeroSeparated('/proc/self/environ') ?? Object.entries(process.env).map(([k, v]) => utf8Bytes(`${k}=${v}`));
}
