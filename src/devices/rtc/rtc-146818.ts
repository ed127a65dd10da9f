/**
 * The MC146818A real-time clock with its CMOS RAM, at ports 0x70 (index) and 0x71 (data).
 *
 * It runs from the machine's clock, started from the wall clock: the time of day is never stored but worked out, and
 * there is an event on the clock only while an enabled interrupt is still to come.
 * Leaves out daylight saving, the square wave, the NMI mask in the index's bit 7, and other crystals than 32.768 kHz.
 * Source: Motorola MC146818A data sheet, "Registers" and "Update Cycle"; PC/AT wiring (IRQ8).
 */
import type { Clock, InterruptLine, Timer, WallClock } from '../backends.js';
import { type AccessWidth, type DeviceState, DeviceStateError, type PortDevice } from '../device.js';
import { byte, integer, list, nullable, parseState, record } from '../state-schema.js';
import { RTC_FREQUENCY, ticksAt, timeOfTick } from '../timer/ticks.js';
import {
  decodeTime,
  encodeTime,
  HOURS_ALARM,
  MINUTES_ALARM,
  nextAlarm,
  SECONDS_ALARM,
  TIME_ADDRESSES,
  type TimeFormat,
  type TimeRegisters,
} from './calendar.js';
import { CMOS_SIZE, initialCmos } from './cmos-memory.js';

const REGISTER_A = 0x0a;
const REGISTER_B = 0x0b;
const REGISTER_C = 0x0c;
const REGISTER_D = 0x0d;
const A = { RS: 0x0f, DV: 0x70, UIP: 0x80 } as const;
/** The 32.768 kHz base and 1024 Hz, as firmware leaves it. */
const A_INITIAL = 0x26;
const B = { HOURS_24: 0x02, DM: 0x04, SQWE: 0x08, UIE: 0x10, AIE: 0x20, PIE: 0x40, SET: 0x80 } as const;
/** Register C's flags stand at the bits of B's enables. */
const C = { UF: 0x10, AF: 0x20, PF: 0x40, IRQF: 0x80 } as const;
const INTERRUPTS = 0x70;
const D_VRT = 0x80;
/** DV above this holds the divider chain in reset. */
const DV_LAST_RUNNING = 0x20;
const SECOND = 1_000_000_000;
const BIG_SECOND = BigInt(SECOND);
/** UIP rises 244 µs before the update cycle of 1984 µs (tBUC and tUC). */
const UPDATE_IN_PROGRESS = 244_000 + 1_984_000;
/** The first update after the divider chain is released. */
const FIRST_UPDATE = SECOND / 2;
/** Years 0–9999 and a long run, with room to spare. */
const AHEAD_LIMIT = 1e12;

const stateShape = record({
  index: integer(0, CMOS_SIZE - 1),
  cmos: list(byte, CMOS_SIZE, CMOS_SIZE),
  registerA: integer(0, 0x7f),
  registerB: byte,
  flags: integer(0, INTERRUPTS),
  /** Guest time minus wall time. */
  aheadSeconds: integer(-AHEAD_LIMIT, AHEAD_LIMIT),
  aheadNanoseconds: integer(0, SECOND - 1),
  /** The time registers while the clock is stopped. */
  stopped: nullable(list(byte, TIME_ADDRESSES.length, TIME_ADDRESSES.length)),
});

export interface RtcOptions {
  readonly clock: Clock;
  readonly wallClock: WallClock;
  /** IRQ8. */
  readonly line: InterruptLine;
  readonly ramBytes: number;
}

export class Rtc146818 implements PortDevice {
  readonly name = 'rtc';
  readonly keepsPower = true;
  readonly portRegions = [{ base: 0x70, length: 2, maxWidth: 1 }] as const;
  readonly #clock: Clock;
  readonly #wallClock: WallClock;
  readonly #line: InterruptLine;
  #cmos: Uint8Array;
  #index = 0;
  #registerA = A_INITIAL;
  #registerB: number = B.HOURS_24;
  #flags = 0;
  /** The divider chain counts seconds as (now + phase) / SECOND; guest time is that plus #offset. */
  #phase = 0;
  #offset = 0;
  #stopped: TimeRegisters | null = null;
  /** Up to where flags have been raised. */
  #seenTick = 0n;
  #seenSecond = 0;
  #timer: Timer | undefined;
  #timerDeadline = 0n;

  constructor(options: RtcOptions) {
    this.#clock = options.clock;
    this.#wallClock = options.wallClock;
    this.#line = options.line;
    this.#cmos = initialCmos(options.ramBytes);
    this.#setAhead(0, 0);
    this.reset();
  }

