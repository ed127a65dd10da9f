/**
 * Finds code that is hot, makes regions of it and puts them where the interpreter comes by. It looks when the
 * interpreter has run many instructions by itself: then it has the next few thousand run one by one and takes note of
 * the way they go. Which region is made when makes no difference to the guest.
 *
 * A region holds as long as the bytes that it was made of, and where they are. The first the code cache watches; of the
 * second a region asks when the mapping has changed since it was last entered.
 */
import {
  GUEST_PAGE_SIZE,
  MOST_REGIONS,
  MOST_WATCHED,
  REGION_VALIDITY,
  WINDOW_LOSSES,
} from '../../../memory/layout.js';
import '../../semantics/all.js';
import { MAXIMUM_LENGTH } from '../../decode/decoder.js';
import { holds, readRanges, type WindowRanges } from '../../mmu/window-range.js';
import * as state from '../../state.js';
import { RegionKey } from '../../state.js';
import type { StateView } from '../../state-view.js';
import { CodeReader, type CodeSource, offsetInPage } from './code-reader.js';
import { compileRegion, REGION, REVALIDATE } from './compile.js';
import { type Block, formRegion } from './graph.js';
import { Profile } from './profile.js';
import { costOf, readWay, type Shape, shapeOf, type Way } from './way.js';

/** What the tier needs of the CPU. */
export interface RegionHost extends CodeSource {
  readonly state: StateView;
  /** What the interpreter's module exports: the handlers' table, and routines by name. */
  readonly exports: WebAssembly.Exports;
  /** Runs at most so many instructions, and notes them; fewer if something comes of it that ends a run. */
  watch(instructions: number): void;
}

export interface RegionStatistics {
  /** How many there are now. */
  readonly regions: number;
  readonly made: number;
  readonly dropped: number;
  /** In the regions that there are: instructions of the guest, and bytes of WebAssembly. */
  readonly guestInstructions: number;
  readonly codeBytes: number;
  /** Milliseconds of the host's time in which instructions were run one by one to see what is hot. */
  readonly watching: number;
  /** Milliseconds in which regions were made, until V8 had taken them over. */
  readonly making: number;
}

interface Region {
  readonly slot: number;
  readonly handler: number;
  readonly root: number;
  readonly record: number;
  readonly original: number;
  readonly shape: Shape;
  /** Linear and physical addresses of its pages. */
  readonly pages: ReadonlyMap<number, number>;
  readonly ranges: WindowRanges;
  /** How often it was not entered because its ranges did not hold. */
  losses: number;
  readonly guestInstructions: number;
  readonly codeBytes: number;
}

/** When code is taken to be hot. */
export interface Pace {
  /** Instructions after which the CPU comes by, at most. */
  readonly grain: number;
  /** Instructions that the interpreter runs between two looks, at first and at most. */
  readonly soon: number;
  readonly late: number;
  /** Instructions that are watched at a time. */
  readonly watched: number;
  /** How often a place must be come by while it is watched. */
  readonly hot: number;
  /** What it costs to go into a region and out again, in interpreted instructions. */
  readonly entry: number;
  /** What part of the cost of a way a region must save. */
  readonly gain: number;
  /** What looking and making may cost at first and at most, in interpreted instructions. */
  readonly credit: number;
  /** What they may cost besides for each interpreted instruction: so wide code is not made into regions at any price. */
  readonly share: number;
}

export const USUAL: Pace = {
  grain: 1 << 20,
  soon: 20_000,
  late: 10_000_000,
  watched: 3000,
  hot: 6,
  entry: 10,
  gain: 0.05,
  credit: 60_000_000,
  share: 0.2,
};
/** Whatever runs twice is hot. */
export const EAGER: Pace = {
  grain: 500,
  soon: 200,
  late: 200,
  watched: 200,
  hot: 2,
  entry: 0,
  gain: 0,
  credit: Number.POSITIVE_INFINITY,
  share: 0,
};

/** What a look costs, and making a byte of WebAssembly, in interpreted instructions: measured, 5 ms and 0.4 µs. */
const LOOK_COST = 1_000_000;
const BYTE_COST = 80;
/** WebAssembly held at once, in bytes: V8 makes some ten times as much of it. */
const MOST_CODE = 16 << 20;
/** Entries of what is remembered of code that may be gone: then all is forgotten. */
const MOST_NOTES = 50_000;
/** A region is made anew, with what was learnt since, so many times at most, for twice the gain each time. */
const MOST_VERSIONS = 4;
/** How often a region may not be entered because its ranges do not hold, before it is made without. */
const MOST_LOSSES = 50;
/** How much more often a function must be come by than a loop to be the better root. */
const CALLED = 8;
/** How many roots are tried at a look, at most. */
const TRIED = 3;
/** No other root is tried when one leaves no more than this part of the cost. */
const REST = 0.2;

