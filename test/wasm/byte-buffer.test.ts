/** LEB128 at the edges of each length (Core Specification 2.0, §5.2.2). */
import { expect, test } from 'vitest';
import { ByteBuffer } from '../../src/wasm/byte-buffer.js';

function written(write: (buffer: ByteBuffer) => void): number[] {
  const buffer = new ByteBuffer();
  write(buffer);
  return [...buffer.take()];
}

test.each<[value: number | bigint, bytes: number[]]>([
  [0, [0x00]],
  [63, [0x3f]],
  [64, [0xc0, 0x00]],
  [-1, [0x7f]],
  [-64, [0x40]],
  [-65, [0xbf, 0x7f]],
  [2 ** 31, [0x80, 0x80, 0x80, 0x80, 0x08]],
  [-(2 ** 31), [0x80, 0x80, 0x80, 0x80, 0x78]],
  [-(2 ** 31) - 1, [0xff, 0xff, 0xff, 0xff, 0x77]],
  [-(2n ** 63n), [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f]],
])('signed %s', (value, bytes) => {
  expect(written((buffer) => buffer.signed(value))).toEqual(bytes);
  expect(written((buffer) => buffer.signed(BigInt(value)))).toEqual(bytes);
});

test.each<[value: number, bytes: number[]]>([
  [0, [0x00]],
  [127, [0x7f]],
  [128, [0x80, 0x01]],
  [624485, [0xe5, 0x8e, 0x26]],
  [2 ** 32, [0x80, 0x80, 0x80, 0x80, 0x10]],
])('unsigned %i', (value, bytes) => {
  expect(written((buffer) => buffer.unsigned(value))).toEqual(bytes);
});

test('it grows, and is empty when what it held was taken', () => {
  const buffer = new ByteBuffer();
  const many = Uint8Array.from({ length: 1000 }, (_, n) => n);
  buffer.byte(7);
  buffer.append(many);
  expect(buffer.take()).toEqual(Uint8Array.from([7, ...many]));
  expect(buffer.length).toBe(0);
});
