/** Conversions of several numbers at once, through routines (SDM vol. 1 §10.4.4, §11.4.1.6). */
import { Simd } from '../../../wasm/simd.js';
import { I32 } from '../../../wasm/values.js';
import { V128, ZERO_VECTOR } from '../../../wasm/vector.js';
import { type Emitter, get32 } from '../../emitter.js';
import { type Routine, routine } from '../../routine.js';
import * as state from '../../state.js';
import { Rounding } from '../../system/mxcsr.js';
import type { Context, Operand } from '../context.js';
import { enterMmx } from '../x87/mmx-state.js';
import { defineVector, HIGH_HALF, LOW_HALVES, lanes, pair } from './common.js';
import { beginExceptions, commitExceptions, roundingMode } from './exceptions.js';
import { DOUBLE, type Float, type Format, SINGLE } from './float-format.js';
import { NARROWABLE } from './scalar-convert.js';
import { softFromInteger, softNarrow, softToInteger, softWiden } from './soft-convert.js';

type VectorRoutine = Routine<readonly [typeof V128], V128>;

interface Conversion {
  readonly name: string;
  readonly summary: string;
  /** How many numbers 128 bits of the source hold, and as many of the result: the smaller of the two. */
  readonly count: 2 | 4;
  /** The result's lanes are half or twice as wide as the source's: 128 bits of the one are 64 of the other. */
  readonly shape: 'same' | 'narrowing' | 'widening';
  /** The whole by vector operations, and 1 where that is right: MXCSR ordinary, PE set. */
  readonly fast: (vector: V128) => { result: V128; valid: I32 };
  /** One lane, placed into `result`. */
  readonly lane: (e: Emitter, vector: V128, n: number, result: V128) => V128;
}

/** (vector) → result with zeros above it; flags in `mxcsrRaised` */
function makeRoutine({ name, count, fast, lane }: Conversion): VectorRoutine {
  return routine(`${name}Whole`, { parameters: [V128], result: V128 }, (e, vector) => {
    const { code } = e;
    code.if(get32(state.mxcsrSlow).eqz(), () => {
      const { result, valid } = fast(vector);
      code.if(valid, () => code.return(result));
    });
    const result = code.variable(V128, ZERO_VECTOR);
    for (let n = 0; n < count; n++) result.set(lane(e, vector, n, result.get()));
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
    summary: `Converts numbers to signed 32-bit integers, ${truncate ? 'truncated' : 'rounded'}.`,
    count,
    shape: format.width === 32 ? 'same' : 'narrowing',
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
    summary: 'Converts signed 32-bit integers to singles.',
    count: 4,
    shape: 'same',
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
    summary: 'Converts singles to doubles.',
    count: 2,
    shape: 'widening',
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
    summary: 'Converts doubles to singles; the upper half becomes 0.',
    count: 2,
    shape: 'narrowing',
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

const routines = new Map(CONVERSIONS.map((conversion) => [conversion.name, makeRoutine(conversion)]));

/** Converts all of the vectors, then puts the flags of all into MXCSR. */
function convertAll(context: Context, name: string, vectors: readonly V128[]): V128[] {
  const convert = routines.get(name) as VectorRoutine;
  context.call(beginExceptions);
  const results = vectors.map((vector) => context.call(convert, vector));
  if (context.operands.some((operand) => operand.kind === 'mmx')) enterMmx(context);
  context.call(commitExceptions);
  return results;
}

/** The source's numbers, as many at a time as 128 bits of the wider destination hold. */
function widened({ code }: Context, destination: Operand, source: Operand): V128[] {
  const vector = source.readVector();
  return destination.width > 128 ? [vector, code.let(vector.shuffle(ZERO_VECTOR, HIGH_HALF))] : [vector];
}

for (const { name, summary, shape } of CONVERSIONS) {
  defineVector(name, summary, (context) => {
    const [destination, source] = pair(context);
    const vectors = shape === 'widening' ? widened(context, destination, source) : source.readVectors();
    const results = convertAll(context, name, vectors);
    if (shape !== 'narrowing') destination.writeVectors(results);
    else {
      const [low, high] = results as [V128, V128?];
      destination.writeVector(high ? low.shuffle(high, LOW_HALVES) : low);
    }
  });
}

defineVector('CVTDQ2PD', 'Converts signed 32-bit integers to doubles.', (context) => {
  const [destination, source] = pair(context);
  const vectors = widened(context, destination, source);
  destination.writeVectors(vectors.map((vector) => vector.unary(Simd.f64x2.convertLowS)));
});

defineVector('CVTPI2PD', 'Converts two signed 32-bit integers to doubles.', (context) => {
  const [destination, source] = pair(context);
  destination.writeVector(source.readVector().unary(Simd.f64x2.convertLowS));
});

defineVector(
  'CVTPI2PS',
  'Converts two signed 32-bit integers to singles; the upper half is kept.',
  (context) => {
    const [destination, source] = pair(context);
    const [result] = convertAll(context, 'CVTDQ2PS', [source.readVector()]) as [V128];
    destination.writeVector(destination.readVector().replaceI64(0, result.extractI64(0)));
  },
);

const TO_MMX = [
  ['CVTPS2PI', 'CVTPS2DQ'],
  ['CVTTPS2PI', 'CVTTPS2DQ'],
  ['CVTPD2PI', 'CVTPD2DQ'],
  ['CVTTPD2PI', 'CVTTPD2DQ'],
] as const;
for (const [name, likewise] of TO_MMX) {
  defineVector(name, `Does as ${likewise} with two numbers, into an MMX register.`, (context) => {
    const [destination, source] = pair(context);
    const vector = likewise.endsWith('PS2DQ') ? source.readLow(64) : source.readVector();
    const [result] = convertAll(context, likewise, [vector]) as [V128];
    destination.writeVector(result);
  });
}
