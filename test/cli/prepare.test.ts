/** npm's `prepare`: it builds only what is older than its sources, and says what it needs. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isStale } from '../../scripts/build-if-stale.js';
import { ROOT, temporaryFolder, writeFileIn } from './support.js';

const folder = temporaryFolder();

describe('without the development dependencies', () => {
  const ADVICE = 'univisor: the tools that build it are not installed: run npm ci first\n';
  const prepare = join(folder, 'scripts/prepare.cjs');
  mkdirSync(join(folder, 'scripts'));
  copyFileSync(`${ROOT}scripts/prepare.cjs`, prepare);
  const run = (script: string, npmCommand: string) => {
    const env = { ...process.env, npm_command: npmCommand };
    const { status, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8', env });
    return { status, stderr };
  };

  test('it says how to get them', () => {
    expect(run(prepare, 'ci')).toEqual({ status: 1, stderr: ADVICE });
  });

  test('under npx, which hides what it says, the command says so until it is built', () => {
    expect(run(prepare, 'exec').status).toBe(0);

    expect(run(join(folder, 'dist/bin/univisor.js'), '')).toEqual({ status: 126, stderr: ADVICE });
    expect(isStale('dist/bin/univisor.js', folder)).toBe(true);
  });
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
