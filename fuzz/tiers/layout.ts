/**
 * Where things are in a world of fuzz/tiers: 1 MiB of RAM, of which the video window is a device's, and page tables that
 * map the first 2 MiB to themselves, spoilt here and there. The code is seen at several places, at the ends of what is
 * canonical among them. Physical addresses, unless said.
 */
export const RAM = 1 << 20;
export const IDT = 0x1000;
export const GDT = 0x2000;
export const TSS = 0x3000;
/** Ends of the stacks that exceptions and interrupts use. */
export const EXCEPTION_STACK = 0x6000;
export const INTERRUPT_STACK = 0x7000;
export const HANDLERS = 0x8000;
/** A word that interrupts count up. */
export const COUNTER = 0x9000;
/** The base of the code that handlers go back to, after it. */
export const HOME = 0x9008;
/** Pages below are the system's, and are not spoilt. */
export const SYSTEM_END = 0xa000;

export const CODE = 0x10000;
export const SLOT_BYTES = 128;
export const SLOTS = 256;
export const CODE_BYTES = SLOTS * SLOT_BYTES;

export const DATA = 0x20000;
export const DATA_BYTES = 0x30000;
/** Of the guest's own stack, which is in the data. */
export const STACK = 0x48000;

export const TABLES = 0x70000;
/** The table of the first 2 MiB, and the one behind the other linear addresses. */
export const LOW_TABLE = 0x73000;
export const HIGH_TABLE = 0x76000;
export const TABLES_END = 0x77000;
/** Where they are mapped, for the system alone. */
export const TABLES_SEEN = 0x1e0000;

/** Where both tables map the code once more: their last pages. */
export const CODE_AGAIN = 0x1f8000;
/** Linear addresses of 2 MiB that the second table maps. */
export const HIGH_BASES = [0xffffffff80000000n, 0xffffffffffe00000n, 0x00007fffffe00000n] as const;

/** Linear addresses at which the code can be run. */
export const CODE_BASES: readonly bigint[] = [
  BigInt(CODE),
  BigInt(CODE_AGAIN),
  ...HIGH_BASES.flatMap((base) => [base + BigInt(CODE), base + BigInt(CODE_AGAIN)]),
];
