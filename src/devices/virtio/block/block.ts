/**
 * The block device: requests to read, write, flush, discard and zero a disk (virtio 1.2, 5.2).
 *
 * A request is done when its notification returns. Leaves out geometry, topology, a switch for the write cache, lifetimes,
 * secure erase and zones, of which none is offered. Without VIRTIO_BLK_F_FLUSH every write is flushed, as 5.2.6.2 asks.
 */
import { type BlockBackend, BlockError, SECTOR } from '../../backends.js';
import type { AccessWidth, DeviceState } from '../../device.js';
import { parseState, record } from '../../state-schema.js';
import type { VirtioClass, VirtioLink } from '../device-class.js';
import { BrokenQueueError, type Chain, gather, lengthOf, scatter } from '../queue/chain.js';
import {
  BlockConfig,
  BlockFeature,
  blockFeatures,
  MOST_RANGE_SECTORS,
  MOST_SEGMENT_BYTES,
  MOST_SEGMENTS,
} from './config.js';

const BLOCK_DEVICE = 2;
const QUEUE_SIZE = 128;
const HEADER = 16;
const SERIAL_SIZE = 20;
const RANGE = 16;
const UNMAP = 1;
const MOST_DATA = MOST_SEGMENTS * MOST_SEGMENT_BYTES;
/** What flushing costs, beside copying so many bytes: enough to end a batch. */
const FLUSH_COST = 1 << 20;
export const MOST_QUEUES = 8;

const Type = { in: 0, out: 1, flush: 4, getId: 8, discard: 11, writeZeroes: 13 } as const;
const Status = { ok: 0, failed: 1, unsupported: 2 } as const;

/** A disk of a machine. */
export interface Disk {
  readonly backend: BlockBackend;
  /** Up to 20 characters of ASCII that the guest can read. */
  readonly serial?: string;
  /** 1 to 8; 1 unless given. */
  readonly queues?: number;
}

interface Request {
  readonly chain: Chain;
  readonly type: number;
  /** Above 2^53 it is rounded, and then outside any disk all the same. */
  readonly sector: number;
  /** Bytes behind the header, and before the status. */
  readonly given: number;
  readonly room: number;
}

interface Outcome {
  readonly status: number;
  /** What the guest gets, if anything. */
  readonly data?: Uint8Array;
}

const stateShape = record({});

export class Block implements VirtioClass {
  readonly deviceType = BLOCK_DEVICE;
  readonly queueSizes: readonly number[];
  readonly features: bigint;
  readonly #backend: BlockBackend;
  readonly #serial: Uint8Array;
  readonly #config: BlockConfig;
  #link: VirtioLink | undefined;

  constructor({ backend, serial = '', queues = 1 }: Disk) {
    this.#backend = backend;
    const { readOnly } = backend;
    const shape = { sectors: backend.size / SECTOR, sectorSize: SECTOR, queues, readOnly };
    this.#config = new BlockConfig(shape);
    this.features = blockFeatures(shape);
    this.queueSizes = new Array(queues).fill(QUEUE_SIZE);
    this.#serial = Uint8Array.from({ length: SERIAL_SIZE }, (_, n) => serial.charCodeAt(n) || 0);
  }

  readConfig(offset: number, width: AccessWidth): number {
    return this.#config.read(offset, width);
  }

  writeConfig(_offset: number, _width: AccessWidth, _value: number): void {}

  start(link: VirtioLink): void {
    this.#link = link;
  }

