/**
 * x × y + z with one rounding, on integers: exact in every rounding mode and with every flag (SDM vol. 1 §14.5). The
 * product is held in 128 bits and the addend brought beside it; what is shifted out below survives as a sticky bit.
 */

import type { Variable } from '../../../wasm/function-builder.js';
import { I32, I64, select } from '../../../wasm/values.js';
import type { Emitter } from '../../emitter.js';
import { type Routine, routine } from '../../routine.js';
import { Exception, Rounding } from '../../system/mxcsr.js';
import { denormalAsZero, invalid, raiseFlags, roundingMode } from '../sse/exceptions.js';
import { DOUBLE, type Float, type Format, SINGLE } from '../sse/float-format.js';
import { unpack } from '../sse/soft-arithmetic.js';
import { roundTo } from '../sse/soft-round.js';

/** Which of product and addend to negate; NaNs stay as they are. */
export const Negate = { product: 1, addend: 2 } as const;

/** Two words of a 128-bit number. */
interface Wide {
  readonly high: Variable<I64>;
  readonly low: Variable<I64>;
}

/** The upper 126 bits of (a × 2) × (b × 2), both below 2^63: what is cut off is 0, for they have 53 bits at most. */
function multiply(e: Emitter, a: I64, b: I64): Wide {
  const { code } = e;
  const low = (value: I64): I64 => value.and(0xffffffff);
  const [x, y] = [code.let(a.shl(1)), code.let(b.shl(1))];
  const lowLow = code.let(low(x).mul(low(y)));
  const middle = code.let(x.shrU(32).mul(low(y)).add(lowLow.shrU(32)));
  const other = code.let(low(x).mul(y.shrU(32)).add(low(middle)));
  const high = code.let(x.shrU(32).mul(y.shrU(32)).add(middle.shrU(32)).add(other.shrU(32)));
  const bottom = code.let(other.shl(32).or(low(lowLow)));
  return {
    high: code.variable(I64, high.shrU(2)),
    low: code.variable(I64, high.shl(62).or(bottom.shrU(2))),
  };
}

/** Shifts right by any count; the lowest bit stands for all that is lost. */
function shiftRight(e: Emitter, { high, low }: Wide, count: I32): void {
  const { code } = e;
  const lost = code.variable(I64, I64.const(0));
  const left = code.variable(I32, count);
  code.if(left.get().gtU(127), () => {
    lost.set(high.get().or(low.get()));
    high.set(I64.const(0));
    low.set(I64.const(0));
    left.set(I32.const(0));
  });
  code.if(left.get().gtU(63), () => {
    lost.set(low.get());
    low.set(high.get());
    high.set(I64.const(0));
    left.set(left.get().sub(64));
  });
  code.if(left.get(), () => {
    const wide = code.let(left.get().extendU());
    const back = code.let(I64.const(64).sub(wide));
    lost.set(lost.get().or(low.get().shl(back)));
    low.set(low.get().shrU(wide).or(high.get().shl(back)));
    high.set(high.get().shrU(wide));
  });
  low.set(low.get().or(lost.get().ne(I64.const(0)).extendU()));
}

/** this + other, or this − other */
function addTo(e: Emitter, into: Wide, other: Wide, subtract: I32): void {
  const { code } = e;
  const ones = code.let(I64.const(0).sub(subtract.extendU()));
  const low = code.let(other.low.get().xor(ones));
  const sum = code.let(into.low.get().add(low));
  const lowSum = code.let(sum.add(subtract.extendU()));
  const carry = code.let(sum.ltU(low).or(lowSum.eqz().and(subtract)));
  const high = into.high.get().add(other.high.get().xor(ones));
  into.high.set(high.add(carry.extendU()));
  into.low.set(lowSum);
}

type FusedRoutine = Routine<readonly [typeof I64, typeof I64, typeof I64, typeof I32], I64>;

