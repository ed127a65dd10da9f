/**
 * Bundles the `univisor` command so that it starts soon: all of it in one minified CommonJS file, a V8 code cache for
 * that file, and the interpreter in a file of its own, so that nothing decodes base64. `src/cli/launcher.ts` puts them
 * together.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'vite';
import type { InterpreterModule } from '../src/cpu/tiers/interpreter/module.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const PROGRAM = 'program.js';
const DATA_FILE = 'interpreter.bin';

/** @param target folder for the bundle; replaced as a whole, so that whoever starts it meanwhile gets the old or the new */
export async function buildCli(target: string, interpreter: InterpreterModule): Promise<void> {
  const directory = `${target}-${process.pid}`;
  mkdirSync(directory, { recursive: true });
  const { rows, handlers, bytes } = interpreter;
  const parts = { rows: bytesOf(rows), handlers: bytesOf(handlers), wasm: bytes };
  writeFileSync(`${directory}/${DATA_FILE}`, Buffer.concat(Object.values(parts)));
  // The package's own type is ES modules.
  writeFileSync(`${directory}/package.json`, '{ "type": "commonjs" }\n');
  await bundle('src/cli/main.ts', directory, PROGRAM, [interpreterInFile(parts), withoutSlowModules]);
  await bundle('src/cli/launcher.ts', directory, 'univisor.js', []);
  chmodSync(`${directory}/univisor.js`, 0o755);
  makeCodeCache(directory);
  rmSync(target, { recursive: true, force: true });
  renameSync(directory, target);
}

async function bundle(entry: string, directory: string, file: string, plugins: Plugin[]): Promise<void> {
  await build({
    root,
    configFile: false,
    logLevel: 'warn',
    plugins,
    ssr: { noExternal: true },
    build: {
      ssr: entry,
      outDir: directory,
      emptyOutDir: false,
      target: 'node20',
      minify: true,
      // The notices that the licences of what is bundled ask for.
      ...(file === PROGRAM && { license: { fileName: 'LICENSES.md' } }),
      rolldownOptions: {
        // yargs resolves configuration files by it, which we have none of.
        transform: { define: { 'import.meta.resolve': 'undefined' } },
        output: { format: 'cjs', entryFileNames: file, codeSplitting: false },
      },
    },
  });
}

/**
 * Runs a guest that has all kinds of hot code, so that regions are made, and keeps what V8 compiled for it. A start
 * without the cache works too, only slower.
 */
function makeCodeCache(directory: string): void {
  const script = fileURLToPath(new URL('make-code-cache.cjs', import.meta.url));
  const guest = `${root}guests/loads/loads.elf`;
  const { status, stderr } = spawnSync(
    process.execPath,
    [script, directory, 'run', guest, '--timeout', '60'],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    },
  );
  if (status !== 0) console.warn(`the guest that warms the code cache ended with ${status}\n${stderr}`);
}

/**
 * Modules under yargs that take longer to load than all the rest, and what is enough for us in their place.
 * string-width parses regular expressions over all emoji, and our help is ASCII; assert loads half of Node's library,
 * and yargs' own browser build does without it.
 */
const SLOW_MODULES: Readonly<Record<string, string>> = {
  'string-width': 'export default (text) => text.length;',
  // Only asked for colours, which most runs have none of.
  'node:tty':
    "export default { isatty: (descriptor) => process.getBuiltinModule('node:tty').isatty(descriptor) };",
  assert: 'export const strictEqual = () => {}; export const notStrictEqual = () => {};',
};

const withoutSlowModules: Plugin = {
  name: 'univisor:without-slow-modules',
  enforce: 'pre',
  resolveId: (id) => (Object.hasOwn(SLOW_MODULES, id) ? `\0${id}` : undefined),
  load: (id) => SLOW_MODULES[id.slice(1)],
  transform: (code, id) => (id.endsWith(YARGS_SHIM) ? withoutStdout(code) : undefined),
};

const YARGS_SHIM = 'yargs/lib/platform-shims/esm.mjs';

/** yargs asks for the width of stdout, and so makes its stream, whether or not there is help to lay out. */
function withoutStdout(code: string): string {
  const eager = "stdColumns: typeof process.stdout.columns !== 'undefined' ? process.stdout.columns : null";
  if (!code.includes(eager)) throw new Error(`${YARGS_SHIM} has changed: it no longer has ${eager}`);
  return code.replace(eager, 'get stdColumns() { return process.stdout.columns ?? null; }');
}

/** Puts a reader of the data file in the place of the generated module. */
function interpreterInFile(parts: Readonly<Record<string, Uint8Array>>): Plugin {
  let offset = 0;
  const exports = Object.entries(parts).map(([name, { length }]) => {
    const start = offset;
    offset += length;
    return `export const ${name} = all.subarray(${start}, ${offset});`;
  });
  const text = [
    "import { readFileSync } from 'node:fs';",
    `const all = readFileSync(__dirname + '/${DATA_FILE}');`,
    ...exports,
  ].join('\n');
  return {
    name: 'univisor:interpreter-in-file',
    enforce: 'pre',
    load: (id) => (id.endsWith('/interpreter.generated.ts') ? text : undefined),
  };
}

function bytesOf(array: Uint16Array | Uint8Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
