/**
 * Bug 15: precision control × rounding control × what a register holds, with the full tag word that FNSTENV makes of the result.
 * Recorded natively on a GenuineIntel Intel(R) Xeon(R) Processor, family 6 model 207.
 */
import { expect, test } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { runCode } from '../../support/run-code.js';

const FADD_FNSTENV = 'd8 c1 d9 37';
const IMAGE = 0x20000;
const ST0 = 3;
const MINUS_THIRD = [0xbffd, 0xaaaaaaaaaaaaaaabn] as const;
const VALID = 0xfc3f;
const SPECIAL = 0xfcbf;

type Number80 = readonly [head: number, significand: bigint];

/** 1, −1/3, −0, the least denormal, a pseudo-denormal. */
const FINITE: readonly Number80[] = [
  [0x3fff, 1n << 63n],
  MINUS_THIRD,
  [0x8000, 0n],
  [0, 1n],
  [0x8000, (1n << 63n) | 1n],
];

/** Precision control, rounding control, and each of `FINITE` plus −1/3 with the status word after it. */
// biome-ignore format: one table
const SUMS = [
  [0, 0, '3ffe:aaaaab0000000000/1a20 bffe:aaaaab0000000000/1a20 bffd:aaaaab0000000000/1a20 bffd:aaaaab0000000000/1a22 bffd:aaaaab0000000000/1a22'],
  [0, 1, '3ffe:aaaaaa0000000000/1820 bffe:aaaaab0000000000/1a20 bffd:aaaaab0000000000/1a20 bffd:aaaaab0000000000/1a22 bffd:aaaaab0000000000/1a22'],
  [0, 2, '3ffe:aaaaab0000000000/1a20 bffe:aaaaaa0000000000/1820 bffd:aaaaaa0000000000/1820 bffd:aaaaaa0000000000/1822 bffd:aaaaaa0000000000/1822'],
  [0, 3, '3ffe:aaaaaa0000000000/1820 bffe:aaaaaa0000000000/1820 bffd:aaaaaa0000000000/1820 bffd:aaaaaa0000000000/1822 bffd:aaaaaa0000000000/1822'],
  [1, 0, '3ffe:aaaaaaaaaaaaaaaa/1820 bffe:aaaaaaaaaaaaaaab/1800 bffd:aaaaaaaaaaaaaaab/1800 bffd:aaaaaaaaaaaaaaab/1a22 bffd:aaaaaaaaaaaaaaab/1822'],
  [1, 1, '3ffe:aaaaaaaaaaaaaaaa/1820 bffe:aaaaaaaaaaaaaaab/1800 bffd:aaaaaaaaaaaaaaab/1800 bffd:aaaaaaaaaaaaaaab/1a22 bffd:aaaaaaaaaaaaaaac/1a22'],
  [1, 2, '3ffe:aaaaaaaaaaaaaaab/1a20 bffe:aaaaaaaaaaaaaaab/1800 bffd:aaaaaaaaaaaaaaab/1800 bffd:aaaaaaaaaaaaaaaa/1822 bffd:aaaaaaaaaaaaaaab/1822'],
  [1, 3, '3ffe:aaaaaaaaaaaaaaaa/1820 bffe:aaaaaaaaaaaaaaab/1800 bffd:aaaaaaaaaaaaaaab/1800 bffd:aaaaaaaaaaaaaaaa/1822 bffd:aaaaaaaaaaaaaaab/1822'],
  [2, 0, '3ffe:aaaaaaaaaaaaa800/1820 bffe:aaaaaaaaaaaaa800/1820 bffd:aaaaaaaaaaaaa800/1820 bffd:aaaaaaaaaaaaa800/1822 bffd:aaaaaaaaaaaaa800/1822'],
  [2, 1, '3ffe:aaaaaaaaaaaaa800/1820 bffe:aaaaaaaaaaaab000/1a20 bffd:aaaaaaaaaaaab000/1a20 bffd:aaaaaaaaaaaab000/1a22 bffd:aaaaaaaaaaaab000/1a22'],
  [2, 2, '3ffe:aaaaaaaaaaaab000/1a20 bffe:aaaaaaaaaaaaa800/1820 bffd:aaaaaaaaaaaaa800/1820 bffd:aaaaaaaaaaaaa800/1822 bffd:aaaaaaaaaaaaa800/1822'],
  [2, 3, '3ffe:aaaaaaaaaaaaa800/1820 bffe:aaaaaaaaaaaaa800/1820 bffd:aaaaaaaaaaaaa800/1820 bffd:aaaaaaaaaaaaa800/1822 bffd:aaaaaaaaaaaaa800/1822'],
  [3, 0, '3ffe:aaaaaaaaaaaaaaaa/1820 bffe:aaaaaaaaaaaaaaab/1800 bffd:aaaaaaaaaaaaaaab/1800 bffd:aaaaaaaaaaaaaaab/1a22 bffd:aaaaaaaaaaaaaaab/1822'],
  [3, 1, '3ffe:aaaaaaaaaaaaaaaa/1820 bffe:aaaaaaaaaaaaaaab/1800 bffd:aaaaaaaaaaaaaaab/1800 bffd:aaaaaaaaaaaaaaab/1a22 bffd:aaaaaaaaaaaaaaac/1a22'],
  [3, 2, '3ffe:aaaaaaaaaaaaaaab/1a20 bffe:aaaaaaaaaaaaaaab/1800 bffd:aaaaaaaaaaaaaaab/1800 bffd:aaaaaaaaaaaaaaaa/1822 bffd:aaaaaaaaaaaaaaab/1822'],
  [3, 3, '3ffe:aaaaaaaaaaaaaaaa/1820 bffe:aaaaaaaaaaaaaaab/1800 bffd:aaaaaaaaaaaaaaab/1800 bffd:aaaaaaaaaaaaaaaa/1822 bffd:aaaaaaaaaaaaaaab/1822'],
] as const;

