/**
 * What a kind of virtio device is to the part that it shares with all others (virtio-core.ts), and the other way round.
 * A class knows its queues, features and configuration space, and nothing of registers, buses or ring formats.
 *
 * Virtio 1.2, chapter 5.
 */
import type { GuestMemory } from '../../memory/guest-memory.js';
import type { AccessWidth, DeviceState } from '../device.js';
import type { Chain } from './queue/chain.js';

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
  /** The driver is ready: from now on buffers come, until `reset`. After `restore` too, if it was ready then. */
  start(link: VirtioLink): void;
  /** The driver says that a queue has buffers, or may have had some all along. */
  notified(queue: number): void;
  /** Forgets the link: nothing may be done with it any more, also by what completes later. */
  reset(): void;
  save(): DeviceState;
  /** Forgets the link too. Throws DeviceStateError and changes nothing if the state is malformed. */
  restore(state: DeviceState): void;
}

/** Does what a buffer asks for; the bytes written, or undefined to leave the buffer in its queue for now. */
export type BufferUse = (chain: Chain) => number | undefined;

/** A device that its driver has set up. After the device's reset it does nothing any more. */
export interface VirtioLink {
  readonly memory: GuestMemory;
  /** What was negotiated. */
  readonly features: bigint;
  /**
   * Hands the buffers of a queue to `use`, one after the other, gives them back and interrupts the driver. Stops after
   * so much work that the host would notice; then `notified` comes again a little later. One buffer is for `use` to
   * bound: some MiB at most.
   */
  serve(queue: number, use: BufferUse): void;
  /** Called by a `use`: work that its buffer's lengths do not show, as so many bytes copied. */
  spend(bytes: number): void;
  /** The configuration space changed by itself. */
  configChanged(): void;
}
