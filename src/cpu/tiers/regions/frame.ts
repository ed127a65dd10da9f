/**
 * The locals of a region's function: guest registers while the region runs. The state in memory has them again when it
 * is left. Which registers a region touches is noted while it is written, so that only those are loaded and stored.
 */
import type { FunctionBuilder, Variable } from '../../../wasm/function-builder.js';
import { I32, I64 } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { get64 } from '../../emitter.js';
import * as state from '../../state.js';
import { HeldFlags } from './held-flags.js';

/** A register in a local, and what the region does with it. */
export interface Held<T extends I64 | V128> {
  readonly variable: Variable<T>;
  /** Loaded when the region begins. */
  used: boolean;
  /** Stored when it is left. */
  written: boolean;
}

export class Frame {
  readonly general: readonly Held<I64>[];
  readonly vectors: readonly Held<V128>[];
  readonly flags: HeldFlags;
  /** Instructions that may yet begin. */
  readonly left: Variable<I32>;
  /** RIP at which the region is left. */
  readonly target: Variable<I64>;
  /** `RegionExit`: why it is left. */
  readonly exit: Variable<I32>;
  /** Whether the host wants the run to end, or the region no longer holds. */
  readonly hurried: Variable<I32>;
  /** How often the window had lost a bit before a routine was called. */
  readonly losses: Variable<I32>;

  constructor(private readonly code: FunctionBuilder) {
    const hold = <T extends I64 | V128>(variable: Variable<T>): Held<T> => ({
      variable,
      used: false,
      written: false,
    });
    const word = (): Variable<I64> => code.variable(I64);
    this.general = Array.from({ length: 16 }, () => hold(word()));
    this.flags = new HeldFlags(code);
    this.target = word();
    this.left = code.variable(I32);
    this.exit = code.variable(I32);
    this.hurried = code.variable(I32);
    this.losses = code.variable(I32);
    this.vectors = Array.from({ length: 16 }, () => hold(code.variable(V128)));
  }

  /** Loads what the region uses, from the state. */
  load(): void {
    const { flags } = this;
    this.general.forEach(({ variable, used, written }, n) => {
      if (used || written) variable.set(get64(state.gpr, n));
    });
    this.vectors.forEach(({ variable, used, written }, n) => {
      if (used || written) variable.set(V128.load(vectorAddress(n)));
    });
    flags.load();
  }

  /** Stores what the region may have changed. */
  store(): void {
    const { code, flags } = this;
    const set = (field: state.Field, value: I64, n = 0): void =>
      code.store(I32.const(0), value, state.at(field, n));
    this.general.forEach(({ variable, written }, n) => {
      if (written) set(state.gpr, variable.get(), n);
    });
    this.vectors.forEach(({ variable, written }, n) => {
      if (written) code.store(vectorAddress(n), variable.get());
    });
    flags.store();
  }
}

export function vectorAddress(n: number): I32 {
  return I32.const(state.at(state.xmm, n));
}
