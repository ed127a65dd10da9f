/** Builds parts of dist/ only when something that they are made of is newer. For the tests. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { InterpreterModule } from '../src/cpu/tiers/interpreter/module.js';
import { buildLibrary } from './build-library.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = ['src', 'scripts', 'package.json', 'tsconfig.json', 'tsconfig.build.json'];

export async function buildCliIfStale(interpreter: InterpreterModule): Promise<void> {
  if (!isStale('dist/bin/univisor.js', root)) return;
  // Loads the bundler, which takes longer than to find that it is not needed.
  const { buildCli } = await import('./build-cli.js');
  await buildCli(`${root}dist/bin`, interpreter);
}

/** @throws Error when the sources do not compile */
export function buildLibraryIfStale(): void {
  if (isStale('dist/index.js', root)) buildLibrary();
}

/** Whether a file of this clone is missing, or older than any source. */
export function isStale(product: string, clone: string): boolean {
  const built = statSync(join(clone, product), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return SOURCES.some((source) => newest(join(clone, source)) >= built);
}

/** When the last change was made to a file or to anything in a folder. */
function newest(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return stat?.mtimeMs ?? -1;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(`${path}/${name}`)));
}
