/**
 * The ACPI tables of this machine: what its power, timer and interrupt hardware is (ACPI 6.5, ch. 5). Revision 1, which
 * every kernel reads: root pointer, RSDT, FADT with its FACS, MADT, and a DSDT that names the sleep states S3 and S5, and
 * virtio devices on MMIO, which a guest could not find otherwise.
 *
 * Leaves out other devices in the DSDT: guests find PC parts by themselves.
 */
import { type Block, BlockLayout } from '../block.js';
import type { VirtioMmioSlot } from '../boot-types.js';
import { type AcpiDevice, ascii, littleEndian, systemBus } from './aml.js';

const HEADER = 36;
const ROOT_POINTER_SIZE = 20;
const FADT_SIZE = 116;
const FACS_SIZE = 64;

/** Offset of the waking vector, a real-mode address, in the FACS. */
export const WAKING_VECTOR = 12;

/** Fixed hardware: PM1a at 0x600, the PM timer behind it, and IRQ 9 for events that never come. */
const Fixed = { sci: 9, event: 0x600, control: 0x604, timer: 0x608 } as const;
/** WBINVD works, C1 is there, and there is neither a power nor a sleep button. */
const FADT_FLAGS = 0x1 | 0x4 | 0x10 | 0x20;
/** CMOS register of the century. */
const CENTURY = 0x32;

const LOCAL_APIC = 0xfee00000;
const IO_APIC = 0xfec00000;

/** AML: Name (_S3, Package (4) {1, 1, 0, 0}); Name (_S5, Package (4) {0, 0, 0, 0}): SLP_TYP for each. */
const SLEEP_STATES = [
  ...[0x08, 0x5f, 0x53, 0x33, 0x5f, 0x12, 0x06, 0x04, 0x01, 0x01, 0x00, 0x00],
  ...[0x08, 0x5f, 0x53, 0x35, 0x5f, 0x12, 0x06, 0x04, 0x00, 0x00, 0x00, 0x00],
];

/** Processor 0 with APIC id 0; the I/O APIC from interrupt 0 on; IRQ 0 is its pin 2; NMIs are on LINT1. */
const INTERRUPT_CONTROLLERS = [
  ...[0, 8, 0, 0, 1, 0, 0, 0],
  ...[1, 12, 0, 0, ...littleEndian(IO_APIC), 0, 0, 0, 0],
  ...[2, 10, 0, 0, 2, 0, 0, 0, 0, 0],
  ...[4, 6, 0xff, 0, 0, 1],
];

export interface AcpiTables {
  readonly block: Block;
  /** Physical address of the FACS, which the guest writes. */
  readonly facs: number;
}

/**
 * @param address 16-byte aligned, from 0xE0000 to below 0x100000, where guests look for the root pointer
 * @param virtio devices that the DSDT names besides
 */
export function acpiTables(address: number, virtio: readonly VirtioMmioSlot[] = []): AcpiTables {
  const differentiated = Uint8Array.from([...SLEEP_STATES, ...systemBus(virtio.map(virtioDevice))]);
  const layout = new BlockLayout();
  const at = {
    root: layout.reserve(ROOT_POINTER_SIZE, 16),
    facs: layout.reserve(FACS_SIZE, 64),
    rsdt: layout.reserve(HEADER + 8),
    fadt: layout.reserve(FADT_SIZE),
    madt: layout.reserve(HEADER + 8 + INTERRUPT_CONTROLLERS.length),
    dsdt: layout.reserve(HEADER + differentiated.length),
  };
  const block = layout.at(address);
  block.copy(at.root, ascii('RSD PTR '));
  block.copy(at.root + 9, ascii('UVISOR'));
  block.u32(at.root + 16, address + at.rsdt);
  block.u8(at.root + 8, checksum(block, at.root, ROOT_POINTER_SIZE));
  block.copy(at.facs, ascii('FACS'));
  block.u32(at.facs + 4, FACS_SIZE);
  describeFixedHardware(block, at.fadt, { facs: address + at.facs, dsdt: address + at.dsdt });
  block.u32(at.madt + HEADER, LOCAL_APIC);
  block.u32(at.madt + HEADER + 4, 1); // there are 8259s, too
  block.copy(at.madt + HEADER + 8, Uint8Array.from(INTERRUPT_CONTROLLERS));
  block.copy(at.dsdt + HEADER, differentiated);
  block.u32(at.rsdt + HEADER, address + at.fadt);
  block.u32(at.rsdt + HEADER + 4, address + at.madt);
  finish(block, at.fadt, 'FACP', FADT_SIZE);
  finish(block, at.madt, 'APIC', HEADER + 8 + INTERRUPT_CONTROLLERS.length);
  finish(block, at.dsdt, 'DSDT', HEADER + differentiated.length);
  finish(block, at.rsdt, 'RSDT', HEADER + 8);
  return { block, facs: address + at.facs };
}

/** As Linux' virtio_mmio driver and QEMU's microvm have it. */
function virtioDevice({ base, length, irq }: VirtioMmioSlot, n: number): AcpiDevice {
  return { name: `VR0${n}`, hardwareId: 'LNRO0005', uniqueId: n, base, length, irq };
}

/** The FADT's fields by offset (ACPI 1.0, 5.2.5). */
function describeFixedHardware(block: Block, fadt: number, tables: { facs: number; dsdt: number }): void {
  block.u32(fadt + 36, tables.facs);
  block.u32(fadt + 40, tables.dsdt);
  block.u8(fadt + 46, Fixed.sci);
  block.u32(fadt + 56, Fixed.event);
  block.u32(fadt + 64, Fixed.control);
  block.u32(fadt + 76, Fixed.timer);
  for (const [offset, length] of [
    [88, 4],
    [89, 2],
    [91, 4],
  ] as const) {
    block.u8(fadt + offset, length);
  }
  block.u32(fadt + 96, 0xffff | (0xffff << 16)); // latencies that say there is no C2 and no C3
  block.u8(fadt + 108, CENTURY);
  block.u32(fadt + 112, FADT_FLAGS);
}

/** The header of a system description table, and its checksum. */
function finish(block: Block, table: number, signature: string, length: number): void {
  block.copy(table, ascii(signature));
  block.u32(table + 4, length);
  block.u8(table + 8, 1);
  block.copy(table + 10, ascii('UVISOR'));
  block.copy(table + 16, ascii('UNIVISOR'));
  block.u32(table + 24, 1);
  block.copy(table + 28, ascii('UVSR'));
  block.u32(table + 32, 1);
  block.u8(table + 9, checksum(block, table, length));
}

/** What makes the bytes' sum 0 modulo 256. */
function checksum(block: Block, offset: number, length: number): number {
  const sum = block.bytes.subarray(offset, offset + length).reduce((all, byte) => all + byte, 0);
  return -sum & 0xff;
}
