/** The random bytes of devices: by RFC 8439's example, and the same at any place however they are read. */
import { expect, it } from 'vitest';
import { keystream, seededEntropy } from '../../src/hypervisor/seeded-entropy.js';

it('makes the block of RFC 8439, 2.3.2', () => {
  const key = new Uint32Array(Uint8Array.from({ length: 32 }, (_, n) => n).buffer);
  // Counter 1 and nonce 00:00:00:09:00:00:00:4a:00:00:00:00.
  const block = keystream(key, [1, 0x09000000, 0x4a000000, 0]);
  expect(Buffer.from(block).toString('hex')).toBe(
    '10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e' +
      'd2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e',
  );
});

it('gives the same bytes in pieces as in one, and others by another seed', () => {
  const source = seededEntropy(7);
  const whole = source.bytes(0, 1000);
  const pieces = [0, 1, 63, 64, 65, 200, 999].map((from, n, all) =>
    source.bytes(from, (all[n + 1] ?? 1000) - from),
  );
  expect(Buffer.concat(pieces).equals(whole)).toBe(true);
  expect(seededEntropy(8).bytes(0, 1000)).not.toEqual(whole);
  expect(seededEntropy(7 + 2 ** 32).bytes(0, 1000)).not.toEqual(whole);
  expect(new Set(whole).size).toBeGreaterThan(200);
});
