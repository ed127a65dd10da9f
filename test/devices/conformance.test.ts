import { describe, expect, it } from 'vitest';
import { MemoryBlock } from '../../src/devices/block/memory-block.js';
import { PicPair } from '../../src/devices/interrupt/pic-pair.js';
import { MemoryConsole } from '../../src/devices/memory-console.js';
import {
  composeDevices,
  deviceRegistry,
  optionalDevices,
  UnknownDeviceError,
} from '../../src/devices/registry.js';
import { PIT_FREQUENCY, timeOfTick } from '../../src/devices/timer/ticks.js';
import { Block } from '../../src/devices/virtio/block/block.js';
import { NoSlotError, VirtioSlots, virtioMmio } from '../../src/devices/virtio/slots.js';
import { MmioBus } from '../../src/hypervisor/buses/mmio-bus.js';
import { PortBus } from '../../src/hypervisor/buses/port-bus.js';
import { VirtualClock } from '../../src/hypervisor/virtual-clock.js';
import { GuestMemory } from '../../src/memory/guest-memory.js';
import { conforms } from './conformance.js';
import { AllAsPorts, TestClock, TestConsole, TestLine, TestPower } from './support.js';

for (const entry of deviceRegistry) {
  conforms(
    entry.name,
    (rig) =>
      new AllAsPorts(
        entry.create({
          clock: rig.clock,
          wallClock: rig.clock,
          power: rig.power,
          ramBytes: 64 << 20,
          console: () => rig.console,
          line: () => rig.line(),
          entropy: { bytes: (_from, count) => new Uint8Array(count) },
          memory: () => rig.memory,
          slot: () => ({ base: 0xfeb00000, length: 0x200, irq: 5, line: rig.line() }),
        }),
      ),
  );
}

conforms('pic', () => new PicPair());

conforms(
  'virtio-blk',
  (rig) =>
    new AllAsPorts(
      virtioMmio('virtio-blk', new Block({ backend: new MemoryBlock(new Uint8Array(4096)), queues: 2 }), {
        clock: rig.clock,
        memory: () => rig.memory,
        slot: () => ({ base: 0xfeb00000, length: 0x200, irq: 5, line: rig.line() }),
      }),
    ),
);

describe('composeDevices', () => {
  const clock = new TestClock();
  const context = {
    clock,
    wallClock: clock,
    power: new TestPower(),
    interruptBus: { send: () => true },
    ramBytes: 1 << 20,
    console: () => new TestConsole(),
    entropy: { bytes: (_from: number, count: number) => new Uint8Array(count) },
    memory: () => GuestMemory.standalone(1 << 20),
  };

  it('makes devices that all fit into one machine under their own names', () => {
    const ports = new PortBus();
    const memory = new MmioBus();
    const { devices, interruptController } = composeDevices(context, optionalDevices);

    for (const device of devices) {
      if ('portRegions' in device) ports.attach(device);
      if ('mmioRegions' in device) memory.attach(device);
    }

    expect(devices[0]).toBe(interruptController);
    expect(new Set(devices.map((device) => device.name)).size).toBe(devices.length);
  });

  it('makes the standard devices, and others only when asked', () => {
    const names = (extra?: string[]) => composeDevices(context, extra).devices.map((device) => device.name);

    expect(names()).toContain('com1');
    expect(names()).not.toContain('com2');
    expect(names(['com2'])).toContain('com2');
  });

  it('gives every device the name of its registry line', () => {
    const names = deviceRegistry.map((entry) => entry.name);

    const { devices } = composeDevices(context, names);

    expect(devices.map((device) => device.name)).toEqual(['pic', 'io-apic', ...names]);
  });

  it('wires the timer and the serial port to the interrupt controller', () => {
    const cpu = { instructions: 0 };
    const virtual = new VirtualClock({ instructions: () => cpu.instructions });
    const console = new MemoryConsole();
    const { devices, interruptController } = composeDevices({
      ...context,
      clock: virtual,
      wallClock: virtual,
      console: () => console,
    });
    const bus = new PortBus();
    for (const device of devices) if ('portRegions' in device) bus.attach(device);
    // ICW1–ICW4 with vectors from 0x20, all masked but IRQ0 and IRQ4.
    for (const value of [0x20, 0x04, 0x01, 0xee]) {
      if (value === 0x20) bus.write(0x20, 1, 0x11);
      bus.write(0x21, 1, value);
    }
    bus.write(0x43, 1, 0x30);
    bus.write(0x40, 1, 0x10);
    bus.write(0x40, 1, 0x00);
    bus.write(0x3f9, 1, 0x01);
    bus.write(0x3fc, 1, 0x08);

    virtual.skipToTimer();
    virtual.runDue();
    virtual.skipToTimer();
    virtual.runDue();
    console.send('x');

    expect(virtual.now()).toBe(timeOfTick(0x11n, PIT_FREQUENCY));
    expect(interruptController.pending()).toBe(true);
    expect(interruptController.acknowledge()).toBe(0x20);
    bus.write(0x20, 1, 0x20);
    expect(interruptController.acknowledge()).toBe(0x24);
    expect(bus.read(0x3f8, 1)).toBe(0x78);
  });

  it('gives virtio devices places and interrupts of their own, as long as there are some', () => {
    const slots = new VirtioSlots(() => new TestLine());

    for (let n = 0; n < 8; n++) slots.next();

    expect(slots.taken.map(({ base }) => base)).toEqual(
      Array.from({ length: 8 }, (_, n) => 0xfeb00000 + 0x200 * n),
    );
    expect(new Set(slots.taken.map(({ irq }) => irq)).size).toBe(8);
    expect(() => slots.next()).toThrow(NoSlotError);
    expect(composeDevices(context, ['virtio-rng']).virtioSlots).toMatchObject([{ base: 0xfeb00000, irq: 5 }]);
    expect(composeDevices(context).virtioSlots).toEqual([]);
  });

  it('refuses a name that no device has', () => {
    expect(() => composeDevices(context, ['com1', 'com9'])).toThrow(UnknownDeviceError);
  });
});
