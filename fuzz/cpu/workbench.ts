/**
 * One case at a time: a variant alone in its round with inputs that are given, run on both sides. For looking at
 * divergences, making them smaller and recording them.
 */
import { type Difference, differences } from './compare.js';
import type { Engine } from './engine.js';
import { ARENA, ARENAS } from './layout.js';
import { type Placed, Round } from './round.js';
import type { Variant } from './variant.js';

export interface Case {
  readonly variant: Variant;
  readonly input: Uint8Array;
}

export interface Outcome {
  readonly ours: Uint8Array;
  readonly theirs: Uint8Array;
  readonly differences: readonly Difference[];
}

/** Where the code of a case is. */
export const CASE_ADDRESS = ARENAS[0] + ARENA.code;

export class Workbench {
  constructor(readonly engine: Engine) {}

  /** A state of a variant that was in some round, its inputs made again for its code at `CASE_ADDRESS`. */
  async fetch(placed: Placed, state: number): Promise<Case> {
    const round = new Round(0, this.engine.guests[0].trampoline);
    round.add(placed.variant, placed.count, placed.seed);
    await this.engine.start(round);
    const input = new Uint8Array(placed.inputSize);
    this.engine.native.read(0, ARENA.inputs + state * placed.inputSize, input);
    return { variant: placed.variant, input };
  }

  /** @param other the number of the guest, 0 for the one that is compared with the processor */
  async run({ variant, input }: Case, other = 0): Promise<Outcome> {
    const round = new Round(0, this.engine.guests[0].trampoline);
    round.add(variant, 1, 0);
    await this.engine.start(round, input);
    const [placed] = round.placed as [Placed];
    let theirs = new Uint8Array(placed.outputSize);
    this.engine.native.read(0, ARENA.outputs, theirs);
    this.engine.finish(round, other > 0);
    const output = (n: number): Uint8Array<ArrayBuffer> =>
      this.engine.guests[n]!.arena(0).slice(ARENA.outputs, ARENA.outputs + placed.outputSize);
    const ours = output(0);
    if (other > 0) {
      theirs = output(other);
      const exact: Variant = { ...variant, undefinedFlags: 0, tolerance: 'none' };
      return { ours, theirs, differences: differences(exact, ours, theirs) };
    }
    return { ours, theirs, differences: differences(variant, ours, theirs) };
  }
}
