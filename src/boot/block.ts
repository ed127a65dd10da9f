/**
 * Lays out one block of tables and strings that point at each other by physical address: first every part
 * reserves its place, then the block gets its address, then the parts are filled in. Leaves out what the
 * tables mean.
 */

/** Places within a block that has no address yet. */
export class BlockLayout {
  #size = 0;

  /** Bytes reserved so far. */
  get size(): number {
    return this.#size;
  }

  /** Reserves bytes. @param alignment a power of two @returns their offset in the block */
  reserve(size: number, alignment = 4): number {
    const offset = Math.ceil(this.#size / alignment) * alignment;
    this.#size = offset + size;
    return offset;
  }

  /** The block itself, zeroed, at a physical address. */
  at(address: number): Block {
    return new Block(address, new Uint8Array(this.#size));
  }
}

/** Little-endian stores by offset. Offsets come from the layout; others throw RangeError. */
export class Block {
  readonly #view: DataView;

  constructor(
    readonly address: number,
    readonly bytes: Uint8Array,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(offset: number, value: number): void {
    this.#view.setUint8(offset, value);
  }

  u32(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true);
  }

  /** A number below 2^53. */
  u64(offset: number, value: number): void {
    this.u32(offset, value % 2 ** 32);
    this.u32(offset + 4, Math.floor(value / 2 ** 32));
  }

  copy(offset: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, offset);
  }
}
