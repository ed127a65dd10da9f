/** A run of `npm run fuzz:cpu`: starts both sides, runs rounds, and ends with what was compared and what differs. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../src/cli/usage-error.js';
import { cpuModel, DEFAULT_CPU_MODEL } from '../../src/cpu/system/cpu-model.js';
import { promisedFeatures } from '../../src/cpu/system/cpuid.js';
import { loadInterpreter } from '../../src/cpu/tiers/interpreter/load.js';
import { generateInterpreter } from '../../src/cpu/tiers/interpreter/module.js';
import { curate } from './curate.js';
import { Engine } from './engine.js';
import { EXCLUDED } from './excluded.js';
import { familyOf } from './families.js';
import { Findings } from './findings.js';
import { type Fixture, fixtureText, toFixture } from './fixture.js';
import { Guest } from './guest.js';
import { maskTable } from './masks.js';
import { Native } from './native.js';
import type { Settings } from './options.js';
import { Plan } from './plan.js';
import { narrowed, refuseUnknown, type Subject, subject } from './subject.js';
import { Tally } from './tally.js';
import { buildTrampoline } from './trampoline.js';
import { Workbench } from './workbench.js';

/** What a whole run has, and is held to its instructions' shares from. */
const WHOLE_RUN = 10_000_000;
const LOG_INTERVAL = 60_000;

export function masks(): string {
  const excluded = Object.entries(EXCLUDED).map(([reason, names]) => `  ${names.join(' ')}: ${reason}`);
  return `Flags that the manual leaves undefined:\n${maskTable()}\nNot compared:\n${excluded.join('\n')}`;
}

/** The interpreter without its loop: every instruction runs as a function of its own. */
async function functionsOnly(): ReturnType<typeof loadInterpreter> {
  const { bytes, rows, handlers } = generateInterpreter(false);
  return { module: await WebAssembly.compile(bytes), numbers: { rows, handlers } };
}

/** @returns the exit status @throws UsageError if a name is none, NativeError if the other side cannot be had */
export async function run(options: Settings): Promise<number> {
  refuseUnknown(options);
  const ymm = promisedFeatures(cpuModel(DEFAULT_CPU_MODEL)).has('AVX') || options.features.has('AVX');
  const trampoline = buildTrampoline(ymm);
  const native = await Native.start(trampoline);
  try {
    const { entries: all, leftOut } = subject(native.cpuid, options.features);
    const entries = narrowed(all, options.families, options.instructions);
    if (entries.length === 0) throw nothingLeft(leftOut, options.instructions);
    console.log(`processor: ${native.model}`);
    const guests: [Guest, ...Guest[]] = [new Guest(await loadInterpreter(), trampoline)];
    if (options.otherTiers) guests.push(new Guest(await functionsOnly(), trampoline));
    for (const guest of guests) guest.setProcessorNumber(native.processorNumber);
    const engine = new Engine(native, guests);
    if (options.curate) {
      const cases = await curate(new Workbench(engine), entries, { ymm }, options.seed);
      writeFamilies(options.curate, native.model, cases);
      console.log(`${cases.length} fixtures written`);
      return 0;
    }
    const tally = new Tally();
    const findings = new Findings(new Workbench(engine));
    const started = performance.now();
    const seeds = options.vary ? [options.seed, Date.now() % 1_000_000_007] : [options.seed];
    for (const seed of seeds) {
      console.log(`seed: ${seed}`);
      const plan = new Plan(entries, { ymm, seed, tiers: options.tiers, states: options.states });
      await rounds(options, plan, engine, tally, findings);
    }
    const seconds = (performance.now() - started) / 1000;
    for (const [reason, names] of leftOut) console.log(`left out, ${reason}: ${[...names].join(' ')}`);
    console.log(tally.table(entries, seconds));
    log(options, tally, findings);
    if (options.record) record(options.record, native.model, findings);
    const chosen = options.families.size + options.instructions.size > 0 || options.tiers.size < 4;
    const lacking = chosen || options.cases < WHOLE_RUN ? [] : tally.lacking(entries);
    if (lacking.length)
      console.log(`with fewer cases than promised instructions want: ${lacking.join(', ')}`);
    const { count } = findings;
    console.log(
      `${tally.cases} cases compared, ${count} variants diverge; other tiers: ${findings.tierCount} of them`,
    );
    return count + findings.tierCount + lacking.length > 0 ? 1 : 0;
  } finally {
    await native.close();
  }
}

/** @param chosen mnemonics, or none if all are */
function nothingLeft(leftOut: Subject['leftOut'], chosen: ReadonlySet<string>): UsageError {
  const reasons = [...leftOut]
    .map(([reason, names]) => ({ reason, names: [...names].filter((name) => chosen.has(name)) }))
    .filter(({ names }) => names.length > 0)
    .map(({ reason, names }) => `; left out, ${reason}: ${names.join(' ')}`);
  return new UsageError('bad-value', `no instruction is left to test${reasons.join('')}`);
}

async function rounds(
  options: Settings,
  plan: Plan,
  engine: Engine,
  tally: Tally,
  findings: Findings,
): Promise<void> {
  const end = performance.now() + (options.seconds || Number.MAX_SAFE_INTEGER / 1e6) * 1000;
  const goal = tally.cases + options.cases;
  const { trampoline } = engine.guests[0];
  let planned = tally.cases;
  let logged = performance.now();
  let number = options.firstRound;
  const make = () => {
    const round = plan.round(number++, goal - planned, trampoline);
    planned += round.cases;
    return round;
  };
  let round = make();
  let running = engine.start(round);
  while (round.cases > 0) {
    await running;
    const more = planned < goal && performance.now() < end;
    const next = more ? make() : undefined;
    if (next) running = engine.start(next);
    const compareTiers = options.otherTiers > 0 && number % options.otherTiers === 0;
    const result = engine.finish(round, compareTiers);
    tally.add(round);
    if (findings.wants(result)) {
      // The workbench uses the arenas: the round that runs is begun again.
      await running;
      await findings.add(result);
      if (next) running = engine.start(next);
    }
    if (performance.now() - logged > LOG_INTERVAL) {
      logged = performance.now();
      log(options, tally, findings, number);
    }
    if (!next) break;
    round = next;
  }
}

function log(options: Settings, tally: Tally, findings: Findings, round = -1): void {
  if (!options.log) return;
  const families = Object.fromEntries(tally.families);
  const { count: divergences, tierCount } = findings;
  const line = { seed: options.seed, round, cases: tally.cases, divergences, tierCount, families };
  appendFileSync(options.log, `${JSON.stringify(line)}\n`);
}

function writeFamilies(folder: string, model: string, cases: readonly Fixture[]): void {
  mkdirSync(folder, { recursive: true });
  for (const family of new Set(cases.map((each) => each.family))) {
    const name = `${family.toLowerCase().replace(/[^a-z0-9]+/g, '-')}.json`;
    const text = fixtureText({ model, cases: cases.filter((each) => each.family === family) });
    writeFileSync(join(folder, name), text);
  }
}

function record(folder: string, model: string, findings: Findings): void {
  mkdirSync(folder, { recursive: true });
  findings.cases.forEach(({ one, theirs, text }, n) => {
    const family = familyOf(one.variant.entries[0]!);
    const name = `${one.variant.entries[0]!.mnemonic.toLowerCase()}-${n}.json`;
    writeFileSync(join(folder, name), fixtureText({ model, cases: [toFixture(one, theirs, family, text)] }));
  });
}
