import { describe, expect, it } from 'vitest';
import { Pit8254 } from '../../../src/devices/timer/pit-8254.js';
import { PIT_FREQUENCY, ticksAt, timeOfTick } from '../../../src/devices/timer/ticks.js';
import { Ports, randomNumbers, TestClock, TestLine } from '../support.js';
import { ReferenceCounter } from './pit-reference.js';

function pit() {
  const clock = new TestClock();
  const line = new TestLine();
  const device = new Pit8254({ clock, line });
  const ports = new Ports(device);
  let tick = 0;
  const pass = (ticks: number) => {
    tick += ticks;
    clock.advanceTo(Number(timeOfTick(BigInt(tick), PIT_FREQUENCY)));
  };
  const program = (channel: number, mode: number, count: number) => {
    ports.write(0x43, (channel << 6) | 0x30 | (mode << 1));
    ports.write(0x40 + channel, count & 0xff);
    ports.write(0x40 + channel, count >> 8);
  };
  const count = (channel: number) => {
    ports.write(0x43, channel << 6);
    return ports.read(0x40 + channel) | (ports.read(0x40 + channel) << 8);
  };
  return { clock, line, device, ports, pass, program, count };
}

describe('8254 channel 0', () => {
  it('mode 0: OUT goes high N + 1 CLK pulses after the count is written and stays', () => {
    const { line, pass, program } = pit();
    program(0, 0, 5);

    pass(5);
    expect(line.level).toBe(false);
    pass(1);
    expect(line.level).toBe(true);
    pass(100_000);
    expect(line).toMatchObject({ level: true, rises: 1 });
  });

  it('mode 0: the first byte of a new count stops counting', () => {
    const { ports, pass, program, count } = pit();
    program(0, 0, 1000);
    pass(101);
    ports.write(0x40, 0x34);

    pass(50);

    expect(count(0)).toBe(900);
  });

  it('mode 2: OUT is low for one CLK each period', () => {
    const { line, pass, program } = pit();
    program(0, 2, 10);
    pass(1);
    const levels = Array.from({ length: 20 }, () => {
      pass(1);
      return line.level ? 1 : 0;
    });

    expect(levels.join('')).toBe('11111111011111111101');
  });

  it('mode 2: one rise each period for an hour without drift', () => {
    const clock = new TestClock();
    const line = new TestLine();
    const ports = new Ports(new Pit8254({ clock, line }));
    ports.write(0x43, 0x34);
    ports.write(0x40, 0x00);
    ports.write(0x40, 0x00);

    clock.advance(3600e9);

    // The first of them is the control word's, which sets OUT high.
    expect(line.rises - 1).toBe(Number((3600n * PIT_FREQUENCY - 1n) / 65536n));
  });

  it('mode 3: an odd count is high one CLK longer than low', () => {
    const { line, pass, program } = pit();
    program(0, 3, 5);
    pass(1);
    const levels = Array.from({ length: 10 }, () => {
      pass(1);
      return line.level ? 1 : 0;
    });

    expect(levels.join('')).toBe('1100111001');
  });

  it('mode 4: OUT strobes low for one CLK, N + 1 after the count is written', () => {
    const { line, pass, program } = pit();
    program(0, 4, 3);
    const levels = Array.from({ length: 7 }, () => {
      pass(1);
      return line.level ? 1 : 0;
    });

    expect(levels.join('')).toBe('1110111');
  });

  it('gives every edge of a period that a late clock passed as one', () => {
    const { clock, line, program } = pit();
    program(0, 2, 1000);
    const before = line.rises;

    clock.time = 50_000_000;
    clock.runDue();

    expect(line.rises).toBe(before + 1);
    expect(clock.nextDeadline).toBeGreaterThan(clock.time);
  });

  it('has no event on the clock until it is programmed, nor after a one-shot', () => {
    const { clock, pass, program } = pit();
    expect(clock.queue.size).toBe(0);
    program(0, 0, 10);
    expect(clock.queue.size).toBe(1);

    pass(11);

    expect(clock.queue.size).toBe(0);
  });
});

describe('8254 reading', () => {
  it('counter latch: the count stays until it is read, and the counter goes on', () => {
    const { ports, pass, program, count } = pit();
    program(0, 2, 0x8000);
    pass(1 + 0x10);
    ports.write(0x43, 0x00);
    pass(0x100);
    ports.write(0x43, 0x00); // a second latch command before the read is ignored

    expect([ports.read(0x40), ports.read(0x40)]).toEqual([0xf0, 0x7f]);
    expect(count(0)).toBe(0x7ef0);
  });

  it('read-back: the status comes first, with NULL COUNT until the count is loaded', () => {
    const { ports, pass, program } = pit();
    program(0, 3, 0x1234);
    ports.write(0x43, 0xc2);
    expect([ports.read(0x40), ports.read(0x40), ports.read(0x40)]).toEqual([0xf6, 0x00, 0x00]);

    pass(1);

    ports.write(0x43, 0xc2);
    expect([ports.read(0x40), ports.read(0x40), ports.read(0x40)]).toEqual([0xb6, 0x34, 0x12]);
  });

  it('BCD: counts down in decimal from 10000', () => {
    const { ports, pass } = pit();
    ports.write(0x43, 0x31);
    ports.write(0x40, 0x00);
    ports.write(0x40, 0x00);
    pass(2);
    ports.write(0x43, 0x00);

    expect([ports.read(0x40), ports.read(0x40)]).toEqual([0x99, 0x99]);
  });
});

