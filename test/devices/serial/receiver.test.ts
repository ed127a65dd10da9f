import { describe, expect, it } from 'vitest';
import { type DeviceState, DeviceStateError } from '../../../src/devices/device.js';
import { drain, FCR, IER, IIR, LSR, MCR, OUT2, program, RBR, THR, uart } from './support.js';

/** One character of 10 bits at 115200 baud, nanoseconds. */
const CHARACTER = 86_806;
const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** 115200 baud, 8N1; `control` is written to FCR. */
function fastUart(control: number) {
  const port = uart();
  program(port.ports, 1, 0x03);
  port.ports.write(FCR, control);
  return port;
}

describe('16550 arrivals', () => {
  it.each([
    ['115200 8N1', 1, 0x03, 10],
    ['9600 8N1', 12, 0x03, 10],
    ['115200 5N1', 1, 0x00, 7],
    ['115200 5N1.5', 1, 0x04, 7.5],
    ['57600 7E2', 2, 0x1e, 11],
    ['300 8O2', 384, 0x0f, 12],
    ['divisor 0', 0, 0x03, 655_360],
  ])('%s: one per character time', (_, divisor, format, bitsOfDivisor1) => {
    const { clock, console, ports } = uart();
    program(ports, divisor, format);
    ports.write(FCR, 0x01);
    const character = Math.ceil((bitsOfDivisor1 * (divisor || 1) * 1e9) / 115_200);

    console.send(1, 2, 3);
    expect(console.input).toEqual([2, 3]);
    clock.advance(character - 1);
    expect(console.input).toEqual([2, 3]);
    clock.advance(1);
    expect(console.input).toEqual([3]);
    clock.advance(character - 1);
    expect(console.input).toEqual([3]);
    clock.advance(1);
    expect(console.input).toEqual([]);

    expect(drain(ports)).toEqual([1, 2, 3]);
  });

  it.each([
    ['with FIFOs', 0x01],
    ['without FIFOs', 0x00],
  ])('%s: a burst of 100 comes in order, each at its time', (_, control) => {
    const { clock, console, ports } = fastUart(control);
    console.send(...numbers(100));

    for (const number of numbers(100)) {
      expect(drain(ports)).toEqual([number]);
      clock.advance(CHARACTER - 1);
      expect(drain(ports)).toEqual([]);
      clock.advance(1);
    }

    expect(drain(ports)).toEqual([]);
    expect(clock.queue.size).toBe(0);
  });

  it('what is sent within a character time waits for its end', () => {
    const { clock, console, ports } = fastUart(0x01);
    console.send(1);
    clock.advance(CHARACTER / 2);
    console.send(2);
    clock.advance(CHARACTER / 2 - 1);
    expect(drain(ports)).toEqual([1]);
    clock.advance(1);

    expect(drain(ports)).toEqual([2]);
  });

  it('with FIFOs holds 16, leaves the rest with the backend and loses none', () => {
    const { clock, console, ports } = fastUart(0x01);
    console.send(...numbers(100));
    clock.advance(1e9);
    expect(console.input.length).toBe(84);
    expect(clock.queue.size).toBe(0);

    // The seventeenth has waited for room, so it arrives with the first read.
    expect(drain(ports)).toEqual(numbers(17));
    const rest: number[] = [];
    while (rest.length < 83) {
      clock.advance(CHARACTER);
      rest.push(...drain(ports));
    }

    expect(rest).toEqual(numbers(100).slice(17));
    expect(ports.read(LSR) & 0x02).toBe(0);
  });

  it('without FIFOs holds one and loses none', () => {
    const { clock, console, ports } = fastUart(0x00);
    console.send(1, 2, 3, 4);
    clock.advance(1e9);
    expect(console.input).toEqual([2, 3, 4]);
    expect(clock.queue.size).toBe(0);

    expect(drain(ports)).toEqual([1, 2]);
    clock.advance(CHARACTER);
    expect(drain(ports)).toEqual([3]);
    clock.advance(CHARACTER);
    expect(drain(ports)).toEqual([4]);
    expect(ports.read(LSR) & 0x02).toBe(0);
  });

  it('a handler that drains as often as it can sees one per character time', () => {
    const { clock, console, ports } = fastUart(0x01);
    const times: number[] = [];
    console.send(...numbers(50));
    while (times.length < 50) {
      for (const _ of drain(ports)) times.push(clock.time);
      clock.advance(997);
    }

    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(CHARACTER - 997);
    expect(times.at(-1)).toBeGreaterThanOrEqual(49 * CHARACTER);
    expect(times.at(-1)).toBeLessThan(49 * CHARACTER + 997);
  });

  it('a change of the divisor counts from the next character', () => {
    const { clock, console, ports } = fastUart(0x01);
    console.send(1, 2, 3);
    program(ports, 2, 0x03);

    clock.advance(CHARACTER);
    expect(drain(ports)).toEqual([1, 2]);
    clock.advance(Math.ceil((20 * 1e9) / 115_200) - 1);
    expect(drain(ports)).toEqual([]);
    clock.advance(1);
    expect(drain(ports)).toEqual([3]);
  });

  it('a late clock brings what the line has carried by then, and no more than fits', () => {
    const { clock, console, ports } = fastUart(0x01);
    console.send(...numbers(100));

    clock.time = 5 * CHARACTER + 10;
    clock.runDue();
    expect(drain(ports)).toEqual(numbers(6));
    clock.advanceTo(6 * CHARACTER);
    expect(drain(ports)).toEqual([6]);

    clock.time = 1000 * CHARACTER;
    clock.runDue();
    expect(drain(ports)).toEqual(numbers(23).slice(7));
    clock.advance(CHARACTER);
    expect(drain(ports)).toEqual([23]);
  });

  it('a late clock without FIFOs: what the line has carried follows each read, 16 at most', () => {
    const { clock, console, ports } = fastUart(0x00);
    console.send(...numbers(100));
    expect(drain(ports)).toEqual([0]);

    clock.time = 5 * CHARACTER + 10;
    clock.runDue();
    expect(drain(ports)).toEqual([1, 2, 3, 4, 5]);
    clock.advanceTo(6 * CHARACTER);
    expect(drain(ports)).toEqual([6]);

    clock.time = 1000 * CHARACTER;
    clock.runDue();
    expect(drain(ports)).toEqual(numbers(23).slice(7));
  });

  it('bytes sent after a late clock are not late', () => {
    const { clock, console, ports } = fastUart(0x01);
    console.send(1, 2);
    clock.time = 10 * CHARACTER;
    clock.runDue();
    expect(drain(ports)).toEqual([1, 2]);
    clock.advance(CHARACTER);

    console.send(3, 4);

    expect(drain(ports)).toEqual([3]);
  });

  it('no timer runs without input, without room and in loopback', () => {
    const { clock, console, ports } = fastUart(0x00);
    expect(clock.queue.size).toBe(0);
    console.send(1);
    expect(clock.queue.size).toBe(0);
    console.send(2);
    expect(clock.queue.size).toBe(0);
    ports.read(RBR);
    expect(clock.queue.size).toBe(1);
    ports.write(MCR, 0x10);
    expect(clock.queue.size).toBe(0);
  });

  it('loopback holds the host off but not the transmitter', () => {
    const { clock, console, ports } = fastUart(0x01);
    console.send(1, 2);
    ports.write(MCR, 0x10);
    for (const byte of [0x10, 0x11, 0x12]) ports.write(THR, byte);
    clock.advance(CHARACTER / 2);
    expect(drain(ports)).toEqual([1, 0x10, 0x11, 0x12]);

    ports.write(MCR, 0x00);

    clock.advance(CHARACTER / 2 - 1);
    expect(drain(ports)).toEqual([]);
    clock.advance(1);
    expect(drain(ports)).toEqual([2]);
  });

  it('reset leaves the line idle at 115200 baud', () => {
    const { clock, console, device, ports } = uart();
    program(ports, 0, 0x03);
    console.send(1, 2, 3);

    device.reset();

    expect(drain(ports)).toEqual([2]);
    clock.advance(Math.ceil((7 * 1e9) / 115_200));
    expect(drain(ports)).toEqual([3]);
    expect(clock.queue.size).toBe(0);
  });
});