/** A region that might be made. */
interface Plan {
  readonly root: number;
  readonly key: number;
  readonly blocks: readonly Block[];
  /** Linear and physical addresses of its pages. */
  readonly pages: ReadonlyMap<number, number>;
  readonly shape: Shape;
  /** What it saves of the way that was watched, in interpreted instructions. */
  readonly gain: number;
}

export class RegionTier {
  readonly #host: RegionHost;
  readonly #view: DataView;
  readonly #table: WebAssembly.Table;
  readonly #firstHandler: number;
  /** What any region may ask for. */
  readonly #imports: WebAssembly.Imports;
  readonly #profile = new Profile();
  readonly #reader: CodeReader;
  readonly #regions = new Map<number, Region>();
  readonly #roots = new Map<number, Region>();
  /** How often a region was made of a root. */
  readonly #versions = new Map<number, number>();
  readonly #byPage = new Map<number, Set<Region>>();
  readonly #free: number[] = [];
  /** Whether the instruction at a RIP was a call or a return when it was last looked at. */
  readonly #calls = new Map<number, boolean>();
  /** Roots that no region could be made of. */
  readonly #hopeless = new Set<number>();
  /** Roots of which a region lost its ranges, and the regions that have and are yet to be dropped. */
  readonly #unsteady = new Set<number>();
  readonly #lost = new Set<Region>();
  #nextSlot = 0;
  #patience: number;
  /** What looking and making may yet cost, in interpreted instructions; below 0 when the last cost more. */
  #credit: number;
  /** What was run slowly since the last look, in interpreted instructions. */
  #heat = 0;
  #made = 0;
  #dropped = 0;
  #guestInstructions = 0;
  #codeBytes = 0;
  #watching = 0;
  #making = 0;

  constructor(
    host: RegionHost,
    readonly pace: Pace,
  ) {
    this.#host = host;
    this.#patience = pace.soon;
    this.#credit = pace.credit;
    this.#view = new DataView(host.memory.buffer);
    this.#reader = new CodeReader(host);
    this.#table = host.exports.handlers as WebAssembly.Table;
    this.#firstHandler = this.#table.length;
    const revalidate = (slot: number): number => this.#revalidate(slot);
    this.#imports = { env: { memory: host.memory, ...host.exports, [REVALIDATE]: revalidate } };
    host.cache.onDrop = (page) => this.#dropPage(page);
  }

  get statistics(): RegionStatistics {
    return {
      regions: this.#regions.size,
      made: this.#made,
      dropped: this.#dropped,
      guestInstructions: this.#guestInstructions,
      codeBytes: this.#codeBytes,
      watching: this.#watching,
      making: this.#making,
    };
  }

  /** To be told, between two runs, of instructions that the interpreter has run and of entries into regions. */
  note(interpreted: number, entries: number): void {
    this.#dropLost();
    const heat = interpreted + entries * this.pace.entry;
    this.#heat += heat;
    this.#credit = Math.min(this.pace.credit, this.#credit + heat * this.pace.share);
    if (this.#heat < this.#patience || this.#credit <= 0) return;
    this.#heat = 0;
    this.#forgetMuch();
    const made = this.#look();
    this.#patience = made ? this.pace.soon : Math.min(this.pace.late, this.#patience * 2);
  }

  /** Drops all regions; none may be running. */
  reset(): void {
    for (const region of [...this.#regions.values()]) this.#drop(region);
    this.#profile.clear();
    this.#hopeless.clear();
    this.#unsteady.clear();
    this.#lost.clear();
    this.#versions.clear();
    this.#calls.clear();
  }

  /** A guest that generates code without end must not make notes without end. */
  #forgetMuch(): void {
    for (const notes of [
      this.#profile,
      this.#hopeless,
      this.#unsteady,
      this.#reader,
      this.#versions,
      this.#calls,
    ]) {
      if (notes.size > MOST_NOTES) notes.clear();
    }
  }

  #dropPage(physicalPage: number): void {
    for (const region of this.#byPage.get(physicalPage) ?? []) {
      this.#drop(region);
      this.#versions.delete(region.root);
    }
  }

  #drop(region: Region): void {
    this.#host.cache.undivert(region.record, region.original, region.handler);
    this.#table.set(region.handler, null);
    this.#regions.delete(region.slot);
    this.#roots.delete(region.root);
    for (const physical of region.pages.values()) {
      const page = Math.floor(physical / GUEST_PAGE_SIZE);
      const known = this.#byPage.get(page);
      known?.delete(region);
      if (known?.size === 0) this.#byPage.delete(page);
    }
    this.#free.push(region.slot);
    this.#dropped += 1;
    this.#guestInstructions -= region.guestInstructions;
    this.#codeBytes -= region.codeBytes;
  }

