/**
 * Ranges of the window (window-map.ts) in which compiled code need not ask for each page: all of a range's pages have the
 * same bit in the map. It tests one, by a subtraction and a comparison. What is outside is asked for slowly, and now and
 * then `widenRange` finds out how far the map goes around it.
 *
 * Each privilege has one for reads and one for writes, and again for what is near RSP, since stack and data often lie
 * apart. A range ends some bytes early, so that an access that begins in it ends in its pages. Whoever takes a bit out
 * of the map empties the ranges that it may be in, and counts that: code that was compiled with a range's bounds as
 * constants holds while the count has not changed, or as long as the map has all its bits.
 */
import {
  GUEST_PAGE_SIZE,
  WINDOW_LOSSES,
  WINDOW_MAP_BASE,
  WINDOW_MAP_SIZE,
  WINDOW_RANGE_COUNT,
  WINDOW_RANGE_SIZE,
  WINDOW_RANGES_BASE,
} from '../../memory/layout.js';
import { I32, I64 } from '../../wasm/values.js';
import { type Emitter, get64 } from '../emitter.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Register } from '../state.js';

/** The most bytes of an access that a range answers. */
export const LARGEST_ACCESS = 64;
/** So many misses after all was forgotten are each looked into, then one in so many: that takes time in a large map. */
const EAGER_MISSES = 16;
const PATIENCE = 256;

/** Bits of a range's number. */
export const RangeBit = { write: 1, stack: 2, user: 4 } as const;
/** Numbers of one privilege's ranges, but for `user`. */
const OF_ONE_PRIVILEGE = [0, RangeBit.write, RangeBit.stack, RangeBit.stack | RangeBit.write] as const;

/** Fields: the first linear address, how many bytes an access may begin in, and of the data's how often both were missed. */
const FIRST = 0;
const BYTES = 8;
const MISSES = 12;

/** Whether an access at a linear address, of `LARGEST_ACCESS` bytes at most, is outside a range. */
export function isOutside(linear: I64, range: number): I32 {
  const at = I32.const(WINDOW_RANGES_BASE + range * WINDOW_RANGE_SIZE);
  return linear.sub(I64.load(at, FIRST)).geU(I64.load32U(at, BYTES));
}

/** A range as it was when code was compiled that has it as constants. */
export interface WindowRange {
  readonly first: number;
  readonly bytes: number;
}

/** Ranges of one privilege by number; none where nothing was reached yet. */
export type WindowRanges = readonly (WindowRange | undefined)[];

/** The most that a comparison with a constant tells at once. */
const LARGEST_RANGE = 0x7fff_0000;

/** The ranges that a privilege's have now: 0 supervisor, 1 user. */
export function readRanges(view: DataView, user: 0 | 1): WindowRanges {
  return Array.from({ length: WINDOW_RANGE_COUNT }, (_, number) => {
    const at = WINDOW_RANGES_BASE + number * WINDOW_RANGE_SIZE;
    const first = view.getBigUint64(at + FIRST, true);
    const bytes = Math.min(view.getUint32(at + BYTES, true), LARGEST_RANGE);
    const own = (number & RangeBit.user) === user * RangeBit.user;
    return own && bytes > 0 && first < LARGEST_RANGE ? { first: Number(first), bytes } : undefined;
  });
}

/** Whether the map still has the bit of a range in all its pages, for the window at 0. */
export function holds(view: DataView, number: number, { first, bytes }: WindowRange): boolean {
  const map = WINDOW_MAP_BASE + (number & RangeBit.user ? WINDOW_MAP_SIZE : 0);
  const bit = number & RangeBit.write ? 2 : 1;
  const end = map + (first + bytes + LARGEST_ACCESS - 1) / GUEST_PAGE_SIZE;
  for (let page = map + first / GUEST_PAGE_SIZE; page < end; page++) {
    if (!(view.getUint8(page) & bit)) return false;
  }
  return true;
}

/** Like `isOutside` for origin + displacement and a range that is known: then true for an origin below 0, too. */
export function isOutsideOf(origin: I64, displacement: number, { first, bytes }: WindowRange): I32 {
  const low = first - displacement;
  if (low > 0) return origin.sub(low).geU(bytes);
  return low + bytes > 0 ? origin.geU(low + bytes) : I32.const(1);
}

