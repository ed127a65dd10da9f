/**
 * What a kind of virtio device is to the part that it shares with all others (virtio-core.ts), and the other way round.
 * A class knows its queues, features and configuration space, and nothing of registers, buses or ring formats.
 *
 * Virtio 1.2, chapter 5.
 */
import type { GuestMemory } from '../../memory/guest-memory.js';
import type { AccessWidth, DeviceState } from '../device.js';
import type { Virtqueue } from './queue/virtqueue.js';

export interface VirtioClass {
  /** As in the specification: 1 network, 2 block, 3 console, 4 entropy … */
  readonly deviceType: number;
  /** The most descriptors of each queue, powers of 2. */
  readonly queueSizes: readonly number[];
  /** Bits 0–23 and 50–127 that it offers, at most 63. */
  readonly features: bigint;
  /** `value` is unsigned, `offset` from the start of the configuration space; beyond its end is 0. */
  readConfig(offset: number, width: AccessWidth): number;
  writeConfig(offset: number, width: AccessWidth, value: number): void;
  /** The driver is ready: from now on buffers come, until `reset`. */
  start(link: VirtioLink): void;
  /** The driver says that a queue has buffers. Throws nothing but BrokenQueueError. */
  notified(queue: number): void;
  /** Forgets the link: nothing may be done with it any more, also by what completes later. */
  reset(): void;
  save(): DeviceState;
  /** Throws DeviceStateError and changes nothing if the state is malformed. */
  restore(state: DeviceState): void;
}

/** A device that its driver has set up. It ends with the device's reset. */
export interface VirtioLink {
  readonly memory: GuestMemory;
  /** What was negotiated. */
  readonly features: bigint;
  /** Undefined for one that the driver did not set up. */
  queue(index: number): Virtqueue | undefined;
  /** Buffers of the queue were given back: interrupts the driver if it wants to hear. */
  gave(queue: number): void;
  /** The configuration space changed by itself. */
  configChanged(): void;
  /** Runs what may meet a broken queue, outside `notified`: then the device stops. */
  attempt(action: () => void): void;
}
