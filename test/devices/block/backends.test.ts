/** What every disk promises, whatever is behind it; and what those behind a file and over another do besides. */
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type BlockBackend, BlockError } from '../../../src/devices/backends.js';
import { MemoryBlock } from '../../../src/devices/block/memory-block.js';
import { OverlayBlock } from '../../../src/devices/block/overlay-block.js';
import { type FileCalls, RawDisk } from '../../../src/host/raw-disk.js';
import { randomNumbers } from '../support.js';

const SIZE = 300 * 512;
const folder = mkdtempSync(join(tmpdir(), 'univisor-disk-'));
const open: RawDisk[] = [];
afterAll(() => {
  for (const disk of open) disk.close();
  rmSync(folder, { recursive: true });
});

const contents = Uint8Array.from({ length: SIZE }, (_, n) => (n * 7) >> 3);

function raw(options: { readOnly?: boolean; calls?: FileCalls } = {}): { disk: RawDisk; path: string } {
  const path = join(folder, `${open.length}.img`);
  writeFileSync(path, contents);
  const disk = new RawDisk(path, options.readOnly ?? false, options.calls);
  open.push(disk);
  return { disk, path };
}

const backends: readonly [string, () => BlockBackend][] = [
  ['memory', () => new MemoryBlock(contents.slice())],
  ['an overlay', () => new OverlayBlock(new MemoryBlock(contents.slice(), true))],
  ['a raw file', () => raw().disk],
  ['an overlay over a raw file', () => new OverlayBlock(raw({ readOnly: true }).disk)],
];

describe.each(backends)('a disk in %s', (_name, make) => {
  it('holds what was written, over 3,000 random operations', () => {
    const disk = make();
    const model = contents.slice();
    const next = randomNumbers(11);
    for (let n = 0; n < 3000; n++) {
      const position = 512 * (next() % 300);
      const length = Math.min(SIZE - position, 512 * (next() % 140));
      const kind = next() % 4;
      if (kind === 0) {
        const bytes = new Uint8Array(length).fill(next());
        disk.write(position, bytes);
        model.set(bytes, position);
      } else if (kind === 1 && n % 8 === 1) {
        disk.zero(position, length);
        model.fill(0, position, position + length);
      } else if (kind === 2) disk.flush();
      const seen = new Uint8Array(length);
      disk.read(position, seen);
      if (Buffer.compare(seen, model.subarray(position, position + length)) !== 0)
        expect.fail(`operation ${n}: other bytes from ${position} on`);
    }
    expect([disk.size, disk.readOnly]).toEqual([SIZE, false]);
  });

  it('does not touch what is not discarded', () => {
    const disk = make();
    disk.discard(512, 1024);
    const seen = new Uint8Array(SIZE);
    disk.read(0, seen);
    expect(seen.subarray(0, 512)).toEqual(contents.subarray(0, 512));
    expect(Buffer.compare(seen.subarray(1536), contents.subarray(1536))).toBe(0);
  });
});

describe('an overlay', () => {
  it('leaves the disk below as it was, and keeps no more than it may', () => {
    const below = new MemoryBlock(contents.slice());
    const overlay = new OverlayBlock(below, 64 << 10);
    overlay.write(512, new Uint8Array(512));
    expect(() => overlay.write(128 << 10, new Uint8Array(512))).toThrow(
      expect.objectContaining({ name: 'BlockError', code: 'no-space' }),
    );
    expect(Buffer.compare(below.bytes, contents)).toBe(0);
  });
});

describe('a raw file', () => {
  const systemError = (code: string): Error => Object.assign(new Error(code), { code });

  it('has what was written, in the file', () => {
    const { disk, path } = raw();
    disk.write(1024, new Uint8Array(512).fill(9));
    const expected = contents.slice().fill(9, 1024, 1536);
    expect(Buffer.compare(readFileSync(path), expected)).toBe(0);
  });

  it('tells by name that the file became shorter, once', () => {
    const { disk, path } = raw();
    const told: BlockError[] = [];
    disk.onFailed = (error) => told.push(error);
    truncateSync(path, 1024);
    const read = (): void => disk.read(512, new Uint8Array(1024));
    expect(read).toThrow(expect.objectContaining({ name: 'BlockError', code: 'truncated' }));
    expect(read).toThrow(BlockError);
    expect(told.map(({ code }) => code)).toEqual(['truncated']);
  });

  it.each([
    ['ENOSPC', 'no-space'],
    ['EIO', 'failed'],
  ])('turns %s into an error named %s', (system, code) => {
    const write = (): never => {
      throw systemError(system);
    };
    const { disk } = raw({ calls: { read: () => 0, write, sync: () => {} } });
    expect(() => disk.write(0, new Uint8Array(512))).toThrow(expect.objectContaining({ code }));
  });

  it('goes on where a write was cut short', () => {
    const written: [number, number][] = [];
    const write: FileCalls['write'] = (_file, _bytes, offset, length, position) => {
      written.push([offset, position]);
      return Math.min(length, 300);
    };
    const { disk } = raw({ calls: { read: () => 0, write, sync: () => {} } });
    disk.write(512, new Uint8Array(512));
    expect(written).toEqual([
      [0, 512],
      [300, 812],
    ]);
  });

  it('flushes by fsync, and after one that failed writes no more', () => {
    const calls: string[] = [];
    let fails = false;
    const sync = (): void => {
      calls.push('sync');
      if (fails) throw systemError('EIO');
    };
    const write: FileCalls['write'] = (_file, _bytes, _offset, length) => {
      calls.push('write');
      return length;
    };
    const { disk } = raw({ calls: { read: () => 0, write, sync } });
    disk.flush();
    fails = true;
    expect(() => disk.flush()).toThrow(BlockError);
    fails = false;
    expect(() => disk.flush()).toThrow(BlockError);
    expect(() => disk.write(0, new Uint8Array(512))).toThrow(BlockError);
    expect(calls).toEqual(['sync', 'sync']);
  });

  it.each([
    ['no file', () => join(folder, 'none'), 'missing'],
    ['a directory', () => folder, 'directory'],
    ['no whole sectors', () => writeTo('odd', 513), 'bad-size'],
    ['nothing', () => writeTo('empty', 0), 'bad-size'],
  ])('refuses %s by name', (_name, path, code) => {
    expect(() => new RawDisk(path(), false)).toThrow(expect.objectContaining({ code }));
  });

  function writeTo(name: string, size: number): string {
    writeFileSync(join(folder, name), new Uint8Array(size));
    return join(folder, name);
  }
});
