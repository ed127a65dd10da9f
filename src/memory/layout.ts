/**
 * Where everything lives in the one WebAssembly memory that the CPU's tiers share: state first, then the
 * translation caches, then guest RAM at a constant offset, so that a physical address becomes a host address
 * by one addition. All figures are byte offsets into that memory.
 */

/** CPU state, see `cpu/state.ts`, which a test holds to these bounds. Below 64 KiB, so that an instruction record names any of it in 16 bits. */
export const STATE_BASE = 0x1000;
export const STATE_END = 0x8000;

/** Instruction records that exist from the start, such as the one that delivers a fetch fault. */
export const STATIC_RECORDS = 0x8000;

/** Which bytes of each window map were filled since it was last cleared, so that clearing is cheap. */
export const WINDOW_FILLS_BASE = 0xc000;
/** What each map's takes (`cpu/mmu/fills.ts`). */
export const WINDOW_FILLS_SIZE = 0x200;

/** The ranges of pages that may be reached without asking the map, see `cpu/mmu/window-range.ts`. */
export const WINDOW_RANGES_BASE = 0xc400;
export const WINDOW_RANGE_SIZE = 16;
export const WINDOW_RANGE_COUNT = 8;
/** A word that counts how often a map may have lost a bit. */
export const WINDOW_LOSSES = WINDOW_RANGES_BASE + WINDOW_RANGE_COUNT * WINDOW_RANGE_SIZE;

/** Which table masks were filled since they were last cleared, as for the window maps. */
export const TABLE_FILLS_BASE = 0xc600;

/**
 * Three software TLBs: for supervisor accesses, for user accesses, and one that is never filled, in force while
 * alignment checks (#AC) are, so that every access takes the slow path.
 */
export const TLB_BASE = 0x10000;
export const TLB_ENTRIES = 2048;
export const TLB_ENTRY_SIZE = 32;
export const TLB_SIZE = TLB_ENTRIES * TLB_ENTRY_SIZE;
export const TLB_COUNT = 3;

/**
 * RIP → instruction record, at RIP xor RIP >> fold: functions begin at multiples of 16, which by themselves would share
 * a sixteenth of the entries.
 */
export const JUMP_CACHE_BASE = 0x40000;
export const JUMP_CACHE_ENTRIES = 4096;
export const JUMP_CACHE_FOLD = 12;
export const JUMP_CACHE_ENTRY_SIZE = 16;
export const JUMP_CACHE_SIZE = JUMP_CACHE_ENTRIES * JUMP_CACHE_ENTRY_SIZE;

/** A word for each region that there can be: which mapping it was last found right under, see `cpu/tiers/regions/`. */
export const REGION_VALIDITY = 0x50000;
export const MOST_REGIONS = 4096;

/** What was seen while the interpreter was watched: of each instruction its RIP, 64 bits, and `state.regionKey`. */
export const WATCHED_BASE = 0x58000;
export const WATCHED_STRIDE = 16;
export const MOST_WATCHED = 8192;

/** One byte for each physical page below 4 GiB: `PageKind`. */
export const PAGE_KIND_BASE = 0x100000;
/** What a physical page is. */
export const PageKind = { device: 0, ram: 1 } as const;

/** 32 bits for each physical page below 4 GiB, one for each 128 bytes that decoded instructions were read from. */
export const CODE_MASK_BASE = 0x200000;
/** log2 of the bytes that one bit of a mask stands for. */
export const MASK_SHIFT = 7;

/**
 * The window map (cpu/mmu/window-map.ts): one byte for each page of the first 4 GiB above the window's base, for
 * supervisor accesses and after that for user accesses.
 */
export const WINDOW_MAP_BASE = 0x600000;
export const WINDOW_MAP_SIZE = 1 << 20;
export const WINDOW_MAP_COUNT = 2;

/** Like a code mask, of what page walks have read since the last flush: see `cpu/mmu/table-notes.ts`. */
export const TABLE_MASK_BASE = 0x800000;

/** Decoded instruction records, see `cpu/tiers/interpreter/record.ts`. */
export const RECORDS_BASE = 0xc00000;
export const RECORDS_END = 0x2400000;

/** Guest physical address 0. */
export const RAM_BASE = 0x2400000;

/** The most RAM a guest can have: what is left below 4 GiB, less a gap for devices. */
export const MAX_RAM = 0xc0000000;

export const GUEST_PAGE_SIZE = 4096;
