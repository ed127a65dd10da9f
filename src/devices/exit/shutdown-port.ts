/**
 * The shutdown port of Bochs at 0x8900: writing the letters of "Shutdown" one after another turns the power off.
 *
 * Source: Bochs, iodev/unmapped.cc, as its documentation and old Linux kernels use it.
 */
import type { PowerControl } from '../backends.js';
import type { AccessWidth, DeviceState, PortDevice } from '../device.js';
import { integer, parseState, record } from '../state-schema.js';

const WORD = 'Shutdown';

const stateShape = record({ matched: integer(0, WORD.length - 1) });

export class ShutdownPort implements PortDevice {
  readonly name = 'shutdown-port';
  readonly portRegions = [{ base: 0x8900, length: 1, maxWidth: 1 }] as const;
  /** Letters that have come. */
  #matched = 0;

  constructor(readonly power: PowerControl) {}

  reset(): void {
    this.#matched = 0;
  }

  readPort(): number {
    return 0;
  }

  writePort(_region: number, _offset: number, _width: AccessWidth, value: number): void {
    const letter = value & 0xff;
    if (letter === WORD.charCodeAt(this.#matched)) this.#matched++;
    else this.#matched = letter === WORD.charCodeAt(0) ? 1 : 0;
    if (this.#matched < WORD.length) return;
    this.#matched = 0;
    this.power.powerOff();
  }

  save(): DeviceState {
    return { matched: this.#matched };
  }

  restore(state: DeviceState): void {
    this.#matched = parseState(stateShape, state, this.name).matched;
  }
}
