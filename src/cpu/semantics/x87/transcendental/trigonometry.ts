/**
 * FSIN, FCOS, FSINCOS and FPTAN (SDM vol. 1 §8.3.7, §8.3.10). Angles are reduced by the 66 bits of π that Intel's
 * processors have (§8.3.8), exactly; those of 2^63 and more are left alone, with C2 set. Angles below 2^−68 are their
 * own sine and tangent, whatever the rounding control.
 */
import { I32, I64, select } from '../../../../wasm/values.js';
import { V128 } from '../../../../wasm/vector.js';
import { type Emitter, get32 } from '../../../emitter.js';
import { routine } from '../../../routine.js';
import * as state from '../../../state.js';
import { raiseDenormal } from '../arithmetic-core.js';
import {
  BIAS,
  classify,
  constant,
  exponentOf,
  INDEFINITE,
  isNormal,
  NumberClass,
  type Parts,
  SIGN,
} from '../extended.js';
import { invalid, unaryNaN } from '../nan.js';
import { unpack } from '../normalise.js';
import { fromStack } from '../register-forms.js';
import { clearStatus, defineX87, finishTwo, finishWrite, nothing, underflow } from '../results.js';
import { raiseFlags, roundExtended } from '../round.js';
import { isEmpty, isPresent, stackRegister } from '../stack.js';
import { highOf, lowOf, pair } from '../wide.js';
import { Status } from '../words.js';
import { cosineSeries, sineSeries } from './series.js';
import { choose, multiplyFixed, normalised, over, rounded, times, toFixed, type Wide } from './wide-float.js';

/** π ÷ 2 × 2^67. */
const RIGHT_ANGLE = 0xc90fdaa22168c234cn;
/** π ÷ 4 × 2^64 */
const EIGHTH_TURN = 0xc90fdaa22168c234n;
const ONE = constant(BIAS, 1n << 63n);
const TINY = BIAS - 68;
/** The least exponent that is out of range. */
const OUT_OF_RANGE = BIAS + 63;

/**
 * (exponent, significand), from ¼ to below 2^63 → the distance to the nearest multiple of π ÷ 2, × 2^67; in its upper half
 * bits 61:60 are the number of right angles, and bit 62 is set if the multiple is the greater
 */
const reduceAngle = routine(
  'x87ReduceAngle',
  { parameters: [I32, I64], result: V128 },
  (e, exponent, significand) => {
    const { code } = e;
    const [angleHigh, angleLow] = [RIGHT_ANGLE >> 64n, RIGHT_ANGLE & 0xffff_ffff_ffff_ffffn];
    const high = code.variable(I64, I64.const(0));
    const low = code.variable(I64, significand);
    const quotient = code.variable(I64, I64.const(0));
    const turns = code.variable(I32, exponent.sub(BIAS - 4));
    const reaches = (): I32 =>
      high
        .get()
        .gtU(angleHigh)
        .or(high.get().eq(angleHigh).and(low.get().geU(angleLow)));
    const double = (): void => {
      high.set(high.get().shl(1).or(low.get().shrU(63)));
      low.set(low.get().shl(1));
    };
    code.while(
      () => turns.get().gtS(0),
      () => {
        double();
        quotient.set(quotient.get().shl(1));
        code.if(reaches(), () => {
          high.set(high.get().sub(angleHigh).sub(low.get().ltU(angleLow).extendU()));
          low.set(low.get().sub(angleLow));
          quotient.set(quotient.get().or(1));
        });
        turns.set(turns.get().sub(1));
      },
    );
    const [restHigh, restLow] = [code.let(high.get()), code.let(low.get())];
    double();
    const beyond = code.let(reaches());
    code.if(
      beyond,
      () => {
        low.set(I64.const(angleLow).sub(restLow));
        high.set(I64.const(angleHigh).sub(restHigh).sub(restLow.gtU(angleLow).extendU()));
      },
      () => {
        high.set(restHigh);
        low.set(restLow);
      },
    );
    const multiple = quotient.get().add(beyond.extendU()).and(3).shl(60);
    code.return(pair(high.get().or(multiple).or(beyond.extendU().shl(62)), low.get()));
  },
);

/** An angle as a multiple of π ÷ 2 and a rest of at most π ÷ 4 to either side. */
interface Reduced {
  readonly rest: Wide;
  /** 1 if the rest counts down from the multiple. */
  readonly down: I32;
  /** 0 to 3 right angles. */
  readonly multiple: I32;
}

function reduce(e: Emitter, { exponent, significand }: Parts): Reduced {
  const { code } = e;
  const fraction = code.variable(V128, pair(significand, I64.const(0)));
  const at = code.variable(I32, exponent.sub(BIAS - 1));
  const flags = code.variable(I32, I32.const(0));
  const beyond = exponent.geS(BIAS).or(exponent.eq(BIAS - 1).and(significand.gtU(EIGHTH_TURN)));
  code.if(beyond, () => {
    const reduced = e.call(reduceAngle, exponent, significand);
    flags.set(highOf(reduced).shrU(60).wrap());
    const rest = pair(highOf(reduced).and((1n << 60n) - 1n), lowOf(reduced));
    const wide = normalised(e, code.let(rest), 128 - 67);
    fraction.set(wide.fraction);
    at.set(wide.exponent);
  });
  return {
    rest: { exponent: at.get(), fraction: fraction.get() },
    down: code.let(flags.get().shrU(2)),
    multiple: code.let(flags.get().and(3)),
  };
}

function sine(e: Emitter, rest: Wide, square: V128): Wide {
  return times(e, rest, normalised(e, e.call(sineSeries, square, I64.const(-1)), 1));
}

