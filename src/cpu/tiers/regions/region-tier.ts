/**
 * Finds code that is hot, makes regions of it and puts them where the interpreter comes by. It looks when the
 * interpreter has run many instructions by itself: then it has the next few thousand run one by one and takes note of
 * the way they go. Which region is made when makes no difference to the guest.
 *
 * A region holds as long as the bytes that it was made of, and where they are. The first the code cache watches; of the
 * second a region asks when the mapping has changed since it was last entered.
 */
import { GUEST_PAGE_SIZE, MOST_REGIONS, REGION_VALIDITY, WINDOW_LOSSES } from '../../../memory/layout.js';
import '../../semantics/all.js';
import { holds, readRanges, type WindowRanges } from '../../mmu/window-range.js';
import * as state from '../../state.js';
import { RegionKey } from '../../state.js';
import type { StateView } from '../../state-view.js';
import { Chooser, formPlan, isPossible, type Plan, sizeOf } from './chooser.js';
import { CodeReader, type CodeSource, offsetInPage } from './code-reader.js';
import { compileRegion, REGION, REVALIDATE } from './compile.js';
import type { Pace } from './pace.js';
import type { Profile } from './profile.js';
import type { Shape, Way } from './way.js';

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

/** What a look costs, and making a byte of WebAssembly, in interpreted instructions: measured, 5 ms and 0.4 µs. */
const LOOK_COST = 1_000_000;
const BYTE_COST = 80;
/** WebAssembly held at once, in bytes: V8 makes some ten times as much of it. */
const MOST_CODE = 16 << 20;
/** Entries of what is remembered of code that may be gone: then all is forgotten. */
const MOST_NOTES = 50_000;
/** How often a region may not be entered because its ranges do not hold, before it is made without. */
const MOST_LOSSES = 50;

export class RegionTier {
  readonly #host: RegionHost;
  readonly #view: DataView;
  readonly #table: WebAssembly.Table;
  readonly #firstHandler: number;
  /** What any region may ask for. */
  readonly #imports: WebAssembly.Imports;
  readonly #reader: CodeReader;
  readonly #chooser: Chooser;
  readonly #regions = new Map<number, Region>();
  readonly #roots = new Map<number, Region>();
  /** How often a region was made of a root. */
  readonly #versions = new Map<number, number>();
  readonly #byPage = new Map<number, Set<Region>>();
  readonly #free: number[] = [];
  /** Roots of which a region lost its ranges, and the regions that have and are yet to be dropped. */
  readonly #unsteady = new Set<number>();
  readonly #lost = new Set<Region>();
  #nextSlot = 0;
  #patience: number;
  /** What looking and making may yet cost, in interpreted instructions; below 0 when the last cost more. */
  #credit: number;
  /** All instructions that were run. */
  #ran = 0;
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
    this.#chooser = new Chooser(host, this.#reader, pace);
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

  /**
   * To be told, between two runs, of instructions that were run since, of those that the interpreter has run, and of
   * entries into regions.
   */
  note(ran: number, interpreted: number, entries: number): void {
    this.#dropLost();
    this.#ran += ran;
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
    for (const notes of [...this.#chooser.notes, this.#versions, this.#unsteady, this.#lost]) notes.clear();
  }

  /** A guest that generates code without end must not make notes without end. */
  #forgetMuch(): void {
    for (const notes of [...this.#chooser.notes, this.#reader, this.#versions, this.#unsteady]) {
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

  /** Watches what runs now and makes regions of it; true if any came of it. */
  #look(): boolean {
    const [made, making] = [this.#made, this.#making];
    const started = performance.now();
    this.#credit -= LOOK_COST;
    const way = this.#chooser.watch(this.pace.watched);
    while (this.#makeBest(way) && this.#credit > 0);
    this.#watching += performance.now() - started - (this.#making - making);
    return this.#made > made;
  }

  /** Makes the region that is worth it most for a way; false if none is. */
  #makeBest(way: Way): boolean {
    const plan = this.#chooser.best(way, this.#roots, this.#ran, (root) => this.#versions.get(root) ?? 0);
    if (!plan) return false;
    const planned = performance.now();
    this.#install(plan);
    this.#making += performance.now() - planned;
    return true;
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
    this.#reader.readAnew();
    const plan = formPlan(this.#reader, profile, root, key);
    return plan !== undefined && this.#install(plan);
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
      this.#chooser.giveUp(root);
      return false;
    }
    const validity = REGION_VALIDITY + slot * 4;
    this.#view.setUint32(validity, this.#mappingChanges(), true);
    const ranges = this.#rangesFor(root, key);
    const bytes = compile(blocks, { slot, validity, refusal: place.original, key, ranges });
    if (!bytes) {
      this.#host.cache.undivert(place.record, place.original, handler);
      this.#free.push(slot);
      this.#chooser.giveUp(root);
      return false;
    }
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), this.#imports);
    if (handler >= this.#table.length) this.#table.grow(64);
    this.#table.set(handler, instance.exports[REGION]);
    const guestInstructions = sizeOf(blocks);
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
