/**
 * UNPCK, PUNPCK and the shuffles (SDM vol. 1 §9.4.4, §10.4.3, §11.4.1.4, §11.4.2). A shuffle's control byte is known only at
 * run time, so it becomes a vector of byte positions: lane n gets the control times 4^(3−n), whose bits 7:6 are the
 * n-th field.
 */
import { Simd } from '../../../wasm/simd.js';
import { I32, type I64, select } from '../../../wasm/values.js';
import { V128, ZERO_VECTOR } from '../../../wasm/vector.js';
import type { Context } from '../context.js';
import {
  bytes,
  control,
  defineLanes,
  defineUnaryLanes,
  defineVector,
  HIGH_HALF,
  type Lanes,
  lanes,
  sources,
  type UnaryLanes,
} from './common.js';

/** Byte positions that interleave lanes of two vectors, from a half of each. */
function interleaved(laneBytes: number, high: boolean): number[] {
  return Array.from({ length: 16 }, (_, position) => {
    const lane = Math.floor(position / laneBytes);
    const from = Math.floor(lane / 2) * laneBytes + (position % laneBytes) + (high ? 8 : 0);
    return lane % 2 ? from + 16 : from;
  });
}

const UNPACKS: readonly [low: string, high: string, laneBytes: number, hot: boolean][] = [
  ['UNPCKLPS', 'UNPCKHPS', 4, false],
  ['UNPCKLPD', 'UNPCKHPD', 8, true],
  ['PUNPCKLBW', 'PUNPCKHBW', 1, false],
  ['PUNPCKLWD', 'PUNPCKHWD', 2, false],
  ['PUNPCKLDQ', 'PUNPCKHDQ', 4, false],
  ['PUNPCKLQDQ', 'PUNPCKHQDQ', 8, true],
];
/** In 64 bits the interleaved low halves are the whole of both results, one after the other. */
const upperHalf = (vector: V128): V128 => vector.shuffle(ZERO_VECTOR, HIGH_HALF);

for (const [low, high, laneBytes, hot] of UNPACKS) {
  const what = `Interleaves ${8 * laneBytes}-bit lanes of the`;
  const unpackLow: Lanes = (a, b) => a.shuffle(b, interleaved(laneBytes, false));
  defineLanes(low, `${what} low halves.`, unpackLow, { hot });
  defineLanes(high, `${what} high halves.`, (a, b) => a.shuffle(b, interleaved(laneBytes, true)), {
    mmx: (a, b, context, half) => upperHalf(context.code.let(unpackLow(a, b, context, half))),
  });
}

/** Which byte of the source goes where, for four 32-bit lanes. */
function positions32(context: Context): V128 {
  const spread = V128.splatI32(control(context)).binary(Simd.i32x4.mul, lanes(32, 64, 16, 4, 1));
  return lanePositions(context, spread.shift(Simd.i32x4.shrU, I32.const(6)));
}

/** Which byte of the source goes where, by the low two bits of each 32-bit lane. */
export function lanePositions(context: Context, choice: V128): V128 {
  const fields = choice.and(lanes(32, 3));
  const positions = fields.binary(Simd.i32x4.mul, lanes(32, 0x04040404));
  return context.code.let(positions.or(lanes(32, 0x03020100)));
}

/** PSHUFD's meaning, for each 128 bits. */
export const shuffle32: UnaryLanes = (source, context) => source.binary(Simd.swizzle, positions32(context));

defineUnaryLanes('PSHUFD', 'Puts any of the four 32-bit lanes into each.', shuffle32);

/** The low half of one vector, then the high half of another. */
const LOW_THEN_HIGH = [0, 1, 2, 3, 4, 5, 6, 7, 24, 25, 26, 27, 28, 29, 30, 31];

defineLanes(
  'SHUFPS',
  'Two lanes chosen from the first source, then two from the second.',
  (a, b, context) => {
    const positions = positions32(context);
    const chosen = (vector: V128): V128 => vector.binary(Simd.swizzle, positions);
    return chosen(a).shuffle(chosen(b), LOW_THEN_HIGH);
  },
);

defineLanes(
  'SHUFPD',
  'One lane chosen from the first source, then one from the second.',
  (a, b, context, half) => {
    const choice = control(context);
    const choose = (vector: V128, bit: number): I64 =>
      select(choice.and(1 << (2 * half + bit)), vector.extractI64(1), vector.extractI64(0));
    return ZERO_VECTOR.replaceI64(0, choose(a, 0)).replaceI64(1, choose(b, 1));
  },
);

/** Which byte of the source goes where, for the four 16-bit lanes of one half; the other half stays. */
function shuffledWords(source: V128, context: Context, high: boolean): V128 {
  const spread = V128.splatI16(control(context)).binary(Simd.i16x8.mul, lanes(16, 64, 16, 4, 1));
  const fields = spread.shift(Simd.i16x8.shrU, I32.const(6)).and(lanes(16, 3));
  const positions = fields.binary(Simd.i16x8.mul, lanes(16, 0x0202)).or(lanes(16, 0x0100));
  const inHalf = high ? positions.or(lanes(16, 0x0808)) : positions;
  const isShuffled = bytes((position) => (position >= 8 === high ? 0xff : 0));
  const all = inHalf.bitselect(
    bytes((position) => position),
    isShuffled,
  );
  return source.binary(Simd.swizzle, all);
}
for (const [mnemonic, high, which] of [
  ['PSHUFW', false, 'four'],
  ['PSHUFLW', false, 'low four'],
  ['PSHUFHW', true, 'high four'],
] as const) {
  defineUnaryLanes(mnemonic, `Puts any of the ${which} 16-bit lanes into each of them.`, (source, context) =>
    shuffledWords(source, context, high),
  );
}

/** Moves all bytes up or down by an immediate count; positions out of range give 0. */
function defineByteShift(mnemonic: string, direction: string, opcode: number): void {
  defineVector(mnemonic, `Shifts each 128 bits ${direction} by bytes.`, (context) => {
    const { destination, first } = sources(context);
    const count = control(context);
    const distance = V128.splatI8(select(count.gtU(16), I32.const(16), count));
    const positions = bytes((position) => position).binary(opcode, distance);
    destination.writeVectors(first.readVectors().map((vector) => vector.binary(Simd.swizzle, positions)));
  });
}
defineByteShift('PSLLDQ', 'left', Simd.i8x16.sub);
defineByteShift('PSRLDQ', 'right', Simd.i8x16.add);
