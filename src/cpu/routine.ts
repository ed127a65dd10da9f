/**
 * Routines: WebAssembly functions that instructions share, such as the page walk or the delivery of an exception.
 * A routine is a plain constant; it enters a module when something in that module first calls it.
 * An external routine has no body: the host supplies it.
 */
import type { Value, ValueClass } from '../wasm/values.js';
import type { Emitter } from './emitter.js';

export type Parameters = readonly ValueClass<Value>[];
/** The values that fit a parameter list. */
export type Arguments<P extends Parameters> = {
  [K in keyof P]: P[K] extends ValueClass<infer V> ? V : never;
};

export interface Routine<P extends Parameters = Parameters, R extends Value | undefined = Value | undefined> {
  readonly name: string;
  readonly parameters: P;
  readonly result: R extends Value ? ValueClass<R> : undefined;
  /** Whether it may leave an exception pending; the caller then abandons what it was doing. */
  readonly mayFault: boolean;
  /** Absent for an external routine. */
  readonly build?: (emitter: Emitter, ...args: Arguments<P>) => void;
}

interface Options<P extends Parameters, R extends Value> {
  readonly parameters: P;
  readonly result?: ValueClass<R>;
  readonly mayFault?: boolean;
}

/** A routine with a result type, or without. */
export function routine<const P extends Parameters, R extends Value>(
  name: string,
  options: Options<P, R> & { readonly result: ValueClass<R> },
  build: (emitter: Emitter, ...args: Arguments<P>) => void,
): Routine<P, R>;
export function routine<const P extends Parameters>(
  name: string,
  options: Options<P, never>,
  build: (emitter: Emitter, ...args: Arguments<P>) => void,
): Routine<P, undefined>;
export function routine(
  name: string,
  options: Options<Parameters, Value>,
  build: (emitter: Emitter, ...args: Value[]) => void,
): Routine {
  return {
    name,
    parameters: options.parameters,
    result: options.result,
    mayFault: options.mayFault ?? false,
    build,
  };
}

/** A routine that the host supplies. */
export function external<const P extends Parameters, R extends Value>(
  name: string,
  options: Options<P, R> & { readonly result: ValueClass<R> },
): Routine<P, R>;
export function external<const P extends Parameters>(
  name: string,
  options: Options<P, never>,
): Routine<P, undefined>;
export function external(name: string, options: Options<Parameters, Value>): Routine {
  return {
    name,
    parameters: options.parameters,
    result: options.result,
    mayFault: options.mayFault ?? false,
  };
}