  /** Watches what runs now; true if a region came of it. */
  #look(): boolean {
    const started = performance.now();
    this.#credit -= LOOK_COST;
    const way = this.#watch();
    const plan = this.#best(way);
    const planned = performance.now();
    this.#watching += planned - started;
    if (!plan) return false;
    const made = this.#install(plan);
    this.#making += performance.now() - planned;
    return made;
  }

  /**
   * Makes a region at once of the code at RIP, unless there is one; it may be run next.
   * @param profile which ways the code goes
   */
  makeHere(profile: Profile): boolean {
    const { state: view, cache } = this.#host;
    const root = Number(BigInt.asIntN(64, view.get64(state.rip)));
    const key = view.get32(state.regionKey);
    const physical = isPossible(key) && !this.#roots.has(root) ? this.#host.translate(root) : undefined;
    if (physical === undefined || !this.#host.isRam(physical)) return false;
    cache.recordAt();
    const pages = new Map<number, number>();
    const blocks = formRegion(root, profile, (rip) => this.#reader.fetch(rip, key, pages));
    if (blocks.length === 0) return false;
    return this.#install({ root, key, blocks, pages, shape: shapeOf(blocks, key), gain: 0 });
  }

  #watch(): Way {
    const way: Way = { rips: [], keys: [] };
    for (let left = this.pace.watched; left > 0; ) {
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
    return way;
  }

  /** The region that would save the most of a way, if it would save enough. */
  #best(way: Way): Plan | undefined {
    const key = this.#host.state.get32(state.regionKey);
    if (!isPossible(key)) return undefined;
    const known = (rip: number): Shape | undefined => this.#roots.get(rip)?.shape;
    const met = new Set<number>();
    const cost = costOf(way, known, this.pace.entry, (position) => met.add(position));
    if (cost <= way.rips.length * this.pace.gain) return undefined;
    let best: Plan | undefined;
    for (const root of this.#candidates(way, key, met)) {
      const pages = new Map<number, number>();
      const blocks = formRegion(root, this.#profile, (rip) => this.#reader.fetch(rip, key, pages));
      if (blocks.length === 0) {
        this.#hopeless.add(root);
        continue;
      }
      const shape = shapeOf(blocks, key);
      const now = costOf(way, (rip) => (rip === root ? shape : known(rip)), this.pace.entry);
      const least = cost * this.pace.gain * 2 ** (this.#versions.get(root) ?? 0);
      const gain = cost - now - least;
      if (gain > (best?.gain ?? 0)) best = { root, key, blocks, pages, shape, gain };
      if (best && now <= cost * REST) break;
    }
    return best;
  }

  /** Where jumps came to most often that did not stay in a region; loops before functions. */
  #candidates({ rips, keys }: Way, key: number, met: ReadonlySet<number>): number[] {
    const counts = new Map<number, number>();
    const called = new Set<number>();
    for (let n = 1; n < rips.length; n++) {
      const [from, to] = [rips[n - 1] as number, rips[n] as number];
      if (keys[n] !== key || !met.has(n) || (to > from && to <= from + MAXIMUM_LENGTH)) continue;
      counts.set(to, (counts.get(to) ?? 0) + 1);
      if (this.#isCallOrReturn(from, key)) called.add(to);
    }
    const hot = [...counts].filter(
      ([rip, count]) =>
        count >= this.pace.hot && !this.#hopeless.has(rip) && (this.#versions.get(rip) ?? 0) < MOST_VERSIONS,
    );
    // A loop makes a better root than a function, which may be called from several.
    const worth = ([rip, count]: [number, number]): number => (called.has(rip) ? count / CALLED : count);
    hot.sort((a, b) => worth(b) - worth(a));
    return hot.slice(0, TRIED).map(([rip]) => rip);
  }

  #isCallOrReturn(rip: number, key: number): boolean {
    let answer = this.#calls.get(rip);
    if (answer === undefined) {
      const mnemonic = this.#reader.fetch(rip, key, new Map())?.instruction.entry.mnemonic;
      answer = mnemonic === 'CALL' || mnemonic === 'RET';
      this.#calls.set(rip, answer);
    }
    return answer;
  }

  #install({ root, key, blocks, pages, shape }: Plan): boolean {
    const physical = this.#physical(root, pages);
    if (this.#regions.size >= MOST_REGIONS || this.#codeBytes > MOST_CODE) this.reset();
    const former = this.#roots.get(root);
    if (former) this.#drop(former);
    this.#versions.set(root, (this.#versions.get(root) ?? 0) + 1);
    const slot = this.#free.pop() ?? this.#nextSlot++;
    const handler = this.#firstHandler + slot;
    const place = this.#host.cache.divert(physical, handler);
    if (!place) {
      this.#free.push(slot);
      this.#hopeless.add(root);
      return false;
    }
    const validity = REGION_VALIDITY + slot * 4;
    this.#view.setUint32(validity, this.#mappingChanges(), true);
    const ranges = this.#rangesFor(root, key);
    const bytes = compile(blocks, { slot, validity, refusal: place.original, key, ranges });
    if (!bytes) {
      this.#host.cache.undivert(place.record, place.original, handler);
      this.#free.push(slot);
      this.#hopeless.add(root);
      return false;
    }
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), this.#imports);
    if (handler >= this.#table.length) this.#table.grow(64);
    this.#table.set(handler, instance.exports[REGION]);
    const guestInstructions = blocks.reduce((sum, { instructions }) => sum + instructions.length, 0);
    const codeBytes = bytes.length;
    this.#credit -= codeBytes * BYTE_COST;
    const region = {
      slot,
      handler,
      root,
      ...place,
      shape,
      pages,
      ranges,
      losses: 0,
      guestInstructions,
      codeBytes,
    };
    this.#regions.set(slot, region);
    this.#roots.set(root, region);
    for (const each of pages.values()) {
      const page = Math.floor(each / GUEST_PAGE_SIZE);
      const known = this.#byPage.get(page);
      if (known) known.add(region);
      else this.#byPage.set(page, new Set([region]));
    }
    this.#made += 1;
    this.#codeBytes += codeBytes;
    this.#guestInstructions += guestInstructions;
    return true;
  }

  /** 1 if a region's pages are still where they were when it was made, so that it may run. */
  #revalidate(slot: number): number {
    const region = this.#regions.get(slot);
    if (!region) return 0;
    for (const [linear, physical] of region.pages) {
      if (this.#host.translate(linear) !== physical) return 0;
    }
    if (!this.#rangesHold(region.ranges)) {
      region.losses += 1;
      if (region.losses > MOST_LOSSES) this.#lost.add(region);
      return 0;
    }
    this.#view.setUint32(REGION_VALIDITY + slot * 4, this.#mappingChanges(), true);
    return 1;
  }

  /** Bounds of ranges for a region of a root, none if such a one had to be dropped. */
  #rangesFor(root: number, key: number): WindowRanges {
    return this.#unsteady.has(root) ? [] : readRanges(this.#view, key & RegionKey.user ? 1 : 0);
  }

  #rangesHold(ranges: WindowRanges): boolean {
    return ranges.every((range, number) => !range || holds(this.#view, number, range));
  }

  #mappingChanges(): number {
    return this.#host.state.get32(state.mappings) + this.#view.getUint32(WINDOW_LOSSES, true);
  }

  /** Drops regions whose ranges do not come back; other ones of their roots ask for ranges. */
  #dropLost(): void {
    for (const region of this.#lost) {
      if (this.#regions.get(region.slot) !== region) continue;
      this.#drop(region);
      this.#unsteady.add(region.root);
      this.#versions.delete(region.root);
    }
    this.#lost.clear();
  }

  #physical(rip: number, pages: ReadonlyMap<number, number>): number {
    const offset = offsetInPage(rip);
    return (pages.get(rip - offset) as number) + offset;
  }
}

/** A region's module; undefined of code whose loops are nested so deeply that there is no stack to write it with. */
function compile(...given: Parameters<typeof compileRegion>): Uint8Array<ArrayBuffer> | undefined {
  try {
    return compileRegion(...given);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Whether regions can be made in a mode: in 64-bit code, while alignment is not checked. */
function isPossible(key: number): boolean {
  return (key & 0x7f) === 64 && !(key & RegionKey.alignment);
}
