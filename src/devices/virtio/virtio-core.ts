/**
 * The part that all virtio devices share, whatever bus they are on: status, features, queues and interrupt causes
 * (virtio 1.2, chapter 2 and 3.1).
 *
 * A transport maps its registers to these methods; a class does the device's work. Nothing here throws for what a guest
 * does: a driver that breaks a rule finds DEVICE_NEEDS_RESET in the status, and the device does nothing more until it is
 * reset. Leaves out in-order use, shared memory regions and administration queues.
 */
import type { GuestMemory } from '../../memory/guest-memory.js';
import type { Clock, Timer } from '../backends.js';
import { DeviceStateError } from '../device.js';
import type { BufferUse, VirtioClass, VirtioLink } from './device-class.js';
import { Batch } from './queue/batch.js';
import { BrokenQueueError } from './queue/chain.js';
import { PackedQueue } from './queue/packed-queue.js';
import { SplitQueue } from './queue/split-queue.js';
import type { QueueCounters, Virtqueue } from './queue/virtqueue.js';
import {
  Cause,
  type CoreState,
  Feature,
  freshRegisters,
  halves,
  joined,
  type QueueAddress,
  type QueueRegisters,
  STATUS_BITS,
  Status,
  untilPause,
} from './registers.js';

/** What a transport does for the device. */
export interface VirtioTransport {
  /** `queue` is undefined for a change of the configuration. */
  interrupt(cause: number, queue: number | undefined): void;
}

/** Nanoseconds until it goes on. */
const PAUSE = 10_000n;

export interface VirtioCoreOptions {
  /** The guest's RAM, once there is some. */
  readonly memory: () => GuestMemory;
  readonly clock: Clock;
  readonly device: VirtioClass;
  /** Feature bits of the transport's own that it offers besides. */
  readonly transportFeatures?: bigint;
}

export class VirtioCore {
  readonly device: VirtioClass;
  readonly #memory: () => GuestMemory;
  readonly #clock: Clock;
  readonly #offered: bigint;
  #transport: VirtioTransport = { interrupt: () => {} };
  #registers: QueueRegisters[];
  #queues: (Virtqueue | undefined)[] = [];
  /** Queues that have more to do than fitted one batch: when they go on. */
  readonly #pauses = new Map<number, { readonly deadline: bigint; readonly timer: Timer }>();
  #status = 0;
  #accepted = 0n;
  #generation = 0;
  #isr = 0;
  /** Counts resets: what an earlier life of the device completes is dropped. */
  #life = 0;
  #batch = new Batch();

