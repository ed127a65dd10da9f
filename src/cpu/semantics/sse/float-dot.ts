/**
 * DPPS and DPPD: products that an immediate chooses, their sum in the lanes that it chooses (SDM vol. 1 §12.10.3). It is
 * done in stages, products and then sums by pairs, and an unmasked exception of one stops before the next. Each lane
 * adds in an order of its own, which shows where two products are NaNs: so silicon does it.
 */
import { Simd } from '../../../wasm/simd.js';
import { I32, type I64 } from '../../../wasm/values.js';
import { V128, ZERO_VECTOR } from '../../../wasm/vector.js';
import { type Routine, routine } from '../../routine.js';
import { control, defineVector, lanes, sources } from './common.js';
import { beginExceptions, commitExceptions } from './exceptions.js';
import { laneOf, SUFFIX } from './float-arithmetic.js';
import { DOUBLE, type Float, type Format, SINGLE } from './float-format.js';
import { operationOf } from './float-operations.js';

function bitsAt<F extends Float<F>>(format: Format<F>, vector: V128, n: number): I64 {
  return format.bits(format.extract(vector, n));
}

/** (a, b, immediate) → chosen products, zeros elsewhere */
function products<F extends Float<F>>(
  format: Format<F>,
): Routine<readonly [typeof V128, typeof V128, typeof I32], V128> {
  const multiply = laneOf(operationOf('MUL'), format);
  return routine(
    `dotProducts${format.name}`,
    { parameters: [V128, V128, I32], result: V128 },
    (e, a, b, choice) => {
      const { code } = e;
      const result = code.variable(V128, ZERO_VECTOR);
      for (let n = 0; n < format.count; n++) {
        code.if(choice.and(16 << n), () => {
          const product = e.call(multiply, bitsAt(format, a, n), bitsAt(format, b, n));
          result.set(format.replace(result.get(), n, format.value(product)));
        });
      }
      code.return(result.get());
    },
  );
}

/** (a, b) → sums of their lanes */
function sums<F extends Float<F>>(format: Format<F>): Routine<readonly [typeof V128, typeof V128], V128> {
  const add = laneOf(operationOf('ADD'), format);
  return routine(`dotSums${format.name}`, { parameters: [V128, V128], result: V128 }, (e, a, b) => {
    const { code } = e;
    const result = code.variable(V128, a);
    for (let n = 0; n < format.count; n++) {
      const sum = e.call(add, bitsAt(format, a, n), bitsAt(format, b, n));
      result.set(format.replace(result.get(), n, format.value(sum)));
    }
    code.return(result.get());
  });
}

/** Every lane exchanged with the one so many bytes from it. */
function exchanged(vector: V128, distance: number): V128 {
  return vector.shuffle(
    vector,
    Array.from({ length: 16 }, (_, n) => n ^ distance),
  );
}

function defineDot<F extends Float<F>>(format: Format<F>): void {
  const multiply = products(format);
  const add = sums(format);
  const isSingle = format.width === 32;
  const summary = `Adds up products of ${format.width}-bit numbers.`;
  defineVector(`DPP${SUFFIX[format.width]}`, summary, (context) => {
    const { code } = context;
    const { destination, first, second } = sources(context);
    const right = second.readVectors();
    const left = first.readVectors();
    const choice = control(context);
    const stage = (compute: () => readonly V128[]): readonly V128[] => {
      context.call(beginExceptions);
      const vectors = compute();
      context.call(commitExceptions);
      return vectors;
    };
    const addTo = (a: V128, b: V128): V128 => context.call(add, code.let(a), code.let(b));
    let halves = stage(() => left.map((a, half) => context.call(multiply, a, right[half] as V128, choice)));
    if (isSingle) halves = stage(() => halves.map((vector) => addTo(exchanged(vector, 4), vector)));
    halves = stage(() => halves.map((vector) => addTo(vector, exchanged(vector, 8))));
    const simd = isSingle ? Simd.i32x4 : Simd.i64x2;
    const bits = lanes(format.width, ...Array.from({ length: format.count }, (_, n) => 1 << n));
    const spread = isSingle ? V128.splatI32(choice) : V128.splatI64(choice.extendU());
    const chosen = code.let(spread.and(bits).binary(simd.eq, bits));
    destination.writeVectors(halves.map((vector) => vector.and(chosen)));
  });
}
defineDot(SINGLE);
defineDot(DOUBLE);
