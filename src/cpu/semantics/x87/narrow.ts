/**
 * 80-bit numbers as singles, doubles and integers in memory, with the exceptions of FST, FIST, FISTTP and FBSTP
 * (SDM vol. 2; vol. 1 §8.5.1, Table 8-7 for what an invalid operation stores). Where overflow or underflow is not
 * masked nothing is stored, and inexactness does not show.
 */
import { I32, I64, select } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { type Emitter, get32 } from '../../emitter.js';
import { type Routine, routine } from '../../routine.js';
import * as state from '../../state.js';
import { DOUBLE, type Float, type Format, SINGLE } from '../sse/float-format.js';
import { BIAS, classify, exponentOf, NumberClass, QUIET_BIT, significandOf, signOf } from './extended.js';
import { replaceDenormal } from './nan.js';
import { unpack } from './normalise.js';
import { raiseFlags, roundingMode, roundSignificand, roundsAway } from './round.js';
import { halvesOf, isNormalHalves } from './usual.js';
import { highOf, lowOf, shiftRightWide } from './wide.js';
import { Status } from './words.js';

export type Narrow = Routine<readonly [typeof V128], I64>;

/** Returns the bits where the number is not finite or is zero. */
function narrowSpecial<F extends Float<F>>(e: Emitter, format: Format<F>, value: V128, sign: I64): void {
  const { code } = e;
  const kind = e.call(classify, value);
  code.if(kind.eq(NumberClass.zero), () => code.return(sign));
  code.if(kind.eq(NumberClass.infinity), () => code.return(sign.or(format.infinity)));
  code.if(kind.eq(NumberClass.unsupported), () => {
    raiseFlags(e, Status.ie);
    code.return(I64.const(format.defaultNaN));
  });
  code.if(kind.geU(NumberClass.quiet), () => {
    code.if(kind.eq(NumberClass.signalling), () => raiseFlags(e, Status.ie));
    const fraction = significandOf(value)
      .or(QUIET_BIT)
      .shl(1)
      .shrU(64 - format.fraction);
    code.return(sign.or(format.infinity).or(fraction));
  });
}

/** Returns the bits of a normal number that stays one, rounded to nearest. */
function narrowUsual<F extends Float<F>>(e: Emitter, format: Format<F>, value: V128, signBit: I64): void {
  const { code } = e;
  const down = 64 - format.precision;
  const number = halvesOf(e, value);
  code.block((unusual) => {
    code.branchIf(unusual, isNormalHalves(number).and(roundingMode().eqz()).eqz());
    const { significand } = number;
    const tail = code.let(significand.shl(format.precision));
    const odd = significand.shrU(down).and(1).or(tail.shl(1).ne(0).extendU());
    const up = code.let(tail.shrU(63).and(odd));
    const rounded = code.let(significand.shrU(down).add(up));
    const carried = rounded.shrU(format.precision).wrap();
    const field = code.let(
      exponentOf(value)
        .sub(BIAS - format.bias)
        .add(carried),
    );
    code.branchIf(unusual, field.sub(1).geU(format.topField - 1));
    code.if(tail.ne(0), () => raiseFlags(e, up.wrap().mul(Status.c1).or(Status.pe)));
    code.return(signBit.or(field.extendU().shl(format.fraction)).or(rounded.and(format.fractionMask)));
  });
}

function makeNarrow<F extends Float<F>>(format: Format<F>): Narrow {
  const down = 64 - format.precision;
  return routine(`x87Narrow${format.name}`, { parameters: [V128], result: I64 }, (e, value) => {
    const { code } = e;
    const sign = code.let(signOf(value));
    const signBit = code.let(
      sign
        .ne(0)
        .extendU()
        .shl(format.width - 1),
    );
    narrowUsual(e, format, value, signBit);
    narrowSpecial(e, format, value, signBit);
    const { exponent, significand } = unpack(e, value);
    const biased = code.let(exponent.sub(BIAS - format.bias));
    const bits = I32.const(format.precision);
    const rounded = e.call(roundSignificand, sign, significand, I64.const(0), bits);
    const flags = code.let(rounded.extractI32(2));
    const carried = code.let(lowOf(rounded).eqz());
    const field = code.let(biased.add(carried));
    const control = get32(state.fpuControl);
    code.if(field.geS(format.topField), () => {
      code.if(control.and(Status.oe).eqz(), () => {
        raiseFlags(e, Status.oe);
        code.return(I64.const(0));
      });
      const mode = code.let(roundingMode());
      const away = code.let(mode.eqz().or(roundsAway(mode, sign)));
      raiseFlags(e, away.mul(Status.c1).or(Status.oe | Status.pe));
      code.return(signBit.or(I64.const(format.infinity).sub(away.eqz().extendU())));
    });
    code.if(field.leS(0), () => {
      code.if(control.and(Status.ue).eqz(), () => {
        raiseFlags(e, Status.ue);
        code.return(I64.const(0));
      });
      const shifted = e.call(shiftRightWide, significand, I64.const(0), I32.const(1).sub(biased));
      const tiny = e.call(roundSignificand, sign, highOf(shifted), lowOf(shifted), bits);
      const lost = code.let(tiny.extractI32(2));
      raiseFlags(e, lost.or(select(lost, I32.const(Status.ue), I32.const(0))));
      code.return(signBit.or(lowOf(tiny).shrU(down)));
    });
    raiseFlags(e, flags);
    const fraction = lowOf(rounded)
      .shl(1)
      .shrU(down + 1);
    code.return(signBit.or(field.extendU().shl(format.fraction)).or(fraction));
  });
}

export const narrowSingle: Narrow = makeNarrow(SINGLE);
export const narrowDouble: Narrow = makeNarrow(DOUBLE);

/**
 * (value, greatest magnitude, truncates) → the magnitude as an integer, rounded as rounding control says or towards
 * zero; all ones and IE if it is greater, for a negative one by more than `extra`
 */
export const toMagnitude = routine(
  'x87ToMagnitude',
  { parameters: [V128, I64, I64, I32], result: I64 },
  (e, value, greatest, extra, truncates) => {
    const { code } = e;
    const kind = e.call(classify, value);
    const invalid = (): void => {
      replaceDenormal(e, Status.ie);
      code.return(I64.const(-1));
    };
    code.if(kind.eq(NumberClass.zero), () => code.return(I64.const(0)));
    code.if(kind.geU(NumberClass.infinity), invalid);
    const { sign, exponent, significand } = unpack(e, value);
    const shift = code.let(I32.const(BIAS + 63).sub(exponent));
    code.if(shift.ltS(0), invalid);
    const shifted = e.call(shiftRightWide, significand, I64.const(0), shift);
    const result = code.variable(I64, highOf(shifted));
    const flags = code.variable(I32, lowOf(shifted).ne(0).mul(Status.pe));
    code.if(truncates.eqz(), () => {
      const rounded = e.call(roundSignificand, sign, highOf(shifted), lowOf(shifted), I32.const(64));
      result.set(lowOf(rounded));
      flags.set(rounded.extractI32(2));
    });
    const limit = greatest.add(select(sign, extra, I64.const(0)));
    code.if(result.get().gtU(limit), invalid);
    raiseFlags(e, flags.get());
    code.return(result.get());
  },
);
