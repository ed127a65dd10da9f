/**
 * The debug console of Bochs and QEMU at port 0xE9: what is written is printed; a read of 0xE9 says it is there.
 *
 * Source: QEMU's debugcon and the port's use in Bochs. It has no input and no state.
 */
import type { Console } from '../backends.js';
import type { DeviceState, PortDevice } from '../device.js';
import { OutputBuffer } from '../output-buffer.js';
import { parseState, record } from '../state-schema.js';

const PORT = 0xe9;
const stateShape = record({});

export class DebugConsole implements PortDevice {
  readonly name = 'debugcon';
  readonly portRegions = [{ base: PORT, length: 1, maxWidth: 1 }] as const;
  readonly #output: OutputBuffer;

  constructor(console: Console) {
    this.#output = new OutputBuffer(console);
  }

  reset(): void {
    this.flush();
  }

  readPort(): number {
    return PORT;
  }

  writePort(_region: number, _offset: number, _width: number, value: number): void {
    this.#output.push(value & 0xff);
  }

  flush(): void {
    this.#output.flush();
  }

  save(): DeviceState {
    this.flush();
    return {};
  }

  restore(state: DeviceState): void {
    parseState(stateShape, state, this.name);
    this.flush();
  }
}
