/** PTEST, VTESTPS and VTESTPD: bits or sign bits of two vectors together, into ZF and CF (SDM vol. 2, PTEST, VTESTPD). */
import { Simd } from '../../../wasm/simd.js';
import { I64 } from '../../../wasm/values.js';
import type { V128 } from '../../../wasm/vector.js';
import { defineVector, pair } from '../sse/common.js';

for (const [mnemonic, opcode, what] of [
  ['PTEST', Simd.anyTrue, 'bit'],
  ['VTESTPS', Simd.i32x4.bitmask, 'sign'],
  ['VTESTPD', Simd.i64x2.bitmask, 'sign'],
] as const) {
  defineVector(
    mnemonic,
    `ZF: no ${what} set in both; CF: no ${what} set in the second and clear in the first.`,
    (context) => {
      const [destination, source] = pair(context);
      const right = source.readVectors();
      const left = destination.readVectors();
      const none = (combine: (a: V128, b: V128) => V128): I64 =>
        context.code.let(
          left
            .map((a, half) => combine(a, right[half] as V128).test(opcode))
            .reduce((all, bits) => all.or(bits))
            .eqz()
            .extendU(),
        );
      const zf = none((a, b) => a.and(b));
      const cf = none((a, b) => b.binary(Simd.andNot, a));
      context.flags.setFloatComparison(zf, I64.const(0), cf);
    },
  );
}
