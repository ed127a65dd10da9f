/** The guest's own source as a Linux program on this processor, compiled with the flags that matter of build.sh. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { arch, platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BenchError, type ChildTimes, timeChild } from '../child.js';
import { type GuestRun, missingCommands, type Peer, root, versionOf } from './peer.js';

const FLAGS = [
  ...['-std=c17', '-O2', '-ffreestanding', '-march=x86-64', '-mtune=generic', '-ffp-contract=off'],
  ...['-fno-omit-frame-pointer', '-fcf-protection=none', '-fno-stack-protector', '-fno-pie', '-no-pie'],
];

const onLinux = platform() === 'linux' && arch() === 'x64';
const programs = new Map<string, string>();
let folder: string | undefined;

export const native: Peer = {
  name: 'native',
  missing: onLinux ? missingCommands('gcc') : 'not Linux on x86-64',
  version: () => versionOf('gcc', ['--version'], /gcc.*/),
  run: ({ guest, commandLine, until, timeout }: GuestRun): Promise<ChildTimes> =>
    timeChild({ command: programOf(guest), args: [commandLine], until, timeout }),
};

/** Path of the program, which goes with this process. */
export function programOf(guest: string): string {
  const built = programs.get(guest) ?? build(guest);
  programs.set(guest, built);
  return built;
}

function build(guest: string): string {
  folder ??= makeFolder();
  const output = join(folder, guest);
  const sources = readdirSync(join(root, 'guests', guest)).filter((name) => name.endsWith('.c'));
  const args = [
    ...FLAGS,
    ...['-Dmain=guest_main', `-I${join(root, 'guests/lib')}`, '-o', output],
    ...sources.map((name) => join(root, 'guests', guest, name)),
    join(root, 'guests/lib/text.c'),
    join(root, 'guests/lib/memory.c'),
    fileURLToPath(new URL('host.c', import.meta.url)),
  ];
  const { status, stderr } = spawnSync('gcc', args, { encoding: 'utf8', timeout: 60_000 });
  if (status !== 0) throw new BenchError('failed', `${guest} does not compile natively: ${stderr}`);
  return output;
}

function makeFolder(): string {
  const made = mkdtempSync(join(tmpdir(), 'univisor-native-'));
  process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  return made;
}
