/**
 * The command `npm run fuzz:hostile`: shares worlds out to processes, and tells what was found, how to repeat it, and
 * where to go on. A run that does not come back is ended and told too.
 */
import { runCommand, SEED, WORKERS } from '../command.js';
import { generateFirst, spread } from '../processes.js';
import type { Progress, Result, Share } from './share.js';

/** Generous: the machine may be busy with other things. */
const SILENCE = 600_000;
const TELL_EVERY = 60_000;

function sum(results: readonly Result[], part: 'byMode' | 'byModel' | 'byExit'): string {
  const total = new Map<string, number>();
  for (const result of results) {
    for (const [name, count] of Object.entries(result[part])) total.set(name, (total.get(name) ?? 0) + count);
  }
  return [...total].map(([name, count]) => `${name} ${count}`).join(', ');
}

/** Says now and then how far a long run is, so that one that is ended can be gone on with. */
function teller(shares: readonly Share[]): (share: number, state: Progress) => void {
  const latest = shares.map(({ first }): Progress => ({ world: first, instructions: 0 }));
  let told = performance.now();
  return (share, state) => {
    latest[share] = state;
    if (performance.now() - told < TELL_EVERY) return;
    told = performance.now();
    const instructions = latest.reduce((total, one) => total + one.instructions, 0);
    const world = Math.min(...latest.map((one) => one.world));
    console.log(`${instructions} instructions so far; to go on from here: --first-world ${world}`);
  };
}

await runCommand({
  name: 'fuzz:hostile',
  summary: 'Runs random instructions with random state, and checks that nothing gives',
  options: {
    cases: {
      kind: 'count',
      value: 'N',
      usual: 1_000_000,
      least: 1,
      help: 'instructions to begin at least: the world that reaches them is finished',
    },
    seed: SEED,
    workers: WORKERS,
    'first-world': {
      kind: 'count',
      value: 'K',
      usual: 0,
      help: 'go on with a run of the same seed from this world',
    },
    world: {
      kind: 'count',
      value: 'K',
      help: 'only this world, whatever --cases says: to repeat what was found',
    },
  },
  notes: `A world is memory full of noise, tables and code, and a processor of some model (v1, v2, v3) in one of the seven modes
from real mode to 64-bit code, both drawn by lot: up to 400 runs of up to 64 instructions, each with other registers. So a
few cases are one world in one mode; all modes have their share from some 100,000. After each run, and at a world's end, the
host must have thrown nothing and what must not change must be as it was. What is counted are the instructions begun,
those that fault among them. Ends with status 1 at the first finding; with 2 if it could not run.`,
  async run({ cases, seed, workers, world, 'first-world': first }) {
    await generateFirst();
    const started = performance.now();
    const shares: Share[] =
      world === undefined
        ? Array.from({ length: workers }, (_, n) => ({
            cases: Math.ceil(cases / workers),
            seed,
            first: first + n,
            step: workers,
          }))
        : [{ cases: 1, seed, first: world, step: 1 }];
    const url = new URL('./share.ts', import.meta.url).href;
    const results = await spread<Share, Progress, Result>({
      url,
      shares,
      silence: SILENCE,
      onProgress: teller(shares),
    });
    const seconds = (performance.now() - started) / 1000;
    const total = (part: 'instructions' | 'exceptions' | 'runs' | 'worlds'): number =>
      results.reduce((so, result) => so + result[part], 0);
    const findings = results.flatMap((result) => result.findings);
    console.log(`modes: ${sum(results, 'byMode')}; ${total('exceptions')} exceptions and interrupts`);
    console.log(
      `models: ${sum(results, 'byModel')}; ends of ${total('runs')} runs: ${sum(results, 'byExit')}`,
    );
    for (const { world: where, shot, mode, model, what } of findings) {
      console.log(`--seed ${seed} --world ${where}, shot ${shot}, ${mode} in ${model}: ${what}`);
    }
    const next = Math.min(...results.map((result) => result.next));
    const goOn = world === undefined && findings.length === 0 ? `, to go on: --first-world ${next}` : '';
    console.log(
      `${total('instructions')} instructions begun in ${total('worlds')} worlds: ${findings.length} findings; ` +
        `${seconds.toFixed(0)} s, ${Math.round(total('instructions') / seconds)} a second (seed ${seed}${goOn})`,
    );
    return findings.length > 0 ? 1 : 0;
  },
});
