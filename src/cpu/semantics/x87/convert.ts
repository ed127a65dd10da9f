/**
 * Memory formats as 80-bit numbers: singles, doubles, integers (SDM vol. 1 §4.2, §8.1). NaNs are widened as they are;
 * loading them makes them quiet. A denormal operand raises DE, as it is no denormal any more when widened.
 */
import { I32, I64, select } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { type Routine, routine } from '../../routine.js';
import { DOUBLE, type Float, type Format, SINGLE } from '../sse/float-format.js';
import { BIAS, extended, INTEGER_BIT, SIGN, TOP_EXPONENT, zero } from './extended.js';
import { raiseFlags } from './round.js';
import { Status } from './words.js';

export type Widen = Routine<readonly [typeof I64], V128>;

function widen<F extends Float<F>>(format: Format<F>): Widen {
  const up = 63 - format.fraction;
  return routine(`x87Widen${format.name}`, { parameters: [I64], result: V128 }, (e, bits) => {
    const { code } = e;
    const sign = code.let(format.signOf(bits).mul(SIGN));
    const field = code.let(format.field(bits));
    const fraction = code.let(bits.and(format.fractionMask).shl(up));
    code.if(field.eqz(), () => {
      code.if(fraction.eqz(), () => code.return(zero(sign)));
      raiseFlags(e, Status.de);
      const shift = code.let(fraction.clz());
      const exponent = I32.const(BIAS - format.bias + 1).sub(shift.wrap());
      code.return(extended(sign.or(exponent), fraction.shl(shift)));
    });
    const top = field.eq(format.topField);
    const exponent = select(top, I32.const(TOP_EXPONENT), field.add(BIAS - format.bias));
    code.return(extended(sign.or(exponent), fraction.or(INTEGER_BIT)));
  });
}

export const widenSingle: Widen = widen(SINGLE);
export const widenDouble: Widen = widen(DOUBLE);

/** A signed integer, sign-extended to 64 bits. */
export const widenInteger: Widen = routine(
  'x87WidenInteger',
  { parameters: [I64], result: V128 },
  (e, value) => {
    const { code } = e;
    code.if(value.eqz(), () => code.return(zero(I32.const(0))));
    const sign = code.let(value.shrU(63).wrap().mul(SIGN));
    const magnitude = code.let(select(sign, I64.const(0).sub(value), value));
    const shift = code.let(magnitude.clz());
    code.return(extended(sign.or(I32.const(BIAS + 63).sub(shift.wrap())), magnitude.shl(shift)));
  },
);
