/**
 * The ACPI PM1a register block at 0x600: event status and enable, and the control register that puts the machine to sleep
 * or turns it off.
 *
 * Leaves out sleep states other than S3 and S5 (a request for one is ignored) and all events but waking.
 * Source: ACPI 6.5, 4.8.3.1 and 4.8.3.2 (PM1 Event and Control Grouping).
 */
import type { PowerControl } from '../backends.js';
import type { AccessWidth, DeviceState, PortDevice } from '../device.js';
import { integer, parseState, record, type Shaped } from '../state-schema.js';

const PM1_STATUS = 0;
const PM1_ENABLE = 2;
const PM1_CONTROL = 4;
const SCI_EN = 1 << 0;
const SLP_EN = 1 << 13;
/** SLP_TYP is bits 10–12; guests take it from a DSDT that says 0 (QEMU, Bochs) or 5 (the customary value). */
const SLP_TYP_S5 = [0, 5];
const SLP_TYP_S3 = 1;
/** The real-time clock's alarm, as status and as enable; and that the machine has woken. */
const RTC_EVENT = 1 << 10;
const WAK_STS = 1 << 15;

const register = integer(0, 0xffff);
const stateShape = record({ status: register, enable: register, control: register });

export class AcpiPower implements PortDevice {
  readonly name = 'acpi-power';
  readonly portRegions = [{ base: 0x600, length: 6, maxWidth: 2 }] as const;
  readonly keepsPower = true;
  #state: Shaped<typeof stateShape> = { status: 0, enable: 0, control: 0 };

  constructor(readonly power: PowerControl) {}

  reset(): void {
    this.#state = { status: 0, enable: 0, control: 0 };
  }

  readPort(_region: number, offset: number, width: AccessWidth): number {
    const low = this.#byte(offset);
    return width === 1 ? low : low | (this.#byte(offset + 1) << 8);
  }

  writePort(_region: number, offset: number, width: AccessWidth, value: number): void {
    const mask = width === 1 ? 0xff : 0xffff;
    for (let lane = 0; lane < 2; lane++) {
      const shift = 8 * lane;
      if ((mask >> shift) & 0xff) this.#writeByte(offset + lane, (value >> shift) & 0xff);
    }
  }

  save(): DeviceState {
    return { ...this.#state };
  }

  restore(state: DeviceState): void {
    this.#state = parseState(stateShape, state, this.name);
  }

  #byte(offset: number): number {
    const shift = 8 * (offset & 1);
    switch (offset & ~1) {
      case PM1_STATUS:
        return (this.#state.status >> shift) & 0xff;
      case PM1_ENABLE:
        return (this.#state.enable >> shift) & 0xff;
      case PM1_CONTROL:
        // SLP_EN is write-only; SCI_EN is always set, as there is no firmware to hand over from.
        return (((this.#state.control & ~SLP_EN) | SCI_EN) >> shift) & 0xff;
      default:
        return 0;
    }
  }

  #writeByte(offset: number, value: number): void {
    const high = (offset & 1) === 1;
    const merge = (old: number) => (high ? (old & 0x00ff) | (value << 8) : (old & 0xff00) | value);
    switch (offset & ~1) {
      case PM1_STATUS:
        this.#state.status &= ~(value << (high ? 8 : 0));
        return;
      case PM1_ENABLE:
        this.#state.enable = merge(this.#state.enable);
        return;
      case PM1_CONTROL:
        this.#state.control = merge(this.#state.control);
        if (high && this.#state.control & SLP_EN) this.#sleep();
        return;
    }
  }

  #sleep(): void {
    this.#state.control &= ~SLP_EN;
    const type = (this.#state.control >> 10) & 7;
    if (SLP_TYP_S5.includes(type)) this.power.powerOff();
    if (type !== SLP_TYP_S3) return;
    // As the guest finds them when it wakes, which only the alarm brings about.
    const alarmWakes = (this.#state.enable & RTC_EVENT) !== 0;
    this.#state.status |= WAK_STS | RTC_EVENT;
    this.power.suspend(alarmWakes);
  }
}
