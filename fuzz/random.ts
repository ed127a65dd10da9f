/** Reproducible random numbers for the fuzzers: sfc32, by Chris Doty-Humphrey (PractRand). */
export class Random {
  #a: number;
  #b: number;
  #c = 1;
  #counter = 1;

  /** Streams of one seed have nothing in common. */
  constructor(seed: number, stream = 0) {
    this.#a = seed | 0;
    this.#b = (Math.floor(seed / 2 ** 32) ^ (stream * 0x9e3779b9)) | 0;
    this.#c = stream | 0;
    for (let n = 0; n < 16; n++) this.next();
  }

  /** Unsigned, 32 bits. */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** From 0 to `limit` − 1. */
  below(limit: number): number {
    return this.next() % limit;
  }

  byte(): number {
    return this.next() & 0xff;
  }

  /** An integer of [first, last]. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1);
  }

  /** True once in `n`, on average. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }

  next64(): bigint {
    return (BigInt(this.next()) << 32n) | BigInt(this.next());
  }
}
