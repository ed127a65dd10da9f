/**
 * The part that all virtio devices share, whatever bus they are on: status, features, queues and interrupt causes
 * (virtio 1.2, chapter 2 and 3.1).
 *
 * A transport maps its registers to these methods; a class does the device's work. Nothing here throws for what a guest
 * does: a driver that breaks a rule finds DEVICE_NEEDS_RESET in the status, and the device does nothing more until it is
 * reset. Leaves out in-order use, shared memory regions and administration queues.
 */
import type { GuestMemory } from '../../memory/guest-memory.js';
import { DeviceStateError } from '../device.js';
import { boolean, integer, list, nullable, record, type Shape } from '../state-schema.js';
import type { VirtioClass, VirtioLink } from './device-class.js';
import { BrokenQueueError } from './queue/chain.js';
import { PackedQueue } from './queue/packed-queue.js';
import { SplitQueue } from './queue/split-queue.js';
import type { QueueCounters, Virtqueue } from './queue/virtqueue.js';

/** 2.1 "Device Status Field". */
export const Status = {
  acknowledge: 1,
  driver: 2,
  driverOk: 4,
  featuresOk: 8,
  needsReset: 64,
  failed: 128,
} as const;

/** Chapter 6 "Reserved Feature Bits". */
export const Feature = {
  indirectDescriptors: 1n << 28n,
  eventIndex: 1n << 29n,
  version1: 1n << 32n,
  ringPacked: 1n << 34n,
} as const;

/** Why the driver is interrupted: the bits of a transport's ISR. */
export const Cause = { queue: 1, configuration: 2 } as const;

/** What a transport does for the device. */
export interface VirtioTransport {
  /** `queue` is undefined for a change of the configuration. */
  interrupt(cause: number, queue: number | undefined): void;
}

/** A queue as its registers show it. */
interface QueueRegisters {
  size: number;
  ready: boolean;
  /** Physical addresses as the driver wrote them, 64 bits each. */
  descriptors: bigint;
  driver: bigint;
  device: bigint;
}

export type QueueAddress = 'descriptors' | 'driver' | 'device';

const STATUS_BITS = 0xff;

const half = integer(0, 0xffff_ffff);
/** 64 bits as two halves, the low one first. */
const wide: Shape<number[]> = list(half, 2, 2);
const counters = record({
  available: integer(0, 0xffff),
  used: integer(0, 0xffff),
  considered: integer(0, 0xffff),
});
const queueShape = record({
  size: integer(1, 32768),
  ready: boolean,
  descriptors: wide,
  driver: wide,
  device: wide,
  counters: nullable(counters),
});
/** What `VirtioCore.save` gives, without what the class saves. */
export const coreShape = record({
  status: integer(0, STATUS_BITS),
  accepted: wide,
  generation: integer(0, 0xff),
  isr: integer(0, 3),
  queues: list(queueShape, 0, 64),
});
export type CoreState = ReturnType<typeof coreShape>;

export interface VirtioCoreOptions {
  readonly memory: GuestMemory;
  readonly device: VirtioClass;
  /** Feature bits of the transport's own that it offers besides. */
  readonly transportFeatures?: bigint;
}

export class VirtioCore {
  readonly device: VirtioClass;
  readonly #memory: GuestMemory;
  readonly #offered: bigint;
  #transport: VirtioTransport = { interrupt: () => {} };
  #registers: QueueRegisters[];
  #queues: (Virtqueue | undefined)[] = [];
  #status = 0;
  #accepted = 0n;
  #generation = 0;
  #isr = 0;
  /** Counts resets: what an earlier life of the device completes is dropped. */
  #life = 0;

  constructor({ memory, device, transportFeatures = 0n }: VirtioCoreOptions) {
    this.#memory = memory;
    this.device = device;
    this.#offered =
      device.features |
      transportFeatures |
      Feature.version1 |
      Feature.eventIndex |
      Feature.indirectDescriptors |
      Feature.ringPacked;
    this.#registers = this.#freshRegisters();
  }

  /** Once, before the guest runs. */
  connect(transport: VirtioTransport): void {
    this.#transport = transport;
  }

