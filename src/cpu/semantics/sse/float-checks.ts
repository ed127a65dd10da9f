/**
 * Whether what WebAssembly computed is the result, with no flag to raise: of normal operands or zeros, a normal number
 * above the smallest, or an exact zero; and exact, while PE is clear.
 */
import { Simd } from '../../../wasm/simd.js';
import { I32 } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { get32 } from '../../emitter.js';
import { type Routine, routine } from '../../routine.js';
import * as state from '../../state.js';
import type { Context } from '../context.js';
import { lanes } from './common.js';
import type { Float, Format } from './float-format.js';
import type { Operation } from './float-operations.js';

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

/** Not 0 when those of a lane are not. */
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

/** Has `otherwise` correct a scalar result that may not be right, or may have to raise a flag. */
export function unlessDone<F extends Float<F>>(
  context: Context,
  operation: Operation,
  format: Format<F>,
  [a, b, result]: readonly [a: F, b: F, result: F],
  otherwise: () => void,
): void {
  const { code } = context;
  const unsure = extraordinary(operation, format, a, b, result).or(slowWord(operation)).ltS(0);
  if (context.terse || operation.chooses) {
    code.if(unsure, otherwise);
    return;
  }
  code.block((done) => {
    code.branchIf(done, unsure.eqz());
    code.block((slow) => {
      if (!operation.unary) code.branchIf(slow, format.denormal(a));
      code.branchIf(slow, format.denormal(b));
      code.if(
        isOrdinary(format, result),
        () => {
          code.branchIf(done, get32(state.mxcsrSlow).eqz());
          code.branchIf(slow, get32(state.mxcsrSlow).and(1));
          code.branchIf(done, operation.surelyExact(context, format, a, b, result));
        },
        () => {
          code.branchIf(slow, get32(state.mxcsrSlow).and(1).or(result.ne(format.zero)));
          code.branchIf(done, operation.zeroIsExact(format, a, b));
        },
      );
    });
    otherwise();
  });
}

/** Normal, and above the smallest numbers, so that it can have been rounded from no denormal one. */
function isOrdinary<F extends Float<F>>(format: Format<F>, result: F): I32 {
  return format
    .fieldOf(result)
    .sub(2)
    .ltU(format.topField - 2);
}

/** (a, b, result) → 1 if each lane is what it should be, no operand being denormal and the modes being the usual ones */
export type Stands = Routine<readonly [typeof V128, typeof V128, typeof V128], I32>;

/** @param operationAt that of the n-th lane */
export function standsRoutine<F extends Float<F>>(
  name: string,
  format: Format<F>,
  operationAt: (n: number) => Operation,
): Stands {
  return routine(`${name}Stands`, { parameters: [V128, V128, V128], result: I32 }, (e, a, b, result) => {
    const { code } = e;
    const refuseIf = (condition: I32): void => code.if(condition, () => code.return(I32.const(0)));
    for (let n = 0; n < format.count; n++) {
      const operation = operationAt(n);
      code.scope(() => {
        const [x, y, z] = [a, b, result].map((vector) => code.let(format.extract(vector, n))) as [F, F, F];
        code.if(
          isOrdinary(format, z),
          () =>
            code.if(get32(state.mxcsrSlow), () => refuseIf(operation.surelyExact(e, format, x, y, z).eqz())),
          () =>
            refuseIf(
              z
                .eq(format.zero)
                .and(operation.zeroIsExact(format, x, y))
                .eqz(),
            ),
        );
      });
    }
    code.return(I32.const(1));
  });
}

/** One half of what a packed operation is done to. */
export interface Half {
  readonly a: V128;
  readonly b: V128;
  readonly result: V128;
}

/** Lanes as signed numbers so that comparing those is comparing unsigned ones. */
function biased(width: 32 | 64, n: bigint): bigint {
  return n - (1n << BigInt(width - 1));
}

/** Ones in lanes that are denormal: those whose bits without the sign, less 1, are below the largest such number. */
function denormalLanes<F extends Float<F>>(format: Format<F>, vector: V128): V128 {
  const { width, fraction } = format;
  const simd = width === 32 ? Simd.i32x4 : Simd.i64x2;
  const shifted = vector.binary(simd.add, vector).binary(simd.add, lanes(width, biased(width, -1n)));
  const limit = (2n << BigInt(fraction)) - 1n;
  return lanes(width, biased(width, limit)).binary(simd.gtS, shifted);
}

/** Ones in lanes that `isOrdinary` is 0 of. */
function unordinaryLanes<F extends Float<F>>(format: Format<F>, vector: V128): V128 {
  const { width, fraction, topField } = format;
  const simd = width === 32 ? Simd.i32x4 : Simd.i64x2;
  const fields = (n: number): bigint => BigInt(n) << BigInt(fraction + 1);
  const shifted = vector.binary(simd.add, vector).binary(simd.add, lanes(width, biased(width, -fields(2))));
  return shifted.binary(simd.gtS, lanes(width, biased(width, fields(topField - 2) - 1n)));
}

/** Of a packed operation: the checks of all its lanes, and if they can be made all at once, of most results. */
export interface PackedChecks {
  readonly operation: Operation;
  readonly stands: Stands;
  readonly tests: Operation['packed'];
}

/** The counterpart of `unlessDone` for packed operations. */
export function unlessAllDone<F extends Float<F>>(
  context: Context,
  { operation, stands, tests }: PackedChecks,
  format: Format<F>,
  halves: readonly Half[],
  otherwise: () => void,
): void {
  const { code } = context;
  const all = <T>(parts: readonly T[], join: (a: T, b: T) => T): T => parts.reduce(join);
  if (context.terse || operation.chooses) {
    const conditions = halves.map(({ a, b, result }) => extraordinaryLanes(operation, format, a, b, result));
    const modes = slowWord(operation).and(0x80000000);
    code.if(
      all([...conditions, modes], (a, b) => a.or(b)),
      otherwise,
    );
    return;
  }
  const either = (a: V128, b: V128): V128 => a.or(b);
  const { bitmask } = format.width === 32 ? Simd.i32x4 : Simd.i64x2;
  const operands = halves.flatMap(({ a, b }) => (operation.unary ? [b] : [a, b]));
  const denormal = code.let(
    all(
      operands.map((operand) => denormalLanes(format, operand)),
      either,
    ),
  );
  const unordinary = code.let(
    all(
      halves.map(({ result }) => unordinaryLanes(format, result)),
      either,
    ),
  );
  code.block((done) => {
    code.branchIf(done, denormal.or(unordinary).test(bitmask).or(get32(state.mxcsrSlow)).eqz());
    code.block((slow) => {
      code.branchIf(slow, denormal.test(bitmask).or(get32(state.mxcsrSlow).and(1)));
      if (tests) {
        const doubtful = halves.map(({ a, b, result }) =>
          unordinaryLanes(format, result)
            .or(tests.inexact(format, a, b, result))
            .binary(Simd.andNot, tests.exactZero(format, a, b, result)),
        );
        code.branchIf(done, all(doubtful, either).test(bitmask).eqz());
      }
      for (const { a, b, result } of halves) {
        code.branchIf(slow, context.call(stands, a, b, result).eqz());
      }
      code.branch(done);
    });
    otherwise();
  });
}
