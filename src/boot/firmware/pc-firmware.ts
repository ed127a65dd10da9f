/**
 * What a PC's firmware leaves behind for those guests that count on it: ACPI's tables, interrupt vectors for real mode whose
 * handlers only end the interrupt, the count of timer ticks in the BIOS data area, and where to go on after S3.
 *
 * Leaves out every service of a BIOS: its software interrupts return at once.
 * Source: IBM PC/AT Technical Reference, "BIOS"; ACPI 6.5, 5.2.10 for waking.
 */
import type { GuestMemory } from '../../memory/guest-memory.js';
import type { VirtioMmioSlot } from '../boot-types.js';
import { acpiTables, WAKING_VECTOR } from './acpi-tables.js';

const SEGMENT = 0xf000;
const TABLES = 0xf0000;
/** Offsets in the segment of the handlers, far from the tables. */
const Handler = { ignore: 0xe000, master: 0xe010, slave: 0xe020, tick: 0xe030 } as const;

const CODE: readonly (readonly [offset: number, code: string])[] = [
  [Handler.ignore, 'cf'],
  // PUSH AX; MOV AL, 0x20; OUT 0x20, AL; POP AX; IRET
  [Handler.master, '50 b0 20 e6 20 58 cf'],
  [Handler.slave, '50 b0 20 e6 a0 e6 20 58 cf'],
  // PUSH DS; PUSH AX; MOV AX, 0x40; MOV DS, AX; INC DWORD [0x6C]; the end of the interrupt; POP AX; POP DS; IRET
  [Handler.tick, '1e 50 b8 40 00 8e d8 66 ff 06 6c 00 b0 20 e6 20 58 1f cf'],
];

const EBDA_SEGMENT_AT = 0x40e;
const EBDA_SEGMENT = 0x9fc0;
const LOW_MEMORY_AT = 0x413;
const LOW_MEMORY_KIB = 639;

/** Bytes for ports, in order: the timer's channel 0 at its slowest, and IRQ 0 open. */
export const FIRMWARE_PORT_WRITES: readonly (readonly [port: number, value: number])[] = [
  [0x43, 0x34],
  [0x40, 0],
  [0x40, 0],
  [0x21, 0xfe],
];

/** Below 1 MiB, before the image is written: where it overlaps, the image wins. */
export function writeFirmware(memory: GuestMemory, virtio: readonly VirtioMmioSlot[] = []): void {
  const { block } = acpiTables(TABLES, virtio);
  memory.write(block.address, block.bytes);
  for (const [offset, code] of CODE) {
    memory.write(
      SEGMENT * 16 + offset,
      Uint8Array.from(code.split(' '), (byte) => Number.parseInt(byte, 16)),
    );
  }
  for (let vector = 0; vector < 256; vector++) {
    memory.store(4 * vector, 4, (SEGMENT << 16) | handlerOf(vector));
  }
  memory.store(EBDA_SEGMENT_AT, 2, EBDA_SEGMENT);
  memory.store(LOW_MEMORY_AT, 2, LOW_MEMORY_KIB);
}

/** The real-mode address at which a guest that slept in S3 goes on, 0 if it told none. */
export function wakingVector(memory: GuestMemory): number {
  return memory.read(acpiTables(TABLES).facs + WAKING_VECTOR, 4) ?? 0;
}

function handlerOf(vector: number): number {
  if (vector === 0x08) return Handler.tick;
  if (vector > 0x08 && vector < 0x10) return Handler.master;
  return vector >= 0x70 && vector < 0x78 ? Handler.slave : Handler.ignore;
}
