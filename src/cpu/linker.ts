/** Brings routines into a module: imports the external ones, defines each other one when it is first called. */
import type { FunctionBuilder } from '../wasm/function-builder.js';
import type { FunctionHandle, ModuleBuilder } from '../wasm/module-builder.js';
import type { ValueType } from '../wasm/types.js';
import { F32, F64, I32, I64, type Value } from '../wasm/values.js';
import { V128 } from '../wasm/vector.js';
import { Emitter, type Linker } from './emitter.js';
import { externals } from './externals.js';
import type { Parameters, Routine } from './routine.js';

/** What a routine returns when it leaves with an exception pending. */
export const NOTHING: ReadonlyMap<ValueType, Value> = new Map<ValueType, Value>([
  [I32.type, I32.const(0)],
  [I64.type, I64.const(0)],
  [F32.type, F32.const(0)],
  [F64.type, F64.const(0)],
  [V128.type, V128.const(new Array<number>(16).fill(0))],
]);

export class ModuleLinker implements Linker {
  readonly #known = new Map<string, FunctionHandle<Value | undefined>>();
  readonly #waiting: (() => void)[] = [];

  constructor(private readonly module: ModuleBuilder) {
    for (const { name, parameters, result } of externals) {
      this.#known.set(name, module.import<Value | undefined>(name, types(parameters), result));
    }
  }

  link<P extends Parameters, R extends Value | undefined>(target: Routine<P, R>): FunctionHandle<R> {
    const routine = target as unknown as Routine;
    let handle = this.#known.get(routine.name);
    if (!handle) {
      if (!routine.build) throw new Error(`${routine.name} is not among the externals`);
      const made = this.module.declare<Value | undefined>(
        routine.name,
        types(routine.parameters),
        routine.result,
      );
      this.#known.set(routine.name, made);
      this.#waiting.push(() => this.module.define(made, (code) => buildRoutine(routine, code, this)));
      handle = made;
    }
    return handle as FunctionHandle<R>;
  }

  /** The routines of this module. */
  routines(): FunctionHandle<Value | undefined>[] {
    const imported = new Set(externals.map(({ name }) => name));
    return [...this.#known.values()].filter(({ name }) => !imported.has(name));
  }

  /** Defines what has been called so far, and what that calls. */
  finish(): void {
    for (let job = this.#waiting.shift(); job; job = this.#waiting.shift()) job();
  }
}

function types(parameters: Parameters): ValueType[] {
  return parameters.map((parameter) => parameter.type);
}

/** Writes a routine's body. */
function buildRoutine(routine: Routine, code: FunctionBuilder, linker: Linker): void {
  const nothing = routine.result && NOTHING.get(routine.result.type);
  const args = routine.parameters.map((make, n) => code.parameter(make, n));
  routine.build?.(new Emitter(code, linker, () => code.return(nothing)), ...args);
  if (routine.result) code.unreachable();
}
