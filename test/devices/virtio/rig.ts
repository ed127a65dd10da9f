/** A virtio device on MMIO with RAM, a clock and a line of its own, and the driver's steps to set it up. */
import type { VirtioClass } from '../../../src/devices/virtio/device-class.js';
import { VirtioMmio } from '../../../src/devices/virtio/transport/mmio.js';
import { VirtioCore } from '../../../src/devices/virtio/virtio-core.js';
import { GuestMemory } from '../../../src/memory/guest-memory.js';
import { TestClock, TestLine } from '../support.js';
import { BASE, type Driver, makeDriver, type Ring } from './driver.js';

export const RAM = 1 << 20;
export const SIZE = 8;
const INDIRECT = 1 << 28;
/** In the high half: version 1, packed rings, reset of a queue. */
export const VERSION_1 = 1;
const PACKED = 4;
const RING_RESET = 0x100;

export class Rig {
  readonly memory = GuestMemory.standalone(RAM);
  readonly clock = new TestClock();
  readonly line = new TestLine();
  readonly device: VirtioMmio;

  constructor(device: VirtioClass) {
    const core = new VirtioCore({ memory: () => this.memory, clock: this.clock, device });
    this.device = new VirtioMmio({ name: 'device', base: 0, core, line: this.line });
  }

  read(offset: number): number {
    return this.device.readMmio(0, offset, 4);
  }

  write(offset: number, value: number): void {
    this.device.writeMmio(0, offset, 4, value);
  }

  /** As 3.1.1 has it, up to FEATURES_OK. */
  negotiate(low: number, high: number): void {
    for (const status of [0, 1, 3]) this.write(0x70, status);
    for (const [select, bits] of [low, high].entries()) {
      this.write(0x24, select);
      this.write(0x20, bits);
    }
    this.write(0x70, 11);
  }

  setQueue(): void {
    this.write(0x30, 0);
    this.write(0x38, SIZE);
    this.write(0x80, BASE);
    this.write(0x90, BASE + 0x6000);
    this.write(0xa0, BASE + 0x8000);
    this.write(0x44, 1);
  }

  /** @param features of the device's own, of the low half */
  setUp(ring: Ring, features = 0): Driver {
    this.negotiate(INDIRECT | features, VERSION_1 | RING_RESET | (ring === 'packed' ? PACKED : 0));
    this.setQueue();
    this.write(0x70, 15);
    return makeDriver(ring, this.memory, SIZE);
  }
}
