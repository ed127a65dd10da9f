/**
 * What the protocols need while they prepare a boot: the machine's memory, what is free in it, and places
 * for modules and for the protocol's own tables. Leaves out the tables.
 */

import type { GuestMemory } from '../memory/guest-memory.js';
import type { BlockLayout } from './block.js';
import type { BootModule, VirtioMmioSlot, Write } from './boot-types.js';
import { notEnoughMemory } from './errors.js';
import type { MemoryMapEntry } from './memory-map.js';
import { HIGH_START, LOW_START, type Placement } from './placement.js';
import { zeroTerminated } from './strings.js';

export const PAGE_SIZE = 4096;

export interface BootContext {
  readonly memory: GuestMemory;
  readonly placement: Placement;
  readonly memoryMap: readonly MemoryMapEntry[];
  /** First physical address above the image. */
  readonly imageEnd: number;
  readonly commandLine: string;
  readonly imageName: string;
  readonly modules: readonly BootModule[];
  readonly virtioMmio: readonly VirtioMmioSlot[];
}

/** A module where it will lie, with its string as the guest reads it. */
export interface PlacedModule extends Write {
  readonly commandLine: Uint8Array;
}

/**
 * Places modules on page boundaries, which multiboot's flag 0 and PVH ask for: right above the image as QEMU
 * does, else anywhere above 1 MiB, else below.
 * @throws BootError
 */
export function placeModules({ placement, memory, modules, imageEnd }: BootContext): PlacedModule[] {
  const zones = [
    { start: imageEnd, end: memory.size },
    { start: HIGH_START, end: memory.size },
    { start: LOW_START, end: HIGH_START },
  ];
  return modules.map(({ bytes, commandLine }, index) => {
    const address = placement.allocate(bytes.length, PAGE_SIZE, zones);
    if (address === undefined) {
      const total = modules.reduce((sum, module) => sum + pageAligned(module.bytes.length), 0);
      const needed = pageAligned(Math.max(imageEnd, HIGH_START)) + total;
      throw notEnoughMemory(`the image with its ${modules.length} modules`, needed, memory.size);
    }
    return { address, bytes, commandLine: zeroTerminated(commandLine, `the line of module ${index + 1}`) };
  });
}

/**
 * The address of the protocol's tables: below 1 MiB when they fit there, else above the image.
 * @param what for the message, such as `multiboot information` @param alignment a power of two, in bytes
 * @throws BootError
 */
export function placeTables(
  { placement, memory, imageEnd }: BootContext,
  layout: BlockLayout,
  what: string,
  alignment = 16,
): number {
  const address = placement.allocate(layout.size, alignment, [
    { start: LOW_START, end: HIGH_START },
    { start: imageEnd, end: memory.size },
    { start: HIGH_START, end: memory.size },
  ]);
  if (address !== undefined) return address;
  const needed = Math.max(imageEnd, HIGH_START) + pageAligned(layout.size);
  throw notEnoughMemory(`the image with its ${what}`, needed, memory.size);
}

function pageAligned(length: number): number {
  return Math.ceil(length / PAGE_SIZE) * PAGE_SIZE;
}
