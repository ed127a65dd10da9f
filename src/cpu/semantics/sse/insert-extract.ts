/** One lane in or out: PINSR, PEXTR, INSERTPS, EXTRACTPS (SDM vol. 1 §11.4.2, §12.10.6, §12.10.7). */
import { Simd } from '../../../wasm/simd.js';
import { type I32, I64, select } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import type { Context, Operand } from '../context.js';
import { control, defineVector, lanes, pair, sources } from './common.js';

const { i8x16, i16x8, i32x4, i64x2 } = Simd;

/** 0, 1 … in the lanes of 128 bits. */
function numbers(width: 8 | 16 | 32 | 64): V128 {
  return lanes(width, ...Array.from({ length: 128 / width }, (_, n) => n));
}

interface Lane {
  readonly suffix: 'B' | 'W' | 'D' | 'Q';
  readonly width: 8 | 16 | 32 | 64;
  /** A value in every lane, and which lanes of two vectors are equal. */
  readonly splat: (value: I64) => V128;
  readonly eq: number;
}

const LANES: readonly Lane[] = [
  { suffix: 'B', width: 8, splat: (value) => V128.splatI8(value.wrap()), eq: i8x16.eq },
  { suffix: 'W', width: 16, splat: (value) => V128.splatI16(value.wrap()), eq: i16x8.eq },
  { suffix: 'D', width: 32, splat: (value) => V128.splatI32(value.wrap()), eq: i32x4.eq },
  { suffix: 'Q', width: 64, splat: (value) => V128.splatI64(value), eq: i64x2.eq },
];

/** Which lane of so many bits the immediate chooses; the other immediate bits do not matter. */
function laneNumber(context: Context, vector: Operand, width: number): I32 {
  const bits = vector.kind === 'mmx' ? 64 : 128;
  return context.code.let(control(context).and(bits / width - 1));
}

/** A lane of a vector, zero-extended. */
function extract(context: Context, source: Operand, width: number): I64 {
  const { code } = context;
  const vector = source.readVector();
  const number = laneNumber(context, source, width);
  const low = vector.extractI64(0);
  const inHalf = 64 / width;
  const half = source.kind === 'mmx' ? low : select(number.and(inHalf), vector.extractI64(1), low);
  if (width === 64) return code.let(half);
  const moved = half.shrU(
    number
      .and(inHalf - 1)
      .mul(width)
      .extendU(),
  );
  return code.let(moved.and((1n << BigInt(width)) - 1n));
}

for (const { suffix, width, splat, eq } of LANES) {
  defineVector(`PINSR${suffix}`, `Puts the low ${width} bits of the source into a lane.`, (context) => {
    const { code } = context;
    const { destination, first, second } = sources(context);
    const value = second.read();
    const lane = laneNumber(context, destination, width).extendU();
    const chosen = code.let(splat(lane).binary(eq, numbers(width)));
    destination.writeVector(splat(value).bitselect(first.readVector(), chosen));
  });
  defineVector(`PEXTR${suffix}`, `Copies a ${width}-bit lane, zero-extended to a register.`, (context) => {
    const [destination, source] = pair(context);
    destination.write(extract(context, source, width));
  });
}

defineVector('EXTRACTPS', 'Copies a single, zero-extended to a register.', (context) => {
  const [destination, source] = pair(context);
  destination.write(extract(context, source, 32));
});

defineVector('INSERTPS', 'Puts a single of the source into a lane, and clears others.', (context) => {
  const { code } = context;
  const { destination, first, second } = sources(context);
  const choice = control(context);
  const from = choice.shrU(6).extendU().shl(5);
  const value = code.variable(I64);
  if (second.kind === 'memory') value.set(second.read());
  else {
    const vector = second.readVector();
    const half = select(choice.and(0x80), vector.extractI64(1), vector.extractI64(0));
    value.set(half.shrU(from.and(32)));
  }
  const chosen = V128.splatI32(choice.shrU(4).and(3)).binary(i32x4.eq, numbers(32));
  const inserted = V128.splatI32(value.get().wrap()).bitselect(first.readVector(), chosen);
  const bits = lanes(32, 1, 2, 4, 8);
  const cleared = V128.splatI32(choice).and(bits).binary(i32x4.eq, bits);
  destination.writeVector(inserted.binary(Simd.andNot, cleared));
});
