/**
 * What all typed WebAssembly expressions are: code, and the type of what it leaves. The types themselves are in
 * integers.ts, floats.ts and vector.ts; whoever builds code imports them from values.ts.
 */
import type { Code } from './code.js';
import type { ValueType } from './types.js';

export abstract class Value {
  abstract readonly type: ValueType;
  constructor(readonly code: Code) {}
}

/** Makes the typed value of code; `I32`, `I64` … are such constructors. */
export interface ValueClass<T extends Value> {
  new (code: Code): T;
  readonly type: ValueType;
}
