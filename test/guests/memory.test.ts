/**
 * What a run takes of the host's memory. The guest writes one loop after another over 16 MiB and runs each until a region
 * is made of it. UNIVISOR_FRESH_LOOPS says how many; many are needed to come to the most regions that there may be.
 */
import { expect, test } from 'vitest';
import { MOST_REGIONS } from '../../src/memory/layout.js';
import { runCli } from '../cli/support.js';

const MEBIBYTE = 2 ** 20;
const LOOPS = Number(process.env.UNIVISOR_FRESH_LOOPS ?? 1000);

async function run(tier: string, loops: number, turns: number) {
  const args = ['guests/freshcode/freshcode.elf', '--', `loops=${loops}`, `turns=${turns}`];
  const { stdout } = await runCli(['run', '--json', '--stats', '-m', '128M', '--tier', tier, ...args]);
  const { exitStatus, output, statistics } = JSON.parse(stdout);
  expect(output).toMatch(/^Loops: /);
  expect(exitStatus).toBe(0);
  return statistics;
}

test.for(['interpreter', 'auto', 'regions'])(
  'a guest of 128 MiB that touches 16 MiB stays below 160 MiB: %s',
  { timeout: 120_000 },
  async (tier) => {
    const { peakMemory, inRegions } = await run(tier, 30, 100_000);

    expect(peakMemory).toBeLessThan(160 * MEBIBYTE);
    expect(inRegions > 0).toBe(tier !== 'interpreter');
  },
);

test(`${LOOPS} loops, each in a region of its own, take no more than so many regions do`, {
  timeout: 120_000 + 50 * LOOPS,
}, async () => {
  const { peakMemory, regions } = await run('regions', LOOPS, 1000);

  expect(regions.made).toBeGreaterThanOrEqual(LOOPS);
  expect(regions.made).toBe(regions.regions + regions.dropped);
  expect(regions.regions).toBeLessThanOrEqual(MOST_REGIONS);
  expect(peakMemory).toBeLessThan(512 * MEBIBYTE);
});
