/** What the benchmarks know of a peer: whether it is here, and how it runs one of our guests. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ChildTimes } from '../child.js';
import { luaImage } from './build.js';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface GuestRun {
  /** Name of a folder under guests/. */
  readonly guest: string;
  /** Words of the command line after the image's name. */
  readonly commandLine: string;
  /** Matches the output once the last line of interest is there. */
  readonly until: RegExp;
  /** Milliseconds. */
  readonly timeout: number;
}

export interface Peer {
  readonly name: string;
  /** Why it cannot be measured here, for the report; undefined if it can. */
  readonly missing: string | undefined;
  /** What exactly was measured, in a few words; asked only when it is not missing. */
  version(): string;
  /** @throws BenchError when the guest does not get as far as `until` */
  run(run: GuestRun): Promise<ChildTimes>;
}

/** Path of the guest's image: the prebuilt one, but for Lua. */
export function imageOf(guest: string): string {
  return guest === 'lua' ? luaImage() : join(root, 'guests', guest, `${guest}.elf`);
}

/** Names those of the commands that the PATH does not have. */
export function missingCommands(...commands: readonly string[]): string | undefined {
  const absent = commands.filter((command) => !isInstalled(command));
  return absent.length > 0 ? `not installed: ${absent.join(', ')}` : undefined;
}

/** What a command says of itself that matches the pattern. */
export function versionOf(command: string, args: readonly string[], pattern: RegExp): string {
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 10_000 });
  return pattern.exec(`${stdout}${stderr}`)?.[0] ?? command;
}

function isInstalled(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => isExecutable(join(folder, command)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
