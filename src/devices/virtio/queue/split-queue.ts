/**
 * A split virtqueue: a table of descriptors, a ring of those available and one of those used (virtio 1.2, 2.7).
 *
 * Leaves out in-order use, which no device here needs. Nothing here throws but BrokenQueueError, and no loop is longer than
 * the queue or an indirect table.
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

export interface SplitQueueOptions {
  readonly memory: GuestMemory;
  readonly place: QueuePlace;
  /** VIRTIO_F_EVENT_IDX and VIRTIO_F_INDIRECT_DESC were negotiated. */
  readonly eventIndex: boolean;
  readonly indirect: boolean;
  /** Counters of a queue that was saved. */
  readonly counters?: QueueCounters;
}

/** avail.flags: the driver looks by itself. */
const NO_INTERRUPT = 1;
/** used.flags: the device looks by itself. */
const NO_NOTIFY = 1;
/** Both rings begin with flags and an index of 16 bits each. */
const INDEX = 2;
const ENTRIES = 4;
const AVAILABLE_ENTRY = 2;
const USED_ENTRY = 8;

export class SplitQueue implements Virtqueue {
  readonly #memory: GuestMemory;
  readonly #place: QueuePlace;
  readonly #eventIndex: boolean;
  readonly #indirect: boolean;
  #available: number;
  #used: number;
  #considered: number;
  #notifications = true;

  constructor({ memory, place, eventIndex, indirect, counters }: SplitQueueOptions) {
    this.#memory = memory;
    this.#place = place;
    this.#eventIndex = eventIndex;
    this.#indirect = indirect;
    this.#available = counters?.available ?? 0;
    this.#used = counters?.used ?? 0;
    this.#considered = counters?.considered ?? 0;
  }

  take(): Chain | undefined {
    const { driver, size } = this.#place;
    const waiting = (this.#read16(driver + INDEX) - this.#available) & 0xffff;
    if (waiting === 0) return undefined;
    if (waiting > size) throw new BrokenQueueError(`${waiting} buffers in an available ring of ${size}`);
    const head = this.#read16(driver + ENTRIES + AVAILABLE_ENTRY * (this.#available % size));
    const chain = this.#chainFrom(head);
    this.#available = (this.#available + 1) & 0xffff;
    if (this.#notifications) this.#writeAvailableEvent();
    return chain;
  }

  untake(_chain: Chain): void {
    this.#available = (this.#available - 1) & 0xffff;
    if (this.#notifications) this.#writeAvailableEvent();
  }

  give({ id }: Chain, written: number): void {
    const { device, size } = this.#place;
    const entry = device + ENTRIES + USED_ENTRY * (this.#used % size);
    this.#memory.store(entry, 4, id);
    this.#memory.store(entry + 4, 4, written);
    this.#used = (this.#used + 1) & 0xffff;
    this.#memory.store(device + INDEX, 2, this.#used);
  }

  wantsInterrupt(): boolean {
    const before = this.#considered;
    const given = (this.#used - before) & 0xffff;
    this.#considered = this.#used;
    if (given === 0) return false;
    const { driver, size } = this.#place;
    if (!this.#eventIndex) return (this.#read16(driver) & NO_INTERRUPT) === 0;
    const event = this.#read16(driver + ENTRIES + AVAILABLE_ENTRY * size);
    return ((this.#used - event - 1) & 0xffff) < given;
  }

  wantNotifications(wanted: boolean): void {
    this.#notifications = wanted;
    if (!this.#eventIndex) this.#memory.store(this.#place.device, 2, wanted ? 0 : NO_NOTIFY);
    else this.#writeAvailableEvent(wanted ? 0 : -1);
  }

  save(): QueueCounters {
    return { available: this.#available, used: this.#used, considered: this.#considered };
  }

  /** Behind the used ring (2.7.10): which buffer the driver tells of. @param ahead of the next; one gone by is never */
  #writeAvailableEvent(ahead = 0): void {
    const { device, size } = this.#place;
    const event = this.#available + ahead;
    if (this.#eventIndex) this.#memory.store(device + ENTRIES + USED_ENTRY * size, 2, event);
  }

  #chainFrom(head: number): Chain {
    const { descriptors: table, size } = this.#place;
    const builder = new ChainBuilder(this.#memory);
    let index: number | undefined = head;
    for (let count = 1; count <= size; count++) {
      if (index >= size) throw new BrokenQueueError(`descriptor ${index} of a queue of ${size}`);
      const descriptor = this.#descriptor(table, index);
      if (descriptor.flags & DescriptorFlag.indirect) {
        this.#addIndirect(descriptor, builder);
        return builder.finish(head, count);
      }
      builder.add(descriptor);
      index = descriptor.flags & DescriptorFlag.next ? descriptor.next : undefined;
      if (index === undefined) return builder.finish(head, count);
    }
    throw new BrokenQueueError(`a chain longer than the queue's ${size} descriptors`);
  }

  /** 2.7.5.3: a table elsewhere, in which descriptors follow each other by index, none indirect. */
  #addIndirect({ address, length, flags }: Descriptor, builder: ChainBuilder): void {
    if (!this.#indirect) throw new BrokenQueueError('an indirect descriptor that was not negotiated');
    if (flags & DescriptorFlag.next) throw new BrokenQueueError('an indirect descriptor with a next one');
    const size = length / DESCRIPTOR_SIZE;
    if (!Number.isInteger(size) || size === 0 || !this.#memory.contains(address, length)) {
      throw new BrokenQueueError(`an indirect table of ${length} bytes at 0x${address.toString(16)}`);
    }
    let index = 0;
    for (let count = 0; count < Math.min(size, LONGEST_CHAIN); count++) {
      if (index >= size) throw new BrokenQueueError(`descriptor ${index} of an indirect table of ${size}`);
      const descriptor = this.#descriptor(address, index);
      if (descriptor.flags & DescriptorFlag.indirect)
        throw new BrokenQueueError('an indirect table in another');
      builder.add(descriptor);
      if (!(descriptor.flags & DescriptorFlag.next)) return;
      index = descriptor.next;
    }
    throw new BrokenQueueError('a chain longer than its indirect table');
  }

  #descriptor(table: number, index: number): Descriptor & { readonly next: number } {
    const at = table + index * DESCRIPTOR_SIZE;
    const bytes = this.#memory.bytes(at, DESCRIPTOR_SIZE);
    if (!bytes) throw new BrokenQueueError(`a descriptor at 0x${at.toString(16)}, which is not RAM`);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return {
      address: view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true),
      length: view.getUint32(8, true),
      flags: view.getUint16(12, true),
      next: view.getUint16(14, true),
    };
  }

  #read16(address: number): number {
    const value = this.#memory.read(address, 2);
    if (value === undefined)
      throw new BrokenQueueError(`a ring at 0x${address.toString(16)}, which is not RAM`);
    return value;
  }
}
