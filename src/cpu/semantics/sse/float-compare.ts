/**
 * COMIS, UCOMIS and CMPxx with its eight predicates, in VEX forms 32 (SDM vol. 1 §10.4.1.3, §11.4.1.3, vol. 2 CMPPD).
 * Only NaNs and denormals give
 * flags, so operands that are neither, nor zero, are compared in place; the rest goes to a routine.
 */
import { Simd } from '../../../wasm/simd.js';
import { I32, I64 } from '../../../wasm/values.js';
import { V128, ZERO_VECTOR } from '../../../wasm/vector.js';
import { type Emitter, get32 } from '../../emitter.js';
import { type Routine, routine } from '../../routine.js';
import * as state from '../../state.js';
import { Exception } from '../../system/mxcsr.js';
import type { Context } from '../context.js';
import { control, defineHotVector, defineVector, lanes, pair, sources } from './common.js';
import { beginExceptions, commitExceptions, denormalAsZero, raiseFlags } from './exceptions.js';
import { DOUBLE, type Float, type Format, SINGLE } from './float-format.js';

/** What a comparison finds, in the routines below: bit 0 is CF, bit 1 ZF, and both together PF. */
const Relation = { greater: 0, less: 1, equal: 2, unordered: 3 } as const;

/** Gathers the flags of a comparison. @param quietSignals whether a quiet NaN is invalid too */
function raiseForComparison<F extends Float<F>>(
  e: Emitter,
  format: Format<F>,
  a: I64,
  b: I64,
  quietSignals: I32,
): void {
  e.code.if(
    format.isNaN(a).or(format.isNaN(b)),
    () => {
      const signalling = format.isSignalling(a).or(format.isSignalling(b));
      raiseFlags(e, signalling.or(quietSignals).mul(Exception.ie));
    },
    () => raiseFlags(e, format.isDenormal(a).or(format.isDenormal(b)).mul(Exception.de)),
  );
}

/** (a, b, quietSignals) → relation */
function makeRelate<F extends Float<F>>(
  format: Format<F>,
): Routine<readonly [typeof I64, typeof I64, typeof I32], I32> {
  return routine(
    `relate${format.name}`,
    { parameters: [I64, I64, I32], result: I32, mayFault: true },
    (e, first, second, quietSignals) => {
      const { code } = e;
      const plain = format.isNormalOrZero(first).and(format.isNormalOrZero(second));
      code.if(plain, () => {
        const [x, y] = [format.value(first), format.value(second)];
        code.return(x.lt(y).or(x.eq(y).shl(1)));
      });
      const a = denormalAsZero(e, format, first);
      const b = denormalAsZero(e, format, second);
      e.call(beginExceptions);
      raiseForComparison(e, format, a, b, quietSignals);
      e.call(commitExceptions);
      const [x, y] = [format.value(a), format.value(b)];
      code.if(format.isNaN(a).or(format.isNaN(b)), () => code.return(I32.const(Relation.unordered)));
      code.return(x.lt(y).or(x.eq(y).shl(1)));
    },
  );
}

function defineOrdering<F extends Float<F>>(format: Format<F>, suffix: string): void {
  const relate = makeRelate(format);
  const families = [
    { prefix: 'COMI', quietSignals: 1, summary: 'Compares into ZF, PF, CF; any NaN is invalid.' },
    { prefix: 'UCOMI', quietSignals: 0, summary: 'Compares into ZF, PF, CF; a signalling NaN is invalid.' },
  ];
  for (const { prefix, quietSignals, summary } of families) {
    const give = format.width === 64 ? defineHotVector : defineVector;
    give(prefix + suffix, summary, (context) => {
      const { code } = context;
      const [first, second] = pair(context);
      const b = format.read(second);
      const a = format.read(first);
      const relation = code.variable(I32, a.lt(b).or(a.eq(b).shl(1)));
      const parts = [a, b].map((value) => {
        const field = format.fieldOf(value);
        return field.sub(1).or(I32.const(format.topField - 1).sub(field));
      });
      const modes = get32(state.mxcsrSlow).shl(31);
      code.if(
        (parts[0] as I32)
          .or(parts[1] as I32)
          .or(modes)
          .ltS(0),
        () => {
          relation.set(context.call(relate, format.bits(a), format.bits(b), I32.const(quietSignals)));
        },
      );
      const found = code.let(relation.get().extendU());
      const cf = code.let(found.and(1));
      const zf = code.let(found.shrU(1));
      context.flags.setFloatComparison(zf, cf.and(zf), cf);
    });
  }
}
defineOrdering(DOUBLE, 'SD');
defineOrdering(SINGLE, 'SS');

