/**
 * Takes V8's code cache of Node's own modules off the end of a start-up snapshot: 4 of 14 MB, which each start would read, copy and drop. All that the command needs of
 * them is in the heap that the snapshot holds; a module that is loaded later is compiled from source.
 *
 * Node ends a snapshot file with the cache: the number of modules, then for each its name and its data, both with their length before them (64 bits). Nothing says where
 * that begins, so it is looked for: what is read as such a list and ends with the file. Null if there is none: another version of Node may write something else.
 */
const MIN_MODULES = 50;
const MAX_MODULES = 5000;
const MAX_NAME = 200;

export function withoutCodeCache(blob: Buffer): Buffer | null {
  // The first module's data begin with the number that V8 begins all its serialized data with, which the file has further ahead too.
  const magic = blob.subarray(blob.indexOf(Buffer.from([0xde, 0xc0])) - 2);
  for (let at = 0; ; at++) {
    at = blob.indexOf(magic.subarray(0, 4), at);
    if (at < 0) return null;
    for (let name = 1; name <= MAX_NAME; name++) {
      const start = at - 8 - name - 16;
      if (start >= 0 && isList(blob, start)) return Buffer.concat([blob.subarray(0, start), Buffer.alloc(8)]);
    }
  }
}

function isList(blob: Buffer, start: number): boolean {
  let at = start;
  const length = (max: number): number => {
    const n = at + 8 > blob.length ? -1 : Number(blob.readBigUInt64LE(at));
    at += 8;
    return n <= max ? n : -1;
  };
  const modules = length(MAX_MODULES);
  if (modules < MIN_MODULES) return false;
  for (let i = 0; i < modules; i++) {
    for (const max of [MAX_NAME, blob.length]) {
      const n = length(max);
      if (n <= 0) return false;
      at += n;
    }
  }
  return at === blob.length;
}
