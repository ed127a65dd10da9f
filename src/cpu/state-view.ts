/**
 * The CPU's state as TypeScript sees it: fields of `state.ts` by name, read from and written to the WebAssembly
 * memory. For the host's side, where an access is rare; the tiers reach the same bytes themselves.
 */
import type { Field, Field32, Field64 } from './state.js';

export class StateView {
  readonly #view: DataView;

  /** @param memory never grows, or the view would detach */
  constructor(memory: WebAssembly.Memory) {
    this.#view = new DataView(memory.buffer);
  }

  /** Unsigned. @param n element of an array field */
  get32(field: Field32, n = 0): number {
    return this.#view.getUint32(field.address + n * field.stride, true);
  }
  set32(field: Field32, value: number, n = 0): void {
    this.#view.setInt32(field.address + n * field.stride, value, true);
  }
  /** Unsigned. */
  get64(field: Field64, n = 0): bigint {
    return this.#view.getBigUint64(field.address + n * field.stride, true);
  }
  set64(field: Field64, value: bigint, n = 0): void {
    this.#view.setBigUint64(field.address + n * field.stride, BigInt.asUintN(64, value), true);
  }
  /** Bits 31:0 of a wider field, unsigned. */
  low(field: Field, n = 0): number {
    return this.#view.getUint32(field.address + n * field.stride, true);
  }
  setLow(field: Field, value: number, n = 0): void {
    this.#view.setInt32(field.address + n * field.stride, value, true);
  }
  /** Bits 63:32 of a wider field, unsigned. */
  high(field: Field, n = 0): number {
    return this.#view.getUint32(field.address + n * field.stride + 4, true);
  }
  setHigh(field: Field, value: number, n = 0): void {
    this.#view.setInt32(field.address + n * field.stride + 4, value, true);
  }
  /** Makes every byte of a field's elements 0. */
  clear(field: Field): void {
    new Uint8Array(this.#view.buffer, field.address, field.stride * field.count).fill(0);
  }
}
