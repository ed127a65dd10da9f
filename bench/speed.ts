/**
 * Speed on the loads among our guests. Each is run with little work and with much, and the difference counts, so that
 * neither start-up nor a BIOS is in the figures. All must print the same.
 */
import { BenchError } from './child.js';
import { interleave, ratio, type Spread, type Subject, spread } from './measure.js';
import { bochs } from './peers/bochs.js';
import { native } from './peers/native.js';
import type { Peer } from './peers/peer.js';
import { qemuMicrovm } from './peers/qemu.js';
import { countInstructions, univisor } from './peers/univisor.js';

const TIMEOUT = 180_000;

interface Load {
  readonly guest: string;
  readonly little: string;
  readonly much: string;
  readonly until: RegExp;
}

const LOADS: readonly Load[] = [
  { guest: 'primes', little: 'n=10000', much: 'n=20000000', until: /(count is|known count).*\n/ },
  { guest: 'nbody', little: 'steps=100', much: 'steps=600000', until: /Energy after: .*\n/ },
];

export interface SpeedRow {
  readonly name: string;
  /** Why there are no figures. */
  readonly missing?: string;
  readonly seconds?: Spread;
  /** Our speed as a multiple of this one's. */
  readonly ours?: Spread;
}

export interface SpeedTable {
  readonly load: string;
  readonly instructions: number;
  /** Millions of guest instructions a second, ours. */
  readonly mips: Spread;
  readonly rows: readonly SpeedRow[];
}

export async function measureSpeed(rounds: number): Promise<SpeedTable[]> {
  const tables: SpeedTable[] = [];
  for (const load of LOADS) tables.push(await measureLoad(load, rounds));
  return tables;
}

async function measureLoad(load: Load, rounds: number): Promise<SpeedTable> {
  const { guest, little, much } = load;
  const peers = [univisor, qemuMicrovm, bochs, native];
  const present = peers.filter(({ missing }) => missing === undefined);
  const instructions = countInstructions(guest, much, TIMEOUT) - countInstructions(guest, little, TIMEOUT);
  const outputs = new Map<string, string>();
  const results = await interleave(
    present.map((peer) => subject(peer, load, outputs)),
    rounds,
  );
  const ours = results[0] ?? [];
  const rows = peers.map((peer): SpeedRow => {
    const seconds = results[present.indexOf(peer)];
    if (seconds === undefined) return { name: peer.name, missing: peer.missing ?? '' };
    return { name: peer.name, seconds: spread(seconds), ours: ratio(seconds, ours) };
  });
  const mips = spread(ours.map((seconds) => instructions / seconds / 1e6));
  return { load: `${guest} ${much}`, instructions, mips, rows };
}

/** @param outputs what a command line printed the first time, whoever ran it */
function subject(
  peer: Peer,
  { guest, little, much, until }: Load,
  outputs: Map<string, string>,
): Subject<number> {
  const run = async (commandLine: string): Promise<number> => {
    const { end, output } = await peer.run({ guest, commandLine, until, timeout: TIMEOUT });
    const text = output.slice(0, output.search(until)) + (until.exec(output)?.[0] ?? '');
    const expected = outputs.get(commandLine) ?? text;
    outputs.set(commandLine, expected);
    if (text !== expected)
      throw new BenchError('different-output', `${peer.name} printed ${text}instead of ${expected}`);
    return end / 1000;
  };
  return {
    name: `${guest} on ${peer.name}`,
    measure: async () => {
      const overhead = await run(little);
      return (await run(much)) - overhead;
    },
  };
}
