import { describe, expect, it } from 'vitest';
import { PicPair } from '../../src/devices/interrupt/pic-pair.js';
import { composeDevices, deviceRegistry, UnknownDeviceError } from '../../src/devices/registry.js';
import { PortBus } from '../../src/hypervisor/buses/port-bus.js';
import { conforms } from './conformance.js';
import { TestClock, TestConsole, TestPower } from './support.js';

for (const entry of deviceRegistry) {
  conforms(entry.name, (rig) =>
    entry.create({
      clock: rig.clock,
      wallClock: rig.clock,
      power: rig.power,
      ramBytes: 64 << 20,
      console: () => rig.console,
      line: () => rig.line(),
    }),
  );
}

conforms('pic', () => new PicPair());

describe('composeDevices', () => {
  const clock = new TestClock();
  const context = {
    clock,
    wallClock: clock,
    power: new TestPower(),
    ramBytes: 1 << 20,
    console: () => new TestConsole(),
  };

  it('makes a standard machine whose devices fit on one bus under their own names', () => {
    const bus = new PortBus();
    const { devices, interruptController } = composeDevices(context);

    for (const device of devices) bus.attach(device);

    expect(devices[0]).toBe(interruptController);
    expect(new Set(devices.map((device) => device.name)).size).toBe(devices.length);
    expect(devices.map((device) => device.name)).toContain('com1');
    expect(devices.map((device) => device.name)).not.toContain('com2');
  });

  it('gives every device the name of its registry line', () => {
    const names = deviceRegistry.map((entry) => entry.name);

    const { devices } = composeDevices(context, names);

    expect(devices.map((device) => device.name)).toEqual(['pic', ...names]);
  });

  it('refuses a name that no device has', () => {
    expect(() => composeDevices(context, ['com1', 'com9'])).toThrow(UnknownDeviceError);
  });
});