describe('port 0x61', () => {
  it('gates channel 2 and shows its OUT in bit 5', () => {
    const { ports, pass, program } = pit();
    ports.write(0x61, 0x00);
    program(2, 0, 100);
    pass(1000);
    expect(ports.read(0x61) & 0x21).toBe(0x00);

    ports.write(0x61, 0x01);
    pass(99);
    expect(ports.read(0x61) & 0x21).toBe(0x01);
    pass(1);
    expect(ports.read(0x61) & 0x21).toBe(0x21);
  });

  it('mode 1 on channel 2 is triggered by the gate', () => {
    const { ports, pass, program } = pit();
    program(2, 1, 10);
    pass(5);
    expect(ports.read(0x61) & 0x20).toBe(0x20);

    ports.write(0x61, 0x01);
    pass(1);
    expect(ports.read(0x61) & 0x20).toBe(0x00);
    pass(9);
    expect(ports.read(0x61) & 0x20).toBe(0x00);
    pass(1);
    expect(ports.read(0x61) & 0x20).toBe(0x20);
  });

  it('toggles the refresh bit every 15 µs', () => {
    const { ports, clock } = pit();
    let toggles = 0;
    let last = ports.read(0x61) & 0x10;
    for (let count = 0; count < 10_000; count++) {
      clock.advance(1000);
      const bit = ports.read(0x61) & 0x10;
      if (bit !== last) toggles++;
      last = bit;
    }

    expect(toggles).toBe(Number(ticksAt(10_000_000n, PIT_FREQUENCY) / 18n));
  });
});

describe('8254 against a counter that does one CLK at a time', () => {
  it.each([1, 2, 3, 4, 5, 6])('agrees in every read and every edge, seed %i', (seed) => {
    const next = randomNumbers(seed);
    const { line, ports, pass } = pit();
    const reference = [new ReferenceCounter(true), new ReferenceCounter(true), new ReferenceCounter(false)];
    let rises = 0;
    let level = false;
    const follow = () => {
      const out = reference[0]?.out ?? false;
      if (out && !level) rises++;
      level = out;
    };

    for (let step = 0; step < 6000; step++) {
      const channel = next() % 3;
      const counter = reference[channel] as ReferenceCounter;
      switch (next() % 8) {
        case 0: {
          if (next() % 4) break;
          // Modes 2 and 3 with both bytes or the low one only, so that no count is 1.
          const word = ((next() % 3) + 1) * 16 + (next() % 8) * 2 + (next() % 4 === 0 ? 1 : 0);
          ports.write(0x43, channel * 64 + word);
          counter.control(word);
          break;
        }
        case 1: {
          const last = counter.access !== 3 || counter.firstByte !== undefined;
          const high = counter.access === 2 || (counter.access === 3 && last);
          let value = high ? (next() % 3 ? 0 : next() % 10) : 2 + (next() % 8) + 16 * (next() % 3);
          if (high && counter.access === 2 && next() % 2) value = next() % 3;
          ports.write(0x40 + channel, value);
          counter.write(value);
          break;
        }
        case 2:
          ports.write(0x43, channel * 64);
          counter.latchCount();
          break;
        case 3: {
          const word = 0xc0 | (next() & 0x3e);
          ports.write(0x43, word);
          for (const [index, each] of reference.entries()) {
            if (!(word & (2 << index))) continue;
            if (!(word & 0x20)) each.latchCount();
            if (!(word & 0x10)) each.latchStatus();
          }
          break;
        }
        case 4: {
          const gate = next() % 2 === 1;
          ports.write(0x61, gate ? 1 : 0);
          reference[2]?.setGate(gate);
          break;
        }
        default: {
          const ticks = next() % (next() % 4 ? 5 : 400);
          pass(ticks);
          for (let tick = 0; tick < ticks; tick++) {
            for (const each of reference) each.clk();
            follow();
          }
        }
      }
      follow();
      const read = [ports.read(0x40 + channel), ports.read(0x61) & 0x20, line.level, line.rises];
      const wanted: unknown[] = [counter.read(), reference[2]?.out ? 0x20 : 0, level, rises];
      if (read.join() !== wanted.join()) {
        expect.fail(`step ${step}, channel ${channel}, mode ${counter.mode}: ${read} instead of ${wanted}`);
      }
    }
    expect(rises).toBeGreaterThan(20);
  });
});

describe('ticks', () => {
  it('timeOfTick gives the first nanosecond of each tick', () => {
    const next = randomNumbers(3);
    for (let count = 0; count < 2000; count++) {
      const tick = BigInt(next()) << BigInt(next() % 30);
      const time = timeOfTick(tick, PIT_FREQUENCY);

      expect(ticksAt(time, PIT_FREQUENCY)).toBe(tick);
      expect(tick === 0n || ticksAt(time - 1n, PIT_FREQUENCY) < tick).toBe(true);
    }
  });
});
