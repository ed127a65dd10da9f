/**
 * One counter of the 8254: its control word, count register, counting element, latches and the six modes.
 *
 * Time comes in whole ticks of CLK through `advance`, which moves any number of them at once; the counter itself
 * knows no clock. A count of 1 in modes 2 and 3, which the data sheet calls illegal, holds OUT high.
 * Source: Intel 8254 data sheet (231164), "Operational Description" and "Mode Definitions".
 */
import { boolean, byte, integer, nullable, record, type Shaped } from '../state-schema.js';

const ACCESS_LOW = 1;
const ACCESS_HIGH = 2;
const STATUS_OUT = 0x80;
const STATUS_NULL_COUNT = 0x40;

export const channelShape = record({
  /** RW1–RW0, M2–M0 and BCD of the last control word. */
  control: integer(0, 0x3f),
  /** CR, as written: binary or BCD. */
  count: integer(0, 0xffff),
  /** The low byte of a count whose high byte is still to come. */
  lowByte: nullable(byte),
  readHighNext: boolean,
  latchedCount: nullable(integer(0, 0xffff)),
  latchedStatus: nullable(byte),
  /** CE as a number of ticks; in mode 3 the ticks left of this half of the square wave. */
  element: integer(0, 0x10000),
  /** The count that CE was loaded from. */
  loaded: integer(1, 0x10000),
  out: boolean,
  gate: boolean,
  /** CR goes to CE on the next tick. */
  loadPending: boolean,
  /** CE has been loaded since the control word. */
  counting: boolean,
  /** Mode 0 between the two bytes of a count. */
  halted: boolean,
  /** OUT has yet to react to CE reaching zero (modes 0, 1, 4, 5). */
  armed: boolean,
  /** A whole count was written since the control word. */
  countWritten: boolean,
  nullCount: boolean,
});

export type ChannelState = Shaped<typeof channelShape>;

function initialChannelState(gate: boolean): ChannelState {
  return {
    control: 0x30,
    count: 0,
    lowByte: null,
    readHighNext: false,
    latchedCount: null,
    latchedStatus: null,
    element: 0,
    loaded: 0x10000,
    out: false,
    gate,
    loadPending: false,
    counting: false,
    halted: false,
    armed: false,
    countWritten: false,
    nullCount: true,
  };
}

export class PitChannel {
  state: ChannelState;

  constructor(readonly initialGate: boolean) {
    this.state = initialChannelState(initialGate);
  }

  /** Not counting, as if mode 0 had been written without a count. The data sheet leaves this undefined. */
  reset(): void {
    this.state = initialChannelState(this.initialGate);
  }

  get out(): boolean {
    return this.state.out;
  }

