/**
 * The attack: random instructions with random state, in every mode, and what must hold after each run: the host threw
 * nothing, the run kept to its budget, the bus was asked nothing that it does not know, and the invariants. Everything
 * follows from a seed and the number of a world, so that a finding can be repeated.
 */
import type { Bus } from '../../src/cpu/bus.js';
import { Cpu } from '../../src/cpu/cpu.js';
import * as state from '../../src/cpu/state.js';
import { CPU_MODELS, type CpuModelName, cpuModel } from '../../src/cpu/system/cpu-model.js';
import type { Interpreter } from '../../src/cpu/tiers/interpreter/load.js';
import { ForcedTier } from '../forced-regions.js';
import { Random } from '../random.js';
import { Invariants } from './invariants.js';
import { HostileWorld, noise, RAM } from './world.js';

const SHOTS_PER_WORLD = 400;
const LONGEST_SHOT = 64;
/** Little space for decoded code, so that it is often used up. */
const TIGHT = 160 << 10;
/** Processors without regions. */
const PLAIN_TARGETS = 2 * CPU_MODELS.length;
const HIGHEST_ADDRESS = 2 ** 52;

export interface Finding {
  readonly seed: number;
  readonly world: number;
  readonly shot: number;
  readonly mode: string;
  readonly model: CpuModelName;
  readonly what: string;
}

export interface AttackResult {
  /** Instructions begun and exceptions taken. */
  readonly instructions: number;
  readonly runs: number;
  /** Exceptions and interrupts delivered. */
  readonly exceptions: number;
  readonly worlds: number;
  /** Instructions. */
  readonly byMode: Readonly<Record<string, number>>;
  readonly byModel: Readonly<Record<string, number>>;
  /** Those that ended in regions. */
  readonly inRegions: number;
  /** Runs. */
  readonly byExit: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
}

interface Target {
  readonly model: CpuModelName;
  readonly cpu: Cpu;
  readonly invariants: Invariants;
}

export class Attack {
  /** By model, and of each one with much and one with little space for code; then the same with regions. */
  readonly #targets: readonly Target[];
  readonly #background: Uint8Array;
  readonly #findings: Finding[] = [];
  readonly #byMode: Record<string, number> = {};
  readonly #byModel: Record<string, number> = {};
  readonly #byExit: Record<string, number> = {};
  #instructions = 0;
  #runs = 0;
  #worlds = 0;
  #exceptions = 0;
  #inRegions = 0;
  #random = new Random(0);
  /** What the bus was asked and does not know. */
  #misuse: string | undefined;
  #interrupting = false;

  constructor(
    interpreter: Interpreter,
    private readonly seed: number,
  ) {
    this.#background = noise(new Random(seed));
    const targets = (): Target[] =>
      CPU_MODELS.flatMap((model) => [
        this.#target(interpreter, model),
        this.#target(interpreter, model, TIGHT),
      ]);
    this.#targets = [...targets(), ...targets()];
    for (const { cpu } of this.#targets.slice(PLAIN_TARGETS)) {
      cpu.useRegions((host) => new ForcedTier(host));
    }
  }

