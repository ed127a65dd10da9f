import { buildCliIfStale } from '../../scripts/build-if-stale.js';
import { writeInterpreter } from '../../scripts/write-interpreter.js';

/** Generates the interpreter and bundles the command from the sources as they stand, so that no test runs old ones. */
export default async function setup(): Promise<void> {
  const { module } = await writeInterpreter();
  await buildCliIfStale(module);
}
