/** A process's share of `npm run fuzz:hostile`: attacks in one world after the other, until its cases are reached. */
import { loadInterpreter } from '../../src/cpu/tiers/interpreter/load.js';
import { serveShare } from '../processes.js';
import { Attack, type AttackResult } from './attack.js';

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
export interface Result extends AttackResult {
  /** The first world that was not attacked in. */
  readonly next: number;
}

const REPORT_EVERY = 50;

async function attack(share: Share, progress: (state: Progress) => void): Promise<Result> {
  const attacker = new Attack(await loadInterpreter(), share.seed);
  let world = share.first;
  while (attacker.instructions < share.cases && attacker.findings.length === 0) {
    if (((world - share.first) / share.step) % REPORT_EVERY === 0) {
      progress({ world, instructions: attacker.instructions });
    }
    attacker.world(world);
    world += share.step;
  }
  return { ...attacker.result(), next: world };
}

serveShare(attack);