  /** 32 of the bits offered. @param select which 32; others than 0 and 1 are 0 */
  deviceFeatures(select: number): number {
    return select < 2 ? Number((this.#offered >> BigInt(32 * select)) & 0xffff_ffffn) : 0;
  }

  /** 32 of the bits that the driver accepts; ignored once features are settled. */
  acceptFeatures(select: number, bits: number): void {
    if (select > 1 || this.#status & Status.featuresOk) return;
    const shift = BigInt(32 * select);
    this.#accepted = (this.#accepted & ~(0xffff_ffffn << shift)) | (BigInt(bits >>> 0) << shift);
  }

  acceptedFeatures(select: number): number {
    return select < 2 ? Number((this.#accepted >> BigInt(32 * select)) & 0xffff_ffffn) : 0;
  }

  get status(): number {
    return this.#status;
  }

  /** A write of 0 resets; bits are only ever added otherwise, and FEATURES_OK only sticks if the features do. */
  setStatus(value: number): void {
    if ((value & STATUS_BITS) === 0) {
      this.reset();
      return;
    }
    const added = value & ~this.#status & ~Status.needsReset;
    if (added & Status.featuresOk && !this.#featuresHold()) {
      this.#status |= added & ~(Status.featuresOk | Status.driverOk);
      return;
    }
    this.#status |= added;
    if (added & Status.driverOk) this.#start();
  }

  /** Interrupt causes since they were acknowledged. */
  get isr(): number {
    return this.#isr;
  }

  acknowledge(causes: number): void {
    this.#isr &= ~causes;
  }

  /** Changes when the configuration space does. */
  get generation(): number {
    return this.#generation;
  }

  get queueCount(): number {
    return this.#registers.length;
  }

  /** 0 for a queue that does not exist. */
  maxQueueSize(queue: number): number {
    return this.device.queueSizes[queue] ?? 0;
  }

  queueSize(queue: number): number {
    return this.#registers[queue]?.size ?? 0;
  }

  /** Ignored when it is no size that the queue can have, or the queue is in use. */
  setQueueSize(queue: number, size: number): void {
    const registers = this.#registers[queue];
    const isPossible = size > 0 && size <= this.maxQueueSize(queue) && (size & (size - 1)) === 0;
    if (registers && !registers.ready && isPossible) registers.size = size;
  }

  queueReady(queue: number): boolean {
    return this.#registers[queue]?.ready ?? false;
  }

  setQueueReady(queue: number, ready: boolean): void {
    const registers = this.#registers[queue];
    if (!registers) return;
    registers.ready = ready;
    // After DRIVER_OK too, as drivers that add queues late do.
    this.#queues[queue] = ready && this.#isRunning() ? this.#makeQueue(queue) : undefined;
  }

  /** 32 bits of one of a queue's addresses. */
  queueAddress(queue: number, which: QueueAddress, high: boolean): number {
    const address = this.#registers[queue]?.[which] ?? 0n;
    return Number((high ? address >> 32n : address) & 0xffff_ffffn);
  }

  setQueueAddress(queue: number, which: QueueAddress, high: boolean, value: number): void {
    const registers = this.#registers[queue];
    if (!registers || registers.ready) return;
    const before = registers[which];
    const half = BigInt(value >>> 0);
    registers[which] = high ? (half << 32n) | (before & 0xffff_ffffn) : (before & ~0xffff_ffffn) | half;
  }

  /** The driver says that a queue has buffers. */
  notify(queue: number): void {
    if (!this.#isRunning() || !this.#queues[queue]) return;
    this.#attempt(() => this.device.notified(queue));
  }

  reset(): void {
    this.#life += 1;
    this.device.reset();
    this.#status = 0;
    this.#accepted = 0n;
    this.#isr = 0;
    this.#queues = [];
    this.#registers = this.#freshRegisters();
  }

  save(): CoreState {
    return {
      status: this.#status,
      accepted: halves(this.#accepted),
      generation: this.#generation,
      isr: this.#isr,
      queues: this.#registers.map((registers, n) => ({
        size: registers.size,
        ready: registers.ready,
        descriptors: halves(registers.descriptors),
        driver: halves(registers.driver),
        device: halves(registers.device),
        counters: this.#queues[n]?.save() ?? null,
      })),
    };
  }

  /**
   * Takes over a state of the right shape, and starts the class anew if it was running.
   * @param owner the device's name for errors @throws DeviceStateError
   */
  restore(saved: CoreState, owner: string): void {
    saved.queues.forEach(({ size }, n) => {
      if (size > this.maxQueueSize(n) || (size & (size - 1)) !== 0)
        throw new DeviceStateError(owner, `state.core.queues[${n}].size`, 'a size that the queue can have');
    });
    if (saved.queues.length !== this.queueCount)
      throw new DeviceStateError(owner, 'state.core.queues', `a list of ${this.queueCount} items`);
    this.reset();
    this.#accepted = joined(saved.accepted);
    this.#status = saved.status;
    this.#generation = saved.generation;
    this.#isr = saved.isr;
    this.#registers = saved.queues.map(({ size, ready, descriptors, driver, device }) => {
      return {
        size,
        ready,
        descriptors: joined(descriptors),
        driver: joined(driver),
        device: joined(device),
      };
    });
    this.#start(saved.queues.map(({ counters }) => counters ?? undefined));
  }

  #freshRegisters(): QueueRegisters[] {
    return this.device.queueSizes.map((size) => {
      return { size, ready: false, descriptors: 0n, driver: 0n, device: 0n };
    });
  }

  /** What a driver may settle on (2.2.2, 6.1): nothing that was not offered, and no legacy interface. */
  #featuresHold(): boolean {
    return (this.#accepted & ~this.#offered) === 0n && (this.#accepted & Feature.version1) !== 0n;
  }

  #isRunning(): boolean {
    const wanted = Status.featuresOk | Status.driverOk;
    return (this.#status & (wanted | Status.needsReset)) === wanted;
  }

  #start(saved: readonly (QueueCounters | undefined)[] = []): void {
    if (!this.#isRunning()) return;
    this.#queues = this.#registers.map(({ ready }, n) => (ready ? this.#makeQueue(n, saved[n]) : undefined));
    const life = this.#life;
    const isCurrent = (): boolean => life === this.#life && this.#isRunning();
    const link: VirtioLink = {
      memory: this.#memory,
      features: this.#accepted,
      queue: (index) => (isCurrent() ? this.#queues[index] : undefined),
      gave: (queue) => {
        if (isCurrent()) this.#attempt(() => this.#interruptFor(queue));
      },
      configChanged: () => {
        if (isCurrent()) this.#changeConfig();
      },
      attempt: (action) => {
        if (isCurrent()) this.#attempt(action);
      },
    };
    this.#attempt(() => this.device.start(link));
  }

  #makeQueue(index: number, counters?: QueueCounters): Virtqueue | undefined {
    const registers = this.#registers[index];
    if (!registers) return undefined;
    const place = {
      size: registers.size,
      descriptors: Number(registers.descriptors),
      driver: Number(registers.driver),
      device: Number(registers.device),
    };
    const options = {
      memory: this.#memory,
      place,
      eventIndex: (this.#accepted & Feature.eventIndex) !== 0n,
      indirect: (this.#accepted & Feature.indirectDescriptors) !== 0n,
      ...(counters && { counters }),
    };
    return this.#accepted & Feature.ringPacked ? new PackedQueue(options) : new SplitQueue(options);
  }

  #interruptFor(queue: number): void {
    if (!this.#queues[queue]?.wantsInterrupt()) return;
    this.#isr |= Cause.queue;
    this.#transport.interrupt(Cause.queue, queue);
  }

  #changeConfig(): void {
    this.#generation = (this.#generation + 1) & 0xff;
    this.#isr |= Cause.configuration;
    this.#transport.interrupt(Cause.configuration, undefined);
  }

  /** Does the device's work; a broken queue stops the device (2.1.2). */
  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof BrokenQueueError)) throw error;
      this.#status |= Status.needsReset;
      this.#isr |= Cause.configuration;
      this.#transport.interrupt(Cause.configuration, undefined);
    }
  }
}

function halves(value: bigint): number[] {
  return [Number(value & 0xffff_ffffn), Number(value >> 32n)];
}

function joined([low = 0, high = 0]: readonly number[]): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}
