/**
 * Bytes as they are written, with the LEB128 encodings of WebAssembly's binary format (Core Specification 2.0, §5.2).
 * Grows as needed; what was written is only ever changed by taking it away.
 */

const SMALLEST = 256;
const encoder = new TextEncoder();

export class ByteBuffer {
  private bytes = new Uint8Array(SMALLEST);
  private used = 0;

  get length(): number {
    return this.used;
  }

  byte(value: number): void {
    if (this.used === this.bytes.length) this.#grow(1);
    this.bytes[this.used++] = value;
  }

  append(more: ArrayLike<number>): void {
    if (this.used + more.length > this.bytes.length) this.#grow(more.length);
    this.bytes.set(more, this.used);
    this.used += more.length;
  }

  /** Unsigned LEB128 of a whole number from 0 to 2^53 − 1. */
  unsigned(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.byte((rest % 128) | 0x80);
      rest = Math.floor(rest / 128);
    }
    this.byte(rest);
  }

  /** Signed LEB128 of an integer that fits 64 bits; of a number, one that is exact. */
  signed(value: number | bigint): void {
    if (typeof value === 'bigint') this.#signedBig(value);
    else if (value === (value | 0)) this.#signed32(value);
    else {
      // Low bits first, until what is left fits 32.
      this.byte((value - Math.floor(value / 128) * 128) | 0x80);
      this.signed(Math.floor(value / 128));
    }
  }

  /** A UTF-8 name with its length in front. */
  name(text: string): void {
    this.sized(encoder.encode(text));
  }

  /** Bytes with their count in front. */
  sized(bytes: Uint8Array): void {
    this.unsigned(bytes.length);
    this.append(bytes);
  }

  /** What was written so far, to be read before anything else is written. */
  view(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.used);
  }

  /** What was written so far, which is the caller's then; the buffer is empty again. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.bytes.slice(0, this.used);
    this.used = 0;
    return taken;
  }

  #signed32(value: number): void {
    let rest = value;
    while (rest < -64 || rest > 63) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    this.byte(rest & 0x7f);
  }

  #signedBig(value: bigint): void {
    let rest = value;
    while (rest < -64n || rest > 63n) {
      this.byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.byte(Number(rest & 0x7fn));
  }

  #grow(more: number): void {
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.used + more));
    larger.set(this.bytes);
    this.bytes = larger;
  }
}