  /** Lets ticks pass, at least 0. True if OUT rose meanwhile, even if it fell again. */
  advance(ticks: number): boolean {
    if (ticks <= 0) return false;
    const { state } = this;
    let rose = false;
    let rest = ticks;
    if (state.loadPending) {
      const before = state.out;
      this.#load();
      rose = state.out && !before;
      rest--;
    }
    if (rest > 0 && this.#counts()) rose = this.#count(rest) || rose;
    return rose;
  }

  /** Ticks until OUT may change by itself, at least 1; Infinity if it will not. */
  ticksToChange(): number {
    const { state } = this;
    if (state.loadPending) return 1;
    if (!this.#counts()) return Number.POSITIVE_INFINITY;
    const mode = this.#mode;
    if (mode === 2 || mode === 3) {
      if (state.loaded === 1 && this.#initialCount() === 1) return Number.POSITIVE_INFINITY;
      return Math.max(1, mode === 2 ? state.element - 1 : state.element);
    }
    return state.armed ? Math.max(1, state.element) : Number.POSITIVE_INFINITY;
  }

  /** The level of the GATE input. */
  setGate(level: boolean): void {
    const { state } = this;
    if (state.gate === level) return;
    state.gate = level;
    const mode = this.#mode;
    if (level) {
      const triggered = mode === 1 || mode === 2 || mode === 3 || mode === 5;
      if (triggered && state.countWritten) state.loadPending = true;
    } else if (mode === 2 || mode === 3) {
      // CE stands still, but OUT's level is part of how mode 3 shows an odd count.
      if (mode === 3 && !state.out && state.loaded & 1) state.element++;
      state.out = true;
    }
  }

  /** A control word that selects this counter, other than the counter latch command. */
  writeControl(value: number): void {
    // CE keeps its value, which shows until the first count is loaded.
    const element = Math.min(0x10000, Math.max(0, this.#value()));
    this.state = { ...initialChannelState(this.state.gate), control: value & 0x3f, element };
    this.state.out = this.#mode !== 0;
  }

  /** One byte of the count. */
  writeCount(value: number): void {
    const { state } = this;
    switch (this.#access) {
      case ACCESS_LOW:
        this.#setCount(value);
        return;
      case ACCESS_HIGH:
        this.#setCount(value << 8);
        return;
      default:
        if (state.lowByte !== null) {
          this.#setCount(state.lowByte | (value << 8));
          return;
        }
        state.lowByte = value;
        if (this.#mode === 0) {
          state.halted = true;
          state.out = false;
        }
    }
  }

  /** One byte: the latched status, else the latched or the running count. */
  readCount(): number {
    const { state } = this;
    if (state.latchedStatus !== null) {
      const status = state.latchedStatus;
      state.latchedStatus = null;
      return status;
    }
    const count = state.latchedCount ?? this.#display();
    const both = this.#access !== ACCESS_LOW && this.#access !== ACCESS_HIGH;
    const high = both ? state.readHighNext : this.#access === ACCESS_HIGH;
    if (both) state.readHighNext = !state.readHighNext;
    if (!both || high) state.latchedCount = null;
    return high ? count >> 8 : count & 0xff;
  }

  /** The counter latch command; a count that is still latched stays. */
  latchCount(): void {
    this.state.latchedCount ??= this.#display();
  }

  /** The status part of the read-back command; a status that is still latched stays. */
  latchStatus(): void {
    const { state } = this;
    state.latchedStatus ??=
      state.control | (state.out ? STATUS_OUT : 0) | (state.nullCount ? STATUS_NULL_COUNT : 0);
  }

  get #access(): number {
    return (this.state.control >> 4) & 3;
  }

  /** 0–5: in modes 2 and 3 bit M2 is not looked at. */
  get #mode(): number {
    const bits = (this.state.control >> 1) & 7;
    return bits > 5 ? bits - 4 : bits;
  }

  get #bcd(): boolean {
    return (this.state.control & 1) !== 0;
  }

  #counts(): boolean {
    const { state } = this;
    if (!state.counting || state.halted) return false;
    return state.gate || this.#mode === 1 || this.#mode === 5;
  }

  #setCount(count: number): void {
    const { state } = this;
    state.count = count;
    state.lowByte = null;
    state.halted = false;
    state.countWritten = true;
    state.nullCount = true;
    const mode = this.#mode;
    if (mode === 0) {
      state.out = false;
      state.armed = false;
    }
    // Modes 1 and 5 wait for a trigger; a running mode 2 or 3 takes the new count at the end of its cycle.
    if (mode === 0 || mode === 4 || ((mode === 2 || mode === 3) && !state.counting)) state.loadPending = true;
  }

  /** CR as a number of ticks: zero is the largest count. */
  #initialCount(): number {
    const { count } = this.state;
    if (!this.#bcd) return count === 0 ? 0x10000 : count;
    const decimal =
      (count >> 12) * 1000 + ((count >> 8) & 15) * 100 + ((count >> 4) & 15) * 10 + (count & 15);
    return decimal === 0 ? 10_000 : decimal;
  }

