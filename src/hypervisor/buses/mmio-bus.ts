/**
 * Physical addresses that are not RAM: which device answers at which, up to 2^52.
 *
 * Splits as the port bus does; addresses where nothing answers read as ones and swallow writes.
 * Regions are few, so they are kept sorted and searched by halves after the last hit was tried.
 * Leaves out RAM, which the CPU and GuestMemory reach by themselves, and 64-bit accesses: they come as two.
 */
import { type AccessWidth, allOnes, type MmioDevice } from '../../devices/device.js';
import { BusError, type BusObserver } from './bus-error.js';

const ADDRESSES = 2 ** 52;

interface Slot {
  readonly device: MmioDevice;
  readonly region: number;
  readonly base: number;
  /** First address after the region. */
  readonly end: number;
  readonly maxWidth: AccessWidth;
}

export class MmioBus {
  /** Sorted by base; never overlapping. */
  #slots: Slot[] = [];
  #last: Slot | undefined;
  /** Tracing; undefined costs one test an access. */
  observer: BusObserver | undefined;

  /** All regions or none. Throws BusError. */
  attach(device: MmioDevice): void {
    const added: Slot[] = [];
    for (const [region, { base, length, maxWidth = 4 }] of device.mmioRegions.entries()) {
      const end = base + length;
      if (!Number.isInteger(base) || !Number.isInteger(end) || base < 0 || length < 1 || end > ADDRESSES) {
        throw BusError.range('address', device.name, base, length);
      }
      const existing = [...this.#slots, ...added].find((slot) => base < slot.end && slot.base < end);
      if (existing) throw BusError.overlap('address', existing.device.name, device.name, base, end - 1);
      added.push({ device, region, base, end, maxWidth });
    }
    this.#slots = [...this.#slots, ...added].sort((a, b) => a.base - b.base);
  }

  /** Does nothing if the device is not attached. */
  detach(device: MmioDevice): void {
    this.#slots = this.#slots.filter((slot) => slot.device !== device);
    this.#last = undefined;
  }

  /** The name of a device that answers somewhere in the range. */
  deviceIn(base: number, length: number): string | undefined {
    return this.#slots.find((slot) => base < slot.end && slot.base < base + length)?.device.name;
  }

  /** Unsigned. */
  read(address: number, width: AccessWidth): number {
    const slot = this.#find(address);
    if (slot && width <= slot.maxWidth && address + width <= slot.end) {
      const value = (slot.device.readMmio(slot.region, address - slot.base, width) & allOnes(width)) >>> 0;
      this.observer?.({ kind: 'read', address, width, value, device: slot.device.name });
      return value;
    }
    if (width === 1) {
      this.observer?.({ kind: 'read', address, width, value: 0xff, device: undefined });
      return 0xff;
    }
    const half = (width >> 1) as AccessWidth;
    const low = this.read(address, half);
    const high = this.read(address + half, half);
    return (low | (high << (8 * half))) >>> 0;
  }

  /** `value` is taken modulo 2^(8·width). */
  write(address: number, width: AccessWidth, value: number): void {
    const slot = this.#find(address);
    const written = (value & allOnes(width)) >>> 0;
    if (slot && width <= slot.maxWidth && address + width <= slot.end) {
      this.observer?.({ kind: 'write', address, width, value: written, device: slot.device.name });
      slot.device.writeMmio(slot.region, address - slot.base, width, written);
      return;
    }
    if (width === 1) {
      this.observer?.({ kind: 'write', address, width, value: written, device: undefined });
      return;
    }
    const half = (width >> 1) as AccessWidth;
    this.write(address, half, written);
    this.write(address + half, half, written >>> (8 * half));
  }

  #find(address: number): Slot | undefined {
    const last = this.#last;
    if (last && address >= last.base && address < last.end) return last;
    let low = 0;
    let high = this.#slots.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#slots[middle]?.end ?? 0) <= address) low = middle + 1;
      else high = middle;
    }
    const slot = this.#slots[low];
    if (!slot || address < slot.base) return undefined;
    this.#last = slot;
    return slot;
  }
}
