/**
 * The 8254 interval timer of a PC with port 0x61, which gates channel 2 and shows its output.
 *
 * Counts follow from the clock at 1,193,182 Hz in exact integers. Only channel 0 has an event on the clock, at the
 * next change of its output, which is IRQ0; the others are worked out when they are looked at.
 * Leaves out the speaker's sound and channel 1's memory refresh, but for the toggle that software times by.
 * Source: Intel 8254 data sheet (231164), "Programming the 8254"; Intel 82371SB (PIIX3), NMI status and control.
 */
import type { Clock, InterruptLine, Timer } from '../backends.js';
import { type AccessWidth, type DeviceState, DeviceStateError, type PortDevice } from '../device.js';
import { integer, list, parseState, record } from '../state-schema.js';
import { channelShape, PitChannel } from './pit-channel.js';
import { PIT_FREQUENCY, ticksAt, timeOfTick } from './ticks.js';

const CONTROL_WORD = 3;
const REGION_PORT_61 = 1;
const READ_BACK = 3;
const READ_BACK_NO_COUNT = 0x20;
const READ_BACK_NO_STATUS = 0x10;
const PORT_61_GATE2 = 0x01;
const PORT_61_WRITABLE = 0x0f;
const PORT_61_REFRESH = 0x10;
const PORT_61_OUT2 = 0x20;
/** Ticks of channel 1 between two refreshes on a PC/AT: about 15 µs. */
const REFRESH_TICKS = 18n;
/** As many ticks as channels count at once: they are a number's. */
const MOST_TICKS = 1n << 52n;

const stateShape = record({
  channels: list(channelShape, 3, 3),
  port61: integer(0, PORT_61_WRITABLE),
});

export interface PitOptions {
  readonly clock: Clock;
  /** IRQ0. */
  readonly line: InterruptLine;
}

export class Pit8254 implements PortDevice {
  readonly name = 'pit';
  readonly portRegions = [
    { base: 0x40, length: 4, maxWidth: 1 },
    { base: 0x61, length: 1, maxWidth: 1 },
  ] as const;
  readonly #clock: Clock;
  readonly #line: InterruptLine;
  readonly #channel0 = new PitChannel(true);
  readonly #channel2 = new PitChannel(false);
  readonly #channels = [this.#channel0, new PitChannel(true), this.#channel2] as const;
  #port61 = 0;
  /** The tick up to which the channels have counted. */
  #tick: bigint;
  #timer: Timer | undefined;
  #timerTick = 0n;

  constructor(options: PitOptions) {
    this.#clock = options.clock;
    this.#line = options.line;
    this.#tick = this.#now();
    this.reset();
  }

  reset(): void {
    for (const channel of this.#channels) channel.reset();
    this.#port61 = 0;
    this.#tick = this.#now();
    this.#drive(false);
  }

  readPort(region: number, offset: number, _width: AccessWidth): number {
    this.#sync();
    if (region === REGION_PORT_61) {
      const refresh = (this.#tick / REFRESH_TICKS) % 2n === 1n;
      return this.#port61 | (refresh ? PORT_61_REFRESH : 0) | (this.#channel2.out ? PORT_61_OUT2 : 0);
    }
    // The control word register cannot be read.
    return this.#channels[offset]?.readCount() ?? 0xff;
  }

  writePort(region: number, offset: number, _width: AccessWidth, wide: number): void {
    const value = wide & 0xff;
    this.#sync();
    const before = this.#channel0.out;
    if (region === REGION_PORT_61) {
      this.#port61 = value & PORT_61_WRITABLE;
      this.#channel2.setGate((value & PORT_61_GATE2) !== 0);
    } else if (offset === CONTROL_WORD) {
      this.#writeControlWord(value);
    } else {
      this.#channels[offset]?.writeCount(value);
    }
    this.#drive(!before && this.#channel0.out);
  }

  save(): DeviceState {
    this.#sync();
    return { channels: this.#channels.map((channel) => ({ ...channel.state })), port61: this.#port61 };
  }

  restore(state: DeviceState): void {
    const saved = parseState(stateShape, state, this.name);
    const gates = [true, true, (saved.port61 & PORT_61_GATE2) !== 0];
    for (const [index, channel] of saved.channels.entries()) {
      if (channel.gate === gates[index]) continue;
      throw new DeviceStateError(
        this.name,
        `state.channels[${index}].gate`,
        `${gates[index]}, as it is wired`,
      );
    }
    for (const [index, channel] of this.#channels.entries()) {
      const channelState = saved.channels[index];
      if (channelState) channel.state = channelState;
    }
    this.#port61 = saved.port61;
    this.#tick = this.#now();
    this.#drive(false);
  }

  #writeControlWord(value: number): void {
    const select = value >> 6;
    if (select === READ_BACK) {
      for (const [index, channel] of this.#channels.entries()) {
        if (!(value & (2 << index))) continue;
        if (!(value & READ_BACK_NO_COUNT)) channel.latchCount();
        if (!(value & READ_BACK_NO_STATUS)) channel.latchStatus();
      }
      return;
    }
    const channel = this.#channels[select];
    if ((value & 0x30) === 0) channel?.latchCount();
    else channel?.writeControl(value);
  }

  #now(): bigint {
    return ticksAt(this.#clock.now(), PIT_FREQUENCY);
  }

  /** Counts up to now. */
  #sync(): void {
    const tick = this.#now();
    if (tick <= this.#tick) return;
    let rose = false;
    while (this.#tick < tick) {
      const left = tick - this.#tick;
      const ticks = left < MOST_TICKS ? left : MOST_TICKS;
      const [channel0, channel1, channel2] = this.#channels;
      if (channel0.advance(Number(ticks))) rose = true;
      channel1.advance(Number(ticks));
      channel2.advance(Number(ticks));
      this.#tick += ticks;
    }
    this.#drive(rose);
  }

  /** Drives IRQ0 and the event on the clock from channel 0. */
  #drive(rose: boolean): void {
    // A rise that is already over, or that follows a fall nobody saw, is still an edge.
    if (rose) {
      this.#line.set(false);
      this.#line.set(true);
    }
    this.#line.set(this.#channel0.out);
    const ticks = this.#channel0.ticksToChange();
    const due = ticks === Number.POSITIVE_INFINITY ? undefined : this.#tick + BigInt(ticks);
    if (this.#timer && this.#timerTick === due) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (due === undefined) return;
    this.#timerTick = due;
    this.#timer = this.#clock.schedule(timeOfTick(due, PIT_FREQUENCY), () => {
      this.#timer = undefined;
      this.#sync();
      // A clock that is early leaves the event to be scheduled again.
      if (!this.#timer) this.#drive(false);
    });
  }
}
