/**
 * The fuzzer's fixtures: cases over all instructions and tiers, with what the processor that the file names made of
 * them. Recorded by `npm run fuzz:cpu -- --curate FOLDER`; run here on any machine, by the interpreter's loop and by its
 * functions alone.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { type FixtureFile, replay } from '../../fuzz/cpu/fixture.js';
import { Guest } from '../../fuzz/cpu/guest.js';
import { buildTrampoline } from '../../fuzz/cpu/trampoline.js';
import { cpuModel, DEFAULT_CPU_MODEL } from '../../src/cpu/system/cpu-model.js';
import { promisedFeatures } from '../../src/cpu/system/cpuid.js';
import { loadInterpreter } from '../../src/cpu/tiers/interpreter/load.js';
import { generateInterpreter } from '../../src/cpu/tiers/interpreter/module.js';

const FOLDER = fileURLToPath(new URL('fixtures/', import.meta.url));
const files = readdirSync(FOLDER).map(
  (name) => [name, JSON.parse(readFileSync(FOLDER + name, 'utf8')) as FixtureFile] as const,
);

const trampoline = buildTrampoline(promisedFeatures(cpuModel(DEFAULT_CPU_MODEL)).has('AVX'));
const guests: Guest[] = [];
beforeAll(async () => {
  const { bytes, rows, handlers } = generateInterpreter(false);
  const module = await WebAssembly.compile(bytes);
  guests.push(new Guest(await loadInterpreter(), trampoline));
  guests.push(new Guest({ module, numbers: { rows, handlers } }, trampoline));
});

describe.each(files)('%s', (_name, { model, cases }) => {
  test('names its processor and covers every tier', () => {
    expect(model).toMatch(/\w/);
    expect(new Set(cases.map(({ tier }) => tier)).size).toBeGreaterThan(0);
  });

  test.each([
    ['loop', 0],
    ['functions', 1],
  ] as const)(`does what the processor did, by the interpreter’s %s`, (_tier, guest) => {
    const wrong = cases.flatMap((fixture) => {
      const differences = replay(guests[guest]!, fixture);
      return differences.length ? [`${fixture.tier}: ${fixture.text}: ${differences.join(', ')}`] : [];
    });
    expect(wrong).toEqual([]);
  });
});