/** What gives the same whatever the control word. */
const SAME: readonly (readonly [string, Number80 | undefined, Number80, number])[] = [
  ['infinity', [0x7fff, 1n << 63n], [0x7fff, 1n << 63n], 0x1800],
  ['a quiet NaN', [0xffff, 0xc000000000000005n], [0xffff, 0xc000000000000005n], 0x1800],
  ['a signalling NaN', [0x7fff, 0x8000000000000007n], [0x7fff, 0xc000000000000007n], 0x1801],
  ['an unnormal', [0x4000, 0x7000000000000000n], [0xffff, 0xc000000000000000n], 0x1801],
  ['an empty register', undefined, [0xffff, 0xc000000000000000n], 0x1841],
];

const half = (n: number): state.Field64 => ({ ...state.pageBase, address: state.at(state.fpr, n), count: 2 });

async function sum(precision: number, rounding: number, value: Number80 | undefined) {
  const { cpu, bytes } = await runCode({
    code: FADD_FNSTENV,
    registers: { 7: BigInt(IMAGE) },
    prepare: ({ state: view }) => {
      view.set32(state.fpuControl, 0x7f | (precision << 8) | (rounding << 10));
      view.set32(state.fpuStatus, ST0 << 11);
      view.set32(state.fpuTag, value ? 0x18 : 0x10);
      [value ?? [0, 0n], MINUS_THIRD].forEach(([head, significand], n) => {
        view.set64(half(ST0 + n), significand, 0);
        view.set64(half(ST0 + n), BigInt(head), 1);
      });
    },
  });
  const [low, high] = bytes(IMAGE + 8, 2) as [number, number];
  const [head, significand] = [cpu.state.get64(half(ST0), 1), cpu.state.get64(half(ST0), 0)];
  return {
    result: `${head.toString(16)}:${significand.toString(16)}`,
    status: cpu.state.get32(state.fpuStatus).toString(16),
    tags: low | (high << 8),
  };
}

test.each(SUMS)('bug 15: precision %i, rounding %i', async (precision, rounding, recorded) => {
  const wanted = recorded.split(' ').map((text) => {
    const [result, status] = text.split('/');
    return { result, status, tags: VALID };
  });
  const found = [];
  for (const value of FINITE) found.push(await sum(precision, rounding, value));
  expect(found).toEqual(wanted);
});

test.each(SAME)(
  'bug 15: %s is the same in every precision and rounding',
  async (_name, value, [head, significand], status) => {
    const result = `${head.toString(16)}:${significand.toString(16)}`;
    for (const [precision, rounding] of SUMS) {
      expect(await sum(precision, rounding, value)).toEqual({
        result,
        status: status.toString(16),
        tags: SPECIAL,
      });
    }
  },
);