  constructor({ memory, clock, device, transportFeatures = 0n }: VirtioCoreOptions) {
    this.#memory = memory;
    this.#clock = clock;
    this.device = device;
    this.#offered =
      device.features |
      transportFeatures |
      Feature.version1 |
      Feature.eventIndex |
      Feature.indirectDescriptors |
      Feature.ringPacked |
      Feature.ringReset;
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
    const added = value & STATUS_BITS & ~this.#status & ~Status.needsReset;
    if (added & Status.featuresOk && !this.#mayAccept(this.#accepted)) {
      this.#status |= added & ~(Status.featuresOk | Status.driverOk);
      return;
    }
    const wasRunning = this.#isRunning();
    this.#status |= added;
    if (!wasRunning && this.#isRunning()) this.#start();
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
    if (!registers || registers.ready === ready) return;
    registers.ready = ready;
    this.#forgetPause(queue);
    // After DRIVER_OK too, as drivers that add queues late do.
    this.#queues[queue] = ready && this.#isRunning() ? this.#makeQueue(queue) : undefined;
  }

  /** Puts one queue back to what it was before its driver set it up (2.6.1); the rest goes on. */
  resetQueue(queue: number): void {
    const size = this.device.queueSizes[queue];
    if (size === undefined || !(this.#accepted & Feature.ringReset)) return;
    this.#forgetPause(queue);
    this.#queues[queue] = undefined;
    this.#registers[queue] = freshRegisters(size);
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
    if (!this.#isRunning() || !this.#queues[queue] || this.#pauses.has(queue)) return;
    this.#attempt(() => this.device.notified(queue));
  }

  reset(): void {
    this.#endLife();
    this.device.reset();
    this.#status = 0;
    this.#accepted = 0n;
    this.#isr = 0;
    this.#registers = this.#freshRegisters();
  }

  save(): CoreState {
    const now = this.#clock.now();
    return {
      device: this.device.save(),
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
        resumesIn: untilPause(this.#pauses.get(n)?.deadline, now),
      })),
    };
  }

  /**
   * Takes over a state of the right shape, and starts the class anew if it was running.
   * @param owner the device's name for errors @throws DeviceStateError
   */
  restore(saved: CoreState, owner: string): void {
    this.#check(saved, owner);
    this.device.restore(saved.device);
    this.#endLife();
    this.#accepted = joined(saved.accepted);
    this.#status = saved.status;
    this.#generation = saved.generation;
    this.#isr = saved.isr;
    this.#registers = saved.queues.map(({ size, ready, descriptors, driver, device }) => {
      const addresses = { descriptors: joined(descriptors), driver: joined(driver), device: joined(device) };
      return { size, ready, ...addresses };
    });
    if (!this.#isRunning()) return;
    this.#makeQueues(saved.queues.map(({ counters }) => counters ?? undefined));
    this.#attempt(() => this.device.start(this.#link()));
    saved.queues.forEach(({ ready, resumesIn }, queue) => {
      if (ready && resumesIn !== null) this.#pause(queue, this.#clock.now() + BigInt(resumesIn));
    });
  }

  /** What the shape cannot say. @throws DeviceStateError */
  #check({ queues, status, accepted }: CoreState, owner: string): void {
    if (queues.length !== this.queueCount)
      throw new DeviceStateError(owner, 'state.core.queues', `a list of ${this.queueCount} items`);
    queues.forEach(({ size, ready, counters }, n) => {
      const field = `state.core.queues[${n}]`;
      if (size > this.maxQueueSize(n) || (size & (size - 1)) !== 0)
        throw new DeviceStateError(owner, `${field}.size`, 'a size that the queue can have');
      const isPacked = (joined(accepted) & Feature.ringPacked) !== 0n;
      const isInside = !counters || Object.values(counters).every((place) => (place & 0x7fff) < size);
      if (ready && isPacked && !isInside)
        throw new DeviceStateError(owner, `${field}.counters`, 'places inside the ring');
    });
    if (status & Status.featuresOk && !this.#mayAccept(joined(accepted)))
      throw new DeviceStateError(owner, 'state.core.accepted', 'a set of features that was offered');
  }

  #endLife(): void {
    this.#life += 1;
    for (const { timer } of this.#pauses.values()) timer.cancel();
    this.#pauses.clear();
    this.#queues = [];
  }

  #freshRegisters(): QueueRegisters[] {
    return this.device.queueSizes.map(freshRegisters);
  }

  /** What a driver may settle on (2.2.2, 6.1): nothing that was not offered, and no legacy interface. */
  #mayAccept(features: bigint): boolean {
    return (features & ~this.#offered) === 0n && (features & Feature.version1) !== 0n;
  }

  #isRunning(): boolean {
    const wanted = Status.featuresOk | Status.driverOk;
    return (this.#status & (wanted | Status.needsReset)) === wanted;
  }

  /** The driver is ready. It may have made buffers available before it said so. */
  #start(): void {
    this.#makeQueues();
    this.#attempt(() => this.device.start(this.#link()));
    for (let queue = 0; queue < this.queueCount; queue++) this.notify(queue);
  }

  #makeQueues(counters: readonly (QueueCounters | undefined)[] = []): void {
    this.#queues = this.#registers.map(({ ready }, n) =>
      ready ? this.#makeQueue(n, counters[n]) : undefined,
    );
  }

  #link(): VirtioLink {
    const life = this.#life;
    const isCurrent = (): boolean => life === this.#life && this.#isRunning();
    return {
      memory: this.#memory(),
      features: this.#accepted,
      serve: (queue, use) => {
        if (isCurrent()) this.#attempt(() => this.#serve(queue, use));
      },
      spend: (bytes) => this.#batch.spend(bytes),
      configChanged: () => {
        if (isCurrent()) this.#changeConfig();
      },
    };
  }

  /** Hands buffers to the device until there are none, it has no use for one, or a batch is done. */
  #serve(index: number, use: BufferUse): void {
    const queue = this.#queues[index];
    if (!queue) return;
    const batch = new Batch();
    this.#batch = batch;
    for (let chain = queue.take(); chain; chain = queue.take()) {
      const written = use(chain);
      if (written === undefined) {
        queue.untake(chain);
        break;
      }
      queue.give(chain, written);
      batch.add(chain, written);
      if (batch.isFull) {
        this.#pause(index, this.#clock.now() + PAUSE);
        break;
      }
    }
    this.#interruptFor(index);
  }

  #pause(queue: number, deadline: bigint): void {
    this.#forgetPause(queue);
    const timer = this.#clock.schedule(deadline, () => {
      this.#pauses.delete(queue);
      this.notify(queue);
    });
    this.#pauses.set(queue, { deadline, timer });
  }

  #forgetPause(queue: number): void {
    this.#pauses.get(queue)?.timer.cancel();
    this.#pauses.delete(queue);
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
      memory: this.#memory(),
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
