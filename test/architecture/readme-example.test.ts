/** The README's example does what it says. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as univisor from '../../src/index.js';

test('the library example prints the greeting and how the guest ended', async () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const example = /```js\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
  const body = example.replace(/^import .*\n/gm, '');
  expect(example).toContain("from 'univisor'");
  const printed: unknown[] = [];
  const run = new Function(
    'readFileSync',
    'Machine',
    'MemoryConsole',
    'console',
    `return (async () => {${body}})()`,
  );
  const log = { log: (...values: unknown[]) => printed.push(...values) };
  await run(readFileSync, univisor.Machine, univisor.MemoryConsole, log);
  expect(printed[0]).toContain('Hello from a unikernel on univisor!');
  expect(printed[1]).toMatchObject({ reason: 'exit', status: 0 });
});