function makeFused<F extends Float<F>>(format: Format<F>): FusedRoutine {
  return routine(
    `softFused${format.name}`,
    { parameters: [I64, I64, I64, I32], result: I64 },
    (e, first, second, third, negate) => {
      const { code } = e;
      const [x, y, addend] = [first, second, third].map((bits) => denormalAsZero(e, format, bits)) as [
        I64,
        I64,
        I64,
      ];
      const infinite = code.let(format.isInfinite(x).or(format.isInfinite(y)));
      const zero = code.let(format.isZero(x).or(format.isZero(y)));
      const anyNaN = format.isNaN(x).or(format.isNaN(y)).or(format.isNaN(addend));
      code.if(anyNaN, () => {
        const signalling = format.isSignalling(x).or(format.isSignalling(y)).or(format.isSignalling(addend));
        raiseFlags(e, signalling.mul(Exception.ie));
        const chosen = select(format.isNaN(x), x, select(format.isNaN(y), y, addend));
        code.return(chosen.or(format.quiet));
      });
      code.if(infinite.and(zero), () => code.return(invalid(e, format)));

      const signOf = (bit: number): I64 =>
        negate
          .and(bit)
          .ne(0)
          .extendU()
          .shl(format.width - 1);
      const sign = code.let(x.xor(y).and(format.sign).xor(signOf(Negate.product)));
      const z = code.let(addend.xor(signOf(Negate.addend)));
      const difference = code.let(sign.ne(z.and(format.sign)));
      const infiniteAddend = code.let(format.isInfinite(z));
      code.if(infinite.and(infiniteAddend).and(difference), () => code.return(invalid(e, format)));
      const denormal = format.isDenormal(x).or(format.isDenormal(y)).or(format.isDenormal(z));
      raiseFlags(e, denormal.mul(Exception.de));
      code.if(infinite, () => code.return(sign.or(format.infinity)));
      code.if(infiniteAddend, () => code.return(z));

      const zeroOf = (): I64 => {
        const down = select(roundingMode().eq(Rounding.down), I64.const(format.sign), I64.const(0));
        return select(difference, down, sign);
      };
      const zeroAddend = code.let(format.isZero(z));
      const round = (negative: I32, exponent: I32, significand: I64): void =>
        code.return(e.call(roundTo(format), negative, exponent, significand, roundingMode()));
      code.if(zero, () => {
        code.if(zeroAddend, () => code.return(zeroOf()));
        const parts = unpack(e, format, z);
        round(format.signOf(z), parts.exponent, parts.significand);
      });

      const a = unpack(e, format, x);
      const b = unpack(e, format, y);
      const product = multiply(e, a.significand, b.significand);
      const exponent = code.variable(I32, a.exponent.add(b.exponent));
      const negative = code.variable(I32, sign.ne(0));
      code.if(zeroAddend.eqz(), () => {
        const c = unpack(e, format, z);
        const other: Wide = {
          high: code.variable(I64, c.significand.shrU(2)),
          low: code.variable(I64, c.significand.shl(62)),
        };
        const distance = code.let(exponent.get().sub(c.exponent));
        code.if(
          distance.geS(0),
          () => shiftRight(e, other, distance),
          () => {
            shiftRight(e, product, I32.const(0).sub(distance));
            exponent.set(c.exponent);
          },
        );
        addTo(e, product, other, difference);
        code.if(product.high.get().ltS(0), () => {
          negative.set(negative.get().eqz());
          const high = code.let(product.high.get().xor(-1));
          product.low.set(I64.const(0).sub(product.low.get()));
          product.high.set(high.add(product.low.get().eqz().extendU()));
        });
        code.if(product.high.get().or(product.low.get()).eqz(), () => code.return(zeroOf()));
      });

      code.if(product.high.get().eqz(), () => {
        product.high.set(product.low.get());
        product.low.set(I64.const(0));
        exponent.set(exponent.get().sub(64));
      });
      const shift = code.let(product.high.get().clz());
      code.if(shift.ne(0), () => {
        const carried = product.low.get().shrU(I64.const(64).sub(shift));
        product.high.set(product.high.get().shl(shift).or(carried));
        product.low.set(product.low.get().shl(shift));
      });
      const sticky = product.low.get().ne(I64.const(0)).extendU();
      const significand = code.let(product.high.get().or(sticky));
      round(negative.get(), exponent.get().add(2).sub(shift.wrap()), significand);
    },
  );
}

const FUSED = { F32: makeFused(SINGLE), F64: makeFused(DOUBLE) };

/** (x, y, z, `Negate` bits) → bits of ±(x × y) ± z; flags are left in `mxcsrRaised` */
export function softFused<F extends Float<F>>(format: Format<F>): FusedRoutine {
  return FUSED[format.name];
}
