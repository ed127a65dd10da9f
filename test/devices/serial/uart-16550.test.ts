import { describe, expect, it } from 'vitest';
import { FCR, IER, IIR, LCR, LSR, MCR, MSR, OUT2, program, RBR, SCR, THR, uart } from './support.js';

describe('16550 transmitter', () => {
  it('hands over every byte in order at flush, and LSR shows THRE and TEMT throughout', () => {
    const { console, device, ports } = uart();
    for (const character of 'hello\n') {
      expect(ports.read(LSR) & 0x60).toBe(0x60);
      ports.write(THR, character.charCodeAt(0));
    }
    expect(console.text).toBe('');

    device.flush();

    expect(console.text).toBe('hello\n');
  });

  it('hands over a full buffer without waiting for flush', () => {
    const { console, device, ports } = uart();
    for (let count = 0; count < 10_000; count++) ports.write(THR, count);
    device.flush();

    expect(console.written.length).toBe(10_000);
    expect(console.written.every((byte, index) => byte === (index & 0xff))).toBe(true);
  });

  it('THRE interrupt: raised when ETBEI is set, cleared by reading IIR, raised again by each write', () => {
    const { line, ports } = uart();
    ports.write(MCR, OUT2);
    ports.write(IER, 0x02);
    expect(line.level).toBe(true);
    expect(ports.read(IIR)).toBe(0x02);
    expect(line.level).toBe(false);
    expect(ports.read(IIR)).toBe(0x01);

    ports.write(THR, 0x41);
    ports.write(THR, 0x42);

    expect(line).toMatchObject({ level: true, rises: 3 });
  });

  it('OUT2 gates the interrupt line', () => {
    const { line, ports } = uart();
    ports.write(IER, 0x02);
    expect(line.level).toBe(false);
    ports.write(MCR, OUT2);
    expect(line.level).toBe(true);
    ports.write(MCR, 0);
    expect(line.level).toBe(false);
  });
});

describe('16550 receiver', () => {
  it.each([
    [0x01, 1],
    [0x41, 4],
    [0x81, 8],
    [0xc1, 14],
  ])('FCR %i: interrupts at the trigger level of %i bytes', (control, level) => {
    const { clock, console, line, ports } = uart();
    ports.write(MCR, OUT2);
    ports.write(IER, 0x01);
    ports.write(FCR, control);
    for (let count = 1; count < level; count++) {
      console.send(count);
      clock.advance(1e5);
    }
    expect(line.level).toBe(false);

    console.send(99);

    expect(line.level).toBe(true);
    expect(ports.read(IIR)).toBe(0xc4);
    ports.read(RBR);
    expect(line.level).toBe(false);
  });

  it('character timeout: after four character times below the trigger level, until RBR is read', () => {
    const { clock, console, line, ports } = uart();
    ports.write(MCR, OUT2);
    ports.write(IER, 0x01);
    program(ports, 1, 0x03);
    ports.write(FCR, 0xc1);
    console.send(1, 2);
    const lastArrival = Math.ceil((10 * 1e9) / 115_200);
    const fourCharacters = Math.ceil((40 * 1e9) / 115_200);

    clock.advance(lastArrival + fourCharacters - 1);
    expect(line.level).toBe(false);
    clock.advance(1);
    expect(line.level).toBe(true);
    expect(ports.read(IIR)).toBe(0xcc);
    ports.read(RBR);
    expect(line.level).toBe(false);
    clock.advance(fourCharacters);
    expect(ports.read(IIR)).toBe(0xcc);
    ports.read(RBR);
    expect(clock.queue.size).toBe(0);
  });

  it('reports causes by priority: received data before THRE', () => {
    const { console, ports } = uart();
    ports.write(IER, 0x03);
    console.send(7);
    expect(ports.read(IIR)).toBe(0x04);
    ports.read(RBR);
    expect(ports.read(IIR)).toBe(0x02);
    expect(ports.read(IIR)).toBe(0x01);
  });

  it('FCR1 empties the receiver FIFO, and a change of FCR0 does', () => {
    const { clock, console, ports } = uart();
    ports.write(FCR, 0x01);
    console.send(1, 2);
    clock.advance(1e9);
    ports.write(FCR, 0x03);
    expect(ports.read(LSR) & 0x01).toBe(0);
    console.send(3);
    expect(ports.read(LSR) & 0x01).toBe(1);
    ports.write(FCR, 0x00);
    expect(ports.read(LSR) & 0x01).toBe(0);
  });
});

describe('16550 loopback', () => {
  it('receives what it transmits, and the console sees nothing', () => {
    const { console, device, ports } = uart();
    ports.write(LCR, 0x03);
    ports.write(MCR, 0x10);
    ports.write(THR, 0xae);
    device.flush();

    expect(ports.read(LSR) & 0x01).toBe(0x01);
    expect(ports.read(RBR)).toBe(0xae);
    expect(console.written).toEqual([]);
  });

  it('shows the modem outputs as inputs', () => {
    const { ports } = uart();
    ports.write(MCR, 0x1a);
    expect(ports.read(MSR) & 0xf0).toBe(0x90);
    ports.write(MCR, 0x15);
    expect(ports.read(MSR) & 0xf0).toBe(0x60);
  });

  it('OE: without FIFOs an unread character is overwritten, and LSR tells once', () => {
    const { ports } = uart();
    ports.write(LCR, 0x03);
    ports.write(MCR, 0x10);
    ports.write(THR, 1);
    ports.write(THR, 2);

    expect(ports.read(LSR)).toBe(0x63);
    expect(ports.read(LSR)).toBe(0x61);
    expect(ports.read(RBR)).toBe(2);
  });

  it('holds the host off until it ends', () => {
    const { console, ports } = uart();
    ports.write(MCR, 0x10);
    console.send(5);
    expect(ports.read(LSR) & 0x01).toBe(0);

    ports.write(MCR, 0x00);

    expect(ports.read(RBR)).toBe(5);
  });
});

describe('16550 other registers', () => {
  it('DLAB swaps RBR/THR and IER for the divisor latch', () => {
    const { console, device, ports } = uart();
    ports.write(LCR, 0x83);
    ports.write(THR, 0x34);
    ports.write(IER, 0x12);
    expect([ports.read(RBR), ports.read(IER)]).toEqual([0x34, 0x12]);
    ports.write(LCR, 0x03);
    device.flush();

    expect(ports.read(IER)).toBe(0);
    expect(console.written).toEqual([]);
  });

  it('SCR keeps a byte; IIR shows whether FIFOs are enabled', () => {
    const { ports } = uart();
    ports.write(SCR, 0x5a);
    expect(ports.read(SCR)).toBe(0x5a);
    expect(ports.read(IIR)).toBe(0x01);
    ports.write(FCR, 0x07);
    expect(ports.read(IIR)).toBe(0xc1);
  });

  it('MSR: CTS, DSR and DCD are up; the delta bits are cleared by reading', () => {
    const { ports } = uart();
    expect(ports.read(MSR)).toBe(0xb0);
    ports.write(MCR, 0x10);
    expect(ports.read(MSR)).toBe(0x0b);
    expect(ports.read(MSR)).toBe(0x00);
  });

  it('TERI only marks the trailing edge of RI', () => {
    const { ports } = uart();
    ports.write(MCR, 0x14);
    expect(ports.read(MSR) & 0x44).toBe(0x40);
    ports.write(MCR, 0x10);
    expect(ports.read(MSR) & 0x44).toBe(0x04);
  });
});