  /** The RESET pin: interrupts are off. Time and RAM go on from their battery. */
  reset(): void {
    this.#registerB &= ~(INTERRUPTS | B.SQWE);
    this.#flags = 0;
    this.#index = 0;
    this.#markSeen();
    this.#drive();
  }

  readPort(_region: number, offset: number, _width: AccessWidth): number {
    if (offset !== 1) return 0xff; // the index cannot be read back
    this.#sync();
    switch (this.#index) {
      case REGISTER_A:
        return this.#registerA | (this.#updateInProgress() ? A.UIP : 0);
      case REGISTER_B:
        return this.#registerB;
      case REGISTER_C:
        return this.#readFlags();
      case REGISTER_D:
        return D_VRT;
      default: {
        const field = this.#timeField();
        return field < 0 ? (this.#cmos[this.#index] ?? 0) : (this.#timeRegisters()[field] ?? 0);
      }
    }
  }

  writePort(_region: number, offset: number, _width: AccessWidth, wide: number): void {
    const value = wide & 0xff;
    if (offset === 0) {
      this.#index = value & 0x7f;
      return;
    }
    this.#sync();
    switch (this.#index) {
      case REGISTER_A:
        this.#control(value & ~A.UIP, this.#registerB);
        break;
      case REGISTER_B:
        this.#control(this.#registerA, value & B.SET ? value & ~B.UIE : value);
        break;
      case REGISTER_C:
      case REGISTER_D:
        return;
      default: {
        const field = this.#timeField();
        if (field < 0) this.#cmos[this.#index] = value;
        else this.#writeTime(field, value);
      }
    }
    this.#drive();
  }

  save(): DeviceState {
    this.#sync();
    const ahead = this.#ahead();
    return {
      index: this.#index,
      cmos: [...this.#cmos],
      registerA: this.#registerA,
      registerB: this.#registerB,
      flags: this.#flags,
      aheadSeconds: ahead.seconds,
      aheadNanoseconds: ahead.nanoseconds,
      stopped: this.#stopped && [...this.#stopped],
    };
  }

  restore(state: DeviceState): void {
    const saved = parseState(stateShape, state, this.name);
    if ((saved.stopped === null) !== isRunning(saved.registerA, saved.registerB)) {
      throw new DeviceStateError(this.name, 'state.stopped', 'what registers A and B say');
    }
    this.#index = saved.index;
    this.#cmos = Uint8Array.from(saved.cmos);
    this.#registerA = saved.registerA;
    this.#registerB = saved.registerB;
    this.#flags = saved.flags & INTERRUPTS;
    this.#stopped = saved.stopped;
    this.#setAhead(saved.aheadSeconds, saved.aheadNanoseconds);
    this.#markSeen();
    this.#drive();
  }

  // Time of day

  get #format(): TimeFormat {
    return {
      binary: (this.#registerB & B.DM) !== 0,
      hours24: (this.#registerB & B.HOURS_24) !== 0,
    };
  }

  /** Which time register the index selects, −1 for none. */
  #timeField(): number {
    return TIME_ADDRESSES.indexOf(this.#index);
  }

  /** Whole seconds that the divider chain has counted. */
  #chainSecond(): number {
    return Number((this.#clock.now() + BigInt(this.#phase)) / BIG_SECOND);
  }

  /** Nanoseconds into the chain's second. */
  #chainRest(): number {
    return Number((this.#clock.now() + BigInt(this.#phase)) % BIG_SECOND);
  }

  #timeRegisters(): TimeRegisters {
    return this.#stopped ?? encodeTime(this.#chainSecond() + this.#offset, this.#format);
  }

  #writeTime(field: number, value: number): void {
    const registers = this.#timeRegisters();
    registers[field] = value;
    if (!this.#stopped) this.#startFrom(registers);
  }

  #startFrom(registers: TimeRegisters): void {
    this.#stopped = null;
    this.#offset = decodeTime(registers, this.#format) - this.#chainSecond();
  }

  /** Guest time minus wall time. */
  #ahead(): { seconds: number; nanoseconds: number } {
    const wall = this.#wallClock.wallTime();
    const wallSecond = Math.floor(wall / 1000);
    const nanoseconds = this.#chainRest() - Math.floor((wall - wallSecond * 1000) * 1e6);
    const seconds = this.#chainSecond() + this.#offset - wallSecond;
    return nanoseconds < 0
      ? { seconds: seconds - 1, nanoseconds: nanoseconds + SECOND }
      : { seconds, nanoseconds };
  }

  #setAhead(seconds: number, nanoseconds: number): void {
    const wall = this.#wallClock.wallTime();
    const wallSecond = Math.floor(wall / 1000);
    const rest = Math.floor((wall - wallSecond * 1000) * 1e6) + nanoseconds;
    this.#setChainRest(rest % SECOND);
    this.#offset = wallSecond + seconds + Math.floor(rest / SECOND) - this.#chainSecond();
  }

  /** Sets the chain so that it is `rest` nanoseconds into a second now. */
  #setChainRest(rest: number): void {
    this.#phase = (rest + SECOND - Number(this.#clock.now() % BIG_SECOND)) % SECOND;
  }