function cosine(e: Emitter, square: V128): Wide {
  return normalised(e, e.call(cosineSeries, square, I64.const(-1)), 1);
}

function squareOf(e: Emitter, rest: Wide): V128 {
  const fixed = toFixed(e, rest, 0);
  return e.call(multiplyFixed, fixed, fixed);
}

/** Returns for what is not a finite angle in range, or is too small to have one. @param own what a tiny angle gives */
function special(e: Emitter, value: V128, own: (parts: Parts) => V128): Parts {
  const { code } = e;
  const kind = e.call(classify, value);
  code.if(kind.geU(NumberClass.quiet), () => code.return(e.call(unaryNaN, value, kind)));
  code.if(kind.eq(NumberClass.infinity), () => code.return(invalid(e)));
  const parts = unpack(e, value);
  code.if(kind.eq(NumberClass.zero), () => code.return(own(parts)));
  raiseDenormal(e, kind);
  code.if(parts.exponent.ltS(TINY), () => {
    raiseFlags(e, Status.pe);
    code.return(own(parts));
  });
  return parts;
}

/** The angle itself; UE if it is denormal. */
function itself(e: Emitter, value: V128, { sign, exponent, significand }: Parts): V128 {
  const { code } = e;
  code.if(significand.eqz(), () => code.return(value));
  code.if(exponent.leS(0), () => raiseFlags(e, Status.ue));
  return e.call(roundExtended, sign, exponent, significand, I64.const(0), I32.const(64));
}

/** (angle in range, right angles to add) → its sine */
const sineOf = routine('x87Sine', { parameters: [V128, I32], result: V128 }, (e, value, ahead) => {
  const { code } = e;
  const parts = special(e, value, (tiny) => {
    code.if(ahead, () => code.return(ONE));
    return itself(e, value, tiny);
  });
  const { rest, down, multiple } = reduce(e, parts);
  const quarter = code.let(multiple.add(ahead));
  const square = squareOf(e, rest);
  const result = choose(e, quarter.and(1), cosine(e, square), sine(e, rest, square));
  const odd = select(ahead, I32.const(0), parts.sign);
  const turned = select(quarter.and(1), I32.const(0), down.mul(SIGN));
  const half = quarter.shrU(1).and(1).mul(SIGN);
  code.return(rounded(e, code.let(odd.xor(turned).xor(half)), result));
});

/** (angle in range) → its tangent */
const tangentOf = routine('x87Tangent', { parameters: [V128], result: V128 }, (e, value) => {
  const { code } = e;
  const parts = special(e, value, (tiny) => itself(e, value, tiny));
  const { rest, down, multiple } = reduce(e, parts);
  const square = squareOf(e, rest);
  const [a, b] = [sine(e, rest, square), cosine(e, square)];
  const odd = code.let(multiple.and(1));
  const quotient = over(e, choose(e, odd, b, a), choose(e, odd, a, b));
  const sign = parts.sign.xor(down.xor(odd).mul(SIGN));
  code.return(rounded(e, code.let(sign), quotient));
});

/** C2 = 0, or 1 and nothing else if the angle is out of range. */
function outOfRange(e: Emitter): I32 {
  const { code } = e;
  const value = stackRegister(e, 0);
  const far = exponentOf(value).geU(OUT_OF_RANGE).and(isNormal(value)).and(isPresent(0));
  const found = code.let(far);
  e.set32(state.fpuStatus, get32(state.fpuStatus).and(~Status.c2).or(found.mul(Status.c2)));
  return found;
}

function defineSine(mnemonic: string, summary: string, ahead: number): void {
  const whole = routine(`x87${mnemonic}`, { parameters: [] }, (e) => {
    const { code } = e;
    code.if(outOfRange(e), () => code.return());
    const value = fromStack(e, [0], (angle) => e.call(sineOf, angle as V128, I32.const(ahead)));
    e.call(finishWrite, I32.const(0), value, I32.const(0));
  });
  defineX87(mnemonic, summary, nothing, (context) => context.call(whole));
}

defineSine('FSIN', 'Replaces ST(0) by its sine.', 0);
defineSine('FCOS', 'Replaces ST(0) by its cosine.', 1);

/** @param results of an angle in range */
function definePair(
  mnemonic: string,
  summary: string,
  results: (e: Emitter, angle: V128) => [V128, V128],
): void {
  const whole = routine(`x87${mnemonic}`, { parameters: [] }, (e) => {
    const { code } = e;
    clearStatus(e, Status.c2);
    const fail = (): void => {
      e.call(finishTwo, INDEFINITE, INDEFINITE);
      code.return();
    };
    code.if(isEmpty(0), () => {
      underflow(e);
      fail();
    });
    code.if(isPresent(7), () => {
      e.set32(state.fpuRaised, Status.ie | Status.stackFault | Status.c1);
      fail();
    });
    code.if(outOfRange(e), () => code.return());
    e.call(finishTwo, ...results(e, stackRegister(e, 0)));
  });
  defineX87(mnemonic, summary, nothing, (context) => context.call(whole));
}

definePair('FSINCOS', 'Replaces ST(0) by its sine and pushes its cosine; C1 is the cosine’s.', (e, angle) => {
  const sine = e.call(sineOf, angle, I32.const(0));
  e.set32(state.fpuRaised, get32(state.fpuRaised).and(~Status.c1));
  return [sine, e.call(sineOf, angle, I32.const(1))];
});

definePair('FPTAN', 'Replaces ST(0) by its tangent and pushes 1.', (e, angle) => {
  const tangent = e.call(tangentOf, angle);
  const kind = e.call(classify, tangent);
  return [tangent, e.code.let(select(kind.geU(NumberClass.quiet), tangent, ONE))];
});
