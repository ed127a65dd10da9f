/**
 * The ACPI power management timer at 0x608: 24 bits that count at 3.579545 MHz and can only be read.
 *
 * Leaves out the carry's status bit and interrupt. Source: ACPI 6.5, 4.8.3.3.
 */
import type { Clock } from '../backends.js';
import type { AccessWidth, DeviceState, PortDevice } from '../device.js';
import { parseState, record } from '../state-schema.js';
import { PM_TIMER_FREQUENCY, ticksAt } from './ticks.js';

const stateShape = record({});
const COUNT_BITS = 24;

export class AcpiPmTimer implements PortDevice {
  readonly name = 'acpi-pm-timer';
  readonly portRegions = [{ base: 0x608, length: 4 }] as const;

  constructor(readonly clock: Clock) {}

  reset(): void {}

  readPort(_region: number, offset: number, width: AccessWidth): number {
    const value = Number(BigInt.asUintN(COUNT_BITS, ticksAt(this.clock.now(), PM_TIMER_FREQUENCY)));
    return (value >>> (8 * offset)) & (width === 1 ? 0xff : width === 2 ? 0xffff : 0xffffff);
  }

  writePort(): void {}

  save(): DeviceState {
    return {};
  }

  restore(state: DeviceState): void {
    parseState(stateShape, state, this.name);
  }
}
