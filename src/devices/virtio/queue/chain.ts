/**
 * A buffer that a driver has made available: what the device may read of it and what it may write, as ranges of RAM.
 * Leaves out how it was found, which is the queues' affair, and what the bytes mean.
 *
 * Virtio 1.2, 2.6 "Virtqueues". A descriptor is read from guest memory once; from then on only these copies count, so a
 * driver that changes it later changes nothing.
 */
import type { GuestMemory } from '../../../memory/guest-memory.js';

/** Bytes in guest physical memory, all of them RAM. */
export interface Range {
  readonly address: number;
  readonly length: number;
}

export interface Chain {
  /** What names the buffer when it is given back: the first descriptor's index, or a packed ring's buffer id. */
  readonly id: number;
  /** Descriptors that it takes in the ring itself. */
  readonly descriptors: number;
  readonly readable: readonly Range[];
  readonly writable: readonly Range[];
}

/** A descriptor's fields as both rings have them. */
export interface Descriptor {
  /** Below 2^64; above 2^53 it is rounded, and then outside any RAM all the same. */
  readonly address: number;
  readonly length: number;
  readonly flags: number;
}

export const DescriptorFlag = { next: 1, write: 2, indirect: 4 } as const;
export const DESCRIPTOR_SIZE = 16;
/** Descriptors in an indirect table at most, which is also the largest queue that devices offer. */
export const LONGEST_CHAIN = 1024;
const CHAIN_BYTES = 2 ** 32;

/** The driver broke a rule of the specification: the device stops until it is reset (2.1.2, DEVICE_NEEDS_RESET). */
export class BrokenQueueError extends Error {
  override readonly name = 'BrokenQueueError';
}

/** Collects the descriptors of one chain and holds them to the rules. */
export class ChainBuilder {
  readonly #readable: Range[] = [];
  readonly #writable: Range[] = [];
  #bytes = 0;

  constructor(private readonly memory: GuestMemory) {}

  /** @throws BrokenQueueError */
  add({ address, length, flags }: Descriptor): void {
    this.#bytes += length;
    if (this.#bytes >= CHAIN_BYTES) throw new BrokenQueueError('a chain of 2^32 bytes or more');
    const writable = (flags & DescriptorFlag.write) !== 0;
    if (!writable && this.#writable.length > 0) {
      throw new BrokenQueueError('a descriptor to read behind one to write');
    }
    if (!this.memory.contains(address, length)) {
      throw new BrokenQueueError(`${length} bytes at 0x${address.toString(16)}, which is not all RAM`);
    }
    (writable ? this.#writable : this.#readable).push({ address, length });
  }

  /** @param id as `Chain.id` */
  finish(id: number, descriptors: number): Chain {
    return { id, descriptors, readable: this.#readable, writable: this.#writable };
  }
}

/** Bytes in all of the ranges together. */
export function lengthOf(ranges: readonly Range[]): number {
  return ranges.reduce((sum, { length }) => sum + length, 0);
}

/**
 * Copies out of ranges, seen as one run of bytes.
 * @param from where in them to begin
 * @param length at most; fewer come back where they end
 */
export function gather(
  memory: GuestMemory,
  ranges: readonly Range[],
  from: number,
  length: number,
): Uint8Array {
  const available = Math.max(0, Math.min(length, lengthOf(ranges) - from));
  const bytes = new Uint8Array(available);
  let filled = 0;
  for (const piece of pieces(ranges, from, available)) {
    bytes.set(memory.bytes(piece.address, piece.length) as Uint8Array, filled);
    filled += piece.length;
  }
  return bytes;
}

/** Copies into ranges, seen as one run of bytes, from its byte `to` on; how many there was room for. */
export function scatter(
  memory: GuestMemory,
  ranges: readonly Range[],
  to: number,
  bytes: Uint8Array,
): number {
  let done = 0;
  for (const piece of pieces(ranges, to, bytes.length)) {
    memory.write(piece.address, bytes.subarray(done, done + piece.length));
    done += piece.length;
  }
  return done;
}

/** The parts of ranges that hold bytes [from, from + length) of their whole. */
export function* pieces(ranges: readonly Range[], from: number, length: number): Generator<Range> {
  let skip = from;
  let left = length;
  for (const range of ranges) {
    if (left <= 0) return;
    if (skip >= range.length) {
      skip -= range.length;
      continue;
    }
    const taken = Math.min(range.length - skip, left);
    yield { address: range.address + skip, length: taken };
    skip = 0;
    left -= taken;
  }
}