  #target(interpreter: Interpreter, name: CpuModelName, codeSpace?: number): Target {
    const model = cpuModel(name);
    const cpu = new Cpu({
      interpreter,
      model,
      ...(codeSpace !== undefined && { codeSpace }),
      ramSize: RAM,
      bus: this.#bus(),
      interrupts: {
        pending: () => this.#interrupting,
        acknowledge: () => {
          this.#interrupting = false;
          return this.#random.byte();
        },
      },
    });
    return { model: name, cpu, invariants: new Invariants(cpu, model, codeSpace) };
  }

  /** Attacks in one more world. @param number which: the same one is the same attack */
  world(number: number): void {
    const random = new Random(this.seed, number + 1);
    this.#random = random;
    const model = Math.min(random.below(2 * CPU_MODELS.length), CPU_MODELS.length - 1);
    const plain = 2 * model + random.below(2);
    const target = this.#targets[number % 2 ? plain + PLAIN_TARGETS : plain] as Target;
    const { cpu, invariants } = target;
    const world = new HostileWorld(cpu, cpuModel(target.model), random, this.#background);
    const found = (shot: number, what: string): void => {
      const { seed } = this;
      this.#findings.push({ seed, world: number, shot, mode: world.mode, model: target.model, what });
    };
    const first = invariants.stateBytes.slice();
    const begun = cpu.retired;
    for (let shot = 0; shot < SHOTS_PER_WORLD; shot++) {
      // Regions tell by this count that the mapping has changed: it only grows.
      const mappings = cpu.state.get32(state.mappings);
      invariants.stateBytes.set(first);
      cpu.state.set32(state.mappings, mappings);
      world.load();
      for (const what of this.#shoot(target)) found(shot, what);
      if (shot === SHOTS_PER_WORLD - 1) for (const what of invariants.caches()) found(shot, what);
      for (const what of invariants.afterRun()) found(shot, what);
      if (this.#findings.length > 0) return;
      if (random.oneIn(16)) this.#writeFromOutside(cpu);
    }
    for (const what of invariants.memory()) found(SHOTS_PER_WORLD, what);
    const done = cpu.retired - begun;
    this.#instructions += done;
    this.#worlds++;
    this.#byMode[world.mode] = (this.#byMode[world.mode] ?? 0) + done;
    this.#byModel[target.model] = (this.#byModel[target.model] ?? 0) + done;
  }

  get instructions(): number {
    return this.#instructions;
  }

  get findings(): readonly Finding[] {
    return this.#findings;
  }

  result(): AttackResult {
    return {
      instructions: this.#instructions,
      runs: this.#runs,
      exceptions: this.#exceptions,
      worlds: this.#worlds,
      byMode: this.#byMode,
      byModel: this.#byModel,
      inRegions: this.#inRegions,
      byExit: this.#byExit,
      findings: this.#findings,
    };
  }

  *#shoot({ cpu }: Target): Generator<string> {
    const limit = 1 + this.#random.below(LONGEST_SHOT);
    cpu.synchronise();
    const before = cpu.retired;
    const deliveries = cpu.state.get32(state.deliveries);
    this.#interrupting = this.#random.oneIn(8);
    this.#misuse = undefined;
    let kind = 'throw';
    try {
      kind = cpu.run(limit).kind;
    } catch (error) {
      yield error instanceof Error ? `${error.name}: ${error.message} ${error.stack}` : String(error);
    }
    this.#runs++;
    this.#inRegions += cpu.regionStatistics?.instructions ?? 0;
    this.#byExit[kind] = (this.#byExit[kind] ?? 0) + 1;
    const begun = cpu.retired - before;
    this.#exceptions += cpu.state.get32(state.deliveries) - deliveries;
    if (begun > limit || begun < 0) yield `${begun} instructions of ${limit} were run`;
    if (kind === 'limit' && begun !== limit) yield `${begun} instructions of ${limit} reached the limit`;
    if (kind === 'shutdown' && !cpu.shutdownCause) yield 'a shutdown has no cause';
    if (this.#misuse !== undefined) yield this.#misuse;
  }

  /** As a device does. */
  #writeFromOutside(cpu: Cpu): void {
    const random = this.#random;
    const bytes = Uint8Array.from({ length: 1 + random.below(300) }, () => random.byte());
    cpu.memory.write(random.oneIn(2) ? 0x20000 + random.below(0x4000) : random.below(RAM), bytes);
  }

  #bus(): Bus {
    const check = (what: string, address: number, width: number, most: number): void => {
      const fits = Number.isInteger(address) && address >= 0 && address + width <= most;
      if (!fits || ![1, 2, 4].includes(width)) this.#misuse = `${what} of ${width} bytes at ${address}`;
      if (this.#random.oneIn(4)) {
        this.#interrupting = true;
        for (const { cpu } of this.#targets) cpu.interruptRaised();
      }
    };
    const answer = (width: number): number =>
      this.#random.oneIn(2) ? 2 ** (8 * width) - 1 : this.#random.next() % 2 ** (8 * width);
    return {
      readPort: (port, width) => {
        check('port read', port, width, 0x10003);
        return answer(width);
      },
      writePort: (port, width) => check('port write', port, width, 0x10003),
      readMemory: (address, width) => {
        check('read', address, width, HIGHEST_ADDRESS);
        return answer(width);
      },
      writeMemory: (address, width) => check('write', address, width, HIGHEST_ADDRESS),
    };
  }
}
