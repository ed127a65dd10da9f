/**
 * The command `npm run fuzz:hostile`: shares worlds out to processes, and tells what was found, how to repeat it, and
 * where to go on. A run that does not come back is ended and told too.
 */
import { runCommand } from '../command.js';
import { spreadWorlds, WORLD_OPTIONS, worldsText } from '../worlds.js';
import type { AttackResult } from './attack.js';

function sum(results: readonly AttackResult[], part: 'byMode' | 'byModel' | 'byExit'): string {
  const total = new Map<string, number>();
  for (const result of results) {
    for (const [name, count] of Object.entries(result[part])) total.set(name, (total.get(name) ?? 0) + count);
  }
  return [...total].map(([name, count]) => `${name} ${count}`).join(', ');
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
    ...WORLD_OPTIONS,
  },
  notes: `A world is memory full of noise, tables and code, and a processor of some model (v1, v2, v3) in one of the seven modes
from real mode to 64-bit code, both drawn by lot: up to 400 runs of up to 64 instructions, each with other registers. So a
few cases are one world in one mode; all modes have their share from some 500,000. In every other world the processor makes
regions of all 64-bit code at once. After each run, and at a world's end, the
host must have thrown nothing and what must not change must be as it was. What is counted are the instructions begun,
those that fault among them. Ends with status 1 at the first finding; with 2 if it could not run.`,
  async run(values) {
    const url = new URL('./share.ts', import.meta.url).href;
    const { results, seconds, goOn } = await spreadWorlds<AttackResult>(url, values);
    const total = (part: 'instructions' | 'inRegions' | 'exceptions' | 'runs' | 'worlds'): number =>
      results.reduce((so, result) => so + result[part], 0);
    const findings = results.flatMap((result) => result.findings);
    console.log(
      `modes: ${sum(results, 'byMode')}; ${total('exceptions')} exceptions and interrupts; in regions ${total('inRegions')}`,
    );
    console.log(
      `models: ${sum(results, 'byModel')}; ends of ${total('runs')} runs: ${sum(results, 'byExit')}`,
    );
    for (const { world, shot, mode, model, what } of findings) {
      console.log(`--seed ${values.seed} --world ${world}, shot ${shot}, ${mode} in ${model}: ${what}`);
    }
    console.log(
      `${total('instructions')} instructions begun in ${worldsText(total('worlds'))}: ${findings.length} findings; ` +
        `${seconds.toFixed(0)} s, ${Math.round(total('instructions') / seconds)} a second (seed ${values.seed}${goOn})`,
    );
    return findings.length > 0 ? 1 : 0;
  },
});