  /** CR goes to CE. */
  #load(): void {
    const { state } = this;
    const mode = this.#mode;
    this.#takeCount();
    state.loadPending = false;
    state.counting = true;
    state.armed = true;
    state.element = mode === 3 ? (state.loaded + 1) >> 1 : state.loaded;
    state.out = mode >= 2;
  }

  #takeCount(): void {
    this.state.loaded = this.#initialCount();
    this.state.nullCount = false;
  }

  /** Counts at least one tick. True if OUT rose. */
  #count(ticks: number): boolean {
    switch (this.#mode) {
      case 0:
      case 1:
        return this.#countOnce(ticks);
      case 2:
        return this.#countRate(ticks);
      case 3:
        return this.#countSquare(ticks);
      default:
        return this.#countStrobe(ticks);
    }
  }

  /** Modes 0 and 1: OUT rises when CE reaches zero, and CE goes on from the top. */
  #countOnce(ticks: number): boolean {
    const { state } = this;
    const expires = state.armed && ticks >= state.element;
    if (expires) {
      state.armed = false;
      state.out = true;
    }
    this.#decrement(ticks);
    return expires;
  }

  /** Modes 4 and 5: OUT is low for the one tick in which CE is zero. */
  #countStrobe(ticks: number): boolean {
    const { state } = this;
    let rose = false;
    if (state.armed && ticks === state.element) {
      state.out = false;
    } else if (state.armed && ticks > state.element) {
      state.armed = false;
      state.out = true;
      rose = true;
    }
    this.#decrement(ticks);
    return rose;
  }

  /** Mode 2: OUT is low for the tick in which CE is 1; then CE is loaded again. */
  #countRate(ticks: number): boolean {
    const { state } = this;
    let rose = false;
    if (ticks < state.element) {
      state.element -= ticks;
    } else {
      rose = state.loaded > 1;
      const rest = ticks - state.element;
      this.#takeCount();
      rose ||= state.loaded > 1 && rest >= state.loaded;
      state.element = state.loaded - (rest % state.loaded);
    }
    state.out = state.element !== 1 || state.loaded === 1;
    return rose;
  }

  /** Mode 3: OUT is high for the larger half of the count, then low for the other. */
  #countSquare(ticks: number): boolean {
    const { state } = this;
    if (ticks < state.element) {
      state.element -= ticks;
      return false;
    }
    const held = state.loaded === 1;
    const wasLow = !state.out;
    let rest = ticks - state.element;
    this.#takeCount();
    if (state.loaded === 1) {
      state.element = 1;
      state.out = true;
      return wasLow;
    }
    state.out = held || wasLow;
    let rose = wasLow || rest >= state.loaded;
    rest %= state.loaded;
    const half = this.#half();
    if (rest >= half) {
      rest -= half;
      state.out = !state.out;
      rose ||= state.out;
    }
    state.element = this.#half() - rest;
    return rose;
  }

  #half(): number {
    return this.state.out ? (this.state.loaded + 1) >> 1 : this.state.loaded >> 1;
  }

  #decrement(ticks: number): void {
    const left = this.state.element - ticks;
    const modulus = this.#bcd ? 10_000 : 0x10000;
    this.state.element = left >= 0 ? left : (modulus - (-left % modulus)) % modulus;
  }

  /** CE's own value. */
  #value(): number {
    const { state } = this;
    if (this.#mode !== 3 || !state.counting) return state.element;
    // CE goes down by two; an odd count loses one on the way in, and its high half takes one tick more.
    const odd = (state.loaded & 1) === 1;
    return 2 * (odd && state.out ? state.element - 1 : state.element);
  }

  /** CE as a read shows it. */
  #display(): number {
    const value = this.#value();
    if (!this.#bcd) return value & 0xffff;
    const digit = (place: number) => Math.floor(value / place) % 10;
    return (digit(1000) << 12) | (digit(100) << 8) | (digit(10) << 4) | digit(1);
  }
}
