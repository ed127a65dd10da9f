/**
 * The UART's receiver: its buffer of 16 characters (1 without FIFOs), when characters arrive, and the timeout.
 *
 * Characters arrive no faster than the line carries them, one per character time, so that a guest which reads
 * "while data is ready" comes to an end. What the line cannot carry yet, or the buffer cannot hold, stays with the
 * backend, as behind flow control: none is lost. After an idle line or a full buffer the first one arrives at once.
 * When a timer comes late, as under the host's clock, the characters whose time has passed follow without waiting,
 * 16 at most.
 * A timer for arrivals runs only while the backend holds bytes back and there is room for one.
 * Source: TI PC16550D data sheet, "FIFO Interrupt Mode Operation", "Line Status Register".
 */
import type { Clock, Console, Timer } from '../backends.js';
import { boolean, byte, integer, list, nullable, record, type Shaped } from '../state-schema.js';
import { LONGEST_CHARACTER } from './character-time.js';
import { TRIGGER_LEVELS } from './registers.js';

const FIFO_SIZE = 16;
/** Character times without an arrival or a read until the timeout. */
const TIMEOUT_CHARACTERS = 4;

export const receiverShape = record({
  fifoEnabled: boolean,
  triggerIndex: integer(0, 3),
  overrun: boolean,
  received: list(byte, 0, FIFO_SIZE),
  /** Nanoseconds until the line can have carried another character, 0 when it is idle. */
  arrivalIn: integer(0, LONGEST_CHARACTER),
  /** Characters that the line has carried already and that only wait for room. */
  carried: integer(0, FIFO_SIZE),
  timeoutPending: boolean,
  /** Nanoseconds until the character timeout, or null when it is not running. */
  timeoutIn: nullable(integer(0, TIMEOUT_CHARACTERS * LONGEST_CHARACTER)),
});

export type ReceiverState = Shaped<typeof receiverShape>;

export interface ReceiverOptions {
  readonly clock: Clock;
  readonly console: Console;
  /** Nanoseconds that `count` characters take as the line is programmed now, an integer. */
  readonly characterTime: (count: number) => number;
  /** Called after every change that may make or end a cause of interrupt. */
  readonly changed: () => void;
}

export class Receiver {
  readonly #clock: Clock;
  readonly #console: Console;
  readonly #characterTime: (count: number) => number;
  readonly #changed: () => void;
  #fifoEnabled = false;
  #triggerIndex = 0;
  #overrun = false;
  #received: number[] = [];
  #looped = false;
  /** The backend holds bytes back and waits for `ready`. */
  #refused = false;
  /** No character from the host arrives before this time. */
  #nextArrival = 0n;
  #arrivalTimer: Timer | undefined;
  /** Characters that the line has carried and the buffer has not taken: more than 1 only after a late timer. */
  #carried = 0;
  #timeoutPending = false;
  #timeoutTimer: Timer | undefined;
  #timeoutDeadline = 0n;

  constructor({ clock, console, characterTime, changed }: ReceiverOptions) {
    this.#clock = clock;
    this.#console = console;
    this.#characterTime = characterTime;
    this.#changed = changed;
  }

  /** From now on bytes arrive. */
  connect(): void {
    this.#console.connect((bytes) => this.#receiveFromHost(bytes));
  }

  reset(): void {
    this.#fifoEnabled = false;
    this.#triggerIndex = 0;
    this.#looped = false;
    this.#nextArrival = 0n;
    this.#carried = 0;
    this.#stopArrival();
    this.#empty();
    this.#changed();
    this.#askForMore();
  }

  get fifoEnabled(): boolean {
    return this.#fifoEnabled;
  }

  get dataReady(): boolean {
    return this.#received.length > 0;
  }

  /** As many characters wait as raise an interrupt. */
  get triggered(): boolean {
    return this.#received.length >= (this.#fifoEnabled ? (TRIGGER_LEVELS[this.#triggerIndex] ?? 1) : 1);
  }

  get timeoutPending(): boolean {
    return this.#timeoutPending;
  }

  get overrun(): boolean {
    return this.#overrun;
  }

  clearOverrun(): void {
    this.#overrun = false;
    this.#changed();
  }

  /** The oldest character, 0 if there is none. */
  read(): number {
    const value = this.#received.shift() ?? 0;
    this.#timeoutPending = false;
    this.#restartTimeout();
    this.#changed();
    this.#askForMore();
    return value;
  }

