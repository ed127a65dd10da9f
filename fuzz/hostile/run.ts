/**
 * `npm run fuzz:hostile -- --cases N --seed S --workers W`: N random instructions with random state, in every mode. Exits
 * with 1 at the first finding and says how to repeat it: `--world K` runs that one alone. A run that does not come
 * back is ended and told too.
 */
import { loadInterpreter } from '../../src/cpu/tiers/interpreter/load.js';
import { fuzzOptions, isShare, serveShare, spread } from '../processes.js';
import { Attack, type AttackResult } from './attack.js';

interface Share {
  readonly cases: number;
  readonly seed: number;
  /** The first world, and the distance to the next. */
  readonly first: number;
  readonly step: number;
}

const REPORT_EVERY = 50;
/** Generous: the machine may be busy with other things. */
const SILENCE = 600_000;

async function attack(share: Share, progress: (state: unknown) => void): Promise<AttackResult> {
  const attacker = new Attack(await loadInterpreter(), share.seed);
  for (let world = share.first; attacker.instructions < share.cases; world += share.step) {
    if (((world - share.first) / share.step) % REPORT_EVERY === 0) {
      progress({ world, instructions: attacker.instructions });
    }
    attacker.world(world);
    if (attacker.findings.length > 0) break;
  }
  return attacker.result();
}

function sum(results: readonly AttackResult[], part: 'byMode' | 'byExit'): string {
  const total = new Map<string, number>();
  for (const result of results) {
    for (const [name, count] of Object.entries(result[part])) total.set(name, (total.get(name) ?? 0) + count);
  }
  return [...total].map(([name, count]) => `${name} ${count}`).join(', ');
}

async function main(): Promise<void> {
  const { cases, seed, workers, more } = fuzzOptions(process.argv.slice(2), { cases: 1_000_000 }, ['world']);
  const one = more.get('world');
  const started = performance.now();
  const shares: Share[] =
    one === undefined
      ? Array.from({ length: workers }, (_, n) => ({
          cases: Math.ceil(cases / workers),
          seed,
          first: n,
          step: workers,
        }))
      : [{ cases: 1, seed, first: one, step: 1 }];
  const results = await spread<Share, AttackResult>(import.meta.url, shares, SILENCE);
  const seconds = (performance.now() - started) / 1000;
  const instructions = results.reduce((total, result) => total + result.instructions, 0);
  const findings = results.flatMap((result) => result.findings);
  const exceptions = results.reduce((total, result) => total + result.exceptions, 0);
  console.log(`modes: ${sum(results, 'byMode')}; ${exceptions} exceptions and interrupts`);
  console.log(
    `ends of ${results.reduce((total, { runs }) => total + runs, 0)} runs: ${sum(results, 'byExit')}`,
  );
  for (const { world, shot, mode, model, what } of findings) {
    console.log(`--seed ${seed} --world ${world}, shot ${shot}, ${mode} in ${model}: ${what}`);
  }
  console.log(
    `${instructions} instructions: ${findings.length} findings; ` +
      `${seconds.toFixed(0)} s, ${Math.round(instructions / seconds)} a second (seed ${seed})`,
  );
  process.exitCode = findings.length > 0 ? 1 : 0;
}

if (isShare) serveShare(attack);
else await main();
