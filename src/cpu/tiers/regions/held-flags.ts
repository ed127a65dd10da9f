/**
 * The arithmetic flags while a region runs: what the last operation was and its operands, in four locals. The words
 * that the state has (`state.flagZero`) are made of them where somebody asks, or where the region is left: so a
 * comparison and the branch on it become one, and a loop carries no more from turn to turn than it must.
 *
 * While the region is being written the operation is known, but for where paths meet: there the locals tell.
 */
import type { FunctionBuilder, Variable } from '../../../wasm/function-builder.js';
import { I32, I64, select } from '../../../wasm/values.js';
import { get64 } from '../../emitter.js';
import {
  borrows,
  type FlagStore,
  type FlagWord,
  type KeptOperation,
  signExtend,
  truncate,
} from '../../semantics/flags.js';
import * as state from '../../state.js';

/** Bits of `how` besides 64 − the operation's width. */
const How = { sum: 64, kept: 128, words: 256 } as const;

/**
 * What the locals hold. An addition is kept as the subtraction that it turns around: its carries are the borrows of
 * result − b = a.
 *
 * | operation | x      | y    | z          |
 * | --------- | ------ | ---- | ---------- |
 * | subtract  | a      | b    |            |
 * | borrow    | a      | b    | the result |
 * | add       | result | b    |            |
 * | carry     | result | b    | a          |
 * | words     | zero   | sign | carry      |
 */
type Operation = 'subtract' | 'borrow' | 'add' | 'carry' | 'words';

interface Known {
  readonly operation: Operation;
  readonly width: number;
}

const WORDS: Known = { operation: 'words', width: 64 };
const FIELDS = { zero: state.flagZero, sign: state.flagSign, carry: state.flagCarry } as const;

export class HeldFlags implements FlagStore {
  readonly how: Variable<I32>;
  readonly x: Variable<I64>;
  readonly y: Variable<I64>;
  readonly z: Variable<I64>;
  #known: Known | undefined = WORDS;

  constructor(private readonly code: FunctionBuilder) {
    this.how = code.variable(I32);
    this.x = code.variable(I64);
    this.y = code.variable(I64);
    this.z = code.variable(I64);
  }

  /** Takes the words from the state, before anything else is run. */
  load(): void {
    this.#setWords((word) => get64(FIELDS[word]));
  }

  /** Gives the state the words, whatever the way was. */
  store(): void {
    for (const word of ['zero', 'sign', 'carry'] as const) {
      this.code.store(I32.const(0), this.#wordOfAny(word), state.at(FIELDS[word], 0));
    }
  }

  /** To be called where paths meet, and after a path that not every run takes. */
  forget(): void {
    this.#known = undefined;
  }

  /** What is known, to be put back when another path is written. */
  get mark(): unknown {
    return this.#known;
  }
  set mark(mark: unknown) {
    this.#known = mark as Known | undefined;
  }

  keep(operation: KeptOperation, a: I64, b: I64, result: I64, width: number): void {
    const known: Known = { operation: operation === 'logic' ? 'subtract' : operation, width };
    const sums = known.operation === 'add' || known.operation === 'carry';
    const kept = known.operation === 'carry' || known.operation === 'borrow';
    const first = sums || operation === 'logic' ? result : a;
    this.x.set(width < 32 ? truncate(first, width) : first);
    this.y.set(b);
    if (kept) this.z.set(sums ? a : result);
    this.how.set(I32.const((64 - width) | (sums ? How.sum : 0) | (kept ? How.kept : 0)));
    this.#known = known;
  }

  get(word: FlagWord): I64 {
    const known = this.#known;
    if (!known) return this.#wordOfAny(word);
    const { operation, width } = known;
    if (operation === 'words') return this.#local(word).get();
    const difference = this.#difference(operation);
    if (word !== 'carry') {
      const sums = operation === 'add' || operation === 'carry';
      return signExtend(sums ? this.x.get() : difference, width);
    }
    const all = borrows(this.x.get(), this.y.get(), this.code.let(difference));
    if (width === 64) return all;
    const carries = this.code.let(all);
    return carries.shl(64 - width).or(carries.and(8));
  }

  set(word: FlagWord, value: I64): void {
    const given = this.code.let(value);
    if (this.#known?.operation === 'words') {
      this.#local(word).set(given);
      return;
    }
    const others = { zero: given, sign: given, carry: given };
    for (const other of ['zero', 'sign', 'carry'] as const) {
      if (other !== word) others[other] = this.code.let(this.get(other));
    }
    this.#setWords((each) => others[each]);
    this.#known = WORDS;
  }

  condition(pair: number): I32 | undefined {
    if (this.#known?.operation === 'subtract') return this.#comparison(pair, this.#known.width);
    if (this.#known?.operation === 'add') return this.#ofSum(pair, this.#known.width);
    return undefined;
  }

  /** Of operands that are zero-extended. */
  #comparison(pair: number, width: number): I32 | undefined {
    const [a, b] = [this.x.get(), this.y.get()];
    const narrow = width === 32;
    const signed = (value: I64): I64 => signExtend(value, width);
    switch (pair) {
      case 1:
        return narrow ? a.wrap().ltU(b.wrap()) : a.ltU(b);
      case 2:
        return narrow ? a.wrap().eq(b.wrap()) : a.eq(b);
      case 3:
        return narrow ? a.wrap().leU(b.wrap()) : a.leU(b);
      case 4:
        return narrow ? a.wrap().sub(b.wrap()).ltS(0) : signed(a.sub(b)).ltS(0);
      case 6:
        return narrow ? a.wrap().ltS(b.wrap()) : signed(a).ltS(signed(b));
      case 7:
        return narrow ? a.wrap().leS(b.wrap()) : signed(a).leS(signed(b));
      default:
        return undefined;
    }
  }

  /** There is a carry where the sum is less than a summand. */
  #ofSum(pair: number, width: number): I32 | undefined {
    const [sum, b] = [this.x.get(), this.y.get()];
    const narrow = width === 32;
    switch (pair) {
      case 1:
        return narrow ? sum.wrap().ltU(b.wrap()) : sum.ltU(b);
      case 2:
        return narrow ? sum.wrap().eqz() : sum.eqz();
      case 4:
        return signExtend(sum, width).ltS(0);
      default:
        return undefined;
    }
  }

  #difference(operation: Operation): I64 {
    const kept = operation === 'borrow' || operation === 'carry';
    return kept ? this.z.get() : this.x.get().sub(this.y.get());
  }

  /** A word whatever the operation was, without a branch: V8 drops it where nobody asks after all. */
  #wordOfAny(word: FlagWord): I64 {
    const how = this.how.get();
    const [x, y, z] = [this.x.get(), this.y.get(), this.z.get()];
    const isWords = how.and(How.words);
    const difference = this.code.let(select(how.and(How.kept), z, x.sub(y)));
    const shift = how.and(63).extendU();
    if (word === 'carry') {
      const carries = this.code.let(borrows(x, y, difference));
      return select(isWords, z, carries.shl(shift).or(carries.and(8)));
    }
    const value = select(how.and(How.sum), x, difference);
    return select(isWords, word === 'zero' ? x : y, value.shl(shift).shrS(shift));
  }

  #local(word: FlagWord): Variable<I64> {
    return { zero: this.x, sign: this.y, carry: this.z }[word];
  }

  #setWords(value: (word: FlagWord) => I64): void {
    this.x.set(value('zero'));
    this.y.set(value('sign'));
    this.z.set(value('carry'));
    this.how.set(I32.const(How.words));
  }
}
