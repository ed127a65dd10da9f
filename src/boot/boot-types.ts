/**
 * What `boot` takes and gives, and what a protocol prepares for it. Leaves out all behaviour.
 */

import type { MemoryMapEntry } from './memory-map.js';

export interface BootModule {
  readonly bytes: Uint8Array;
  /** Its string, by custom the file's name and arguments. */
  readonly commandLine: string;
}

/** A virtio device on MMIO, of which a guest has to be told. */
export interface VirtioMmioSlot {
  /** Physical address, and bytes. */
  readonly base: number;
  readonly length: number;
  readonly irq: number;
}

export interface BootOptions {
  /** Arguments for the guest, without the image's name. */
  readonly commandLine: string;
  readonly modules?: readonly BootModule[];
  /** What the guest is told of its RAM; the PC's map when absent. */
  readonly memoryMap?: readonly MemoryMapEntry[];
  /**
   * First word of a multiboot command line, as QEMU and GRUB give it: guests skip a word, so there must be
   * one. `image` when absent or empty; white space in it becomes `_`.
   */
  readonly imageName?: string;
  /** Told to Linux on its command line: where no firmware does it. */
  readonly virtioMmio?: readonly VirtioMmioSlot[];
}

export type FirstRegisters = ProtectedRegisters | LongRegisters;

/**
 * Registers at the first instruction, of 32 bits each. `protected32` is protected mode with paging off:
 * CR0 has PE alone of PE and PG, CS is a 32-bit code segment and the other segments are 32-bit data, all of
 * base 0 and limit 4 GiB; A20 is open. EFLAGS has interrupts and single-stepping off.
 */
export interface ProtectedRegisters {
  readonly mode: 'protected32';
  readonly eip: number;
  readonly eflags: number;
  readonly eax: number;
  readonly ebx: number;
  readonly ecx: number;
  readonly edx: number;
  readonly esi: number;
  readonly edi: number;
  readonly ebp: number;
  /** Multiboot and PVH leave the stack to the image. */
  readonly esp: number;
}

/**
 * 64-bit mode with 4-level paging, as Linux' 64-bit boot protocol has it: CS is selector 0x10 of the table, the data
 * segments are 0x18, RFLAGS has nothing set, and registers that are not named are 0, the stack pointer included.
 */
export interface LongRegisters {
  readonly mode: 'long64';
  readonly rip: number;
  readonly rsi: number;
  /** Physical address of the page tables. */
  readonly cr3: number;
  readonly gdt: { readonly base: number; readonly limit: number };
}

/** Bytes to put at a physical address. */
export interface Write {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** What a protocol adds to the image's segments. */
export interface Prepared {
  readonly writes: readonly Write[];
  readonly registers: FirstRegisters;
}

/** Registers of which the protocol says nothing, and EFLAGS with only its fixed bit. */
export const CLEARED_REGISTERS = {
  mode: 'protected32',
  eflags: 2,
  eax: 0,
  ebx: 0,
  ecx: 0,
  edx: 0,
  esi: 0,
  edi: 0,
  ebp: 0,
  esp: 0,
} as const;
