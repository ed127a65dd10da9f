/**
 * The CPU's state as TypeScript sees it: fields of `state.ts` by name, read from and written to the WebAssembly
 * memory. For the host's side, where an access is rare; the tiers reach the same bytes themselves.
 */
import type { Field, Field32, Field64 } from './state.js';

export class StateView {
  #view: DataView;

  constructor(private readonly memory: WebAssembly.Memory) {
    this.#view = new DataView(memory.buffer);
  }

  /** The memory's bytes; growing it makes a new buffer. */
  #bytes(): DataView {
    if (this.#view.buffer !== this.memory.buffer) this.#view = new DataView(this.memory.buffer);
    return this.#view;
  }

  /** Unsigned. @param n element of an array field */
  get32(field: Field32, n = 0): number {
    return this.#bytes().getUint32(field.address + n * field.stride, true);
  }
  set32(field: Field32, value: number, n = 0): void {
    this.#bytes().setInt32(field.address + n * field.stride, value, true);
  }
  /** Unsigned. */
  get64(field: Field64, n = 0): bigint {
    return this.#bytes().getBigUint64(field.address + n * field.stride, true);
  }
  set64(field: Field64, value: bigint, n = 0): void {
    this.#bytes().setBigUint64(field.address + n * field.stride, BigInt.asUintN(64, value), true);
  }
  /** Bits 31:0 of a wider field, unsigned. */
  low(field: Field, n = 0): number {
    return this.#bytes().getUint32(field.address + n * field.stride, true);
  }
  setLow(field: Field, value: number, n = 0): void {
    this.#bytes().setInt32(field.address + n * field.stride, value, true);
  }
  /** Bits 63:32 of a wider field, unsigned. */
  high(field: Field, n = 0): number {
    return this.#bytes().getUint32(field.address + n * field.stride + 4, true);
  }
  setHigh(field: Field, value: number, n = 0): void {
    this.#bytes().setInt32(field.address + n * field.stride + 4, value, true);
  }
  /** Makes every byte of a field's elements 0. */
  clear(field: Field): void {
    const bytes = this.#bytes();
    new Uint8Array(bytes.buffer, field.address, field.stride * field.count).fill(0);
  }
}