  notified(queue: number): void {
    const link = this.#link;
    link?.serve(queue, (chain) => this.#serve(link, chain));
  }

  reset(): void {
    this.#link = undefined;
  }

  save(): DeviceState {
    return {};
  }

  restore(state: DeviceState): void {
    parseState(stateShape, state, 'virtio-blk');
    this.#link = undefined;
  }

  /** The bytes written: none where data was asked for and is not there, though the status is. */
  #serve(link: VirtioLink, chain: Chain): number {
    const writable = lengthOf(chain.writable);
    const header = gather(link.memory, chain.readable, 0, HEADER);
    if (header.length < HEADER || writable === 0)
      throw new BrokenQueueError('a request without a whole header or without room for its status');
    const view = new DataView(header.buffer);
    const sector = view.getUint32(12, true) * 2 ** 32 + view.getUint32(8, true);
    const given = lengthOf(chain.readable) - HEADER;
    const request = { chain, type: view.getUint32(0, true), sector, given, room: writable - 1 };
    const { status, data } = this.#attempt(link, request);
    if (data) scatter(link.memory, chain.writable, 0, data);
    scatter(link.memory, chain.writable, writable - 1, Uint8Array.of(status));
    return (data?.length ?? 0) === writable - 1 ? writable : (data?.length ?? 0);
  }

  /** What the host could not do is an error of the disk's to the guest. */
  #attempt(link: VirtioLink, request: Request): Outcome {
    try {
      return this.#perform(link, request);
    } catch (error) {
      if (!(error instanceof BlockError)) throw error;
      return { status: Status.failed };
    }
  }

  #perform(link: VirtioLink, request: Request): Outcome {
    switch (request.type) {
      case Type.in:
        return this.#read(request);
      case Type.out:
        return this.#write(link, request);
      case Type.flush:
        return this.#flush(link);
      case Type.getId:
        return request.room < SERIAL_SIZE
          ? { status: Status.failed }
          : { status: Status.ok, data: this.#serial };
      case Type.discard:
        return this.#change(link, request, BlockFeature.discard);
      case Type.writeZeroes:
        return this.#change(link, request, BlockFeature.writeZeroes);
      default:
        return { status: Status.unsupported };
    }
  }

  #read({ sector, room }: Request): Outcome {
    if (!this.#holds(sector, room)) return { status: Status.failed };
    const data = new Uint8Array(room);
    this.#backend.read(sector * SECTOR, data);
    return { status: Status.ok, data };
  }

  #write(link: VirtioLink, { chain, sector, given }: Request): Outcome {
    if (this.#backend.readOnly || !this.#holds(sector, given)) return { status: Status.failed };
    this.#backend.write(sector * SECTOR, gather(link.memory, chain.readable, HEADER, given));
    return link.features & BlockFeature.flush ? { status: Status.ok } : this.#flush(link);
  }

  #flush(link: VirtioLink): Outcome {
    link.spend(FLUSH_COST);
    if (!this.#backend.readOnly) this.#backend.flush();
    return { status: Status.ok };
  }

  /** 5.2.6.2: a range of sectors, of which the flag means nothing but with zeros. */
  #change(link: VirtioLink, { chain, given }: Request, feature: bigint): Outcome {
    if (!(link.features & feature)) return { status: Status.unsupported };
    if (given !== RANGE) return { status: Status.failed };
    const range = new DataView(gather(link.memory, chain.readable, HEADER, RANGE).buffer);
    const sector = range.getUint32(4, true) * 2 ** 32 + range.getUint32(0, true);
    const count = range.getUint32(8, true);
    const allowed = feature === BlockFeature.writeZeroes ? UNMAP : 0;
    if (range.getUint32(12, true) & ~allowed) return { status: Status.unsupported };
    const length = count * SECTOR;
    if (count > MOST_RANGE_SECTORS || !this.#isInside(sector, length)) return { status: Status.failed };
    link.spend(length);
    if (feature === BlockFeature.discard) this.#backend.discard(sector * SECTOR, length);
    else this.#backend.zero(sector * SECTOR, length);
    return link.features & BlockFeature.flush ? { status: Status.ok } : this.#flush(link);
  }

  /** Whether a request may move so many bytes from a sector on. */
  #holds(sector: number, length: number): boolean {
    return length % SECTOR === 0 && length <= MOST_DATA && this.#isInside(sector, length);
  }

  #isInside(sector: number, length: number): boolean {
    return sector * SECTOR + length <= this.#backend.size;
  }
}
