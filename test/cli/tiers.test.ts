/** `univisor run --tier` and `--stats`: which tier ran the code, and what is told of it. */
import { expect, test } from 'vitest';
import { runCli } from './support.js';

const PRIMES = ['guests/primes/primes.elf', '--', 'n=20000'];

async function statistics(...options: string[]) {
  const { stdout, stderr, status } = await runCli(['run', '--json', '--stats', ...options, ...PRIMES]);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const { instructions, memoryHash, output, statistics } = JSON.parse(stdout);
  return { outcome: { instructions, memoryHash, output }, statistics };
}

test('the tiers run the same, and --stats tells which it was', async () => {
  const interpreted = await statistics('--tier', 'interpreter');
  const regions = await statistics('--tier', 'regions');

  expect(regions.outcome).toEqual(interpreted.outcome);
  expect(interpreted.statistics).toMatchObject({ inRegions: 0, regions: null });
  const { instructions, inRegions, inInterpreter, regions: record } = regions.statistics;
  expect(instructions).toBe(regions.outcome.instructions);
  expect(inRegions).toBeGreaterThan(instructions / 2);
  expect(inRegions + inInterpreter).toBe(instructions);
  expect(record).toMatchObject({ dropped: expect.any(Number), exits: { exception: 0, hurry: 0 } });
  expect(record.made).toBe(record.regions + record.dropped);
  expect(record.codeBytes).toBeGreaterThan(record.guestInstructions);
  expect(record.exits.elsewhere).toBeGreaterThan(0);
});

test('--stats on stderr', async () => {
  const { stdout, stderr } = await runCli(['run', '--stats', '--tier', 'regions', ...PRIMES]);

  expect(stdout).toContain('Primes below 20000');
  expect(stderr).toMatch(/^univisor: primes\.elf ran\n( {2}.+\n)+$/);
  expect(stderr).toMatch(/ {4}in regions +[\d,]+ \(\d+\.\d %\)/);
  expect(stderr).toMatch(/ {2}time +\d+\.\d{3} s, [\d.]+ million instructions a second/);
  expect(stderr).toMatch(/ {2}regions +\d+ made, \d+ dropped, \d+ there now/);
});

test('--stats where there are no regions', async () => {
  const { stderr } = await runCli(['run', '--stats', '--tier', 'interpreter', ...PRIMES]);

  expect(stderr).toMatch(/in the interpreter +[\d,]+ \(100\.0 %\)/);
  expect(stderr).toMatch(/regions +none were looked for/);
});
