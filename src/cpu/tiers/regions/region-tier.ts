/**
 * Finds code that is hot, makes regions of it and puts them where the interpreter comes by. It looks when the
 * interpreter has run many instructions by itself: then it has the next few thousand run one by one and takes note of
 * the way they go. Which region is made when makes no difference to the guest.
 *
 * A region holds as long as the bytes that it was made of, and where they are. The first the code cache watches; of the
 * second a region asks when the mapping has changed since it was last entered.
 */
import { GUEST_PAGE_SIZE, MOST_REGIONS, RAM_BASE, REGION_VALIDITY } from '../../../memory/layout.js';
import '../../semantics/all.js';
import { DECODE_OK, decode, MAXIMUM_LENGTH } from '../../decode/decoder.js';
import { DecodedInstruction } from '../../decode/instruction.js';
import * as state from '../../state.js';
import { RegionKey } from '../../state.js';
import type { StateView } from '../../state-view.js';
import type { CodeCache } from '../interpreter/code-cache.js';
import { compileRegion, REGION, REVALIDATE } from './compile.js';
import type { Located } from './context.js';
import { type Block, formRegion } from './graph.js';
import { Profile } from './profile.js';
import { isTranslatable } from './translatable.js';

/** What the tier needs of the CPU. */
export interface RegionHost {
  readonly memory: WebAssembly.Memory;
  readonly state: StateView;
  readonly cache: CodeCache;
  /** What the interpreter's module exports: the handlers' table, and routines by name. */
  readonly exports: WebAssembly.Exports;
  /** Features that the processor does not have. */
  readonly absent: ReadonlySet<string>;
  /** Runs one instruction; false if something came of it that ends a run. */
  step(): boolean;
  /** Physical address of a linear one, or undefined if it could not be fetched from now. */
  translate(linear: number): number | undefined;
  isRam(physical: number): boolean;
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
  /** RIPs of its instructions. */
  readonly instructions: ReadonlySet<number>;
  /** Linear and physical addresses of its pages. */
  readonly pages: ReadonlyMap<number, number>;
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
}

export const USUAL: Pace = { grain: 1 << 20, soon: 20_000, late: 400_000, watched: 3000, hot: 6 };
/** Whatever runs twice is hot. */
export const EAGER: Pace = { grain: 500, soon: 200, late: 200, watched: 200, hot: 2 };

/** WebAssembly held at once, in bytes: V8 makes some ten times as much of it. */
const MOST_CODE = 16 << 20;
/** Entries of what is remembered of code that may be gone: then all is forgotten. */
const MOST_NOTES = 50_000;
/** What it costs to go into a region and out again, in interpreted instructions. */
const ENTRY_COST = 10;
/** What part of a way may lie outside a region that its root is on. */
const OUTSIDE = 10;
/** A region is made anew, with what was learnt since, so many times at most. */
const MOST_VERSIONS = 4;
/** How much more often a function must be come by than a loop to be the better root. */
const CALLED = 8;

export class RegionTier {
  readonly #host: RegionHost;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #table: WebAssembly.Table;
  readonly #firstHandler: number;
  readonly #profile = new Profile();
  readonly #regions = new Map<number, Region>();
  readonly #roots = new Map<number, Region>();
  /** How often a region was made of a root. */
  readonly #versions = new Map<number, number>();
  readonly #byPage = new Map<number, Set<Region>>();
  readonly #free: number[] = [];
  /** Whether the instruction at a RIP was a call or a return when it was last looked at. */
  readonly #calls = new Map<number, boolean>();
  readonly #translatable = new Map<string, boolean>();
  /** Roots that no region could be made of. */
  readonly #hopeless = new Set<number>();
  #nextSlot = 0;
  #patience: number;
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
    this.#view = new DataView(host.memory.buffer);
    this.#bytes = new Uint8Array(host.memory.buffer);
    this.#table = host.exports.handlers as WebAssembly.Table;
    this.#firstHandler = this.#table.length;
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
    this.#heat += interpreted + entries * ENTRY_COST;
    if (this.#heat < this.#patience) return;
    this.#heat = 0;
    this.#forgetMuch();
    const made = this.#look();
    this.#patience = made ? this.pace.soon : Math.min(this.pace.late, this.#patience * 1.5);
  }

