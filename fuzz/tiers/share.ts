/** A process's share of `npm run fuzz:tiers`: duels in one world after the other, until its cases are reached. */
import { loadInterpreter } from '../../src/cpu/tiers/interpreter/load.js';
import { serveShare } from '../processes.js';
import { Duel, type DuelResult } from './duel.js';

export interface Share {
  /** Instructions to reach. */
  readonly cases: number;
  readonly seed: number;
  /** The first world, and the distance to the next. */
  readonly first: number;
  readonly step: number;
}
export interface Progress {
  /** The one that begins. */
  readonly world: number;
  readonly instructions: number;
}
export interface Result extends DuelResult {
  /** The first world that was not run. */
  readonly next: number;
}

async function duel(share: Share, progress: (state: Progress) => void): Promise<Result> {
  const duels = new Duel(await loadInterpreter(), share.seed);
  let world = share.first;
  while (duels.instructions < share.cases && duels.findings.length === 0) {
    progress({ world, instructions: duels.instructions });
    duels.world(world);
    world += share.step;
  }
  return { ...duels.result(), next: world };
}

serveShare(duel);
