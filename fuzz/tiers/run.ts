/**
 * The command `npm run fuzz:tiers`: shares worlds out to processes, and tells where regions and the interpreter
 * disagree, how to repeat it, and how much of what ran was run by regions.
 */
import { runCommand, SEED, WORKERS } from '../command.js';
import { generateFirst, spread } from '../processes.js';
import type { Progress, Result, Share } from './share.js';

/** Generous: the machine may be busy with other things. */
const SILENCE = 600_000;
const TELL_EVERY = 60_000;

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
  name: 'fuzz:tiers',
  summary: 'Runs random code in regions and in the interpreter, and compares all that there is',
  options: {
    cases: { kind: 'count', value: 'N', usual: 1_000_000, least: 1, help: 'instructions to run at least' },
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
  notes: `A world is 256 blocks of random code that lead to each other, with random data, page tables and registers, as the
system or as a user; two processors run it in slices of random length, with interrupts, faults, devices, writes to code,
changed mappings and dropped regions. After each slice registers, flags, memory, counts and what devices were asked must be
the same to the last bit. Ends with status 1 at the first finding, and if
regions ran nothing; with 2 if it could not run.`,
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
    const total = (
      part: 'worlds' | 'instructions' | 'inRegions' | 'regions' | 'worldsWithRegions' | 'exceptions',
    ): number => results.reduce((sum, result) => sum + result[part], 0);
    const findings = results.flatMap((result) => result.findings);
    for (const finding of findings) {
      console.log(`--seed ${seed} --world ${finding.world}, slice ${finding.slice}, after ${finding.after}:`);
      for (const what of finding.what) console.log(`  ${what}`);
    }
    const inRegions = total('inRegions');
    const share = Math.round((100 * inRegions) / total('instructions'));
    const next = Math.min(...results.map((result) => result.next));
    const goOn = world === undefined && findings.length === 0 ? `, to go on: --first-world ${next}` : '';
    console.log(
      `${total('regions')} regions ran ${share} % of it, in ${total('worldsWithRegions')} of ${total('worlds')} worlds; ` +
        `${total('exceptions')} exceptions and interrupts`,
    );
    console.log(
      `${total('instructions')} instructions: ${findings.length} findings; ${seconds.toFixed(0)} s, ` +
        `${Math.round(total('instructions') / seconds)} a second (seed ${seed}${goOn})`,
    );
    return findings.length > 0 || inRegions === 0 ? 1 : 0;
  },
});
