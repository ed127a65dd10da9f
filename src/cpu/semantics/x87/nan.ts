/** NaNs and unsupported encodings as operands (SDM vol. 1 §4.8.3.5 with Table 4-7, §8.2.2). */
import { I32, select } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { type Emitter, get32 } from '../../emitter.js';
import { routine } from '../../routine.js';
import * as state from '../../state.js';
import { classify, constant, headOf, INDEFINITE, NumberClass, QUIET_BIT, significandOf } from './extended.js';
import { Status } from './words.js';

/** Raises flags that hide an operand's being denormal. */
export function replaceDenormal(e: Emitter, flags: I32 | number): void {
  e.set32(state.fpuRaised, get32(state.fpuRaised).and(~Status.de).or(flags));
}

/** The result of an invalid operation while masked. */
export function invalid(e: Emitter): V128 {
  replaceDenormal(e, Status.ie);
  return INDEFINITE;
}

function quieted(value: V128): V128 {
  return value.or(constant(0, QUIET_BIT));
}

/** (value, class, at least `quiet`) → the result of an operation on it alone */
export const unaryNaN = routine(
  'x87UnaryNaN',
  { parameters: [V128, I32], result: V128 },
  (e, value, kind) => {
    const { code } = e;
    code.if(kind.eq(NumberClass.unsupported), () => code.return(invalid(e)));
    const invalidFlag = select(kind.eq(NumberClass.signalling), I32.const(Status.ie), I32.const(0));
    replaceDenormal(e, invalidFlag);
    code.return(quieted(value));
  },
);

/**
 * (a, class of a, b, class of b) → the result where at least one is no number: of a signalling and a quiet NaN the quiet
 * one, else the one with the greater significand, else the positive one
 */
export const binaryNaN = routine(
  'x87BinaryNaN',
  { parameters: [V128, I32, V128, I32], result: V128 },
  (e, a, aKind, b, bKind) => {
    const { code } = e;
    const unsupported = (kind: I32): I32 => kind.eq(NumberClass.unsupported);
    code.if(unsupported(aKind).or(unsupported(bKind)), () => code.return(invalid(e)));
    const signalling = (kind: I32): I32 => kind.eq(NumberClass.signalling);
    const any = signalling(aKind).or(signalling(bKind));
    replaceDenormal(e, select(any, I32.const(Status.ie), I32.const(0)));
    code.if(aKind.ltU(NumberClass.quiet), () => code.return(quieted(b)));
    code.if(bKind.ltU(NumberClass.quiet), () => code.return(quieted(a)));
    code.if(aKind.ltU(bKind), () => code.return(a));
    code.if(bKind.ltU(aKind), () => code.return(b));
    const first = code.let(significandOf(a));
    const second = code.let(significandOf(b));
    const aWins = first.gtU(second).or(first.eq(second).and(headOf(a).leU(headOf(b))));
    code.return(quieted(select(aWins, a, b)));
  },
);

/** The classes of two operands; where one is no number, the routine returns what an operation on them gives. */
export function classifyNumbers(e: Emitter, x: V128, y: V128): { xKind: I32; yKind: I32 } {
  const { code } = e;
  const xKind = e.call(classify, x);
  const yKind = e.call(classify, y);
  code.if(xKind.geU(NumberClass.quiet).or(yKind.geU(NumberClass.quiet)), () => {
    code.return(e.call(binaryNaN, x, xKind, y, yKind));
  });
  return { xKind, yKind };
}
