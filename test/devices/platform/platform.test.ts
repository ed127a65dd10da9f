import { describe, expect, it } from 'vitest';
import { DebugConsole } from '../../../src/devices/debugcon/debug-console.js';
import { MemoryConsole } from '../../../src/devices/memory-console.js';
import { DiagnosticPort } from '../../../src/devices/platform/diagnostic-port.js';
import { KeyboardController } from '../../../src/devices/platform/keyboard-controller.js';
import { SystemControl } from '../../../src/devices/platform/system-control.js';
import { AcpiPmTimer } from '../../../src/devices/timer/acpi-pm-timer.js';
import { Ports, TestClock, TestLine, TestPower } from '../support.js';

describe('8042 keyboard controller with nothing plugged in', () => {
  function controller() {
    const power = new TestPower();
    const line = new TestLine();
    return { power, line, ports: new Ports(new KeyboardController(power, line)) };
  }

  it('says that its buffers are empty', () => {
    expect(controller().ports.read(0x64) & 0x03).toBe(0);
  });

  it('command 0xFE resets the machine', () => {
    const { ports, power } = controller();
    ports.write(0x64, 0xfe);
    expect(power.events).toEqual(['reset']);
  });

  it('passes its self-test, and finds no keyboard and no mouse', () => {
    const { ports } = controller();
    const answers = [0xaa, 0xab, 0xa9].map((command) => {
      ports.write(0x64, command);
      expect(ports.read(0x64) & 0x01).toBe(1);
      return ports.read(0x60);
    });
    expect(answers).toEqual([0x55, 0x01, 0x01]);
    expect(ports.read(0x64) & 0x01).toBe(0);
  });

  it('has the command byte that firmware leaves, and keeps another', () => {
    const { ports } = controller();
    ports.write(0x64, 0x20);
    expect(ports.read(0x60)).toBe(0x65);
    ports.write(0x64, 0x60);
    ports.write(0x60, 0x44);
    ports.write(0x64, 0x20);
    expect(ports.read(0x60)).toBe(0x44);
  });

  it('answers a byte for the keyboard with a timeout, by interrupt if enabled', () => {
    const { line, ports } = controller();
    ports.write(0x60, 0xff);
    expect(line.level).toBe(true);
    expect(ports.read(0x64) & 0x41).toBe(0x41);
    expect(ports.read(0x60)).toBe(0xfe);
    expect(line.level).toBe(false);
  });

  it('output port: bit 0 resets, A20 stays open', () => {
    const { ports, power } = controller();
    ports.write(0x64, 0xd1);
    ports.write(0x60, 0xdf);
    expect(power.events).toEqual([]);
    ports.write(0x64, 0xd1);
    ports.write(0x60, 0xde);
    expect(power.events).toEqual(['reset']);
  });
});

describe('port 0x92', () => {
  it('remembers A20 and resets when bit 0 rises', () => {
    const power = new TestPower();
    const ports = new Ports(new SystemControl(power));
    expect(ports.read(0x92)).toBe(0x02);
    ports.write(0x92, 0x00);
    expect(ports.read(0x92)).toBe(0x00);
    ports.write(0x92, 0x03);
    ports.write(0x92, 0x03);
    expect(power.events).toEqual(['reset']);
  });
});

describe('port 0x80', () => {
  it('keeps the last byte', () => {
    const ports = new Ports(new DiagnosticPort());
    ports.write(0x80, 0x5a);
    expect(ports.read(0x80)).toBe(0x5a);
  });
});

describe('port 0xE9', () => {
  it('prints what is written and reads 0xE9', () => {
    const console = new MemoryConsole();
    const device = new DebugConsole(console);
    const ports = new Ports(device);
    for (const character of 'boot') ports.write(0xe9, character.charCodeAt(0));
    device.flush();
    expect(console.text).toBe('boot');
    expect(ports.read(0xe9)).toBe(0xe9);
  });
});

describe('ACPI PM timer', () => {
  it('counts 24 bits at 3.579545 MHz', () => {
    const clock = new TestClock();
    const ports = new Ports(new AcpiPmTimer(clock));
    clock.time = 1e9;
    expect(ports.read(0x608, 4)).toBe(3_579_545);
    clock.time = 100e9;
    expect(ports.read(0x608, 4)).toBe(357_954_500 % 2 ** 24);
  });
});

describe('MemoryConsole', () => {
  it('bounds its input and keeps what the receiver does not take', () => {
    const console = new MemoryConsole(4);
    const got: number[] = [];
    let room = 0;
    console.connect((bytes) => {
      const taken = Math.min(room, bytes.length);
      got.push(...bytes.subarray(0, taken));
      room -= taken;
      return taken;
    });
    expect(console.send('abcdef')).toBe(4);
    expect(console.pendingInput).toBe(4);
    room = 3;
    console.ready();
    expect(String.fromCharCode(...got)).toBe('abc');
    expect(console.send('xyz')).toBe(3);
    expect(console.send('!')).toBe(0);
    room = 9;
    console.ready();
    expect(String.fromCharCode(...got)).toBe('abcdxyz');
  });
});
