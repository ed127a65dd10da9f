/**
 * Port 0x92, system control port A: bit 0 resets the machine when it rises, bit 1 is the fast A20 gate.
 *
 * A20 is always open here; the bit only remembers what was written. Source: Intel 82371SB (PIIX3), Port 92.
 */
import type { PowerControl } from '../backends.js';
import type { AccessWidth, DeviceState, PortDevice } from '../device.js';
import { byte, parseState, record } from '../state-schema.js';

const FAST_INIT = 0x01;
const FAST_A20 = 0x02;

const stateShape = record({ value: byte });

export class SystemControl implements PortDevice {
  readonly name = 'system-control';
  readonly portRegions = [{ base: 0x92, length: 1, maxWidth: 1 }] as const;
  #value: number = FAST_A20;

  constructor(readonly power: PowerControl) {}

  reset(): void {
    this.#value = FAST_A20;
  }

  readPort(): number {
    return this.#value;
  }

  writePort(_region: number, _offset: number, _width: AccessWidth, value: number): void {
    const rises = (value & ~this.#value & FAST_INIT) !== 0;
    this.#value = value & 0xff;
    if (rises) this.power.reset();
  }

  save(): DeviceState {
    return { value: this.#value };
  }

  restore(state: DeviceState): void {
    this.#value = parseState(stateShape, state, this.name).value;
  }
}
