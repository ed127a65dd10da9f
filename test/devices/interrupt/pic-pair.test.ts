import { describe, expect, it } from 'vitest';
import { PicPair } from '../../../src/devices/interrupt/pic-pair.js';
import { Ports } from '../support.js';

const EOI = 0x20;

/** A pair as drivers set it up: vectors 0x20–0x2F, everything unmasked. */
function pic(icw4 = 0x01) {
  const device = new PicPair();
  const ports = new Ports(device);
  const changes: boolean[] = [];
  device.onChange = (asserted) => changes.push(asserted);
  for (const [base, vector, wiring] of [
    [0x20, 0x20, 0x04],
    [0xa0, 0x28, 0x02],
  ] as const) {
    ports.write(base, 0x11);
    ports.write(base + 1, vector);
    ports.write(base + 1, wiring);
    ports.write(base + 1, icw4);
  }
  const lines = Array.from({ length: 16 }, (_, irq) => (irq === 2 ? undefined : device.line(irq)));
  const set = (irq: number, level: boolean) => lines[irq]?.set(level);
  const pulse = (irq: number) => {
    set(irq, false);
    set(irq, true);
  };
  const read = (port: number, word: number) => {
    ports.write(port, word);
    return ports.read(port);
  };
  return {
    device,
    ports,
    changes,
    set,
    pulse,
    requests: (port = 0x20) => read(port, 0x0a),
    inService: (port = 0x20) => read(port, 0x0b),
  };
}

describe('8259A interrupt sequence', () => {
  it('gives the vector of ICW2 and puts the level in service', () => {
    const { device, set, changes, inService, requests } = pic();
    set(4, true);
    expect(device.pending()).toBe(true);
    expect(requests()).toBe(0x10);

    expect(device.acknowledge()).toBe(0x24);

    expect(device.pending()).toBe(false);
    expect(inService()).toBe(0x10);
    expect(requests()).toBe(0x00);
    expect(changes).toEqual([true, false]);
  });

  it('edge mode: a line that stays high asks once; a new edge asks again', () => {
    const { device, ports, set, pulse } = pic();
    set(3, true);
    device.acknowledge();
    ports.write(0x20, EOI);
    expect(device.pending()).toBe(false);

    pulse(3);

    expect(device.pending()).toBe(true);
  });

  it('level mode by ELCR: a line that stays high asks again after EOI', () => {
    const { device, ports, set } = pic();
    ports.write(0x4d1, 0x08);
    expect(ports.read(0x4d1)).toBe(0x08);
    set(11, true);
    expect(device.acknowledge()).toBe(0x2b);
    ports.write(0xa0, EOI);
    ports.write(0x20, EOI);
    expect(device.pending()).toBe(true);

    set(11, false);

    expect(device.pending()).toBe(false);
  });

  it('ELCR: the timer, keyboard, cascade, RTC and coprocessor stay edge-triggered', () => {
    const { ports } = pic();
    ports.write(0x4d0, 0xff);
    ports.write(0x4d1, 0xff);
    expect([ports.read(0x4d0), ports.read(0x4d1)]).toEqual([0xf8, 0xde]);
  });

  it('serves the higher priority first and holds the lower back until EOI', () => {
    const { device, ports, set } = pic();
    set(5, true);
    set(1, true);
    expect(device.acknowledge()).toBe(0x21);
    expect(device.pending()).toBe(false);
    ports.write(0x20, EOI);
    expect(device.acknowledge()).toBe(0x25);
    set(0, true);
    expect(device.acknowledge()).toBe(0x20);
  });

  it('OCW1 masks; a masked request waits', () => {
    const { device, ports, set } = pic();
    ports.write(0x21, 0x10);
    set(4, true);
    expect(device.pending()).toBe(false);
    expect(ports.read(0x21)).toBe(0x10);
    ports.write(0x21, 0x00);
    expect(device.pending()).toBe(true);
  });

  it('a request that falls before it is acknowledged is spurious: IR7, nothing in service', () => {
    const { device, set, inService } = pic();
    set(4, true);
    set(4, false);
    expect(device.pending()).toBe(false);
    expect(device.acknowledge()).toBe(0x27);
    expect(inService()).toBe(0);
  });
});

