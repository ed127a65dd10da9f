/** The command line of the benchmark. */
import { describe, expect, test } from 'vitest';
import { benchOptions } from '../../bench/options.js';

test('everything by default, and Bochs with a twentieth of the work', () => {
  const { loads, ours, others, loadRounds } = benchOptions([]);

  expect(loads).toHaveLength(23);
  expect(ours.map(({ peer }) => peer.name)).toEqual(['univisor']);
  expect(others.map(({ peer, share }) => [peer.name, share])).toEqual([
    ['QEMU TCG, microvm', 1],
    ['Bochs', 0.05],
    ['native', 1],
  ]);
  expect(loadRounds).toBe(3);
});

test('another Node and several tiers make contenders of their own', () => {
  const node = process.execPath;
  const { ours, others } = benchOptions([
    ...['--node', node, '--tier', 'interpreter', '--tier', 'regions'],
    ...['--peer', 'univisor'],
  ]);

  expect(ours.map(({ peer }) => peer.name)).toEqual([
    'univisor, --tier interpreter',
    'univisor, --tier regions',
    `univisor, --tier interpreter, Node ${process.version}`,
    `univisor, --tier regions, Node ${process.version}`,
  ]);
  expect(others).toEqual([]);
});

describe('refused', () => {
  test.each([
    [['--load', 'nothing'], '--load takes one of core, '],
    [['--peer', 'vmware'], '--peer takes one of univisor, qemu, bochs, native'],
    [['--only', 'speed'], '--only takes one of start-up, loads'],
    [['--rounds', '0'], '--rounds takes a number above zero'],
    [['--rounds', '1.5'], '--rounds takes a number above zero'],
    [['--scale', 'x'], '--scale takes a number above zero'],
    [['--runs', '1'], "Unknown option '--runs'"],
  ])('%j', (args, message) => {
    expect(() => benchOptions(args)).toThrow(message);
  });
});
