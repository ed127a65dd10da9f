/**
 * Addition, subtraction, multiplication, division and square root on integers: exact in every rounding mode and with
 * every flag (SDM vol. 1 §11.5). This is where operations end that the fast path in float-arithmetic.ts does not
 * take; speed does not matter much.
 */
import { I32, I64, select } from '../../../wasm/values.js';
import type { Emitter } from '../../emitter.js';
import { type Routine, routine } from '../../routine.js';
import { Exception, Rounding } from '../../system/mxcsr.js';
import { denormalAsZero, invalid, propagateNaN, raiseFlags, roundingMode } from './exceptions.js';
import { DOUBLE, type Float, type Format, SINGLE } from './float-format.js';
import { roundTo, shiftRightSticky } from './soft-round.js';

export const SoftOperation = { add: 0, subtract: 1, multiply: 2, divide: 3 } as const;
export type SoftOperation = (typeof SoftOperation)[keyof typeof SoftOperation];

interface Parts {
  readonly exponent: I32;
  /** Its top bit is bit 62; 0 for zero, whose exponent is then below all others. */
  readonly significand: I64;
}

export function unpack<F extends Float<F>>(e: Emitter, format: Format<F>, bits: I64): Parts {
  const { code } = e;
  const fraction = code.let(bits.and(format.fractionMask));
  const field = code.let(format.field(bits));
  const exponent = code.variable(I32, field.sub(format.bias));
  const significand = code.variable(
    I64,
    fraction.or(1n << BigInt(format.fraction)).shl(62 - format.fraction),
  );
  code.if(field.eqz(), () => {
    const shift = code.let(fraction.clz().sub(1));
    significand.set(fraction.shl(shift));
    exponent.set(I32.const(1 - format.bias - format.fraction + 62).sub(shift.wrap()));
  });
  return { exponent: exponent.get(), significand: significand.get() };
}

/** Upper half of the 128-bit product, its lowest bit set if the lower half is not 0. */
const multiplyHighSticky = routine(
  'multiplyHighSticky',
  { parameters: [I64, I64], result: I64 },
  (e, a, b) => {
    const { code } = e;
    const low = (value: I64): I64 => value.and(0xffffffff);
    const high = (value: I64): I64 => value.shrU(32);
    const lowLow = code.let(low(a).mul(low(b)));
    const middle = code.let(high(a).mul(low(b)).add(high(lowLow)));
    const other = code.let(low(a).mul(high(b)).add(low(middle)));
    const top = high(a).mul(high(b)).add(high(middle)).add(high(other));
    const lost = low(lowLow).or(low(other)).ne(0).extendU();
    code.return(top.or(lost));
  },
);

type BinaryRoutine = Routine<readonly [typeof I32, typeof I64, typeof I64], I64>;
type UnaryRoutine = Routine<readonly [typeof I64], I64>;

class Binary<F extends Float<F>> {
  readonly sign: I64;
  constructor(
    private readonly e: Emitter,
    private readonly format: Format<F>,
    private readonly a: I64,
    private readonly b: I64,
  ) {
    this.sign = e.code.let(a.xor(b).and(format.sign));
  }

  #raiseDenormal(): void {
    const any = this.format.isDenormal(this.a).or(this.format.isDenormal(this.b));
    raiseFlags(this.e, any.mul(Exception.de));
  }
  #invalidIf(condition: I32): void {
    this.e.code.if(condition, () => this.e.code.return(invalid(this.e, this.format)));
  }
  #returnIf(condition: I32, value: I64): void {
    this.e.code.if(condition, () => this.e.code.return(value));
  }
  #round(sign: I32, exponent: I32, significand: I64): void {
    this.e.code.return(this.e.call(roundTo(this.format), sign, exponent, significand, roundingMode()));
  }
  #signOfResult(): I32 {
    return this.sign.ne(0);
  }

  add(): void {
    const { e, format, a, b } = this;
    const { code } = e;
    const infinite = code.let(format.isInfinite(a));
    this.#invalidIf(infinite.and(format.isInfinite(b)).and(this.#signOfResult()));
    this.#raiseDenormal();
    this.#returnIf(infinite, a);
    this.#returnIf(format.isInfinite(b), b);
    const swap = code.let(format.magnitude(b).gtU(format.magnitude(a)));
    const larger = code.let(select(swap, b, a));
    const smaller = code.let(select(swap, a, b));
    const first = unpack(e, format, larger);
    const second = unpack(e, format, smaller);
    const shifted = e.call(shiftRightSticky, second.significand, first.exponent.sub(second.exponent));
    const difference = code.let(this.#signOfResult());
    const term = select(difference, I64.const(0).sub(shifted), shifted);
    const sum = code.let(first.significand.add(term));
    code.if(sum.eqz(), () => {
      const negative = roundingMode().eq(Rounding.down);
      const cancelled = select(negative, I64.const(format.sign), I64.const(0));
      code.return(select(difference, cancelled, larger.and(format.sign)));
    });
    this.#round(format.signOf(larger), first.exponent, sum);
  }

  multiply(): void {
    const { e, format, a, b } = this;
    const { code } = e;
    const infinite = code.let(format.isInfinite(a).or(format.isInfinite(b)));
    const zero = code.let(format.isZero(a).or(format.isZero(b)));
    this.#invalidIf(infinite.and(zero));
    this.#raiseDenormal();
    this.#returnIf(infinite, this.sign.or(format.infinity));
    this.#returnIf(zero, this.sign);
    const first = unpack(e, format, a);
    const second = unpack(e, format, b);
    const product = e.call(multiplyHighSticky, first.significand.shl(1), second.significand.shl(1));
    this.#round(this.#signOfResult(), first.exponent.add(second.exponent), product);
  }

  divide(): void {
    const { e, format, a, b } = this;
    const { code } = e;
    const infinite = code.let(format.isInfinite(a));
    const byInfinity = code.let(format.isInfinite(b));
    const zero = code.let(format.isZero(a));
    const byZero = code.let(format.isZero(b));
    this.#invalidIf(infinite.and(byInfinity).or(zero.and(byZero)));
    code.if(byZero.and(infinite.eqz()), () => {
      raiseFlags(e, Exception.ze);
      code.return(this.sign.or(format.infinity));
    });
    this.#raiseDenormal();
    this.#returnIf(infinite, this.sign.or(format.infinity));
    this.#returnIf(zero.or(byInfinity), this.sign);
    const first = unpack(e, format, a);
    const second = unpack(e, format, b);
    const divisor = second.significand;
    const remainder = code.variable(I64, first.significand);
    const exponent = code.variable(I32, first.exponent.sub(second.exponent));
    code.if(remainder.get().ltU(divisor), () => {
      remainder.set(remainder.get().shl(1));
      exponent.set(exponent.get().sub(1));
    });
    const quotient = code.variable(I64, I64.const(0));
    const left = code.variable(I32, I32.const(63));
    code.while(
      () => left.get(),
      () => {
        const fits = code.let(remainder.get().geU(divisor));
        quotient.set(quotient.get().shl(1).or(fits.extendU()));
        remainder.set(select(fits, remainder.get().sub(divisor), remainder.get()).shl(1));
        left.set(left.get().sub(1));
      },
    );
    const sticky = remainder.get().ne(0).extendU();
    this.#round(this.#signOfResult(), exponent.get(), quotient.get().or(sticky));
  }
}

