/**
 * ADD SUB MUL DIV SQRT MIN MAX, scalar and packed, of singles and doubles (SDM vol. 1 §10.4.1, §11.4.1). In the
 * ordinary case it is one WebAssembly operation and a look at the exponents: with normal operands, a normal result
 * above the smallest, and PE set already, no flag can change and no NaN arise. All else goes to a routine.
 */
import { Simd } from '../../../wasm/simd.js';
import { I32, I64, select } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { type Emitter, get32 } from '../../emitter.js';
import { type Routine, routine } from '../../routine.js';
import * as state from '../../state.js';
import { Exception } from '../../system/mxcsr.js';
import type { Context } from '../context.js';
import { defineHotVector, defineVector, lanes, pair, sources } from './common.js';
import { productIsExact, quotientIsExact, sumIsExact } from './exactness.js';
import { beginExceptions, commitExceptions, denormalAsZero, raiseFlags } from './exceptions.js';
import { DOUBLE, type Float, type Format, SINGLE } from './float-format.js';
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
  soft<F extends Float<F>>(e: Emitter, format: Format<F>, a: I64, b: I64): I64;
}

const never = (): I32 => I32.const(0);
const always = (): I32 => I32.const(1);

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

const OPERATIONS: readonly Operation[] = [
  {
    name: 'ADD',
    summary: 'Adds the source to the destination',
    compute: (a, b) => a.add(b),
    vector: (simd, a, b) => a.binary(simd.add, b),
    additive: true,
    exactByZero: never,
    exact: (e, _format, a, b, result) => sumIsExact(e, a, b, result),
    soft: (e, format, a, b) => e.call(softBinary(format), I32.const(SoftOperation.add), a, b),
  },
  {
    name: 'SUB',
    summary: 'Subtracts the source from the destination',
    compute: (a, b) => a.sub(b),
    vector: (simd, a, b) => a.binary(simd.sub, b),
    additive: true,
    exactByZero: never,
    exact: (e, _format, a, b, result) => sumIsExact(e, a, b.neg(), result),
    soft: (e, format, a, b) => e.call(softBinary(format), I32.const(SoftOperation.subtract), a, b),
  },
  {
    name: 'MUL',
    summary: 'Multiplies the destination by the source',
    compute: (a, b) => a.mul(b),
    vector: (simd, a, b) => a.binary(simd.mul, b),
    exactByZero: (format, a, b) => format.isZero(a).or(format.isZero(b)),
    exact: productIsExact,
    soft: (e, format, a, b) => e.call(softBinary(format), I32.const(SoftOperation.multiply), a, b),
  },
  {
    name: 'DIV',
    summary: 'Divides the destination by the source',
    compute: (a, b) => a.div(b),
    vector: (simd, a, b) => a.binary(simd.div, b),
    exactByZero: (format, a, b) => format.isZero(a).and(format.isNormal(b)),
    exact: quotientIsExact,
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
    soft: (e, format, _a, b) => e.call(softSquareRoot(format), b),
  },
  {
    name: 'MIN',
    summary: 'Stores the lesser of destination and source',
    chooses: true,
    compute: (a, b) => select(a.lt(b), a, b),
    vector: (simd, a, b) => a.bitselect(b, a.binary(simd.lt, b)),
    exactByZero: always,
    exact: always,
    soft: (e, format, a, b) => softChoice(e, format, a, b, false),
  },
  {
    name: 'MAX',
    summary: 'Stores the greater of destination and source',
    chooses: true,
    compute: (a, b) => select(b.lt(a), a, b),
    vector: (simd, a, b) => a.bitselect(b, b.binary(simd.lt, a)),
    exactByZero: always,
    exact: always,
    soft: (e, format, a, b) => softChoice(e, format, a, b, true),
  },
];

const HOT = new Set(['ADDSD', 'SUBSD', 'MULSD', 'DIVSD', 'SQRTSD', 'ADDPD', 'SUBPD', 'MULPD']);
/** Mnemonic suffixes by lane width. */
export const SUFFIX = { 32: 'S', 64: 'D' } as const;

type LaneRoutine = Routine<readonly [typeof I64, typeof I64], I64>;

