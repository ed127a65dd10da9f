/**
 * Conversions with every rounding mode and flag, one number at a time (SDM vol. 1 §4.9.1, §11.5.2): integers to
 * floating point and back, singles to doubles and back. Flags are left in `state.mxcsrRaised`.
 */
import { F64, I32, I64, select } from '../../../wasm/values.js';
import { type Routine, routine } from '../../routine.js';
import { Exception } from '../../system/mxcsr.js';
import { denormalAsZero, raiseFlags, roundingMode } from './exceptions.js';
import { DOUBLE, type Float, type Format, SINGLE } from './float-format.js';
import { unpack } from './soft-arithmetic.js';
import { roundTo } from './soft-round.js';

function makeFromInteger<F extends Float<F>>(format: Format<F>): Routine<readonly [typeof I64], I64> {
  return routine(`fromInteger${format.name}`, { parameters: [I64], result: I64 }, (e, value) => {
    const { code } = e;
    code.if(value.eqz(), () => code.return(value));
    const negative = code.let(value.ltS(0));
    const magnitude = code.let(select(negative, I64.const(0).sub(value), value));
    code.return(e.call(roundTo(format), negative, I32.const(62), magnitude, roundingMode()));
  });
}

type ToInteger = Routine<readonly [typeof I64, typeof I32, typeof I32], I64>;

function makeToInteger<F extends Float<F>>(format: Format<F>): ToInteger {
  return routine(
    `toInteger${format.name}`,
    { parameters: [I64, I32, I32], result: I64 },
    (e, operand, width, mode) => {
      const { code } = e;
      const value = code.let(format.widen(format.value(denormalAsZero(e, format, operand))));
      const rounded = code.variable(F64, value.trunc());
      const modes = [value.nearest(), value.floor(), value.ceil()];
      code.switch(
        mode,
        modes.map((result) => () => rounded.set(result)),
        () => {},
      );
      const limit = code.let(select(width.eq(32), F64.const(2 ** 31), F64.const(2 ** 63)));
      const fits = rounded.get().lt(limit).and(limit.neg().le(rounded.get()));
      code.if(fits.eqz(), () => {
        raiseFlags(e, Exception.ie);
        code.return(I64.const(1).shl(width.sub(1).extendU()));
      });
      code.if(rounded.get().ne(value), () => raiseFlags(e, Exception.pe));
      code.return(rounded.get().truncSatI64S());
    },
  );
}

/** Bits of a single → bits of a double. */
export const softWiden = routine('softWiden', { parameters: [I64], result: I64 }, (e, operand) => {
  const { code } = e;
  const a = denormalAsZero(e, SINGLE, operand);
  code.if(SINGLE.isNaN(a), () => {
    raiseFlags(e, SINGLE.isSignalling(a).mul(Exception.ie));
    const sign = SINGLE.signOf(a).extendU().shl(63);
    const payload = a.and(SINGLE.fractionMask).shl(DOUBLE.fraction - SINGLE.fraction);
    code.return(sign.or(payload).or(DOUBLE.infinity | DOUBLE.quiet));
  });
  raiseFlags(e, SINGLE.isDenormal(a).mul(Exception.de));
  code.return(DOUBLE.bits(SINGLE.value(a).promote()));
});

/** Bits of a double → bits of a single. */
export const softNarrow = routine('softNarrow', { parameters: [I64], result: I64 }, (e, operand) => {
  const { code } = e;
  const a = denormalAsZero(e, DOUBLE, operand);
  const sign = code.let(DOUBLE.signOf(a));
  const signBits = code.let(sign.extendU().shl(31));
  code.if(DOUBLE.isNaN(a), () => {
    raiseFlags(e, DOUBLE.isSignalling(a).mul(Exception.ie));
    const payload = a.and(DOUBLE.fractionMask).shrU(DOUBLE.fraction - SINGLE.fraction);
    code.return(signBits.or(payload).or(SINGLE.infinity | SINGLE.quiet));
  });
  code.if(DOUBLE.isInfinite(a), () => code.return(signBits.or(SINGLE.infinity)));
  code.if(DOUBLE.isZero(a), () => code.return(signBits));
  raiseFlags(e, DOUBLE.isDenormal(a).mul(Exception.de));
  const { exponent, significand } = unpack(e, DOUBLE, a);
  code.return(e.call(roundTo(SINGLE), sign, exponent, significand, roundingMode()));
});

const FROM_INTEGER = { F32: makeFromInteger(SINGLE), F64: makeFromInteger(DOUBLE) };
const TO_INTEGER = { F32: makeToInteger(SINGLE), F64: makeToInteger(DOUBLE) };

/** signed 64-bit integer → bits */
export function softFromInteger<F extends Float<F>>(format: Format<F>): Routine<readonly [typeof I64], I64> {
  return FROM_INTEGER[format.name];
}

/** (bits, width of the integer, rounding mode) → integer, the indefinite one if it does not fit */
export function softToInteger<F extends Float<F>>(format: Format<F>): ToInteger {
  return TO_INTEGER[format.name];
}
