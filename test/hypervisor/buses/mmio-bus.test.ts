import { describe, expect, it } from 'vitest';
import type { AccessWidth, MmioDevice, MmioRegion } from '../../../src/devices/device.js';
import { BusError } from '../../../src/hypervisor/buses/bus-error.js';
import { MmioBus } from '../../../src/hypervisor/buses/mmio-bus.js';

/** Answers the low bytes of the offset and notes what it was asked. */
class Probe implements MmioDevice {
  readonly log: string[] = [];

  constructor(
    readonly name: string,
    readonly mmioRegions: readonly MmioRegion[],
  ) {}

  readMmio(region: number, offset: number, width: AccessWidth): number {
    this.log.push(`r${width} ${region}+${offset.toString(16)}`);
    return offset;
  }

  writeMmio(region: number, offset: number, width: AccessWidth, value: number): void {
    this.log.push(`w${width} ${region}+${offset.toString(16)}=${value.toString(16)}`);
  }

  reset(): void {}
  save() {
    return {};
  }
  restore(): void {}
}

describe('MmioBus', () => {
  it('finds devices up to 2^52, whichever was asked last', () => {
    const bus = new MmioBus();
    const low = new Probe('low', [{ base: 0xd0000000, length: 0x1000 }]);
    const high = new Probe('high', [{ base: 2 ** 52 - 0x1000, length: 0x1000 }]);
    const middle = new Probe('middle', [{ base: 0x1_0000_0000, length: 0x200 }]);
    for (const device of [low, high, middle]) bus.attach(device);

    expect(bus.read(0xd0000ffc, 4)).toBe(0xffc);
    expect(bus.read(2 ** 52 - 4, 4)).toBe(0xffc);
    expect(bus.read(0x1_0000_0100, 4)).toBe(0x100);
    expect(bus.read(0xd0000010, 4)).toBe(0x10);
    bus.write(0x1_0000_0008, 2, 0x12345);

    expect(middle.log).toEqual(['r4 0+100', 'w2 0+8=2345']);
  });

  it('reads ones and swallows writes where nothing answers', () => {
    const bus = new MmioBus();
    bus.attach(new Probe('probe', [{ base: 0x1000, length: 0x10 }]));
    bus.write(0xfff, 1, 0);
    expect([bus.read(0xfff, 1), bus.read(0x1010, 2), bus.read(2 ** 52 - 1, 4)]).toEqual([
      0xff, 0xffff, 0xffffffff,
    ]);
  });

  it('splits what straddles the edge of a region and what is wider than the part decodes', () => {
    const bus = new MmioBus();
    const probe = new Probe('probe', [{ base: 0x1000, length: 4, maxWidth: 2 }]);
    bus.attach(probe);

    expect(bus.read(0x1002, 4)).toBe(0xffff0002);
    bus.write(0x1000, 4, 0x44332211);

    expect(probe.log).toEqual(['r2 0+2', 'w2 0+0=2211', 'w2 0+2=4433']);
  });

  it('refuses an overlap and names both, refuses what is out of range', () => {
    const bus = new MmioBus();
    bus.attach(new Probe('one', [{ base: 0x1000, length: 0x1000 }]));
    expect(() => bus.attach(new Probe('two', [{ base: 0x1fff, length: 1 }]))).toThrow(/two overlaps one/);
    expect(() => bus.attach(new Probe('far', [{ base: 2 ** 52, length: 1 }]))).toThrow(BusError);
    expect(bus.deviceIn(0x1800, 1)).toBe('one');
  });

  it('forgets a device that is detached, even the one asked last', () => {
    const bus = new MmioBus();
    const probe = new Probe('probe', [{ base: 0, length: 4 }]);
    bus.attach(probe);
    bus.read(0, 1);
    bus.detach(probe);
    expect(bus.read(0, 1)).toBe(0xff);
  });
});
