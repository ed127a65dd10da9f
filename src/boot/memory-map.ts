/**
 * The memory map that a PC's firmware reports, which both protocols hand on. Leaves out ACPI's ranges and
 * device windows above RAM. ACPI 6.5, 15 "System Address Map Interfaces".
 */

/** Address range types as E820, multiboot and PVH number them. */
export const MemoryType = { usable: 1, reserved: 2, acpiReclaimable: 3, acpiNvs: 4 } as const;
export type MemoryType = (typeof MemoryType)[keyof typeof MemoryType];

export interface MemoryMapEntry {
  /** Physical address. */
  readonly start: number;
  /** Bytes. */
  readonly length: number;
  readonly type: MemoryType;
}

/** Where conventional memory ends: the last KiB below 640 KiB belongs to the firmware (its EBDA). */
const LOW_MEMORY_END = 0x9fc00;
const VIDEO_START = 0xa0000;
const FIRMWARE_START = 0xf0000;
const HIGH_MEMORY_START = 0x100000;

/** The map in ascending order. @param ramSize bytes from address 0 */
export function pcMemoryMap(ramSize: number): MemoryMapEntry[] {
  const range = (start: number, end: number, type: MemoryType): MemoryMapEntry => {
    return { start, length: Math.max(0, end - start), type };
  };
  const map = [
    range(0, Math.min(ramSize, LOW_MEMORY_END), MemoryType.usable),
    range(LOW_MEMORY_END, Math.min(ramSize, VIDEO_START), MemoryType.reserved),
    range(FIRMWARE_START, HIGH_MEMORY_START, MemoryType.reserved),
    range(HIGH_MEMORY_START, ramSize, MemoryType.usable),
  ];
  return map.filter(({ length }) => length > 0);
}
