/**
 * Time as the host lives it, for `--clock host`: guest time passes with real time, whatever the guest executes.
 *
 * The run loop sleeps where VirtualClock jumps. What it reads comes from outside, so a recorder wraps the two sources.
 */
import type { Timer } from '../devices/backends.js';
import { type ClockState, clockState, MILLISECOND, savedTime } from './clock-state.js';
import { TimerQueue } from './timer-queue.js';
import type { MachineClock } from './virtual-clock.js';

export interface HostClockOptions {
  /** Milliseconds, with a fraction, from any origin. performance.now() unless given. */
  readonly monotonic?: () => number;
  /** Milliseconds since the Unix epoch. Date.now() unless given. */
  readonly wall?: () => number;
}

export class HostClock implements MachineClock {
  readonly #monotonic: () => number;
  readonly #wall: () => number;
  #queue = new TimerQueue();
  /** The source's milliseconds at guest time `#base`. */
  #origin: number;
  #base = 0n;
  #last = 0n;

  constructor(options: HostClockOptions = {}) {
    this.#monotonic = options.monotonic ?? (() => performance.now());
    this.#wall = options.wall ?? (() => Date.now());
    this.#origin = this.#monotonic();
  }

  now(): bigint {
    const time = this.#base + BigInt(Math.floor((this.#monotonic() - this.#origin) * 1e6));
    // Some hosts' sources step back by a little; the guest must not see it.
    if (time > this.#last) this.#last = time;
    return this.#last;
  }

  wallTime(): number {
    return Math.floor(this.#wall());
  }

  schedule(deadline: bigint, action: () => void): Timer {
    return this.#queue.schedule(deadline, action);
  }

  nextDeadline(): bigint | undefined {
    return this.#queue.nextDeadline();
  }

  runDue(): number {
    return this.#queue.runDue(this.now());
  }

  /** Real time cannot be told in instructions: 0 if a timer is due, else Infinity. */
  instructionsUntilTimer(): number {
    const deadline = this.nextDeadline();
    return deadline !== undefined && deadline <= this.now() ? 0 : Number.POSITIVE_INFINITY;
  }

  skipToTimer(): number {
    const deadline = this.nextDeadline();
    return deadline === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(0, Number(deadline - this.now())) / 1e6;
  }

  wait(): void {}

  save(): ClockState {
    const now = this.now();
    return clockState(now, this.wallTime() - Number(now / MILLISECOND));
  }

  /** The wall clock is the host's: the saved epoch is checked and left aside. */
  restore(state: ClockState): void {
    const now = savedTime(state);
    this.#queue = new TimerQueue();
    this.#origin = this.#monotonic();
    this.#base = now;
    this.#last = now;
  }
}
