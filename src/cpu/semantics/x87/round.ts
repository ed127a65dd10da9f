/**
 * Rounding an exact result to the double extended format under precision and rounding control, with overflow,
 * underflow and C1 (SDM vol. 1 §4.8.4, §4.9.1, §8.5). Where overflow or underflow is not masked, the result in a
 * register has its exponent moved by 24,576 (§8.5.4, §8.5.5), or is infinite or zero where that is not
 * enough, as after FSCALE. Flags gather in `state.fpuRaised`.
 */
import { I32, I64, select } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { type Emitter, get32 } from '../../emitter.js';
import { routine } from '../../routine.js';
import * as state from '../../state.js';
import { Rounding } from '../../system/mxcsr.js';
import { extended, INTEGER_BIT, infinity, TOP_EXPONENT, zero } from './extended.js';
import { highOf, lowOf, shiftRightWide } from './wide.js';
import { Control, Status } from './words.js';

/** By how much an unmasked overflow or underflow moves the exponent. */
const EXPONENT_WRAP = 24576;

export function raiseFlags(e: Emitter, flags: I32 | number): void {
  e.set32(state.fpuRaised, get32(state.fpuRaised).or(flags));
}

export function roundingMode(): I32 {
  return get32(state.fpuControl).shrU(Control.roundingShift).and(3);
}

/** Whether rounding goes away from zero for a number of this sign. @param sign not 0 for negative */
export function roundsAway(mode: I32, sign: I32): I32 {
  return mode.eq(select(sign, I32.const(Rounding.down), I32.const(Rounding.up)));
}

/** Bits of the significand that precision control asks for. */
export function precision(): I32 {
  const field = get32(state.fpuControl).shrU(Control.precisionShift).and(3);
  return select(field.eqz(), I32.const(24), select(field.eq(2), I32.const(53), I32.const(64)));
}

/**
 * (sign, high, low, precision) → the significand `high`.`low` rounded to so many bits, in lane 0, 0 if it came to 2;
 * the flags PE and C1 that it gives in lane 1
 */
export const roundSignificand = routine(
  'x87RoundSignificand',
  { parameters: [I32, I64, I64, I32], result: V128 },
  (e, sign, high, low, bits) => {
    const { code } = e;
    const tail = code.variable(I64, low);
    const unit = code.variable(I64, I64.const(1));
    code.if(bits.ne(64), () => {
      tail.set(high.shl(bits.extendU()).or(low.ne(0).extendU()));
      unit.set(I64.const(1).shl(I64.const(64).sub(bits.extendU())));
    });
    code.if(tail.get().eqz(), () => code.return(V128.splatI64(high).replaceI64(1, I64.const(0))));
    const mode = code.let(roundingMode());
    const kept = code.let(high.and(I64.const(0).sub(unit.get())));
    const odd = kept.and(unit.get()).ne(0);
    const nearest = tail.get().gtU(INTEGER_BIT).or(tail.get().eq(INTEGER_BIT).and(odd));
    const up = code.let(select(mode.eqz(), nearest, roundsAway(mode, sign)));
    const rounded = kept.add(select(up, unit.get(), I64.const(0)));
    const flags = up.mul(Status.c1).or(Status.pe);
    code.return(V128.splatI64(rounded).replaceI64(1, flags.extendU()));
  },
);

/** (sign, exponent, high, low, precision) → the number; `high` has its integer bit set */
export const roundExtended = routine(
  'x87RoundExtended',
  { parameters: [I32, I32, I64, I64, I32], result: V128 },
  (e, sign, exponent, high, low, bits) => {
    const { code } = e;
    const rounded = e.call(roundSignificand, sign, high, low, bits);
    const flags = code.let(rounded.extractI32(2));
    const carried = lowOf(rounded).eqz();
    const significand = code.let(lowOf(rounded).or(carried.extendU().shl(63)));
    const result = code.let(exponent.add(carried));
    code.if(result.sub(1).ltU(TOP_EXPONENT - 1), () => {
      raiseFlags(e, flags);
      code.return(extended(sign.or(result), significand));
    });
    const masks = code.let(get32(state.fpuControl));
    code.if(result.gtS(0), () => {
      code.if(masks.and(Status.oe).eqz(), () => {
        code.if(result.geS(TOP_EXPONENT + EXPONENT_WRAP), () => {
          raiseFlags(e, Status.oe | Status.pe | Status.c1);
          code.return(infinity(sign));
        });
        raiseFlags(e, flags.or(Status.oe));
        code.return(extended(sign.or(result.sub(EXPONENT_WRAP)), significand));
      });
      const mode = code.let(roundingMode());
      code.if(mode.eqz().or(roundsAway(mode, sign)), () => {
        raiseFlags(e, Status.oe | Status.pe | Status.c1);
        code.return(infinity(sign));
      });
      raiseFlags(e, Status.oe | Status.pe);
      const greatest = I64.const(-1).shl(I64.const(64).sub(bits.extendU()));
      code.return(extended(sign.or(TOP_EXPONENT - 1), greatest));
    });
    code.if(masks.and(Status.ue).eqz(), () => {
      code.if(result.leS(-EXPONENT_WRAP), () => {
        raiseFlags(e, Status.ue | Status.pe);
        code.return(zero(sign));
      });
      raiseFlags(e, flags.or(Status.ue));
      code.return(extended(sign.or(result.add(EXPONENT_WRAP)), significand));
    });
    const shifted = e.call(shiftRightWide, high, low, I32.const(1).sub(exponent));
    const tiny = e.call(roundSignificand, sign, highOf(shifted), lowOf(shifted), bits);
    const lost = code.let(tiny.extractI32(2));
    raiseFlags(e, lost.or(select(lost, I32.const(Status.ue), I32.const(0))));
    const normal = lowOf(tiny).shrU(63).wrap();
    code.return(extended(sign.or(normal), lowOf(tiny)));
  },
);
