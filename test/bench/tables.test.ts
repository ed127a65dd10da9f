/** The tables of the loads: ratios within rounds, means over loads, gaps where a load does not run. */
import { expect, test } from 'vitest';
import { loadTablesText } from '../../bench/load-tables.js';
import type { LoadRow, Measured } from '../../bench/loads.js';
import { withResults } from '../../bench/page.js';

const MEMORY = { median: 64 * 2 ** 20, min: 0, max: 0 };

function row(load: string, results: Record<string, Measured>): LoadRow {
  return { load, rounds: 100, results: new Map(Object.entries(results)) };
}

test('speeds are ratios within a round, and their mean is geometric', () => {
  const rows = [
    row('sieve', {
      univisor: { whole: [2, 4, 30], steady: [1, 2, 20], memory: MEMORY },
      QEMU: { whole: [4, 8, 10], steady: [4, 8, 10], memory: undefined },
      native: { whole: [1, 1, 1], steady: [0.5, 1, 10], memory: undefined },
    }),
    row('paging', {
      univisor: { whole: [1], steady: [1], memory: MEMORY },
      QEMU: { whole: [1], steady: [1], memory: undefined },
    }),
  ];
  const text = loadTablesText(rows, { ours: ['univisor'], others: ['QEMU', 'native'] });

  expect(text.split('\n').filter((line) => /^\| (sieve|paging|\*\*)/.test(line))).toEqual([
    '| sieve  |    100 |     2.00 | 8.00 |   1.00 |',
    '| paging |    100 |     1.00 | 1.00 |      – |',
    '| sieve              |         4.00 |               2.00 |           0.50 |                 0.25 |       2.00 |',
    '| paging             |         1.00 |               1.00 |              – |                    – |       0.00 |',
    '| **geometric mean** |         2.00 |               1.41 |           0.50 |                 0.25 |            |',
    '| sieve  |       64 |    – |      – |',
    '| paging |       64 |    – |      – |',
  ]);
});

test('results replace those on the page, and nothing else', () => {
  const page =
    'before\n<!-- results: npm run bench -- --write -->\nold\n<!-- end of the results -->\nafter\n';

  expect(withResults(page, 'new')).toBe(
    'before\n<!-- results: npm run bench -- --write -->\n\nnew\n<!-- end of the results -->\nafter\n',
  );
});
