/**
 * The exit port of QEMU's isa-debug-exit: writing v ends the run with status (v << 1) | 1.
 *
 * It answers at 0xF4 (kvm-unit-tests) and at 0x501 (Solo5, Unikraft) at once; both are only a convention.
 * Source: QEMU's isa-debug-exit; a process keeps 8 bits of the status.
 */
import type { PowerControl } from '../backends.js';
import type { AccessWidth, DeviceState, PortDevice } from '../device.js';
import { parseState, record } from '../state-schema.js';

const stateShape = record({});

export class DebugExit implements PortDevice {
  readonly name = 'debug-exit';
  readonly portRegions = [
    { base: 0xf4, length: 4 },
    { base: 0x501, length: 2 },
  ] as const;

  constructor(readonly power: PowerControl) {}

  reset(): void {}

  readPort(): number {
    return 0;
  }

  writePort(_region: number, _offset: number, _width: AccessWidth, value: number): void {
    this.power.exit(((value << 1) | 1) & 0xff);
  }

  save(): DeviceState {
    return {};
  }

  restore(state: DeviceState): void {
    parseState(stateShape, state, this.name);
  }
}
