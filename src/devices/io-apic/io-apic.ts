/**
 * The I/O APIC at 0xFEC00000: 24 pins, each with an entry that says what interrupt it becomes, and an EOI register for
 * local APICs whose broadcasts are suppressed.
 *
 * Pins are told logical levels, so the entries' polarity is kept and ignored. Leaves out external interrupts: the 8259s
 * are on LINT0. Source: Intel 82093AA data sheet (290566); for the EOI register, version 0x20, Intel ICH9 (316972), 13.5.
 */
import type { InterruptLine } from '../backends.js';
import type { AccessWidth, DeviceState, MmioDevice } from '../device.js';
import type { InterruptBus } from '../interrupt/interrupt-message.js';
import { byte, integer, list, parseState, record } from '../state-schema.js';
import { Redirection, redirectionShape } from './redirection.js';

const IO_APIC_ADDRESS = 0xfec00000;
const PIN_COUNT = 24;

const SELECT = 0x00;
const WINDOW = 0x10;
const END_OF_INTERRUPT = 0x40;
const ID = 0;
const VERSION = 1;
const ARBITRATION = 2;
const FIRST_ENTRY = 0x10;
const ID_WRITABLE = 0x0f000000;

const stateShape = record({
  select: byte,
  id: integer(0, ID_WRITABLE),
  entries: list(redirectionShape, PIN_COUNT, PIN_COUNT),
});

export class IoApic implements MmioDevice {
  readonly name = 'io-apic';
  readonly mmioRegions = [{ base: IO_APIC_ADDRESS, length: 0x1000 }] as const;
  readonly #entries: readonly Redirection[];
  /** Asserted sources of each pin; sources that share one are wired together by OR. */
  readonly #sources = new Uint16Array(PIN_COUNT);
  #select = 0;
  #id = 0;

  constructor(bus: InterruptBus) {
    this.#entries = Array.from({ length: PIN_COUNT }, () => new Redirection(bus));
  }

  /** An input, `pin` 0–23. Every call gives a source of its own. Throws RangeError. */
  line(pin: number): InterruptLine {
    const entry = this.#entries[pin];
    if (!entry) throw new RangeError(`there is no I/O APIC pin ${pin}`);
    let driven = false;
    return {
      set: (asserted) => {
        if (asserted === driven) return;
        driven = asserted;
        const count = (this.#sources[pin] ?? 0) + (asserted ? 1 : -1);
        this.#sources[pin] = count;
        entry.setLine(count > 0);
      },
    };
  }

  /** Whether some pin is an NMI. */
  get raisesNmi(): boolean {
    return this.#entries.some((entry) => entry.raisesNmi);
  }

  /** A local APIC has ended a level-triggered interrupt. */
  endOfInterrupt(vector: number): void {
    for (const entry of this.#entries) entry.endOfInterrupt(vector);
  }

  reset(): void {
    this.#select = 0;
    this.#id = 0;
    for (const entry of this.#entries) entry.reset();
  }

  readMmio(_region: number, offset: number, width: AccessWidth): number {
    const register = offset & ~3;
    const value = register === SELECT ? this.#select : register === WINDOW ? this.#read() : 0;
    const shifted = value >>> (8 * (offset & 3));
    return width === 4 ? shifted : shifted & (width === 2 ? 0xffff : 0xff);
  }

  /** The window is written whole; of the other two registers, the low byte counts. */
  writeMmio(_region: number, offset: number, width: AccessWidth, value: number): void {
    if (offset === SELECT) this.#select = value & 0xff;
    else if (offset === END_OF_INTERRUPT) this.endOfInterrupt(value & 0xff);
    else if (offset === WINDOW && width === 4) this.#write(value >>> 0);
  }

  save(): DeviceState {
    return { select: this.#select, id: this.#id, entries: this.#entries.map((entry) => entry.save()) };
  }

  restore(state: DeviceState): void {
    const saved = parseState(stateShape, state, this.name);
    this.#select = saved.select;
    this.#id = saved.id & ID_WRITABLE;
    for (const [n, entry] of saved.entries.entries()) this.#entries[n]?.restore(entry);
  }

  #read(): number {
    switch (this.#select) {
      case ID:
      case ARBITRATION:
        return this.#id;
      case VERSION:
        return 0x20 | ((PIN_COUNT - 1) << 16);
      default: {
        const entry = this.#selected;
        if (!entry) return 0;
        return this.#select & 1 ? entry.high : entry.low;
      }
    }
  }

  #write(value: number): void {
    const entry = this.#selected;
    if (this.#select === ID) this.#id = value & ID_WRITABLE;
    else if (entry && this.#select & 1) entry.high = value;
    else if (entry) entry.low = value;
  }

  get #selected(): Redirection | undefined {
    return this.#select < FIRST_ENTRY ? undefined : this.#entries[(this.#select - FIRST_ENTRY) >> 1];
  }
}
