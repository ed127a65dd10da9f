/**
 * A packed virtqueue: one ring of descriptors that the driver makes available and the device overwrites as used
 * (virtio 1.2, 2.8).
 *
 * Leaves out in-order use. Nothing here throws but BrokenQueueError, and no loop is longer than the queue or an indirect
 * table.
 */
import type { GuestMemory } from '../../../memory/guest-memory.js';
import {
  BrokenQueueError,
  type Chain,
  ChainBuilder,
  DESCRIPTOR_SIZE,
  type Descriptor,
  DescriptorFlag,
  LONGEST_CHAIN,
} from './chain.js';
import type { QueueCounters, QueuePlace, Virtqueue } from './virtqueue.js';

export interface PackedQueueOptions {
  readonly memory: GuestMemory;
  readonly place: QueuePlace;
  /** VIRTIO_F_EVENT_IDX and VIRTIO_F_INDIRECT_DESC were negotiated. */
  readonly eventIndex: boolean;
  readonly indirect: boolean;
  /** Counters of a queue that was saved. */
  readonly counters?: QueueCounters;
}

const WRAP = 0x8000;
const AVAILABLE = 1 << 7;
const USED = 1 << 15;
/** Event suppression: a place, then these flags. */
const FLAGS = 2;
const Events = { enable: 0, disable: 1, place: 2 } as const;

interface RingDescriptor extends Descriptor {
  readonly id: number;
}

export class PackedQueue implements Virtqueue {
  readonly #memory: GuestMemory;
  readonly #place: QueuePlace;
  readonly #eventIndex: boolean;
  readonly #indirect: boolean;
  #available: number;
  #used: number;
  #considered: number;
  #notifications = true;

  constructor({ memory, place, eventIndex, indirect, counters }: PackedQueueOptions) {
    this.#memory = memory;
    this.#place = place;
    this.#eventIndex = eventIndex;
    this.#indirect = indirect;
    this.#available = counters?.available ?? WRAP;
    this.#used = counters?.used ?? WRAP;
    this.#considered = counters?.considered ?? WRAP;
  }

  take(): Chain | undefined {
    const { size } = this.#place;
    let place = this.#available;
    const first = this.#descriptor(this.#place.descriptors, place % WRAP);
    if (!isAvailable(first.flags, place)) return undefined;
    const builder = new ChainBuilder(this.#memory);
    let last = first;
    let count = 1;
    if (first.flags & DescriptorFlag.indirect) this.#addIndirect(first, builder);
    else {
      builder.add(first);
      while (last.flags & DescriptorFlag.next) {
        if (count === size) throw new BrokenQueueError(`a chain longer than the queue's ${size} descriptors`);
        place = this.#after(place, 1);
        last = this.#descriptor(this.#place.descriptors, place % WRAP);
        if (last.flags & DescriptorFlag.indirect)
          throw new BrokenQueueError('an indirect descriptor in a chain');
        builder.add(last);
        count += 1;
      }
    }
    this.#available = this.#after(this.#available, count);
    if (this.#notifications) this.#writeEvents();
    return builder.finish(last.id, count);
  }

  untake({ descriptors }: Chain): void {
    this.#available = this.#after(this.#available, -descriptors);
    if (this.#notifications) this.#writeEvents();
  }

  give({ id, descriptors }: Chain, written: number): void {
    const at = this.#place.descriptors + (this.#used % WRAP) * DESCRIPTOR_SIZE;
    const flags = (this.#used & WRAP ? AVAILABLE | USED : 0) | (written > 0 ? DescriptorFlag.write : 0);
    this.#memory.store(at + 8, 4, written);
    this.#memory.store(at + 12, 2, id);
    // The flags make it the driver's, so they come last.
    this.#memory.store(at + 14, 2, flags);
    this.#used = this.#after(this.#used, descriptors);
  }

  wantsInterrupt(): boolean {
    const before = this.#considered;
    const { size, driver } = this.#place;
    const wrapped = ((this.#used ^ before) & WRAP) !== 0;
    const given = (this.#used % WRAP) - (before % WRAP) + (wrapped ? size : 0);
    this.#considered = this.#used;
    if (given === 0) return false;
    const flags = this.#read16(driver + FLAGS) & 3;
    if (flags !== Events.place || !this.#eventIndex) return flags !== Events.disable;
    const event = this.#read16(driver);
    // How far behind `used` the event's place is; at most a whole ring.
    const distance = (this.#used % WRAP) - (event % WRAP) + ((this.#used ^ event) & WRAP ? size : 0);
    return distance > 0 && distance <= given;
  }

  wantNotifications(wanted: boolean): void {
    this.#notifications = wanted;
    if (wanted) this.#writeEvents();
    else this.#memory.store(this.#place.device + FLAGS, 2, Events.disable);
  }

  save(): QueueCounters {
    return { available: this.#available, used: this.#used, considered: this.#considered };
  }

  #writeEvents(): void {
    const { device } = this.#place;
    if (this.#eventIndex) this.#memory.store(device, 2, this.#available);
    this.#memory.store(device + FLAGS, 2, this.#eventIndex ? Events.place : Events.enable);
  }

  /** A place so many descriptors on, or back. */
  #after(place: number, count: number): number {
    const { size } = this.#place;
    const index = (place % WRAP) + count;
    const wraps = index >= size || index < 0;
    return (((index + size) % size) | (place & WRAP)) ^ (wraps ? WRAP : 0);
  }

  /** 2.8.7: a table of descriptors that follow each other; its flags but WRITE mean nothing. */
  #addIndirect({ address, length, flags }: Descriptor, builder: ChainBuilder): void {
    if (!this.#indirect) throw new BrokenQueueError('an indirect descriptor that was not negotiated');
    if (flags & DescriptorFlag.next) throw new BrokenQueueError('an indirect descriptor with a next one');
    const size = length / DESCRIPTOR_SIZE;
    const isTable = Number.isInteger(size) && size > 0 && size <= LONGEST_CHAIN;
    if (!isTable || !this.#memory.contains(address, length)) {
      throw new BrokenQueueError(`an indirect table of ${length} bytes at 0x${address.toString(16)}`);
    }
    for (let index = 0; index < size; index++) builder.add(this.#descriptor(address, index));
  }

  #descriptor(table: number, index: number): RingDescriptor {
    const at = table + index * DESCRIPTOR_SIZE;
    const bytes = this.#memory.bytes(at, DESCRIPTOR_SIZE);
    if (!bytes) throw new BrokenQueueError(`a descriptor at 0x${at.toString(16)}, which is not RAM`);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return {
      address: view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true),
      length: view.getUint32(8, true),
      id: view.getUint16(12, true),
      flags: view.getUint16(14, true),
    };
  }

  #read16(address: number): number {
    const value = this.#memory.read(address, 2);
    if (value === undefined)
      throw new BrokenQueueError(`events at 0x${address.toString(16)}, which is not RAM`);
    return value;
  }
}

/** 2.8.1: AVAIL is the driver's wrap counter, and USED is not. */
function isAvailable(flags: number, place: number): boolean {
  const counter = (place & WRAP) !== 0;
  return ((flags & AVAILABLE) !== 0) === counter && ((flags & USED) !== 0) !== counter;
}
