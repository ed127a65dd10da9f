/**
 * The parts of the machine by name: what each is, whether a machine has it unless told otherwise, and how it is made.
 *
 * A device is one line here. `composeDevices` makes a machine's set; attaching it to the buses is the machine's work.
 * Leaves out the interrupt controllers' factories, as the others' lines come from them.
 */
import type { Clock, Console, InterruptLine, PowerControl, WallClock } from './backends.js';
import { DebugConsole } from './debugcon/debug-console.js';
import type { PortDevice } from './device.js';
import { AcpiPower } from './exit/acpi-power.js';
import { DebugExit } from './exit/debug-exit.js';
import { PicPair } from './interrupt/pic-pair.js';
import { DiagnosticPort } from './platform/diagnostic-port.js';
import { KeyboardController } from './platform/keyboard-controller.js';
import { SystemControl } from './platform/system-control.js';
import { Rtc146818 } from './rtc/rtc-146818.js';
import { Uart16550 } from './serial/uart-16550.js';
import { AcpiPmTimer } from './timer/acpi-pm-timer.js';
import { Pit8254 } from './timer/pit-8254.js';

/** What a machine gives its devices. */
export interface DeviceContext {
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly power: PowerControl;
  /** RAM in bytes. */
  readonly ramBytes: number;
  /** The console of a device that has one, by the device's name. */
  console(device: string): Console;
}

/** What a factory sees: the machine's backends and the interrupt controller's inputs. */
export interface DevicePorts extends DeviceContext {
  line(irq: number): InterruptLine;
}

export interface DeviceEntry {
  /** The device's name, as in `Device.name` and on the command line. */
  readonly name: string;
  /** One line for documentation and `--help`. */
  readonly summary: string;
  /** Part of a machine unless it is left out by name. */
  readonly standard: boolean;
  create(ports: DevicePorts): PortDevice;
}

function serialPort(name: string, base: number, irq: number, standard: boolean): DeviceEntry {
  return {
    name,
    summary: `16550A serial port at 0x${base.toString(16)}, IRQ ${irq}`,
    standard,
    create: ({ clock, console, line }) =>
      new Uart16550({ name, base, clock, console: console(name), line: line(irq) }),
  };
}

export const deviceRegistry: readonly DeviceEntry[] = [
  {
    name: 'pit',
    summary: '8254 interval timer at 0x40, IRQ 0, and port 0x61',
    standard: true,
    create: ({ clock, line }) => new Pit8254({ clock, line: line(0) }),
  },
  {
    name: 'rtc',
    summary: 'MC146818A real-time clock and CMOS RAM at 0x70, IRQ 8',
    standard: true,
    create: ({ clock, wallClock, line, ramBytes }) =>
      new Rtc146818({ clock, wallClock, line: line(8), ramBytes }),
  },
  serialPort('com1', 0x3f8, 4, true),
  serialPort('com2', 0x2f8, 3, false),
  serialPort('com3', 0x3e8, 4, false),
  serialPort('com4', 0x2e8, 3, false),
  {
    name: 'debugcon',
    summary: 'debug console at 0xe9',
    standard: true,
    create: ({ console }) => new DebugConsole(console('debugcon')),
  },
  {
    name: 'debug-exit',
    summary: 'exit ports at 0xf4 and 0x501: status (value << 1) | 1',
    standard: true,
    create: ({ power }) => new DebugExit(power),
  },
  {
    name: 'acpi-power',
    summary: 'ACPI power-off (PM1a) at 0x600',
    standard: true,
    create: ({ power }) => new AcpiPower(power),
  },
  {
    name: 'acpi-pm-timer',
    summary: 'ACPI power management timer at 0x608',
    standard: true,
    create: ({ clock }) => new AcpiPmTimer(clock),
  },
  {
    name: 'keyboard-controller',
    summary: '8042 keyboard controller at 0x60, nothing plugged in, IRQ 1',
    standard: true,
    create: ({ power, line }) => new KeyboardController(power, line(1)),
  },
  {
    name: 'system-control',
    summary: 'system control port A at 0x92: fast reset and A20',
    standard: true,
    create: ({ power }) => new SystemControl(power),
  },
  {
    name: 'diagnostic-port',
    summary: 'POST code and delay port 0x80',
    standard: true,
    create: () => new DiagnosticPort(),
  },
];

/** A name that no device has. */
export class UnknownDeviceError extends Error {
  readonly code = 'UNKNOWN_DEVICE';

  constructor(readonly device: string) {
    super(`there is no device ${device}; there are ${deviceRegistry.map(({ name }) => name).join(', ')}`);
    this.name = 'UnknownDeviceError';
  }
}

export interface ComposedDevices {
  /** The CPU's interrupt source; also the first of `devices`. */
  readonly interruptController: PicPair;
  /** In the order in which they reset, save and restore. */
  readonly devices: readonly PortDevice[];
}

/**
 * Makes the interrupt controller and the named devices, or the standard ones, in the registry's order.
 * Throws UnknownDeviceError.
 */
export function composeDevices(context: DeviceContext, names?: Iterable<string>): ComposedDevices {
  const wanted = names ? new Set(names) : undefined;
  for (const name of wanted ?? []) {
    if (!deviceRegistry.some((entry) => entry.name === name)) throw new UnknownDeviceError(name);
  }
  const interruptController = new PicPair();
  const ports: DevicePorts = {
    clock: context.clock,
    wallClock: context.wallClock,
    power: context.power,
    ramBytes: context.ramBytes,
    console: (device) => context.console(device),
    line: (irq) => interruptController.line(irq),
  };
  const chosen = deviceRegistry.filter((entry) => (wanted ? wanted.has(entry.name) : entry.standard));
  return {
    interruptController,
    devices: [interruptController, ...chosen.map((entry) => entry.create(ports))],
  };
}
