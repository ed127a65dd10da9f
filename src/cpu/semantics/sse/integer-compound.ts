/**
 * Packed integers of SSSE3 and SSE4.1 that take more than one step: PABS PSIGN, PMULHRSW PMADDUBSW PMULDQ, PSHUFB PALIGNR,
 * MPSADBW PHMINPOSUW (SDM vol. 1 §12.6, §12.10).
 */
import { Simd } from '../../../wasm/simd.js';
import { I32 } from '../../../wasm/values.js';
import { V128, ZERO_VECTOR } from '../../../wasm/vector.js';
import { bytes, control, defineLanes, defineUnaryLanes, type Lanes, LOW_HALVES, lanes } from './common.js';

const { i8x16, i16x8, i32x4, i64x2 } = Simd;

for (const [letter, width, simd, shrS] of [
  ['B', 8, i8x16, i8x16.shrS],
  ['W', 16, i16x8, i16x8.shrS],
  ['D', 32, i32x4, i32x4.shrS],
] as const) {
  defineUnaryLanes(`PABS${letter}`, `Takes the absolute value of ${width}-bit lanes.`, (source) =>
    source.unary(simd.abs),
  );
  defineLanes(
    `PSIGN${letter}`,
    `Negates ${width}-bit lanes where the second source is negative, clears them where it is 0.`,
    (a, b, { code }) => {
      const negative = code.let(b.shift(shrS, I32.const(width - 1)));
      const signed = a.xor(negative).binary(simd.sub, negative);
      return signed.and(b.binary(simd.ne, ZERO_VECTOR));
    },
  );
}

/** WebAssembly's product differs for −1 × −1, which wraps here. */
defineLanes('PMULHRSW', 'Multiplies signed 16-bit fractions, rounding.', (a, b) => {
  const least = lanes(16, 0x8000);
  const wraps = a.binary(i16x8.eq, least).and(b.binary(i16x8.eq, least));
  return a.binary(i16x8.mulRoundS, b).xor(wraps);
});

defineLanes(
  'PMADDUBSW',
  'Multiplies unsigned by signed bytes and adds neighbouring products, saturating.',
  (a, b) => {
    const eight = I32.const(8);
    const even = a.and(lanes(16, 0xff)).binary(i16x8.mul, b.shift(i16x8.shl, eight).shift(i16x8.shrS, eight));
    const odd = a.shift(i16x8.shrU, eight).binary(i16x8.mul, b.shift(i16x8.shrS, eight));
    return even.binary(i16x8.addSatS, odd);
  },
);

/** Brings the even 32-bit lanes together in the low half. */
const even = (vector: V128): V128 =>
  vector.shuffle(vector, [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);
defineLanes('PMULDQ', 'Multiplies the even signed 32-bit lanes to 64-bit products.', (a, b) =>
  even(a).binary(i64x2.mulLowS, even(b)),
);

/** A position with its top bit set gives 0, as WebAssembly has it for every one out of range. */
defineLanes(
  'PSHUFB',
  'Puts any byte of the first source, or 0, into each, by the positions in the second.',
  (a, b) => a.binary(Simd.swizzle, b.and(lanes(8, 0x8f))),
  { mmx: (a, b) => a.binary(Simd.swizzle, b.and(lanes(8, 0x87))) },
);

const POSITIONS = bytes((position) => position);

/** Byte positions, so many further on; those that would wrap stay out of range. */
const shiftedPositions: Lanes = (_a, _b, context) =>
  context.code.let(POSITIONS.binary(i8x16.addSatU, V128.splatI8(control(context))));

defineLanes(
  'PALIGNR',
  'Takes bytes from the second source and then the first, from a position on.',
  (a, b, context, half) => {
    const low = shiftedPositions(a, b, context, half);
    const high = low.binary(i8x16.sub, lanes(8, 16));
    return b.binary(Simd.swizzle, low).or(a.binary(Simd.swizzle, high));
  },
  {
    mmx: (a, b, context, half) =>
      b.shuffle(a, LOW_HALVES).binary(Simd.swizzle, shiftedPositions(a, b, context, half)),
  },
);

/** Four bytes from each of four neighbouring positions. */
const WINDOWS = bytes((position) => Math.floor(position / 4) + (position % 4));

defineLanes(
  'MPSADBW',
  'Adds up the differences of four bytes to those at eight neighbouring positions.',
  (a, b, context, half) => {
    const { code } = context;
    const choice = code.let(control(context).shrU(3 * half));
    const block = V128.splatI8(choice.and(3).shl(2)).binary(i8x16.add, lanes(32, 0x03020100));
    const four = code.let(b.binary(Simd.swizzle, block));
    const sums = (start: number): V128 => {
      const first = V128.splatI8(choice.and(4).add(start));
      const windows = code.let(a.binary(Simd.swizzle, WINDOWS.binary(i8x16.add, first)));
      const differences = windows
        .binary(i8x16.maxU, four)
        .binary(i8x16.sub, windows.binary(i8x16.minU, four));
      return differences.unary(i16x8.addPairsU).unary(i32x4.addPairsU);
    };
    return sums(0).binary(i16x8.narrowU, sums(4));
  },
);

defineUnaryLanes(
  'PHMINPOSUW',
  'Finds the least unsigned 16-bit lane and its number; the rest becomes 0.',
  (source, { code }) => {
    const numbered = (opcode: number, first: number): V128 =>
      source
        .unary(opcode)
        .shift(i32x4.shl, I32.const(16))
        .or(lanes(32, first, first + 1, first + 2, first + 3));
    const four = code.let(numbered(i32x4.extendLowU, 0).binary(i32x4.minU, numbered(i32x4.extendHighU, 4)));
    const lesser = (vector: V128, distance: number): V128 =>
      code.let(
        vector.binary(
          i32x4.minU,
          vector.shuffle(
            vector,
            Array.from({ length: 16 }, (_, n) => (n + distance) % 16),
          ),
        ),
      );
    const least = lesser(lesser(four, 8), 4).extractI32(0);
    const found = code.let(least);
    return ZERO_VECTOR.replaceI32(0, found.shrU(16).or(found.shl(16)));
  },
);
