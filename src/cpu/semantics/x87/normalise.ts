/** Taking a finite number apart for arithmetic: denormals get their integer bit, at an exponent below 1. */
import { I32, I64 } from '../../../wasm/values.js';
import type { V128 } from '../../../wasm/vector.js';
import type { Emitter } from '../../emitter.js';
import { exponentOf, type Parts, significandOf, signOf } from './extended.js';

/** Of a number that is not zero, infinite or NaN. */
export function unpack(e: Emitter, value: V128): Parts {
  const { code } = e;
  const exponent = code.variable(I32, exponentOf(value));
  const significand = code.variable(I64, significandOf(value));
  code.if(exponent.get().eqz(), () => {
    const shift = code.let(significand.get().clz());
    exponent.set(I32.const(1).sub(shift.wrap()));
    significand.set(significand.get().shl(shift));
  });
  return { sign: code.let(signOf(value)), exponent: exponent.get(), significand: significand.get() };
}
