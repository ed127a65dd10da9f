/**
 * Which variants a run is made of: until each instruction has its share, those that have not; then any, by the weights of
 * the tiers. A round is made from the run's seed and its own number alone, and from what was counted before it.
 */
import type { OpcodeEntry } from '../../src/cpu/decode/opcode-entry.js';
import { Random } from '../random.js';
import { blockEntries, makeBlock } from './block.js';
import { type GeneratorOptions, makeVariant } from './generator.js';
import { Round } from './round.js';
import type { Trampoline } from './trampoline.js';
import type { Tier, Variant } from './variant.js';

/** No promised instruction has fewer cases in a whole run. */
export const SHARE = 10_000;

/** Out of 16 variants. A signal takes the time of many cases. */
const WEIGHTS: readonly (readonly [Tier, number])[] = [
  ['fast', 8],
  ['fault', 2],
  ['legacy', 3],
  ['block', 3],
];
const LOTTERY: readonly Tier[] = WEIGHTS.flatMap(([tier, weight]) => new Array<Tier>(weight).fill(tier));
const STATES: Readonly<Record<Tier, number>> = { fast: 96, fault: 32, legacy: 64, block: 48 };

const ROUND_CASES = 40_000;

export interface PlanOptions extends GeneratorOptions {
  readonly seed: number;
  readonly tiers: ReadonlySet<Tier>;
  /** So many times the usual states of each variant. */
  readonly states: number;
}

export class Plan {
  /** Cases so far, by mnemonic. */
  readonly counts = new Map<string, number>();
  readonly #mnemonics: readonly string[];
  readonly #entries = new Map<string, OpcodeEntry[]>();
  readonly #blockEntries: readonly OpcodeEntry[];
  #next = 0;
  /** All have their share. */
  #shared = false;

  constructor(
    entries: readonly OpcodeEntry[],
    readonly options: PlanOptions,
  ) {
    for (const entry of entries) {
      const known = this.#entries.get(entry.mnemonic);
      if (known) known.push(entry);
      else this.#entries.set(entry.mnemonic, [entry]);
    }
    this.#mnemonics = [...this.#entries.keys()];
    this.#blockEntries = blockEntries(entries);
    for (const mnemonic of this.#mnemonics) this.counts.set(mnemonic, 0);
  }

  /** Round `number`; @param most cases it may have */
  round(number: number, most: number, trampoline: Trampoline): Round {
    const random = new Random(this.options.seed, number);
    const round = new Round((number % 2) as 0 | 1, trampoline);
    let failures = 0;
    while (round.cases < Math.min(most, ROUND_CASES) && failures < 2000) {
      const variant = this.#variant(random);
      if (!variant) {
        failures++;
        continue;
      }
      const count = Math.min(STATES[variant.tier] * this.options.states, most - round.cases);
      if (!round.add(variant, count, random.next())) break;
      if (variant.tier === 'block') continue;
      for (const { mnemonic } of variant.entries) {
        this.counts.set(mnemonic, (this.counts.get(mnemonic) ?? 0) + count);
      }
    }
    return round;
  }

  #variant(random: Random): Variant | undefined {
    const { tiers } = this.options;
    const lacking = this.#shared ? undefined : this.#lacking();
    const tier = random.pick(LOTTERY);
    if (!tiers.has(tier)) return undefined;
    if (tier === 'block' && !lacking) {
      return this.#blockEntries.length ? makeBlock(this.#blockEntries, random, this.options) : undefined;
    }
    const mnemonic = lacking ?? random.pick(this.#mnemonics);
    const entry = random.pick(this.#entries.get(mnemonic)!);
    const codeSize = tier === 'legacy' || entry.mode === 'not64' ? 32 : 64;
    return makeVariant(entry, random, tier === 'block' ? 'fast' : tier, codeSize, this.options);
  }

  /** The next instruction that has not got its share, in turn. */
  #lacking(): string | undefined {
    const { length } = this.#mnemonics;
    for (let n = 0; n < length; n++) {
      const mnemonic = this.#mnemonics[this.#next]!;
      this.#next = (this.#next + 1) % length;
      if (this.counts.get(mnemonic)! < SHARE) return mnemonic;
    }
    this.#shared = true;
    return undefined;
  }
}
