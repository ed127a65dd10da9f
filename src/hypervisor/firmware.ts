/**
 * The part of a PC's firmware that a machine may have: what it leaves in memory and devices, and the way out of S3, which
 * leads through it to the guest's waking vector.
 */
import type { VirtioMmioSlot } from '../boot/boot-types.js';
import { FIRMWARE_PORT_WRITES, wakingVector, writeFirmware } from '../boot/firmware/pc-firmware.js';
import type { Cpu } from '../cpu/cpu.js';
import type { Device } from '../devices/device.js';
import type { PicPair } from '../devices/interrupt/pic-pair.js';
import type { PortBus } from './buses/port-bus.js';

const RTC_INTERRUPT = 8;

export interface FirmwareOptions {
  readonly cpu: Cpu;
  readonly ports: PortBus;
  readonly pic: PicPair;
  readonly devices: readonly Device[];
  readonly virtioMmio: readonly VirtioMmioSlot[];
}

export class Firmware {
  readonly #options: FirmwareOptions;
  #sleep: 'awake' | 'until the alarm' | 'for ever' = 'awake';

  constructor(options: FirmwareOptions) {
    this.#options = options;
    writeFirmware(options.cpu.memory, options.virtioMmio);
    this.#setDevices();
  }

  get asleep(): boolean {
    return this.#sleep !== 'awake';
  }

  suspend(alarmWakes: boolean): void {
    this.#sleep = alarmWakes ? 'until the alarm' : 'for ever';
  }

  /** Goes on if something has come to wake the machine; answers whether it did. Not while the processor runs. */
  wake(): boolean {
    const { cpu, pic, devices } = this.#options;
    if (this.#sleep !== 'until the alarm' || !pic.isAsserted(RTC_INTERRUPT)) return false;
    this.#sleep = 'awake';
    for (const device of devices) if (!device.keepsPower) device.reset();
    this.#setDevices();
    cpu.restart(wakingVector(cpu.memory) % 0x100000);
    return true;
  }

  #setDevices(): void {
    for (const [port, value] of FIRMWARE_PORT_WRITES) this.#options.ports.write(port, 1, value);
  }
}
