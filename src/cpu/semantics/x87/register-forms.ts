/** Instructions whose operands are the registers on top of the stack, and what an empty one of them gives. */
import { I32 } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import type { Emitter } from '../../emitter.js';
import { type Routine, routine } from '../../routine.js';
import { clearStatus, defineX87, finishWrite, nothing, underflow } from './results.js';
import { isEmpty, stackRegister } from './stack.js';

export type UnaryRoutine = Routine<readonly [typeof V128], V128>;
export type BinaryRoutine = Routine<readonly [typeof V128, typeof V128], V128>;

/** What `compute` makes of the registers ST(n) asked for; stack underflow if one is empty. */
export function fromStack(
  e: Emitter,
  numbers: readonly (I32 | number)[],
  compute: (...values: readonly V128[]) => V128,
): V128 {
  const value = e.code.variable(V128);
  e.code.if(
    numbers.map(isEmpty).reduce((any, empty) => any.or(empty)),
    () => value.set(underflow(e)),
    () => value.set(compute(...numbers.map((n) => stackRegister(e, n)))),
  );
  return value.get();
}

/** Defines ST(0) = f(ST(0)). */
export function defineUnary(mnemonic: string, summary: string, core: UnaryRoutine): void {
  const whole = routine(`${core.name}Top`, { parameters: [] }, (e) => {
    const value = fromStack(e, [0], (top) => e.call(core, top as V128));
    e.call(finishWrite, I32.const(0), value, I32.const(0));
  });
  defineX87(mnemonic, summary, nothing, (context) => context.call(whole));
}

export interface BinaryForm {
  /** Which register the result replaces; for ST(1), ST(0) is popped. */
  readonly into: 0 | 1;
  /** Condition codes that are cleared whatever happens, besides C1. */
  readonly clears?: number;
}

/** Defines ST(into) = f(ST(0), ST(1)). */
export function defineBinary(
  mnemonic: string,
  summary: string,
  core: BinaryRoutine,
  { into, clears = 0 }: BinaryForm,
): void {
  const whole = routine(`${core.name}Top`, { parameters: [] }, (e) => {
    const value = fromStack(e, [0, 1], (top, next) => e.call(core, top as V128, next as V128));
    if (clears) clearStatus(e, clears);
    e.call(finishWrite, I32.const(into), value, I32.const(into));
  });
  defineX87(mnemonic, summary, nothing, (context) => context.call(whole));
}
