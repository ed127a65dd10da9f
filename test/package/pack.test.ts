/** The package as users get it: packed, installed into an empty folder without a network, and used both ways. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildLibraryIfStale } from '../../scripts/build-if-stale.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const hello = join(root, 'guests/hello/hello.elf');
const transcript = readFileSync(join(root, 'guests/hello/transcript.txt'), 'utf8');
const base = mkdtempSync(join(tmpdir(), 'univisor-package-'));
const folder = join(base, 'app');

function run(cwd: string, command: string, ...args: string[]): string {
  // npm itself runs these tests, and hands its own settings down.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', env });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}

beforeAll(() => {
  buildLibraryIfStale();
  mkdirSync(folder);
  const [packed] = JSON.parse(
    run(root, 'npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', base),
  );
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  run(folder, 'npm', 'install', '--offline', '--no-audit', '--no-fund', join(base, packed.filename));
}, 120_000);

afterAll(() => rmSync(base, { recursive: true, force: true }));

test('needs no other package', () => {
  expect(Object.keys(JSON.parse(run(folder, 'npm', 'ls', '--all', '--json')).dependencies)).toEqual([
    'univisor',
  ]);
  expect(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).dependencies).toBeUndefined();
});

test('npx univisor run boots a guest', () => {
  expect(run(folder, 'npx', '--offline', 'univisor', 'run', hello)).toBe(transcript);
});

test('the library does the same', () => {
  const script = `
    import { readFileSync } from 'node:fs';
    import { Machine } from 'univisor';
    const image = readFileSync(process.argv[2]);
    const machine = await Machine.create({ image, imageName: 'hello.elf' });
    const result = await machine.run();
    process.stdout.write(machine.console.text + JSON.stringify([result.reason, result.status]));
  `;
  writeFileSync(join(folder, 'boot.js'), script);

  expect(run(folder, process.execPath, 'boot.js', hello)).toBe(`${transcript}["exit",0]`);
});

test('types are found from TypeScript', () => {
  writeFileSync(
    join(folder, 'typed.ts'),
    "import { Machine, type RunResult } from 'univisor';\nexport const make: (image: Uint8Array) => Promise<Machine> = (image) => Machine.create({ image });\nexport type R = RunResult['reason'];\n",
  );
  const tsc = join(root, 'node_modules/typescript/bin/tsc');

  run(
    folder,
    process.execPath,
    tsc,
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--lib',
    'es2023,dom',
    'typed.ts',
  );
});

test('publint is content', async () => {
  const { messages } = await publint({ pkgDir: root, pack: false });

  expect(messages).toEqual([]);
});
