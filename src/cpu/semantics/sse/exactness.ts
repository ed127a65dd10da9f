/**
 * Whether an operation that WebAssembly carried out, rounding to nearest, was exact: what the PE flag asks. All
 * operands are normal or zero, and the result is normal, or exact anyway. An odd part is a significand without its
 * trailing zeros; a product is exact when the product of the odd parts fits the precision.
 */
import { type F64, type I32, I64 } from '../../../wasm/values.js';
import type { Emitter } from '../../emitter.js';
import { routine } from '../../routine.js';
import type { Float, Format } from './float-format.js';
import { DOUBLE } from './float-format.js';

const oddPart = routine('oddPart', { parameters: [I64], result: I64 }, (e, bits) => {
  const significand = e.code.let(bits.and(DOUBLE.fractionMask).or(1n << 52n));
  e.code.return(significand.shrU(significand.ctz()));
});

/** (a, b) → the product of the odd parts, or 0 if it has more than 54 bits */
const oddProduct = routine('oddProduct', { parameters: [I64, I64], result: I64 }, (e, a, b) => {
  const { code } = e;
  const first = e.call(oddPart, a);
  const second = e.call(oddPart, b);
  code.if(
    first
      .clz()
      .add(second.clz())
      .ltU(128 - 54),
    () => code.return(I64.const(0)),
  );
  code.return(first.mul(second));
});

/** a + b = sum, by the residual that TwoSum gives. */
export function sumIsExact<F extends Float<F>>(e: Emitter, a: F, b: F, sum: F): I32 {
  const added = e.code.let(sum.sub(a));
  return a.sub(sum.sub(added)).eq(added.sub(b));
}

/** a × b = product */
export function productIsExact<F extends Float<F>>(
  e: Emitter,
  format: Format<F>,
  a: F,
  b: F,
  product: F,
): I32 {
  if (format.width === 32) return format.widen(a).mul(format.widen(b)).eq(format.widen(product));
  const odd = e.call(oddProduct, format.bits(a), format.bits(b));
  return odd.sub(1).ltU((1n << 53n) - 1n);
}

/** a / b = quotient */
export function quotientIsExact<F extends Float<F>>(
  e: Emitter,
  format: Format<F>,
  a: F,
  b: F,
  quotient: F,
): I32 {
  if (format.width === 32) return format.widen(quotient).mul(format.widen(b)).eq(format.widen(a));
  return e.call(oddProduct, format.bits(quotient), format.bits(b)).eq(e.call(oddPart, format.bits(a)));
}

/** Zeros below the significand's last one, the implicit one included. */
function trailingZeros(value: F64): I64 {
  return value
    .reinterpretI64()
    .or(1n << 52n)
    .ctz();
}

/** Whether the product of two doubles has at most as many bits as their precision; it may even if it does not say so. */
function fits(a: F64, b: F64): I32 {
  return trailingZeros(a).add(trailingZeros(b)).geU(DOUBLE.precision);
}

/** a × b = product, as far as a look at trailing zeros tells: if it is not exact it does not say so. */
export function productIsSurelyExact<F extends Float<F>>(format: Format<F>, a: F, b: F, product: F): I32 {
  const [x, y] = [format.widen(a), format.widen(b)];
  return format.width === 32 ? x.mul(y).eq(format.widen(product)) : fits(x, y);
}

/** a / b = quotient, as far as that tells it */
export function quotientIsSurelyExact<F extends Float<F>>(format: Format<F>, a: F, b: F, quotient: F): I32 {
  const [x, y, z] = [format.widen(a), format.widen(b), format.widen(quotient)];
  const equal = z.mul(y).eq(x);
  return format.width === 32 ? equal : equal.and(fits(z, y));
}
