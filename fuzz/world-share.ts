/** A process's share of random worlds (see worlds.ts): one world after the other. */
import { type Interpreter, loadInterpreter } from '../src/cpu/tiers/interpreter/load.js';
import { serveShare } from './processes.js';

/** A process's share: worlds until its cases are reached, or something is found. */
export interface Share {
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
export interface Tried {
  readonly instructions: number;
  readonly findings: readonly unknown[];
}
/** What was tried, and the first world that was not. */
export type Ended<R extends Tried> = R & { readonly next: number };

/** Tries worlds. */
interface Trial<R extends Tried> extends Tried {
  world(number: number): void;
  result(): R;
}

/** Does one share, in the process that `spreadWorlds` made for it. */
export function serveWorlds<R extends Tried>(
  begin: (interpreter: Interpreter, seed: number) => Trial<R>,
): void {
  serveShare(async (share: Share, progress: (state: Progress) => void): Promise<Ended<R>> => {
    const trial = begin(await loadInterpreter(), share.seed);
    let world = share.first;
    while (trial.instructions < share.cases && trial.findings.length === 0) {
      progress({ world, instructions: trial.instructions });
      trial.world(world);
      world += share.step;
    }
    return { ...trial.result(), next: world };
  });
}
