/**
 * The command `npm run fuzz:tiers`: shares worlds out to processes, and tells where regions and the interpreter
 * disagree, how to repeat it, and how much of what ran was run by regions.
 */
import { runCommand } from '../command.js';
import { spreadWorlds, WORLD_OPTIONS, worldsText } from '../worlds.js';
import type { DuelResult } from './duel.js';

await runCommand({
  name: 'fuzz:tiers',
  summary: 'Runs random code in regions and in the interpreter, and compares all that there is',
  options: {
    cases: { kind: 'count', value: 'N', usual: 1_000_000, least: 1, help: 'instructions to run at least' },
    ...WORLD_OPTIONS,
  },
  notes: `A world is 256 blocks of random code that lead to each other, with random data, page tables and registers, as the
system or as a user; two processors run it in slices of random length, with interrupts, faults, devices, writes to code,
changed mappings and dropped regions. After each slice registers, flags, memory, counts and what devices were asked must be
the same to the last bit. Ends with status 1 at the first finding, and if
regions ran nothing; with 2 if it could not run.`,
  async run(values) {
    const url = new URL('./share.ts', import.meta.url).href;
    const { results, seconds, goOn } = await spreadWorlds<DuelResult>(url, values);
    const total = (
      part: 'worlds' | 'instructions' | 'inRegions' | 'regions' | 'worldsWithRegions' | 'exceptions',
    ): number => results.reduce((sum, result) => sum + result[part], 0);
    const findings = results.flatMap((result) => result.findings);
    for (const finding of findings) {
      console.log(
        `--seed ${values.seed} --world ${finding.world}, slice ${finding.slice}, after ${finding.after}:`,
      );
      for (const what of finding.what) console.log(`  ${what}`);
    }
    const inRegions = total('inRegions');
    const share = Math.round((100 * inRegions) / total('instructions'));
    console.log(
      `${total('regions')} regions ran ${share} % of it, in ${total('worldsWithRegions')} of ${worldsText(total('worlds'))}; ` +
        `${total('exceptions')} exceptions and interrupts`,
    );
    console.log(
      `${total('instructions')} instructions: ${findings.length} findings; ${seconds.toFixed(0)} s, ` +
        `${Math.round(total('instructions') / seconds)} a second (seed ${values.seed}${goOn})`,
    );
    return findings.length > 0 || inRegions === 0 ? 1 : 0;
  },
});
