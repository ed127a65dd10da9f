/**
 * The parts of the machine by name: what each is, whether a machine has it unless told otherwise, and how it is made.
 *
 * A device is one line here. `composeDevices` makes a machine's set; attaching it to the buses is the machine's work.
 * Leaves out the interrupt controllers' factories, as the others' lines come from them.
 */
import type { GuestMemory } from '../memory/guest-memory.js';
import type { Clock, Console, EntropySource, InterruptLine, PowerControl, WallClock } from './backends.js';
import { DebugConsole } from './debugcon/debug-console.js';
import type { BusDevice } from './device.js';
import { AcpiPower } from './exit/acpi-power.js';
import { DebugExit } from './exit/debug-exit.js';
import { ShutdownPort } from './exit/shutdown-port.js';
import { FwCfg } from './fw-cfg/fw-cfg.js';
import type { InterruptBus } from './interrupt/interrupt-message.js';
import { PicPair } from './interrupt/pic-pair.js';
import { IoApic } from './io-apic/io-apic.js';
import { DiagnosticPort } from './platform/diagnostic-port.js';
import { KeyboardController } from './platform/keyboard-controller.js';
import { SystemControl } from './platform/system-control.js';
import { Rtc146818 } from './rtc/rtc-146818.js';
import { Uart16550 } from './serial/uart-16550.js';
import { TestDevice } from './test-device/test-device.js';
import { AcpiPmTimer } from './timer/acpi-pm-timer.js';
import { Pit8254 } from './timer/pit-8254.js';
import { Block, type Disk } from './virtio/block/block.js';
import { Entropy } from './virtio/entropy/entropy.js';
import { type VirtioSlot, VirtioSlots, virtioMmio } from './virtio/slots.js';

const ISA_INTERRUPTS = 16;
/** No device has it: the slave 8259 is there. */
const CASCADE_INTERRUPT = 2;

/** What a machine gives its devices. */
export interface DeviceContext {
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly power: PowerControl;
  /** Where the I/O APIC's interrupts go: the local APIC. */
  readonly interruptBus: InterruptBus;
  /** RAM in bytes. */
  readonly ramBytes: number;
  /** The console of a device that has one, by the device's name. */
  console(device: string): Console;
  readonly entropy: EntropySource;
  /** Each is a device of its own, behind the registry's. */
  readonly disks?: readonly Disk[];
  /** RAM, once there is some: not while devices are made. */
  memory(): GuestMemory;
}

/** What a factory sees: the machine's backends and the interrupt controllers' inputs. */
export interface DevicePorts extends Omit<DeviceContext, 'interruptBus' | 'disks'> {
  /** 0–23 but 2, which is where the 8259s cascade; 16 and above go to the I/O APIC alone. */
  line(irq: number): InterruptLine;
  /** A place for one more virtio device on MMIO. Throws NoSlotError. */
  slot(): VirtioSlot;
}

export interface DeviceEntry {
  /** The device's name, as in `Device.name` and on the command line. */
  readonly name: string;
  /** One line for documentation and `--help`. */
  readonly summary: string;
  /** Part of a machine unless it is left out by name. */
  readonly standard: boolean;
  create(ports: DevicePorts): BusDevice;
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
  {
    name: 'shutdown-port',
    summary: 'Bochs\' power-off at 0x8900: the letters of "Shutdown"',
    standard: true,
    create: ({ power }) => new ShutdownPort(power),
  },
  {
    name: 'fw-cfg',
    summary: "QEMU's fw_cfg at 0x510: size of RAM, number of processors",
    standard: false,
    create: ({ ramBytes }) => new FwCfg(ramBytes),
  },
  {
    name: 'test-device',
    summary: "QEMU's pc-testdev: interrupt lines at 0x2000, ports at 0xe0, memory at 0xff000000",
    standard: false,
    create: ({ line }) =>
      new TestDevice({ line: (irq) => (irq === CASCADE_INTERRUPT ? undefined : line(irq)) }),
  },
  {
    name: 'virtio-rng',
    summary: 'virtio entropy device on MMIO: random bytes by the seed',
    standard: false,
    create: (ports) => virtioMmio('virtio-rng', new Entropy(ports.entropy), ports),
  },
];

/** The names of those that only a machine which asks for them has. */
export const optionalDevices: readonly string[] = deviceRegistry
  .filter((entry) => !entry.standard)
  .map((entry) => entry.name);

/** A name that no device has. */
export class UnknownDeviceError extends Error {
  readonly code = 'UNKNOWN_DEVICE';

  constructor(readonly device: string) {
    super(`there is no device ${device}; there are ${deviceRegistry.map(({ name }) => name).join(', ')}`);
    this.name = 'UnknownDeviceError';
  }
}

export interface ComposedDevices {
  /** The 8259s; also the first of `devices`. */
  readonly interruptController: PicPair;
  readonly ioApic: IoApic;
  /** In the order in which they reset, save and restore. */
  readonly devices: readonly BusDevice[];
  /** Of virtio on MMIO: a guest has to be told of them. */
  readonly virtioSlots: readonly VirtioSlot[];
}

/**
 * Makes the interrupt controllers, the standard devices and those that `extra` names, in the registry's order, and disks.
 * Throws UnknownDeviceError, NoSlotError.
 */
export function composeDevices(context: DeviceContext, extra: Iterable<string> = []): ComposedDevices {
  const wanted = new Set(extra);
  for (const name of wanted) {
    if (!deviceRegistry.some((entry) => entry.name === name)) throw new UnknownDeviceError(name);
  }
  const interruptController = new PicPair();
  const ioApic = new IoApic(context.interruptBus);
  const line = (irq: number): InterruptLine => inputOfBoth(interruptController, ioApic, irq);
  const slots = new VirtioSlots(line);
  const ports: DevicePorts = {
    clock: context.clock,
    wallClock: context.wallClock,
    power: context.power,
    ramBytes: context.ramBytes,
    entropy: context.entropy,
    console: (device) => context.console(device),
    memory: () => context.memory(),
    line,
    slot: () => slots.next(),
  };
  const chosen = deviceRegistry.filter((entry) => entry.standard || wanted.has(entry.name));
  const registered = chosen.map((entry) => entry.create(ports));
  const disks = (context.disks ?? []).map((disk, n) => virtioMmio(`virtio-blk-${n}`, new Block(disk), ports));
  return {
    interruptController,
    ioApic,
    devices: [interruptController, ioApic, ...registered, ...disks],
    virtioSlots: slots.taken,
  };
}

/** One of the 16 ISA interrupts reaches the 8259s and the I/O APIC, IRQ 0 as the latter's pin 2, as on every PC. */
function inputOfBoth(pic: PicPair, ioApic: IoApic, irq: number): InterruptLine {
  const pin = ioApic.line(irq === 0 ? CASCADE_INTERRUPT : irq);
  if (irq >= ISA_INTERRUPTS) return pin;
  const input = pic.line(irq);
  return {
    set: (asserted) => {
      input.set(asserted);
      pin.set(asserted);
    },
  };
}
