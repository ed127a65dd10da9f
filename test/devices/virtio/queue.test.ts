/** Both rings, held to the specification by a driver of the tests' own (driver.ts). Virtio 1.2, 2.7 and 2.8. */
import { describe, expect, it } from 'vitest';
import { BrokenQueueError, gather, scatter } from '../../../src/devices/virtio/queue/chain.js';
import { GuestMemory } from '../../../src/memory/guest-memory.js';
import { randomNumbers } from '../support.js';
import { BASE, makeDriver, RINGS, type RingOptions } from './driver.js';

const RAM = 1 << 20;
const DATA = 0x40000;
const TABLE = 0x30000;
const SIZE = 8;

describe.each(RINGS)('a %s virtqueue', (ring) => {
  function make(options: RingOptions = {}, size = SIZE) {
    const memory = GuestMemory.standalone(RAM);
    return { memory, driver: makeDriver(ring, memory, size, options) };
  }

  it('hands on what is available, readable before writable, and gives it back', () => {
    const { memory, driver } = make();
    expect(driver.queue.take()).toBeUndefined();
    const id = driver.add([
      { address: DATA, length: 3 },
      { address: DATA + 0x100, length: 2 },
      { address: DATA + 0x200, length: 4, writable: true },
    ]);
    memory.write(DATA, Uint8Array.of(1, 2, 3));
    memory.write(DATA + 0x100, Uint8Array.of(4, 5));
    const chain = driver.queue.take();
    if (!chain) return expect.fail('there is a buffer');
    expect([...gather(memory, chain.readable, 1, 99)]).toEqual([2, 3, 4, 5]);
    expect(scatter(memory, chain.writable, 1, Uint8Array.of(7, 8, 9, 10))).toBe(3);
    expect([...(memory.bytes(DATA + 0x200, 5) ?? [])]).toEqual([0, 7, 8, 9, 0]);
    expect(driver.queue.take()).toBeUndefined();
    expect(driver.poll()).toBeUndefined();
    driver.queue.give(chain, 4);
    expect(driver.poll()).toEqual({ buffer: id, written: 4 });
    expect(driver.poll()).toBeUndefined();
  });

  it.each([2, SIZE])('keeps order and count over 200,000 buffers in a ring of %d', (size) => {
    const { driver } = make({}, size);
    const next = randomNumbers(3);
    let sent = 0;
    let received = 0;
    const waiting: number[] = [];
    while (received < 200_000) {
      const room = size - waiting.length * 2;
      const burst = room >= 2 ? 1 + (next() % Math.floor(room / 2)) : 0;
      for (let n = 0; n < burst; n++) {
        const parts = [
          { address: DATA + sent, length: 1 },
          { address: DATA, length: 1, writable: true },
        ];
        waiting.push(driver.add(parts));
        sent = (sent + 1) % 1000;
      }
      for (let chain = driver.queue.take(); chain; chain = driver.queue.take()) driver.queue.give(chain, 1);
      for (let used = driver.poll(); used; used = driver.poll()) {
        if (used.buffer !== waiting.shift()) expect.fail(`buffer ${received} came back as ${used.buffer}`);
        received += 1;
      }
      if (waiting.length > 0) expect.fail('a buffer was kept');
    }
  });

  it('puts back what it has no use for yet', () => {
    const { driver } = make();
    driver.add([
      { address: DATA, length: 5 },
      { address: DATA, length: 1 },
    ]);
    const chain = driver.queue.take();
    if (!chain) return expect.fail('there is a buffer');
    driver.queue.untake(chain);
    expect(driver.queue.take()).toEqual(chain);
  });

  it('follows an indirect table', () => {
    const { driver } = make({ indirect: true });
    const parts = Array.from({ length: 20 }, (_, n) => ({
      address: DATA + 16 * n,
      length: 16,
      writable: n > 9,
    }));
    const id = driver.add(parts, TABLE);
    const chain = driver.queue.take();
    if (!chain) return expect.fail('there is a buffer');
    expect([chain.readable.length, chain.writable.length, chain.descriptors]).toEqual([10, 10, 1]);
    driver.queue.give(chain, 160);
    expect(driver.poll()).toEqual({ buffer: id, written: 160 });
  });

  it.each([false, true])('interrupts when the driver wants it (event index %s)', (eventIndex) => {
    const { driver } = make({ eventIndex });
    const serve = (count: number): boolean => {
      for (let n = 0; n < count; n++) driver.add([{ address: DATA, length: 1 }]);
      for (let chain = driver.queue.take(); chain; chain = driver.queue.take()) driver.queue.give(chain, 0);
      const wants = driver.queue.wantsInterrupt();
      while (driver.poll());
      return wants;
    };
    for (let round = 0; round < 50; round++) {
      driver.interruptAt(0);
      expect(serve(1)).toBe(true);
      driver.interruptAt(undefined);
      expect(serve(2)).toBe(false);
      driver.interruptAt(2);
      // Without an event index there is only always and never.
      expect(serve(2)).toBe(!eventIndex);
      expect(serve(1)).toBe(true);
      expect(driver.queue.wantsInterrupt()).toBe(false);
    }
  });

  it.each([false, true])(
    'asks for notifications, or says that it looks by itself (event index %s)',
    (eventIndex) => {
      const { driver } = make({ eventIndex });
      driver.queue.wantNotifications(true);
      for (let round = 0; round < 20; round++) {
        driver.add([{ address: DATA, length: 1 }]);
        expect(driver.mustNotify).toBe(true);
        const first = driver.queue.take();
        driver.queue.wantNotifications(false);
        driver.add([{ address: DATA, length: 1 }]);
        expect(driver.mustNotify).toBe(false);
        const second = driver.queue.take();
        driver.queue.wantNotifications(true);
        for (const chain of [first, second]) if (chain) driver.queue.give(chain, 0);
        while (driver.poll());
      }
    },
  );

  describe('refuses', () => {
    const cases: readonly [string, Parameters<ReturnType<typeof makeDriver>['add']>[0], RegExp][] = [
      ['what is not RAM', [{ address: RAM - 1, length: 2 }], /not all RAM/],
      ['the video window', [{ address: 0x9ffff, length: 2 }], /not all RAM/],
      ['a chain of 2^32 bytes', [{ address: 0, length: 0xffffffff }], /not all RAM|2\^32/],
      [
        'a readable part behind a writable one',
        [
          { address: DATA, length: 1, writable: true },
          { address: DATA, length: 1 },
        ],
        /behind one to write/,
      ],
    ];
    it.each(cases)('%s', (_name, parts, message) => {
      for (const table of [undefined, TABLE]) {
        const { driver } = make();
        driver.add(parts, table);
        expect(() => driver.queue.take()).toThrow(BrokenQueueError);
        expect(() => driver.queue.take()).toThrow(message);
      }
    });

    it('indirect tables that were not negotiated, of odd length, or outside RAM', () => {
      const part = { address: DATA, length: 1 };
      const { driver } = make({ indirect: false });
      driver.add([part], TABLE);
      expect(() => driver.queue.take()).toThrow(/not negotiated/);
      const outside = make();
      outside.driver.add([part], RAM - 8);
      expect(() => outside.driver.queue.take()).toThrow(/indirect table/);
      for (const length of [0, 8, 17, 16 * 1025]) {
        const odd = make();
        odd.driver.add([part], TABLE);
        odd.memory.store(BASE + 8, 4, length);
        if (length > 16 * 1024 && ring === 'split') continue; // As long as the chain in it is short enough.
        expect(() => odd.driver.queue.take()).toThrow(/indirect table/);
      }
    });
  });

  it('does nothing worse with random rings than to refuse them', () => {
    const next = randomNumbers(5);
    let refused = 0;
    let taken = 0;
    for (let round = 0; round < 3000; round++) {
      const { memory, driver } = make({ eventIndex: next() % 2 === 0, indirect: next() % 2 === 0 });
      for (let n = 0; n < 4; n++)
        driver.add([
          { address: DATA, length: 4 },
          { address: DATA, length: 4, writable: true },
        ]);
      for (let n = 1 + (next() % 6); n > 0; n--) {
        const area = [BASE, BASE, BASE + 0x6000][next() % 3] as number;
        memory.store(area + (next() % (16 * SIZE)), 1, next());
      }
      try {
        for (let n = 0; n < 4 * SIZE; n++) {
          const chain = driver.queue.take();
          if (!chain) break;
          taken += 1;
          driver.queue.give(chain, 1);
          driver.queue.wantsInterrupt();
        }
      } catch (error) {
        if (!(error instanceof BrokenQueueError)) throw error;
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(500);
    expect(taken).toBeGreaterThan(3000);
  });

  it('goes on from its counters', () => {
    const { memory, driver } = make({ eventIndex: true });
    for (let n = 0; n < 11; n++) {
      driver.add([{ address: DATA, length: 1 }]);
      const chain = driver.queue.take();
      if (chain) driver.queue.give(chain, 0);
      driver.poll();
    }
    const counters = driver.queue.save();
    const again = makeDriver(ring, memory, SIZE).queue;
    const restored = Reflect.construct(again.constructor, [
      {
        memory,
        place: { size: SIZE, descriptors: BASE, driver: BASE + 0x6000, device: BASE + 0x8000 },
        eventIndex: true,
        indirect: true,
        counters,
      },
    ]);
    expect(restored.save()).toEqual(counters);
    driver.add([{ address: DATA + 5, length: 1 }]);
    expect(restored.take()).toMatchObject({ readable: [{ address: DATA + 5, length: 1 }] });
  });
});

describe('a split virtqueue', () => {
  const memory = GuestMemory.standalone(RAM);

  it('refuses a loop of descriptors within the queue’s size', () => {
    const driver = makeDriver('split', memory, SIZE);
    driver.add([
      { address: DATA, length: 1 },
      { address: DATA, length: 1 },
    ]);
    memory.store(BASE + 16 + 12, 2, 1);
    memory.store(BASE + 16 + 14, 2, 0);
    expect(() => driver.queue.take()).toThrow(/longer than the queue/);
  });

  it.each([SIZE, 0xffff])('refuses head %d', (head) => {
    const driver = makeDriver('split', memory, SIZE);
    driver.add([{ address: DATA, length: 1 }]);
    memory.store(BASE + 0x6000 + 4, 2, head);
    expect(() => driver.queue.take()).toThrow(/descriptor/);
  });

  it('refuses an available index that jumps by more than the ring', () => {
    const driver = makeDriver('split', memory, SIZE);
    memory.store(BASE + 0x6000 + 2, 2, SIZE + 1);
    expect(() => driver.queue.take()).toThrow(/available ring/);
  });
});
