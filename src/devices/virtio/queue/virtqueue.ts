/**
 * What a virtqueue is to a device, whichever ring carries it. Leaves out who notifies whom: `wantsInterrupt` says what the
 * driver asked for, and the transport does it.
 */
import type { Chain } from './chain.js';

/** Where a driver put the three parts of a queue: physical addresses, below 2^53. */
export interface QueuePlace {
  /** Descriptors. */
  readonly size: number;
  /** Descriptor table, or a packed ring. */
  readonly descriptors: number;
  /** Driver area: the available ring, or the driver's event suppression. */
  readonly driver: number;
  /** Device area: the used ring, or the device's event suppression. */
  readonly device: number;
}

/**
 * Where a queue stands, 16 bits each: the next buffer to take, the next to give back, and what that was when an interrupt
 * was last considered. A split queue counts modulo 2^16; a packed one has a ring index with the wrap counter in bit 15.
 */
export interface QueueCounters {
  readonly available: number;
  readonly used: number;
  readonly considered: number;
}

export interface Virtqueue {
  /**
   * The next buffer that the driver made available.
   * @throws BrokenQueueError
   */
  take(): Chain | undefined;
  /** Puts back the last one taken, which the device has no use for yet; at most one. */
  untake(chain: Chain): void;
  /** Gives a buffer back. @param written bytes that the device wrote from the first writable byte on */
  give(chain: Chain, written: number): void;
  /**
   * Whether what was given since the last call is worth an interrupt to the driver.
   * @throws BrokenQueueError
   */
  wantsInterrupt(): boolean;
  /** Asks the driver to tell of new buffers, or says that the device looks by itself for now. */
  wantNotifications(wanted: boolean): void;
  save(): QueueCounters;
}
