/**
 * Finds free guest memory for what the loader adds to an image. First fit over the usable ranges of the
 * memory map, less the image's segments and what was placed before. Leaves out writing.
 */

import { type GuestMemory, VIDEO_WINDOW_END, VIDEO_WINDOW_START } from '../memory/guest-memory.js';
import { type MemoryMapEntry, MemoryType } from './memory-map.js';

/** Physical addresses [start, end). */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * Below lie the interrupt vectors, the BIOS data area and the places where kernels put the code that starts
 * further processors. QEMU's multiboot information begins here too.
 */
export const LOW_START = 0x9000;
/** The first address beyond real mode's reach. */
export const HIGH_START = 0x100000;

export class Placement {
  /** Free ranges in ascending order, none empty. */
  #free: Range[];

  constructor(memory: GuestMemory, map: readonly MemoryMapEntry[], taken: readonly Range[]) {
    this.#free = map
      .filter(({ type }) => type === MemoryType.usable)
      .map(({ start, length }) => ({
        start: Math.max(start, LOW_START),
        end: Math.min(start + length, memory.size),
      }))
      .filter(({ start, end }) => start < end)
      .toSorted((a, b) => a.start - b.start);
    // A machine's own map may cover what is no RAM, or list what is reserved within what is usable.
    this.#take({ start: VIDEO_WINDOW_START, end: VIDEO_WINDOW_END });
    for (const { start, length, type } of map) {
      if (type !== MemoryType.usable) this.#take({ start, end: start + length });
    }
    for (const range of taken) this.#take(range);
  }

  /**
   * The lowest free place in the first of the zones that has one; it is taken from then on.
   * @param size bytes; nothing still takes one byte, so that its address is its own
   * @param alignment a power of two
   * @returns the address, or undefined when there is no room
   */
  allocate(size: number, alignment: number, zones: readonly Range[]): number | undefined {
    const wanted = Math.max(size, 1);
    for (const zone of zones) {
      for (const { start, end } of this.#free) {
        const address = Math.ceil(Math.max(start, zone.start) / alignment) * alignment;
        if (address + wanted > Math.min(end, zone.end)) continue;
        this.#take({ start: address, end: address + wanted });
        return address;
      }
    }
    return undefined;
  }

  #take(taken: Range): void {
    this.#free = this.#free.flatMap(({ start, end }) => {
      if (taken.end <= start || taken.start >= end) return [{ start, end }];
      const parts = [
        { start, end: Math.min(end, taken.start) },
        { start: Math.max(start, taken.end), end },
      ];
      return parts.filter((part) => part.start < part.end);
    });
  }
}
