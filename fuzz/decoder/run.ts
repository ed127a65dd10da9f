/** The command `npm run fuzz:decoder`: shares byte strings out to processes, and tells where decoders disagree. */
import { runCommand, SEED, WORKERS } from '../command.js';
import { generateFirst, spread } from '../processes.js';
import type { Progress, Result, Share } from './share.js';

const SILENCE = 600_000;

await runCommand({
  name: 'fuzz:decoder',
  summary: 'Compares the decoder with iced-x86',
  options: {
    cases: { kind: 'count', value: 'N', usual: 1_000_000, least: 1, help: 'byte strings to decode' },
    seed: SEED,
    workers: WORKERS,
  },
  notes: `Byte strings of every kind, in 16-, 32- and 64-bit code, on whose validity and length both must agree. Where they are
meant to differ is in test/cpu/decode/reference.ts. Ends with status 1 after a disagreement; with 2 if it could not run.`,
  async run({ cases, seed, workers }) {
    await generateFirst();
    const started = performance.now();
    // The first ones have one more where it does not come out even.
    const shares = Array.from({ length: workers }, (_, stream) => ({
      cases: Math.ceil((cases - stream) / workers),
      seed,
      stream,
    }));
    const url = new URL('./share.ts', import.meta.url).href;
    const results = await spread<Share, Progress, Result>({ url, shares, silence: SILENCE });
    const seconds = (performance.now() - started) / 1000;
    const count = results.reduce((sum, result) => sum + result.count, 0);
    const valid = results.reduce((sum, result) => sum + result.valid, 0);
    const disagreements = results.flatMap((result) => result.disagreements);
    for (const each of disagreements) console.log(JSON.stringify(each));
    console.log(
      `${count} byte strings, ${valid} of them instructions: ${disagreements.length} kinds of disagreement; ` +
        `${seconds.toFixed(0)} s, ${Math.round(count / seconds)} a second (seed ${seed})`,
    );
    return disagreements.length > 0 ? 1 : 0;
  },
});
