/**
 * Chooses a small set of cases over all instructions and tiers and records what the processor does, for tests on machines
 * of any kind. Vectors and memory that do not matter to a case are zero in it.
 */
import type { OpcodeEntry } from '../../src/cpu/decode/opcode-entry.js';
import { Random } from '../random.js';
import { blockEntries, makeBlock } from './block.js';
import { BLOCKS, familyOf } from './families.js';
import { type Fixture, toFixture } from './fixture.js';
import { type GeneratorOptions, makeVariant } from './generator.js';
import { INPUT, OUTPUT } from './layout.js';
import { Round } from './round.js';
import { disassembleCode } from './show.js';
import type { Tier, Variant } from './variant.js';
import { CASE_ADDRESS, type Case, type Workbench } from './workbench.js';

const BLOCK_CASES = 60;
const STATES = 8;
const ATTEMPTS = 5;

/** Zeroes 16 bytes after 16 bytes of memory and vectors where the processor neither changes nor heeds them. */
async function simplified(bench: Workbench, from: Case): Promise<{ one: Case; expected: Uint8Array }> {
  let one = from;
  let { theirs: expected } = await bench.run(from);
  for (
    let at = 0;
    INPUT.memory + at < one.input.length && OUTPUT.memory + at + 16 <= expected.length;
    at += 16
  ) {
    const input = one.input.slice();
    const here = input.subarray(INPUT.memory + at, INPUT.memory + at + 16);
    const there = expected.subarray(OUTPUT.memory + at, OUTPUT.memory + at + 16);
    if (Buffer.compare(here, there) !== 0 || here.every((byte) => byte === 0)) continue;
    here.fill(0);
    const wanted = expected.slice();
    wanted.fill(0, OUTPUT.memory + at, OUTPUT.memory + at + 16);
    const trial = { ...one, input };
    const { theirs } = await bench.run(trial);
    if (Buffer.compare(theirs, wanted) !== 0) continue;
    one = trial;
    expected = theirs;
  }
  return { one, expected };
}

export async function curate(
  bench: Workbench,
  entries: readonly OpcodeEntry[],
  options: GeneratorOptions,
  seed: number,
): Promise<Fixture[]> {
  const random = new Random(seed);
  const fixtures: Fixture[] = [];
  /** Makes variants until one of them is recorded: one that diverges is for a fixture of its own, once that is mended. */
  const add = async (make: () => Variant | undefined, family: string): Promise<void> => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const variant = make();
      if (!variant) return;
      const round = new Round(0, bench.engine.guests[0].trampoline);
      round.add(variant, STATES, random.next());
      const from = await bench.fetch(round.placed[0]!, random.below(STATES));
      const { differences } = await bench.run(from);
      if (differences.length) continue;
      const { one, expected } = await simplified(bench, from);
      const text = disassembleCode(variant.code, variant.codeSize, CASE_ADDRESS);
      fixtures.push(toFixture(one, expected, family, text));
      return;
    }
  };
  const seen = new Set<string>();
  for (const entry of entries) {
    const key = `${entry.mnemonic} ${entry.form} ${entry.vex && entry.l}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const family = familyOf(entry);
    const tier: Tier = entry.mode === 'not64' ? 'legacy' : 'fast';
    await add(() => makeVariant(entry, random, tier, tier === 'legacy' ? 32 : 64, options), family);
    const memory = entry.form === 'memory' || entry.form === 'both';
    if (memory && entry.mode !== 'not64' && random.oneIn(3)) {
      await add(() => makeVariant(entry, random, 'fault', 64, options), family);
    }
    if (entry.mode === 'any' && random.oneIn(6))
      await add(() => makeVariant(entry, random, 'legacy', 32, options), family);
  }
  const choices = blockEntries(entries);
  for (let n = 0; n < BLOCK_CASES && choices.length; n++)
    await add(() => makeBlock(choices, random, options), BLOCKS);
  return fixtures;
}
