/**
 * The driver's side of a virtqueue, for tests: puts buffers into a ring and takes used ones out, as virtio 1.2, 2.7.13 and
 * 2.8.21 tell. Written from the specification alone, so that it judges the device's side. Leaves out reordering.
 */

import { PackedQueue } from '../../../src/devices/virtio/queue/packed-queue.js';
import { SplitQueue } from '../../../src/devices/virtio/queue/split-queue.js';
import type { QueuePlace, Virtqueue } from '../../../src/devices/virtio/queue/virtqueue.js';
import type { GuestMemory } from '../../../src/memory/guest-memory.js';

export interface Part {
  readonly address: number;
  readonly length: number;
  readonly writable?: boolean;
}

export interface Used {
  /** The number that `add` answered. */
  readonly buffer: number;
  readonly written: number;
}

export interface Driver {
  readonly queue: Virtqueue;
  /** Makes a buffer available and answers its number; with a table, by one indirect descriptor that leads there. */
  add(parts: readonly Part[], table?: number): number;
  /** The next used buffer, if there is one. */
  poll(): Used | undefined;
  /** What the driver writes to be interrupted at a used buffer, so many from the next on; undefined for never. */
  interruptAt(ahead: number | undefined): void;
  /** Whether the device asks to be told of the buffer that was added last. */
  readonly mustNotify: boolean;
}

export interface RingOptions {
  readonly eventIndex?: boolean;
  readonly indirect?: boolean;
}

export const RINGS = ['split', 'packed'] as const;
export type Ring = (typeof RINGS)[number];

/** @param base of the queue's areas, 64 KiB of them */
export function makeDriver(ring: Ring, memory: GuestMemory, size: number, options: RingOptions = {}): Driver {
  const { eventIndex = false, indirect = true } = options;
  const place = { size, descriptors: BASE, driver: BASE + 0x6000, device: BASE + 0x8000 };
  return ring === 'split'
    ? new SplitDriver(memory, place, eventIndex, indirect)
    : new PackedDriver(memory, place, eventIndex, indirect);
}

export const BASE = 0x10000;
const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;

function descriptor(memory: GuestMemory, at: number, part: Part, low: number, high: number): void {
  memory.store(at, 4, part.address);
  memory.store(at + 4, 4, 0);
  memory.store(at + 8, 4, part.length);
  memory.store(at + 12, 2, low);
  memory.store(at + 14, 2, high);
}

class SplitDriver implements Driver {
  readonly queue: SplitQueue;
  readonly #free: number[];
  readonly #chains = new Map<number, readonly number[]>();
  #available = 0;
  #used = 0;

  constructor(
    readonly memory: GuestMemory,
    readonly place: QueuePlace,
    readonly eventIndex: boolean,
    indirect: boolean,
  ) {
    this.queue = new SplitQueue({ memory, place, eventIndex, indirect });
    this.#free = Array.from({ length: place.size }, (_, n) => n);
  }

