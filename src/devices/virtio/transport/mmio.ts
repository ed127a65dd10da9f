/**
 * A virtio device in a page of physical addresses: the MMIO transport, version 2 (virtio 1.2, 4.2).
 *
 * Registers are 32 bits wide and aligned, as the driver has to use them: other accesses read 0 and write nothing. Only the
 * configuration space takes bytes and words. Leaves out version 1, the legacy interface, and shared memory, of which
 * there is none.
 */
import type { InterruptLine } from '../../backends.js';
import type { AccessWidth, DeviceState, MmioDevice } from '../../device.js';
import { integer, parseState, record } from '../../state-schema.js';
import { coreShape, type QueueAddress } from '../registers.js';
import type { VirtioCore } from '../virtio-core.js';

const Register = {
  magic: 0x000,
  version: 0x004,
  deviceId: 0x008,
  vendorId: 0x00c,
  deviceFeatures: 0x010,
  deviceFeaturesSelect: 0x014,
  driverFeatures: 0x020,
  driverFeaturesSelect: 0x024,
  queueSelect: 0x030,
  queueSizeMax: 0x034,
  queueSize: 0x038,
  queueReady: 0x044,
  queueNotify: 0x050,
  interruptStatus: 0x060,
  interruptAcknowledge: 0x064,
  status: 0x070,
  sharedMemoryFirst: 0x0b0,
  sharedMemoryLast: 0x0bc,
  queueReset: 0x0c0,
  configGeneration: 0x0fc,
  config: 0x100,
} as const;

/** Each address is two registers, the low half first. */
const ADDRESSES = new Map<number, readonly [which: QueueAddress, high: boolean]>([
  [0x080, ['descriptors', false]],
  [0x084, ['descriptors', true]],
  [0x090, ['driver', false]],
  [0x094, ['driver', true]],
  [0x0a0, ['device', false]],
  [0x0a4, ['device', true]],
]);

/** `virt` */
const MAGIC = 0x74726976;
const VERSION = 2;
/** `uvsr` */
const VENDOR = 0x72737675;
/** Bytes that a device takes. */
export const MMIO_SIZE = 0x200;

const word = integer(0, 0xffff_ffff);
const stateShape = record({ deviceSelect: word, driverSelect: word, queue: word, core: coreShape });

export interface VirtioMmioOptions {
  readonly name: string;
  /** Physical address. */
  readonly base: number;
  readonly core: VirtioCore;
  readonly line: InterruptLine;
}

export class VirtioMmio implements MmioDevice {
  readonly name: string;
  readonly mmioRegions;
  readonly #core: VirtioCore;
  readonly #line: InterruptLine;
  #deviceSelect = 0;
  #driverSelect = 0;
  #queue = 0;

  constructor({ name, base, core, line }: VirtioMmioOptions) {
    this.name = name;
    this.mmioRegions = [{ base, length: MMIO_SIZE }];
    this.#core = core;
    this.#line = line;
    core.connect({ interrupt: () => line.set(true) });
  }

  reset(): void {
    this.#deviceSelect = 0;
    this.#driverSelect = 0;
    this.#queue = 0;
    this.#core.reset();
    this.#line.set(false);
  }

  readMmio(_region: number, offset: number, width: AccessWidth): number {
    if (offset >= Register.config) return this.#core.device.readConfig(offset - Register.config, width);
    if (width !== 4 || offset % 4 !== 0) return 0;
    const core = this.#core;
    const address = ADDRESSES.get(offset);
    if (address) return core.queueAddress(this.#queue, ...address);
    switch (offset) {
      case Register.magic:
        return MAGIC;
      case Register.version:
        return VERSION;
      case Register.deviceId:
        return core.device.deviceType;
      case Register.vendorId:
        return VENDOR;
      case Register.deviceFeatures:
        return core.deviceFeatures(this.#deviceSelect);
      case Register.queueSizeMax:
        return core.maxQueueSize(this.#queue);
      case Register.queueReady:
        return core.queueReady(this.#queue) ? 1 : 0;
      case Register.interruptStatus:
        return core.isr;
      case Register.status:
        return core.status;
      case Register.configGeneration:
        return core.generation;
      default:
        // A region that is not there has length and address of all ones (4.2.2).
        return offset >= Register.sharedMemoryFirst && offset <= Register.sharedMemoryLast ? 0xffffffff : 0;
    }
  }

  writeMmio(_region: number, offset: number, width: AccessWidth, value: number): void {
    const core = this.#core;
    if (offset >= Register.config) {
      core.device.writeConfig(offset - Register.config, width, value);
      return;
    }
    if (width !== 4 || offset % 4 !== 0) return;
    const address = ADDRESSES.get(offset);
    if (address) {
      core.setQueueAddress(this.#queue, ...address, value);
      return;
    }
    switch (offset) {
      case Register.deviceFeaturesSelect:
        this.#deviceSelect = value;
        break;
      case Register.driverFeaturesSelect:
        this.#driverSelect = value;
        break;
      case Register.driverFeatures:
        core.acceptFeatures(this.#driverSelect, value);
        break;
      case Register.queueSelect:
        this.#queue = value;
        break;
      case Register.queueSize:
        core.setQueueSize(this.#queue, value);
        break;
      case Register.queueReady:
        core.setQueueReady(this.#queue, (value & 1) !== 0);
        break;
      case Register.queueReset:
        if (value & 1) core.resetQueue(this.#queue);
        break;
      case Register.queueNotify:
        core.notify(value);
        break;
      case Register.interruptAcknowledge:
        core.acknowledge(value);
        // A cause that is left makes a new edge, as a PC's interrupts 0 to 15 want it.
        this.#line.set(false);
        this.#line.set(core.isr !== 0);
        break;
      case Register.status:
        core.setStatus(value);
        if (core.isr === 0) this.#line.set(false);
        break;
    }
  }

  save(): DeviceState {
    return {
      deviceSelect: this.#deviceSelect,
      driverSelect: this.#driverSelect,
      queue: this.#queue,
      core: this.#core.save(),
    };
  }

  restore(state: DeviceState): void {
    const { deviceSelect, driverSelect, queue, core } = parseState(stateShape, state, this.name);
    this.#core.restore(core, this.name);
    this.#deviceSelect = deviceSelect;
    this.#driverSelect = driverSelect;
    this.#queue = queue;
    this.#line.set(this.#core.isr !== 0);
  }
}
