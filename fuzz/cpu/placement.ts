/**
 * Where a memory operand is put: in the middle of writable pages, over the border of two, and for faults beside and in
 * unmapped and read-only pages, and at addresses that are not canonical or not a program's.
 */

import type { Random } from '../random.js';
import { PAGE, WINDOW, WINDOW_PAGES } from './layout.js';
import type { Area, Tier } from './variant.js';

/** Borders of pages: of two writable ones, and of the other pairs. */
const MIDDLES = [1, 8, 9].map((page) => WINDOW + page * PAGE + PAGE / 2);
const JOINTS = [2, 9, 10, 11].map((page) => WINDOW + page * PAGE);
const EDGES = [1, 3, 4, 5, 6, 7, 8, 12].map((page) => WINDOW + page * PAGE);
const READ_ONLY = [4, 6].map((page) => WINDOW + page * PAGE + PAGE / 2);
const ELSEWHERE = [
  0n,
  8n,
  BigInt(WINDOW),
  0x7fffffffeff8n,
  0x7ffffffffff8n,
  0x800000000000n,
  0x1234567890abcdefn,
  0xffff7ffffffffff8n,
  0xffff800000000000n,
  0xffff900000000008n,
  0xfffffffffffffff0n,
] as const;

/**
 * @param size bytes of the operand, at least 1
 * @param align that the fast tiers keep
 */
export function place(random: Random, tier: Tier, codeSize: 32 | 64, size: number, align: number): bigint {
  if (tier === 'fault') {
    const near = random.below(size + 1) + (random.oneIn(2) ? 0 : random.below(4) * 8);
    switch (random.below(8)) {
      case 0:
        return BigInt(random.pick(MIDDLES) + random.below(64));
      case 1:
        return BigInt(random.pick(READ_ONLY) + random.below(64));
      case 2: {
        const address =
          random.pick(ELSEWHERE) +
          BigInt(random.oneIn(2) ? 0 : random.below(16)) -
          BigInt(random.oneIn(2) ? 0 : near);
        return codeSize === 64 ? BigInt.asUintN(64, address) : address & 0xfffffffn;
      }
      default:
        return BigInt(random.pick(EDGES) - near);
    }
  }
  const middle = random.pick(MIDDLES) + random.below(16) * 16;
  if (align > 1) return BigInt((middle & -align) + random.below(2) * align);
  if (random.oneIn(8) && size > 1) return BigInt(random.pick(JOINTS) - random.between(1, size - 1));
  return BigInt(middle + (random.oneIn(2) ? random.below(16) : 0));
}

/** A range of linear addresses. */
export interface Range {
  readonly from: bigint;
  readonly to: bigint;
}

const MOST_BYTES = 1008;

/** The writable memory in and around what is touched, or undefined where there is none. */
export function areaOf(touched: readonly Range[], operand: bigint): Area | undefined {
  for (const { from, to } of touched) {
    const start = Math.max(0, Number(from) - WINDOW);
    const end = Math.min(WINDOW_PAGES.length * PAGE, Number(to) - WINDOW);
    if (end <= start) continue;
    for (let page = Math.floor(start / PAGE); page * PAGE < end; page++) {
      if (WINDOW_PAGES[page] !== 'w') continue;
      let first = page;
      let last = page;
      while (WINDOW_PAGES[first - 1] === 'w') first--;
      while (WINDOW_PAGES[last + 1] === 'w') last++;
      return within(touched, operand, first * PAGE, (last + 1) * PAGE);
    }
  }
  return undefined;
}

/** Of the ranges, what lies in a run of writable pages, with a margin. */
function within(touched: readonly Range[], operand: bigint, first: number, last: number): Area {
  let low = last;
  let high = first;
  for (const { from, to } of touched) {
    const start = Number(from) - WINDOW - 16;
    const end = Number(to) - WINDOW + 16;
    if (end <= first || start >= last) continue;
    low = Math.min(low, Math.max(start, first));
    high = Math.max(high, Math.min(end, last));
  }
  low = Math.floor(low / 16) * 16;
  high = Math.min(Math.ceil(high / 16) * 16, low + MOST_BYTES);
  const address = WINDOW + low;
  return { address, size: high - low, operand: Number(BigInt.asIntN(32, operand - BigInt(address))) };
}
