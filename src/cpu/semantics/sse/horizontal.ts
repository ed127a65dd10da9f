/**
 * Sums and differences of neighbours: PHADD PHSUB, HADD HSUB, and ADDSUB, which takes turns (SDM vol. 1 §12.3.3, §12.6.1).
 * The even lanes of both sources are one operand, the odd ones the other.
 */
import { Simd } from '../../../wasm/simd.js';
import type { V128 } from '../../../wasm/vector.js';
import { defineLanes, type Lanes, lanes } from './common.js';
import { definePacked, SUFFIX } from './float-arithmetic.js';
import { DOUBLE, type Float, type Format, SINGLE } from './float-format.js';
import { operationOf } from './float-operations.js';

const { i16x8, i32x4 } = Simd;

/** Of so many bytes of each of two vectors, the even or the odd lanes side by side. */
function everyOther(a: V128, b: V128, laneBytes: number, odd: boolean, size: 8 | 16 = 16): V128 {
  const positions = Array.from({ length: 16 }, (_, n) => {
    const position = n % size;
    const lane = Math.floor(position / laneBytes);
    const from = 2 * lane * laneBytes + (position % laneBytes) + (odd ? laneBytes : 0);
    return from < size ? from : from - size + 16;
  });
  return a.shuffle(b, positions);
}

const INTEGERS: readonly [mnemonic: string, opcode: number, laneBytes: number, what: string][] = [
  ['PHADDW', i16x8.add, 2, 'Adds neighbouring 16-bit lanes.'],
  ['PHADDSW', i16x8.addSatS, 2, 'Adds neighbouring signed 16-bit lanes, saturating.'],
  ['PHADDD', i32x4.add, 4, 'Adds neighbouring 32-bit lanes.'],
  ['PHSUBW', i16x8.sub, 2, 'Subtracts odd 16-bit lanes from even ones.'],
  ['PHSUBSW', i16x8.subSatS, 2, 'Subtracts odd signed 16-bit lanes from even ones, saturating.'],
  ['PHSUBD', i32x4.sub, 4, 'Subtracts odd 32-bit lanes from even ones.'],
];
for (const [mnemonic, opcode, laneBytes, summary] of INTEGERS) {
  const compute =
    (size: 8 | 16): Lanes =>
    (a, b) =>
      everyOther(a, b, laneBytes, false, size).binary(opcode, everyOther(a, b, laneBytes, true, size));
  defineLanes(mnemonic, summary, compute(16), { mmx: compute(8) });
}

function defineFloats<F extends Float<F>>(format: Format<F>): void {
  const suffix = `P${SUFFIX[format.width]}`;
  const laneBytes = format.width / 8;
  const [add, subtract] = [operationOf('ADD'), operationOf('SUB')];
  const arrange = (a: V128, b: V128): readonly [V128, V128] => [
    everyOther(a, b, laneBytes, false),
    everyOther(a, b, laneBytes, true),
  ];
  definePacked(
    { name: `HADD${suffix}`, summary: 'Adds neighbouring numbers.', operation: add, arrange },
    format,
  );
  definePacked(
    { name: `HSUB${suffix}`, summary: 'Subtracts odd numbers from even ones.', operation: subtract, arrange },
    format,
  );
  definePacked(
    {
      name: `ADDSUB${suffix}`,
      summary: 'Adds the odd numbers and subtracts the even ones.',
      operation: add,
      vector: (simd, a, b) => a.binary(simd.add, b.xor(lanes(format.width, format.sign, 0))),
      laneAt: (n) => (n % 2 ? add : subtract),
    },
    format,
  );
}
defineFloats(DOUBLE);
defineFloats(SINGLE);
