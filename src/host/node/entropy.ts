/** Random bytes: the host's /dev/urandom where there is one. Node's crypto, which takes milliseconds to load, is only asked elsewhere. */
import { openSync, readSync } from 'node:fs';

/** Descriptor of /dev/urandom; -1 = there is none, -2 = not looked for yet. */
let device = -2;

function fromDevice(bytes: Uint8Array): boolean {
  if (device === -2) {
    try {
      device = openSync('/dev/urandom', 'r');
    } catch {
      device = -1;
    }
  }
  if (device < 0) return false;
  try {
    for (let at = 0; at < bytes.length; ) {
      const n = readSync(device, bytes, at, bytes.length - at, null);
      if (n <= 0) return false;
      at += n;
    }
    return true;
  } catch {
    return false;
  }
}

/** Fills all of `bytes`, 64 KiB at most. */
export function fillRandom(bytes: Uint8Array): void {
  if (!fromDevice(bytes)) process.getBuiltinModule('node:crypto').randomFillSync(bytes);
}
