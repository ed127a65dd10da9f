/** Divergences as they are found: counted all, a few of each instruction minimised and shown. */
import type { Divergence } from './compare.js';
import type { RoundResult } from './engine.js';
import { minimise } from './minimise.js';
import { disassembleCode, show } from './show.js';
import { CASE_ADDRESS, type Case, type Workbench } from './workbench.js';

/** Of one instruction and one kind of difference. */
const MOST_OF_A_KIND = 2;

export interface Finding {
  readonly one: Case;
  /** The processor's output record. */
  readonly theirs: Uint8Array;
  readonly text: string;
}

export class Findings {
  /** Variants that diverge from the processor, and rounds that touched memory elsewhere. */
  count = 0;
  /** Variants on which our tiers differ. */
  tierCount = 0;
  readonly cases: Finding[] = [];
  readonly #kinds = new Map<string, number>();

  constructor(readonly bench: Workbench) {}

  wants({ divergences, tierDivergences, strayPages }: RoundResult): boolean {
    return divergences.length + tierDivergences.length + strayPages.length > 0;
  }

  /** Looks at a round's divergences. The arenas are used. */
  async add({ divergences, tierDivergences, strayPages }: RoundResult): Promise<void> {
    this.count += divergences.length;
    this.tierCount += tierDivergences.length;
    if (strayPages.length && divergences.length === 0) {
      this.count++;
      console.log(`pages ${strayPages.join(', ')} of the window differ outside of the compared memory`);
    }
    for (const each of divergences) await this.#look(each, 0);
    for (const each of tierDivergences) await this.#look(each, 1);
  }

  async #look({ placed, state, differences }: Divergence, other: number): Promise<void> {
    const { mnemonic } = placed.variant.entries[0]!;
    const kind = `${other} ${placed.variant.tier} ${mnemonic}`;
    const seen = (this.#kinds.get(kind) ?? 0) + 1;
    this.#kinds.set(kind, seen);
    if (seen > MOST_OF_A_KIND) return;
    const found = await this.bench.fetch(placed, state);
    const again = await this.bench.run(found, other);
    const text = disassembleCode(placed.variant.code, placed.variant.codeSize, CASE_ADDRESS);
    if (again.differences.length === 0) {
      console.log(`not the same when run alone: ${text}: ${differences.join(', ')}`);
      return;
    }
    const one = await minimise(this.bench, found, other);
    const outcome = await this.bench.run(one, other);
    if (other) console.log('between the interpreter’s tiers, the second given as the processor:');
    console.log(show({ ...one, ...outcome, address: CASE_ADDRESS }));
    if (other === 0) {
      const small = disassembleCode(one.variant.code, one.variant.codeSize, CASE_ADDRESS);
      this.cases.push({ one, theirs: outcome.theirs, text: small });
    }
  }
}
