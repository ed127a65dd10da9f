/**
 * F2XM1, FYL2X and FYL2XP1 (SDM vol. 1 §8.3.8, §8.3.10; vol. 2 with the tables of special values). F2XM1 beyond ±1 gives
 * its operand back, and FYL2XP1 takes all numbers above −1, as silicon does where the manual leaves it open.
 */
import { I32, I64, select } from '../../../../wasm/values.js';
import { V128 } from '../../../../wasm/vector.js';
import type { Emitter } from '../../../emitter.js';
import { routine } from '../../../routine.js';
import { raiseDenormal } from '../arithmetic-core.js';
import {
  BIAS,
  classify,
  constant,
  extended,
  headOf,
  infinity,
  NumberClass,
  type Parts,
  SIGN,
  signOf,
  zero,
} from '../extended.js';
import { classifyNumbers, invalid, replaceDenormal, unaryNaN } from '../nan.js';
import { unpack } from '../normalise.js';
import { defineBinary, defineUnary } from '../register-forms.js';
import { raiseFlags } from '../round.js';
import { highOf, lowOf, pair, shiftRightWide } from '../wide.js';
import { Status } from '../words.js';
import { exponentialSeries, inverseTangentSeries } from './series.js';
import {
  addFixed,
  multiplyFixed,
  normalised,
  over,
  rounded,
  roundedExact,
  subtractFixed,
  times,
  toFixed,
  type Wide,
  wideConstant,
  wideOf,
} from './wide-float.js';

const LN_2 = 0xb17217f7d1cf79abc9e3b39803f2f6afn;
/** 2 ÷ ln 2, × 2^126. */
const TWO_OVER_LN_2 = 0xb8aa3b295c17f0bbbe87fed0691d3e88n;
/** √2 × 2^63 */
const ROOT_2 = 0xb504f333f9de6484n;
const MINUS_HALF = constant(SIGN | (BIAS - 1), 1n << 63n);

/** value → 2^value − 1 */
const exponential = routine('x87Exponential', { parameters: [V128], result: V128 }, (e, value) => {
  const { code } = e;
  const kind = e.call(classify, value);
  code.if(kind.geU(NumberClass.quiet), () => code.return(e.call(unaryNaN, value, kind)));
  const negative = signOf(value);
  code.if(kind.eq(NumberClass.infinity), () => {
    code.return(select(negative, constant(SIGN | BIAS, 1n << 63n), value));
  });
  code.if(kind.eq(NumberClass.zero), () => code.return(value));
  raiseDenormal(e, kind);
  const parts = unpack(e, value);
  code.if(parts.exponent.geS(BIAS), () => {
    raiseFlags(e, Status.pe);
    const one = headOf(value)
      .eq(SIGN | BIAS)
      .and(parts.significand.eq(1n << 63n));
    code.return(select(one, MINUS_HALF, value));
  });
  const t = times(e, wideOf(e, parts), wideConstant(0, LN_2));
  const mask = I64.const(0).sub(parts.sign.ne(0).extendU());
  const sum = e.call(exponentialSeries, toFixed(e, t, 0), mask);
  code.return(rounded(e, parts.sign, times(e, t, normalised(e, sum, 1))));
});

defineUnary('F2XM1', 'Computes 2^ST(0) − 1.', exponential);

/** 2 ÷ ln 2 × artanh(z) */
function logarithmOf(e: Emitter, z: Wide): Wide {
  const argument = toFixed(e, z, 0);
  const sum = e.call(inverseTangentSeries, e.call(multiplyFixed, argument, argument), I64.const(0));
  return times(e, times(e, z, normalised(e, sum, 1)), wideConstant(2, TWO_OVER_LN_2));
}

/** Whether the logarithm is negative, and how great it is. */
interface Logarithm {
  readonly sign: I32;
  readonly magnitude: Wide;
}

/**
 * log2 of a number whose significand is `fraction`, with one bit before the point, × 2^power: the power, and
 * artanh((m − 1) ÷ (m + 1)) of m within √2 of 1. Not for 1 itself.
 */
