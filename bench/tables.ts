/** The report as text: one table for the start-up, one for each load. */
import { spreadText } from './measure.js';
import type { SpeedTable } from './speed.js';
import type { StartUpRow } from './start-up.js';

export function startUpText(rows: readonly StartUpRow[]): string {
  const cells = rows.map(({ name, missing, milliseconds, ratio }) =>
    milliseconds && ratio
      ? [name, spreadText(milliseconds, 1), spreadText(ratio, 2)]
      : [name, missing ?? '', ''],
  );
  return table(['start-up', 'ms', '÷ node -e 0'], cells);
}

export function speedText({ load, instructions, mips, rows }: SpeedTable): string {
  const cells = rows.map(({ name, missing, seconds, ours }) =>
    seconds && ours
      ? [name, spreadText(seconds, 3), spreadText(ours, ours.median < 0.1 ? 4 : 2)]
      : [name, missing ?? '', ''],
  );
  const millions = (instructions / 1e6).toFixed(1);
  return `${table([load, 's', 'our speed ÷ its'], cells)}${millions} million instructions, univisor ${spreadText(mips, 1)} MIPS\n`;
}

function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [heading, ...rows];
  const widths = heading.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return `${[line(heading), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n')}\n`;
}
