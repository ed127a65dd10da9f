/**
 * Typed WebAssembly expressions. A value is the code that computes it, so building one costs nothing at run
 * time and using it twice computes it twice: bind it with `FunctionBuilder.let` first. Loads are evaluated
 * where the value is used, so bind those too when a store may come between.
 */
import { ternary } from './code.js';
import type { I32 } from './integers.js';
import type { Value, ValueClass } from './value.js';

export { F32, F64 } from './floats.js';
export { I32, I64, i32, i64 } from './integers.js';
export { Value, type ValueClass } from './value.js';

/** `condition ? whenTrue : whenFalse`, both computed. */
export function select<T extends Value>(condition: I32, whenTrue: T, whenFalse: T): T {
  const make = whenTrue.constructor as ValueClass<T>;
  return new make(ternary(0x1b, whenTrue.code, whenFalse.code, condition.code));
}
