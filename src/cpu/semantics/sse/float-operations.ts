/**
 * What ADD SUB MUL DIV SQRT MIN MAX are, as operations on a pair of numbers of either format: as WebAssembly has them, on
 * integers with every flag, and when their results are exact. float-arithmetic.ts makes instructions of them.
 */
import { Simd } from '../../../wasm/simd.js';
import { I32, I64, select } from '../../../wasm/values.js';
import { type V128, ZERO_VECTOR } from '../../../wasm/vector.js';
import type { Emitter } from '../../emitter.js';
import { Exception } from '../../system/mxcsr.js';
import { lanes } from './common.js';
import {
  productIsExact,
  productIsSurelyExact,
  quotientIsExact,
  quotientIsSurelyExact,
  sumIsExact,
} from './exactness.js';
import { denormalAsZero, raiseFlags } from './exceptions.js';
import type { Float, Format } from './float-format.js';
import { SoftOperation, softBinary, softSquareRoot } from './soft-arithmetic.js';

export interface Operation {
  readonly name: string;
  readonly summary: string;
  /** SQRT has one operand, the second. */
  readonly unary?: boolean;
  /** MIN and MAX only choose: no result is inexact, too large or too small. */
  readonly chooses?: boolean;
  compute<F extends Float<F>>(a: F, b: F): F;
  vector(simd: typeof Simd.f32x4 | typeof Simd.f64x2, a: V128, b: V128): V128;
  /** ADD and SUB: a result of zero is exact. */
  readonly additive?: boolean;
  /** Whether the operands' zeros make the result exact whatever else; asked when both are normal or zero. */
  exactByZero<F extends Float<F>>(format: Format<F>, a: I64, b: I64): I32;
  /** Whether `result` is exact, given normal operands. */
  exact<F extends Float<F>>(e: Emitter, format: Format<F>, a: F, b: F, result: F): I32;
  /** The same as far as it can be told in a few operations: 0 says nothing. */
  surelyExact<F extends Float<F>>(e: Emitter, format: Format<F>, a: F, b: F, result: F): I32;
  /** Given operands that are not denormal, and no NaN where it chooses: whether a result of zero is exact. */
  zeroIsExact<F extends Float<F>>(format: Format<F>, a: F, b: F): I32;
  /** Ones in lanes of which it cannot be told in a few operations that they are exact, and in those that are exact zeros. */
  readonly packed?: PackedTests;
  soft<F extends Float<F>>(e: Emitter, format: Format<F>, a: I64, b: I64): I64;
}

type PackedTests = Readonly<Record<'inexact' | 'exactZero', LaneTest>>;
type LaneTest = <F extends Float<F>>(format: Format<F>, a: V128, b: V128, result: V128) => V128;

function floats({ width }: { readonly width: number }): typeof Simd.f32x4 | typeof Simd.f64x2 {
  return width === 32 ? Simd.f32x4 : Simd.f64x2;
}

/** As `sumIsExact` and `productIsSurelyExact` have it; of a product of numbers of half the precision one need not think. */
const SUM: PackedTests = {
  inexact: (format, a, b, sum) => {
    const { sub, ne } = floats(format);
    const added = sum.binary(sub, a);
    return a.binary(sub, sum.binary(sub, added)).binary(ne, added.binary(sub, b));
  },
  exactZero: (format, _a, _b, sum) => sum.binary(floats(format).eq, ZERO_VECTOR),
};
const DIFFERENCE: PackedTests = {
  inexact: (format, a, b, difference) => {
    const { sub, add, ne } = floats(format);
    const taken = a.binary(sub, difference);
    return a.binary(sub, difference.binary(add, taken)).binary(ne, b.binary(sub, taken));
  },
  exactZero: SUM.exactZero,
};
const PRODUCT: PackedTests = {
  inexact: ({ width, precision }, a, b) => {
    const lower = lanes(width, (1n << BigInt(Math.ceil(precision / 2))) - 1n);
    return a
      .or(b)
      .and(lower)
      .binary(width === 32 ? Simd.i32x4.ne : Simd.i64x2.ne, ZERO_VECTOR);
  },
  exactZero: (format, a, b, product) => {
    const isZero = (vector: V128): V128 => vector.binary(floats(format).eq, ZERO_VECTOR);
    return isZero(product).and(isZero(a).or(isZero(b)));
  },
};

const never = (): I32 => I32.const(0);
const always = (): I32 => I32.const(1);

/** What ADD and SUB have alike. */
const ADDITIVE = { additive: true, exactByZero: never, zeroIsExact: always };
const exactSum: Operation['exact'] = (e, _format, a, b, result) => sumIsExact(e, a, b, result);
const exactDifference: Operation['exact'] = (e, _format, a, b, result) => sumIsExact(e, a, b.neg(), result);

