/**
 * The fuzzer's fixtures once more (../../silicon-fixtures.test.ts), with a region made of the code of each case just before
 * it is run: the processor's results, and proof that regions made them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { type Fixture, type FixtureFile, replay } from '../../../../fuzz/cpu/fixture.js';
import { Guest } from '../../../../fuzz/cpu/guest.js';
import { buildTrampoline } from '../../../../fuzz/cpu/trampoline.js';
import { CASE_ADDRESS } from '../../../../fuzz/cpu/workbench.js';
import '../../../../src/cpu/semantics/all.js';
import { ForcedTier } from '../../../../fuzz/forced-regions.js';
import { DECODE_OK, decode, MAXIMUM_LENGTH } from '../../../../src/cpu/decode/decoder.js';
import { DecodedInstruction } from '../../../../src/cpu/decode/instruction.js';
import { Flag, RegionKey } from '../../../../src/cpu/state.js';
import { cpuModel, DEFAULT_CPU_MODEL } from '../../../../src/cpu/system/cpu-model.js';
import { promisedFeatures } from '../../../../src/cpu/system/cpuid.js';
import { loadInterpreter } from '../../../../src/cpu/tiers/interpreter/load.js';
import { isTranslatable } from '../../../../src/cpu/tiers/regions/translatable.js';

const FOLDER = fileURLToPath(new URL('../../fixtures/', import.meta.url));
const files = readdirSync(FOLDER).map(
  (name) => [name, JSON.parse(readFileSync(FOLDER + name, 'utf8')) as FixtureFile] as const,
);

/** Mnemonics that regions began with, and that came to their end in them. */
const entered = new Set<string>();
const ended = new Set<string>();

/** The first instruction of a case in 64-bit code; undefined if its bytes are none. */
function firstOf({ code }: Fixture): DecodedInstruction | undefined {
  const instruction = new DecodedInstruction();
  const bytes = Buffer.from(code.padEnd(30, '90'), 'hex');
  return decode(bytes, 0, MAXIMUM_LENGTH, 64, instruction) === DECODE_OK ? instruction : undefined;
}

/** No region runs 32-bit code, single steps, or code whose accesses to memory are checked for alignment. */
function isFit({ codeSize, registers }: Fixture): boolean {
  const flags = Number.parseInt(registers[16] as string, 16);
  return codeSize === 64 && (flags & (Flag.tf | Flag.ac)) === 0;
}

let guest: Guest;
beforeAll(async () => {
  const withYmm = promisedFeatures(cpuModel(DEFAULT_CPU_MODEL)).has('AVX');
  guest = new Guest(await loadInterpreter(), buildTrampoline(withYmm));
  guest.cpu.useRegions((host) => new ForcedTier(host, CASE_ADDRESS));
});

function statistics(): { entries: number; instructions: number } {
  const { exits, instructions } = guest.cpu.regionStatistics ?? { exits: {}, instructions: 0 };
  return { entries: Object.values(exits).reduce((sum, count) => sum + count, 0), instructions };
}

test.each(files)('%s: regions do what the processor did', (_name, { cases }) => {
  const wrong: string[] = [];
  for (const fixture of cases) {
    const what = `${fixture.tier}: ${fixture.text}`;
    const before = statistics();
    const differences = replay(guest, fixture);
    if (differences.length > 0) wrong.push(`${what}: ${differences.join(', ')}`);
    const after = statistics();
    const first = isFit(fixture) ? firstOf(fixture) : undefined;
    const canEnter = first !== undefined && isTranslatable(first, 64 | RegionKey.user);
    const wasEntered = after.entries > before.entries;
    if (wasEntered !== canEnter) wrong.push(`${what}: its region was ${wasEntered ? '' : 'not '}entered`);
    if (!first || !wasEntered) continue;
    entered.add(first.entry.mnemonic);
    if (after.instructions > before.instructions) ended.add(first.entry.mnemonic);
  }
  expect(wrong).toEqual([]);
});

test('most instructions were run by regions', () => {
  expect(ended.size).toBeGreaterThan(845);
  // Of a few there are only cases that fault, or that cross pages and so are left to the interpreter.
  expect(ended.size).toBeGreaterThan(0.99 * entered.size);
});
