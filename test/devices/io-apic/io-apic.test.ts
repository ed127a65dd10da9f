/** The I/O APIC by its data sheet (82093AA), with a bus that records what is sent. */
import { describe, expect, it } from 'vitest';
import type { InterruptMessage } from '../../../src/devices/interrupt/interrupt-message.js';
import { IoApic } from '../../../src/devices/io-apic/io-apic.js';
import { conforms } from '../conformance.js';
import { AllAsPorts } from '../support.js';

const PIN = 14;
const LEVEL = 0x8000;
const MASKED = 0x10000;
const REMOTE_IRR = 0x4000;

class Rig {
  readonly sent: InterruptMessage[] = [];
  /** Whether somebody takes what is sent. */
  taken = true;
  readonly ioApic = new IoApic({
    send: (message) => {
      if (this.taken) this.sent.push(message);
      return this.taken;
    },
  });
  readonly line = this.ioApic.line(PIN);

  read(register: number): number {
    this.ioApic.writeMmio(0, 0, 4, register);
    return this.ioApic.readMmio(0, 0x10, 4);
  }

  write(register: number, value: number): void {
    this.ioApic.writeMmio(0, 0, 4, register);
    this.ioApic.writeMmio(0, 0x10, 4, value >>> 0);
  }

  get entry(): number {
    return this.read(0x10 + 2 * PIN);
  }

  set entry(low: number) {
    this.write(0x10 + 2 * PIN, low);
  }

  get vectors(): number[] {
    return this.sent.map((message) => message.vector);
  }
}

conforms('io-apic', () => new AllAsPorts(new IoApic({ send: () => true })));

describe('registers', () => {
  it('tells 24 pins, all masked', () => {
    const rig = new Rig();
    expect(rig.read(1)).toBe(0x00170020);
    expect(Array.from({ length: 48 }, (_, n) => rig.read(0x10 + n))).toEqual(
      Array.from({ length: 48 }, (_, n) => (n % 2 === 0 ? MASKED : 0)),
    );
  });

  it('writes four bits of the id, which the arbitration register follows', () => {
    const rig = new Rig();
    rig.write(0, 0xffffffff);
    rig.write(2, 0);
    expect([rig.read(0), rig.read(2)]).toEqual([0x0f000000, 0x0f000000]);
  });

  it('leaves what is read-only alone', () => {
    const rig = new Rig();
    rig.write(1, 0);
    rig.write(0x10 + 2 * PIN, 0xffffffff);
    rig.write(0x11 + 2 * PIN, 0xffffffff);
    expect([rig.read(1), rig.entry, rig.read(0x11 + 2 * PIN)]).toEqual([0x00170020, 0x1afff, 0xff000000]);
  });

  it('reads as zero where there is nothing', () => {
    const rig = new Rig();
    rig.write(0x40, 0xffffffff);
    expect([rig.read(0x40), rig.read(0x05), rig.ioApic.readMmio(0, 0x20, 4)]).toEqual([0, 0, 0]);
  });
});

describe('an edge', () => {
  it('is one message, with what the entry says', () => {
    const rig = new Rig();
    rig.write(0x11 + 2 * PIN, 0x5a000000);
    rig.entry = 0x976;

    rig.line.set(true);
    rig.line.set(false);

    expect(rig.sent).toEqual([
      { vector: 0x76, deliveryMode: 1, levelTriggered: false, logical: true, destination: 0x5a },
    ]);
  });

  it('is lost while masked', () => {
    const rig = new Rig();
    rig.entry = MASKED | 0x76;
    rig.line.set(true);
    rig.entry = 0x76;
    expect(rig.vectors).toEqual([]);
  });

  it('comes from the first of several sources', () => {
    const rig = new Rig();
    const other = rig.ioApic.line(PIN);
    rig.entry = 0x76;
    rig.line.set(true);
    other.set(true);
    rig.line.set(false);
    rig.line.set(true);
    expect(rig.vectors).toEqual([0x76]);
  });
});

describe('a level', () => {
  it('is one message until it is ended, and another if it lasts', () => {
    const rig = new Rig();
    rig.entry = LEVEL | 0x77;

    rig.line.set(true);
    expect([rig.vectors, rig.entry]).toEqual([[0x77], LEVEL | REMOTE_IRR | 0x77]);
    rig.ioApic.endOfInterrupt(0x78);
    expect(rig.vectors).toEqual([0x77]);
    rig.ioApic.endOfInterrupt(0x77);
    expect(rig.vectors).toEqual([0x77, 0x77]);
    rig.line.set(false);
    rig.ioApic.endOfInterrupt(0x77);
    expect([rig.vectors.length, rig.entry]).toEqual([2, LEVEL | 0x77]);
  });

  it('waits while masked', () => {
    const rig = new Rig();
    rig.entry = LEVEL | MASKED | 0x77;
    rig.line.set(true);
    expect(rig.vectors).toEqual([]);
    rig.entry = LEVEL | 0x77;
    expect(rig.vectors).toEqual([0x77]);
  });

  it('is ended by the EOI register, too', () => {
    const rig = new Rig();
    rig.entry = LEVEL | 0x77;
    rig.line.set(true);
    rig.ioApic.writeMmio(0, 0x40, 4, 0x77);
    expect(rig.vectors).toEqual([0x77, 0x77]);
  });

  it('is not remembered as sent when nobody took it', () => {
    const rig = new Rig();
    rig.taken = false;
    rig.entry = LEVEL | 0x77;
    rig.line.set(true);
    expect(rig.entry).toBe(LEVEL | 0x77);
  });

  it('forgets that it waits for an end when it becomes an edge', () => {
    const rig = new Rig();
    rig.entry = LEVEL | 0x77;
    rig.line.set(true);
    rig.entry = 0x77;
    expect(rig.entry).toBe(0x77);
  });
});

it('has no pin 24', () => {
  expect(() => new Rig().ioApic.line(24)).toThrow(RangeError);
});

it('sends nothing for an external interrupt', () => {
  const rig = new Rig();
  rig.entry = 0x700;
  rig.line.set(true);
  expect(rig.sent).toEqual([]);
});