  /** New values of registers A and B, with what their change stops, starts and restarts. */
  #control(registerA: number, registerB: number): void {
    const registers = this.#timeRegisters();
    const released = (this.#registerA & A.DV) > DV_LAST_RUNNING && (registerA & A.DV) <= DV_LAST_RUNNING;
    const wasRunning = this.#stopped === null;
    this.#registerA = registerA;
    this.#registerB = registerB;
    if (released) this.#setChainRest(FIRST_UPDATE);
    const runs = isRunning(registerA, registerB);
    if (runs && !wasRunning) this.#startFrom(registers);
    else if (!runs && wasRunning) this.#stopped = registers;
    this.#markSeen();
  }

  #updateInProgress(): boolean {
    return this.#stopped === null && this.#chainRest() >= SECOND - UPDATE_IN_PROGRESS;
  }

  // Interrupts

  /** Ticks of 32.768 kHz between two periodic interrupts, if there are any. */
  #period(): bigint | undefined {
    const rate = this.#registerA & A.RS;
    if (rate === 0 || (this.#registerA & A.DV) > DV_LAST_RUNNING) return undefined;
    return BigInt(rate <= 2 ? 1 << (rate + 6) : 1 << (rate - 1));
  }

  #nextAlarm(after: number): number {
    const alarm = {
      seconds: this.#cmos[SECONDS_ALARM] ?? 0,
      minutes: this.#cmos[MINUTES_ALARM] ?? 0,
      hours: this.#cmos[HOURS_ALARM] ?? 0,
    };
    return nextAlarm(after, alarm, this.#format);
  }

  #markSeen(): void {
    this.#seenTick = ticksAt(this.#clock.now(), RTC_FREQUENCY);
    this.#seenSecond = this.#chainSecond();
  }

  /** Raises the flags of everything that has happened up to now. */
  #sync(): void {
    const tick = ticksAt(this.#clock.now(), RTC_FREQUENCY);
    const second = this.#chainSecond();
    const period = this.#period();
    const before = this.#flags;
    if (period !== undefined && tick / period > this.#seenTick / period) this.#flags |= C.PF;
    if (this.#stopped === null && second > this.#seenSecond) {
      this.#flags |= C.UF;
      if (this.#nextAlarm(this.#seenSecond + this.#offset) <= second + this.#offset) this.#flags |= C.AF;
    }
    this.#seenTick = tick;
    this.#seenSecond = second;
    if (this.#flags !== before) this.#drive();
  }

  #readFlags(): number {
    const flags = this.#flags;
    this.#flags = 0;
    this.#drive();
    return flags | (flags & this.#registerB & INTERRUPTS ? C.IRQF : 0);
  }

  /** Drives IRQ8, and the event on the clock for the next enabled interrupt while the line is low. */
  #drive(): void {
    const asserted = (this.#flags & this.#registerB & INTERRUPTS) !== 0;
    this.#line.set(asserted);
    const deadline = asserted ? undefined : this.#nextInterrupt();
    if (this.#timer && this.#timerDeadline === deadline) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (deadline === undefined) return;
    this.#timerDeadline = deadline;
    this.#timer = this.#clock.schedule(deadline, () => {
      this.#timer = undefined;
      this.#sync();
      if (!this.#timer) this.#drive();
    });
  }

  /** When it is, if there is one. */
  #nextInterrupt(): bigint | undefined {
    const period = this.#period();
    const periodic =
      this.#registerB & B.PIE && period !== undefined
        ? timeOfTick((this.#seenTick / period + 1n) * period, RTC_FREQUENCY)
        : undefined;
    const second = this.#nextSecond();
    if (second === undefined) return periodic;
    const deadline = BigInt(second) * BIG_SECOND - BigInt(this.#phase);
    return periodic !== undefined && periodic < deadline ? periodic : deadline;
  }

  /** The chain's second at which an update or the alarm interrupts, if one does. */
  #nextSecond(): number | undefined {
    if (this.#stopped !== null) return undefined;
    if (this.#registerB & B.UIE) return this.#seenSecond + 1;
    if (!(this.#registerB & B.AIE)) return undefined;
    const second = this.#nextAlarm(this.#seenSecond + this.#offset) - this.#offset;
    return second === Number.POSITIVE_INFINITY ? undefined : second;
  }
}

function isRunning(registerA: number, registerB: number): boolean {
  return (registerB & B.SET) === 0 && (registerA & A.DV) <= DV_LAST_RUNNING;
}