/** (a, b) → result of one lane, flags in `mxcsrRaised`; takes the middle way where only PE is to be found out. */
function laneRoutine<F extends Float<F>>(
  operation: Operation,
  format: Format<F>,
): Routine<readonly [typeof I64, typeof I64], I64> {
  return routine(
    `${operation.name}${format.name}Lane`,
    { parameters: [I64, I64], result: I64 },
    (e, a, b) => {
      const { code } = e;
      code.if(get32(state.mxcsrSlow).and(1).eqz(), () => {
        const usual = operation.unary
          ? format.isNormalOrZero(b).and(format.signOf(b).eqz())
          : format.isNormalOrZero(a).and(format.isNormalOrZero(b));
        code.if(usual, () => {
          const [x, y] = [format.value(a), format.value(b)];
          const result = code.let(operation.compute(x, y));
          const bits = code.let(format.bits(result));
          code.if(operation.exactByZero(format, a, b), () => code.return(bits));
          const ordinary = format
            .field(bits)
            .sub(2)
            .ltU(format.topField - 2);
          const zero = operation.additive ? format.isZero(bits) : I32.const(0);
          code.if(ordinary.or(zero), () => {
            const exact = operation.exact(e, format, x, y, result);
            code.if(exact.eqz(), () => raiseFlags(e, Exception.pe));
            code.return(bits);
          });
        });
      });
      code.return(operation.soft(e, format, a, b));
    },
  );
}

/** Negative when a lane's exponent fields are not all ordinary. */
function extraordinary<F extends Float<F>>(
  operation: Operation,
  format: Format<F>,
  a: F,
  b: F,
  result: F,
): I32 {
  const top = I32.const(format.topField - 1);
  const operands = operation.unary ? [b] : [a, b];
  const parts = operands.map((operand) => format.fieldOf(operand).sub(1));
  if (operation.chooses) for (const operand of operands) parts.push(top.sub(format.fieldOf(operand)));
  else parts.push(format.fieldOf(result).sub(2), top.sub(format.fieldOf(result)));
  return parts.reduce((all, part) => all.or(part));
}

function extraordinaryLanes<F extends Float<F>>(
  operation: Operation,
  format: Format<F>,
  a: V128,
  b: V128,
  result: V128,
): I32 {
  const simd = format.width === 32 ? Simd.i32x4 : Simd.i64x2;
  const fields = (n: number): V128 => lanes(format.width, BigInt(n) << BigInt(format.fraction));
  const field = (vector: V128): V128 => vector.and(lanes(format.width, format.infinity));
  const top = fields(format.topField - 1);
  const operands = operation.unary ? [b] : [a, b];
  const parts = operands.map((operand) => field(operand).binary(simd.sub, fields(1)));
  if (operation.chooses) for (const operand of operands) parts.push(top.binary(simd.sub, field(operand)));
  else parts.push(field(result).binary(simd.sub, fields(2)), top.binary(simd.sub, field(result)));
  return parts.reduce((all, part) => all.or(part)).test(simd.bitmask);
}

/** Bit 31 set when MXCSR forbids the fast path. */
function slowWord(operation: Operation): I32 {
  const word = get32(state.mxcsrSlow);
  return operation.chooses ? word.shl(31) : word;
}

function defineScalar<F extends Float<F>>(operation: Operation, format: Format<F>, lane: LaneRoutine): void {
  const name = `${operation.name}S${SUFFIX[format.width]}`;
  const slow = routine(
    `${name}Slow`,
    { parameters: [format.make, format.make], result: format.make, mayFault: true },
    (e, a, b) => {
      e.call(beginExceptions);
      const result = e.call(lane, format.bits(a as F), format.bits(b as F));
      e.code.if(get32(state.mxcsrRaised), () => e.call(commitExceptions));
      e.code.return(format.value(result));
    },
  ) as Routine<readonly [typeof format.make, typeof format.make], F>;
  const summary = `${operation.summary}: one ${format.width}-bit number, the other bits kept.`;
  (HOT.has(name) ? defineHotVector : defineVector)(name, summary, (context: Context) => {
    const { code } = context;
    const { destination, first, second } = sources(context);
    const b = format.read(second);
    const whole = first.readVector();
    const a = operation.unary ? b : code.let(format.extract(whole, 0));
    const result = code.variable(format.make, operation.compute(a, b));
    const condition = extraordinary(operation, format, a, b, result.get());
    code.if(condition.or(slowWord(operation)).ltS(0), () => result.set(context.call(slow, a, b)));
    destination.writeVector(format.replace(whole, 0, result.get()));
  });
}

