/** Conversions of two or four numbers at once, through routines (SDM vol. 1 §11.4.1.6). */
import { Simd } from '../../../wasm/simd.js';
import { I32 } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { type Emitter, get32 } from '../../emitter.js';
import { type Routine, routine } from '../../routine.js';
import * as state from '../../state.js';
import { Rounding } from '../../system/mxcsr.js';
import { defineVector, lanes, pair, ZERO_VECTOR } from './common.js';
import { beginExceptions, commitExceptions, roundingMode } from './exceptions.js';
import { DOUBLE, type Float, type Format, SINGLE } from './float-format.js';
import { NARROWABLE } from './scalar-convert.js';
import { softFromInteger, softNarrow, softToInteger, softWiden } from './soft-convert.js';

type VectorRoutine = Routine<readonly [typeof V128], V128>;

interface Conversion {
  readonly name: string;
  readonly summary: string;
  /** Bits of memory read. */
  readonly source: 64 | 128;
  readonly count: 2 | 4;
  /** The whole by vector operations, and 1 where that is right: MXCSR ordinary, PE set. */
  readonly fast: (vector: V128) => { result: V128; valid: I32 };
  /** One lane, placed into `result`. */
  readonly lane: (e: Emitter, vector: V128, n: number, result: V128) => V128;
}

function makeRoutine({ name, count, fast, lane }: Conversion): VectorRoutine {
  return routine(`${name}Whole`, { parameters: [V128], result: V128, mayFault: true }, (e, vector) => {
    const { code } = e;
    code.if(get32(state.mxcsrSlow).eqz(), () => {
      const { result, valid } = fast(vector);
      code.if(valid, () => code.return(result));
    });
    beginExceptions(e);
    const result = code.variable(V128, ZERO_VECTOR);
    for (let n = 0; n < count; n++) result.set(lane(e, vector, n, result.get()));
    e.call(commitExceptions);
    code.return(result.get());
  });
}

function toInteger<F extends Float<F>>(
  name: string,
  format: Format<F>,
  count: 2 | 4,
  truncate: boolean,
): Conversion {
  const simd = format.width === 32 ? Simd.f32x4 : Simd.f64x2;
  const integer = format.width === 32 ? Simd.i32x4 : Simd.i64x2;
  const limit = format.width === 32 ? lanes(32, 0x4effffff) : lanes(64, 0x41dfffffff800000n);
  return {
    name,
    summary: `Converts ${count} numbers to signed 32-bit integers, ${truncate ? 'truncated' : 'rounded'}.`,
    source: 128,
    count,
    fast: (vector) => ({
      result: (truncate ? vector : vector.unary(simd.nearest)).unary(simd.truncateS),
      valid: limit
        .binary(simd.lt, vector.unary(simd.abs))
        .or(vector.binary(simd.ne, vector))
        .test(integer.bitmask)
        .eqz(),
    }),
    lane: (e, vector, n, result) => {
      const mode = truncate ? I32.const(Rounding.zero) : roundingMode();
      const bits = format.bits(format.extract(vector, n));
      return result.replaceI32(n, e.call(softToInteger(format), bits, I32.const(32), mode).wrap());
    },
  };
}

const always = I32.const(1);
/** Lanes whose exponent field lies outside first … first + count − 1 have their top bit set. */
function outside(vector: V128, width: 32 | 64, fraction: number, first: number, count: number): V128 {
  const simd = width === 32 ? Simd.i32x4 : Simd.i64x2;
  const field = (n: number): V128 => lanes(width, BigInt(n) << BigInt(fraction));
  const masked = vector.and(field((1 << (width - 1 - fraction)) - 1));
  return masked.binary(simd.sub, field(first)).or(field(first + count - 1).binary(simd.sub, masked));
}

const CONVERSIONS: readonly Conversion[] = [
  {
    name: 'CVTDQ2PS',
    summary: 'Converts four signed 32-bit integers to singles.',
    source: 128,
    count: 4,
    fast: (vector) => ({ result: vector.unary(Simd.f32x4.convertS), valid: always }),
    lane: (e, vector, n, result) => {
      const bits = e.call(softFromInteger(SINGLE), vector.extractI32(n).extendS());
      return result.replaceI32(n, bits.wrap());
    },
  },
  toInteger('CVTPS2DQ', SINGLE, 4, false),
  toInteger('CVTTPS2DQ', SINGLE, 4, true),
  toInteger('CVTPD2DQ', DOUBLE, 2, false),
  toInteger('CVTTPD2DQ', DOUBLE, 2, true),
  {
    name: 'CVTPS2PD',
    summary: 'Converts two singles to doubles.',
    source: 64,
    count: 2,
    fast: (vector) => ({
      result: vector.unary(Simd.f64x2.promoteLow),
      valid: outside(vector, 32, SINGLE.fraction, 1, SINGLE.topField - 1)
        .test(Simd.i32x4.bitmask)
        .and(3)
        .eqz(),
    }),
    lane: (e, vector, n, result) =>
      result.replaceI64(n as 0 | 1, e.call(softWiden, vector.extractI32(n).extendU())),
  },
  {
    name: 'CVTPD2PS',
    summary: 'Converts two doubles to singles; the upper half becomes 0.',
    source: 128,
    count: 2,
    fast: (vector) => ({
      result: vector.unary(Simd.f32x4.demoteLow),
      valid: outside(vector, 64, DOUBLE.fraction, NARROWABLE.least, NARROWABLE.count)
        .test(Simd.i64x2.bitmask)
        .eqz(),
    }),
    lane: (e, vector, n, result) =>
      result.replaceI32(n, e.call(softNarrow, vector.extractI64(n as 0 | 1)).wrap()),
  },
];

for (const conversion of CONVERSIONS) {
  const convert = makeRoutine(conversion);
  defineVector(conversion.name, conversion.summary, (context) => {
    const [destination, source] = pair(context);
    const vector = conversion.source === 64 ? source.readLow(64) : source.readVector(true);
    destination.writeVector(context.call(convert, vector));
  });
}

defineVector('CVTDQ2PD', 'Converts two signed 32-bit integers to doubles.', (context) => {
  const [destination, source] = pair(context);
  destination.writeVector(source.readLow(64).unary(Simd.f64x2.convertLowS));
});