  /** Drops all regions; none may be running. */
  reset(): void {
    for (const region of [...this.#regions.values()]) this.#drop(region);
    this.#profile.clear();
    this.#hopeless.clear();
    this.#versions.clear();
    this.#calls.clear();
  }

  /** A guest that generates code without end must not make notes without end. */
  #forgetMuch(): void {
    for (const notes of [this.#profile, this.#hopeless, this.#translatable, this.#versions, this.#calls]) {
      if (notes.size > MOST_NOTES) notes.clear();
    }
  }

  #dropPage(physicalPage: number): void {
    for (const region of this.#byPage.get(physicalPage) ?? []) this.#drop(region);
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
    const key = this.#host.state.get32(state.regionKey);
    if ((key & ~RegionKey.user & 0xff) !== 64 || key & RegionKey.alignment) return false;
    const started = performance.now();
    const way = this.#watch(key);
    this.#watching += performance.now() - started;
    const counts = new Map<number, number>();
    const called = new Set<number>();
    for (let n = 1; n < way.length; n++) {
      const [from, to] = [way[n - 1] as number, way[n] as number];
      if (to > from && to <= from + MAXIMUM_LENGTH) continue;
      counts.set(to, (counts.get(to) ?? 0) + 1);
      if (this.#isCallOrReturn(from, key)) called.add(to);
    }
    const hot = [...counts].filter(([rip, count]) => count >= this.pace.hot && !this.#hopeless.has(rip));
    // A loop makes a better root than a function, which may be called from several.
    const worth = ([rip, count]: [number, number]): number => (called.has(rip) ? count / CALLED : count);
    hot.sort((a, b) => worth(b) - worth(a));
    const root = hot.find(([rip]) => this.#lacks(rip, way))?.[0];
    if (root === undefined) return false;
    const before = performance.now();
    const made = this.#make(root, key);
    this.#making += performance.now() - before;
    return made;
  }

  #isCallOrReturn(rip: number, key: number): boolean {
    let answer = this.#calls.get(rip);
    if (answer === undefined) {
      const mnemonic = this.#fetch(rip, key, new Map())?.instruction.entry.mnemonic;
      answer = mnemonic === 'CALL' || mnemonic === 'RET';
      this.#calls.set(rip, answer);
    }
    return answer;
  }

  /** Whether a region at a root would keep more of a way to itself than what there is. */
  #lacks(root: number, way: readonly number[]): boolean {
    const region = this.#roots.get(root);
    if (region) {
      const outside = way.reduce((count, rip) => count + (region.instructions.has(rip) ? 0 : 1), 0);
      return outside > way.length / OUTSIDE && (this.#versions.get(root) ?? 0) < MOST_VERSIONS;
    }
    const start = way.findIndex((rip) => this.#roots.has(rip));
    const before = way.indexOf(root);
    return start < 0 || before < start;
  }

  /** RIPs as they come, in one mode. */
  #watch(key: number): number[] {
    const way = [this.#rip()];
    for (let n = 0; n < this.pace.watched; n++) {
      if (!this.#host.step() || this.#host.state.get32(state.regionKey) !== key) break;
      const rip = this.#rip();
      this.#profile.note(way[n] as number, rip);
      way.push(rip);
    }
    return way;
  }

  #rip(): number {
    const { address } = state.rip;
    return this.#view.getInt32(address + 4, true) * 2 ** 32 + this.#view.getUint32(address, true);
  }

  #make(root: number, key: number): boolean {
    const pages = new Map<number, number>();
    const blocks = formRegion(root, this.#profile, (rip) => this.#fetch(rip, key, pages));
    if (blocks.length === 0) {
      this.#hopeless.add(root);
      return false;
    }
    return this.#install(root, blocks, pages, key);
  }

  #install(root: number, blocks: readonly Block[], pages: ReadonlyMap<number, number>, key: number): boolean {
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
    this.#view.setUint32(validity, this.#host.state.get32(state.mappings), true);
    const bytes = compile(blocks, { slot, validity, refusal: place.original, key });
    if (!bytes) {
      this.#host.cache.undivert(place.record, place.original, handler);
      this.#free.push(slot);
      this.#hopeless.add(root);
      return false;
    }
    const env = {
      memory: this.#host.memory,
      ...this.#host.exports,
      [REVALIDATE]: (n: number) => this.#revalidate(n),
    };
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env });
    if (handler >= this.#table.length) this.#table.grow(64);
    this.#table.set(handler, instance.exports[REGION]);
    const guestInstructions = blocks.reduce((sum, { instructions }) => sum + instructions.length, 0);
    const codeBytes = bytes.length;
    const instructions = new Set(blocks.flatMap((block) => block.instructions.map(({ rip }) => rip)));
    const region = { slot, handler, root, ...place, instructions, pages, guestInstructions, codeBytes };
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
    this.#view.setUint32(REGION_VALIDITY + slot * 4, this.#host.state.get32(state.mappings), true);
    return 1;
  }

  #physical(rip: number, pages: ReadonlyMap<number, number>): number {
    const offset = modulo(rip);
    return (pages.get(rip - offset) as number) + offset;
  }

  /** The instruction at a RIP, if it can be part of a region. @param pages linear → physical; more are added */
  #fetch(rip: number, key: number, pages: Map<number, number>): Located | undefined {
    const offset = modulo(rip);
    if (this.#host.cache.mayBreakAt(offset)) return undefined;
    const first = this.#page(rip - offset, pages);
    if (first === undefined) return undefined;
    const instruction = new DecodedInstruction();
    const inPage = Math.min(MAXIMUM_LENGTH, GUEST_PAGE_SIZE - offset);
    const window = new Uint8Array(MAXIMUM_LENGTH);
    window.set(this.#bytes.subarray(RAM_BASE + first + offset, RAM_BASE + first + offset + inPage));
    let status = decode(window, 0, inPage, 64, instruction, this.#host.absent);
    if (status !== DECODE_OK && inPage < MAXIMUM_LENGTH) {
      const second = this.#page(rip + inPage, pages);
      if (second === undefined) return undefined;
      window.set(
        this.#bytes.subarray(RAM_BASE + second, RAM_BASE + second + MAXIMUM_LENGTH - inPage),
        inPage,
      );
      status = decode(window, 0, MAXIMUM_LENGTH, 64, instruction, this.#host.absent);
      if (status === DECODE_OK) this.#host.cache.watch(second, instruction.length - inPage);
    }
    if (status !== DECODE_OK || !this.#canBePart(instruction, key)) return undefined;
    if (!leadsSomewhere(rip, instruction)) return undefined;
    this.#host.cache.watch(first + offset, Math.min(inPage, instruction.length));
    return { rip, instruction };
  }

  #page(linear: number, pages: Map<number, number>): number | undefined {
    const known = pages.get(linear);
    if (known !== undefined) return known;
    const physical = this.#host.translate(linear);
    if (physical === undefined || !this.#host.isRam(physical)) return undefined;
    pages.set(linear, physical);
    return physical;
  }

  #canBePart(instruction: DecodedInstruction, key: number): boolean {
    const { entry, operandSize, addressSize, vectorLength, prefixes, isMemory } = instruction;
    const kind = [entry.id, operandSize, addressSize, vectorLength, prefixes, isMemory, key].join();
    const known = this.#translatable.get(kind);
    if (known !== undefined) return known;
    const answer = isTranslatable(instruction, key);
    this.#translatable.set(kind, answer);
    return answer;
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

/** False of a jump to an address that is not canonical: no code can be there. */
function leadsSomewhere(rip: number, { entry, length, immediateLow }: DecodedInstruction): boolean {
  if (!entry.operands.some(({ source }) => source === 'relative')) return true;
  const target = rip + length + immediateLow;
  return target >= -(2 ** 47) && target < 2 ** 47;
}

/** Offset in its page, also of a negative address. */
function modulo(rip: number): number {
  return ((rip % GUEST_PAGE_SIZE) + GUEST_PAGE_SIZE) % GUEST_PAGE_SIZE;
}
