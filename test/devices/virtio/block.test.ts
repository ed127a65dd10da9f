/** The block device, over both rings: each request and each way to refuse it. Virtio 1.2, 5.2. */
import { describe, expect, it } from 'vitest';
import { type BlockBackend, BlockError } from '../../../src/devices/backends.js';
import { MemoryBlock } from '../../../src/devices/block/memory-block.js';
import { Block, type Disk } from '../../../src/devices/virtio/block/block.js';
import { randomNumbers } from '../support.js';
import { BASE, type Driver, type Part, RINGS } from './driver.js';
import { Rig } from './rig.js';

const HEADER = 0x20000;
const STATUS = 0x20100;
const DATA = 0x40000;
const SECTORS = 64;
const FLUSH = 1 << 9;
const DISCARD = 1 << 13;
const WRITE_ZEROES = 1 << 14;
const READ_ONLY = 1 << 5;
const NEGOTIATED = FLUSH | DISCARD | WRITE_ZEROES;
const [OK, FAILED, UNSUPPORTED] = [0, 1, 2];
const Type = { in: 0, out: 1, flush: 4, getId: 8, discard: 11, writeZeroes: 13 };

class Journal implements BlockBackend {
  readonly inner = new MemoryBlock(Uint8Array.from({ length: SECTORS * 512 }, (_, n) => n >> 9));
  readonly size = this.inner.size;
  readonly calls: string[] = [];
  fails = false;

  constructor(readonly readOnly = false) {}

  read(position: number, into: Uint8Array): void {
    this.#note(`read ${position} ${into.length}`);
    this.inner.read(position, into);
  }
  write(position: number, bytes: Uint8Array): void {
    this.#note(`write ${position} ${bytes.length}`);
    this.inner.write(position, bytes);
  }
  flush(): void {
    this.#note('flush');
  }
  discard(position: number, length: number): void {
    this.#note(`discard ${position} ${length}`);
  }
  zero(position: number, length: number): void {
    this.#note(`zero ${position} ${length}`);
    this.inner.zero(position, length);
  }
  #note(call: string): void {
    this.calls.push(call);
    if (this.fails) throw new BlockError('failed', 'as the test wants it');
  }
}

interface Answer {
  readonly status: number | undefined;
  readonly written: number | undefined;
}

class Guest {
  readonly rig: Rig;
  constructor(
    readonly disk: Journal,
    options: Omit<Disk, 'backend'> = {},
  ) {
    this.rig = new Rig(new Block({ backend: disk, ...options }));
  }

  /** One request, with its answer. */
  ask(driver: Driver, type: number, sector: number | bigint, data: readonly Part[] = []): Answer {
    const { memory } = this.rig;
    memory.store(HEADER, 4, type);
    memory.store(HEADER + 8, 4, Number(BigInt(sector) & 0xffffffffn));
    memory.store(HEADER + 12, 4, Number(BigInt(sector) >> 32n));
    memory.store(STATUS, 1, 0xee);
    driver.add([{ address: HEADER, length: 16 }, ...data, { address: STATUS, length: 1, writable: true }]);
    this.rig.write(0x50, 0);
    this.rig.clock.advance(100_000);
    return { status: memory.read(STATUS, 1), written: driver.poll()?.written };
  }

  range(sector: number, count: number, flags: number): Part[] {
    const { memory } = this.rig;
    [sector, 0, count, flags].forEach((value, n) => {
      memory.store(DATA + 4 * n, 4, value);
    });
    return [{ address: DATA, length: 16 }];
  }
}

const room = (length: number): Part[] => [{ address: DATA, length, writable: true }];
const given = (length: number): Part[] => [{ address: DATA, length }];

