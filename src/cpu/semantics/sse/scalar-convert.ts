/**
 * Conversions of one number (SDM vol. 1 §10.4.1, §11.4.1). The fast paths take what cannot change a flag;
 * soft-convert.ts the rest.
 */
import { F64, I32, I64 } from '../../../wasm/values.js';
import { get32 } from '../../emitter.js';
import { type Routine, routine } from '../../routine.js';
import * as state from '../../state.js';
import { Rounding } from '../../system/mxcsr.js';
import { defineHotVector, defineVector, pair, sources } from './common.js';
import { beginExceptions, commitExceptions, roundingMode } from './exceptions.js';
import { DOUBLE, type Float, type Format, SINGLE } from './float-format.js';
import { softFromInteger, softNarrow, softToInteger, softWiden } from './soft-convert.js';

type Unary = Routine<readonly [typeof I64], I64>;

/** The same with its flags put into MXCSR. */
function committed(name: string, inner: Unary): Unary {
  return routine(name, { parameters: [I64], result: I64, mayFault: true }, (e, operand) => {
    e.call(beginExceptions);
    const result = e.call(inner, operand);
    e.call(commitExceptions);
    e.code.return(result);
  });
}

/** Ordinary arithmetic may be done in place. */
function fast(): I32 {
  return get32(state.mxcsrSlow).geS(0);
}

function defineFromInteger<F extends Float<F>>(
  format: Format<F>,
  suffix: string,
  convert: (integer: I64) => F,
): void {
  const name = `CVTSI2${suffix}`;
  const slow = committed(`${name}Slow`, softFromInteger(format));
  const limit = 1n << BigInt(format.precision);
  const give = format.width === 64 ? defineHotVector : defineVector;
  give(name, 'Converts a signed integer; the other lanes are kept.', (context) => {
    const { code } = context;
    const { destination, first, second: source } = sources(context);
    const read = source.read();
    const integer = source.width === 64 ? read : code.let(read.extend32S());
    const result = code.variable(format.make, convert(integer));
    if (source.width > format.precision) {
      const exact = integer.add(limit).leU(2n * limit);
      code.if(exact.or(fast()).eqz(), () => result.set(format.value(context.call(slow, integer))));
    }
    destination.writeVector(format.replace(first.readVector(), 0, result.get()));
  });
}
defineFromInteger(DOUBLE, 'SD', (integer) => integer.toF64S());
defineFromInteger(SINGLE, 'SS', (integer) => integer.toF32S());

function defineToInteger<F extends Float<F>>(format: Format<F>, suffix: string, truncate: boolean): void {
  const name = `CVT${truncate ? 'T' : ''}${suffix}2SI`;
  const slow = routine(
    `${name}Slow`,
    { parameters: [I64, I32], result: I64, mayFault: true },
    (e, operand, width) => {
      const mode = truncate ? I32.const(Rounding.zero) : roundingMode();
      e.call(beginExceptions);
      const result = e.call(softToInteger(format), operand, width, mode);
      e.call(commitExceptions);
      e.code.return(result);
    },
  );
  const how = truncate ? 'truncated' : 'rounded';
  const give = truncate && format.width === 64 ? defineHotVector : defineVector;
  give(name, `Converts to a signed integer, ${how}; the indefinite one on overflow.`, (context) => {
    const { code } = context;
    const [destination, source] = pair(context);
    const operand = format.read(source);
    const value = code.let(format.widen(operand));
    const limit = F64.const(destination.width === 64 ? 2 ** 63 : 2 ** 31 - 1);
    const result = code.variable(I64);
    code.if(
      value.abs().lt(limit).and(fast()),
      () => result.set((truncate ? value : value.nearest()).truncSatI64S()),
      () => result.set(context.call(slow, format.bits(operand), I32.const(destination.width))),
    );
    destination.write(result.get());
  });
}
for (const truncate of [false, true]) {
  defineToInteger(DOUBLE, 'SD', truncate);
  defineToInteger(SINGLE, 'SS', truncate);
}

const widenSlow = committed('CVTSS2SDSlow', softWiden);
defineVector('CVTSS2SD', 'Converts a single to a double; the upper half is kept.', (context) => {
  const { code } = context;
  const { destination, first, second } = sources(context);
  const value = second.readF32();
  const result = code.variable(F64, value.promote());
  const normal = SINGLE.fieldOf(value)
    .sub(1)
    .ltU(SINGLE.topField - 1);
  code.if(normal.eqz(), () => {
    result.set(DOUBLE.value(context.call(widenSlow, SINGLE.bits(value))));
  });
  destination.writeVector(first.readVector().replaceF64(0, result.get()));
});

/** Exponent fields of doubles that become normal singles, however rounded. */
export const NARROWABLE = {
  least: DOUBLE.bias - SINGLE.bias + 2,
  count: SINGLE.topField - 3,
} as const;

const narrowSlow = committed('CVTSD2SSSlow', softNarrow);
defineVector('CVTSD2SS', 'Converts a double to a single; the upper three lanes are kept.', (context) => {
  const { code } = context;
  const { destination, first, second } = sources(context);
  const value = second.readF64();
  const result = code.variable(SINGLE.make, value.demote());
  const ordinary = DOUBLE.fieldOf(value).sub(NARROWABLE.least).ltU(NARROWABLE.count);
  code.if(ordinary.and(fast()).eqz(), () => {
    result.set(SINGLE.value(context.call(narrowSlow, DOUBLE.bits(value))));
  });
  destination.writeVector(first.readVector().replaceF32(0, result.get()));
});
