/** What a way would cost with some regions, by which it is decided what is made. */
import { expect, test } from 'vitest';
import { costOf, type Shape } from '../../../../src/cpu/tiers/regions/way.js';

const ENTRY = 10;
/** 1 2 (3 | 4) 1 …: a loop with two ways through it, of which the region has the one through 3. */
const LOOP: Shape = {
  key: 64,
  blocks: [
    { rips: [1, 2], successors: [1] },
    { rips: [3], successors: [0] },
  ],
};

function cost(rips: number[], key = 64): { cost: number; met: number[] } {
  const met = new Uint8Array(rips.length);
  const regions = rips.map((rip) => (rip === 1 ? LOOP : undefined));
  const way = { rips, keys: rips.map(() => key) };
  return {
    cost: costOf(way, regions, ENTRY, met),
    met: rips.map((_, n) => n).filter((n) => met[n]),
  };
}

test('a way that keeps to a region costs its entry', () => {
  expect(cost([1, 2, 3, 1, 2, 3, 1, 2])).toEqual({ cost: ENTRY, met: [0] });
});

test('what lies outside is interpreted, and a region is entered at its root only', () => {
  expect(cost([3, 1, 2, 4, 2, 3])).toEqual({ cost: 1 + ENTRY + 3, met: [0, 1, 3, 4, 5] });
});

test('no region is entered in another mode than it was made for', () => {
  expect(cost([1, 2, 3], 64 + 128).cost).toBe(3);
});
