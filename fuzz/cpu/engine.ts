/**
 * Runs rounds on both sides and compares: while the guest runs one round the processor runs the next. Every so often the
 * guest's other tiers run the round too, and must agree with the first to the last bit, undefined ones included.
 */
import { type Divergence, diverging, maskFlags } from './compare.js';
import type { Guest } from './guest.js';
import { ARENA, OUTPUT_ROOM, PAGE, WINDOW_PAGES, WINDOW_SIZE } from './layout.js';
import type { Native } from './native.js';
import type { Round } from './round.js';

export interface RoundResult {
  readonly round: Round;
  /** From the processor. */
  readonly divergences: readonly Divergence[];
  /** Between the guest's tiers. */
  readonly tierDivergences: readonly Divergence[];
  /** Pages of the window that were touched outside of the compared memory, and differ. */
  readonly strayPages: readonly number[];
}

export class Engine {
  readonly #theirs = new Uint8Array(OUTPUT_ROOM);

  /** @param guests the first is compared with the processor, the others with it */
  constructor(
    readonly native: Native,
    readonly guests: readonly [Guest, ...Guest[]],
  ) {}

  /** Puts a round into the arena and begins it on the processor. @param inputs to be used instead of made ones */
  start(round: Round, inputs?: Uint8Array): Promise<void> {
    const { native } = this;
    native.write(round.arena, ARENA.descriptors, round.descriptors);
    native.write(round.arena, ARENA.code, round.code);
    if (inputs) native.write(round.arena, ARENA.inputs, inputs);
    return native.run(round.arena, round.placed.length, inputs === undefined);
  }

  /** Runs a round, which the processor has run, in the guest and compares. @param tiers also in the other guests */
  finish(round: Round, tiers: boolean): RoundResult {
    const [first, ...others] = this.guests;
    const ours = this.#runGuest(first, round);
    const theirs = this.#theirs.subarray(0, round.outputBytes);
    this.native.read(round.arena, ARENA.outputs, theirs);
    const tierDivergences: Divergence[] = [];
    for (const guest of tiers ? others : []) {
      const exact = round.placed.map((each) => ({
        ...each,
        variant: { ...each.variant, undefinedFlags: 0, tolerance: 'none' as const },
      }));
      tierDivergences.push(...diverging(exact, ours, this.#runGuest(guest, round), ARENA.outputs));
    }
    const [our, their] = [ours, theirs].map(
      (bytes) => new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4),
    );
    for (const each of round.placed) {
      maskFlags(our!, ARENA.outputs, each);
      maskFlags(their!, ARENA.outputs, each);
    }
    const divergences = diverging(round.placed, ours, theirs, ARENA.outputs);
    return { round, divergences, tierDivergences, strayPages: this.#strayPages(round) };
  }

  #runGuest(guest: Guest, round: Round): Uint8Array {
    guest.writeArena(round.arena, ARENA.descriptors, round.descriptors);
    guest.writeArena(round.arena, ARENA.code, round.code);
    const arena = guest.arena(round.arena);
    this.native.read(
      round.arena,
      ARENA.inputs,
      arena.subarray(ARENA.inputs, ARENA.inputs + round.inputBytes),
    );
    guest.run(round.arena, round.placed.length);
    return arena.subarray(ARENA.outputs, ARENA.outputs + round.outputBytes);
  }

  #strayPages(round: Round): number[] {
    const theirs = new Uint8Array(WINDOW_SIZE);
    this.native.read(round.arena, ARENA.window, theirs);
    const ours = this.guests[0].window();
    const stray: number[] = [];
    for (let page = 0; page < WINDOW_PAGES.length; page++) {
      if (WINDOW_PAGES[page] === '-') continue;
      const [from, to] = [page * PAGE, (page + 1) * PAGE];
      if (Buffer.compare(ours.subarray(from, to), theirs.subarray(from, to)) !== 0) stray.push(page);
    }
    return stray;
  }
}
