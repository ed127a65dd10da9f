/**
 * FRNDINT, FSCALE and FXTRACT, which work on significand and exponent (SDM vol. 1 §8.3.5, vol. 2). Precision control
 * does not apply; rounding control does.
 */
import { I32, I64, select } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';

import { routine } from '../../routine.js';
import * as state from '../../state.js';
import { raiseDenormal } from './arithmetic-core.js';
import { widenInteger } from './convert.js';
import {
  BIAS,
  classify,
  extended,
  INDEFINITE,
  infinity,
  isNormal,
  NumberClass,
  SIGN,
  signOf,
  withoutPseudo,
  zero,
} from './extended.js';
import { binaryNaN, invalid, replaceDenormal, unaryNaN } from './nan.js';
import { unpack } from './normalise.js';
import { defineBinary, defineUnary } from './register-forms.js';
import { defineX87, finishTwo, nothing, underflow } from './results.js';
import { raiseFlags, roundExtended, roundSignificand } from './round.js';
import { isEmpty, isPresent, stackRegister } from './stack.js';
import { highOf, lowOf, shiftRightWide } from './wide.js';
import { Status } from './words.js';

/** value → the nearest integer, as rounding control says */
const roundToInteger = routine('x87RoundToInteger', { parameters: [V128], result: V128 }, (e, value) => {
  const { code } = e;
  const kind = e.call(classify, value);
  code.if(kind.geU(NumberClass.quiet), () => code.return(e.call(unaryNaN, value, kind)));
  code.if(kind.geU(NumberClass.zero), () => code.return(value));
  raiseDenormal(e, kind);
  const { sign, exponent, significand } = unpack(e, value);
  const shift = code.let(I32.const(BIAS + 63).sub(exponent));
  code.if(shift.leS(0), () => code.return(value));
  const shifted = e.call(shiftRightWide, significand, I64.const(0), shift);
  const rounded = e.call(roundSignificand, sign, highOf(shifted), lowOf(shifted), I32.const(64));
  raiseFlags(e, rounded.extractI32(2));
  const integer = code.let(lowOf(rounded));
  code.if(integer.eqz(), () => code.return(zero(sign)));
  const up = code.let(integer.clz());
  code.return(extended(sign.or(I32.const(BIAS + 63).sub(up.wrap())), integer.shl(up)));
});

defineUnary('FRNDINT', 'Rounds ST(0) to an integer.', roundToInteger);

/** Beyond this exponent every scale is as good as infinite, and stays so with wrapped exponents. */
const FAR = 0x10000;

/** (value, scale) → value × 2^scale, the scale truncated */
const scaled = routine('x87Scaled', { parameters: [V128, V128], result: V128 }, (e, value, scale) => {
  const { code } = e;
  const kind = e.call(classify, value);
  const scaleKind = e.call(classify, scale);
  code.if(isNormal(value).and(isNormal(scale)).eqz(), () => {
    code.if(kind.geU(NumberClass.quiet).or(scaleKind.geU(NumberClass.quiet)), () => {
      code.return(e.call(binaryNaN, value, kind, scale, scaleKind));
    });
    code.if(scaleKind.eq(NumberClass.infinity), () => {
      const grows = code.let(signOf(scale).eqz());
      const senseless = select(grows, kind.eq(NumberClass.zero), kind.eq(NumberClass.infinity));
      code.if(senseless, () => code.return(invalid(e)));
      raiseDenormal(e, kind);
      const sign = code.let(signOf(value));
      code.return(select(grows, infinity(sign), zero(sign)));
    });
    raiseDenormal(e, kind, scaleKind);
    code.if(kind.geU(NumberClass.zero), () => code.return(value));
    code.if(scaleKind.eq(NumberClass.zero), () => code.return(withoutPseudo(value)));
  });
  const by = code.variable(I32, I32.const(0));
  code.if(scaleKind.eq(NumberClass.normal), () => {
    const { sign, exponent, significand } = unpack(e, scale);
    const power = code.let(exponent.sub(BIAS));
    code.if(power.geS(0), () => {
      const whole = select(
        power.geS(16),
        I32.const(FAR),
        significand.shrU(I64.const(63).sub(power.extendU())).wrap(),
      );
      by.set(select(sign, I32.const(0).sub(whole), whole));
    });
  });
  const { sign, exponent, significand } = unpack(e, value);
  code.return(e.call(roundExtended, sign, exponent.add(by.get()), significand, I64.const(0), I32.const(64)));
});

defineBinary('FSCALE', 'Multiplies ST(0) by 2 to the power of ST(1), truncated.', scaled, { into: 0 });

const extract = routine('x87Extract', { parameters: [] }, (e) => {
  const { code } = e;
  const finish = (exponent: V128, significand: V128): void => {
    e.call(finishTwo, exponent, significand);
    code.return();
  };
  code.if(isEmpty(0), () => {
    underflow(e);
    finish(INDEFINITE, INDEFINITE);
  });
  code.if(isPresent(7), () => {
    e.set32(state.fpuRaised, Status.ie | Status.stackFault | Status.c1);
    finish(INDEFINITE, INDEFINITE);
  });
  const value = stackRegister(e, 0);
  const kind = e.call(classify, value);
  code.if(kind.geU(NumberClass.quiet), () => {
    const result = e.call(unaryNaN, value, kind);
    finish(result, result);
  });
  code.if(kind.eq(NumberClass.infinity), () => finish(infinity(I32.const(0)), value));
  code.if(kind.eq(NumberClass.zero), () => {
    replaceDenormal(e, Status.ze);
    finish(infinity(I32.const(SIGN)), value);
  });
  raiseDenormal(e, kind);
  const parts = unpack(e, value);
  const exponent = e.call(widenInteger, parts.exponent.sub(BIAS).extendS());
  finish(exponent, extended(parts.sign.or(BIAS), parts.significand));
});

defineX87('FXTRACT', 'Replaces ST(0) by its exponent and pushes its significand.', nothing, (context) => {
  context.call(extract);
});
