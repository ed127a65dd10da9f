/**
 * UNPCK, PUNPCK and the shuffles (SDM vol. 1 §10.4.3, §11.4.1.4, §11.4.2). A shuffle's control byte is known only at
 * run time, so it becomes a vector of byte positions: lane n gets the control times 4^(3−n), whose bits 7:6 are the
 * n-th field.
 */
import { Simd } from '../../../wasm/simd.js';
import { I32, type I64, select } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import type { Context, Operand } from '../context.js';
import { bytes, defineBinary, defineVector, lanes, pair, ZERO_VECTOR } from './common.js';

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
for (const [low, high, laneBytes, hot] of UNPACKS) {
  const what = `Interleaves ${8 * laneBytes}-bit lanes of the`;
  defineBinary(low, `${what} low halves.`, (a, b) => a.shuffle(b, interleaved(laneBytes, false)), hot);
  defineBinary(high, `${what} high halves.`, (a, b) => a.shuffle(b, interleaved(laneBytes, true)));
}

function control(context: Context): I32 {
  return context.operands.at(-1)?.read().wrap() as I32;
}

/** Which byte of the source goes where, for four 32-bit lanes. */
function positions32(context: Context): V128 {
  const spread = V128.splatI32(control(context)).binary(Simd.i32x4.mul, lanes(32, 64, 16, 4, 1));
  const fields = spread.shift(Simd.i32x4.shrU, I32.const(6)).and(lanes(32, 3));
  const positions = fields.binary(Simd.i32x4.mul, lanes(32, 0x04040404));
  return context.code.let(positions.or(lanes(32, 0x03020100)));
}

defineVector('PSHUFD', 'Puts any of the four 32-bit lanes into each.', (context) => {
  const [destination, source] = pair(context);
  destination.writeVector(source.readVector(true).binary(Simd.swizzle, positions32(context)));
});

defineVector('SHUFPS', 'Two lanes chosen from the destination, then two from the source.', (context) => {
  const [destination, source] = pair(context);
  const right = source.readVector(true);
  const positions = positions32(context);
  const chosen = (vector: V128): V128 => vector.binary(Simd.swizzle, positions);
  const low = chosen(destination.readVector());
  destination.writeVector(
    low.shuffle(chosen(right), [0, 1, 2, 3, 4, 5, 6, 7, 24, 25, 26, 27, 28, 29, 30, 31]),
  );
});

defineVector('SHUFPD', 'One lane chosen from the destination, then one from the source.', (context) => {
  const { code } = context;
  const [destination, source] = pair(context);
  const right = source.readVector(true);
  const left = destination.readVector();
  const choice = code.let(control(context));
  const choose = (vector: V128, bit: number): I64 =>
    select(choice.and(bit), vector.extractI64(1), vector.extractI64(0));
  destination.writeVector(ZERO_VECTOR.replaceI64(0, choose(left, 1)).replaceI64(1, choose(right, 2)));
});

/** Which byte of the source goes where, for the four 16-bit lanes of one half; the other half stays. */
function shuffleWords(context: Context, high: boolean): void {
  const [destination, source] = pair(context);
  const spread = V128.splatI16(control(context)).binary(Simd.i16x8.mul, lanes(16, 64, 16, 4, 1));
  const fields = spread.shift(Simd.i16x8.shrU, I32.const(6)).and(lanes(16, 3));
  const positions = fields.binary(Simd.i16x8.mul, lanes(16, 0x0202)).or(lanes(16, 0x0100));
  const inHalf = high ? positions.or(lanes(16, 0x0808)) : positions;
  const isShuffled = bytes((position) => (position >= 8 === high ? 0xff : 0));
  const all = inHalf.bitselect(
    bytes((position) => position),
    isShuffled,
  );
  destination.writeVector(source.readVector(true).binary(Simd.swizzle, all));
}
defineVector('PSHUFLW', 'Puts any of the low four 16-bit lanes into each of them.', (context) => {
  shuffleWords(context, false);
});
defineVector('PSHUFHW', 'Puts any of the high four 16-bit lanes into each of them.', (context) => {
  shuffleWords(context, true);
});

/** Moves all bytes up or down by an immediate count; positions out of range give 0. */
function shiftBytes(context: Context, opcode: number): void {
  const { code } = context;
  const [operand, count] = pair(context) as [Operand, Operand];
  const wide = code.let(count.read().and(0xff).wrap());
  const distance = V128.splatI8(select(wide.gtU(16), I32.const(16), wide));
  const positions = bytes((position) => position).binary(opcode, distance);
  operand.writeVector(operand.readVector().binary(Simd.swizzle, positions));
}
defineVector('PSLLDQ', 'Shifts the register left by bytes.', (context) =>
  shiftBytes(context, Simd.i8x16.sub),
);
defineVector('PSRLDQ', 'Shifts the register right by bytes.', (context) =>
  shiftBytes(context, Simd.i8x16.add),
);