  add(parts: readonly Part[], table?: number): number {
    const { memory, place } = this;
    const taken = this.#free.splice(0, table === undefined ? parts.length : 1);
    const head = taken[0] as number;
    if (table === undefined) {
      parts.forEach((part, n) => {
        const next = taken[n + 1];
        const flags = (part.writable ? WRITE : 0) | (next === undefined ? 0 : NEXT);
        descriptor(memory, place.descriptors + 16 * (taken[n] as number), part, flags, next ?? 0);
      });
    } else {
      parts.forEach((part, n) => {
        const flags = (part.writable ? WRITE : 0) | (n + 1 < parts.length ? NEXT : 0);
        descriptor(memory, table + 16 * n, part, flags, n + 1);
      });
      const whole = { address: table, length: 16 * parts.length };
      descriptor(memory, place.descriptors + 16 * head, whole, INDIRECT, 0);
    }
    this.#chains.set(head, taken);
    memory.store(place.driver + 4 + 2 * (this.#available % place.size), 2, head);
    this.#available = (this.#available + 1) & 0xffff;
    memory.store(place.driver + 2, 2, this.#available);
    return head;
  }

  poll(): Used | undefined {
    const { memory, place } = this;
    if (memory.read(place.device + 2, 2) === this.#used) return undefined;
    const at = place.device + 4 + 8 * (this.#used % place.size);
    const [buffer, written] = [memory.read(at, 4), memory.read(at + 4, 4)] as [number, number];
    this.#used = (this.#used + 1) & 0xffff;
    this.#free.push(...(this.#chains.get(buffer) ?? []));
    this.#chains.delete(buffer);
    return { buffer, written };
  }

  interruptAt(ahead: number | undefined): void {
    const { memory, place } = this;
    if (!this.eventIndex) memory.store(place.driver, 2, ahead === undefined ? 1 : 0);
    else memory.store(place.driver + 4 + 2 * place.size, 2, (this.#used + (ahead ?? -1)) & 0xffff);
  }

  get mustNotify(): boolean {
    const { memory, place } = this;
    if (!this.eventIndex) return memory.read(place.device, 2) === 0;
    return memory.read(place.device + 4 + 8 * place.size, 2) === ((this.#available - 1) & 0xffff);
  }
}

class PackedDriver implements Driver {
  readonly queue: PackedQueue;
  /** Index in the ring, and the wrap counter. */
  #available = { index: 0, wrap: true };
  #used = { index: 0, wrap: true };
  #last = { index: 0, wrap: true };
  #nextId = 0;
  readonly #counts = new Map<number, number>();

  constructor(
    readonly memory: GuestMemory,
    readonly place: QueuePlace,
    readonly eventIndex: boolean,
    indirect: boolean,
  ) {
    this.queue = new PackedQueue({ memory, place, eventIndex, indirect });
  }

  add(parts: readonly Part[], table?: number): number {
    const { memory, place } = this;
    const id = this.#nextId++ % place.size;
    this.#last = this.#available;
    parts.forEach((part, n) => {
      if (table !== undefined) descriptor(memory, table + 16 * n, part, 0, part.writable ? WRITE : 0);
    });
    const ring = table === undefined ? parts : [{ address: table, length: 16 * parts.length }];
    this.#counts.set(id, ring.length);
    const { index: first, wrap: firstWrap } = this.#available;
    ring.forEach((part, n) => {
      const { index, wrap } = this.#available;
      const kind =
        table === undefined ? (part.writable ? WRITE : 0) | (n + 1 < ring.length ? NEXT : 0) : INDIRECT;
      const made = wrap ? 1 << 7 : 1 << 15;
      // The first one's flags come last: until then the device must not see the chain.
      const hidden = n === 0 ? this.memory.read(place.descriptors + 16 * index + 14, 2) : undefined;
      descriptor(memory, place.descriptors + 16 * index, part, id, hidden ?? kind | made);
      this.#available = this.#after(this.#available, 1);
    });
    const firstPart = ring[0] as Part;
    const kind =
      table === undefined ? (firstPart.writable ? WRITE : 0) | (ring.length > 1 ? NEXT : 0) : INDIRECT;
    memory.store(place.descriptors + 16 * first + 14, 2, kind | (firstWrap ? 1 << 7 : 1 << 15));
    return id;
  }

  poll(): Used | undefined {
    const { memory, place } = this;
    const at = place.descriptors + 16 * this.#used.index;
    const flags = memory.read(at + 14, 2) as number;
    const [available, used] = [(flags >> 7) & 1, flags >> 15];
    if (available !== used || used !== (this.#used.wrap ? 1 : 0)) return undefined;
    const [buffer, written] = [memory.read(at + 12, 2), memory.read(at + 8, 4)] as [number, number];
    this.#used = this.#after(this.#used, this.#counts.get(buffer) ?? 1);
    return { buffer, written };
  }

  interruptAt(ahead: number | undefined): void {
    const { memory, place } = this;
    const flags = ahead === undefined ? 1 : this.eventIndex ? 2 : 0;
    const { index, wrap } = this.#after(this.#used, ahead ?? 0);
    memory.store(place.driver, 2, index | (wrap ? 0x8000 : 0));
    memory.store(place.driver + 2, 2, flags);
  }

  get mustNotify(): boolean {
    const { memory, place } = this;
    const flags = memory.read(place.device + 2, 2);
    if (flags !== 2) return flags === 0;
    return memory.read(place.device, 2) === (this.#last.index | (this.#last.wrap ? 0x8000 : 0));
  }

  #after({ index, wrap }: { index: number; wrap: boolean }, count: number) {
    const next = index + count;
    return next < this.place.size ? { index: next, wrap } : { index: next - this.place.size, wrap: !wrap };
  }
}
