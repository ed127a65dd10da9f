/**
 * The processor's local APIC wired up: to the clock and the time-stamp counter, to the 8259s, and to the processor, which
 * takes its interrupts through it and finds it in the physical address space.
 */
import type { Bus } from '../cpu/bus.js';
import type { Cpu } from '../cpu/cpu.js';
import { PHYSICAL_ADDRESS_BITS, TSC_KILOHERTZ } from '../cpu/system/features.js';
import type { Clock, PowerControl } from '../devices/backends.js';
import type { PicPair } from '../devices/interrupt/pic-pair.js';
import type { IoApic } from '../devices/io-apic/io-apic.js';
import { LocalApic } from '../devices/local-apic/local-apic.js';

const MILLION = 1_000_000n;
const KILOHERTZ = BigInt(TSC_KILOHERTZ);

export interface LocalInterruptsOptions {
  /** The processor does not exist yet when its local APIC is made. */
  readonly cpu: () => Cpu;
  readonly clock: Clock;
  readonly pic: PicPair;
  readonly ioApic: IoApic;
  readonly power: PowerControl;
  /** Called when an interrupt or NMI waits for the processor. */
  readonly wake: () => void;
}

export function makeLocalApic(options: LocalInterruptsOptions): LocalApic {
  const { cpu, clock, pic, ioApic, power, wake } = options;
  const apic = new LocalApic({
    clock,
    timeStamp: {
      now: () => cpu().timeStamp,
      nanosecondsFor: (cycles) => (cycles * MILLION + KILOHERTZ - 1n) / KILOHERTZ,
    },
    external: pic,
    physicalAddressBits: PHYSICAL_ADDRESS_BITS,
    onInterrupt: () => {
      cpu().interruptRaised();
      wake();
    },
    onNmi: () => {
      cpu().nonMaskableInterrupt();
      wake();
    },
    // Nothing but the firmware's reset vector could run after it.
    onInit: () => power.reset(),
    onTaskPriority: (priorityClass) => cpu().setTaskPriorityClass(priorityClass),
    onMove: (address, before) => {
      if (before !== undefined) cpu().setDevicePage(before, false);
      if (address !== undefined) cpu().setDevicePage(address, true);
    },
    onEndOfInterrupt: (vector) => ioApic.endOfInterrupt(vector),
  });
  pic.onChange = () => apic.externalChanged();
  return apic;
}

/** A bus on which the local APIC answers before anything else, as it does inside a processor. */
export function withLocalApic(bus: Pick<Bus, 'readMemory' | 'writeMemory'>, apic: LocalApic): typeof bus {
  return {
    readMemory: (address, width) => {
      const offset = apic.offsetOf(address);
      return offset === undefined ? bus.readMemory(address, width) : apic.readMmio(0, offset, width);
    },
    writeMemory: (address, width, value) => {
      const offset = apic.offsetOf(address);
      if (offset === undefined) bus.writeMemory(address, width, value);
      else apic.writeMmio(0, offset, width, value);
    },
  };
}
