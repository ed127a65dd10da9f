/**
 * FPREM and FPREM1: remainders by truncated and by nearest quotient, in steps where the exponents are far apart
 * (SDM vol. 2). The results are exact.
 */
import { I32, I64, select } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { routine } from '../../routine.js';
import { raiseDenormal } from './arithmetic-core.js';
import { classify, isNormal, NumberClass, withoutPseudo, zero } from './extended.js';
import { binaryNaN, invalid } from './nan.js';
import { unpack } from './normalise.js';
import { type BinaryRoutine, defineBinary } from './register-forms.js';
import { clearStatus, unmasked } from './results.js';
import { raiseFlags, roundExtended } from './round.js';
import { Status } from './words.js';

/** C0, C3 and C1 as bits 2, 1 and 0 of the quotient. */
function quotientFlags(quotient: I64): I32 {
  const bit = (n: number, flag: number): I32 => quotient.shrU(n).wrap().and(1).mul(flag);
  return bit(2, Status.c0).or(bit(1, Status.c3)).or(bit(0, Status.c1));
}

/** (dividend, divisor) → remainder; C2 if it is only a step on the way */
function makeRemainder(nearest: boolean): BinaryRoutine {
  return routine(
    nearest ? 'x87RemainderNearest' : 'x87Remainder',
    { parameters: [V128, V128], result: V128 },
    (e, dividend, divisor) => {
      const { code } = e;
      code.if(isNormal(dividend).and(isNormal(divisor)).eqz(), () => {
        const aKind = e.call(classify, dividend);
        const bKind = e.call(classify, divisor);
        code.if(aKind.geU(NumberClass.quiet).or(bKind.geU(NumberClass.quiet)), () => {
          code.return(e.call(binaryNaN, dividend, aKind, divisor, bKind));
        });
        const infinite = aKind.eq(NumberClass.infinity);
        code.if(infinite.or(bKind.eq(NumberClass.zero)), () => code.return(invalid(e)));
        raiseDenormal(e, aKind, bKind);
        code.if(unmasked(Status.de), () => code.return(dividend));
        clearStatus(e, Status.c0 | Status.c3);
        const unchanged = aKind.eq(NumberClass.zero).or(bKind.eq(NumberClass.infinity));
        code.if(unchanged, () => code.return(withoutPseudo(dividend)));
      });
      clearStatus(e, Status.c0 | Status.c3);
      const a = unpack(e, dividend);
      const b = unpack(e, divisor);
      const sign = code.variable(I32, a.sign);
      const rest = code.variable(I64, a.significand);
      const exponent = code.variable(I32, a.exponent);
      const distance = code.let(a.exponent.sub(b.exponent));
      const quotient = code.variable(I64, I64.const(0));
      const overflow = code.variable(I32, I32.const(0));
      const finish = (): void => {
        code.if(rest.get().eqz(), () => code.return(zero(a.sign)));
        const up = code.let(rest.get().clz());
        const at = exponent.get().sub(up.wrap());
        code.return(e.call(roundExtended, sign.get(), at, rest.get().shl(up), I64.const(0), I32.const(64)));
      };
      code.if(distance.geS(nearest ? -1 : 0), () => {
        const far = code.let(distance.geS(64));
        const steps = code.variable(I32, distance);
        code.if(far, () => steps.set(distance.and(31).or(32)));
        exponent.set(exponent.get().sub(select(distance.ltS(0), I32.const(0), steps.get())));
        const turns = code.variable(I32, steps.get().add(1));
        if (nearest) code.if(distance.ltS(0), () => turns.set(I32.const(0)));
        code.while(
          () => turns.get(),
          () => {
            quotient.set(quotient.get().shl(1));
            code.if(overflow.get().or(rest.get().geU(b.significand)), () => {
              rest.set(rest.get().sub(b.significand));
              quotient.set(quotient.get().or(1));
              overflow.set(I32.const(0));
            });
            turns.set(turns.get().sub(1));
            code.if(turns.get(), () => {
              overflow.set(rest.get().shrU(63).wrap());
              rest.set(rest.get().shl(1));
            });
          },
        );
        code.if(far, () => {
          raiseFlags(e, Status.c2);
          finish();
        });
        if (nearest) {
          const half = code.variable(I32);
          code.if(
            distance.ltS(0),
            () => half.set(rest.get().gtU(b.significand)),
            () => {
              const other = code.let(b.significand.sub(rest.get()));
              const odd = quotient.get().wrap().and(1);
              half.set(rest.get().gtU(other).or(rest.get().eq(other).and(odd)));
            },
          );
          code.if(half.get(), () => {
            quotient.set(quotient.get().add(1));
            sign.set(sign.get().xor(0x8000));
            const whole = code.let(b.significand.shl(distance.ltS(0).extendU()));
            rest.set(whole.sub(rest.get()));
          });
        }
      });
      raiseFlags(e, quotientFlags(quotient.get()));
      finish();
    },
  );
}

const FORM = { into: 0, clears: Status.c2 } as const;
defineBinary('FPREM', 'Remainder of ST(0) by ST(1), the quotient truncated.', makeRemainder(false), FORM);
defineBinary(
  'FPREM1',
  'Remainder of ST(0) by ST(1), the quotient rounded to nearest.',
  makeRemainder(true),
  FORM,
);
