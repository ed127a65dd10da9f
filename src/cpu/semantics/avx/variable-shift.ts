/** VPSLLVx, VPSRLVx, VPSRAVD: every lane shifted by a count of its own; one too large gives 0 or the sign (SDM vol. 2). */
import { type I32, I64, select } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import type { Emitter } from '../../emitter.js';
import { routine } from '../../routine.js';
import { defineLanes } from '../sse/common.js';

const SHIFTS: readonly [
  mnemonic: string,
  width: 32 | 64,
  direction: string,
  shift: (value: I64, count: I64, fits: I32) => I64,
][] = [
  ['VPSLLVD', 32, 'left', (value, count, fits) => select(fits, value.shl(count), I64.const(0))],
  ['VPSLLVQ', 64, 'left', (value, count, fits) => select(fits, value.shl(count), I64.const(0))],
  ['VPSRLVD', 32, 'right', (value, count, fits) => select(fits, value.shrU(count), I64.const(0))],
  ['VPSRLVQ', 64, 'right', (value, count, fits) => select(fits, value.shrU(count), I64.const(0))],
  [
    'VPSRAVD',
    32,
    'right, keeping the sign',
    (value, count, fits) => value.extend32S().shrS(select(fits, count, I64.const(31))),
  ],
];

/** A lane, zero-extended. */
function lane(e: Emitter, vector: V128, width: 32 | 64, n: number): I64 {
  return e.code.let(width === 32 ? vector.extractI32(n).extendU() : vector.extractI64(n as 0 | 1));
}

for (const [mnemonic, width, direction, shift] of SHIFTS) {
  const whole = routine(mnemonic, { parameters: [V128, V128], result: V128 }, (e, values, counts) => {
    const { code } = e;
    const result = code.variable(V128, values);
    for (let n = 0; n < 128 / width; n++) {
      code.scope(() => {
        const count = lane(e, counts, width, n);
        const shifted = shift(lane(e, values, width, n), count, count.ltU(width));
        const before = result.get();
        result.set(
          width === 32 ? before.replaceI32(n, shifted.wrap()) : before.replaceI64(n as 0 | 1, shifted),
        );
      });
    }
    code.return(result.get());
  });
  defineLanes(mnemonic, `Shifts each ${width}-bit lane ${direction}, by its own count.`, (a, b, context) =>
    context.call(whole, a, b),
  );
}