const laneRoutines = new Map<string, LaneRoutine>();

/** (a, b) → result of one lane of an operation, its flags in `mxcsrRaised` */
export function laneOf<F extends Float<F>>(operation: Operation, format: Format<F>): LaneRoutine {
  const key = operation.name + format.name;
  const lane = laneRoutines.get(key) ?? laneRoutine(operation, format);
  laneRoutines.set(key, lane);
  return lane;
}

/** A packed instruction: an operation, lane by lane. */
export interface Packed {
  readonly name: string;
  readonly summary: string;
  readonly operation: Operation;
  /** The whole as a vector operation, right where all numbers are ordinary; the operation's own if absent. */
  vector?(simd: typeof Simd.f32x4 | typeof Simd.f64x2, a: V128, b: V128): V128;
  /** The operation of the n-th lane; the same in all if absent. */
  laneAt?(n: number): Operation;
  /** What the operation's operands are, of 128 bits of each source. */
  arrange?(a: V128, b: V128): readonly [V128, V128];
}

export function definePacked<F extends Float<F>>(packed: Packed, format: Format<F>): void {
  const { name, summary, operation } = packed;
  const { vector = operation.vector, laneAt = () => operation, arrange } = packed;
  const slow = routine(`${name}Slow`, { parameters: [V128, V128], result: V128 }, (e, a, b) => {
    const { code } = e;
    const result = code.variable(V128, b);
    for (let n = 0; n < format.count; n++) {
      const bits = (operand: V128): I64 => format.bits(format.extract(operand, n));
      const lane = e.call(laneOf(laneAt(n), format), bits(a), bits(b));
      result.set(format.replace(result.get(), n, format.value(lane)));
    }
    code.return(result.get());
  });
  const simd = format.width === 32 ? Simd.f32x4 : Simd.f64x2;
  (HOT.has(name) ? defineHotVector : defineVector)(name, summary, (context: Context) => {
    const { code } = context;
    const [destination, source] = pair(context);
    const { first, second } = sources(context);
    const right = (operation.unary ? source : second).readVectors();
    const left = operation.unary ? right : first.readVectors();
    const halves = left.map((each, half) => {
      const other = right[half] as V128;
      const [a, b] = arrange ? arrange(each, other).map((value) => code.let(value)) : [each, other];
      return { a: a as V128, b: b as V128, result: code.variable(V128, vector(simd, a as V128, b as V128)) };
    });
    const conditions = halves.map(({ a, b, result }) =>
      extraordinaryLanes(operation, format, a, b, result.get()),
    );
    const modes = slowWord(operation).and(0x80000000);
    code.if(
      conditions.reduce((all, condition) => all.or(condition), modes),
      () => {
        context.call(beginExceptions);
        for (const { a, b, result } of halves) result.set(context.call(slow, a, b));
        context.call(commitExceptions);
      },
    );
    destination.writeVectors(halves.map(({ result }) => result.get()));
  });
}

function defineBoth<F extends Float<F>>(operation: Operation, format: Format<F>): void {
  defineScalar(operation, format, laneOf(operation, format));
  definePacked(
    {
      name: `${operation.name}P${SUFFIX[format.width]}`,
      summary: `${operation.summary}: every ${format.width}-bit number.`,
      operation,
    },
    format,
  );
}

/** An operation by its name. */
export function operationOf(name: 'ADD' | 'SUB' | 'MUL'): Operation {
  return OPERATIONS.find((operation) => operation.name === name) as Operation;
}

for (const operation of OPERATIONS) {
  defineBoth(operation, DOUBLE);
  defineBoth(operation, SINGLE);
}
