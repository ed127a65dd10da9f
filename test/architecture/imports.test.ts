/** The import directions of docs/ARCHITECTURE.md, with no exemptions. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const SOURCE = fileURLToPath(new URL('../../src', import.meta.url));

/** What each part may import besides itself; the longest matching prefix of a file's path decides. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  wasm: [],
  memory: ['wasm'],
  image: [],
  boot: ['image', 'memory', 'cpu/state'],
  'cpu/state': [],
  'cpu/decode': [],
  cpu: ['wasm', 'memory'],
  devices: ['memory'],
  hypervisor: ['boot', 'image', 'cpu', 'devices', 'memory'],
  host: ['devices/backends'],
  cli: ['index', 'hypervisor', 'host', 'image', 'boot', 'cpu', 'devices', 'memory'],
  index: ['boot', 'cpu', 'devices', 'hypervisor', 'image', 'memory'],
};
const MAY_USE_NODE = ['host', 'cli'];

interface Import {
  readonly from: string;
  readonly to: string;
}

function files(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

function importsOf(file: string): Import[] {
  const from = relative(SOURCE, file).replaceAll('\\', '/').replace(/\.ts$/, '');
  const text = readFileSync(file, 'utf8');
  const specifiers = [
    ...text.matchAll(/(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s*['"]([^'"]+)['"]/g),
    ...text.matchAll(/(?:^|\n)\s*import\s*['"]([^'"]+)['"]/g),
    ...text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g),
  ].map((match) => match[1] as string);
  return specifiers.map((specifier) => ({
    from,
    to: specifier.startsWith('.')
      ? posix.join(posix.dirname(from), specifier).replace(/\.js$/, '')
      : specifier,
  }));
}

function within(path: string, part: string): boolean {
  return path === part || path.startsWith(`${part}/`);
}

function partOf(path: string): string | undefined {
  return Object.keys(ALLOWED)
    .filter((part) => within(path, part))
    .sort((a, b) => b.length - a.length)[0];
}

const all = files(SOURCE).flatMap(importsOf);
/** Packages and data files are no parts. */
const own = all.filter(({ to }) => partOf(to) !== undefined || to.startsWith('.'));
const MANIFEST = '../package.json';

test('there is something to check', () => {
  expect(all.length).toBeGreaterThan(300);
});

test('every file belongs to a part', () => {
  const homeless = all.filter(({ from }) => partOf(from) === undefined).map(({ from }) => from);
  expect(homeless).toEqual([]);
});

test('parts import only what they may', () => {
  const wrong = own.filter(({ from, to }) => {
    const part = partOf(from) as string;
    const targets = [part, ...(ALLOWED[part] as readonly string[])];
    return to !== MANIFEST && !targets.some((target) => within(to, target));
  });
  expect(wrong).toEqual([]);
});

test('nothing but the command line and the host uses Node', () => {
  const wrong = all.filter(
    ({ from, to }) => partOf(to) === undefined && !MAY_USE_NODE.some((part) => within(from, part)),
  );
  expect(wrong).toEqual([]);
});

test('no global of Node is used outside the command line and the host', () => {
  const wrong = files(SOURCE)
    .map((file) => relative(SOURCE, file).replaceAll('\\', '/'))
    .filter((name) => !MAY_USE_NODE.some((part) => within(name, part)))
    .filter((name) => /\b(process|Buffer)\b\s*[.(]|\b__dirname\b/.test(code(name)));
  expect(wrong).toEqual([]);
});

/** A file without its comments. */
function code(name: string): string {
  return readFileSync(join(SOURCE, name), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
}
