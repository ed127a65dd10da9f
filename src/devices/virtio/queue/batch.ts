/** How much work a device does in one go. Leaves out the pause after it, which is virtio-core.ts. */
import { type Chain, lengthOf } from './chain.js';

/**
 * What one notification may cost, in bytes copied, before the device pauses: a guest that fills its rings with long
 * tables must not hold up its host.
 */
export const BATCH = 1 << 20;
/** What reading one descriptor, or giving back one buffer, costs beside copying so many bytes. */
const DESCRIPTOR_COST = 1024;

/** What one go has come to. */
export class Batch {
  #cost = 0;

  /** Work that a buffer's lengths do not show, as so many bytes copied. */
  spend(bytes: number): void {
    this.#cost += bytes;
  }

  add(chain: Chain, written: number): void {
    this.#cost += costOf(chain, written);
  }

  get isFull(): boolean {
    return this.#cost >= BATCH;
  }
}

/** Readable bytes count as far as a device reads them at most. */
function costOf({ readable, writable }: Chain, written: number): number {
  return (
    (1 + readable.length + writable.length) * DESCRIPTOR_COST + Math.min(lengthOf(readable), BATCH) + written
  );
}
