/** Makes dist/: the library as ES modules with declarations, and the command as a bundle. `npm run build`. */
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildCli } from './build-cli.js';
import { buildLibrary } from './build-library.js';
import { writeInterpreter } from './write-interpreter.js';

const dist = fileURLToPath(new URL('../dist', import.meta.url));

rmSync(dist, { recursive: true, force: true });
const { module } = await writeInterpreter();
buildLibrary();
await buildCli(`${dist}/bin`, module);