describe.each(RINGS)('the block device with a %s ring', (ring) => {
  it('says what it is', () => {
    const { rig } = new Guest(new Journal(), { queues: 3 });
    rig.write(0x14, 0);
    const config = [0x100, 0x104, 0x108, 0x10c, 0x114].map((offset) => rig.read(offset));
    expect([rig.read(8), rig.read(0x10) & 0xffffff, ...config]).toEqual([
      ...[2, (1 << 1) | (1 << 2) | (1 << 6) | NEGOTIATED | (1 << 12)],
      ...[SECTORS, 0, 16384, 126, 512],
    ]);
    expect(rig.device.readMmio(0, 0x122, 2)).toBe(3);
    const readOnly = new Guest(new Journal(true)).rig;
    expect(readOnly.read(0x10) & 0xffffff).toBe((1 << 1) | (1 << 2) | (1 << 6) | FLUSH | READ_ONLY);
  });

  it('reads, also into parts that are no sectors', () => {
    const guest = new Guest(new Journal());
    const driver = guest.rig.setUp(ring, NEGOTIATED);
    const parts = [500, 24, 500].map((length, n) => ({ address: DATA + 0x1000 * n, length, writable: true }));
    expect(guest.ask(driver, Type.in, 5, parts)).toEqual({ status: OK, written: 1025 });
    const seen = parts.flatMap(({ address, length }) => [...(guest.rig.memory.bytes(address, length) ?? [])]);
    expect(seen).toEqual([...new Array(512).fill(5), ...new Array(512).fill(6)]);
  });

  it('writes, flushes, zeroes and discards', () => {
    const guest = new Guest(new Journal());
    const driver = guest.rig.setUp(ring, NEGOTIATED);
    guest.rig.memory.fill(DATA, 512, 0xaa);
    const answers = [
      guest.ask(driver, Type.out, 3, given(512)),
      guest.ask(driver, Type.flush, 0),
      guest.ask(driver, Type.writeZeroes, 0, guest.range(4, 2, 1)),
      guest.ask(driver, Type.discard, 0, guest.range(6, 2, 0)),
    ];
    expect(answers).toEqual(new Array(4).fill({ status: OK, written: 1 }));
    expect(guest.disk.calls).toEqual(['write 1536 512', 'flush', 'zero 2048 1024', 'discard 3072 1024']);
    expect([3, 4, 5, 6].map((sector) => guest.disk.inner.bytes[512 * sector])).toEqual([0xaa, 0, 0, 6]);
  });

  it('flushes each write for a driver that cannot', () => {
    const guest = new Guest(new Journal());
    const driver = guest.rig.setUp(ring, 0);
    expect(guest.ask(driver, Type.out, 0, given(512)).status).toBe(OK);
    expect(guest.disk.calls).toEqual(['write 0 512', 'flush']);
    expect(guest.ask(driver, Type.discard, 0, guest.range(0, 1, 0)).status).toBe(UNSUPPORTED);
  });

  it('tells its serial number', () => {
    const guest = new Guest(new Journal(), { serial: 'DISK-7' });
    const driver = guest.rig.setUp(ring);
    expect(guest.ask(driver, Type.getId, 0, room(20))).toEqual({ status: OK, written: 21 });
    expect([...(guest.rig.memory.bytes(DATA, 8) ?? [])]).toEqual([...Buffer.from('DISK-7'), 0, 0]);
    expect(guest.ask(driver, Type.getId, 0, room(19)).status).toBe(FAILED);
  });

  it.each<[string, (guest: Guest) => [number, number | bigint, Part[]], number]>([
    ['a read behind the end', () => [Type.in, SECTORS, room(512)], FAILED],
    ['a read across the end', () => [Type.in, SECTORS - 1, room(1024)], FAILED],
    ['sector 2^64 − 1', () => [Type.in, 2n ** 64n - 1n, room(512)], FAILED],
    ['a write to sector 2^55', () => [Type.out, 2n ** 55n, given(512)], FAILED],
    ['half a sector', () => [Type.out, 0, given(256)], FAILED],
    ['an unknown type', () => [2, 0, []], UNSUPPORTED],
    ['zeros behind the end', (guest) => [Type.writeZeroes, 0, guest.range(SECTORS, 1, 0)], FAILED],
    ['2^32 − 1 zeros', (guest) => [Type.writeZeroes, 0, guest.range(0, 0xffffffff, 0)], FAILED],
    ['half a range', () => [Type.discard, 0, given(8)], FAILED],
    ['a discard that unmaps', (guest) => [Type.discard, 0, guest.range(0, 1, 1)], UNSUPPORTED],
    ['reserved flags', (guest) => [Type.writeZeroes, 0, guest.range(0, 1, 2)], UNSUPPORTED],
  ])('refuses %s, and works on', (_name, request, status) => {
    const guest = new Guest(new Journal());
    const driver = guest.rig.setUp(ring, NEGOTIATED);
    expect(guest.ask(driver, ...request(guest)).status).toBe(status);
    expect(guest.disk.calls).toEqual([]);
    expect(guest.ask(driver, Type.in, 0, room(512)).status).toBe(OK);
  });

  it('does not write where it may not', () => {
    const guest = new Guest(new Journal(true));
    const driver = guest.rig.setUp(ring, FLUSH | READ_ONLY);
    expect(guest.ask(driver, Type.out, 0, given(512)).status).toBe(FAILED);
    expect(guest.ask(driver, Type.writeZeroes, 0, guest.range(0, 1, 0)).status).toBe(UNSUPPORTED);
    expect(guest.ask(driver, Type.flush, 0).status).toBe(OK);
    expect(guest.disk.calls).toEqual([]);
  });

  it('tells the guest of what the host could not do', () => {
    const guest = new Guest(new Journal());
    const driver = guest.rig.setUp(ring, NEGOTIATED);
    guest.disk.fails = true;
    const answers = [
      guest.ask(driver, Type.in, 0, room(512)),
      guest.ask(driver, Type.out, 0, given(512)),
      guest.ask(driver, Type.flush, 0),
    ];
    expect(answers).toEqual([
      { status: FAILED, written: 0 },
      { status: FAILED, written: 1 },
      { status: FAILED, written: 1 },
    ]);
  });

  it.each([
    ['without room for a status', [{ address: HEADER, length: 16 }]],
    ['with half a header', [{ address: HEADER, length: 8 }, ...room(1)]],
  ])('asks for a reset after a request %s', (_name, parts) => {
    const { rig } = new Guest(new Journal());
    const driver = rig.setUp(ring);
    driver.add(parts);
    rig.write(0x50, 0);
    expect(rig.read(0x70)).toBe(15 | 64);
  });

  it('flushes or zeroes a little at a time', () => {
    const guest = new Guest(new Journal());
    const driver = guest.rig.setUp(ring, NEGOTIATED);
    const { memory } = guest.rig;
    memory.store(HEADER, 4, Type.flush);
    for (let n = 0; n < 3; n++) driver.add([{ address: HEADER, length: 16 }, ...room(1)]);
    guest.rig.write(0x50, 0);
    expect(guest.disk.calls).toEqual(['flush']);
    guest.rig.clock.advance(10_000);
    expect(guest.disk.calls).toEqual(['flush', 'flush']);
  });

  it('survives 100,000 random operations, and works after them', () => {
    const next = randomNumbers(ring === 'split' ? 21 : 22);
    const guest = new Guest(new Journal());
    const { rig } = guest;
    const types = [...Object.values(Type), 99];
    let done = 0;
    for (let round = 0; round < 5000; round++) {
      const driver = rig.setUp(ring, NEGOTIATED);
      for (let n = 0; n < 2; n++) {
        rig.memory.store(HEADER, 4, types[next() % types.length] as number);
        rig.memory.store(HEADER + 8, 4, next() % (2 * SECTORS));
        rig.memory.store(HEADER + 12, 4, next() % 50 === 0 ? next() : 0);
        const writable = next() % 2 === 0;
        driver.add([
          { address: HEADER, length: 16 },
          { address: DATA, length: (next() % 9) * 256, writable },
          { address: STATUS, length: 1, writable: true },
        ]);
      }
      for (let n = 0; n < 20; n++) {
        const kind = next() % 16;
        if (kind < 1) rig.device.writeMmio(0, next() % 0x200, ([1, 2, 4] as const)[next() % 3] ?? 4, next());
        else if (kind < 2) rig.write((next() % 64) * 4, next() % 16);
        else if (kind < 4) rig.memory.store(BASE + (next() % 0xa000), 1, next());
        else if (kind < 7) rig.clock.advance(next() % 20_000);
        else if (kind < 10) rig.memory.store(HEADER + (next() % 16), 1, next() % 16);
        else if (kind === 10) rig.device.restore(JSON.parse(JSON.stringify(rig.device.save())));
        else rig.write(0x50, 0);
      }
      done += guest.disk.calls.splice(0).length;
      rig.memory.fill(BASE, 0xa000, 0);
    }
    expect(done).toBeGreaterThan(500);
    rig.memory.fill(0, 1 << 16, 0);
    const driver = rig.setUp(ring, NEGOTIATED);
    expect(guest.ask(driver, Type.in, 0, room(512)).status).toBe(OK);
  });
});
