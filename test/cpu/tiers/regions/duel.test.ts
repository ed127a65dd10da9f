/** A short duel of fuzz/tiers; the long one is `npm run fuzz:tiers`. */
import { expect, test } from 'vitest';
import { Duel } from '../../../../fuzz/tiers/duel.js';
import { loadInterpreter } from '../../../../src/cpu/tiers/interpreter/load.js';

test('regions and the interpreter are the same to the last bit', { timeout: 120_000 }, async () => {
  const duel = new Duel(await loadInterpreter(), 1);
  for (let world = 0; world < 6 && duel.findings.length === 0; world++) duel.world(world);
  const { findings, inRegions, instructions, worldsWithRegions, worlds, exceptions } = duel.result();
  expect(findings).toEqual([]);
  expect(worlds).toBe(6);
  expect(worldsWithRegions).toBeGreaterThanOrEqual(5);
  expect(inRegions).toBeGreaterThan(0.25 * instructions);
  expect(exceptions).toBeGreaterThan(3000);
});
