/**
 * Addition, subtraction, multiplication, division and square root of 80-bit numbers on integers, exact before they are
 * rounded (SDM vol. 2, FADD, FSUB, FMUL, FDIV, FSQRT with their tables). Flags gather in `state.fpuRaised`.
 */
import { I32, I64, select } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import type { Emitter } from '../../emitter.js';
import { routine } from '../../routine.js';
import { Rounding } from '../../system/mxcsr.js';
import { divideWide } from '../divide.js';
import { productHigh } from '../multiply.js';
import {
  BIAS,
  classify,
  headOf,
  INTEGER_BIT,
  infinity,
  isNormal,
  NumberClass,
  negated,
  type Parts,
  SIGN,
  signOf,
  zero,
} from './extended.js';
import { binaryNaN, invalid, replaceDenormal, unaryNaN } from './nan.js';
import { unpack } from './normalise.js';
import type { BinaryRoutine } from './register-forms.js';
import { precision, raiseFlags, roundExtended, roundingMode } from './round.js';
import type { Exact } from './usual.js';
import { highOf, lowOf, pair, shiftRightWide } from './wide.js';
import { Status } from './words.js';

/** Raises DE if either operand is denormal. */
export function raiseDenormal(e: Emitter, ...kinds: readonly I32[]): void {
  for (const kind of kinds) {
    e.code.if(kind.eq(NumberClass.denormal), () => raiseFlags(e, Status.de));
  }
}

export interface Operation {
  readonly name: string;
  /** Sign of what the second operand counts as is changed: subtraction. */
  readonly negates?: boolean;
  /** Returns where an operand is zero or infinite, except for what `finite` can do. */
  special(e: Emitter, a: V128, aKind: I32, b: V128, bKind: I32): void;
  /** The result for two numbers that are finite and not zero, before it is rounded. */
  exact(e: Emitter, a: Parts, b: Parts): Exact;
}

/** An operation as it is, and as a routine for every case. */
export interface Arithmetic {
  readonly operation: Operation;
  readonly whole: BinaryRoutine;
}

/** NaNs and denormals are the same for all operations; then zeros and infinities; then the arithmetic. */
function binary(operation: Operation): Arithmetic {
  const whole = routine(
    `x87${operation.name}`,
    { parameters: [V128, V128], result: V128 },
    (e, a, second) => {
      const { code } = e;
      const b = code.variable(V128, second);
      const negate = (): void => {
        if (operation.negates) b.set(negated(second));
      };
      code.if(
        isNormal(a).and(isNormal(second)),
        () => negate(),
        () => {
          const aKind = e.call(classify, a);
          const bKind = e.call(classify, second);
          code.if(aKind.geU(NumberClass.quiet).or(bKind.geU(NumberClass.quiet)), () => {
            code.return(e.call(binaryNaN, a, aKind, second, bKind));
          });
          negate();
          operation.special(e, a, aKind, b.get(), bKind);
          raiseDenormal(e, aKind, bKind);
        },
      );
      const { sign, exponent, high, low } = operation.exact(e, unpack(e, a), unpack(e, b.get()));
      code.if(high.eqz(), () => code.return(exactZero()));
      code.return(e.call(roundExtended, sign, exponent, high, low, precision()));
    },
  ) as BinaryRoutine;
  return { operation, whole };
}

function isZero(kind: I32): I32 {
  return kind.eq(NumberClass.zero);
}
function isInfinite(kind: I32): I32 {
  return kind.eq(NumberClass.infinity);
}

/** value rounded as precision control says; not zero, infinite or NaN */
const rounded = routine('x87Rounded', { parameters: [V128], result: V128 }, (e, value) => {
  const parts = unpack(e, value);
  e.code.return(
    e.call(roundExtended, parts.sign, parts.exponent, parts.significand, I64.const(0), precision()),
  );
});

/** The zero that an exact difference gives. */
function exactZero(): V128 {
  return zero(select(roundingMode().eq(Rounding.down), I32.const(SIGN), I32.const(0)));
}

function specialSum(e: Emitter, a: V128, aKind: I32, b: V128, bKind: I32): void {
  const { code } = e;
  code.if(isInfinite(aKind), () => {
    code.if(isInfinite(bKind).and(headOf(a).ne(headOf(b))), () => code.return(invalid(e)));
    raiseDenormal(e, bKind);
    code.return(a);
  });
  code.if(isInfinite(bKind), () => {
    raiseDenormal(e, aKind);
    code.return(b);
  });
  code.if(isZero(aKind), () => {
    code.if(isZero(bKind), () => code.return(select(headOf(a).eq(headOf(b)), a, exactZero())));
    raiseDenormal(e, bKind);
    code.return(e.call(rounded, b));
  });
  code.if(isZero(bKind), () => {
    raiseDenormal(e, aKind);
    code.return(e.call(rounded, a));
  });
}

