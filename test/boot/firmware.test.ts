/** What the firmware leaves: tables that add up and point at each other, and handlers in real mode. */
import { describe, expect, it } from 'vitest';
import type { VirtioMmioSlot } from '../../src/boot/boot-types.js';
import { acpiTables } from '../../src/boot/firmware/acpi-tables.js';
import { wakingVector, writeFirmware } from '../../src/boot/firmware/pc-firmware.js';
import { GuestMemory } from '../../src/memory/guest-memory.js';
import { MIB, u32 } from './guest.js';

function withFirmware(virtio: readonly VirtioMmioSlot[] = []): GuestMemory {
  const memory = GuestMemory.standalone(2 * MIB);
  writeFirmware(memory, virtio);
  return memory;
}

function textAt(memory: GuestMemory, address: number, length: number): string {
  return String.fromCharCode(...(memory.bytes(address, length) ?? []));
}

function sum(memory: GuestMemory, address: number, length: number): number {
  return Array.from(memory.bytes(address, length) ?? []).reduce((all, byte) => all + byte, 0) & 0xff;
}

/** The root pointer as guests look for it. */
function rootPointer(memory: GuestMemory): number {
  for (let address = 0xe0000; address < 0x100000; address += 16) {
    if (textAt(memory, address, 8) === 'RSD PTR ') return address;
  }
  throw new Error('there is no root pointer');
}

function tables(memory: GuestMemory): Map<string, number> {
  const rsdt = u32(memory, rootPointer(memory) + 16);
  const count = (u32(memory, rsdt + 4) - 36) / 4;
  const entries = Array.from({ length: count }, (_, n) => u32(memory, rsdt + 36 + 4 * n));
  const fadt = entries[0] as number;
  const all = [rsdt, ...entries, u32(memory, fadt + 40)];
  return new Map(all.map((address) => [textAt(memory, address, 4), address]));
}

describe('ACPI', () => {
  it('has a root pointer and tables whose bytes add up to 0', () => {
    const memory = withFirmware();
    const all = tables(memory);
    expect([...all.keys()]).toEqual(['RSDT', 'FACP', 'APIC', 'DSDT']);
    expect(sum(memory, rootPointer(memory), 20)).toBe(0);
    for (const address of all.values()) expect(sum(memory, address, u32(memory, address + 4))).toBe(0);
  });

  it('tells where the fixed hardware is', () => {
    const memory = withFirmware();
    const fadt = tables(memory).get('FACP') ?? 0;
    expect([56, 64, 76].map((offset) => u32(memory, fadt + offset))).toEqual([0x600, 0x604, 0x608]);
    expect([88, 89, 91].map((offset) => memory.read(fadt + offset, 1))).toEqual([4, 2, 4]);
    const facs = u32(memory, fadt + 36);
    expect([textAt(memory, facs, 4), facs % 64, facs]).toEqual(['FACS', 0, acpiTables(0xf0000).facs]);
  });

  it('names virtio devices, their memory and interrupts, by any number', () => {
    for (let count = 1; count <= 8; count++) {
      const slots = Array.from({ length: count }, (_, n) => ({
        base: 0xfeb00000 + n,
        length: 0x200,
        irq: 5 + n,
      }));
      const memory = withFirmware(slots);
      const dsdt = tables(memory).get('DSDT') ?? 0;
      const length = u32(memory, dsdt + 4);
      expect(sum(memory, dsdt, length)).toBe(0);
      const scope = dsdt + 36 + 24;
      const [low, high] = [memory.read(scope + 1, 1) ?? 0, memory.read(scope + 2, 1) ?? 0];
      // From the length to the table's end; the last device's resources are 23 bytes.
      expect((low & 0xf) | (high << 4)).toBe(length - 36 - 24 - 1);
      expect(textAt(memory, scope + 3, 9)).toBe('\\_SB_[\x82;V');
      const last = dsdt + length - 23;
      expect([u32(memory, last + 4), u32(memory, last + 8), u32(memory, last + 17)]).toEqual([
        0xfeb00000 + count - 1,
        0x200,
        4 + count,
      ]);
    }
  });

  it('lists the local APIC, the I/O APIC, the override of IRQ 0 and the NMI', () => {
    const memory = withFirmware();
    const madt = tables(memory).get('APIC') ?? 0;
    const end = madt + u32(memory, madt + 4);
    const types: number[] = [];
    for (let at = madt + 44; at < end; at += memory.read(at + 1, 1) ?? end)
      types.push(memory.read(at, 1) ?? -1);
    expect([u32(memory, madt + 36), u32(memory, madt + 40), types]).toEqual([0xfee00000, 1, [0, 1, 2, 4]]);
  });
});

describe('real mode', () => {
  it.each([
    [0x00, 'cf'],
    [0x08, '1e 50 b8 40 00 8e d8 66 ff 06 6c 00 b0 20 e6 20 58 1f cf'],
    [0x0b, '50 b0 20 e6 20 58 cf'],
    [0x73, '50 b0 20 e6 a0 e6 20 58 cf'],
    [0xff, 'cf'],
  ])('vector %i leads to its handler', (vector, code) => {
    const memory = withFirmware();
    const pointer = u32(memory, 4 * vector);
    const address = (pointer >>> 16) * 16 + (pointer & 0xffff);
    const bytes = memory.bytes(address, code.split(' ').length) ?? [];
    expect(Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')).toBe(code);
  });

  it('has 639 KiB below the EBDA', () => {
    const memory = withFirmware();
    expect([memory.read(0x413, 2), memory.read(0x40e, 2)]).toEqual([639, 0x9fc0]);
  });
});

it('finds the waking vector that a guest left', () => {
  const memory = withFirmware();
  expect(wakingVector(memory)).toBe(0);
  memory.store(acpiTables(0xf0000).facs + 12, 4, 0x1230);
  expect(wakingVector(memory)).toBe(0x1230);
});
