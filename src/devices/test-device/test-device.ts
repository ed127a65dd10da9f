/**
 * What processor test suites for PCs expect of QEMU's pc-testdev: interrupt lines that software raises, at 0x2000; four
 * bytes of ports that keep what is written, at 0xE0; a port that forgets a page's translation, at 0xE4, which is nothing
 * here as no translation is kept that software could notice; and a page of memory on the bus, at 0xFF000000.
 *
 * Leaves out pc-testdev's reads of other sizes than were written: bytes are bytes. Source: QEMU, hw/misc/pc-testdev.
 */
import type { InterruptLine } from '../backends.js';
import type { AccessWidth, DeviceState, MmioDevice, PortDevice } from '../device.js';
import { boolean, byte, list, parseState, record } from '../state-schema.js';

const REGION_PORTS = 0;
const REGION_FLUSH = 1;
const LINE_COUNT = 24;
const MEMORY_BYTES = 4096;

const stateShape = record({
  ports: list(byte, 4, 4),
  memory: list(byte, MEMORY_BYTES, MEMORY_BYTES),
  lines: list(boolean, LINE_COUNT, LINE_COUNT),
});

export interface TestDeviceOptions {
  /** Undefined for a number that no line has. */
  line(irq: number): InterruptLine | undefined;
}

export class TestDevice implements PortDevice, MmioDevice {
  readonly name = 'test-device';
  readonly portRegions = [
    { base: 0xe0, length: 4 },
    { base: 0xe4, length: 4 },
    { base: 0x2000, length: LINE_COUNT, maxWidth: 1 },
  ] as const;
  readonly mmioRegions = [{ base: 0xff000000, length: MEMORY_BYTES }] as const;
  readonly #ports = new Uint8Array(4);
  readonly #memory = new Uint8Array(MEMORY_BYTES);
  readonly #lines: readonly (InterruptLine | undefined)[];
  #levels: boolean[] = Array(LINE_COUNT).fill(false);

  constructor({ line }: TestDeviceOptions) {
    this.#lines = Array.from({ length: LINE_COUNT }, (_, irq) => line(irq));
  }

  reset(): void {
    this.#ports.fill(0);
    this.#memory.fill(0);
    for (let irq = 0; irq < LINE_COUNT; irq++) this.#drive(irq, false);
  }

  readPort(region: number, offset: number, width: AccessWidth): number {
    if (region === REGION_PORTS) return load(this.#ports, offset, width);
    return region === REGION_FLUSH ? 0 : Number(this.#levels[offset] ?? false);
  }

  writePort(region: number, offset: number, width: AccessWidth, value: number): void {
    if (region === REGION_PORTS) store(this.#ports, offset, width, value);
    else if (region > REGION_FLUSH && offset < LINE_COUNT) this.#drive(offset, (value & 0xff) !== 0);
  }

  readMmio(_region: number, offset: number, width: AccessWidth): number {
    return load(this.#memory, offset, width);
  }

  writeMmio(_region: number, offset: number, width: AccessWidth, value: number): void {
    store(this.#memory, offset, width, value);
  }

  save(): DeviceState {
    return { ports: [...this.#ports], memory: [...this.#memory], lines: [...this.#levels] };
  }

  restore(state: DeviceState): void {
    const saved = parseState(stateShape, state, this.name);
    this.#ports.set(saved.ports);
    this.#memory.set(saved.memory);
    for (const [irq, level] of saved.lines.entries()) this.#drive(irq, level);
  }

  #drive(irq: number, level: boolean): void {
    this.#levels[irq] = level;
    this.#lines[irq]?.set(level);
  }
}

/** Bytes past the end read as 0. */
function load(bytes: Uint8Array, offset: number, width: AccessWidth): number {
  let value = 0;
  for (let lane = width - 1; lane >= 0; lane--) value = (value << 8) | (bytes[offset + lane] ?? 0);
  return value >>> 0;
}

function store(bytes: Uint8Array, offset: number, width: AccessWidth, value: number): void {
  for (let lane = 0; lane < width; lane++) bytes[offset + lane] = value >>> (8 * lane);
}
