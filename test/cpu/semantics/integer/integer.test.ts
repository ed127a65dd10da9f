/** Integer and string instructions against recordings of a real processor; see replay.ts. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Cpu } from '../../../../src/cpu/cpu.js';
import { loadInterpreter } from '../../../../src/cpu/tiers/interpreter/load.js';
import { type Fixture, replay, replayCpu } from './replay.js';

const FIXTURES = ['shift', 'multiply', 'divide', 'bit', 'miscellaneous', 'string', 'extensions'];

let cpu: Cpu;
beforeAll(async () => {
  cpu = replayCpu(await loadInterpreter());
});

function fixture(name: string): Fixture {
  return JSON.parse(readFileSync(new URL(`./${name}.json`, import.meta.url), 'utf8')) as Fixture;
}

describe.each(FIXTURES.map(fixture))('$about', ({ tests }) => {
  test.each(tests)('$mode-bit $text ($code)', (recorded) => {
    for (const run of recorded.runs)
      expect({ run, differs: replay(cpu, recorded, run) }).toEqual({ run, differs: [] });
  });
});
