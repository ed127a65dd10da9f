/**
 * The same world twice, one in the interpreter alone and one that makes a region of whatever runs twice. Whatever is
 * done to both must leave both the same to the last bit: registers, counts, all of memory.
 */
import { expect } from 'vitest';
import { differencesInState, sameState, wholeMemory } from '../../fuzz/tiers/same-state.js';
import { EAGER, type Pace } from '../../src/cpu/tiers/regions/pace.js';
import { RegionTier } from '../../src/cpu/tiers/regions/region-tier.js';
import { RAM_BASE } from '../../src/memory/layout.js';
import { SystemWorld, type Trial, type TrialOutcome } from './system-world.js';

export class TwinWorlds {
  #tier: RegionTier | undefined;

  static async create(pace: Pace = EAGER): Promise<TwinWorlds> {
    return new TwinWorlds(await SystemWorld.create('long'), await SystemWorld.create('long'), pace);
  }

  private constructor(
    readonly plain: SystemWorld,
    readonly hot: SystemWorld,
    pace: Pace,
  ) {
    hot.cpu.useRegions((host) => {
      this.#tier = new RegionTier(host, pace);
      return this.#tier;
    });
  }

  each(act: (world: SystemWorld) => void): void {
    act(this.plain);
    act(this.hot);
  }

  /** Runs code, which its ring's own address is the origin of. */
  run(bytes: Uint8Array, trial: Omit<Trial, 'code'> = {}): TrialOutcome {
    const code = Buffer.from(bytes).toString('hex');
    return this.#both((world) => world.run({ ...trial, code }));
  }

  /** Goes on with what was begun. */
  goOn(limit: number): string {
    return this.#both(({ cpu }) => cpu.run(limit).kind);
  }

  /** Drops all regions. */
  evict(): void {
    this.#tier?.reset();
  }

  /** Instructions that regions have run. */
  get inRegions(): number {
    return Number(this.hot.cpu.regionStatistics?.instructions ?? 0);
  }

  /** Regions made so far. */
  get made(): number {
    return this.hot.cpu.regionStatistics?.made ?? 0;
  }

  #both<T>(act: (world: SystemWorld) => T): T {
    const [plain, hot] = [act(this.plain), act(this.hot)];
    expect(hot).toEqual(plain);
    expect(this.differences()).toEqual([]);
    return plain;
  }

  /** What is not the same in both, if anything. */
  differences(): string[] {
    const [plain, hot] = [this.plain.cpu, this.hot.cpu];
    const found = sameState(hot, plain) ? [] : differencesInState(hot, plain);
    const [mine, its] = [hot, plain].map(
      (cpu) => new Uint8Array(wholeMemory(cpu), RAM_BASE, cpu.memory.size),
    );
    if (!mine || !its || Buffer.compare(mine, its) === 0) return found;
    const first = mine.findIndex((byte, n) => byte !== its[n]);
    return [...found, `memory at ${first.toString(16)}: ${mine[first]}, not ${its[first]}`];
  }
}