describe('16550 character timeout', () => {
  it('counts from the last arrival, so a stream below the trigger level has none', () => {
    const { clock, console, line, ports } = fastUart(0xc1);
    ports.write(MCR, OUT2);
    ports.write(IER, 0x01);
    console.send(...numbers(10));

    clock.advance(9 * CHARACTER + 4 * CHARACTER - 3);
    expect(line.rises).toBe(0);
    clock.advance(2);
    expect(ports.read(IIR)).toBe(0xcc);
    expect(line.level).toBe(true);
  });

  it('a stream raises the data interrupt at its trigger level', () => {
    const { clock, console, line, ports } = fastUart(0xc1);
    ports.write(MCR, OUT2);
    ports.write(IER, 0x01);
    console.send(...numbers(30));

    clock.advance(13 * CHARACTER - 1);
    expect(line.level).toBe(false);
    clock.advance(1);
    expect(ports.read(IIR)).toBe(0xc4);
    expect(drain(ports)).toEqual(numbers(14));
    expect(line.level).toBe(false);
    clock.advance(14 * CHARACTER);
    expect(line).toMatchObject({ level: true, rises: 2 });
  });

  it('does not exist without FIFOs', () => {
    const { clock, console, ports } = fastUart(0x00);
    console.send(1);
    expect(clock.queue.size).toBe(0);
    expect(ports.read(LSR) & 0x01).toBe(0x01);
  });
});

describe('16550 state in the middle of a stream', () => {
  function saved() {
    const { clock, console, device } = fastUart(0x01);
    console.send(...numbers(5));
    clock.advance(CHARACTER + 1000);
    return { state: JSON.parse(JSON.stringify(device.save())) as DeviceState, input: console.input };
  }

  it('keeps the time to the next arrival', () => {
    const { state, input } = saved();
    const { clock, console, device, ports } = uart(123_456_789);
    console.input = [...input];

    device.restore(state);

    expect(drain(ports)).toEqual([0, 1]);
    clock.advance(CHARACTER - 1001);
    expect(drain(ports)).toEqual([]);
    clock.advance(1);
    expect(drain(ports)).toEqual([2]);
    clock.advance(2 * CHARACTER);
    expect(drain(ports)).toEqual([3, 4]);
  });

  it('sets no timer for arrivals when the backend holds nothing, and still waits before the next', () => {
    const { state } = saved();
    const { clock, console, device, ports } = uart(1000);

    device.restore(state);
    expect(drain(ports)).toEqual([0, 1]);
    expect(clock.queue.size).toBe(0);
    console.send(9);

    expect(drain(ports)).toEqual([]);
    clock.advance(CHARACTER - 1000);
    expect(drain(ports)).toEqual([9]);
  });

  it('refuses a time to the next arrival that no character takes', () => {
    const { state } = saved();
    const { device } = uart();
    const receiver = (state as { receiver: object }).receiver;

    for (const arrivalIn of [-1, 0.5, 7e9, null]) {
      const wrong = { ...(state as object), receiver: { ...receiver, arrivalIn } } as DeviceState;
      expect(() => device.restore(wrong)).toThrow(DeviceStateError);
    }
  });
});
