/** npm's `prepare`: it builds only what is older than its sources, and says what it needs. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, utimesSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isStale } from '../../scripts/build-if-stale.js';
import { ROOT, temporaryFolder, writeFileIn } from './support.js';

const folder = temporaryFolder();

test('without the development dependencies, it says how to get them', () => {
  copyFileSync(`${ROOT}scripts/prepare.cjs`, `${folder}/prepare.cjs`);

  const { status, stderr } = spawnSync(process.execPath, [`${folder}/prepare.cjs`], { encoding: 'utf8' });

  expect(stderr).toBe('univisor: the tools that build it are not installed: run npm ci first\n');
  expect(status).toBe(1);
});

test('only what is older than a source is built', () => {
  mkdirSync(`${folder}/src/deep`, { recursive: true });
  const source = writeFileIn(folder, 'src/deep/a.ts', '');
  expect(isStale('built.js', folder)).toBe(true);

  const built = writeFileIn(folder, 'built.js', '');
  const soon = Date.now() / 1000 + 10;
  utimesSync(built, soon, soon);
  expect(isStale('built.js', folder)).toBe(false);

  utimesSync(source, soon + 1, soon + 1);
  expect(isStale('built.js', folder)).toBe(true);
});
