/** The same guest in either tier: the same instructions, the same output, the same memory. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Machine } from '../../../../src/hypervisor/machine.js';

interface Outcome {
  readonly instructions: number;
  readonly output: string;
  readonly memory: string;
}

async function run(
  guest: string,
  commandLine: string,
  tier: 'interpreter' | 'regions',
): Promise<{ outcome: Outcome; inRegions: number }> {
  const image = new Uint8Array(readFileSync(`guests/${guest}/${guest}.elf`));
  const machine = await Machine.create({ image, commandLine, tier });
  const result = await machine.run();
  expect(result.reason).toBe('exit');
  const output = (machine.console as unknown as { text: string }).text;
  const outcome = { instructions: result.instructions, output, memory: await machine.memoryHash() };
  return { outcome, inRegions: machine.regionStatistics?.instructions ?? 0 };
}

test.each([
  { guest: 'primes', commandLine: 'n=100000', share: 0.85 },
  { guest: 'nbody', commandLine: 'steps=3000', share: 0.7 },
  { guest: 'faults', commandLine: '', share: 0.2 },
  { guest: 'hello', commandLine: '', share: 0.02 },
  ...['bytecode', 'quicksort', 'recursion', 'strings', 'x87', 'paging', 'interrupts', 'syscalls'].map(
    (load) => ({
      guest: 'loads',
      commandLine: `load=${load} n=1`,
      share: 0.3,
    }),
  ),
])('$guest $commandLine', async ({ guest, commandLine, share }) => {
  const interpreted = await run(guest, commandLine, 'interpreter');
  const regions = await run(guest, commandLine, 'regions');
  expect(regions.outcome).toEqual(interpreted.outcome);
  expect(regions.inRegions).toBeGreaterThan(share * regions.outcome.instructions);
});
