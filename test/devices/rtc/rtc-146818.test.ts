import { describe, expect, it } from 'vitest';
import { Rtc146818 } from '../../../src/devices/rtc/rtc-146818.js';
import { Ports, TestClock, TestLine } from '../support.js';

const MILLISECOND = 1_000_000;
const SECOND = 1000 * MILLISECOND;

function rtc({ wall = Date.UTC(2026, 6, 4, 21, 58, 59), ramBytes = 64 << 20 } = {}) {
  const clock = new TestClock();
  clock.epoch = wall;
  const line = new TestLine();
  const device = new Rtc146818({ clock, wallClock: clock, line, ramBytes });
  const ports = new Ports(device);
  const read = (register: number) => {
    ports.write(0x70, register);
    return ports.read(0x71);
  };
  const write = (register: number, value: number) => {
    ports.write(0x70, register);
    ports.write(0x71, value);
  };
  const time = () => [0x32, 9, 8, 7, 4, 2, 0].map((register) => read(register).toString(16).padStart(2, '0'));
  return { clock, line, device, read, write, time };
}

describe('MC146818 time', () => {
  it('gives the wall time in BCD and 24 hours', () => {
    const { read, time } = rtc();
    expect(time().join(' ')).toBe('20 26 07 04 21 58 59');
    expect(read(6)).toBe(7); // Saturday
  });

  it('advances with the clock, over minutes, hours and years', () => {
    const { clock, time } = rtc({ wall: Date.UTC(1999, 11, 31, 23, 59, 59) });
    clock.advance(SECOND);
    expect(time().join(' ')).toBe('20 00 01 01 00 00 00');
  });

  it('starts again after the year 9999, on the same day of the week', () => {
    const { clock, read, time } = rtc();
    const TEN_THOUSAND_YEARS = 315_569_520_000;
    clock.time = 32 * TEN_THOUSAND_YEARS * SECOND;
    expect(time().join(' ')).toBe('20 26 07 04 21 58 59');
    expect(read(6)).toBe(7);
  });

  it('DM and 24/12: binary and 12 hours with PM in bit 7', () => {
    const { read, write } = rtc();
    write(0x0b, 0x04);
    expect([read(4), read(2), read(0)]).toEqual([0x80 | 9, 58, 59]);
    write(0x0b, 0x00);
    expect(read(4)).toBe(0x89);
    write(4, 0x12); // 12 AM
    write(0x0b, 0x02);
    expect(read(4)).toBe(0x00);
  });

  it('SET stops the clock for a new time to be written', () => {
    const { clock, read, write, time } = rtc();
    write(0x0b, 0x82);
    for (const [register, value] of [
      [0, 0x30],
      [2, 0x20],
      [4, 0x10],
      [7, 0x29],
      [8, 0x02],
      [9, 0x24],
    ] as const) {
      write(register, value);
    }
    clock.advance(10 * SECOND);
    expect(read(0)).toBe(0x30);

    write(0x0b, 0x02);
    clock.advance(2 * SECOND);

    expect(time().join(' ')).toBe('20 24 02 29 10 20 32');
  });

  it('takes a nonsensical date without complaint', () => {
    const { read, write } = rtc();
    for (const register of [0, 2, 4, 6, 7, 8, 9, 0x32]) write(register, 0xff);
    for (const register of [0, 2, 4, 6, 7, 8, 9, 0x32]) expect(read(register)).toBeLessThan(256);
  });

  it('UIP is set for the 2228 µs before each update', () => {
    const { clock, read } = rtc();
    clock.advanceTo(SECOND - 2_228_001);
    expect(read(0x0a)).toBe(0x26);
    clock.advance(1);
    expect(read(0x0a)).toBe(0xa6);
    clock.advanceTo(SECOND);
    expect(read(0x0a)).toBe(0x26);
  });

  it('the first update comes half a second after the divider chain is released', () => {
    const { clock, read, write } = rtc();
    write(0x0a, 0x76);
    clock.advance(3 * SECOND);
    expect(read(0)).toBe(0x59);
    write(0x0a, 0x26);
    clock.advance(SECOND / 2 - 1);
    expect(read(0)).toBe(0x59);
    clock.advance(1);
    expect(read(0)).toBe(0x00);
  });
});

