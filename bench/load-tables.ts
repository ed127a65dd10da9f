/** The loads' results as Markdown: times, our speed beside the peers', memory; geometric means below. */
import type { LoadRow, Measured } from './loads.js';
import { geometricMean, ratio, spread } from './measure.js';
import { markdownTable } from './tables.js';

export interface LoadTableNames {
  /** Contenders that are ours. */
  readonly ours: readonly string[];
  readonly others: readonly string[];
}

/** A row for the terminal, while the others are still to come. */
export function progressText({ load, results }: LoadRow): string {
  const times = [...results].map(([name, { steady }]) => `${name} ${seconds(spread(steady).median)}`);
  return `${load}: ${times.join('; ')}`;
}

export function loadTablesText(rows: readonly LoadRow[], { ours, others }: LoadTableNames): string {
  const all = [...ours, ...others];
  return [
    '### Seconds, in steady state\n',
    markdownTable(
      ['load', 'rounds', ...all],
      rows.map((row) => timeCells(row, all)),
    ),
    ...ours.flatMap((name) => [
      `### Speed of ${name} as a multiple of the peers'\n`,
      ratioTable(rows, name, others),
    ]),
    '### Peak memory in MiB\n',
    markdownTable(
      ['load', ...all],
      rows.map((row) => memoryCells(row, all)),
    ),
  ].join('\n');
}

function timeCells({ load, rounds, results }: LoadRow, names: readonly string[]): string[] {
  const cell = (name: string): string => {
    const result = results.get(name);
    return result ? seconds(spread(result.steady).median) : '–';
  };
  return [load, `${rounds}`, ...names.map(cell)];
}

function memoryCells({ load, results }: LoadRow, names: readonly string[]): string[] {
  const cell = (name: string): string => {
    const memory = results.get(name)?.memory;
    return memory ? (memory.median / 2 ** 20).toFixed(0) : '–';
  };
  return [load, ...names.map(cell)];
}

/** For each peer two columns, and our own warm-up: what the first half took longer than the last. */
function ratioTable(rows: readonly LoadRow[], ours: string, others: readonly string[]): string {
  const columns = others.flatMap((name) => [
    { name, part: 'steady' as const, heading: `${name}, steady` },
    { name, part: 'whole' as const, heading: `${name}, with warm-up` },
  ]);
  const medians = columns.map(({ name, part }) =>
    rows.map(({ results }) => speedRatio(results.get(ours), results.get(name), part)),
  );
  const cells = rows.map(({ load, results }, n) => [
    load,
    ...medians.map((column) => times(column[n])),
    warmUp(results.get(ours)),
  ]);
  const means = medians.map((column) => {
    const known = column.filter((value) => value !== undefined);
    return known.length > 0 ? geometricMean(known) : undefined;
  });
  return markdownTable(
    ['load', ...columns.map(({ heading }) => heading), 'warm-up, s'],
    [...cells, ['**geometric mean**', ...means.map(times), '']],
  );
}

function speedRatio(
  ours: Measured | undefined,
  theirs: Measured | undefined,
  part: 'steady' | 'whole',
): number | undefined {
  return ours && theirs ? ratio(theirs[part], ours[part]).median : undefined;
}

function warmUp(ours: Measured | undefined): string {
  if (!ours) return '–';
  return seconds(spread(ours.whole.map((whole, n) => whole - (ours.steady[n] ?? Number.NaN))).median);
}

function seconds(value: number): string {
  return value.toFixed(2);
}

function times(value: number | undefined): string {
  if (value === undefined) return '–';
  return value < 0.1 ? value.toFixed(3) : value.toFixed(2);
}