  /** @param reset drop what has been received, as every change of `enabled` does too */
  programFifos(enabled: boolean, triggerIndex: number, reset: boolean): void {
    if (reset || enabled !== this.#fifoEnabled) this.#empty();
    this.#fifoEnabled = enabled;
    this.#triggerIndex = triggerIndex;
    this.#changed();
    this.#askForMore();
  }

  /** In loopback the receiver is disconnected from its pin: the host's bytes wait. */
  setLooped(looped: boolean): void {
    this.#looped = looped;
    if (looped) this.#stopArrival();
    else this.#askForMore();
  }

  /** A character comes from the transmitter, which does not wait for room. */
  receiveLooped(word: number): void {
    if (this.#received.length < this.#capacity) {
      this.#received.push(word);
    } else {
      this.#overrun = true;
      // Without FIFOs the new character replaces the unread one; with them it is lost in the shift register.
      if (!this.#fifoEnabled) this.#received[0] = word;
    }
    this.#afterArrival();
  }

  save(): ReceiverState {
    const now = this.#clock.now();
    return {
      fifoEnabled: this.#fifoEnabled,
      triggerIndex: this.#triggerIndex,
      overrun: this.#overrun,
      received: [...this.#received],
      arrivalIn: Math.max(0, Number(this.#nextArrival - now)),
      carried: this.#carried,
      timeoutPending: this.#timeoutPending,
      timeoutIn: this.#timeoutTimer ? Math.max(0, Number(this.#timeoutDeadline - now)) : null,
    };
  }

  /** @param looped as `setLooped` is told */
  restore(saved: ReceiverState, looped: boolean): void {
    this.#fifoEnabled = saved.fifoEnabled;
    this.#triggerIndex = saved.triggerIndex;
    this.#overrun = saved.overrun;
    this.#received = saved.received;
    this.#looped = looped;
    this.#nextArrival = this.#clock.now() + BigInt(saved.arrivalIn);
    this.#carried = saved.carried;
    this.#stopArrival();
    this.#timeoutPending = saved.timeoutPending;
    this.#stopTimeout();
    if (saved.timeoutIn !== null) this.#startTimeout(saved.timeoutIn);
    this.#changed();
    // Whether the backend holds bytes back is not part of the state: only it knows.
    this.#offerAgain();
  }

  #empty(): void {
    this.#received = [];
    this.#overrun = false;
    this.#timeoutPending = false;
    this.#stopTimeout();
  }

  get #capacity(): number {
    return this.#fifoEnabled ? FIFO_SIZE : 1;
  }

  get #hasRoom(): boolean {
    return !this.#looped && this.#received.length < this.#capacity;
  }

  // Arrivals from the host

  #receiveFromHost(bytes: Uint8Array): number {
    if (bytes.length === 0) return 0;
    const taken = this.#hasRoom ? this.#take(bytes) : 0;
    this.#refused = taken < bytes.length;
    if (taken > 0) this.#afterArrival();
    if (this.#refused && this.#hasRoom) this.#startArrival();
    return taken;
  }

  /** Takes what the line has carried by now and the buffer holds. */
  #take(bytes: Uint8Array): number {
    if (this.#carried === 0 && !this.#lineBusy) this.#carry(this.#clock.now());
    const taken = Math.min(bytes.length, this.#capacity - this.#received.length, this.#carried);
    for (let index = 0; index < taken; index++) this.#received.push(bytes[index] ?? 0);
    this.#carried -= taken;
    return taken;
  }

  /** The line has carried a character by `first`, and since then as many more as had time. */
  #carry(first: bigint): void {
    const one = BigInt(this.#characterTime(1));
    const count = 1n + (this.#clock.now() - first) / one;
    this.#carried = count < FIFO_SIZE ? Number(count) : FIFO_SIZE;
    this.#nextArrival = first + count * one;
  }

  /** There may be room again. */
  #askForMore(): void {
    if (!this.#refused || !this.#hasRoom) return;
    if (this.#carried === 0 && this.#lineBusy) this.#startArrival();
    else this.#offerAgain();
  }

  #offerAgain(): void {
    this.#refused = false;
    this.#console.ready();
    if (!this.#refused) this.#carried = 0;
  }

  get #lineBusy(): boolean {
    return this.#arrivalTimer !== undefined || this.#clock.now() < this.#nextArrival;
  }

  #startArrival(): void {
    this.#arrivalTimer ??= this.#clock.schedule(this.#nextArrival, () => {
      this.#arrivalTimer = undefined;
      this.#carry(this.#nextArrival);
      this.#offerAgain();
    });
  }

  #stopArrival(): void {
    this.#arrivalTimer?.cancel();
    this.#arrivalTimer = undefined;
  }

  #afterArrival(): void {
    this.#restartTimeout();
    this.#changed();
  }

  // The character timeout, which only the FIFOs have

  /** Counts anew from an arrival or a read, if anything waits. */
  #restartTimeout(): void {
    this.#stopTimeout();
    if (this.#fifoEnabled && this.dataReady) this.#startTimeout(this.#characterTime(TIMEOUT_CHARACTERS));
  }

  #startTimeout(delay: number): void {
    this.#timeoutDeadline = this.#clock.now() + BigInt(delay);
    this.#timeoutTimer = this.#clock.schedule(this.#timeoutDeadline, () => {
      this.#timeoutTimer = undefined;
      this.#timeoutPending = true;
      this.#changed();
    });
  }

  #stopTimeout(): void {
    this.#timeoutTimer?.cancel();
    this.#timeoutTimer = undefined;
  }
}
