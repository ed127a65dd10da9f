/**
 * ACPI's bytecode, as far as a table needs it that only names things: names, packages of length, and a device with its
 * memory and interrupt. Leaves out methods and fields. ACPI 6.5, chapter 20 "ACPI Machine Language", and 6.4 for resources.
 */

/** A device at physical addresses, with one interrupt of the ISA's, which are edges and active when high. */
export interface AcpiDevice {
  /** Four letters or digits. */
  readonly name: string;
  readonly hardwareId: string;
  /** Below 256, another for each device of one hardware id. */
  readonly uniqueId: number;
  readonly base: number;
  readonly length: number;
  readonly irq: number;
}

const Opcode = {
  name: 0x08,
  byte: 0x0a,
  string: 0x0d,
  scope: 0x10,
  buffer: 0x11,
  device: [0x5b, 0x82],
} as const;
const SYSTEM_BUS = '\\_SB_';
/** 6.4.3.4, writable; 6.4.3.6, a consumer of an edge, active when high, its own; 6.4.2.9. */
const Resource = { memory: [0x86, 9, 0, 1], interrupt: [0x89, 6, 0, 3, 1], end: [0x79, 0] } as const;

/** A scope of the devices on the system bus; nothing for none. */
export function systemBus(devices: readonly AcpiDevice[]): number[] {
  if (devices.length === 0) return [];
  return [Opcode.scope, ...counted([...ascii(SYSTEM_BUS), ...devices.flatMap(device)])];
}

function device({ name, hardwareId, uniqueId, base, length, irq }: AcpiDevice): number[] {
  const resources = [
    ...[...Resource.memory, ...littleEndian(base), ...littleEndian(length)],
    ...[...Resource.interrupt, ...littleEndian(irq)],
    ...Resource.end,
  ];
  const contents = [
    ...ascii(name),
    ...named('_HID', [Opcode.string, ...ascii(hardwareId), 0]),
    ...named('_UID', [Opcode.byte, uniqueId]),
    ...named('_CRS', [Opcode.buffer, ...counted([Opcode.byte, resources.length, ...resources])]),
  ];
  return [...Opcode.device, ...counted(contents)];
}

function named(name: string, value: readonly number[]): number[] {
  return [Opcode.name, ...ascii(name), ...value];
}

/** PkgLength (20.2.4), which counts itself: in one byte up to 63, else in two up to 4095. */
function counted(contents: readonly number[]): number[] {
  const short = contents.length + 1;
  if (short < 64) return [short, ...contents];
  const long = contents.length + 2;
  return [0x40 | (long & 0xf), long >> 4, ...contents];
}

export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function littleEndian(value: number): number[] {
  return [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
}
