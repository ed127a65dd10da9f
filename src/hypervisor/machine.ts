/**
 * The composition root: an image and a configuration become a machine that can be run. Everything that a guest sees
 * is wired here; everything that the host supplies comes in by the configuration. Runs in a browser as in Node.
 */
import { boot } from '../boot/boot.js';
import type { BootModule } from '../boot/boot-types.js';
import type { UnimplementedInstruction } from '../cpu/bus.js';
import { Cpu } from '../cpu/cpu.js';
import { TSC_KILOHERTZ } from '../cpu/system/features.js';
import { loadInterpreter } from '../cpu/tiers/interpreter/load.js';
import type { Console, PowerControl } from '../devices/backends.js';
import type { PortDevice } from '../devices/device.js';
import { MemoryConsole } from '../devices/memory-console.js';
import { composeDevices } from '../devices/registry.js';
import { detectImage } from '../image/detect.js';
import type { Image, Protocol } from '../image/image.js';
import type { GuestMemory } from '../memory/guest-memory.js';
import { MAX_RAM } from '../memory/layout.js';
import { MmioBus } from './buses/mmio-bus.js';
import { PortBus } from './buses/port-bus.js';
import { HostClock } from './host-clock.js';
import { Wake } from './pause.js';
import { type MachineReport, reportOn } from './report.js';
import { type PowerRequest, type Runnable, runLoop } from './run-loop.js';
import type { RunOptions, RunResult } from './run-result.js';
import { type MachineClock, VirtualClock } from './virtual-clock.js';

export interface MachineConfig {
  /** The image file's bytes; not copied, so they must not change before `create` resolves. */
  readonly image: Uint8Array;
  /** First word of the multiboot command line, as a rule the file's name. */
  readonly imageName?: string;
  readonly protocol?: Protocol;
  /** RAM in bytes, a multiple of 64 KiB from 1 MiB to 3 GiB; 64 MiB unless given. */
  readonly memory?: number;
  readonly commandLine?: string;
  readonly modules?: readonly BootModule[];
  /** Virtual time follows the instruction count and is the same in every run; host time passes by itself. */
  readonly clock?: 'virtual' | 'host';
  /** Seeds every random number that the guest is given, 0 to 2^53 − 1; 0 unless given. */
  readonly seed?: number;
  /** What the first serial port is connected to; a `MemoryConsole` unless given. */
  readonly console?: Console;
  /** What the debug console at port 0xE9 is connected to; a `MemoryConsole` unless given. */
  readonly debugConsole?: Console;
  /** Told of each instruction that the guest ran and this version does not have; the guest gets #UD. */
  readonly onUnimplemented?: (instruction: UnimplementedInstruction) => void;
}

export type MachineErrorCode = 'bad-memory-size' | 'bad-seed' | 'already-running';

/** A configuration that cannot be, or a machine used out of turn. */
export class MachineError extends Error {
  constructor(
    readonly code: MachineErrorCode,
    message: string,
  ) {
    super(message);
    this.name = 'MachineError';
  }
}

/**
 * Nanoseconds, as on a PC's ISA bus. Kernels measure their clocks against the timer by reading it over and over: were
 * a read no slower than another instruction, that would take them millions of reads.
 */
const PORT_ACCESS_TIME = 1000;

const DEFAULT_MEMORY = 64 << 20;
const SMALLEST_MEMORY = 1 << 20;

export class Machine {
  readonly #cpu: Cpu;
  readonly #runnable: Runnable;
  readonly #console: Console;
  readonly #image: Image;
  #running = false;

  /**
   * @throws ImageError if the image cannot be understood, BootError if it does not fit, MachineError for a
   * configuration that cannot be
   */
  static async create(config: MachineConfig): Promise<Machine> {
    checkMemory(config.memory ?? DEFAULT_MEMORY);
    checkSeed(config.seed ?? 0);
    const image = detectImage(config.image, config.protocol ?? 'auto');
    const interpreter = await loadInterpreter();
    return new Machine(config, image, (options) => new Cpu({ ...options, interpreter }));
  }

