/** A guest that reads its serial port by interrupt loses nothing of a long input. */
import { expect, test } from 'vitest';
import { MemoryConsole } from '../../src/index.js';
import { runGuest } from '../support/run-guest.js';

/** Lines of 1 to 199 characters, 64 KB in all. */
function longInput(): string[] {
  const lines: string[] = [];
  for (let total = 0; total < 65_536; total += (lines.at(-1)?.length ?? 0) + 1) {
    const length = 1 + ((lines.length * 73) % 199);
    lines.push(`${lines.length} `.padEnd(length, 'abcdefghijklmnopqrstuvwxyz'));
  }
  return lines;
}

test('echo answers every line of 64 KB', async () => {
  const lines = longInput();
  const input = `${lines.join('\n')}\nquit\n`;
  const console = new MemoryConsole(input.length);
  expect(console.send(input)).toBe(input.length);
  console.close();

  const { result } = await runGuest('echo', { console });

  expect(result).toMatchObject({ reason: 'exit', status: 0 });
  expect(console.text.split('\n').slice(1)).toEqual([
    ...lines.map((line) => `${line.length}: ${line}`),
    'Goodbye.',
    '',
  ]);
});
