/**
 * The timers of one machine in the order they are due: a binary heap, stable for equal deadlines.
 *
 * It knows no clock: whoever owns it says what time it is. Cancelled timers leave at once, so a guest that programs
 * a timer again and again does not make it grow.
 */
import type { Timer } from '../devices/backends.js';

interface Entry {
  readonly deadline: bigint;
  /** Breaks ties: the order of scheduling. */
  readonly sequence: number;
  readonly action: () => void;
  /** Place in the heap, −1 once out of it. */
  index: number;
}

export class TimerQueue {
  readonly #heap: Entry[] = [];
  #sequence = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** The earliest deadline in nanoseconds, if there is one. */
  nextDeadline(): bigint | undefined {
    return this.#heap[0]?.deadline;
  }

  schedule(deadline: bigint, action: () => void): Timer {
    const entry: Entry = { deadline, sequence: this.#sequence++, action, index: this.#heap.length };
    this.#heap.push(entry);
    this.#rise(entry);
    return { cancel: () => this.#remove(entry) };
  }

  /**
   * Runs what is due at `now`, in order; answers how many ran. Timers that the actions themselves schedule wait
   * for the next call, so that a device which is always late cannot hold the machine here for ever.
   */
  runDue(now: bigint): number {
    const end = this.#sequence;
    const later: Entry[] = [];
    let count = 0;
    for (let head = this.#heap[0]; head && head.deadline <= now; head = this.#heap[0]) {
      if (head.sequence >= end) {
        this.#remove(head);
        later.push(head);
        continue;
      }
      this.#remove(head);
      count++;
      head.action();
    }
    for (const entry of later) this.#insert(entry);
    return count;
  }

  #insert(entry: Entry): void {
    entry.index = this.#heap.length;
    this.#heap.push(entry);
    this.#rise(entry);
  }

  #remove(entry: Entry): void {
    const { index } = entry;
    if (index < 0) return;
    entry.index = -1;
    const last = this.#heap.pop();
    if (!last || last === entry) return;
    this.#place(last, index);
    this.#rise(last);
    this.#sink(last);
  }

  #place(entry: Entry, index: number): void {
    this.#heap[index] = entry;
    entry.index = index;
  }

  #rise(entry: Entry): void {
    while (entry.index > 0) {
      const parent = this.#heap[(entry.index - 1) >> 1];
      if (!parent || !isBefore(entry, parent)) return;
      this.#swap(entry, parent);
    }
  }

  #sink(entry: Entry): void {
    for (;;) {
      const left = this.#heap[2 * entry.index + 1];
      const right = this.#heap[2 * entry.index + 2];
      const child = right && left && isBefore(right, left) ? right : left;
      if (!child || !isBefore(child, entry)) return;
      this.#swap(child, entry);
    }
  }

  #swap(a: Entry, b: Entry): void {
    const { index } = a;
    this.#place(a, b.index);
    this.#place(b, index);
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.deadline < b.deadline || (a.deadline === b.deadline && a.sequence < b.sequence);
}
