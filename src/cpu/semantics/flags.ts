/**
 * The arithmetic flags, kept so that the operation that sets them does little and each reader takes what it needs
 * (SDM vol. 1 §3.4.3.1). Three 64-bit words hold all six; `state.flagZero` says how. Where the manual leaves
 * a flag undefined, this gives some value, the same in both tiers.
 */
import type { FunctionBuilder } from '../../wasm/function-builder.js';
import { type I32, I64 } from '../../wasm/values.js';

export type Width = 8 | 16 | 32 | 64;
export type FlagWord = 'zero' | 'sign' | 'carry';

/** An operation that sets all flags, from operands and result. carry, borrow: with CF added, or taken, too. */
export type KeptOperation = 'add' | 'carry' | 'subtract' | 'borrow' | 'logic';

/** Where a tier keeps the three words. */
export interface FlagStore {
  get(word: FlagWord): I64;
  set(word: FlagWord, value: I64): void;
  /** Keeps operands and result, to make the words of them when they are asked for; absent, they are made at once. */
  keep?(operation: KeptOperation, a: I64, b: I64, result: I64, width: number): void;
  /** The condition of an even code (see `Flags.condition`) by a shorter way, if there is one just now. */
  condition?(pair: number): I32 | undefined;
}

/** The carries out of each bit of a + b = result, with or without a carry in. */
function carriesOfSum(a: I64, b: I64, result: I64): I64 {
  return a.and(b).or(a.or(b).and(result.not()));
}

/** The borrows out of each bit of a − b = result, with or without a borrow in. */
export function borrows(a: I64, b: I64, result: I64): I64 {
  return a.not().and(b).or(a.xor(b).not().and(result));
}

const TOP_TWO = 3n << 62n;

export function signExtend(value: I64, width: number): I64 {
  if (width === 8) return value.extend8S();
  if (width === 16) return value.extend16S();
  return width === 32 ? value.extend32S() : value;
}

/** The low `width` bits. */
export function truncate(value: I64, width: number): I64 {
  if (width === 64) return value;
  return width === 32 ? value.wrap().extendU() : value.and((1 << width) - 1);
}

export class Flags {
  constructor(
    private readonly code: FunctionBuilder,
    private readonly store: FlagStore,
  ) {}

  /** ZF, SF and PF of a result of `width` bits. */
  setResult(result: I64, width: number): void {
    const extended = this.code.let(signExtend(result, width));
    this.store.set('zero', extended);
    this.store.set('sign', extended);
  }

  /** CF, OF and AF from the carries out of each bit, the operand's top bit at `width` − 1. */
  setCarries(carries: I64, width: number): void {
    if (width === 64) this.store.set('carry', carries);
    else {
      const kept = this.code.let(carries);
      this.store.set('carry', kept.shl(64 - width).or(kept.and(8)));
    }
  }

  /** After result = a + b. The operands are zero-extended. */
  add(a: I64, b: I64, result: I64, width: number): void {
    this.#keep('add', a, b, result, width, () => carriesOfSum(a, b, result));
  }

  /** After result = a + b + carry, likewise. */
  addWithCarry(a: I64, b: I64, result: I64, width: number): void {
    this.#keep('carry', a, b, result, width, () => carriesOfSum(a, b, result));
  }

  /** After result = a − b. The operands are zero-extended. */
  subtract(a: I64, b: I64, result: I64, width: number): void {
    this.#keep('subtract', a, b, result, width, () => borrows(a, b, result));
  }

  /** After result = a − b − borrow, likewise. */
  subtractWithBorrow(a: I64, b: I64, result: I64, width: number): void {
    this.#keep('borrow', a, b, result, width, () => borrows(a, b, result));
  }

  /** After AND, OR, XOR, TEST: CF = OF = 0, and AF = 0. */
  logic(result: I64, width: number): void {
    if (this.store.keep) this.store.keep('logic', result, I64.const(0), result, width);
    else {
      this.setResult(result, width);
      this.store.set('carry', I64.const(0));
    }
  }

