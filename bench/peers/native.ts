/** The guest's own source as a Linux program on this processor, compiled with the flags that matter of build.sh. */
import { readdirSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ChildTimes, timeChild } from '../child.js';
import { build, buildFolder } from './build.js';
import { type GuestRun, missingCommands, type Peer, root, versionOf } from './peer.js';

const FLAGS = [
  ...['-std=c17', '-O2', '-ffreestanding', '-march=x86-64', '-mtune=generic', '-ffp-contract=off'],
  ...['-fno-omit-frame-pointer', '-fcf-protection=none', '-fno-stack-protector', '-fno-pie', '-no-pie'],
  ...['-Dmain=guest_main', '-Ilib', '-isystem', '/usr/include/lua5.4'],
];

/** What a guest takes besides its own folder; the folders in that are for the machine. */
const MORE: Readonly<Record<string, readonly string[]>> = {
  lua: ['loads/marks.c', '-l:liblua5.4.a', '-lm'],
};

const onLinux = platform() === 'linux' && arch() === 'x64';
const programs = new Map<string, string>();

export const native: Peer = {
  name: 'native',
  missing: onLinux ? missingCommands('gcc') : 'not Linux on x86-64',
  version: () => versionOf('gcc', ['--version'], /gcc.*/),
  run: ({ guest, commandLine, until, timeout }: GuestRun): Promise<ChildTimes> =>
    timeChild({ command: programOf(guest), args: [commandLine], until, timeout }),
};

/** Path of the program, which goes with this process. */
export function programOf(guest: string): string {
  const built = programs.get(guest) ?? buildProgram(guest);
  programs.set(guest, built);
  return built;
}

function buildProgram(guest: string): string {
  const output = join(buildFolder(), `${guest}.program`);
  const sources = readdirSync(join(root, 'guests', guest)).filter((name) => name.endsWith('.c'));
  build(`${guest} as a program`, 'gcc', [
    ...[...FLAGS, '-o', output],
    ...sources.map((name) => `${guest}/${name}`),
    ...['lib/text.c', 'lib/memory.c', fileURLToPath(new URL('host.c', import.meta.url))],
    ...(MORE[guest] ?? []),
  ]);
  return output;
}
