/** The part that all virtio devices share, through the MMIO transport, with the entropy device as the smallest of them. */
import { beforeEach, describe, expect, it } from 'vitest';
import { DeviceStateError } from '../../../src/devices/device.js';
import { Entropy } from '../../../src/devices/virtio/entropy/entropy.js';
import { randomNumbers } from '../support.js';
import { BASE, makeDriver, RINGS } from './driver.js';
import { RAM, Rig, SIZE, VERSION_1 } from './rig.js';

const DATA = 0x40000;
const TABLE = 0x30000;

let asked: number[];
let rig: Rig;
beforeEach(() => {
  asked = [];
  const bytes = (_from: number, count: number): Uint8Array => {
    asked.push(count);
    return new Uint8Array(count).fill(0x5a);
  };
  rig = new Rig(new Entropy({ bytes }));
});

describe('a virtio device on MMIO', () => {
  it('says what it is', () => {
    expect([0, 4, 8, 0xfc].map((offset) => rig.read(offset))).toEqual([0x74726976, 2, 4, 0]);
    expect([rig.read(0x34), rig.read(0xb0)]).toEqual([64, 0xffffffff]);
    expect([rig.device.readMmio(0, 0, 1), rig.device.readMmio(0, 2, 4)]).toEqual([0, 0]);
  });

  it.each([
    ['no version 1', 0, 0],
    ['what was not offered', 1, VERSION_1],
  ])('does not take features with %s', (_name, low, high) => {
    rig.negotiate(low, high);
    expect(rig.read(0x70)).toBe(3);
  });

  it('keeps features, addresses and size once they are settled', () => {
    rig.setUp('split');
    rig.write(0x20, 0);
    rig.write(0x80, 0x1234);
    rig.write(0x38, 4);
    expect([rig.read(0x70), rig.read(0x80), rig.read(0x44)]).toEqual([15, BASE, 1]);
  });

  it('does nothing before DRIVER_OK, and nothing without FEATURES_OK', () => {
    const driver = makeDriver('split', rig.memory, SIZE);
    for (const status of [0, 1, 3, 7]) rig.write(0x70, status);
    rig.setQueue();
    driver.add([{ address: DATA, length: 4, writable: true }]);
    rig.write(0x50, 0);
    expect([driver.poll(), asked]).toEqual([undefined, []]);
  });

  it('refuses sizes that a queue cannot have', () => {
    for (const size of [0, 3, 128, 0x10000, 0xffffffff]) rig.write(0x38, size);
    expect(rig.device.save()).toMatchObject({ core: { queues: [{ size: 64 }] } });
  });

  it('refuses a restored state that cannot be, and keeps its own', () => {
    rig.setUp('packed');
    const before = rig.device.save();
    const spoilt = JSON.parse(JSON.stringify(before));
    spoilt.core.queues[0].counters.available = SIZE;
    expect(() => rig.device.restore(spoilt)).toThrow(DeviceStateError);
    expect(rig.device.save()).toEqual(before);
  });
});

describe.each(RINGS)('with a %s ring', (ring) => {
  const buffer = [{ address: DATA, length: 16, writable: true }];

  it('fills a buffer, interrupts, and is quiet once that is acknowledged', () => {
    const driver = rig.setUp(ring);
    const id = driver.add(buffer);
    rig.write(0x50, 0);
    expect(driver.poll()).toEqual({ buffer: id, written: 16 });
    expect([...(rig.memory.bytes(DATA, 17) ?? [])]).toEqual([...new Array(16).fill(0x5a), 0]);
    expect([rig.read(0x60), rig.line.level]).toEqual([1, true]);
    rig.write(0x64, 1);
    expect([rig.read(0x60), rig.line.level]).toEqual([0, false]);
  });

  it('asks for a reset when the driver breaks the queue, and works after one', () => {
    const driver = rig.setUp(ring);
    driver.add([{ address: RAM, length: 16, writable: true }]);
    rig.write(0x50, 0);
    expect([rig.read(0x70), rig.read(0x60)]).toEqual([15 | 64, 2]);
    rig.write(0x70, 0);
    expect([rig.read(0x70), rig.line.level]).toEqual([0, false]);
    rig.memory.fill(BASE, 0xa000, 0);
    const again = rig.setUp(ring);
    const id = again.add(buffer);
    rig.write(0x50, 0);
    expect(again.poll()).toEqual({ buffer: id, written: 16 });
  });

  it('resets one queue and takes it up again', () => {
    const driver = rig.setUp(ring);
    driver.add(buffer);
    rig.write(0x50, 0);
    rig.write(0xc0, 1);
    expect([rig.read(0x44), rig.read(0xc0), rig.read(0x70)]).toEqual([0, 0, 15]);
    rig.memory.fill(BASE, 0xa000, 0);
    rig.setQueue();
    const again = makeDriver(ring, rig.memory, SIZE);
    const id = again.add(buffer);
    rig.write(0x50, 0);
    expect(again.poll()).toEqual({ buffer: id, written: 16 });
  });

  it('pauses after a batch, goes on by the clock, and after a restore at the same time', () => {
    const driver = rig.setUp(ring);
    const parts = Array.from({ length: 512 }, () => ({ address: DATA, length: 1, writable: true }));
    for (let n = 0; n < 4; n++) driver.add(parts, TABLE);
    rig.write(0x50, 0);
    expect(asked).toHaveLength(2);
    rig.write(0x50, 0);
    expect(asked).toHaveLength(2);
    rig.clock.advance(4000);
    rig.device.restore(JSON.parse(JSON.stringify(rig.device.save())));
    rig.clock.advance(5999);
    expect(asked).toHaveLength(2);
    rig.clock.advance(1);
    expect(asked).toHaveLength(4);
  });

  it('does nothing more of a batch after a reset', () => {
    const driver = rig.setUp(ring);
    const parts = Array.from({ length: 1000 }, () => ({ address: DATA, length: 1, writable: true }));
    for (let n = 0; n < 4; n++) driver.add(parts, TABLE);
    rig.write(0x50, 0);
    const before = asked.length;
    rig.write(0x70, 0);
    rig.clock.advance(1_000_000);
    expect(asked).toHaveLength(before);
  });

  it('survives 100,000 random operations, and works after them', () => {
    const next = randomNumbers(ring === 'split' ? 7 : 8);
    let served = 0;
    for (let round = 0; round < 1000; round++) {
      const driver = rig.setUp(ring);
      for (let n = 0; n < 3; n++) driver.add(buffer);
      for (let n = 0; n < 100; n++) {
        const kind = next() % 8;
        if (kind < 3) rig.device.writeMmio(0, next() % 0x200, ([1, 2, 4] as const)[next() % 3] ?? 4, next());
        else if (kind < 5) rig.write((next() % 64) * 4, next() % 16);
        else if (kind === 5) rig.memory.store(BASE + (next() % 0xa000), 1, next());
        else if (kind === 6) rig.write(0x50, 0);
        else rig.clock.advance(next() % 20_000);
      }
      served += asked.splice(0).length;
      rig.memory.fill(BASE, 0xa000, 0);
    }
    expect(served).toBeGreaterThan(100);
    const driver = rig.setUp(ring);
    const id = driver.add(buffer);
    rig.write(0x50, 0);
    expect(driver.poll()).toEqual({ buffer: id, written: 16 });
  });
});
