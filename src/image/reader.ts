/**
 * Bounds-checked little-endian reads of a file that may lie about every offset and count in it.
 * Leaves out what the bytes mean.
 */

import { ImageError } from './errors.js';
import { hex } from './text.js';

export class Reader {
  readonly #view: DataView;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.bytes.length;
  }

  /** Whether [offset, offset + size) lies in the file. Doubles do not wrap, so huge values answer false. */
  has(offset: number, size: number): boolean {
    return offset >= 0 && size >= 0 && offset + size <= this.bytes.length;
  }

  /** @throws ImageError `truncated` naming `what` when [offset, offset + size) leaves the file */
  demand(offset: number, size: number, what: string): void {
    if (this.has(offset, size)) return;
    throw new ImageError(
      'truncated',
      `${what} should lie at ${hex(offset)}–${hex(offset + size)} of the file, but the file ends at ` +
        `${hex(this.length)}: it is cut short or damaged; copy or build it again`,
    );
  }

  /** A view, not a copy. @throws ImageError `truncated` */
  slice(offset: number, size: number, what: string): Uint8Array {
    this.demand(offset, size, what);
    return this.bytes.subarray(offset, offset + size);
  }

  /** The reads below are for offsets that `has` or `demand` has passed; elsewhere they throw RangeError. */
  u8(offset: number): number {
    return this.#view.getUint8(offset);
  }

  u16(offset: number): number {
    return this.#view.getUint16(offset, true);
  }

  u32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  u64(offset: number): bigint {
    return this.#view.getBigUint64(offset, true);
  }

  /**
   * A 64-bit field as a number. Above 2^53 it is rounded, which keeps order: it still fails every check
   * against the file's length or 4 GiB.
   */
  u64AsNumber(offset: number): number {
    return this.u32(offset + 4) * 2 ** 32 + this.u32(offset);
  }
}
