/**
 * Collects the bytes a guest prints one by one, so that a backend is called once a slice and not once a byte.
 *
 * Order is kept and nothing is lost: a full buffer is handed over at once, the rest when `flush` is called.
 */
import type { Console } from './backends.js';

const CAPACITY = 4096;

export class OutputBuffer {
  readonly #bytes = new Uint8Array(CAPACITY);
  #length = 0;

  constructor(readonly console: Console) {}

  push(byte: number): void {
    this.#bytes[this.#length++] = byte;
    if (this.#length === CAPACITY) this.flush();
  }

  flush(): void {
    if (this.#length === 0) return;
    const length = this.#length;
    this.#length = 0;
    this.console.write(this.#bytes.subarray(0, length));
  }
}
