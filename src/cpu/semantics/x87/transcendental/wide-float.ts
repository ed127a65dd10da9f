/**
 * Positive numbers with 128 bits of significand, in which transcendental functions are computed before they are rounded
 * to 64. Each operation is good to a few units of the last bit.
 */
import { I32, I64, select } from '../../../../wasm/values.js';
import { V128 } from '../../../../wasm/vector.js';
import type { Emitter } from '../../../emitter.js';
import { routine } from '../../../routine.js';
import { multiplyHigh } from '../../multiply.js';
import { BIAS, type Parts } from '../extended.js';
import { raiseFlags, roundExtended } from '../round.js';
import { highOf, leadingZeros, lowOf, pair, shiftLeftWide, shiftRightWide } from '../wide.js';
import { Status } from '../words.js';

/** fraction × 2^exponent, the fraction at least ½; both are kept values. */
export interface Wide {
  readonly exponent: I32;
  /** As an integer, × 2^−128; its top bit is set. */
  readonly fraction: V128;
}

export function fixedConstant(value: bigint): V128 {
  return pair(I64.const(value >> 64n), I64.const(value & 0xffff_ffff_ffff_ffffn));
}

export function wideConstant(exponent: number, fraction: bigint): Wide {
  return { exponent: I32.const(exponent), fraction: fixedConstant(fraction) };
}

export function wideOf(e: Emitter, parts: Parts): Wide {
  return {
    exponent: e.code.let(parts.exponent.sub(BIAS - 1)),
    fraction: e.code.let(pair(parts.significand, I64.const(0))),
  };
}

/** (a, b), fractions of 128 bits → their product's upper 128 bits, at most two less */
export const multiplyFixed = routine(
  'multiplyFixed',
  { parameters: [V128, V128], result: V128 },
  (e, a, b) => {
    const { code } = e;
    const [aHigh, aLow] = [code.let(highOf(a)), code.let(lowOf(a))];
    const [bHigh, bLow] = [code.let(highOf(b)), code.let(lowOf(b))];
    const first = e.call(multiplyHigh, aHigh, bLow);
    const second = e.call(multiplyHigh, aLow, bHigh);
    const middle = code.let(first.add(second));
    const low = code.let(aHigh.mul(bHigh));
    const sum = code.let(low.add(middle));
    const carries = middle.ltU(first).extendU().add(sum.ltU(low).extendU());
    code.return(pair(e.call(multiplyHigh, aHigh, bHigh).add(carries), sum));
  },
);

/** (a, b), a < b → a ÷ b as a fraction of 128 bits, rounded down */
export const divideFixed = routine('divideFixed', { parameters: [V128, V128], result: V128 }, (e, a, b) => {
  const { code } = e;
  const [high, low] = [code.variable(I64, highOf(a)), code.variable(I64, lowOf(a))];
  const [divisorHigh, divisorLow] = [code.let(highOf(b)), code.let(lowOf(b))];
  const [upper, lower] = [code.variable(I64, I64.const(0)), code.variable(I64, I64.const(0))];
  const turns = code.variable(I32, I32.const(128));
  code.while(
    () => turns.get(),
    () => {
      const carried = code.let(high.get().ltS(0));
      high.set(high.get().shl(1).or(low.get().shrU(63)));
      low.set(low.get().shl(1));
      upper.set(upper.get().shl(1).or(lower.get().shrU(63)));
      lower.set(lower.get().shl(1));
      const equal = high.get().eq(divisorHigh).and(low.get().geU(divisorLow));
      code.if(carried.or(high.get().gtU(divisorHigh)).or(equal), () => {
        high.set(high.get().sub(divisorHigh).sub(low.get().ltU(divisorLow).extendU()));
        low.set(low.get().sub(divisorLow));
        lower.set(lower.get().or(1));
      });
      turns.set(turns.get().sub(1));
    },
  );
  code.return(pair(upper.get(), lower.get()));
});

/** a + b, and whether it carried out is lost */
export function addFixed(e: Emitter, a: V128, b: V128): V128 {
  const { code } = e;
  const low = code.let(lowOf(a).add(lowOf(b)));
  const carry = low.ltU(lowOf(b)).extendU();
  return code.let(pair(highOf(a).add(highOf(b)).add(carry), low));
}

/** a − b */
export function subtractFixed(e: Emitter, a: V128, b: V128): V128 {
  const { code } = e;
  const borrow = lowOf(a).ltU(lowOf(b)).extendU();
  return code.let(pair(highOf(a).sub(highOf(b)).sub(borrow), lowOf(a).sub(lowOf(b))));
}

/** value × 2^(exponent − 128), not 0, with its top bit brought up */
export function normalised(e: Emitter, value: V128, exponent: I32 | number): Wide {
  const { code } = e;
  const zeros = code.let(leadingZeros(highOf(value), lowOf(value)));
  const from = typeof exponent === 'number' ? I32.const(exponent) : exponent;
  return {
    exponent: code.let(from.sub(zeros)),
    fraction: e.call(shiftLeftWide, highOf(value), lowOf(value), zeros),
  };
}

export function times(e: Emitter, a: Wide, b: Wide): Wide {
  const product = e.call(multiplyFixed, a.fraction, b.fraction);
  return normalised(e, product, e.code.let(a.exponent.add(b.exponent)));
}

export function over(e: Emitter, a: Wide, b: Wide): Wide {
  const { code } = e;
  const half = e.call(shiftRightWide, highOf(a.fraction), lowOf(a.fraction), I32.const(1));
  const quotient = e.call(divideFixed, half, b.fraction);
  return normalised(e, quotient, code.let(a.exponent.sub(b.exponent).add(1)));
}

/** A number below 2^`before` as an integer × 2^(before − 128), rounded down. */
export function toFixed(e: Emitter, value: Wide, before: number): V128 {
  const { high, low } = { high: highOf(value.fraction), low: lowOf(value.fraction) };
  return e.call(shiftRightWide, high, low, I32.const(before).sub(value.exponent));
}

/** Rounded to 64 bits, as a number that is never exact. @param sign 0 or `SIGN` */
export function rounded(e: Emitter, sign: I32, { exponent, fraction }: Wide): V128 {
  const low = lowOf(fraction).or(1);
  return e.call(roundExtended, sign, exponent.add(BIAS - 1), highOf(fraction), low, I32.const(64));
}

/** Rounded to 64 bits; PE even where it is exact, and UE where it is denormal, as transcendental instructions have it. */
export function roundedExact(e: Emitter, sign: I32, { exponent, fraction }: Wide): V128 {
  raiseFlags(
    e,
    exponent
      .leS(1 - BIAS)
      .mul(Status.ue)
      .or(Status.pe),
  );
  const args = [highOf(fraction), lowOf(fraction), I32.const(64)] as const;
  return e.call(roundExtended, sign, exponent.add(BIAS - 1), ...args);
}

/** One of two numbers. */
export function choose(e: Emitter, condition: I32, whenTrue: Wide, whenFalse: Wide): Wide {
  return {
    exponent: e.code.let(select(condition, whenTrue.exponent, whenFalse.exponent)),
    fraction: e.code.let(select(condition, whenTrue.fraction, whenFalse.fraction)),
  };
}
