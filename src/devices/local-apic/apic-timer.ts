/**
 * The local APIC's timer: one-shot and periodic countdown at 1 GHz over a divisor, and the TSC deadline.
 * CPUID tells of the frequency (leaf 0x15).
 *
 * Counts are worked out from the clock when they are looked at; the only event is the next expiry. A period below a
 * microsecond expires every so many periods instead, since the processor could take no more interrupts anyway.
 * Source: SDM vol. 3, 11.5.4 "APIC Timer".
 */
import type { Clock, Timer } from '../backends.js';
import { boolean, integer, nanoseconds, record, type Shaped } from '../state-schema.js';

const SHORTEST_PERIOD = 1000n;
/** Cycles: a deadline so far ahead, 146 years, is not waited for, since software that sets one means never. */
const NEVER = 1n << 63n;
const ONE_SHOT = 0;
const PERIODIC = 1;
const TSC_DEADLINE = 2;

/** The processor's time-stamp counter as the guest reads it. */
export interface TimeStamp {
  now(): bigint;
  /** Nanoseconds until the counter has gone so far, rounded up. */
  nanosecondsFor(cycles: bigint): bigint;
}

const word = integer(0, 0xffffffff);

export const apicTimerShape = record({
  mode: integer(0, 3),
  initial: word,
  divide: integer(0, 0xb),
  /** A countdown goes on: from `left`, `age` nanoseconds ago. */
  running: boolean,
  left: word,
  age: nanoseconds,
  deadlineHigh: word,
  deadlineLow: word,
});

export class ApicTimer {
  readonly #clock: Clock;
  readonly #timeStamp: TimeStamp;
  readonly #expire: () => void;
  #mode = ONE_SHOT;
  #initial = 0;
  #divide = 0;
  #running = false;
  #left = 0;
  /** When the count was `#left`. */
  #since = 0n;
  #deadline = 0n;
  #timer: Timer | undefined;

  constructor(clock: Clock, timeStamp: TimeStamp, expire: () => void) {
    this.#clock = clock;
    this.#timeStamp = timeStamp;
    this.#expire = expire;
  }

  reset(): void {
    this.#mode = ONE_SHOT;
    this.#initial = 0;
    this.#divide = 0;
    this.#deadline = 0n;
    this.#start(0);
  }

  get initial(): number {
    return this.#initial;
  }

  set initial(count: number) {
    if (this.#mode >= TSC_DEADLINE) return;
    this.#initial = count;
    this.#start(count);
  }

  /** The current count. */
  get current(): number {
    if (!this.#running) return 0;
    const elapsed = this.#clock.now() - this.#since;
    const first = this.#duration(this.#left);
    if (elapsed < first) return this.#left - this.#count(elapsed);
    if (this.#mode !== PERIODIC) return 0;
    return this.#initial - this.#count((elapsed - first) % this.#duration(this.#initial));
  }

  /** The divide configuration register. */
  get divide(): number {
    return this.#divide;
  }

  set divide(value: number) {
    const left = this.current;
    this.#divide = value & 0xb;
    if (this.#running) this.#start(left);
  }

  /** The timer mode of the LVT: 0 one-shot, 1 periodic, 2 TSC deadline, 3 none. */
  set mode(mode: number) {
    if (mode === this.#mode) return;
    const left = this.current;
    const changesKind = Math.max(mode, this.#mode) >= TSC_DEADLINE;
    this.#mode = mode;
    if (changesKind) {
      this.#initial = 0;
      this.#deadline = 0n;
    }
    this.#start(changesKind ? 0 : left);
  }

  /** IA32_TSC_DEADLINE: 0 when the timer is not armed. */
  get deadline(): bigint {
    return this.#deadline;
  }

  set deadline(value: bigint) {
    if (this.#mode !== TSC_DEADLINE) return;
    this.#deadline = value;
    if (value !== 0n && value <= this.#timeStamp.now()) this.#expired();
    else this.#arm();
  }

  /** The time-stamp counter was written. */
  timeStampChanged(): void {
    if (this.#deadline !== 0n) this.deadline = this.#deadline;
  }

  save(): Shaped<typeof apicTimerShape> {
    const { left, age } = this.#countdown();
    return {
      mode: this.#mode,
      initial: this.#initial,
      divide: this.#divide,
      running: this.#running,
      left,
      age: Number(age),
      deadlineHigh: Number(this.#deadline >> 32n),
      deadlineLow: Number(this.#deadline & 0xffffffffn),
    };
  }

  restore(saved: Shaped<typeof apicTimerShape>): void {
    this.#mode = saved.mode;
    this.#initial = saved.initial;
    this.#divide = saved.divide & 0xb;
    const left = saved.running ? Math.max(1, saved.left) : 0;
    this.#deadline =
      saved.mode === TSC_DEADLINE ? (BigInt(saved.deadlineHigh) << 32n) | BigInt(saved.deadlineLow) : 0n;
    this.#start(left, this.#clock.now() - BigInt(saved.age));
  }

  /** The countdown as if it were not older than a period: what has expired already leaves no trace. */
  #countdown(): { left: number; age: bigint } {
    if (!this.#running) return { left: this.#left, age: 0n };
    const age = this.#clock.now() - this.#since;
    const first = this.#duration(this.#left);
    if (age < first) return { left: this.#left, age };
    if (this.#mode !== PERIODIC) return { left: this.#left, age: first };
    return {
      left: this.#initial,
      age: this.#duration(this.#initial) + ((age - first) % this.#interval()),
    };
  }

  get #divisor(): number {
    const power = (this.#divide & 3) | ((this.#divide & 8) >> 1);
    return 1 << ((power + 1) & 7);
  }

  /** Nanoseconds of so many counts. */
  #duration(counts: number): bigint {
    return BigInt(counts) * BigInt(this.#divisor);
  }

  /** Whole counts in so many nanoseconds. */
  #count(nanoseconds: bigint): number {
    return Number(nanoseconds / BigInt(this.#divisor));
  }

  /** Nanoseconds between two expiries. */
  #interval(): bigint {
    const period = this.#duration(this.#initial);
    return period * ((SHORTEST_PERIOD + period - 1n) / period);
  }

  #start(count: number, since = this.#clock.now()): void {
    this.#left = count;
    this.#since = since;
    this.#running = count > 0 && this.#mode < TSC_DEADLINE && (this.#mode === ONE_SHOT || this.#initial > 0);
    this.#arm();
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const due = this.#due();
    if (due === undefined) return;
    this.#timer = this.#clock.schedule(due, () => {
      this.#timer = undefined;
      // A clock that is early leaves the event to be scheduled again.
      if (this.#clock.now() < due) this.#arm();
      else this.#expired();
    });
  }

  /** When the next expiry is, if there is one. */
  #due(): bigint | undefined {
    const now = this.#clock.now();
    if (this.#deadline !== 0n) {
      const cycles = this.#deadline - this.#timeStamp.now();
      if (cycles >= NEVER) return undefined;
      return cycles <= 0n ? now : now + this.#timeStamp.nanosecondsFor(cycles);
    }
    if (!this.#running) return undefined;
    const first = this.#since + this.#duration(this.#left);
    if (now < first || this.#mode !== PERIODIC) return first;
    const interval = this.#interval();
    return first + interval * ((now - first) / interval + 1n);
  }

  #expired(): void {
    if (this.#mode === ONE_SHOT) this.#running = false;
    this.#deadline = 0n;
    this.#arm();
    this.#expire();
  }
}
