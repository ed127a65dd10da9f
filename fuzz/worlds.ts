/**
 * What the fuzzers share that try one random world after the other: the world's number and the seed are all that a
 * world follows from, so a world can be repeated, and a run that was ended gone on with. Processes take turns: of n of
 * them each tries every n-th world.
 */
import { type CountOption, SEED, WORKERS } from './command.js';
import { generateFirst, spread } from './processes.js';
import type { Ended, Progress, Share, Tried } from './world-share.js';

export const WORLD_OPTIONS = {
  seed: SEED,
  workers: WORKERS,
  'first-world': {
    kind: 'count',
    value: 'K',
    usual: 0,
    help: 'go on with a run of the same seed from this world',
  },
  world: {
    kind: 'count',
    value: 'K',
    help: 'only this world, whatever --cases says: to repeat what was found',
  },
} as const satisfies Record<string, CountOption>;

/** As in "in 1 world". */
export function worldsText(count: number): string {
  return `${count} ${count === 1 ? 'world' : 'worlds'}`;
}

interface WorldValues {
  /** Instructions to reach. */
  readonly cases: number;
  readonly seed: number;
  readonly workers: number;
  readonly 'first-world': number;
  readonly world: number | undefined;
}

/** Generous: the machine may be busy with other things. */
const SILENCE = 600_000;
const TELL_EVERY = 60_000;

/**
 * Shares worlds out to processes.
 * @param url of the module that each process runs, and that calls `serveWorlds`
 * @returns what came of each share, how long all took, and where it can be gone on, if so, in words
 */
export async function spreadWorlds<R extends Tried>(
  url: string,
  { cases, seed, workers, 'first-world': first, world }: WorldValues,
): Promise<{ readonly results: readonly R[]; readonly seconds: number; readonly goOn: string }> {
  await generateFirst();
  const started = performance.now();
  const share = { cases: Math.ceil(cases / workers), seed, step: workers };
  const shares: Share[] =
    world === undefined
      ? Array.from({ length: workers }, (_, n) => ({ ...share, first: first + n }))
      : [{ cases: 1, seed, first: world, step: 1 }];
  const onProgress = teller(shares);
  const results = await spread<Share, Progress, Ended<R>>({ url, shares, silence: SILENCE, onProgress });
  const next = Math.min(...results.map((result) => result.next));
  const found = results.some(({ findings }) => findings.length > 0);
  return {
    results,
    seconds: (performance.now() - started) / 1000,
    goOn: world === undefined && !found ? `, to go on: --first-world ${next}` : '',
  };
}

/** Says now and then how far a long run is, so that one that is ended can be gone on with. */
function teller(shares: readonly Share[]): (share: number, state: Progress) => void {
  const latest = shares.map(({ first }): Progress => ({ world: first, instructions: 0 }));
  let told = performance.now();
  return (share, state) => {
    latest[share] = state;
    if (performance.now() - told < TELL_EVERY) return;
    told = performance.now();
    const instructions = latest.reduce((total, one) => total + one.instructions, 0);
    const world = Math.min(...latest.map((one) => one.world));
    console.log(`${instructions} instructions so far; to go on from here: --first-world ${world}`);
  };
}
