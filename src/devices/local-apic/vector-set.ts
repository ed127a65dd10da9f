/** A set of interrupt vectors as the local APIC keeps three of: 256 bits in eight registers of 32. */
import { integer, list } from '../state-schema.js';

const WORDS = 8;

export const vectorSetShape = list(integer(0, 0xffffffff), WORDS, WORDS);

export class VectorSet {
  readonly #words = new Uint32Array(WORDS);

  has(vector: number): boolean {
    return ((this.word(vector >> 5) >>> (vector & 31)) & 1) !== 0;
  }

  set(vector: number, present: boolean): void {
    const bit = 1 << (vector & 31);
    const word = this.word(vector >> 5);
    this.#words[vector >> 5] = present ? word | bit : word & ~bit;
  }

  /** The greatest member, −1 if there is none. */
  get highest(): number {
    for (let n = WORDS - 1; n >= 0; n--) {
      const word = this.word(n);
      if (word !== 0) return 32 * n + 31 - Math.clz32(word);
    }
    return -1;
  }

  /** Vectors 32·n to 32·n + 31. */
  word(n: number): number {
    return this.#words[n] ?? 0;
  }

  clear(): void {
    this.#words.fill(0);
  }

  save(): number[] {
    return [...this.#words];
  }

  restore(words: readonly number[]): void {
    this.#words.set(words);
  }
}
