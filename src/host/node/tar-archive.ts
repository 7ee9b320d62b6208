/** Tar archives on Node.js, compressed with gzip or zstd or not at all. */
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { extract } from 'tar-stream';
import type { ArchiveEntry, ArchiveEntryType } from '../archive.ts';

const TYPES: Readonly<Record<string, ArchiveEntryType>> = {
  file: 'file', 'contiguous-file': 'file', directory: 'directory', symlink: 'symlink', link: 'hardlink', 'character-device': 'character-device',
  'block-device': 'block-device', fifo: 'fifo',
};

/** The first bytes of a file. */
function magicOf(path: string): Buffer {
  const fd = openSync(path, 'r');
  const bytes = Buffer.alloc(4);
  readSync(fd, bytes, 0, 4, 0);
  closeSync(fd);
  return bytes;
}

/** The archive's bytes without their compression. */
function openArchive(path: string): Readable {
  const magic = magicOf(path);
  const raw = createReadStream(path);
  const unpack = magic.readUInt16BE(0) === 0x1f8b ? createGunzip() : magic.readUInt32LE(0) === 0xfd2fb528 ? createZstdDecompress() : null;
  if (unpack === null) return raw;
  raw.on('error', (error) => unpack.destroy(error));
  return raw.pipe(unpack);
}

const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
const relative = (path: string): string => bytes(path).split('/').filter((part) => part !== '' && part !== '.').join('/');

/** The entries of the archive at `path`. Rejects with an Error that says what is wrong with it. */
export async function* readTar(path: string): AsyncGenerator<ArchiveEntry> {
  const parser = extract();
  const source = openArchive(path);
  source.on('error', (error) => parser.destroy(error));
  source.pipe(parser);
  for await (const entry of parser) {
    const { header } = entry;
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const type = TYPES[header.type ?? 'file'];
    if (type === undefined) continue;
    yield {
      path: relative(header.name),
      type,
      mode: (header.mode ?? 0o644) & 0o7777,
      uid: header.uid ?? 0,
      gid: header.gid ?? 0,
      mtimeSec: Math.floor((header.mtime?.getTime() ?? 0) / 1000),
      target: type === 'hardlink' ? relative(header.linkname ?? '') : bytes(header.linkname ?? ''),
      deviceMajor: header.devmajor ?? 0,
      deviceMinor: header.devminor ?? 0,
      data: Buffer.concat(chunks),
    };
  }
}
