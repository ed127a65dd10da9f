/** How much work a device does in one go. Leaves out the pause after it, which is virtio-core.ts. */
import { type Chain, lengthOf } from './chain.js';

/**
 * What one notification may cost, in bytes copied, before the device pauses: a guest that fills its rings with long
 * tables must not hold up its host.
 */
export const BATCH = 1 << 20;
/** What reading one descriptor, or giving back one buffer, costs beside copying so many bytes. */
const DESCRIPTOR_COST = 1024;

/** Readable bytes count as far as a device reads them at most. */
export function costOf({ readable, writable }: Chain, written: number): number {
  return (
    (1 + readable.length + writable.length) * DESCRIPTOR_COST + Math.min(lengthOf(readable), BATCH) + written
  );
}
