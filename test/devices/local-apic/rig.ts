/** A local APIC with its surroundings: a clock, a counter of two cycles a nanosecond, and an 8259 that can be looked into. */
import { LocalApic } from '../../../src/devices/local-apic/local-apic.js';
import { TestClock } from '../support.js';

/** Offsets in the page, SDM vol. 3, Table 11-1. */
export const Offset = {
  id: 0x20,
  version: 0x30,
  tpr: 0x80,
  ppr: 0xa0,
  eoi: 0xb0,
  ldr: 0xd0,
  dfr: 0xe0,
  svr: 0xf0,
  isr: 0x100,
  tmr: 0x180,
  irr: 0x200,
  esr: 0x280,
  icrLow: 0x300,
  icrHigh: 0x310,
  timer: 0x320,
  lint0: 0x350,
  error: 0x370,
  initialCount: 0x380,
  currentCount: 0x390,
  divide: 0x3e0,
} as const;

export const Msr = { base: 0x1b, deadline: 0x6e0, x2apic: 0x800 } as const;
export const XAPIC = 0xfee00900n;
export const X2APIC = 0xfee00d00n;
export const DISABLED = 0xfee00100n;

export class ApicRig {
  readonly clock: TestClock;
  readonly external = { asserted: false, vector: 0x21, acknowledged: 0 };
  readonly moves: (number | undefined)[] = [];
  readonly ended: number[] = [];
  readonly apic: LocalApic;
  timeStampOffset = 0n;
  interrupts = 0;
  nmis = 0;
  inits = 0;
  cr8 = 0;

  constructor(clock = new TestClock()) {
    this.clock = clock;
    this.apic = new LocalApic({
      clock,
      timeStamp: {
        now: () => BigInt(clock.time) * 2n + this.timeStampOffset,
        nanosecondsFor: (cycles) => (cycles + 1n) / 2n,
      },
      external: {
        pending: () => this.external.asserted,
        acknowledge: () => {
          this.external.acknowledged++;
          this.external.asserted = false;
          return this.external.vector;
        },
      },
      physicalAddressBits: 40,
      onInterrupt: () => this.interrupts++,
      onNmi: () => this.nmis++,
      onInit: () => this.inits++,
      onTaskPriority: (priorityClass) => {
        this.cr8 = priorityClass;
      },
      onMove: (address) => this.moves.push(address),
      onEndOfInterrupt: (vector) => this.ended.push(vector),
    });
  }

  read(offset: number): number {
    return this.apic.readMmio(0, offset, 4);
  }

  write(offset: number, value: number): void {
    this.apic.writeMmio(0, offset, 4, value >>> 0);
  }

  /** Vectors whose bits are set in the eight registers from `offset`. */
  vectors(offset: number): number[] {
    const all = Array.from({ length: 256 }, (_, vector) => vector);
    return all.filter((vector) => (this.read(offset + (vector >> 5) * 16) >>> (vector & 31)) & 1);
  }

  /** A fixed interrupt to itself by the command register. */
  sendSelf(vector: number): void {
    this.write(Offset.icrLow, 0x44000 | vector);
  }

  setExternal(asserted: boolean): void {
    this.external.asserted = asserted;
    this.apic.externalChanged();
  }
}