function exactSum(e: Emitter, a: Parts, b: Parts): Exact {
  const { code } = e;
  const order = code.let(a.exponent.sub(b.exponent));
  const swap = code.let(select(order, order.ltS(0), a.significand.ltU(b.significand)));
  const sign = code.let(select(swap, b.sign, a.sign));
  const exponent = code.variable(I32, select(swap, b.exponent, a.exponent));
  const large = code.let(select(swap, b.significand, a.significand));
  const small = code.let(select(swap, a.significand, b.significand));
  const distance = code.let(select(swap, I32.const(0).sub(order), order));
  const high = code.variable(I64, I64.const(0));
  const low = code.variable(I64, I64.const(1));
  code.if(
    distance.ltU(64),
    () => {
      const by = code.let(distance.extendU());
      high.set(small.shrU(by));
      low.set(small.shl(1).shl(I64.const(63).sub(by)));
    },
    () => {
      const aligned = e.call(shiftRightWide, small, I64.const(0), distance);
      low.set(lowOf(aligned));
    },
  );
  code.if(
    a.sign.eq(b.sign),
    () => {
      high.set(large.add(high.get()));
      code.if(high.get().ltU(large), () => {
        low.set(low.get().shrU(1).or(low.get().and(1)).or(high.get().shl(63)));
        high.set(high.get().shrU(1).or(INTEGER_BIT));
        exponent.set(exponent.get().add(1));
      });
    },
    () => {
      high.set(large.sub(high.get()).sub(low.get().ne(0).extendU()));
      low.set(I64.const(0).sub(low.get()));
      code.if(high.get().geS(0), () => {
        code.if(high.get().eqz(), () => {
          high.set(low.get());
          low.set(I64.const(0));
          exponent.set(exponent.get().sub(64));
        });
        const zeros = code.let(high.get().clz());
        high.set(
          high
            .get()
            .shl(zeros)
            .or(low.get().shrU(1).shrU(I64.const(63).sub(zeros))),
        );
        low.set(low.get().shl(zeros));
        exponent.set(exponent.get().sub(zeros.wrap()));
      });
    },
  );
  return { sign, exponent: exponent.get(), high: high.get(), low: low.get() };
}

export const add = binary({ name: 'Add', special: specialSum, exact: exactSum });
export const subtract = binary({ name: 'Subtract', negates: true, special: specialSum, exact: exactSum });

export const multiply = binary({
  name: 'Multiply',
  special(e, a, aKind, b, bKind) {
    const { code } = e;
    const sign = code.let(headOf(a).xor(headOf(b)).and(SIGN));
    const anyZero = code.let(isZero(aKind).or(isZero(bKind)));
    code.if(isInfinite(aKind).or(isInfinite(bKind)), () => {
      code.if(anyZero, () => code.return(invalid(e)));
      raiseDenormal(e, aKind, bKind);
      code.return(infinity(sign));
    });
    code.if(anyZero, () => {
      raiseDenormal(e, aKind, bKind);
      code.return(zero(sign));
    });
  },
  exact(e, a, b) {
    const { code } = e;
    const high = code.variable(I64, productHigh(e, a.significand, b.significand));
    const low = code.variable(I64, a.significand.mul(b.significand));
    const exponent = code.variable(I32, a.exponent.add(b.exponent).sub(BIAS - 1));
    code.if(high.get().geS(0), () => {
      high.set(high.get().shl(1).or(low.get().shrU(63)));
      low.set(low.get().shl(1));
      exponent.set(exponent.get().sub(1));
    });
    return { sign: code.let(a.sign.xor(b.sign)), exponent: exponent.get(), high: high.get(), low: low.get() };
  },
});

/** (dividend, divisor), both with their top bits set, dividend < divisor → quotient × 2^64, its remainder's sign below */
function fraction(e: Emitter, dividend: I64, low: I64, divisor: I64): [quotient: I64, rest: I64] {
  const { code } = e;
  const quotient = e.call(divideWide, dividend, low, divisor);
  const remainder = code.let(low.sub(quotient.mul(divisor)));
  const atLeastHalf = code.let(remainder.geU(divisor.sub(remainder)));
  const rest = atLeastHalf
    .extendU()
    .shl(63)
    .or(
      remainder
        .ne(0)
        .and(remainder.ne(divisor.sub(remainder)))
        .extendU(),
    );
  return [quotient, code.let(rest)];
}

