/**
 * RCP and RSQRT of singles. The manual asks for a relative error of at most 1.5 × 2^−12 and processors differ; this
 * gives the correctly rounded value. Denormals count as zeros and no flag changes (SDM vol. 1 §10.4.1.1).
 */
import { F32, I64 } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { routine } from '../../routine.js';
import { defineUnaryLanes, defineVector, sources } from './common.js';
import { SINGLE } from './float-format.js';

/** A result no greater is given as zero; for this very one processors differ. */
const LEAST_NORMAL = 0x00800000;

const APPROXIMATIONS = [
  { name: 'RCP', summary: 'Approximates the reciprocal', root: false },
  { name: 'RSQRT', summary: 'Approximates the reciprocal of the square root', root: true },
];

for (const { name, summary, root } of APPROXIMATIONS) {
  const one = routine(`${name}One`, { parameters: [F32], result: F32 }, (e, operand) => {
    const { code } = e;
    const bits = code.let(SINGLE.bits(operand));
    const sign = code.let(bits.and(SINGLE.sign));
    code.if(SINGLE.isNaN(bits), () => code.return(SINGLE.value(bits.or(SINGLE.quiet))));
    code.if(SINGLE.field(bits).eqz(), () => code.return(SINGLE.value(sign.or(SINGLE.infinity))));
    if (root) {
      code.if(sign.wrap(), () => code.return(SINGLE.value(I64.const(SINGLE.defaultNaN))));
    }
    const argument = root ? operand.promote().sqrt().demote() : operand;
    const result = code.let(F32.const(1).div(argument));
    const tiny = SINGLE.magnitude(SINGLE.bits(result)).leU(LEAST_NORMAL);
    code.if(tiny, () => code.return(SINGLE.value(sign)));
    code.return(result);
  });

  defineVector(`${name}SS`, `${summary} of one single; the upper three lanes are kept.`, (context) => {
    const { destination, first, second } = sources(context);
    const result = context.call(one, second.readF32());
    destination.writeVector(first.readVector().replaceF32(0, result));
  });
  defineUnaryLanes(`${name}PS`, `${summary} of every single.`, (vector, context) => {
    const result = context.code.variable(V128, vector);
    for (let n = 0; n < 4; n++) {
      result.set(result.get().replaceF32(n, context.call(one, vector.extractF32(n))));
    }
    return result.get();
  });
}
