/** A process's share of `npm run fuzz:decoder`: byte strings of every kind, in 16-, 32- and 64-bit code. */
import type { CodeSize } from '../../src/cpu/decode/instruction.js';
import { Comparison, type Disagreement } from '../../test/cpu/decode/reference.js';
import { serveShare } from '../processes.js';
import { Random } from '../random.js';
import { randomBytes, randomEncoding } from '../templates.js';

export interface Share {
  readonly cases: number;
  readonly seed: number;
  readonly stream: number;
}
export interface Progress {
  readonly stream: number;
  readonly cases: number;
}
export interface Result {
  readonly count: number;
  readonly valid: number;
  readonly disagreements: readonly Disagreement[];
}

const SIZES: readonly CodeSize[] = [16, 32, 64];
const REPORT_EVERY = 100_000;

function compare({ cases, seed, stream }: Share, progress: (state: Progress) => void): Result {
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

serveShare(compare);