describe('8259A cascade', () => {
  it('acknowledges master and slave; both need an EOI', () => {
    const { device, ports, set, inService } = pic();
    set(8, true);
    expect(device.acknowledge()).toBe(0x28);
    expect([inService(0x20), inService(0xa0)]).toEqual([0x04, 0x01]);
    ports.write(0xa0, EOI);
    set(9, true);
    expect(device.pending()).toBe(false);
    ports.write(0x20, EOI);
    expect(device.acknowledge()).toBe(0x29);
  });

  it('a second slave request comes through after the first was served', () => {
    const { device, ports, set } = pic();
    set(12, true);
    set(14, true);
    expect(device.acknowledge()).toBe(0x2c);
    ports.write(0xa0, EOI);
    ports.write(0x20, EOI);
    expect(device.acknowledge()).toBe(0x2e);
  });

  it('special fully nested mode lets a higher slave request through at once', () => {
    const { device, set } = pic(0x11);
    set(12, true);
    expect(device.acknowledge()).toBe(0x2c);
    set(8, true);
    expect(device.pending()).toBe(true);
    expect(device.acknowledge()).toBe(0x28);
  });

  it('a slave request that was polled away leaves only a spurious IRQ7', () => {
    const { device, ports, set, inService } = pic();
    set(10, true);
    ports.write(0xa0, 0x0c);
    expect(ports.read(0xa0)).toBe(0x82);
    expect(device.pending()).toBe(false);
    expect(device.acknowledge()).toBe(0x27);
    expect(inService(0xa0)).toBe(0x04);
  });

  it('devices that share a line are wired by OR', () => {
    const { device, set, ports } = pic();
    const second = device.line(5);
    ports.write(0x4d0, 0x20);
    set(5, true);
    second.set(true);
    set(5, false);
    expect(device.pending()).toBe(true);
    second.set(false);
    expect(device.pending()).toBe(false);
  });

  it('has no input 2, 16 or 1.5', () => {
    const { device } = pic();
    for (const irq of [2, 16, -1, 1.5]) expect(() => device.line(irq)).toThrow(RangeError);
  });
});

describe('8259A command words', () => {
  it('ICW1 clears IMR, ISR and edges, and holds INT until the sequence is over', () => {
    const { device, ports, set } = pic();
    set(1, true);
    device.acknowledge();
    ports.write(0x20, 0x11);
    expect(ports.read(0x20)).toBe(0);
    set(3, true);
    expect(device.pending()).toBe(false);
    ports.write(0x21, 0x40);
    ports.write(0x21, 0x04);
    ports.write(0x21, 0x01);
    expect(device.acknowledge()).toBe(0x43);
  });

  it('ICW1 with SNGL and without IC4 needs only ICW2', () => {
    const { device, ports, set } = pic();
    ports.write(0x20, 0x12);
    ports.write(0x21, 0x50);
    ports.write(0x21, 0xfe); // already OCW1
    set(0, true);
    expect(device.acknowledge()).toBe(0x50);
    expect(ports.read(0x21)).toBe(0xfe);
  });

  it('automatic EOI leaves nothing in service; rotation makes the served level the lowest', () => {
    const { device, ports, set, pulse, inService } = pic(0x03);
    ports.write(0x20, 0x80);
    set(0, true);
    set(1, true);
    expect(device.acknowledge()).toBe(0x20);
    expect(inService()).toBe(0);
    pulse(0);
    expect(device.acknowledge()).toBe(0x21);
    expect(device.acknowledge()).toBe(0x20);
  });

  it('specific EOI ends the level it names', () => {
    const { device, ports, set, inService } = pic();
    set(6, true);
    device.acknowledge();
    set(1, true);
    device.acknowledge();
    ports.write(0x20, 0x66);
    expect(inService()).toBe(0x02);
  });

  it('rotate on non-specific EOI', () => {
    const { device, ports, set, pulse } = pic();
    set(3, true);
    device.acknowledge();
    ports.write(0x20, 0xa0);
    pulse(3);
    set(4, true);
    expect(device.acknowledge()).toBe(0x24);
  });

  it('set priority makes the level after the named one the highest', () => {
    const { device, ports, set } = pic();
    ports.write(0x20, 0xc4);
    set(0, true);
    set(5, true);
    expect(device.acknowledge()).toBe(0x25);
  });

  it('special mask mode lets lower levels through while a masked level is in service', () => {
    const { device, ports, set } = pic();
    set(1, true);
    device.acknowledge();
    set(6, true);
    expect(device.pending()).toBe(false);
    ports.write(0x21, 0x02);
    ports.write(0x20, 0x68);
    expect(device.acknowledge()).toBe(0x26);
    ports.write(0x20, EOI); // does not see the masked level 1
    ports.write(0x20, EOI);
    ports.write(0x20, 0x0b);
    expect(ports.read(0x20)).toBe(0x02);
  });

  it('poll: the next read acknowledges and tells the level', () => {
    const { device, ports, set, inService } = pic();
    set(4, true);
    ports.write(0x20, 0x0c);
    expect(ports.read(0x20)).toBe(0x84);
    expect(device.pending()).toBe(false);
    expect(inService()).toBe(0x10);
    ports.write(0x20, 0x0c);
    expect(ports.read(0x20)).toBe(0x00);
  });
});
