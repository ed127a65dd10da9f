/** A short attack of fuzz/hostile; the long one is `npm run fuzz:hostile`. */
import { expect, test } from 'vitest';
import { Attack } from '../../fuzz/hostile/attack.js';
import { MODES } from '../../fuzz/hostile/world.js';
import { loadInterpreter } from '../../src/cpu/tiers/interpreter/load.js';

test('random instructions with random state, in every mode, leave the host as it was', {
  timeout: 120_000,
}, async () => {
  const attack = new Attack(await loadInterpreter(), 20261123);
  for (let world = 0; world < 40 && attack.findings.length === 0; world++) attack.world(world);
  const { instructions, exceptions, byMode, findings, inRegions } = attack.result();
  expect(findings).toEqual([]);
  expect(Object.keys(byMode).sort()).toEqual([...MODES].sort());
  expect(instructions).toBeGreaterThan(100_000);
  expect(inRegions).toBeGreaterThan(1000);
  expect(exceptions).toBeGreaterThan(10_000);
});
