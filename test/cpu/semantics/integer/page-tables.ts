/** Builds page tables of 4 KiB pages in guest memory: 4-level ones for 64-bit code, 32-bit ones else. */

import { Cr4 } from '../../../../src/cpu/state.js';
import type { GuestMemory } from '../../../../src/memory/guest-memory.js';

const TABLES = 0x300000;
const PRESENT_WRITABLE_USER = 7;

export interface PageTables {
  readonly root: number;
  /** Bits that CR4 needs for them. */
  readonly cr4: bigint;
  /** @param rights bit 0 readable, bit 1 writable */
  map(linear: number, physical: number, rights: number): void;
}

export function pageTables(memory: GuestMemory, mode: 32 | 64): PageTables {
  let next = TABLES;
  const entrySize = mode === 64 ? 8 : 4;
  const allocate = (): number => {
    const table = next;
    next += 4096;
    memory.fill(table, 4096, 0);
    return table;
  };
  const root = allocate();
  const shifts = mode === 64 ? [39, 30, 21] : [22];
  const perTable = 4096 / entrySize;
  const slot = (table: number, linear: number, shift: number): number =>
    table + (Math.floor(linear / 2 ** shift) % perTable) * entrySize;
  return {
    root,
    cr4: mode === 64 ? BigInt(Cr4.pae) : 0n,
    map(linear, physical, rights) {
      let table = root;
      for (const shift of shifts) {
        const address = slot(table, linear, shift);
        let entry = memory.read(address, 4) ?? 0;
        if (entry === 0) {
          entry = allocate() | PRESENT_WRITABLE_USER;
          memory.store(address, 4, entry);
        }
        table = entry & ~0xfff;
      }
      const bits = rights === 0 ? 0 : physical | 4 | rights;
      memory.store(slot(table, linear, 12), 4, bits >>> 0);
    },
  };
}
