/** ROUND: to an integer in floating point, as the immediate or MXCSR says (SDM vol. 1 §12.10.8, vol. 2 ROUNDPD). */
import { I32, I64 } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { type Routine, routine } from '../../routine.js';
import { Exception, Rounding } from '../../system/mxcsr.js';
import { control, defineVector, pair, sources } from './common.js';
import { beginExceptions, commitExceptions, denormalAsZero, raiseFlags, roundingMode } from './exceptions.js';
import { SUFFIX } from './float-arithmetic.js';
import { DOUBLE, type Float, type Format, SINGLE } from './float-format.js';

/** Of the immediate: rounding comes from MXCSR; inexact results give no PE. Bits 1:0 are the rounding. */
const FROM_MXCSR = 4;
const NO_PRECISION = 8;

interface Roundable<F> extends Float<F> {
  nearest(): F;
  floor(): F;
  ceil(): F;
  trunc(): F;
}

/** (bits, immediate) → bits */
function makeRound<F extends Roundable<F>>(
  format: Format<F>,
): Routine<readonly [typeof I64, typeof I32], I64> {
  return routine(
    `roundToIntegral${format.name}`,
    { parameters: [I64, I32], result: I64 },
    (e, operand, choice) => {
      const { code } = e;
      const bits = denormalAsZero(e, format, operand);
      code.if(format.isNaN(bits), () => {
        raiseFlags(e, format.isSignalling(bits).mul(Exception.ie));
        code.return(bits.or(format.quiet));
      });
      const value = format.value(bits);
      const mode = code.variable(I32, choice.and(3));
      code.if(choice.and(FROM_MXCSR), () => mode.set(roundingMode()));
      const rounded = code.variable(format.make, value.trunc());
      code.if(mode.get().eq(Rounding.nearest), () => rounded.set(value.nearest()));
      code.if(mode.get().eq(Rounding.down), () => rounded.set(value.floor()));
      code.if(mode.get().eq(Rounding.up), () => rounded.set(value.ceil()));
      const inexact = rounded.get().ne(value).and(choice.and(NO_PRECISION).eqz());
      raiseFlags(e, inexact.mul(Exception.pe));
      code.return(format.bits(rounded.get()));
    },
  );
}

function defineRound<F extends Roundable<F>>(format: Format<F>): void {
  const round = makeRound(format);
  const suffix = SUFFIX[format.width];
  const whole = routine(
    `roundVector${format.name}`,
    { parameters: [V128, I32], result: V128 },
    (e, vector, choice) => {
      const { code } = e;
      const result = code.variable(V128, vector);
      for (let n = 0; n < format.count; n++) {
        const rounded = e.call(round, format.bits(format.extract(vector, n)), choice);
        result.set(format.replace(result.get(), n, format.value(rounded)));
      }
      code.return(result.get());
    },
  );
  defineVector(`ROUNDP${suffix}`, `Rounds ${format.width}-bit numbers to integers.`, (context) => {
    const [destination, source] = pair(context);
    const vectors = source.readVectors();
    const choice = control(context);
    context.call(beginExceptions);
    const rounded = vectors.map((vector) => context.call(whole, vector, choice));
    context.call(commitExceptions);
    destination.writeVectors(rounded);
  });
  defineVector(
    `ROUNDS${suffix}`,
    `Rounds one ${format.width}-bit number to an integer, the other bits kept.`,
    (context) => {
      const { destination, first, second } = sources(context);
      const value = format.read(second);
      const choice = control(context);
      context.call(beginExceptions);
      const rounded = context.call(round, format.bits(value), choice);
      context.call(commitExceptions);
      destination.writeVector(format.replace(first.readVector(), 0, format.value(rounded)));
    },
  );
}
defineRound(SINGLE);
defineRound(DOUBLE);
