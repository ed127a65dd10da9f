/**
 * Power series in fixed point: the argument a fraction of 128 bits, coefficients and result with one bit before the
 * point. Enough terms that the rest is below 2^−108 for the arguments that their users have.
 */
import { I64 } from '../../../../wasm/values.js';
import { V128 } from '../../../../wasm/vector.js';
import { type Routine, routine } from '../../../routine.js';
import { addFixed, fixedConstant, multiplyFixed } from './wide-float.js';

/** (x, 0 or −1 for −x) → the sum */
export type Series = Routine<readonly [typeof V128, typeof I64], V128>;

/** @param denominators of the coefficients 1/d, from the first power on; the constant is 1 */
function series(name: string, denominators: readonly bigint[]): Series {
  return routine(name, { parameters: [V128, I64], result: V128 }, (e, x, mask) => {
    const { code } = e;
    const sign = code.let(V128.splatI64(mask));
    const one = 1n << 127n;
    const sum = code.variable(V128, fixedConstant(0n));
    for (const denominator of [1n, ...denominators].reverse()) {
      const coefficient = fixedConstant(one / denominator);
      code.scope(() => {
        const product = e.call(multiplyFixed, x, sum.get());
        sum.set(addFixed(e, code.let(product.xor(sign)), coefficient));
      });
    }
    code.return(sum.get());
  });
}

function powers(count: number, denominator: (n: number) => bigint): bigint[] {
  return Array.from({ length: count }, (_, n) => denominator(n + 1));
}

function factorial(n: number): bigint {
  return n < 2 ? 1n : BigInt(n) * factorial(n - 1);
}

/** (e^t − 1) / t; t up to 0.7 */
export const exponentialSeries = series(
  'exponentialSeries',
  powers(25, (n) => factorial(n + 1)),
);
/** artanh(z) / z, of z²; with −x arctan(z) / z. z² up to 0.03 */
export const inverseTangentSeries = series(
  'inverseTangentSeries',
  powers(21, (n) => BigInt(2 * n + 1)),
);
/** sin(r) / r, of −r²; r² up to 0.62 */
export const sineSeries = series(
  'sineSeries',
  powers(13, (n) => factorial(2 * n + 1)),
);
/** cos(r), of −r²; r² up to 0.62 */
export const cosineSeries = series(
  'cosineSeries',
  powers(14, (n) => factorial(2 * n)),
);
