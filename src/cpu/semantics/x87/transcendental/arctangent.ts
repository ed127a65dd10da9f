/**
 * FPATAN: the angle of a point, in all four quadrants (SDM vol. 2 with the table of special values). The ratio is
 * brought within 1 ÷ 16 by the arctangents of eighths.
 */
import { I32, I64, select } from '../../../../wasm/values.js';
import { V128 } from '../../../../wasm/vector.js';
import type { Emitter } from '../../../emitter.js';
import { routine } from '../../../routine.js';
import { raiseDenormal } from '../arithmetic-core.js';
import { NumberClass, signOf, zero } from '../extended.js';
import { classifyNumbers } from '../nan.js';
import { unpack } from '../normalise.js';
import { defineBinary } from '../register-forms.js';
import { highOf, lowOf, pair, shiftRightWide } from '../wide.js';
import { inverseTangentSeries } from './series.js';
import {
  addFixed,
  divideFixed,
  fixedConstant,
  multiplyFixed,
  normalised,
  over,
  rounded,
  roundedExact,
  subtractFixed,
  times,
  toFixed,
  type Wide,
  wideOf,
} from './wide-float.js';

/** π × 2^126 */
const PI = 0xc90fdaa22168c234c4c6628b80dc1cd1n;
/** Ratios below 2^−40 are their own arctangents, whatever the rounding control, as on silicon. */
const TINY = -40;
/** arctan(k ÷ 8) × 2^127, k from 0 to 8. */
const OF_EIGHTHS = [
  0n,
  0x0feadd4d5617b6e32c897989f3e888efn,
  0x1f5b75f92c80dd62adb8f3debef442fcn,
  0x2dec3283c9bde11ce2a8c848b73f9120n,
  0x3b58ce0ac3769ed15bf9117b2f0ea340n,
  0x47802eaf7bfacfcdae41af0b32e21ba3n,
  0x525e3e8c9a7b84920cd43f9522bed64fn,
  0x5c029f15e118cf39e596d2a90852221en,
  0x6487ed5110b4611a62633145c06e0e68n,
];

/** n ≤ 8 → arctan(n ÷ 8) × 2^127 */
const ofEighths = routine('arctangentOfEighths', { parameters: [I32], result: V128 }, (e, n) => {
  const { code } = e;
  const bodies = OF_EIGHTHS.map((value) => () => code.return(fixedConstant(value)));
  code.switch(n, bodies, () => {});
  code.return(fixedConstant(0n));
});

/** (ratio from 1/16 to 1 as a fraction of 127 bits) → its arctangent × 2^127 */
const reducedArctangent = routine('reducedArctangent', { parameters: [V128], result: V128 }, (e, ratio) => {
  const { code } = e;
  const nearest = code.let(highOf(ratio).shrU(59).add(1).shrU(1).wrap());
  const eighths = pair(nearest.extendU().shl(60), I64.const(0));
  const below = code.let(highOf(ratio).ltU(highOf(eighths)));
  const apart = code.let(select(below, subtractFixed(e, eighths, ratio), subtractFixed(e, ratio, eighths)));
  // With two bits before the point: 1 + ratio × eighths is up to 2.
  const product = e.call(multiplyFixed, ratio, code.let(eighths));
  const denominator = addFixed(e, pair(I64.const(1n << 62n), I64.const(0)), product);
  const half = e.call(shiftRightWide, highOf(apart), lowOf(apart), I32.const(1));
  const rest = e.call(divideFixed, half, denominator);
  const sum = e.call(inverseTangentSeries, e.call(multiplyFixed, rest, rest), I64.const(-1));
  const part = e.call(multiplyFixed, rest, sum);
  const known = e.call(ofEighths, nearest);
  code.return(select(below, subtractFixed(e, known, part), addFixed(e, known, part)));
});

