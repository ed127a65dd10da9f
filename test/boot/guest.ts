/** Reads back what the loader put into guest memory. Leaves out checks of its own: what is not RAM reads as NaN. */

import type { FirstRegisters, LongRegisters, ProtectedRegisters } from '../../src/boot/boot-types.js';
import type { GuestMemory } from '../../src/memory/guest-memory.js';

export const MIB = 1024 * 1024;

export function u32(memory: GuestMemory, address: number): number {
  return memory.read(address, 4) ?? Number.NaN;
}

export function u64(memory: GuestMemory, address: number): number {
  return u32(memory, address) + u32(memory, address + 4) * 2 ** 32;
}

export function words(memory: GuestMemory, address: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => u32(memory, address + index * 4));
}

/** The zero-terminated string at an address. */
export function string(memory: GuestMemory, address: number): string {
  let end = address;
  while (memory.read(end, 1)) end++;
  return new TextDecoder().decode(memory.bytes(address, end - address));
}

export function protectedRegisters(registers: FirstRegisters): ProtectedRegisters {
  if (registers.mode !== 'protected32') throw new Error(`the image starts in ${registers.mode}`);
  return registers;
}

export function longRegisters(registers: FirstRegisters): LongRegisters {
  if (registers.mode !== 'long64') throw new Error(`the image starts in ${registers.mode}`);
  return registers;
}
