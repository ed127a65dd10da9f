/**
 * Time as a function of the instruction count: one retired instruction is one nanosecond, idle time is skipped, and
 * what a processor waits for takes longer.
 *
 * The same image, input and seed therefore live through the same times in every run and in either tier.
 * The variant that follows the host's clock is host-clock.ts; both are a MachineClock to the run loop.
 */
import type { Clock, Timer, WallClock } from '../devices/backends.js';
import { TimerQueue } from './timer-queue.js';

/** What the run loop asks of a clock, whichever it is. Times are nanoseconds since reset. */
export interface MachineClock extends Clock, WallClock {
  /** The earliest timer, Infinity if there is none. */
  nextDeadline(): number;
  /** Runs the timers that are due; answers how many. */
  runDue(): number;
  /** How many instructions may retire before `deadline`, at least 0; Infinity if that cannot be told. */
  instructionsUntil(deadline: number): number;
  /**
   * Idle until `deadline`: a clock that can jump does, and answers 0; another answers the milliseconds to sleep.
   * Infinity (no timer at all) never jumps and answers Infinity: only the outside can wake the guest.
   */
  skipTo(deadline: number): number;
  /** The instruction in progress waits this long, nanoseconds. Real time takes no notice. */
  wait(nanoseconds: number): void;
  save(): ClockState;
  /** Goes on from a saved time. Timers are the devices' to set again, and those that are left are dropped. */
  restore(state: ClockState): void;
}

export interface ClockState {
  /** Nanoseconds since reset. */
  readonly now: number;
  /** Wall time at reset, milliseconds since the Unix epoch. */
  readonly epoch: number;
}

/** A saved time that cannot be restored. */
export class ClockError extends Error {
  readonly code = 'CLOCK_STATE';

  constructor(message: string) {
    super(message);
    this.name = 'ClockError';
  }
}

/** Fixed, so that runs are the same on every day. */
export const DEFAULT_EPOCH = Date.UTC(2026, 0, 1);

/** The end of the year 9999, milliseconds since 1970: as far as an RTC can tell. */
const LAST_EPOCH = 253_402_300_799_999;

export interface VirtualClockOptions {
  /** The CPU's count of retired instructions: an integer that never goes back but by `restore`. */
  readonly instructions: () => number;
  /**
   * Told how many instructions may retire before the next timer, when that has become fewer: by a new timer or by
   * waiting.
   */
  readonly onNearer?: (instructions: number) => void;
  /** Wall time at reset, milliseconds since the Unix epoch. */
  readonly epoch?: number;
}

export class VirtualClock implements MachineClock {
  readonly #instructions: () => number;
  readonly #onNearer: ((instructions: number) => void) | undefined;
  #queue = new TimerQueue();
  #epoch: number;
  /** Time minus instructions: what was skipped and waited for. Negative after restoring beside a CPU that has counted further. */
  #skipped = 0;

  constructor(options: VirtualClockOptions) {
    this.#instructions = options.instructions;
    this.#onNearer = options.onNearer;
    this.#epoch = options.epoch ?? DEFAULT_EPOCH;
  }

  now(): number {
    return this.#instructions() + this.#skipped;
  }

  wallTime(): number {
    return this.#epoch + Math.floor(this.now() / 1e6);
  }

  schedule(deadline: number, action: () => void): Timer {
    const nearer = deadline < this.nextDeadline();
    const timer = this.#queue.schedule(deadline, action);
    if (nearer) this.#tellNearer();
    return timer;
  }

  nextDeadline(): number {
    return this.#queue.nextDeadline();
  }

  runDue(): number {
    return this.#queue.runDue(this.now());
  }

  instructionsUntil(deadline: number): number {
    return Math.max(0, deadline - this.now());
  }

  skipTo(deadline: number): number {
    if (deadline === Number.POSITIVE_INFINITY) return deadline;
    this.#skipped += Math.max(0, deadline - this.now());
    return 0;
  }

  wait(nanoseconds: number): void {
    this.#skipped += nanoseconds;
    if (this.nextDeadline() < Number.POSITIVE_INFINITY) this.#tellNearer();
  }

  #tellNearer(): void {
    this.#onNearer?.(this.instructionsUntil(this.nextDeadline()));
  }

  save(): ClockState {
    return { now: this.now(), epoch: this.#epoch };
  }

  restore(state: ClockState): void {
    const saved = checkClockState(state);
    this.#queue = new TimerQueue();
    this.#epoch = saved.epoch;
    this.#skipped = saved.now - this.#instructions();
  }
}

/** Throws ClockError. */
export function checkClockState(state: ClockState): ClockState {
  const { now, epoch } = state;
  if (!Number.isSafeInteger(now) || now < 0) throw new ClockError(`saved time ${now} is not nanoseconds`);
  if (!Number.isInteger(epoch) || epoch < 0 || epoch > LAST_EPOCH) {
    throw new ClockError(`saved epoch ${epoch} is not milliseconds since 1970`);
  }
  return { now, epoch };
}
