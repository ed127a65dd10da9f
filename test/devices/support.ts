/** What the device tests stand in for a machine: a clock turned by hand, lines and a console that can be looked into. */
import type {
  Clock,
  Console,
  ConsoleReceiver,
  InterruptLine,
  PowerControl,
  Timer,
  WallClock,
} from '../../src/devices/backends.js';
import type {
  AccessWidth,
  BusDevice,
  DeviceState,
  MmioDevice,
  PortDevice,
} from '../../src/devices/device.js';
import { TimerQueue } from '../../src/hypervisor/timer-queue.js';

export class TestClock implements Clock, WallClock {
  time = 0;
  epoch = Date.UTC(2026, 0, 1);
  readonly queue = new TimerQueue();

  now(): bigint {
    return BigInt(this.time);
  }

  wallTime(): number {
    return this.epoch + Math.floor(this.time / 1e6);
  }

  schedule(deadline: bigint, action: () => void): Timer {
    return this.queue.schedule(deadline, action);
  }

  /** Passes to `time`, stopping at every deadline on the way. */
  advanceTo(time: number): void {
    while (this.nextDeadline <= time) {
      this.time = Math.max(this.time, this.nextDeadline);
      this.runDue();
    }
    this.time = time;
  }

  /** Infinity if there is none. */
  get nextDeadline(): number {
    return Number(this.queue.nextDeadline() ?? Number.POSITIVE_INFINITY);
  }

  runDue(): number {
    return this.queue.runDue(this.now());
  }

  advance(nanoseconds: number): void {
    this.advanceTo(this.time + nanoseconds);
  }
}

export class TestLine implements InterruptLine {
  level = false;
  rises = 0;

  set(asserted: boolean): void {
    if (asserted && !this.level) this.rises++;
    this.level = asserted;
  }
}

export class TestConsole implements Console {
  readonly closed = false;
  onClosed: (() => void) | undefined;
  readonly written: number[] = [];
  input: number[] = [];
  #receiver: ConsoleReceiver | undefined;

  write(bytes: Uint8Array): void {
    this.written.push(...bytes);
  }

  connect(receiver: ConsoleReceiver): void {
    this.#receiver = receiver;
    this.ready();
  }

  ready(): void {
    if (this.input.length === 0) return;
    const taken = this.#receiver?.(Uint8Array.from(this.input)) ?? 0;
    this.input = this.input.slice(taken);
  }

  drained(): undefined {
    return undefined;
  }

  send(...bytes: number[]): void {
    this.input.push(...bytes);
    this.ready();
  }

  get text(): string {
    return String.fromCharCode(...this.written);
  }
}

export class TestPower implements PowerControl {
  readonly events: string[] = [];

  exit(status: number): void {
    this.events.push(`exit ${status}`);
  }

  powerOff(): void {
    this.events.push('off');
  }

  reset(): void {
    this.events.push('reset');
  }

  suspend(alarmWakes: boolean): void {
    this.events.push(alarmWakes ? 'suspend until the alarm' : 'suspend');
  }
}

/** Reads and writes by absolute port, a byte unless told otherwise. */
export class Ports {
  constructor(readonly device: PortDevice) {}

  read(port: number, width: AccessWidth = 1): number {
    const [region, offset] = this.#locate(port);
    return this.device.readPort(region, offset, width);
  }

  write(port: number, value: number, width: AccessWidth = 1): void {
    const [region, offset] = this.#locate(port);
    this.device.writePort(region, offset, width, value);
  }

  #locate(port: number): [number, number] {
    const regions = this.device.portRegions;
    const region = regions.findIndex(({ base, length }) => port >= base && port < base + length);
    const base = regions[region]?.base;
    if (base === undefined) throw new Error(`port ${port} is not ${this.device.name}'s`);
    return [region, port - base];
  }
}

/** A device's ports and then its memory, all as ports of one numbering, for what is tested the same way. */
export class AllAsPorts implements PortDevice {
  readonly name: string;
  readonly #ports: PortDevice | undefined;
  readonly #memory: MmioDevice | undefined;

  constructor(readonly device: BusDevice) {
    this.name = device.name;
    this.#ports = 'portRegions' in device ? device : undefined;
    this.#memory = 'mmioRegions' in device ? device : undefined;
  }

  get portRegions(): PortDevice['portRegions'] {
    return [...(this.#ports?.portRegions ?? []), ...(this.#memory?.mmioRegions ?? [])];
  }

  flush(): void {
    this.device.flush?.();
  }

  reset(): void {
    this.device.reset();
  }

  readPort(region: number, offset: number, width: AccessWidth): number {
    const count = this.#ports?.portRegions.length ?? 0;
    if (region < count) return this.#ports?.readPort(region, offset, width) ?? 0;
    return this.#memory?.readMmio(region - count, offset, width) ?? 0;
  }

  writePort(region: number, offset: number, width: AccessWidth, value: number): void {
    const count = this.#ports?.portRegions.length ?? 0;
    if (region < count) this.#ports?.writePort(region, offset, width, value);
    else this.#memory?.writeMmio(region - count, offset, width, value);
  }

  save(): DeviceState {
    return this.device.save();
  }

  restore(state: DeviceState): void {
    this.device.restore(state);
  }
}

/** Repeatable numbers below 2^32 (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}