/** What MIN and MAX have alike. */
const CHOOSING = {
  chooses: true,
  exactByZero: always,
  exact: always,
  surelyExact: always,
  zeroIsExact: always,
};

/** MIN and MAX: the second operand, as it is, if either is a NaN or both are zero. */
function softChoice<F extends Float<F>>(
  e: Emitter,
  format: Format<F>,
  first: I64,
  second: I64,
  greatest: boolean,
): I64 {
  const { code } = e;
  const a = denormalAsZero(e, format, first);
  const b = denormalAsZero(e, format, second);
  const result = code.variable(I64, b);
  code.if(
    format.isNaN(a).or(format.isNaN(b)),
    () => raiseFlags(e, Exception.ie),
    () => {
      raiseFlags(e, format.isDenormal(a).or(format.isDenormal(b)).mul(Exception.de));
      const [x, y] = [format.value(a), format.value(b)];
      result.set(select(greatest ? y.lt(x) : x.lt(y), a, b));
    },
  );
  return result.get();
}

export const OPERATIONS: readonly Operation[] = [
  {
    name: 'ADD',
    summary: 'Adds the source to the destination',
    compute: (a, b) => a.add(b),
    vector: (simd, a, b) => a.binary(simd.add, b),
    ...ADDITIVE,
    exact: exactSum,
    surelyExact: exactSum,
    packed: SUM,
    soft: (e, format, a, b) => e.call(softBinary(format), I32.const(SoftOperation.add), a, b),
  },
  {
    name: 'SUB',
    summary: 'Subtracts the source from the destination',
    compute: (a, b) => a.sub(b),
    vector: (simd, a, b) => a.binary(simd.sub, b),
    ...ADDITIVE,
    exact: exactDifference,
    surelyExact: exactDifference,
    packed: DIFFERENCE,
    soft: (e, format, a, b) => e.call(softBinary(format), I32.const(SoftOperation.subtract), a, b),
  },
  {
    name: 'MUL',
    summary: 'Multiplies the destination by the source',
    compute: (a, b) => a.mul(b),
    vector: (simd, a, b) => a.binary(simd.mul, b),
    exactByZero: (format, a, b) => format.isZero(a).or(format.isZero(b)),
    exact: productIsExact,
    surelyExact: (_e, format, a, b, result) => productIsSurelyExact(format, a, b, result),
    zeroIsExact: (format, a, b) => a.eq(format.zero).or(b.eq(format.zero)),
    packed: PRODUCT,
    soft: (e, format, a, b) => e.call(softBinary(format), I32.const(SoftOperation.multiply), a, b),
  },
  {
    name: 'DIV',
    summary: 'Divides the destination by the source',
    compute: (a, b) => a.div(b),
    vector: (simd, a, b) => a.binary(simd.div, b),
    exactByZero: (format, a, b) => format.isZero(a).and(format.isNormal(b)),
    exact: quotientIsExact,
    surelyExact: (_e, format, a, b, result) => quotientIsSurelyExact(format, a, b, result),
    zeroIsExact: (format, a) => a.eq(format.zero),
    soft: (e, format, a, b) => e.call(softBinary(format), I32.const(SoftOperation.divide), a, b),
  },
  {
    name: 'SQRT',
    summary: 'Stores the square root of the source',
    unary: true,
    compute: (_a, b) => b.sqrt(),
    vector: (simd, _a, b) => b.unary(simd.sqrt),
    exactByZero: (format, _a, b) => format.isZero(b),
    exact: (e, format, _a, b, result) => quotientIsExact(e, format, b, result, result),
    surelyExact: (_e, format, _a, b, result) => quotientIsSurelyExact(format, b, result, result),
    zeroIsExact: always,
    soft: (e, format, _a, b) => e.call(softSquareRoot(format), b),
  },
  {
    name: 'MIN',
    summary: 'Stores the lesser of destination and source',
    ...CHOOSING,
    compute: (a, b) => select(a.lt(b), a, b),
    vector: (simd, a, b) => a.bitselect(b, a.binary(simd.lt, b)),
    soft: (e, format, a, b) => softChoice(e, format, a, b, false),
  },
  {
    name: 'MAX',
    summary: 'Stores the greater of destination and source',
    ...CHOOSING,
    compute: (a, b) => select(b.lt(a), a, b),
    vector: (simd, a, b) => a.bitselect(b, b.binary(simd.lt, a)),
    soft: (e, format, a, b) => softChoice(e, format, a, b, true),
  },
];

/** An operation by its name. */
export function operationOf(name: 'ADD' | 'SUB' | 'MUL'): Operation {
  return OPERATIONS.find((operation) => operation.name === name) as Operation;
}
