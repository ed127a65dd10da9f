/**
 * Guest physical memory: the one checked way for devices, loaders and debuggers to reach the guest's RAM.
 * Physical address 0 is byte `base` of the WebAssembly memory. The legacy video window (0xA0000–0xBFFFF)
 * is not RAM. Nothing here throws for an address that a guest chose: what is outside answers `undefined`
 * or `false`. The CPU's own loads and stores do not pass through here.
 */

/** First byte of the legacy video window, which decodes to devices and never to RAM. */
export const VIDEO_WINDOW_START = 0xa0000;
/** First byte after the legacy video window. */
export const VIDEO_WINDOW_END = 0xc0000;

/** Told of every write that did not come from the CPU, so that decoded code can be dropped. */
export type WriteObserver = (address: number, length: number) => void;

export class GuestMemory {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #observer: WriteObserver | undefined;

  /**
   * @param memory the WebAssembly memory that holds the RAM; it must never grow, or views detach
   * @param base offset in bytes of physical address 0 within it
   * @param size RAM in bytes, a multiple of 4096
   */
  constructor(
    memory: WebAssembly.Memory,
    readonly base: number,
    readonly size: number,
  ) {
    this.#bytes = new Uint8Array(memory.buffer, base, size);
    this.#view = new DataView(memory.buffer, base, size);
  }

  /** RAM of its own, for tests and tools that run no CPU. @param size bytes, a multiple of 65536 */
  static standalone(size: number): GuestMemory {
    const pages = size / 65536;
    return new GuestMemory(new WebAssembly.Memory({ initial: pages, maximum: pages }), 0, size);
  }

  /** Sets the one observer of writes made through this accessor. */
  observeWrites(observer: WriteObserver | undefined): void {
    this.#observer = observer;
  }

  /** Whether all of [address, address + length) is RAM. */
  contains(address: number, length: number): boolean {
    const end = address + length;
    return (
      address >= 0 &&
      length >= 0 &&
      end <= this.size &&
      (end <= VIDEO_WINDOW_START || address >= VIDEO_WINDOW_END)
    );
  }

  /** A live view for reading, or undefined when any byte is outside RAM. Do not write through it: use `write`. */
  bytes(address: number, length: number): Uint8Array | undefined {
    return this.contains(address, length) ? this.#bytes.subarray(address, address + length) : undefined;
  }

  /** Copies bytes into RAM; false, and nothing written, when any byte is outside RAM. */
  write(address: number, bytes: Uint8Array): boolean {
    if (!this.contains(address, bytes.length)) return false;
    this.#bytes.set(bytes, address);
    this.#observer?.(address, bytes.length);
    return true;
  }

  /** Sets `length` bytes to `value`; false, and nothing written, when any byte is outside RAM. */
  fill(address: number, length: number, value: number): boolean {
    if (!this.contains(address, length)) return false;
    this.#bytes.fill(value, address, address + length);
    this.#observer?.(address, length);
    return true;
  }

  /** Little-endian unsigned read, or undefined outside RAM. */
  read(address: number, size: 1 | 2 | 4): number | undefined {
    if (!this.contains(address, size)) return undefined;
    if (size === 1) return this.#view.getUint8(address);
    return size === 2 ? this.#view.getUint16(address, true) : this.#view.getUint32(address, true);
  }

  /** Little-endian write of the low `size` bytes; false outside RAM. */
  store(address: number, size: 1 | 2 | 4, value: number): boolean {
    if (!this.contains(address, size)) return false;
    if (size === 1) this.#view.setUint8(address, value);
    else if (size === 2) this.#view.setUint16(address, value, true);
    else this.#view.setUint32(address, value, true);
    this.#observer?.(address, size);
    return true;
  }
}
