/**
 * ADD SUB MUL DIV SQRT MIN MAX, scalar and packed, of singles and doubles (SDM vol. 1 §10.4.1, §11.4.1). In the
 * ordinary case it is one WebAssembly operation and a look at the exponents (float-checks.ts): no flag can change then
 * and no NaN arise. All else goes to a routine.
 */
import { Simd } from '../../../wasm/simd.js';
import { I32, I64 } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { get32 } from '../../emitter.js';
import { type Routine, routine } from '../../routine.js';
import * as state from '../../state.js';
import { Exception } from '../../system/mxcsr.js';
import type { Context } from '../context.js';
import { defineHotVector, defineVector, pair, sources } from './common.js';
import { beginExceptions, commitExceptions, raiseFlags } from './exceptions.js';
import { standsRoutine, unlessAllDone, unlessDone } from './float-checks.js';
import { DOUBLE, type Float, type Format, SINGLE } from './float-format.js';
import { OPERATIONS, type Operation } from './float-operations.js';

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
    unlessDone(context, operation, format, [a, b, result.get()], () => {
      result.set(context.call(slow, a, b));
    });
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
  const checks = {
    operation,
    stands: standsRoutine(name, format, laneAt),
    tests: packed.laneAt ? undefined : operation.packed,
  };
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
    const parts = halves.map(({ a, b, result }) => ({ a, b, result: result.get() }));
    unlessAllDone(context, checks, format, parts, () => {
      context.call(beginExceptions);
      for (const { a, b, result } of halves) result.set(context.call(slow, a, b));
      context.call(commitExceptions);
    });
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

for (const operation of OPERATIONS) {
  defineBoth(operation, DOUBLE);
  defineBoth(operation, SINGLE);
}
