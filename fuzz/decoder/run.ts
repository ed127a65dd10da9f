/**
 * `npm run fuzz:decoder -- --cases N --seed S --workers W`: byte strings of every kind, in 16-, 32- and 64-bit code, on
 * which our decoder and iced-x86 must agree about validity and length. Where they are meant to differ is in
 * test/cpu/decode/reference.ts. Exits with 1 after a disagreement.
 */
import type { CodeSize } from '../../src/cpu/decode/instruction.js';
import { Comparison, type Disagreement } from '../../test/cpu/decode/reference.js';
import { fuzzOptions, isShare, serveShare, spread } from '../processes.js';
import { Random } from '../random.js';
import { randomBytes, randomEncoding } from '../templates.js';

interface Share {
  readonly cases: number;
  readonly seed: number;
  readonly stream: number;
}
interface Result {
  readonly count: number;
  readonly valid: number;
  readonly disagreements: readonly Disagreement[];
}

const SIZES: readonly CodeSize[] = [16, 32, 64];
const REPORT_EVERY = 100_000;

function compare({ cases, seed, stream }: Share, progress: (state: unknown) => void): Result {
  const random = new Random(seed, stream);
  const comparisons = SIZES.map((size) => new Comparison(size));
  for (let n = 0; n < cases; n++) {
    const which = n % SIZES.length;
    const comparison = comparisons[which] as Comparison;
    // A third is built from the opcode tables, a third likes prefixes, and a third is any bytes.
    const kind = random.below(3);
    if (kind === 0) comparison.add(randomEncoding(random, SIZES[which] === 64).slice(0, 20), 0);
    else comparison.add(randomBytes(random, kind === 1), 0);
    if (n % REPORT_EVERY === 0) progress({ stream, cases: n });
  }
  for (const comparison of comparisons) comparison.flush();
  return {
    count: comparisons.reduce((sum, { count }) => sum + count, 0),
    valid: comparisons.reduce((sum, { valid }) => sum + valid, 0),
    disagreements: comparisons.flatMap((comparison) => comparison.disagreements),
  };
}

async function main(): Promise<void> {
  const { cases, seed, workers } = fuzzOptions(process.argv.slice(2), { cases: 1_000_000 });
  const started = performance.now();
  const shares = Array.from({ length: workers }, (_, stream) => ({
    cases: Math.ceil(cases / workers),
    seed,
    stream,
  }));
  const results = await spread<Share, Result>(import.meta.url, shares, 600_000);
  const seconds = (performance.now() - started) / 1000;
  const count = results.reduce((sum, result) => sum + result.count, 0);
  const valid = results.reduce((sum, result) => sum + result.valid, 0);
  const disagreements = results.flatMap((result) => result.disagreements);
  for (const each of disagreements) console.log(JSON.stringify(each));
  console.log(
    `${count} byte strings, ${valid} of them instructions: ${disagreements.length} kinds of disagreement; ` +
      `${seconds.toFixed(0)} s, ${Math.round(count / seconds)} a second (seed ${seed})`,
  );
  process.exitCode = disagreements.length > 0 ? 1 : 0;
}

if (isShare) serveShare(compare);
else await main();
