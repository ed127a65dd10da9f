/**
 * Port 0x80: a byte that firmware shows its progress by, and that drivers write to pass a microsecond.
 *
 * Leaves out the DMA page registers beside it.
 */
import type { AccessWidth, DeviceState, PortDevice } from '../device.js';
import { byte, parseState, record } from '../state-schema.js';

const stateShape = record({ value: byte });

export class DiagnosticPort implements PortDevice {
  readonly name = 'diagnostic-port';
  readonly portRegions = [{ base: 0x80, length: 1, maxWidth: 1 }] as const;
  #value = 0;

  reset(): void {
    this.#value = 0;
  }

  readPort(): number {
    return this.#value;
  }

  writePort(_region: number, _offset: number, _width: AccessWidth, value: number): void {
    this.#value = value & 0xff;
  }

  save(): DeviceState {
    return { value: this.#value };
  }

  restore(state: DeviceState): void {
    this.#value = parseState(stateShape, state, this.name).value;
  }
}
