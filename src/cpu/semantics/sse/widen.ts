/** PMOVSX and PMOVZX: narrow lanes, sign- or zero-extended to fill the destination (SDM vol. 1 §12.10.9). */
import { Simd } from '../../../wasm/simd.js';
import type { V128 } from '../../../wasm/vector.js';
import { defineVector, pair } from './common.js';

const { i16x8, i32x4, i64x2 } = Simd;

/** Widenings of the lowest lanes, each to twice the width. */
const STEPS = {
  S: { BW: i16x8.extendLowS, WD: i32x4.extendLowS, DQ: i64x2.extendLowS },
  Z: { BW: i16x8.extendLowU, WD: i32x4.extendLowU, DQ: i64x2.extendLowU },
} as const;

const FORMS: readonly [suffix: string, steps: readonly ('BW' | 'WD' | 'DQ')[]][] = [
  ['BW', ['BW']],
  ['BD', ['BW', 'WD']],
  ['BQ', ['BW', 'WD', 'DQ']],
  ['WD', ['WD']],
  ['WQ', ['WD', 'DQ']],
  ['DQ', ['DQ']],
];
const BITS: Readonly<Record<string, number>> = { B: 8, W: 16, D: 32, Q: 64 };

/** The bytes from a position on, in the low place. */
function from(vector: V128, position: number): V128 {
  if (position === 0) return vector;
  return vector.shuffle(
    vector,
    Array.from({ length: 16 }, (_, n) => (n + position) % 16),
  );
}

for (const [how, opcodes] of Object.entries(STEPS)) {
  for (const [suffix, steps] of FORMS) {
    const [narrow, wide] = [...suffix].map((letter) => BITS[letter]);
    const extended = how === 'S' ? 'sign' : 'zero';
    const summary = `Widens ${narrow}-bit lanes to ${wide} bits, ${extended}-extended.`;
    defineVector(`PMOV${how}X${suffix}`, summary, (context) => {
      const [destination, source] = pair(context);
      const vector = source.readVector('none');
      const bytesOfHalf = 16 >> steps.length;
      const widened = Array.from({ length: destination.width / 128 }, (_, half) =>
        steps.reduce((each, step) => each.unary(opcodes[step]), from(vector, half * bytesOfHalf)),
      );
      destination.writeVectors(widened);
    });
  }
}
