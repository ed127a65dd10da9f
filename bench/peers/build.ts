/** What is compiled for the benchmark alone, in a folder that goes with this process. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BenchError } from '../child.js';

const guests = fileURLToPath(new URL('../../guests', import.meta.url));
let folder: string | undefined;

/** Why Lua's image, which is not among the prebuilt ones, cannot be built here; undefined if it can. */
export const luaMissing = existsSync('/usr/include/lua5.4/lua.h')
  ? undefined
  : 'not installed: liblua5.4-dev';

export function buildFolder(): string {
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'univisor-bench-'));
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
    folder = made;
  }
  return folder;
}

/** Runs a command in guests/. @throws BenchError when it fails */
export function build(what: string, command: string, args: readonly string[], env = {}): void {
  const { status, stderr, error } = spawnSync(command, args, {
    cwd: guests,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status !== 0) throw new BenchError('failed', `${what} cannot be built: ${error?.message ?? stderr}`);
}

/** Path of Lua's image, built when it is asked for first. */
export function luaImage(): string {
  const image = join(buildFolder(), 'lua/lua.elf');
  if (!existsSync(image)) build('Lua', './build.sh', ['lua'], { OUT: buildFolder() });
  return image;
}
