/**
 * Time as a function of the instruction count: one retired instruction is one nanosecond, idle time is skipped, and
 * what a processor waits for takes longer.
 *
 * The same image, input and seed therefore live through the same times in every run and in either tier.
 * The variant that follows the host's clock is host-clock.ts; both are a MachineClock to the run loop.
 */
import type { Clock, Timer, WallClock } from '../devices/backends.js';
import { type ClockState, clockState, MILLISECOND, savedTime } from './clock-state.js';
import { TimerQueue } from './timer-queue.js';

/** What the run loop asks of a clock, whichever it is. Times are nanoseconds since reset. */
export interface MachineClock extends Clock, WallClock {
  /** When the earliest timer is due, if there is one. */
  nextDeadline(): bigint | undefined;
  /** Runs the timers that are due; answers how many. */
  runDue(): number;
  /** How many instructions may retire before the earliest timer, at least 0; Infinity if that cannot be told. */
  instructionsUntilTimer(): number;
  /**
   * Idle until the earliest timer: a clock that can jump does, and answers 0; another answers the milliseconds to
   * sleep. With no timer at all it never jumps and answers Infinity: only the outside can wake the guest.
   */
  skipToTimer(): number;
  /** The instruction in progress waits this long, whole nanoseconds. Real time takes no notice. */
  wait(nanoseconds: number): void;
  save(): ClockState;
  /** Goes on from a saved time. Timers are the devices' to set again, and those that are left are dropped. */
  restore(state: ClockState): void;
}

/** Fixed, so that runs are the same on every day. */
export const DEFAULT_EPOCH = Date.UTC(2026, 0, 1);

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
  #skipped = 0n;

  constructor(options: VirtualClockOptions) {
    this.#instructions = options.instructions;
    this.#onNearer = options.onNearer;
    this.#epoch = options.epoch ?? DEFAULT_EPOCH;
  }

  now(): bigint {
    return BigInt(this.#instructions()) + this.#skipped;
  }

  wallTime(): number {
    return this.#epoch + Number(this.now() / MILLISECOND);
  }

  schedule(deadline: bigint, action: () => void): Timer {
    const next = this.nextDeadline();
    const nearer = next === undefined || deadline < next;
    const timer = this.#queue.schedule(deadline, action);
    if (nearer) this.#tellNearer();
    return timer;
  }

  nextDeadline(): bigint | undefined {
    return this.#queue.nextDeadline();
  }

  runDue(): number {
    return this.#queue.runDue(this.now());
  }

  instructionsUntilTimer(): number {
    const deadline = this.nextDeadline();
    return deadline === undefined ? Number.POSITIVE_INFINITY : Math.max(0, Number(deadline - this.now()));
  }

  skipToTimer(): number {
    const deadline = this.nextDeadline();
    if (deadline === undefined) return Number.POSITIVE_INFINITY;
    const idle = deadline - this.now();
    if (idle > 0n) this.#skipped += idle;
    return 0;
  }

  wait(nanoseconds: number): void {
    this.#skipped += BigInt(nanoseconds);
    if (this.nextDeadline() !== undefined) this.#tellNearer();
  }

  #tellNearer(): void {
    this.#onNearer?.(this.instructionsUntilTimer());
  }

  save(): ClockState {
    return clockState(this.now(), this.#epoch);
  }

  restore(state: ClockState): void {
    const now = savedTime(state);
    this.#queue = new TimerQueue();
    this.#epoch = state.epoch;
    this.#skipped = now - BigInt(this.#instructions());
  }
}
