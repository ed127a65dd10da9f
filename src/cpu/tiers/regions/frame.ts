/**
 * The locals of a region's function: guest registers while the region runs. The state in memory has them again when it
 * is left. Which registers a region touches is noted while it is written, so that only those are loaded and stored.
 */
import type { FunctionBuilder, Variable } from '../../../wasm/function-builder.js';
import { I32, I64 } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { get64 } from '../../emitter.js';
import { borrows, type FlagWord } from '../../semantics/flags.js';
import * as state from '../../state.js';

/** A register in a local, and what the region does with it. */
export interface Held<T extends I64 | V128> {
  readonly variable: Variable<T>;
  /** Loaded when the region begins. */
  used: boolean;
  /** Stored when it is left. */
  written: boolean;
}

/**
 * The flags: the words of zero and sign as `state` has them, and for the carries the operands and result of a
 * subtraction, `a` − `b` = `result`, of which V8 makes them only where somebody asks. Any carry word w is 0 − w = 0.
 */
export interface HeldFlags {
  readonly zero: Variable<I64>;
  readonly sign: Variable<I64>;
  readonly a: Variable<I64>;
  readonly b: Variable<I64>;
  readonly result: Variable<I64>;
  /** 64 − the operation's width. */
  readonly shift: Variable<I64>;
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
  /** Whether the host wants the run to end. */
  readonly hurried: Variable<I32>;

  constructor(private readonly code: FunctionBuilder) {
    const hold = <T extends I64 | V128>(variable: Variable<T>): Held<T> => ({
      variable,
      used: false,
      written: false,
    });
    const word = (): Variable<I64> => code.variable(I64);
    this.general = Array.from({ length: 16 }, () => hold(word()));
    this.flags = { zero: word(), sign: word(), a: word(), b: word(), result: word(), shift: word() };
    this.target = word();
    this.left = code.variable(I32);
    this.exit = code.variable(I32);
    this.hurried = code.variable(I32);
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
    flags.zero.set(get64(state.flagZero));
    flags.sign.set(get64(state.flagSign));
    this.setCarry(get64(state.flagCarry));
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
    set(state.flagZero, flags.zero.get());
    set(state.flagSign, flags.sign.get());
    set(state.flagCarry, this.carry());
  }

  /** The word of the carries. */
  carry(): I64 {
    const { a, b, result, shift } = this.flags;
    const carries = this.code.let(borrows(a.get(), b.get(), result.get()));
    return carries.shl(shift.get()).or(carries.and(8));
  }

  setCarry(word: I64): void {
    const { a, b, result, shift } = this.flags;
    b.set(word);
    a.set(I64.const(0));
    result.set(I64.const(0));
    shift.set(I64.const(0));
  }

  flag(word: FlagWord): I64 {
    if (word === 'carry') return this.carry();
    return this.flags[word].get();
  }

  setFlag(word: FlagWord, value: I64): void {
    if (word === 'carry') this.setCarry(value);
    else this.flags[word].set(value);
  }
}

export function vectorAddress(n: number): I32 {
  return I32.const(state.at(state.xmm, n));
}
