/**
 * Random bytes for devices: the keystream of ChaCha20 under a key made of the machine's seed. Any place of it can be had by
 * itself, so nothing needs saving but how far a device has read. Not secret: whoever knows the seed knows them.
 *
 * RFC 8439, 2.3. The block counter takes 64 bits, as in the cipher's first form, and the nonce the other two words.
 */
import type { EntropySource } from '../devices/backends.js';

const BLOCK = 64;
/** "expand 32-byte k" */
const CONSTANTS = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const;
const DOUBLE_ROUNDS = 10;

/** @param seed 0 to 2^53 − 1 */
export function seededEntropy(seed: number): EntropySource {
  const key = new Uint32Array(8);
  key.set([seed >>> 0, Math.floor(seed / 2 ** 32)]);
  return {
    bytes: (from, count) => {
      const bytes = new Uint8Array(count);
      for (let filled = 0; filled < count; ) {
        const skip = (from + filled) % BLOCK;
        const number = Math.floor((from + filled) / BLOCK);
        const block = keystream(key, [number >>> 0, Math.floor(number / 2 ** 32), 0, 0]);
        const piece = block.subarray(skip, skip + count - filled);
        bytes.set(piece, filled);
        filled += piece.length;
      }
      return bytes;
    },
  };
}

/** One block. @param key 8 words @param place 4: counter and nonce */
export function keystream(key: Uint32Array, place: readonly number[]): Uint8Array {
  const start = Uint32Array.of(...CONSTANTS, ...key, ...place);
  const state = start.slice();
  for (let round = 0; round < DOUBLE_ROUNDS; round++) {
    for (let column = 0; column < 4; column++) quarter(state, column, 0);
    for (let column = 0; column < 4; column++) quarter(state, column, 1);
  }
  const view = new DataView(new ArrayBuffer(BLOCK));
  state.forEach((word, n) => {
    view.setUint32(4 * n, word + (start[n] ?? 0), true);
  });
  return new Uint8Array(view.buffer);
}

/** A column of the four rows, or a diagonal: then each row is `slant` places further on than the one before. */
function quarter(state: Uint32Array, column: number, slant: number): void {
  const b = 4 + ((column + slant) & 3);
  const c = 8 + ((column + 2 * slant) & 3);
  const d = 12 + ((column + 3 * slant) & 3);
  mix(state, column, b, d, 16);
  mix(state, c, d, b, 12);
  mix(state, column, b, d, 8);
  mix(state, c, d, b, 7);
}

/** x += y; z = (z ^ x) rotated left. */
function mix(state: Uint32Array, x: number, y: number, z: number, left: number): void {
  const sum = ((state[x] ?? 0) + (state[y] ?? 0)) >>> 0;
  const mixed = (state[z] ?? 0) ^ sum;
  state[x] = sum;
  state[z] = (mixed << left) | (mixed >>> (32 - left));
}