  #keep(operation: KeptOperation, a: I64, b: I64, result: I64, width: number, carries: () => I64): void {
    if (this.store.keep) this.store.keep(operation, a, b, result, width);
    else {
      this.setResult(result, width);
      this.setCarries(carries(), width);
    }
  }

  /** The carries of `setCarries` with CF left as it was: INC and DEC. */
  setCarriesButCf(carries: I64, width: number): void {
    const before = this.code.let(this.store.get('carry'));
    this.setCarries(carries, width);
    const after = this.code.let(this.store.get('carry'));
    this.store.set('carry', after.xor(after.xor(before).shrS(63).and(TOP_TWO)));
  }

  /** CF and OF given as 0 or 1; AF as given, 0 if not. */
  setCarryOverflow(cf: I64, of: I64, af?: I64): void {
    const carry = this.code.let(cf);
    const word = carry.shl(63).or(carry.xor(of).shl(62));
    this.store.set('carry', af ? word.or(af.shl(3)) : word);
  }

  /** CF, OF and AF as the word itself: CF is bit 63, CF xor OF bit 62, AF bit 3; the other bits do not matter. */
  setCarryWord(word: I64): void {
    this.store.set('carry', word);
  }

  /** Like `setCarryWord` with AF left as it was. */
  setCarryWordButAf(word: I64): void {
    this.store.set('carry', word.and(TOP_TWO).or(this.store.get('carry').and(8)));
  }

  /** AF alone, 0 or 1. */
  setAf(af: 0 | 1): void {
    const before = this.store.get('carry');
    this.store.set('carry', af ? before.or(8) : before.and(-9));
  }

  /** ZF, PF and CF given as 0 or 1, the other three 0: a comparison of floating-point numbers. */
  setFloatComparison(zf: I64, pf: I64, cf: I64): void {
    this.store.set('zero', zf.xor(1));
    this.store.set('sign', pf.xor(1));
    this.setCarryOverflow(cf, I64.const(0));
  }

  /** CF alone, 0 or 1. */
  setCf(cf: I64): void {
    const before = this.code.let(this.store.get('carry'));
    this.store.set('carry', before.xor(before.shrU(63).xor(cf).shl(63).shrS(1).and(TOP_TWO)));
  }

  /** OF alone, 0 or 1. */
  setOf(of: I64): void {
    const before = this.code.let(this.store.get('carry'));
    const carry = before.shrU(63);
    this.store.set('carry', before.and(~(1n << 62n)).or(carry.xor(of).shl(62)));
  }

  /** ZF alone, given as 0 or 1. */
  setZf(zf: I64): void {
    this.store.set('zero', zf.xor(1));
  }

  /** All six from an RFLAGS image. */
  setImage(image: I64): void {
    const { store } = this;
    const bit = (n: number): I64 => image.shrU(n).and(1);
    store.set('zero', bit(6).xor(1));
    store.set('sign', bit(7).shl(63).or(bit(2).xor(1)));
    this.setCarryOverflow(bit(0), bit(11), bit(4));
  }

  /** All six as they stand in RFLAGS, the other bits 0. */
  image(): I64 {
    const { code } = this;
    const carry = code.let(this.store.get('carry'));
    const sign = code.let(this.store.get('sign'));
    const parity = sign.and(0xff).popcnt().and(1).xor(1).shl(2);
    const zero = this.store.get('zero').eqz().extendU().shl(6);
    const overflow = carry.xor(carry.shl(1)).shrU(63).shl(11);
    const auxiliary = carry.shrU(3).and(1).shl(4);
    return code.let(carry.shrU(63).or(parity).or(auxiliary).or(zero).or(sign.shrU(63).shl(7)).or(overflow));
  }

  /** CF as 0 or 1. */
  cf(): I64 {
    return this.store.get('carry').shrU(63);
  }
  af(): I32 {
    return this.store.get('carry').shrU(3).and(1).wrap();
  }
  zf(): I32 {
    return this.store.get('zero').eqz();
  }

  /** A condition code of Jcc, SETcc, CMOVcc in encoding order: O NO B NB Z NZ BE NBE S NS P NP L NL LE NLE. */
  condition(code: number): I32 {
    const base = this.store.condition?.(code >> 1) ?? this.#even(code >> 1);
    return code & 1 ? base.eqz() : base;
  }

  #even(pair: number): I32 {
    const carry = (): I64 => this.store.get('carry');
    const overflowSign = (): I64 => carry().xor(carry().shl(1));
    switch (pair) {
      case 0:
        return overflowSign().ltS(0);
      case 1:
        return carry().ltS(0);
      case 2:
        return this.zf();
      case 3:
        return carry().ltS(0).or(this.zf());
      case 4:
        return this.store.get('sign').ltS(0);
      case 5:
        return this.store.get('sign').and(0xff).popcnt().and(1).eqz();
      case 6:
        return this.store.get('sign').xor(overflowSign()).ltS(0);
      default:
        return this.store.get('sign').xor(overflowSign()).ltS(0).or(this.zf());
    }
  }
}

/** Mnemonic suffixes of the condition codes in encoding order. */
// biome-ignore format: one table
export const CONDITIONS = [
  'O', 'NO', 'B', 'NB', 'Z', 'NZ', 'BE', 'NBE', 'S', 'NS', 'P', 'NP', 'L', 'NL', 'LE', 'NLE',
] as const;
