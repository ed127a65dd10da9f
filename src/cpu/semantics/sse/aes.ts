/**
 * AES: one round, either way, and the key schedule's help (SDM vol. 1 §12.13.1; FIPS 197). The S-box is computed from its
 * definition and looked up by sixteen swizzles, one for each value of a byte's upper half. Byte n of the vector is row
 * n mod 4 of column n / 4.
 */
import { Simd } from '../../../wasm/simd.js';
import { I32 } from '../../../wasm/values.js';
import { V128, ZERO_VECTOR } from '../../../wasm/vector.js';
import { type Routine, routine } from '../../routine.js';
import { bytes, control, defineLanes, defineUnaryLanes, lanes } from './common.js';

const { i8x16 } = Simd;
/** The field's polynomial is x^8 + x^4 + x^3 + x + 1. */
const REDUCTION = 0x1b;

function multiply(a: number, b: number): number {
  let product = 0;
  for (let x = a, y = b; y > 0; y >>= 1) {
    if (y & 1) product ^= x;
    x = ((x << 1) ^ (x & 0x80 ? REDUCTION : 0)) & 0xff;
  }
  return product;
}

function inverse(a: number): number {
  for (let b = 1; b < 256; b++) if (multiply(a, b) === 1) return b;
  return 0;
}

/** The affine transformation of FIPS 197 §5.1.1. */
function substitute(value: number): number {
  const b = inverse(value);
  let result = 0x63;
  for (let n = 0; n < 5; n++) result ^= ((b << n) | (b >> (8 - n))) & 0xff;
  return result;
}

const SUBSTITUTED = Array.from({ length: 256 }, (_, value) => substitute(value));
const RESTORED = SUBSTITUTED.map((_, value) => SUBSTITUTED.indexOf(value));

type VectorRoutine = Routine<readonly [typeof V128], V128>;

/** Every byte through a table of 256. */
function lookup(name: string, table: readonly number[]): VectorRoutine {
  return routine(name, { parameters: [V128], result: V128 }, (e, vector) => {
    const result = e.code.variable(V128, ZERO_VECTOR);
    for (let upper = 0; upper < 256; upper += 16) {
      const row = bytes((position) => table[upper + position] as number);
      result.set(result.get().or(row.binary(Simd.swizzle, vector.xor(lanes(8, upper)))));
    }
    e.code.return(result.get());
  });
}
const subBytes = lookup('subBytes', SUBSTITUTED);
const invSubBytes = lookup('invSubBytes', RESTORED);

/** The rows turned to the left by their numbers, or back. */
const rowPositions = (back: boolean): number[] =>
  Array.from({ length: 16 }, (_, n) => (n + (n % 4) * (back ? -4 : 4) + 16) % 16);
const shiftRows = (vector: V128, back: boolean): V128 => vector.shuffle(vector, rowPositions(back));

/** Each column turned up by so many rows. */
const turnColumns = (vector: V128, rows: number): V128 =>
  vector.shuffle(
    vector,
    Array.from({ length: 16 }, (_, n) => (n & ~3) + ((n + rows) % 4)),
  );

/** Each byte times x. */
function double(vector: V128): V128 {
  const reduced = vector.shift(i8x16.shrS, I32.const(7)).and(lanes(8, REDUCTION));
  return vector.binary(i8x16.add, vector).xor(reduced);
}

const mixColumns = routine('mixColumns', { parameters: [V128], result: V128 }, (e, vector) => {
  const { code } = e;
  const next = code.let(turnColumns(vector, 1));
  const doubled = double(code.let(vector.xor(next)));
  code.return(doubled.xor(next).xor(turnColumns(vector, 2)).xor(turnColumns(vector, 3)));
});

/** MixColumns of (x → 5 x + 4 × the byte two rows on). */
const invMixColumns = routine('invMixColumns', { parameters: [V128], result: V128 }, (e, vector) => {
  const { code } = e;
  const opposite = code.let(vector.xor(turnColumns(vector, 2)));
  const quadruple = double(code.let(double(opposite)));
  code.return(e.call(mixColumns, code.let(vector.xor(quadruple))));
});

const ROUNDS: readonly [name: string, summary: string, back: boolean, mix: VectorRoutine | undefined][] = [
  ['AESENC', 'One round of encryption; the second source is the round key.', false, mixColumns],
  ['AESENCLAST', 'The last round of encryption.', false, undefined],
  ['AESDEC', 'One round of the equivalent inverse cipher.', true, invMixColumns],
  ['AESDECLAST', 'The last round of the equivalent inverse cipher.', true, undefined],
];
for (const [name, summary, back, mix] of ROUNDS) {
  const box = back ? invSubBytes : subBytes;
  defineLanes(name, summary, (state, key, context) => {
    const substituted = context.call(box, context.code.let(shiftRows(state, back)));
    return (mix ? context.call(mix, substituted) : substituted).xor(key);
  });
}

defineUnaryLanes(
  'AESIMC',
  'Turns a round key into one of the equivalent inverse cipher.',
  (source, context) => context.call(invMixColumns, source),
);

/** The odd words, each as it is and turned by a byte. */
const KEY_POSITIONS = [4, 5, 6, 7, 5, 6, 7, 4, 12, 13, 14, 15, 13, 14, 15, 12];
defineUnaryLanes(
  'AESKEYGENASSIST',
  'Substitutes the odd words, and turns them and adds the round constant.',
  (source, context) => {
    const words = context.call(subBytes, context.code.let(source.shuffle(source, KEY_POSITIONS)));
    const constant = V128.splatI32(control(context)).and(lanes(64, 0xffffffff00000000n));
    return words.xor(constant);
  },
);
