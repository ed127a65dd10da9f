/**
 * The 64 KiB of I/O ports: which device answers at which, and what an access wider than the device becomes.
 *
 * As on a PC, an access that a device does not decode whole is split in halves, low part first; ports where nothing
 * answers read as ones and swallow writes. An access past port 0xFFFF wraps.
 * Leaves out the CPU's permission checks and hypercall ports.
 */
import { type AccessWidth, allOnes, type PortDevice } from '../../devices/device.js';
import { BusError, type BusObserver } from './bus-error.js';

const PORTS = 0x10000;

interface Slot {
  readonly device: PortDevice;
  readonly region: number;
  readonly base: number;
  /** First port after the region. */
  readonly end: number;
  readonly maxWidth: AccessWidth;
}

export class PortBus {
  /** Port → index into #slots; 0 is nothing. */
  readonly #map = new Uint16Array(PORTS);
  readonly #slots: (Slot | undefined)[] = [undefined];
  /** Tracing; undefined costs one test an access. */
  observer: BusObserver | undefined;

  /** All regions or none. Throws BusError. */
  attach(device: PortDevice): void {
    const added: Slot[] = [];
    for (const [region, { base, length, maxWidth = 4 }] of device.portRegions.entries()) {
      const end = base + length;
      if (!Number.isInteger(base) || !Number.isInteger(end) || base < 0 || length < 1 || end > PORTS) {
        throw BusError.range('port', device.name, base, length);
      }
      const own = added.find((slot) => base < slot.end && slot.base < end);
      const existing = this.deviceIn(base, length) ?? own?.device.name;
      if (existing !== undefined) throw BusError.overlap('port', existing, device.name, base, end - 1);
      added.push({ device, region, base, end, maxWidth });
    }
    for (const slot of added) {
      const free = this.#slots.indexOf(undefined, 1);
      const index = free < 0 ? this.#slots.length : free;
      this.#slots[index] = slot;
      this.#map.fill(index, slot.base, slot.end);
    }
  }

  /** Does nothing if the device is not attached. */
  detach(device: PortDevice): void {
    for (const [index, slot] of this.#slots.entries()) {
      if (slot?.device !== device) continue;
      this.#map.fill(0, slot.base, slot.end);
      this.#slots[index] = undefined;
    }
  }

  /** The name of a device that answers somewhere in the range. */
  deviceIn(base: number, length: number): string | undefined {
    const taken = this.#map.subarray(base, base + length).find((index) => index !== 0);
    return taken === undefined ? undefined : this.#slots[taken]?.device.name;
  }

  /** Unsigned. */
  read(port: number, width: AccessWidth): number {
    const slot = this.#slots[this.#map[port] ?? 0];
    if (slot && width <= slot.maxWidth && port + width <= slot.end) {
      const value = (slot.device.readPort(slot.region, port - slot.base, width) & allOnes(width)) >>> 0;
      this.observer?.({ kind: 'read', address: port, width, value, device: slot.device.name });
      return value;
    }
    if (width === 1) {
      this.observer?.({ kind: 'read', address: port, width, value: 0xff, device: undefined });
      return 0xff;
    }
    const half = (width >> 1) as AccessWidth;
    const low = this.read(port, half);
    const high = this.read((port + half) & 0xffff, half);
    return (low | (high << (8 * half))) >>> 0;
  }

  /** `value` is taken modulo 2^(8·width). */
  write(port: number, width: AccessWidth, value: number): void {
    const slot = this.#slots[this.#map[port] ?? 0];
    const written = (value & allOnes(width)) >>> 0;
    if (slot && width <= slot.maxWidth && port + width <= slot.end) {
      this.observer?.({ kind: 'write', address: port, width, value: written, device: slot.device.name });
      slot.device.writePort(slot.region, port - slot.base, width, written);
      return;
    }
    if (width === 1) {
      this.observer?.({ kind: 'write', address: port, width, value: written, device: undefined });
      return;
    }
    const half = (width >> 1) as AccessWidth;
    this.write(port, half, written);
    this.write((port + half) & 0xffff, half, written >>> (8 * half));
  }
}