/** Follows bytes of the map up, or down, as long as they have a bit. */
function runEnd(e: Emitter, from: I32, limit: I32, step: 1 | -1, bit: I32): I32 {
  const { code } = e;
  const at = code.variable(I32, from);
  const eightTimes = code.let(bit.extendU().mul(0x0101010101010101n));
  const fits = (bytes: number): I32 =>
    step > 0 ? at.get().add(bytes).leU(limit) : at.get().sub(bytes).geU(limit);
  const next = (bytes: number): I32 => (step > 0 ? at.get() : at.get().sub(bytes));
  code.while(
    () => fits(8).and(I64.load(next(8)).and(eightTimes).eq(eightTimes)),
    () => at.set(at.get().add(8 * step)),
  );
  code.while(
    () => fits(1).and(I32.load8U(next(1)).and(bit).ne(0)),
    () => at.set(at.get().add(step)),
  );
  return code.let(at.get());
}

/** (linear, number of a data range) after an access, missed by that range and the stack's, was made in RAM */
export const widenRange = routine('widenRange', { parameters: [I64, I32] }, (e, linear, number) => {
  const { code } = e;
  const data = code.let(number.mul(WINDOW_RANGE_SIZE).add(WINDOW_RANGES_BASE));
  const misses = code.let(I32.load(data, MISSES).add(1));
  code.store(data, misses, MISSES);
  code.if(misses.gtU(EAGER_MISSES).and(misses.and(PATIENCE - 1).ne(0)), () => code.return());
  const base = e.read64(state.windowBase);
  const offset = code.let(linear.sub(base));
  code.if(offset.shrU(32).ne(0), () => code.return());
  const map = code.let(number.shrU(2).mul(WINDOW_MAP_SIZE).add(WINDOW_MAP_BASE));
  const page = code.let(offset.shrU(12).wrap().add(map));
  // `WindowBit`: 1 may be read, 2 may be written.
  const bit = code.let(number.and(RangeBit.write).add(1));
  code.if(I32.load8U(page).and(bit).eqz(), () => code.return());
  const low = runEnd(e, page, map, -1, bit);
  const high = runEnd(e, page, map.add(WINDOW_MAP_SIZE), 1, bit);
  const first = code.let(low.sub(map).extendU().shl(12).add(base));
  const pagesBytes = high.sub(low).extendU().shl(12);
  const bytes = code.let(pagesBytes.sub(LARGEST_ACCESS - 1));
  const isInside = (address: I64): I32 => address.sub(first).ltU(bytes);
  const set = (range: I32): void => {
    code.store(range, first, FIRST);
    code.store32(range, bytes, BYTES);
  };
  code.if(
    isInside(get64(state.gpr, Register.rsp)),
    () => {
      set(data.add(RangeBit.stack * WINDOW_RANGE_SIZE));
      const useless = I32.load(data, BYTES).eqz();
      code.if(useless.or(isInside(I64.load(data, FIRST))), () => set(data));
    },
    () => set(data),
  );
});

/** Empties a privilege's ranges, 0 supervisor, 1 user: some bits have gone from its map. */
export function emptyRanges(e: Emitter, user: I32): void {
  eachRange(e, user, (at) => e.code.store(at, I32.const(0), BYTES));
}

/** The same when the whole map was emptied: whatever is reached next is looked into at once. */
export function forgetRanges(e: Emitter, user: I32): void {
  eachRange(e, user, (at) => {
    e.code.store(at, I32.const(0), BYTES);
    e.code.store(at, I32.const(0), MISSES);
  });
}

function eachRange(e: Emitter, user: I32, act: (at: I32) => void): void {
  const first = e.code.let(user.mul(RangeBit.user * WINDOW_RANGE_SIZE).add(WINDOW_RANGES_BASE));
  for (const number of OF_ONE_PRIVILEGE) act(first.add(number * WINDOW_RANGE_SIZE));
  countLoss(e);
}

/** Empties those for writes, of both privileges. */
export function emptyWriteRanges(e: Emitter): void {
  for (const user of [0, RangeBit.user]) {
    for (const stack of [0, RangeBit.stack]) {
      const at = WINDOW_RANGES_BASE + (user | stack | RangeBit.write) * WINDOW_RANGE_SIZE;
      e.code.store(I32.const(at), I32.const(0), BYTES);
    }
  }
  countLoss(e);
}

/** How often a map may have lost a bit. */
export function windowLosses(): I32 {
  return I32.load(I32.const(WINDOW_LOSSES));
}

function countLoss(e: Emitter): void {
  e.code.store(I32.const(WINDOW_LOSSES), windowLosses().add(1));
}
