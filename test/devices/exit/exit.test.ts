import { describe, expect, it } from 'vitest';
import { AcpiPower } from '../../../src/devices/exit/acpi-power.js';
import { DebugExit } from '../../../src/devices/exit/debug-exit.js';
import { Ports, TestPower } from '../support.js';

describe('isa-debug-exit', () => {
  it.each([
    [0xf4, 0x00, 1],
    [0xf4, 0x10, 0x21],
    [0x501, 0x29, 0x53],
    [0x501, 0xff, 0xff],
  ])('port %i: value %i gives status %i', (port, value, status) => {
    const power = new TestPower();
    new Ports(new DebugExit(power)).write(port, value);
    expect(power.events).toEqual([`exit ${status}`]);
  });

  it('keeps 8 bits of a wide value', () => {
    const power = new TestPower();
    new Ports(new DebugExit(power)).write(0xf4, 0xffffff01, 4);
    expect(power.events).toEqual(['exit 3']);
  });
});

describe('ACPI PM1a control', () => {
  it.each([0x2000, 0x3400])('SLP_EN with S5: %i turns the power off', (value) => {
    const power = new TestPower();
    new Ports(new AcpiPower(power)).write(0x604, value, 2);
    expect(power.events).toEqual(['off']);
  });

  it('SLP_EN in a write of the high byte alone turns the power off', () => {
    const power = new TestPower();
    new Ports(new AcpiPower(power)).write(0x605, 0x34);
    expect(power.events).toEqual(['off']);
  });

  it.each([0x0000, 0x1400, 0x2800, 0x2c00])('%i does nothing: no SLP_EN, or another sleep state', (value) => {
    const power = new TestPower();
    const ports = new Ports(new AcpiPower(power));
    ports.write(0x604, value, 2);
    expect(power.events).toEqual([]);
    expect(ports.read(0x604, 2)).toBe((value & ~0x2000) | 1);
  });

  it.each([
    [0x0400, 'suspend until the alarm'],
    [0x0120, 'suspend'],
  ])('sleeps in S3, with events %i enabled: %s', (enable, event) => {
    const power = new TestPower();
    const ports = new Ports(new AcpiPower(power));
    ports.write(0x602, enable, 2);

    ports.write(0x604, 0x2400, 2);

    expect(power.events).toEqual([event]);
    expect(ports.read(0x600, 2)).toBe(0x8400);
    ports.write(0x600, 0x8000, 2);
    expect(ports.read(0x600, 2)).toBe(0x0400);
  });

  it('has no event pending, and keeps the enables', () => {
    const ports = new Ports(new AcpiPower(new TestPower()));
    ports.write(0x602, 0x0120, 2);
    expect([ports.read(0x600, 2), ports.read(0x602, 2)]).toEqual([0, 0x0120]);
  });
});
