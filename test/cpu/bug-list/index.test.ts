/** Every number of the list has its file, and every test in one says its number. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const folder = new URL('.', import.meta.url);
const files = readdirSync(folder).filter((name) => /^\d\d-.*\.test\.ts$/.test(name));

test('numbers 1 to 16 are there, once each', () => {
  const numbers = files.map((name) => Number(name.slice(0, 2))).sort((a, b) => a - b);
  expect(numbers).toEqual(Array.from({ length: 16 }, (_, n) => n + 1));
});

test.each(files)('%s names its number', (name) => {
  const text = readFileSync(new URL(name, folder), 'utf8');
  expect(text).toContain(`bug ${Number(name.slice(0, 2))}`);
});