/** The arctangent of a ratio up to 1. */
function arctangent(e: Emitter, ratio: Wide): Wide {
  const { code } = e;
  const exponent = code.variable(I32);
  const fraction = code.variable(V128);
  const set = (result: Wide): void => {
    exponent.set(result.exponent);
    fraction.set(result.fraction);
  };
  code.if(
    ratio.exponent.gtS(-4),
    () => set(normalised(e, e.call(reducedArctangent, toFixed(e, ratio, 1)), 1)),
    () => {
      const fixed = toFixed(e, ratio, 0);
      const square = e.call(multiplyFixed, fixed, fixed);
      set(times(e, ratio, normalised(e, e.call(inverseTangentSeries, square, I64.const(-1)), 1)));
    },
  );
  return { exponent: exponent.get(), fraction: fraction.get() };
}

/** (x, y) → the angle of the point (x, y) */
const angleOf = routine('x87AngleOf', { parameters: [V128, V128], result: V128 }, (e, x, y) => {
  const { code } = e;
  const { xKind, yKind } = classifyNumbers(e, x, y);
  raiseDenormal(e, xKind, yKind);
  const sign = code.let(signOf(y));
  const left = code.let(signOf(x).ne(0));
  const eighths = (count: I32): void => {
    const angle = { exponent: I32.const(2), fraction: fixedConstant(PI) };
    const whole = code.let(count);
    code.if(whole.eqz(), () => code.return(zero(sign)));
    code.if(whole.eq(3), () => {
      const quarter = e.call(shiftRightWide, highOf(angle.fraction), lowOf(angle.fraction), I32.const(2));
      const rest = subtractFixed(e, angle.fraction, quarter);
      code.return(rounded(e, sign, normalised(e, rest, 2)));
    });
    const halvings = select(whole.eq(4), I32.const(0), I32.const(3).sub(whole));
    const exponent = code.let(I32.const(2).sub(halvings));
    code.return(rounded(e, sign, { exponent, fraction: angle.fraction }));
  };
  const is = (kind: I32, which: keyof typeof NumberClass): I32 => kind.eq(NumberClass[which]);
  code.if(is(yKind, 'infinity'), () => {
    eighths(select(is(xKind, 'infinity'), select(left, I32.const(3), I32.const(1)), I32.const(2)));
  });
  code.if(is(xKind, 'infinity').or(is(yKind, 'zero')), () => eighths(left.shl(2)));
  code.if(is(xKind, 'zero'), () => eighths(I32.const(2)));
  const first = unpack(e, y);
  const second = unpack(e, x);
  const order = code.let(first.exponent.sub(second.exponent));
  const steep = code.let(select(order, order.gtS(0), first.significand.gtU(second.significand)));
  const [a, b] = [wideOf(e, first), wideOf(e, second)];
  const ratio = code.variable(V128);
  const exponent = code.variable(I32);
  const set = (result: Wide): void => {
    ratio.set(result.fraction);
    exponent.set(result.exponent);
  };
  code.if(
    steep,
    () => set(over(e, b, a)),
    () => set(over(e, a, b)),
  );
  const quotient = { exponent: exponent.get(), fraction: ratio.get() };
  const direct = code.let(steep.or(left).eqz());
  code.if(direct.and(exponent.get().leS(TINY)), () => code.return(roundedExact(e, sign, quotient)));
  const angle = arctangent(e, quotient);
  code.if(direct, () => code.return(rounded(e, sign, angle)));
  // With two bits before the point: π less the angle, or π ÷ 2 more or less.
  const own = toFixed(e, angle, 2);
  const half = code.let(fixedConstant(PI >> 1n));
  const from = code.let(select(steep, half, fixedConstant(PI)));
  const more = steep.and(left);
  const sum = code.let(select(more, addFixed(e, from, own), subtractFixed(e, from, own)));
  code.return(rounded(e, sign, normalised(e, sum, 2)));
});

defineBinary('FPATAN', 'Replaces ST(1) by the angle of the point (ST(0), ST(1)), and pops.', angleOf, {
  into: 1,
});