  private constructor(
    config: MachineConfig,
    image: Image,
    makeCpu: (options: Omit<ConstructorParameters<typeof Cpu>[0], 'interpreter'>) => Cpu,
  ) {
    const ports = new PortBus();
    const mmio = new MmioBus();
    const wake = new Wake();
    const ramSize = config.memory ?? DEFAULT_MEMORY;
    let request: PowerRequest | undefined;
    // Devices ask for the time while they are made, before there is a CPU.
    let instructions = (): number => 0;
    let limit = (_instructions: number): void => {};
    const clock: MachineClock =
      config.clock === 'host'
        ? new HostClock()
        : new VirtualClock({ instructions: () => instructions(), onNearer: (left) => limit(left) });
    const ask = (what: PowerRequest): void => {
      request ??= what;
      this.#cpu.stop();
    };
    const power: PowerControl = {
      exit: (status) => ask({ kind: 'exit', status }),
      powerOff: () => ask({ kind: 'exit', status: 0 }),
      reset: () => ask({ kind: 'reset' }),
    };
    const { onUnimplemented } = config;
    this.#image = image;
    this.#console = config.console ?? new MemoryConsole();
    const consoles = new Map<string, Console>([
      ['com1', this.#console],
      ['debugcon', config.debugConsole ?? closedConsole()],
    ]);
    const { interruptController, devices } = composeDevices({
      clock,
      wallClock: clock,
      power,
      ramBytes: ramSize,
      console: (name) => consoles.get(name) ?? closedConsole(),
    });
    this.#cpu = makeCpu({
      ramSize,
      seed: config.seed ?? 0,
      interrupts: interruptController,
      cycles: () => Math.floor((clock.now() * TSC_KILOHERTZ) / 1e6),
      bus: {
        readPort: (port, width) => {
          clock.wait(PORT_ACCESS_TIME);
          return ports.read(port, width);
        },
        writePort: (port, width, value) => {
          clock.wait(PORT_ACCESS_TIME);
          ports.write(port, width, value);
        },
        readMemory: (address, width) => mmio.read(address, width),
        writeMemory: (address, width, value) => mmio.write(address, width, value),
      },
      ...(onUnimplemented && { onUnimplemented }),
    });
    instructions = () => this.#cpu.retired;
    limit = (left) => this.#cpu.limit(left);
    for (const device of devices) ports.attach(device);
    interruptController.onChange = (asserted) => {
      if (!asserted) return;
      this.#cpu.interruptRaised();
      wake.raise();
    };
    for (const console of consoles.values()) console.onClosed = () => wake.raise();
    const { commandLine = '', modules = [], imageName } = config;
    const registers = boot(image.plan, this.#cpu.memory, {
      commandLine,
      modules,
      ...(imageName !== undefined && { imageName }),
    });
    this.#cpu.start(registers);
    this.#runnable = {
      cpu: this.#cpu,
      clock,
      realTime: config.clock === 'host',
      devices: devices as readonly PortDevice[],
      consoles: [...consoles.values()],
      wake,
      interruptPending: () => interruptController.pending(),
      takePowerRequest: () => {
        const taken = request;
        request = undefined;
        return taken;
      },
      report: () => this.report(),
    };
  }

  /** Runs until the guest ends or a limit is met; after a limit it can be run on. */
  async run(options: RunOptions = {}): Promise<RunResult> {
    if (this.#running) throw new MachineError('already-running', 'the machine is running already');
    this.#running = true;
    try {
      return await runLoop(this.#runnable, options);
    } finally {
      this.#running = false;
    }
  }

  /** What the first serial port is connected to. */
  get console(): Console {
    return this.#console;
  }

  get memory(): GuestMemory {
    return this.#cpu.memory;
  }

  /** Instructions begun and exceptions taken since the start. */
  get instructions(): number {
    return this.#cpu.retired;
  }

  /** Registers and backtrace as they stand. */
  report(): MachineReport {
    return reportOn(this.#cpu, this.#image.elf?.symbols);
  }

  /** SHA-256 of the guest's RAM, in hexadecimal. */
  async memoryHash(): Promise<string> {
    const { memory } = this;
    const low = memory.bytes(0, 0xa0000) ?? new Uint8Array(0);
    const high = memory.bytes(0xc0000, memory.size - 0xc0000) ?? new Uint8Array(0);
    const bytes = new Uint8Array(low.length + high.length);
    bytes.set(low);
    bytes.set(high, low.length);
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  }
}

function closedConsole(): MemoryConsole {
  const console = new MemoryConsole();
  console.close();
  return console;
}

function checkMemory(memory: number): void {
  if (Number.isInteger(memory) && memory >= SMALLEST_MEMORY && memory <= MAX_RAM && memory % 65536 === 0)
    return;
  throw new MachineError(
    'bad-memory-size',
    `memory of ${memory} bytes: it must be a multiple of 64 KiB from 1 MiB to ${MAX_RAM / 2 ** 20} MiB`,
  );
}

function checkSeed(seed: number): void {
  if (Number.isSafeInteger(seed) && seed >= 0) return;
  throw new MachineError('bad-seed', `seed ${seed}: it must be an integer from 0 to 2^53 − 1`);
}