function logarithm(e: Emitter, given: V128, givenPower: I32): Logarithm {
  const { code } = e;
  const high = code.let(highOf(given));
  const above = code.let(high.gtU(ROOT_2));
  const power = code.let(givenPower.add(above));
  const one = pair(I64.const(1n << 63n), I64.const(0));
  // m − 1 and m + 1 as integers × 2^−127, or × 2^−128 where m is halved and 1 is 2^128.
  const distance = code.variable(V128);
  code.if(
    above,
    () => distance.set(subtractFixed(e, pair(I64.const(0), I64.const(0)), given)),
    () => distance.set(subtractFixed(e, given, one)),
  );
  const half = e.call(shiftRightWide, high, lowOf(given), I32.const(1));
  const fraction = code.let(pair(highOf(half).or(1n << 63n), lowOf(half)));
  const lower = addFixed(e, half, pair(I64.const(1n << 62n), I64.const(0)));
  const sum: Wide = {
    exponent: code.let(select(above, I32.const(1), I32.const(2))),
    fraction: code.let(select(above, fraction, lower)),
  };
  const exact = code.let(highOf(distance.get()).or(lowOf(distance.get())).eqz());
  const apart = code.let(select(exact, one, distance.get()));
  const z = over(e, normalised(e, apart, code.let(I32.const(1).sub(above))), sum);
  const part = logarithmOf(e, z);
  const sign = code.variable(I32, above.mul(SIGN));
  const exponent = code.variable(I32, part.exponent);
  const magnitude = code.variable(V128, part.fraction);
  code.if(power, () => {
    // In fixed point with 16 bits before the point.
    const whole = pair(power.extendS().shl(48), I64.const(0));
    const added = code.let(select(exact, pair(I64.const(0), I64.const(0)), toFixed(e, part, 16)));
    const total = code.variable(V128);
    code.if(
      above,
      () => total.set(subtractFixed(e, whole, added)),
      () => total.set(addFixed(e, whole, added)),
    );
    sign.set(I32.const(0));
    code.if(highOf(total.get()).ltS(0), () => {
      sign.set(I32.const(SIGN));
      total.set(subtractFixed(e, pair(I64.const(0), I64.const(0)), total.get()));
    });
    const result = normalised(e, total.get(), 16);
    exponent.set(result.exponent);
    magnitude.set(result.fraction);
  });
  return { sign: sign.get(), magnitude: { exponent: exponent.get(), fraction: magnitude.get() } };
}

function timesLogarithm(e: Emitter, factor: Parts, { sign, magnitude }: Logarithm, exact: I32): void {
  const { code } = e;
  const product = times(e, wideOf(e, factor), magnitude);
  const negative = code.let(sign.xor(factor.sign));
  code.if(exact, () => code.return(roundedExact(e, negative, product)));
  code.return(rounded(e, negative, product));
}

/** (x, y) → y × log2(x) */
const scaledLogarithm = routine(
  'x87ScaledLogarithm',
  { parameters: [V128, V128], result: V128 },
  (e, x, y) => {
    const { code } = e;
    const { xKind, yKind } = classifyNumbers(e, x, y);
    const is = (kind: I32, which: keyof typeof NumberClass): I32 => kind.eq(NumberClass[which]);
    const ySign = code.let(signOf(y));
    code.if(is(xKind, 'zero'), () => {
      code.if(is(yKind, 'zero'), () => code.return(invalid(e)));
      code.if(is(yKind, 'infinity').eqz(), () => replaceDenormal(e, Status.ze));
      code.return(infinity(ySign.xor(SIGN)));
    });
    code.if(signOf(x), () => code.return(invalid(e)));
    const one = code.let(
      headOf(x)
        .eq(BIAS)
        .and(x.extractI64(0).eq(1n << 63n)),
    );
    code.if(is(xKind, 'infinity'), () => {
      code.if(is(yKind, 'zero'), () => code.return(invalid(e)));
      raiseDenormal(e, yKind);
      code.return(infinity(ySign));
    });
    const below = code.let(headOf(x).ltS(BIAS).mul(SIGN));
    code.if(is(yKind, 'infinity'), () => {
      code.if(one, () => code.return(invalid(e)));
      raiseDenormal(e, xKind);
      code.return(infinity(ySign.xor(below)));
    });
    raiseDenormal(e, xKind, yKind);
    code.if(is(yKind, 'zero').or(one), () => code.return(zero(ySign.xor(below))));
    const parts = unpack(e, x);
    const fraction = code.let(pair(parts.significand, I64.const(0)));
    const exact = code.let(parts.significand.eq(1n << 63n));
    const result = logarithm(e, fraction, code.let(parts.exponent.sub(BIAS)));
    timesLogarithm(e, unpack(e, y), result, exact);
  },
);

