/**
 * Speed on the loads of guests/loads and guests/lua, one after the other, every peer in each round. All must print the
 * same check values. Interpreters get a part of the work, and their times are those of the whole then.
 */
import { BenchError } from './child.js';
import { type LoadTimes, loadTimes } from './marks.js';
import { interleave, type Spread, type Subject, spread } from './measure.js';
import type { Peer } from './peers/peer.js';

const TIMEOUT = 240_000;

export interface Load {
  readonly name: string;
  /** Some three seconds of work for TCG. */
  readonly rounds: number;
  /** Page tables, interrupts, rings: nothing that a Linux program does. */
  readonly needsMachine?: true;
  /** The guest that has it, unless it is `loads`. */
  readonly guest?: string;
  /** Why it cannot be measured here; undefined if it can. */
  readonly missing?: string | undefined;
}

export interface Contender {
  readonly peer: Peer;
  /** Of the rounds; times are given for all of them. */
  readonly share: number;
  /** Runs as a Linux program. */
  readonly isProgram?: true;
}

/** One contender on one load; a number a round. */
export interface Measured {
  readonly whole: readonly number[];
  readonly steady: readonly number[];
  /** Bytes. */
  readonly memory: Spread | undefined;
}

export interface LoadRow {
  readonly load: string;
  readonly rounds: number;
  /** By the contender's name; none where the load does not run. */
  readonly results: ReadonlyMap<string, Measured>;
}

export interface LoadsOptions {
  readonly rounds: number;
  /** Of the work that a load has. */
  readonly scale: number;
}

interface Sample extends LoadTimes {
  readonly memory: number | undefined;
}

export async function measureLoads(
  loads: readonly Load[],
  contenders: readonly Contender[],
  options: LoadsOptions,
  done: (row: LoadRow) => void,
): Promise<LoadRow[]> {
  const rows: LoadRow[] = [];
  for (const load of loads) {
    const row = await measureLoad(load, contenders, options);
    done(row);
    rows.push(row);
  }
  return rows;
}

async function measureLoad(
  load: Load,
  contenders: readonly Contender[],
  { rounds, scale }: LoadsOptions,
): Promise<LoadRow> {
  const work = Math.max(1, Math.round(load.rounds * scale));
  const able = contenders.filter(({ isProgram }) => !(isProgram && load.needsMachine));
  const outputs = new Map<string, string>();
  const samples = await interleave(
    able.map((contender) => subject(contender, load, work, outputs)),
    rounds,
  );
  const results = able.map(({ peer }, n): [string, Measured] => [peer.name, measured(samples[n] ?? [])]);
  return { load: load.name, rounds: work, results: new Map(results) };
}

function measured(samples: readonly Sample[]): Measured {
  const memory = samples.flatMap((sample) => sample.memory ?? []);
  return {
    whole: samples.map(({ whole }) => whole),
    steady: samples.map(({ steady }) => steady),
    memory: memory.length > 0 ? spread(memory) : undefined,
  };
}

/** @param outputs what a command line printed the first time, whoever ran it */
function subject(
  { peer, share }: Contender,
  { name, guest = 'loads' }: Load,
  work: number,
  outputs: Map<string, string>,
): Subject<Sample> {
  const rounds = Math.max(1, Math.round(work * share));
  const commandLine = `load=${name} n=${rounds}`;
  return {
    name: `${name} on ${peer.name}`,
    measure: async () => {
      const times = await peer.run({ guest, commandLine, until: /n=\d+: .*\n/, timeout: TIMEOUT });
      const expected = outputs.get(commandLine) ?? times.output;
      outputs.set(commandLine, expected);
      if (times.output !== expected) {
        throw new BenchError('different-output', `${peer.name}: ${times.output}instead of ${expected}`);
      }
      const { whole, steady } = loadTimes(times);
      const factor = work / rounds;
      return { whole: whole * factor, steady: steady * factor, memory: times.memory };
    },
  };
}
