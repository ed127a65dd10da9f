import { describe, expect, it } from 'vitest';
import type { AccessWidth, PortDevice, PortRegion } from '../../../src/devices/device.js';
import { type BusAccess, BusError } from '../../../src/hypervisor/buses/bus-error.js';
import { PortBus } from '../../../src/hypervisor/buses/port-bus.js';

/** Answers 0x10 + offset in every byte and notes what it was asked. */
class Probe implements PortDevice {
  readonly log: string[] = [];

  constructor(
    readonly name: string,
    readonly portRegions: readonly PortRegion[],
  ) {}

  readPort(region: number, offset: number, width: AccessWidth): number {
    this.log.push(`r${width} ${region}+${offset}`);
    return Array.from({ length: width }, (_, lane) => (0x10 + offset + lane) * 256 ** lane).reduce(
      (a, b) => a + b,
    );
  }

  writePort(region: number, offset: number, width: AccessWidth, value: number): void {
    this.log.push(`w${width} ${region}+${offset}=${value.toString(16)}`);
  }

  reset(): void {}
  save() {
    return {};
  }
  restore(): void {}
}

describe('PortBus', () => {
  it('passes an access inside a region with the offset in it', () => {
    const bus = new PortBus();
    const probe = new Probe('probe', [
      { base: 0x40, length: 4 },
      { base: 0x61, length: 1 },
    ]);
    bus.attach(probe);

    expect(bus.read(0x42, 1)).toBe(0x12);
    expect(bus.read(0x40, 4)).toBe(0x13121110);
    bus.write(0x61, 1, 0x1ff);

    expect(probe.log).toEqual(['r1 0+2', 'r4 0+0', 'w1 1+0=ff']);
  });

  it('reads ones and swallows writes where nothing answers', () => {
    const bus = new PortBus();
    bus.write(0x1234, 4, 0);
    expect([bus.read(0xcf8, 1), bus.read(0xcf8, 2), bus.read(0xcfc, 4)]).toEqual([0xff, 0xffff, 0xffffffff]);
    expect(bus.read(0xffff, 4)).toBe(0xffffffff);
  });

  it('splits what is wider than the part decodes, the low byte first', () => {
    const bus = new PortBus();
    const probe = new Probe('probe', [{ base: 0x3f8, length: 8, maxWidth: 1 }]);
    bus.attach(probe);

    expect(bus.read(0x3f8, 2)).toBe(0x1110);
    bus.write(0x3fc, 4, 0xddccbbaa);

    expect(probe.log).toEqual(['r1 0+0', 'r1 0+1', 'w1 0+4=aa', 'w1 0+5=bb', 'w1 0+6=cc', 'w1 0+7=dd']);
  });

  it('splits what straddles the edge of a region, across devices and past the last port', () => {
    const bus = new PortBus();
    const left = new Probe('left', [{ base: 0x10, length: 3 }]);
    const right = new Probe('right', [{ base: 0x13, length: 1 }]);
    const first = new Probe('first', [{ base: 0, length: 1 }]);
    for (const device of [left, right, first]) bus.attach(device);

    expect(bus.read(0x10, 4)).toBe(0x10121110);
    expect(bus.read(0x12, 4)).toBe(0xffff1012);
    expect(bus.read(0xffff, 2)).toBe(0x10ff);

    expect(left.log).toEqual(['r2 0+0', 'r1 0+2', 'r1 0+2']);
  });

  it('masks what a careless device answers', () => {
    const bus = new PortBus();
    const careless = new Probe('careless', [{ base: 1, length: 4 }]);
    careless.readPort = () => -1;
    bus.attach(careless);
    expect([bus.read(1, 1), bus.read(1, 2), bus.read(1, 4)]).toEqual([0xff, 0xffff, 0xffffffff]);
  });

  it('refuses an overlap, names both and attaches nothing of it', () => {
    const bus = new PortBus();
    bus.attach(new Probe('one', [{ base: 0x60, length: 5 }]));
    const two = new Probe('two', [
      { base: 0x70, length: 2 },
      { base: 0x64, length: 1 },
    ]);

    expect(() => bus.attach(two)).toThrow(/0x64–0x64 of two overlaps one/);
    expect(() => bus.attach(two)).toThrow(BusError);
    expect(bus.deviceIn(0x70, 2)).toBeUndefined();
    const itself = [
      { base: 1, length: 2 },
      { base: 2, length: 2 },
    ];
    expect(() => bus.attach(new Probe('self', itself))).toThrow(/overlaps self/);
  });

  it.each([
    [-1, 1],
    [0xffff, 2],
    [0, 0],
    [1.5, 1],
    [Number.NaN, 1],
  ])('refuses a region at %d of length %d', (base, length) => {
    expect(() => new PortBus().attach(new Probe('bad', [{ base, length }]))).toThrow(BusError);
  });

  it('forgets a device that is detached, and its ports can be taken again', () => {
    const bus = new PortBus();
    const probe = new Probe('probe', [{ base: 5, length: 1 }]);
    bus.attach(probe);
    bus.detach(probe);
    expect(bus.read(5, 1)).toBe(0xff);
    bus.attach(probe);
    expect(bus.read(5, 1)).toBe(0x10);
  });

  it('tells an observer of every part of an access', () => {
    const bus = new PortBus();
    bus.attach(new Probe('probe', [{ base: 8, length: 1 }]));
    const seen: BusAccess[] = [];
    bus.observer = (access) => seen.push(access);

    bus.read(8, 2);
    bus.write(8, 1, 3);

    expect(seen).toEqual([
      { kind: 'read', address: 8, width: 1, value: 0x10, device: 'probe' },
      { kind: 'read', address: 9, width: 1, value: 0xff, device: undefined },
      { kind: 'write', address: 8, width: 1, value: 3, device: 'probe' },
    ]);
  });
});
