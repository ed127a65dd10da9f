/** Tables as Markdown, which reads well on a terminal too, and that of the start-up. */
import { spreadText } from './measure.js';
import type { StartUpRow } from './start-up.js';

export function startUpText(rows: readonly StartUpRow[]): string {
  const cells = rows.map(({ name, missing, milliseconds, ratio }) =>
    milliseconds && ratio
      ? [name, spreadText(milliseconds, 1), spreadText(ratio, 2)]
      : [name, missing ?? '', ''],
  );
  return markdownTable(['start-up', 'ms', '÷ node -e 0'], cells);
}

/** The first column to the left, the others to the right. */
export function markdownTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [heading, ...rows];
  const widths = heading.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0), 3));
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, n) => (n === 0 ? (row[n] ?? '').padEnd(width) : (row[n] ?? '').padStart(width))).join(' | ')} |`;
  const rule = `| ${widths.map((width, n) => (n === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return `${[line(heading), rule, ...rows.map(line)].join('\n')}\n`;
}