export const divide = binary({
  name: 'Divide',
  special(e, a, aKind, b, bKind) {
    const { code } = e;
    const sign = code.let(headOf(a).xor(headOf(b)).and(SIGN));
    code.if(isInfinite(aKind), () => {
      code.if(isInfinite(bKind), () => code.return(invalid(e)));
      raiseDenormal(e, bKind);
      code.return(infinity(sign));
    });
    code.if(isInfinite(bKind), () => {
      raiseDenormal(e, aKind);
      code.return(zero(sign));
    });
    code.if(isZero(bKind), () => {
      code.if(isZero(aKind), () => code.return(invalid(e)));
      replaceDenormal(e, Status.ze);
      code.return(infinity(sign));
    });
    code.if(isZero(aKind), () => {
      raiseDenormal(e, bKind);
      code.return(zero(sign));
    });
  },
  exact(e, a, b) {
    const { code } = e;
    const whole = code.let(a.significand.geU(b.significand));
    const high = code.let(a.significand.shrU(whole.extendU()));
    const low = code.let(select(whole, a.significand.shl(63), I64.const(0)));
    const [quotient, rest] = fraction(e, high, low, b.significand);
    const exponent = a.exponent
      .sub(b.exponent)
      .add(whole)
      .add(BIAS - 1);
    return { sign: code.let(a.sign.xor(b.sign)), exponent: code.let(exponent), high: quotient, low: rest };
  },
});

/**
 * (high, low), at least 2^126 → the root of the 128 bits in lane 0, rounded down, and in lane 1 what is missing: 0, less
 * than half or more. Digit by digit: the remainder takes two more bits of the radicand for each of the root.
 */
const rootOfWide = routine('x87RootOfWide', { parameters: [I64, I64], result: V128 }, (e, high, low) => {
  const { code } = e;
  const source = code.variable(I64, high);
  const next = code.variable(I64, low);
  const root = code.variable(I64, I64.const(0));
  const upper = code.variable(I64, I64.const(0));
  const lower = code.variable(I64, I64.const(0));
  const turns = code.variable(I32, I32.const(64));
  code.while(
    () => turns.get(),
    () => {
      upper.set(upper.get().shl(2).or(lower.get().shrU(62)));
      lower.set(lower.get().shl(2).or(source.get().shrU(62)));
      source.set(source.get().shl(2).or(next.get().shrU(62)));
      next.set(next.get().shl(2));
      const trialHigh = code.let(root.get().shrU(62));
      const trialLow = code.let(root.get().shl(2).or(1));
      root.set(root.get().shl(1));
      const equal = upper.get().eq(trialHigh);
      code.if(
        upper
          .get()
          .gtU(trialHigh)
          .or(equal.and(lower.get().geU(trialLow))),
        () => {
          upper.set(upper.get().sub(trialHigh).sub(lower.get().ltU(trialLow).extendU()));
          lower.set(lower.get().sub(trialLow));
          root.set(root.get().or(1));
        },
      );
      turns.set(turns.get().sub(1));
    },
  );
  const more = upper.get().ne(0).or(lower.get().gtU(root.get()));
  const rest = select(more, I64.const(3n << 62n), lower.get().ne(0).extendU());
  code.return(pair(rest, root.get()));
});

/** value → its square root */
export const squareRoot = routine('x87SquareRoot', { parameters: [V128], result: V128 }, (e, value) => {
  const { code } = e;
  const kind = e.call(classify, value);
  code.if(kind.geU(NumberClass.quiet), () => code.return(e.call(unaryNaN, value, kind)));
  code.if(isZero(kind), () => code.return(value));
  code.if(signOf(value), () => code.return(invalid(e)));
  code.if(isInfinite(kind), () => code.return(value));
  raiseDenormal(e, kind);
  const { exponent, significand } = unpack(e, value);
  const unbiased = code.let(exponent.sub(BIAS));
  const even = code.let(unbiased.and(1).eqz());
  const high = significand.shrU(even.extendU());
  const low = select(even, significand.shl(63), I64.const(0));
  const root = e.call(rootOfWide, high, low);
  const half = unbiased.shrS(1).add(BIAS);
  code.return(e.call(roundExtended, I32.const(0), half, lowOf(root), highOf(root), precision()));
});