describe('MC146818 interrupts', () => {
  it('periodic: 1024 Hz, until register C is read', () => {
    const { clock, line, read, write } = rtc();
    write(0x0b, 0x42);
    clock.advance(SECOND);
    expect(line.rises).toBe(1);
    expect(read(0x0c)).toBe(0xd0); // IRQF, PF, and UF without its enable
    expect(line.level).toBe(false);

    let count = 0;
    for (let step = 0; step < 2000; step++) {
      clock.advance(MILLISECOND / 2);
      if (line.level) count++;
      read(0x0c);
    }

    expect(count).toBe(1024);
  });

  it.each([
    [1, 256],
    [2, 128],
    [3, 8192],
    [15, 2],
  ])('rate %i is %i Hz', (rate, frequency) => {
    const { clock, line, read, write } = rtc();
    write(0x0a, 0x20 | rate);
    write(0x0b, 0x42);
    const period = Math.floor(SECOND / frequency);
    clock.advance(period - 1);
    expect(line.level).toBe(false);
    clock.advance(2);
    expect(line.level).toBe(true);
    expect(read(0x0c) & 0x40).toBe(0x40);
  });

  it('update-ended: once a second', () => {
    const { clock, line, read, write } = rtc();
    write(0x0b, 0x12);
    clock.advance(SECOND - 1);
    expect(line.level).toBe(false);
    clock.advance(1);
    expect(line.level).toBe(true);
    expect(read(0x0c) & 0x90).toBe(0x90);
  });

  it('alarm: at the second it names, however far the clock jumps', () => {
    const { clock, line, read, write } = rtc();
    write(1, 0x30);
    write(3, 0x00);
    write(5, 0x06); // 06:00:30, eight hours on
    write(0x0b, 0x22);
    const eightHours = (8 * 3600 + 60 + 31) * SECOND;
    clock.advance(eightHours - 1);
    expect(line.level).toBe(false);
    clock.advance(1);
    expect(line.level).toBe(true);
    expect(read(0x0c) & 0xa0).toBe(0xa0);
    clock.time += 24 * 3600 * SECOND;
    expect(read(0x0c) & 0x20).toBe(0x20);
  });

  it('alarm: bytes from 0xC0 match anything; a time that cannot be never comes', () => {
    const { clock, read, write } = rtc();
    for (const register of [3, 5]) write(register, 0xff);
    write(1, 0x10);
    clock.advance(11 * SECOND);
    expect(read(0x0c) & 0x20).toBe(0x20);
    write(1, 0x75);
    clock.advance(100_000 * SECOND);
    expect(read(0x0c) & 0x20).toBe(0);
  });

  it('has no event on the clock while nothing is enabled or the line is up', () => {
    const { clock, write } = rtc();
    expect(clock.queue.size).toBe(0);
    write(0x0b, 0x72);
    expect(clock.queue.size).toBe(1);
    clock.advance(SECOND);
    expect(clock.queue.size).toBe(0);
  });
});

describe('CMOS RAM', () => {
  it('tells the sizes of memory', () => {
    const { read } = rtc({ ramBytes: 64 << 20 });
    const word = (register: number) => read(register) | (read(register + 1) << 8);
    expect(word(0x15)).toBe(640);
    expect(word(0x17)).toBe(63 * 1024);
    expect(word(0x30)).toBe(63 * 1024);
    expect(word(0x34)).toBe((48 << 20) / 65_536);
  });

  it('tells what does not fit its words: a small machine, and more than 4 GiB', () => {
    const small = rtc({ ramBytes: 512 * 1024 });
    expect([small.read(0x15), small.read(0x16), small.read(0x17), small.read(0x34)]).toEqual([0, 2, 0, 0]);
    const large = rtc({ ramBytes: 6 * 2 ** 30 });
    expect([large.read(0x5b), large.read(0x5c), large.read(0x5d)]).toEqual([0x00, 0x80, 0x00]);
    expect([large.read(0x34), large.read(0x35)]).toEqual([0x00, 0xff]);
  });

  it('keeps what is written, and the NMI mask in the index is ignored', () => {
    const { read, write } = rtc();
    write(0x80 | 0x40, 0x77);
    expect(read(0x40)).toBe(0x77);
    expect(read(0x0d)).toBe(0x80);
    write(0x0d, 0);
    expect(read(0x0d)).toBe(0x80);
  });

  it('a reset keeps time and RAM and turns interrupts off', () => {
    const { clock, device, line, read, write, time } = rtc();
    write(0x40, 0x12);
    write(0x0b, 0x72);
    clock.advance(SECOND);
    device.reset();
    expect(line.level).toBe(false);
    expect([read(0x40), read(0x0b), read(0x0c)]).toEqual([0x12, 0x02, 0x00]);
    expect(time().join(' ')).toBe('20 26 07 04 21 59 00');
  });

  it('a state that is restored later goes on from the wall clock', () => {
    const before = rtc();
    before.write(0, 0x00); // a minute back
    const state = before.device.save();
    const after = rtc({ wall: Date.UTC(2027, 0, 1, 0, 0, 59) });
    after.device.restore(state);
    expect(after.time().join(' ')).toBe('20 27 01 01 00 00 00');
  });
});