function makeBinary<F extends Float<F>>(format: Format<F>): BinaryRoutine {
  return routine(
    `softBinary${format.name}`,
    { parameters: [I32, I64, I64], result: I64 },
    (e, operation, first, second) => {
      const { code } = e;
      const a = denormalAsZero(e, format, first);
      const right = denormalAsZero(e, format, second);
      code.if(format.isNaN(a).or(format.isNaN(right)), () => code.return(propagateNaN(e, format, a, right)));
      const subtracting = operation.eq(SoftOperation.subtract).extendU();
      const b = code.let(right.xor(subtracting.shl(format.width - 1)));
      const meaning = new Binary(e, format, a, b);
      code.if(operation.leU(SoftOperation.subtract), () => meaning.add());
      code.if(operation.eq(SoftOperation.multiply), () => meaning.multiply());
      meaning.divide();
    },
  );
}

/** Enough bits of the root for rounding in either format. */
const ROOT_BITS = 56;

function makeSquareRoot<F extends Float<F>>(format: Format<F>): UnaryRoutine {
  return routine(`softSquareRoot${format.name}`, { parameters: [I64], result: I64 }, (e, operand) => {
    const { code } = e;
    const a = denormalAsZero(e, format, operand);
    code.if(format.isNaN(a), () => code.return(propagateNaN(e, format, a, a)));
    code.if(format.isZero(a), () => code.return(a));
    code.if(format.signOf(a), () => code.return(invalid(e, format)));
    raiseFlags(e, format.isDenormal(a).mul(Exception.de));
    code.if(format.isInfinite(a), () => code.return(a));
    const { exponent, significand } = unpack(e, format, a);
    const odd = code.let(exponent.and(1));
    const radicand = code.variable(I64, significand.shl(odd.extendU()));
    const remainder = code.variable(I64, I64.const(0));
    const root = code.variable(I64, I64.const(0));
    const left = code.variable(I32, I32.const(ROOT_BITS));
    code.while(
      () => left.get(),
      () => {
        remainder.set(remainder.get().shl(2).or(radicand.get().shrU(62)));
        radicand.set(radicand.get().shl(2));
        const trial = code.let(root.get().shl(2).or(1));
        const fits = code.let(remainder.get().geU(trial));
        remainder.set(select(fits, remainder.get().sub(trial), remainder.get()));
        root.set(root.get().shl(1).or(fits.extendU()));
        left.set(left.get().sub(1));
      },
    );
    const scaled = root
      .get()
      .shl(63 - ROOT_BITS)
      .or(remainder.get().ne(0).extendU());
    code.return(e.call(roundTo(format), I32.const(0), exponent.sub(odd).shrS(1), scaled, roundingMode()));
  });
}

const BINARY = { F32: makeBinary(SINGLE), F64: makeBinary(DOUBLE) };
const SQUARE_ROOT = { F32: makeSquareRoot(SINGLE), F64: makeSquareRoot(DOUBLE) };

/** (operation, a, b) → bits; flags are left in `state.mxcsrRaised` */
export function softBinary<F extends Float<F>>(format: Format<F>): BinaryRoutine {
  return BINARY[format.name];
}

/** bits → bits */
export function softSquareRoot<F extends Float<F>>(format: Format<F>): UnaryRoutine {
  return SQUARE_ROOT[format.name];
}
