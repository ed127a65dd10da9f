/**
 * Rebuilds every guest from source and compares it byte for byte with the image committed beside it; and the loads as a
 * Linux program.
 * Only Debian 12's gcc gives these bytes. Elsewhere the tests are skipped, but never in CI.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { programOf } from '../../bench/peers/native.js';
import { guestText } from '../support/run-guest.js';

const COMPILER_OF_THE_IMAGES = 'gcc (Debian 12.2.0';
const guests = fileURLToPath(new URL('../../guests/', import.meta.url));
/** Lua's may lie there too, but is not committed. */
const names = readdirSync(guests).filter(
  (name) => name !== 'lua' && existsSync(join(guests, name, `${name}.elf`)),
);

function compilerVersion(): string {
  const { error, stdout } = spawnSync('gcc', ['--version'], { encoding: 'utf8' });
  return error ? 'no gcc' : (stdout.split('\n')[0] ?? '');
}

const version = compilerVersion();
const hasTheCompiler = version.startsWith(COMPILER_OF_THE_IMAGES);
const skipped = !hasTheCompiler && !process.env.CI;

describe.skipIf(skipped)(`guests rebuilt by Debian 12's gcc 12.2 (here: ${version})`, () => {
  let output: string;

  beforeAll(() => {
    expect(version).toContain(COMPILER_OF_THE_IMAGES);
    output = mkdtempSync(join(tmpdir(), 'univisor-guests-'));
    const environment = { ...process.env, OUT: output, CC: 'gcc' };
    execFileSync(join(guests, 'build.sh'), names, { env: environment, stdio: 'pipe' });
  });

  afterAll(() => {
    if (output) rmSync(output, { recursive: true });
  });

  it('covers every guest', () => {
    expect(names).toEqual(['echo', 'faults', 'freshcode', 'hello', 'loads', 'nbody', 'primes']);
  });

  it.each(names)('%s is the committed image, byte for byte', (name) => {
    const rebuilt = readFileSync(join(output, name, `${name}.elf`));
    const committed = readFileSync(join(guests, name, `${name}.elf`));

    expect(rebuilt.equals(committed)).toBe(true);
  });

  it('the loads that need no machine give the check values of their transcript as a Linux program', () => {
    const output = execFileSync(programOf('loads'), { encoding: 'utf8' });
    const transcript = guestText('loads', 'transcript.txt');

    expect(output.split('\n')).toHaveLength(20);
    expect(transcript.startsWith(output)).toBe(true);
  });
});
