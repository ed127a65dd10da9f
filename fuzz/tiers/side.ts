/**
 * One of the two processors of fuzz/tiers with what is around it: a bus whose answers follow from what it was asked,
 * and that now and then raises an interrupt, writes code or tables like a device, or cuts the run short.
 */
import type { Bus } from '../../src/cpu/bus.js';
import { Cpu } from '../../src/cpu/cpu.js';
import type { Exit } from '../../src/cpu/exit.js';
import type { Interpreter } from '../../src/cpu/tiers/interpreter/load.js';
import type { Pace } from '../../src/cpu/tiers/regions/pace.js';
import { RegionTier } from '../../src/cpu/tiers/regions/region-tier.js';
import { RAM_BASE } from '../../src/memory/layout.js';
import { CODE, CODE_BYTES, LOW_TABLE, RAM } from './layout.js';
import { differencesInState, sameState, wholeMemory } from './same-state.js';

export class Side {
  readonly cpu: Cpu;
  readonly ram: Uint8Array;
  readonly #waiting: number[] = [];
  #tier: RegionTier | undefined;
  /** Accesses to the bus so far, and a sum of all that they were. */
  #accesses = 0;
  #log = 0;

  /** @param pace of the regions; without it there are none */
  constructor(interpreter: Interpreter, pace?: Pace) {
    this.cpu = new Cpu({
      interpreter,
      ramSize: RAM,
      bus: this.#bus(),
      interrupts: {
        pending: () => this.#waiting.length > 0,
        acknowledge: () => this.#waiting.shift() ?? 0xff,
      },
    });
    this.ram = new Uint8Array(wholeMemory(this.cpu), RAM_BASE, RAM);
    if (!pace) return;
    this.cpu.useRegions((host) => {
      this.#tier = new RegionTier(host, pace);
      return this.#tier;
    });
  }

  /** Instructions that regions have run since the processor's reset. */
  get inRegions(): number {
    return Number(this.cpu.regionStatistics?.instructions ?? 0n);
  }
  get made(): number {
    return this.cpu.regionStatistics?.made ?? 0;
  }

  evict(): void {
    this.#tier?.reset();
  }

  raise(vector: number): void {
    this.#waiting.push(vector);
    this.cpu.interruptRaised();
  }

  forgetInterrupts(): void {
    this.#waiting.length = 0;
    this.#accesses = 0;
    this.#log = 0;
  }

  run(limit: number): Exit['kind'] | string {
    try {
      return this.cpu.run(limit).kind;
    } catch (error) {
      return error instanceof Error ? `${error.name}: ${error.message} ${error.stack}` : String(error);
    }
  }

  /** Whether there is no difference to be seen but for memory. */
  equals(other: Side): boolean {
    return (
      sameState(this.cpu, other.cpu) && this.#numbers().every((value, n) => value === other.#numbers()[n])
    );
  }

  #numbers(): number[] {
    return [this.#accesses, this.#log, this.#waiting.length];
  }

  /** What differs, by name. */
  differences(other: Side): string[] {
    const found = differencesInState(this.cpu, other.cpu);
    const theirs = other.#numbers();
    for (const [n, mine] of this.#numbers().entries()) {
      const name = ['accesses', 'their sum', 'interrupts waiting'][n];
      const its = theirs[n] as number;
      if (mine !== its) found.push(`${name}: ${mine.toString(16)}, not ${its.toString(16)}`);
    }
    return found;
  }

  /** Sums up what the bus is asked, and does on occasion what devices do. */
  #asked(kind: number, address: number, width: number, value: number): number {
    this.#accesses += 1;
    this.#log = (Math.imul(this.#log ^ address ^ value, 0x01000193) + kind + width * 8) | 0;
    const chance = (Math.imul(this.#log, 0x9e3779b1) >>> 16) & 0xff;
    if (chance < 16) this.raise(32 + chance);
    else if (chance < 20) this.cpu.stop();
    else if (chance < 28) this.cpu.limit(chance);
    else if (chance < 36) this.#writeLikeADevice();
    return (Math.imul(this.#log, 0x85ebca6b) >>> 0) % 2 ** (8 * width);
  }

  #writeLikeADevice(): void {
    if (this.#log & 0x40) {
      const entry = LOW_TABLE + ((this.#log >>> 7) & 0x1ff) * 8;
      const flip = [1, 2, 0x20, 0x60][(this.#log >>> 16) & 3] as number;
      this.cpu.memory.store(entry, 1, (this.cpu.memory.read(entry, 1) ?? 0) ^ flip);
      return;
    }
    const at = CODE + ((this.#log >>> 7) % (CODE_BYTES - 8));
    this.cpu.memory.write(at, Uint8Array.of(this.#log & 0xff, (this.#log >> 8) & 0xff));
  }

  #bus(): Bus {
    return {
      readPort: (port, width) => this.#asked(0, port, width, 0),
      writePort: (port, width, value) => void this.#asked(1, port, width, value),
      readMemory: (address, width) => this.#asked(2, address, width, 0),
      writeMemory: (address, width, value) => void this.#asked(3, address, width, value),
    };
  }
}