defineBinary('FYL2X', 'Computes ST(1) × log2 ST(0), and pops.', scaledLogarithm, { into: 1 });

/** (x, y) → y × log2(x + 1) */
const scaledLogarithmOfNext = routine(
  'x87ScaledLogarithmOfNext',
  { parameters: [V128, V128], result: V128 },
  (e, x, y) => {
    const { code } = e;
    const { xKind, yKind } = classifyNumbers(e, x, y);
    const is = (kind: I32, which: keyof typeof NumberClass): I32 => kind.eq(NumberClass[which]);
    const sign = code.let(signOf(x).xor(signOf(y)));
    code.if(is(xKind, 'infinity'), () => {
      code.if(signOf(x).ne(0).or(is(yKind, 'zero')), () => code.return(invalid(e)));
      raiseDenormal(e, yKind);
      code.return(infinity(sign));
    });
    code.if(is(yKind, 'infinity'), () => {
      code.if(is(xKind, 'zero'), () => code.return(invalid(e)));
      raiseDenormal(e, xKind);
      code.return(infinity(sign));
    });
    raiseDenormal(e, xKind, yKind);
    code.if(is(xKind, 'zero').or(is(yKind, 'zero')), () => code.return(zero(sign)));
    const parts = unpack(e, x);
    const negative = code.let(parts.sign.ne(0));
    code.if(negative.and(parts.exponent.geS(BIAS)), () => {
      raiseFlags(e, Status.pe);
      code.return(extended(parts.sign.or(parts.exponent), parts.significand));
    });
    const factor = unpack(e, y);
    const small = parts.exponent.ltS(BIAS - 2);
    code.if(small, () => {
      const numerator = wideOf(e, parts);
      // 2 + x in fixed point with two bits before the point.
      const two = pair(I64.const(1n << 63n), I64.const(0));
      const added = toFixed(e, numerator, 2);
      const denominator = code.variable(V128);
      code.if(
        negative,
        () => denominator.set(subtractFixed(e, two, added)),
        () => denominator.set(addFixed(e, two, added)),
      );
      const z = over(e, numerator, normalised(e, denominator.get(), 2));
      const result = { sign: parts.sign, magnitude: logarithmOf(e, z) };
      timesLogarithm(e, factor, result, I32.const(0));
    });
    // 1 + x exactly, but for what lies 128 bits below.
    const one = wideConstant(1, 1n << 127n);
    const number = wideOf(e, parts);
    const greater = code.let(number.exponent.gtS(1));
    const exponent = code.let(select(greater, number.exponent, I32.const(1)));
    const shiftOf = (value: Wide): V128 => {
      const down = exponent.sub(value.exponent).add(1);
      return e.call(shiftRightWide, highOf(value.fraction), lowOf(value.fraction), down);
    };
    const unit = shiftOf(one);
    const own = shiftOf(number);
    const sum = code.variable(V128);
    code.if(
      negative,
      () => sum.set(subtractFixed(e, unit, own)),
      () => sum.set(addFixed(e, unit, own)),
    );
    const next = normalised(e, sum.get(), code.let(exponent.add(1)));
    const result = logarithm(e, next.fraction, code.let(next.exponent.sub(1)));
    timesLogarithm(e, factor, result, I32.const(0));
  },
);

defineBinary('FYL2XP1', 'Computes ST(1) × log2(ST(0) + 1), and pops.', scaledLogarithmOfNext, { into: 1 });
