/**
 * The SIMD floating-point exceptions: flags met by the lanes of one instruction are gathered in `state.mxcsrRaised`,
 * then `commitExceptions` sets them in MXCSR and raises #XM for those that are not masked, before the destination
 * is written (SDM vol. 1 §11.5.2).
 */
import { I32, I64, select } from '../../../wasm/values.js';
import { type Emitter, get32, get64 } from '../../emitter.js';
import { routine } from '../../routine.js';
import * as state from '../../state.js';
import { Cr4, Vector } from '../../state.js';
import { ALL_EXCEPTIONS, Exception, MASK_SHIFT, Mxcsr, updateMxcsr } from '../../system/mxcsr.js';
import type { Float, Format } from './float-format.js';

/** Those found by looking at the operands; if one is unmasked no result is computed, and the others stay unseen. */
const FROM_OPERANDS = Exception.ie | Exception.de | Exception.ze;

/** A routine, so that a handler in the dispatch loop leaves for its twin here, before it has written anything. */
export const beginExceptions = routine('beginExceptions', { parameters: [] }, (e) => {
  e.set32(state.mxcsrRaised, 0);
});

export function raiseFlags(e: Emitter, flags: I32 | number): void {
  e.set32(state.mxcsrRaised, get32(state.mxcsrRaised).or(flags));
}

export function roundingMode(): I32 {
  return get32(state.mxcsr).shrU(Mxcsr.roundingShift).and(3);
}

/** Bits with a denormal made zero when DAZ says so. */
export function denormalAsZero<F extends Float<F>>(e: Emitter, format: Format<F>, bits: I64): I64 {
  const flush = get32(state.mxcsr).and(Mxcsr.daz).ne(0).and(format.isDenormal(bits));
  return e.code.let(select(flush, bits.and(format.sign), bits));
}

export const commitExceptions = routine('commitExceptions', { parameters: [], mayFault: true }, (e) => {
  const { code } = e;
  const raised = code.variable(I32, get32(state.mxcsrRaised));
  code.if(raised.get().eqz(), () => code.return());
  const unmasked = code.let(get32(state.mxcsr).shrU(MASK_SHIFT).xor(-1).and(ALL_EXCEPTIONS));
  const before = unmasked.and(FROM_OPERANDS);
  code.if(raised.get().and(before), () => raised.set(raised.get().and(FROM_OPERANDS)));
  e.set32(state.mxcsr, get32(state.mxcsr).or(raised.get()));
  e.call(updateMxcsr);
  code.if(raised.get().and(unmasked), () => {
    e.raiseIf(get64(state.cr4).and(Cr4.osxmmexcpt).eqz(), Vector.ud);
    e.raise(Vector.xm);
  });
});

/** The NaN that two operands of which one is a NaN give: the first's, else the second's, made quiet (§4.8.3.5). */
export function propagateNaN<F extends Float<F>>(e: Emitter, format: Format<F>, a: I64, b: I64): I64 {
  const signalling = format.isSignalling(a).or(format.isSignalling(b));
  raiseFlags(e, signalling.mul(Exception.ie));
  return select(format.isNaN(a), a, b).or(format.quiet);
}

export function invalid<F extends Float<F>>(e: Emitter, format: Format<F>): I64 {
  raiseFlags(e, Exception.ie);
  return I64.const(format.defaultNaN);
}
