/**
 * Chooses which regions to make. It has the guest watched for some thousand instructions, and goes through the way that
 * they went again in thought, with this region and that: what each would save decides. Knows nothing of how regions are
 * made and kept.
 */
import { MOST_WATCHED } from '../../../memory/layout.js';
import { MAXIMUM_LENGTH } from '../../decode/decoder.js';
import * as state from '../../state.js';
import { RegionKey } from '../../state.js';
import type { CodeReader } from './code-reader.js';
import { type Block, formRegion } from './graph.js';
import type { Pace } from './pace.js';
import { Profile } from './profile.js';
import type { RegionHost } from './region-tier.js';
import { costOf, readWay, type Shape, shapeOf, type Way } from './way.js';

/** How much more often a function must be come by than a loop to be the better root. */
const CALLED = 8;
/** How many roots are tried for one region, at most. */
const TRIED = 3;
/** No other root is tried when one leaves no more than this part of the cost. */
const REST = 0.2;
/** A region is made anew, with what was learnt since, so many times at most, for twice the gain each time. */
const MOST_VERSIONS = 4;

/** A region that could be made. */
export interface Plan {
  readonly root: number;
  readonly key: number;
  readonly blocks: readonly Block[];
  /** Linear and physical addresses of its pages. */
  readonly pages: ReadonlyMap<number, number>;
  readonly shape: Shape;
}

/** Regions that there are, by their roots. */
type Known = ReadonlyMap<number, { readonly shape: Shape }>;

export class Chooser {
  readonly #host: RegionHost;
  readonly #view: DataView;
  readonly #profile = new Profile();
  /** Whether the instruction at a RIP was a call or a return when it was last looked at. */
  readonly #calls = new Map<number, boolean>();
  /** Roots that no region could be made of. */
  readonly #hopeless = new Set<number>();
  /** Instructions in what was last formed of a root. */
  readonly #sizes = new Map<number, number>();
  /** What was formed of roots since something was last watched. */
  readonly #formed = new Map<number, Plan | undefined>();

  constructor(
    host: RegionHost,
    private readonly reader: CodeReader,
    private readonly pace: Pace,
  ) {
    this.#host = host;
    this.#view = new DataView(host.memory.buffer);
  }

  /** What is remembered of code that may be gone. */
  get notes(): readonly { readonly size: number; clear(): void }[] {
    return [this.#profile, this.#hopeless, this.#calls, this.#sizes];
  }

  giveUp(root: number): void {
    this.#hopeless.add(root);
  }

  /** The way that the next instructions go: so many, or fewer if the run ends. */
  watch(instructions: number): Way {
    const way: Way = { rips: [], keys: [] };
    for (let left = instructions; left > 0; ) {
      this.#host.watch(Math.min(left, MOST_WATCHED));
      const noted = readWay(this.#view, way);
      if (noted === 0) break;
      left -= noted;
    }
    const { rips, keys } = way;
    for (let n = 1; n < rips.length; n++) {
      if (keys[n] === keys[n - 1] && isPossible(keys[n] as number)) {
        this.#profile.note(rips[n - 1] as number, rips[n] as number);
      }
    }
    this.#formed.clear();
    this.reader.readAnew();
    return way;
  }

  /**
   * The region that is most worth making, if one is: had it been there all the time, it would have saved what it costs.
   * @param ran how many instructions the guest has run
   * @param versionsOf how often a region was made of a root so far
   */
  best(way: Way, regions: Known, ran: number, versionsOf: (root: number) => number): Plan | undefined {
    const key = this.#host.state.get32(state.regionKey);
    if (!isPossible(key)) return undefined;
    const now = way.rips.map((rip) => regions.get(rip)?.shape);
    const met = new Uint8Array(now.length);
    const cost = costOf(way, now, this.pace.entry, met);
    const worth = (saved: number): number => (saved * ran) / now.length;
    const price = (root: number): number =>
      (this.#sizes.get(root) ?? 0) * this.pace.price * 2 ** versionsOf(root);
    let best: Plan | undefined;
    let most = 0;
    for (const root of this.#candidates(way, key, met, versionsOf)) {
      // To form it costs much: not if it could not be worth it though it saved all.
      if (worth(cost) < price(root)) continue;
      const plan = this.#form(root, key);
      if (!plan) continue;
      const then = now.map((shape, n) => (way.rips[n] === root ? plan.shape : shape));
      const rest = costOf(way, then, this.pace.entry);
      const gain = worth(cost - rest) - price(root);
      if (gain > most) [best, most] = [plan, gain];
      if (best && rest <= cost * REST) break;
    }
    return best;
  }

  #form(root: number, key: number): Plan | undefined {
    const known = this.#formed.get(root);
    if (known) return known;
    const plan = formPlan(this.reader, this.#profile, root, key);
    if (plan) {
      this.#formed.set(root, plan);
      this.#sizes.set(root, sizeOf(plan.blocks));
    } else this.#hopeless.add(root);
    return plan;
  }

  /** Where jumps came to most often that did not stay in a region; loops before functions. */
  #candidates(
    { rips, keys }: Way,
    key: number,
    met: Uint8Array,
    versionsOf: (root: number) => number,
  ): number[] {
    const counts = new Map<number, number>();
    const called = new Set<number>();
    for (let n = 1; n < rips.length; n++) {
      const [from, to] = [rips[n - 1] as number, rips[n] as number];
      if (keys[n] !== key || !met[n] || (to > from && to <= from + MAXIMUM_LENGTH)) continue;
      counts.set(to, (counts.get(to) ?? 0) + 1);
      if (this.#isCallOrReturn(from, key)) called.add(to);
    }
    const hot = [...counts].filter(
      ([rip, count]) => count >= this.pace.hot && !this.#hopeless.has(rip) && versionsOf(rip) < MOST_VERSIONS,
    );
    // A loop makes a better root than a function, which may be called from several.
    const worth = ([rip, count]: [number, number]): number => (called.has(rip) ? count / CALLED : count);
    hot.sort((a, b) => worth(b) - worth(a));
    return hot.slice(0, TRIED).map(([rip]) => rip);
  }

  #isCallOrReturn(rip: number, key: number): boolean {
    let answer = this.#calls.get(rip);
    if (answer === undefined) {
      const mnemonic = this.reader.fetch(rip, key, new Map())?.instruction.entry.mnemonic;
      answer = mnemonic === 'CALL' || mnemonic === 'RET';
      this.#calls.set(rip, answer);
    }
    return answer;
  }
}

/** Instructions. */
export function sizeOf(blocks: readonly Block[]): number {
  return blocks.reduce((sum, { instructions }) => sum + instructions.length, 0);
}

/** A region of the code at a root; undefined if there can be none. */
export function formPlan(reader: CodeReader, profile: Profile, root: number, key: number): Plan | undefined {
  const pages = new Map<number, number>();
  const blocks = formRegion(root, profile, (rip) => reader.fetch(rip, key, pages));
  return blocks.length === 0 ? undefined : { root, key, blocks, pages, shape: shapeOf(blocks, key) };
}

/** Whether regions can be made in a mode: in 64-bit code, while alignment is not checked. */
export function isPossible(key: number): boolean {
  return (key & 0x7f) === 64 && !(key & RegionKey.alignment);
}
