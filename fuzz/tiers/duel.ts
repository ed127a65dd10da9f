/**
 * The duel: the same random world in two processors, one of which makes regions of all that runs twice. Both run the
 * same slices, with the same interrupts and the same writes from outside, and must then be the same to the last bit.
 * Everything follows from a seed and the number of a world.
 */
import * as state from '../../src/cpu/state.js';
import type { Interpreter } from '../../src/cpu/tiers/interpreter/load.js';
import { EAGER, type Pace } from '../../src/cpu/tiers/regions/pace.js';
import { Random } from '../random.js';
import { HIGH_TABLE, LOW_TABLE, RAM } from './layout.js';
import { randomPage } from './program.js';
import { Side } from './side.js';
import { World } from './world.js';

/** Whatever runs twice is hot, and looked for often. */
const PACE: Pace = { ...EAGER, grain: 400, soon: 150, late: 150, watched: 250 };
const SLICES = 150;

export interface Finding {
  readonly seed: number;
  readonly world: number;
  readonly slice: number;
  /** Instructions of the slice after which it shows first. */
  readonly after: number;
  readonly what: readonly string[];
}

export interface DuelResult {
  readonly worlds: number;
  readonly instructions: number;
  readonly inRegions: number;
  readonly regions: number;
  /** Worlds in which regions ran. */
  readonly worldsWithRegions: number;
  readonly exceptions: number;
  readonly findings: readonly Finding[];
}

export class Duel {
  readonly #plain: Side;
  readonly #regions: Side;
  readonly #findings: Finding[] = [];
  #worlds = 0;
  #instructions = 0;
  #inRegions = 0;
  #worldsWithRegions = 0;
  #exceptions = 0;
  #slices = 0;

  constructor(
    interpreter: Interpreter,
    private readonly seed: number,
  ) {
    this.#plain = new Side(interpreter);
    this.#regions = new Side(interpreter, PACE);
  }

  get instructions(): number {
    return this.#instructions;
  }

  get findings(): readonly Finding[] {
    return this.#findings;
  }

  result(): DuelResult {
    return {
      worlds: this.#worlds,
      instructions: this.#instructions,
      inRegions: this.#inRegions,
      regions: this.#regions.made,
      worldsWithRegions: this.#worldsWithRegions,
      exceptions: this.#exceptions,
      findings: this.#findings,
    };
  }

  /** Duels in one more world. @param number which: the same one is the same duel */
  world(number: number): void {
    const differs = this.#differsIn(number, SLICES, undefined);
    this.#worlds++;
    this.#instructions += this.#plain.cpu.retired;
    this.#exceptions += this.#plain.cpu.state.get32(state.deliveries);
    const { inRegions } = this.#regions;
    this.#inRegions += inRegions;
    if (inRegions > 0) this.#worldsWithRegions++;
    if (differs) this.#narrow(number, differs);
  }

  /** Finds the instruction after which a difference shows first. */
  #narrow(world: number, seen: readonly string[]): void {
    const slice = this.#slices;
    let [low, high] = [0, this.#lastLimit];
    let what = seen;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      const differs = this.#differsIn(world, slice, middle);
      if (differs) [high, what] = [middle, differs];
      else low = middle;
    }
    this.#findings.push({ seed: this.seed, world, slice, after: high, what });
  }

  #lastLimit = 0;

  /** Runs a world's slices until one ends differently: what differs. @param cut instead of the last slice's length */
  #differsIn(number: number, slices: number, cut: number | undefined): readonly string[] | undefined {
    const random = new Random(this.seed, number + 1);
    const world = new World(random);
    const sides = [this.#plain, this.#regions] as const;
    this.#regions.evict();
    for (const side of sides) {
      side.forgetInterrupts();
      world.load(side.cpu);
    }
    for (let slice = 1; slice <= slices; slice++) {
      this.#slices = slice;
      const drawn = this.#prepare(world, random, slice === 1);
      const limit = slice === slices ? (cut ?? drawn) : drawn;
      this.#lastLimit = limit;
      const [plain, regions] = sides.map((side) => side.run(limit));
      const ends = plain === regions ? [] : [`it ends by ${regions}, not ${plain}`];
      if (ends.length > 0 || !this.#regions.equals(this.#plain) || !this.#sameMemory()) {
        const where = this.#differentMemory();
        const all = [...ends, ...this.#regions.differences(this.#plain), ...where];
        if (all.length > 0) return all;
      }
    }
    return undefined;
  }

  /** What happens between two slices. @returns how many instructions may begin */
  #prepare(world: World, random: Random, first: boolean): number {
    const sides = [this.#plain, this.#regions] as const;
    if (first || random.oneIn(8) || this.#plain.cpu.shutdownCause) {
      const start = world.start();
      for (const side of sides) {
        world.repair(side.cpu);
        world.enter(side.cpu, start);
      }
    }
    if (random.oneIn(4)) {
      const vector = random.between(32, 255);
      for (const side of sides) side.raise(vector);
    }
    if (random.oneIn(12)) {
      const { address, bytes } = world.slot();
      for (const side of sides) side.cpu.memory.write(address, bytes);
    }
    if (random.oneIn(12)) this.#changeMapping(random);
    if (random.oneIn(24)) this.#regions.evict();
    return random.oneIn(3) ? random.between(1, 60) : random.between(1, random.oneIn(3) ? 8000 : 1500);
  }

  /** An entry's present, accessed, dirty or writable bit, with a flush or without. */
  #changeMapping(random: Random): void {
    const entry = random.pick([LOW_TABLE, HIGH_TABLE]) + randomPage(random) * 8;
    const flip = random.pick([1, 2, 0x20, 0x40, 0x60]);
    const flush = random.oneIn(2);
    for (const side of [this.#plain, this.#regions]) {
      const before = side.cpu.memory.read(entry, 1) ?? 0;
      side.cpu.memory.write(entry, Uint8Array.of(before ^ flip));
      if (flush) side.cpu.synchronise();
    }
  }

  #sameMemory(): boolean {
    return Buffer.compare(this.#regions.ram, this.#plain.ram) === 0;
  }

  #differentMemory(): string[] {
    const [mine, its] = [this.#regions.ram, this.#plain.ram];
    const found: string[] = [];
    for (let n = 0; n < RAM && found.length < 8; n++) {
      if (mine[n] !== its[n]) found.push(`memory at ${n.toString(16)}: ${mine[n]}, not ${its[n]}`);
    }
    return found;
  }
}
