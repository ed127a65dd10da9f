/**
 * QEMU's fw_cfg at 0x510: items by number, selected by a word and read byte by byte, from which test suites and firmware
 * learn the size of RAM and the number of processors.
 *
 * Leaves out writing, DMA, and files: the directory is empty. An item that is not there reads as zeros.
 * Source: QEMU, "QEMU Firmware Configuration (fw_cfg) Device".
 */
import type { AccessWidth, DeviceState, PortDevice } from '../device.js';
import { integer, parseState, record, type Shaped } from '../state-schema.js';

const Item = {
  signature: 0x00,
  id: 0x01,
  ramSize: 0x03,
  processors: 0x05,
  mostProcessors: 0x0f,
  directory: 0x19,
} as const;

/** The traditional interface and no other. */
const FEATURES = 1;

const stateShape = record({ selected: integer(0, 0xffff), offset: integer(0, 0xff) });

function littleEndian(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, n) => Math.floor(value / 2 ** (8 * n)) % 256);
}

export class FwCfg implements PortDevice {
  readonly name = 'fw-cfg';
  readonly portRegions = [{ base: 0x510, length: 2, maxWidth: 2 }] as const;
  readonly #items: ReadonlyMap<number, readonly number[]>;
  #state: Shaped<typeof stateShape> = { selected: 0, offset: 0 };

  constructor(ramBytes: number) {
    this.#items = new Map([
      [Item.signature, [...'QEMU'].map((character) => character.charCodeAt(0))],
      [Item.id, littleEndian(FEATURES, 4)],
      [Item.ramSize, littleEndian(ramBytes, 8)],
      [Item.processors, littleEndian(1, 2)],
      [Item.mostProcessors, littleEndian(1, 2)],
      [Item.directory, littleEndian(0, 4)],
    ]);
  }

  reset(): void {
    this.#state = { selected: 0, offset: 0 };
  }

  readPort(_region: number, offset: number, width: AccessWidth): number {
    if (offset !== 1 || width !== 1) return 0;
    const { selected, offset: at } = this.#state;
    this.#state = { selected, offset: Math.min(at + 1, 0xff) };
    return this.#items.get(selected)?.[at] ?? 0;
  }

  writePort(_region: number, offset: number, width: AccessWidth, value: number): void {
    if (offset === 0 && width === 2) this.#state = { selected: value & 0xffff, offset: 0 };
  }

  save(): DeviceState {
    return { ...this.#state };
  }

  restore(state: DeviceState): void {
    this.#state = parseState(stateShape, state, this.name);
  }
}