/**
 * Of the predicate's bits 1:0 say which relation, bit 2 that it shall not hold. VEX forms have two bits more: bit 3 has an
 * unordered pair answer the other way, bit 4 has a quiet NaN signal where it would not and not where it would.
 */
const Predicate = { relation: 3, not: 4, unorderedOtherwise: 8, signalOtherwise: 16 } as const;
const PREDICATES = ['equal', 'less', 'less or equal', 'unordered'];

/** (a, b, predicate) → all ones in each lane where it holds; flags in `mxcsrRaised` */
function makeCompare<F extends Float<F>>(
  format: Format<F>,
): Routine<readonly [typeof V128, typeof V128, typeof I32], V128> {
  const simd = format.width === 32 ? Simd.f32x4 : Simd.f64x2;
  const integer = format.width === 32 ? Simd.i32x4 : Simd.i64x2;
  const field = (vector: V128): V128 => vector.and(lanes(format.width, format.infinity));
  const one = lanes(format.width, 1n << BigInt(format.fraction));
  const largest = lanes(format.width, format.infinity - (1n << BigInt(format.fraction)));
  const unusual = (vector: V128): V128 =>
    field(vector)
      .binary(integer.sub, one)
      .or(largest.binary(integer.sub, field(vector)));

  return routine(
    `compare${format.name}`,
    { parameters: [V128, V128, I32], result: V128 },
    (e, first, second, predicate) => {
      const { code } = e;
      const a = code.variable(V128, first);
      const b = code.variable(V128, second);
      const relation = code.let(predicate.and(Predicate.relation));
      const modes = get32(state.mxcsrSlow).and(1);
      code.if(unusual(first).or(unusual(second)).test(integer.bitmask).or(modes), () => {
        const ordering = relation.sub(1).ltU(2);
        const quietSignals = code.let(ordering.ne(predicate.and(Predicate.signalOtherwise).ne(0)));
        for (let n = 0; n < format.count; n++) {
          code.scope(() => {
            const [x, y] = [a, b].map((side) => {
              const bits = code.let(format.bits(format.extract(side.get(), n)));
              const flushed = denormalAsZero(e, format, bits);
              side.set(format.replace(side.get(), n, format.value(flushed)));
              return flushed;
            }) as [I64, I64];
            raiseForComparison(e, format, x, y, quietSignals);
          });
        }
      });
      const [x, y] = [a.get(), b.get()];
      const unordered = code.let(x.binary(simd.ne, x).or(y.binary(simd.ne, y)));
      const result = code.variable(V128, unordered);
      const bodies = [simd.eq, simd.lt, simd.le].map((opcode) => () => result.set(x.binary(opcode, y)));
      code.switch(relation, bodies, () => {});
      const ones = (bit: number): V128 => V128.splatI32(I32.const(0).sub(predicate.and(bit).ne(0)));
      const otherwise = unordered.and(ones(Predicate.unorderedOtherwise));
      code.return(result.get().xor(ones(Predicate.not)).xor(otherwise));
    },
  );
}

function defineComparison<F extends Float<F>>(format: Format<F>, letter: string): void {
  const compare = makeCompare(format);
  const list = PREDICATES.join(', ');
  const predicateOf = (context: Context): I32 =>
    context.code.let(control(context).and(context.vex ? 0x1f : 7));

  defineVector(`CMPP${letter}`, `Ones in each lane that is ${list}, or not so.`, (context) => {
    const { code } = context;
    const { destination, first, second } = sources(context);
    const right = second.readVectors();
    const left = first.readVectors();
    const predicate = predicateOf(context);
    context.call(beginExceptions);
    const results = left.map((each, half) => context.call(compare, each, right[half] as V128, predicate));
    code.if(get32(state.mxcsrRaised), () => context.call(commitExceptions));
    destination.writeVectors(results);
  });
  defineVector(`CMPS${letter}`, `Ones in the low lane if it is ${list}, or not so.`, (context) => {
    const { code } = context;
    const { destination, first, second } = sources(context);
    const right = format.read(second);
    const whole = first.readVector();
    const alone = (value: F): V128 => code.let(format.replace(ZERO_VECTOR, 0, value));
    const left = alone(format.extract(whole, 0));
    context.call(beginExceptions);
    const result = context.call(compare, left, alone(right), predicateOf(context));
    code.if(get32(state.mxcsrRaised), () => context.call(commitExceptions));
    destination.writeVector(format.replace(whole, 0, format.extract(result, 0)));
  });
}
defineComparison(DOUBLE, 'D');
defineComparison(SINGLE, 'S');
