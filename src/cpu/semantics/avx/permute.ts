/** VPERMILPx within each 128 bits, VPERMD, VPERMPS, VPERMQ, VPERMPD across them, VPBLENDD (SDM vol. 2). */
import { Simd } from '../../../wasm/simd.js';
import { I32, I64, select } from '../../../wasm/values.js';
import { V128, ZERO_VECTOR } from '../../../wasm/vector.js';
import type { Context } from '../context.js';
import { control, defineLanes, defineVector, lanes, pair, sources, type UnaryLanes } from '../sse/common.js';
import { lanePositions, shuffle32 } from '../sse/shuffle.js';

/** Chosen by an immediate, it has one source; chosen by a vector, two. */
function definePermuteInLane(
  mnemonic: string,
  what: string,
  byImmediate: UnaryLanes,
  byVector: (source: V128, choice: V128, context: Context) => V128,
): void {
  defineVector(mnemonic, `Puts any ${what} of each 128 bits into each.`, (context) => {
    if (context.operands.at(-1)?.kind === 'immediate') {
      const [destination, source] = pair(context);
      destination.writeVectors(
        source.readVectors().map((vector, half) => byImmediate(vector, context, half)),
      );
      return;
    }
    const { destination, first, second } = sources(context);
    const choices = second.readVectors();
    const vectors = first.readVectors();
    destination.writeVectors(vectors.map((vector, half) => byVector(vector, choices[half] as V128, context)));
  });
}

definePermuteInLane('VPERMILPS', 'single', shuffle32, (source, choice, context) =>
  source.binary(Simd.swizzle, lanePositions(context, choice)),
);

/** The high double in each lane where `high` has ones, else the low one. */
function chooseDoubles(source: V128, high: V128): V128 {
  const twice = (from: number): V128 =>
    source.shuffle(
      source,
      Array.from({ length: 16 }, (_, n) => from + (n % 8)),
    );
  return twice(8).bitselect(twice(0), high);
}

definePermuteInLane(
  'VPERMILPD',
  'double',
  (source, context, half) => {
    const choice = control(context);
    const ones = (bit: number): I64 =>
      I64.const(0).sub(
        choice
          .shrU(2 * half + bit)
          .and(1)
          .extendU(),
      );
    return chooseDoubles(source, context.code.let(ZERO_VECTOR.replaceI64(0, ones(0)).replaceI64(1, ones(1))));
  },
  (source, choice, { code }) => {
    const top = choice.shift(Simd.i64x2.shl, I32.const(62)).shift(Simd.i64x2.shrS, I32.const(63));
    return chooseDoubles(source, code.let(top));
  },
);

for (const mnemonic of ['VPERMD', 'VPERMPS']) {
  defineVector(
    mnemonic,
    'Puts any of the eight 32-bit lanes into each, as the first source says.',
    (context) => {
      const { code } = context;
      const { destination, first, second } = sources(context);
      const [low, high] = second.readVectors() as [V128, V128];
      const permuted = first.readVectors().map((choice) => {
        const positions = lanePositions(context, choice);
        const upper = choice.shift(Simd.i32x4.shl, I32.const(29)).shift(Simd.i32x4.shrS, I32.const(31));
        const chosen = high
          .binary(Simd.swizzle, positions)
          .bitselect(low.binary(Simd.swizzle, positions), upper);
        return code.let(chosen);
      });
      destination.writeVectors(permuted);
    },
  );
}

for (const mnemonic of ['VPERMQ', 'VPERMPD']) {
  defineVector(mnemonic, 'Puts any of the four 64-bit lanes into each.', (context) => {
    const { code } = context;
    const [destination, source] = pair(context);
    const [low, high] = source.readVectors() as [V128, V128];
    const choice = control(context);
    const lane = (n: number): I64 => {
      const odd = choice.and(1 << (2 * n));
      const of = (half: V128): I64 => select(odd, half.extractI64(1), half.extractI64(0));
      return select(choice.and(2 << (2 * n)), of(high), of(low));
    };
    const both = (n: number): V128 => code.let(ZERO_VECTOR.replaceI64(0, lane(n)).replaceI64(1, lane(n + 1)));
    destination.writeVectors([both(0), both(2)]);
  });
}

defineLanes('VPBLENDD', 'Each 32-bit lane from one source or the other.', (a, b, context, half) => {
  const bits = lanes(32, ...[0, 1, 2, 3].map((n) => 1 << (n + 4 * half)));
  const chosen = V128.splatI32(control(context)).and(bits).binary(Simd.i32x4.eq, bits);
  return b.bitselect(a, context.code.let(chosen));
});
