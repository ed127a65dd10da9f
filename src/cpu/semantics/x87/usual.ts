/**
 * The usual case of x87 arithmetic: registers that are not empty, normal numbers, a normal result, rounding to nearest
 * at full precision, inexactness masked. It needs none of what can be raised, and is written as one flat piece of code;
 * all else takes the exact way for every case (results.ts, round.ts).
 */

import type { Label } from '../../../wasm/function-builder.js';
import { I32, I64 } from '../../../wasm/values.js';
import type { V128 } from '../../../wasm/vector.js';
import { type Emitter, get32 } from '../../emitter.js';
import * as state from '../../state.js';
import { headOf, type Parts, SIGN, significandOf, TOP_EXPONENT } from './extended.js';
import { Control, Status, TOP_SHIFT } from './words.js';

/** Rounding and precision control, and the mask of PE. */
const CONTROLS = (3 << Control.roundingShift) | (3 << Control.precisionShift) | Status.pe;
const USUAL_CONTROLS = (3 << Control.precisionShift) | Status.pe;

export function hasUsualControl(): I32 {
  return get32(state.fpuControl).and(CONTROLS).eq(USUAL_CONTROLS);
}

/** An operation on finite numbers that are not 0. */
interface Operation {
  /** Whether the sign of the second one counts the other way: subtraction. */
  readonly negates?: boolean;
  exact(e: Emitter, a: Parts, b: Parts): Exact;
}

/** The exact result of an operation on finite numbers. */
export interface Exact {
  /** 0 or `SIGN`. */
  readonly sign: I32;
  /** Biased, without bounds. */
  readonly exponent: I32;
  /** With its highest bit set, or 0: an exact difference of 0. */
  readonly high: I64;
  /** What comes below `high`, the lowest bit set if there is anything beyond. */
  readonly low: I64;
}

/** A number as it is in a register. */
export interface Halves {
  /** Sign and exponent. */
  readonly head: I32;
  readonly significand: I64;
}

export function halvesOf(e: Emitter, value: V128): Halves {
  return { head: e.code.let(headOf(value)), significand: e.code.let(significandOf(value)) };
}

export function isNormalHalves({ head, significand }: Halves): I32 {
  return head
    .and(TOP_EXPONENT)
    .sub(1)
    .ltU(TOP_EXPONENT - 1)
    .and(significand.ltS(0));
}

/** Of a normal number. */
function partsOf(e: Emitter, { head, significand }: Halves): Parts {
  const { code } = e;
  return { sign: code.let(head.and(SIGN)), exponent: code.let(head.and(TOP_EXPONENT)), significand };
}

/** The register stack as an instruction finds it. */
export class Stack {
  readonly #status: I32;
  readonly #tags: I32;

  constructor(private readonly e: Emitter) {
    this.#status = e.read32(state.fpuStatus);
    this.#tags = e.read32(state.fpuTag);
  }

  /** The physical number of ST(n). */
  number(n: I32 | number): I32 {
    return this.e.code.let(this.#status.shrU(TOP_SHIFT).add(n).and(7));
  }

  isPresent(number: I32): I32 {
    return this.#tags.shrU(number).and(1);
  }

  load(number: I32): Halves {
    const { code } = this.e;
    const address = code.let(this.e.element(state.fpr, number));
    return { head: code.let(I32.load(address, 8)), significand: code.let(I64.load(address)) };
  }

  /** Writes a register, pops so many times, 0 or 1, and sets flags with nothing unmasked: C1 and PE become these. */
  finish(number: I32, { head, significand }: Halves, pops: I32, flags: I32): void {
    const { e } = this;
    const address = e.code.let(e.element(state.fpr, number));
    e.code.store(address, significand);
    e.code.store(address, head.extendU(), 8);
    const tags = this.#tags.or(I32.const(1).shl(number)).and(pops.shl(this.number(0)).xor(-1));
    e.set32(state.fpuTag, tags);
    const top = this.#status.add(pops.shl(TOP_SHIFT)).and(Status.top);
    e.set32(
      state.fpuStatus,
      this.#status
        .and(~(Status.top | Status.c1))
        .or(top)
        .or(flags),
    );
  }
}

interface Pieces {
  readonly stack: Stack;
  readonly a: Halves;
  readonly b: Halves;
  /** Physical number of the register that the result goes to. */
  readonly destination: I32;
  readonly pops: I32;
}

/** Returns from the routine with all done, or goes on at `unusual` with nothing done. */
export function computeUsual(
  e: Emitter,
  { stack, a, b, destination, pops }: Pieces,
  operation: Operation,
  unusual: Label,
): void {
  const { code } = e;
  code.branchIf(unusual, isNormalHalves(a).and(isNormalHalves(b)).and(hasUsualControl()).eqz());
  const first = partsOf(e, a);
  const second = partsOf(e, b);
  const secondSign = operation.negates ? code.let(second.sign.xor(SIGN)) : second.sign;
  const { sign, exponent, high, low } = operation.exact(e, first, { ...second, sign: secondSign });
  code.branchIf(unusual, high.geS(0));
  const odd = high.and(1).or(low.shl(1).ne(0).extendU());
  const up = code.let(low.shrU(63).and(odd));
  const rounded = code.let(high.add(up));
  const carried = code.let(rounded.eqz());
  const biased = code.let(exponent.add(carried));
  code.branchIf(unusual, biased.sub(1).geU(TOP_EXPONENT - 1));
  const value = { head: sign.or(biased), significand: rounded.or(carried.extendU().shl(63)) };
  const flags = low.ne(0).mul(Status.pe).or(up.wrap().mul(Status.c1));
  stack.finish(destination, value, pops, flags);
  code.return();
}

/** Whether a comparison needs no more than bits: of normal numbers and zeros. */
export function isComparable(halves: Halves): I32 {
  const { head, significand } = halves;
  return isNormalHalves(halves).or(head.and(TOP_EXPONENT).extendU().or(significand).eqz());
}

/** Of comparable numbers: whether a = b, and whether a < b. */
export function compareUsual(e: Emitter, a: Halves, b: Halves): { equal: I32; less: I32 } {
  const { code } = e;
  const [aExponent, bExponent] = [a.head.and(TOP_EXPONENT), b.head.and(TOP_EXPONENT)];
  const sameExponent = code.let(aExponent.eq(bExponent));
  const same = code.let(sameExponent.and(a.significand.eq(b.significand)));
  const smaller = aExponent.ltU(bExponent).or(sameExponent.and(a.significand.ltU(b.significand)));
  const aNegative = code.let(a.head.and(SIGN).ne(0));
  const differ = code.let(a.head.xor(b.head).and(SIGN).ne(0));
  const zeros = a.significand.or(b.significand).eqz();
  const equal = code.let(zeros.or(same.and(differ.eqz())));
  const ordered = differ.and(aNegative).or(differ.eqz().and(smaller.xor(aNegative)));
  return { equal, less: code.let(ordered.and(equal.eqz())) };
}
