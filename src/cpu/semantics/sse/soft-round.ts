/**
 * Rounding an exact result to a format in any rounding mode, with overflow, underflow and flush-to-zero, and the
 * flags each gives (SDM vol. 1 §4.8.4, §4.9.1, §11.5.2). A number here is ±significand × 2^(exponent − 62), its
 * lowest bit also standing for everything below it (sticky).
 */
import { I32, I64, select, type Value } from '../../../wasm/values.js';
import { type Emitter, get32 } from '../../emitter.js';
import { type Routine, routine } from '../../routine.js';
import * as state from '../../state.js';
import { Exception, Mxcsr, Rounding } from '../../system/mxcsr.js';
import { raiseFlags } from './exceptions.js';
import { DOUBLE, type Float, type Format, SINGLE } from './float-format.js';

/** (value, count ≥ 0) → value shifted right, its lowest bit set if anything was lost */
export const shiftRightSticky = routine(
  'shiftRightSticky',
  { parameters: [I64, I32], result: I64 },
  (e, value, count) => {
    const { code } = e;
    code.if(count.gtU(63), () => code.return(value.ne(I64.const(0)).extendU()));
    const wide = code.let(count.extendU());
    const kept = code.let(value.shrU(wide));
    code.return(kept.or(kept.shl(wide).ne(value).extendU()));
  },
);

type RoundRoutine = Routine<readonly [typeof I32, typeof I32, typeof I64, typeof I32], I64>;

/** What rounding asks of a format. */
interface Target {
  readonly name: string;
  readonly width: number;
  readonly fraction: number;
  readonly precision: number;
  readonly bias: number;
  readonly topField: number;
  readonly infinity: bigint;
  /** Whether FTZ has it give zero for a denormal result. */
  readonly flushes: boolean;
}

function makeRound(format: Target): RoundRoutine {
  const extra = 63 - format.precision;
  const half = 1n << BigInt(extra - 1);
  const below = (1n << BigInt(extra)) - 1n;

  return routine(
    `round${format.name}`,
    { parameters: [I32, I32, I64, I32], result: I64 },
    (e, sign, givenExponent, given, mode) => {
      const { code } = e;
      const signBits = code.let(sign.extendU().shl(format.width - 1));
      const significand = code.variable(I64, given);
      const biased = code.variable(I32, givenExponent.add(format.bias));
      normalise(e, significand, biased);

      const away = code.let(mode.eq(select(sign, I32.const(Rounding.down), I32.const(Rounding.up))));
      const directed = select(away, I64.const(below), I64.const(0));
      const increment = code.let(select(mode.eqz(), I64.const(half), directed));
      const rounded = (): I64 => {
        const tie = mode.eqz().and(significand.get().and(below).eq(half));
        return significand.get().add(increment).shrU(extra).and(tie.extendU().not());
      };
      const inexact = (): I32 => significand.get().and(below).ne(0);

      code.if(biased.get().leS(0), () => {
        const carries = significand.get().add(increment).ltS(0);
        const tiny = code.let(biased.get().ltS(0).or(carries.eqz()));
        code.if(tiny, () => {
          code.if(get32(state.mxcsr).and(Mxcsr.underflowMask).eqz(), () => {
            raiseFlags(e, inexact().mul(Exception.pe).or(Exception.ue));
            code.return(signBits);
          });
          if (!format.flushes) return;
          code.if(get32(state.mxcsr).and(Mxcsr.ftz), () => {
            raiseFlags(e, Exception.ue | Exception.pe);
            code.return(signBits);
          });
        });
        significand.set(e.call(shiftRightSticky, significand.get(), I32.const(1).sub(biased.get())));
        raiseFlags(e, inexact().mul(tiny.mul(Exception.ue).or(Exception.pe)));
        code.return(signBits.or(rounded()));
      });

      const magnitude = code.let(biased.get().sub(1).extendS().shl(format.fraction).add(rounded()));
      code.if(biased.get().geS(format.topField).or(magnitude.geU(format.infinity)), () => {
        const masked = get32(state.mxcsr).and(Mxcsr.overflowMask).ne(0);
        raiseFlags(e, masked.or(inexact()).mul(Exception.pe).or(Exception.oe));
        const infinite = mode.eqz().or(away);
        code.return(
          signBits.or(select(infinite, I64.const(format.infinity), I64.const(format.infinity - 1n))),
        );
      });
      raiseFlags(e, inexact().mul(Exception.pe));
      code.return(signBits.or(magnitude));
    },
  );
}

interface Assignable<T extends Value> {
  get(): T;
  set(value: T): void;
}

/** Brings the significand's top bit to bit 62. */
function normalise(e: Emitter, significand: Assignable<I64>, exponent: Assignable<I32>): void {
  const value = significand.get();
  e.code.if(
    value.ltS(0),
    () => {
      significand.set(value.shrU(1).or(value.and(1)));
      exponent.set(exponent.get().add(1));
    },
    () => {
      const shift = e.code.let(value.clz().sub(1));
      significand.set(value.shl(shift));
      exponent.set(exponent.get().sub(shift.wrap()));
    },
  );
}

const ROUND = { F32: makeRound(SINGLE), F64: makeRound(DOUBLE) };

/** Half precision (vol. 1 §14.4.1). */
export const HALF: Target = {
  name: 'F16',
  width: 16,
  fraction: 10,
  precision: 11,
  bias: 15,
  topField: 31,
  infinity: 0x7c00n,
  flushes: false,
};

/** (sign, exponent, significand, not 0, rounding mode) → bits of a half */
export const roundToHalf = makeRound(HALF);

/** (sign, exponent, significand, not 0, rounding mode) → bits */
export function roundTo<F extends Float<F>>(format: Format<F>): RoundRoutine {
  return ROUND[format.name];
}
