/**
 * Statistics of repeated measurements. The subjects are measured in turn, round by round, so that whatever else the
 * machine does meanwhile hits all of them alike; ratios are taken within a round.
 */

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Subject<T> {
  readonly name: string;
  measure(): Promise<T>;
}

/** One row per subject, one result per round, in the order of the subjects. */
export async function interleave<T>(subjects: readonly Subject<T>[], rounds: number): Promise<T[][]> {
  const results: T[][] = subjects.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [n, subject] of subjects.entries()) {
      progress(`round ${round + 1} of ${rounds}: ${subject.name}`);
      results[n]?.push(await subject.measure());
    }
  }
  progress('');
  return results;
}

/** One line that is overwritten, for whoever waits at a terminal. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/** @param values at least one */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (n: number): number => sorted[n] ?? Number.NaN;
  const middle = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  return { median, min: at(0), max: at(sorted.length - 1) };
}

/** Of the quotients round by round. */
export function ratio(values: readonly number[], references: readonly number[]): Spread {
  return spread(values.map((value, round) => value / (references[round] ?? Number.NaN)));
}

/** @param values at least one, all above zero */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

export function spreadText({ median, min, max }: Spread, digits: number, unit = ''): string {
  return `${median.toFixed(digits)}${unit} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}
