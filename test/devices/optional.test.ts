/** The devices that a machine has only when asked: fw_cfg and the test device; and the shutdown port beside them. */
import { describe, expect, it } from 'vitest';
import { ShutdownPort } from '../../src/devices/exit/shutdown-port.js';
import { FwCfg } from '../../src/devices/fw-cfg/fw-cfg.js';
import { TestDevice } from '../../src/devices/test-device/test-device.js';
import { Ports, TestLine, TestPower } from './support.js';

describe('fw_cfg', () => {
  const item = (ports: Ports, number: number, bytes: number): number[] => {
    ports.write(0x510, number, 2);
    return Array.from({ length: bytes }, () => ports.read(0x511));
  };

  it.each([
    ['the signature', 0x00, [0x51, 0x45, 0x4d, 0x55]],
    ['the traditional interface', 0x01, [1, 0, 0, 0]],
    ['the size of RAM', 0x03, [0, 0, 0, 0xc0, 0, 0, 0, 0]],
    ['one processor', 0x05, [1, 0]],
    ['one processor at most', 0x0f, [1, 0]],
    ['no files', 0x19, [0, 0, 0, 0]],
    ['zeros for what is not there', 0x11, [0, 0, 0, 0]],
  ])('tells %s', (_name, number, bytes) => {
    const ports = new Ports(new FwCfg(0xc0000000));
    expect(item(ports, number, bytes.length)).toEqual(bytes);
  });

  it('begins again with each selection and reads zeros past the end', () => {
    const ports = new Ports(new FwCfg(1 << 20));
    expect(item(ports, 0, 2)).toEqual([0x51, 0x45]);
    expect(item(ports, 0, 6)).toEqual([0x51, 0x45, 0x4d, 0x55, 0, 0]);
  });
});

describe('the test device', () => {
  function make(): { ports: Ports; device: TestDevice; lines: (TestLine | undefined)[] } {
    const lines: (TestLine | undefined)[] = [];
    const line = (irq: number): TestLine | undefined => {
      lines[irq] = irq === 2 ? undefined : new TestLine();
      return lines[irq];
    };
    const device = new TestDevice({ line });
    return { ports: new Ports(device), device, lines };
  }

  it('drives the line that the port names', () => {
    const { ports, lines } = make();
    ports.write(0x200e, 1);
    ports.write(0x2002, 1);
    expect(lines.map((line) => line?.level).indexOf(true)).toBe(14);
    ports.write(0x200e, 0);
    expect([lines[14]?.level, lines[14]?.rises]).toEqual([false, 1]);
  });

  it('keeps what is written to its ports, byte by byte', () => {
    const { ports } = make();
    ports.write(0xe0, 0x12345678, 4);
    ports.write(0xe1, 0xab);
    expect([ports.read(0xe0, 4), ports.read(0xe2, 2)]).toEqual([0x1234ab78, 0x1234]);
  });

  it('keeps what is written to its memory', () => {
    const { device } = make();
    device.writeMmio(0, 0xffc, 4, 0xdeadbeef);
    expect([device.readMmio(0, 0xffe, 2), device.readMmio(0, 0xffe, 4)]).toEqual([0xdead, 0xdead]);
  });

  it('takes a flush as done', () => {
    const { ports } = make();
    ports.write(0xe4, 0x1000, 4);
    expect(ports.read(0xe4, 4)).toBe(0);
  });
});

describe('the shutdown port', () => {
  it.each([
    ['Shutdown', ['off']],
    ['Shutdow', []],
    ['ShutShutdown', ['off']],
    ['SShutdown', ['off']],
    ['Shut down', []],
    ['ShutdownShutdown', ['off', 'off']],
  ])('reads %s', (text, events) => {
    const power = new TestPower();
    const ports = new Ports(new ShutdownPort(power));
    for (const letter of text) ports.write(0x8900, letter.charCodeAt(0));
    expect(power.events).toEqual(events);
  });
});
