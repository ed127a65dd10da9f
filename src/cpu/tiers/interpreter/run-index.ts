/** Runs of records, in the order in which they were written: which page a record was made for. */
import { RECORDS_BASE } from '../../../memory/layout.js';

export class RunIndex<P extends object> {
  /** First records of all runs in ascending order, and the page of each. */
  #starts: number[] = [];
  #pages: P[] = [];

  /** @param first record of a run behind all others */
  add(first: number, page: P): void {
    this.#starts.push(first);
    this.#pages.push(page);
  }

  /** The page that a record was made for, which may have been dropped since. */
  pageOf(record: number): P | undefined {
    if (record < RECORDS_BASE) return undefined;
    let low = 0;
    let high = this.#starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] as number) <= record) low = middle;
      else high = middle;
    }
    return this.#pages[low];
  }

  clear(): void {
    this.#starts = [];
    this.#pages = [];
  }
}
