/**
 * The composition root: an image and a configuration become a machine that can be run. Everything that a guest sees
 * is wired here; everything that the host supplies comes in by the configuration. Runs in a browser as in Node.
 */
import { boot } from '../boot/boot.js';
import { Cpu, type RegionRecord } from '../cpu/cpu.js';
import { cpuModel, DEFAULT_CPU_MODEL } from '../cpu/system/cpu-model.js';
import { TSC_KILOHERTZ } from '../cpu/system/features.js';
import { loadInterpreter } from '../cpu/tiers/interpreter/load.js';
import { loadRegions } from '../cpu/tiers/regions/load.js';
import type { Console, PowerControl } from '../devices/backends.js';
import type { InterruptBus } from '../devices/interrupt/interrupt-message.js';
import { MemoryConsole } from '../devices/memory-console.js';
import { NullConsole } from '../devices/null-console.js';
import { composeDevices } from '../devices/registry.js';
import { detectImage } from '../image/detect.js';
import type { Image } from '../image/image.js';
import type { GuestMemory } from '../memory/guest-memory.js';
import { MmioBus } from './buses/mmio-bus.js';
import { PortBus } from './buses/port-bus.js';
import { answerHypercall } from './exits/hypercall.js';
import { Firmware } from './firmware.js';
import { HostClock } from './host-clock.js';
import { makeLocalApic, withLocalApic } from './local-interrupts.js';
import {
  checkConfig,
  checkRunOptions,
  DEFAULT_MEMORY,
  DEFAULT_TIER,
  type MachineConfig,
  MachineError,
} from './machine-config.js';
import { hashMemory } from './memory-hash.js';
import { Wake } from './pause.js';
import { type MachineReport, reportOn } from './report.js';
import { type PowerRequest, type Runnable, runLoop } from './run-loop.js';
import type { RunOptions, RunResult } from './run-result.js';
import { seededEntropy } from './seeded-entropy.js';
import { type MachineClock, VirtualClock } from './virtual-clock.js';

/**
 * Nanoseconds, as on a PC's ISA bus. Kernels measure their clocks against the timer by reading it over and over: were
 * a read no slower than another instruction, that would take them millions of reads.
 */
const PORT_ACCESS_TIME = 1000;

/** After these the guest cannot go on. */
const ENDINGS: ReadonlySet<RunResult['reason']> = new Set(['exit', 'shutdown', 'reset', 'dead-halt']);

export class Machine {
  readonly #cpu: Cpu;
  readonly #runnable: Runnable;
  readonly #console: Console;
  readonly #image: Image;
  #running = false;
  #regionsAsked = false;
  /** Why there is nothing left to run. */
  #ended: RunResult['reason'] | undefined;

  /**
   * @throws ImageError if the image cannot be understood, BootError if it does not fit, MachineError for a
   * configuration that cannot be
   */
  static async create(config: MachineConfig): Promise<Machine> {
    checkConfig(config);
    const image = detectImage(config.image, config.protocol ?? 'auto');
    const interpreter = await loadInterpreter();
    const machine = new Machine(config, image, (options) => new Cpu({ ...options, interpreter }));
    const { tier = DEFAULT_TIER } = config;
    if (tier === 'regions') machine.#cpu.useRegions(await loadRegions(true));
    return machine;
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
    let firmware: Firmware | undefined;
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
      suspend: (alarmWakes) => {
        firmware?.suspend(alarmWakes);
        this.#cpu.stop();
      },
    };
    const { onUnimplemented } = config;
    this.#image = image;
    this.#console = config.console ?? new MemoryConsole();
    const consoles = new Map<string, Console>([
      ['com1', this.#console],
      ['debugcon', config.debugConsole ?? new NullConsole()],
    ]);
    const interruptBus: InterruptBus = { send: (message) => localApic.send(message) };
    const { interruptController, ioApic, devices, virtioSlots } = composeDevices(
      {
        clock,
        wallClock: clock,
        power,
        interruptBus,
        ramBytes: ramSize,
        console: (name) => consoles.get(name) ?? new NullConsole(),
        entropy: seededEntropy(config.seed ?? 0),
        memory: () => this.#cpu.memory,
        ...(config.disks && { disks: config.disks }),
      },
      config.devices,
    );
    const localApic = makeLocalApic({
      cpu: () => this.#cpu,
      clock,
      pic: interruptController,
      ioApic,
      power,
      wake: () => wake.raise(),
    });
    this.#cpu = makeCpu({
      ramSize,
      seed: config.seed ?? 0,
      model: cpuModel(config.cpu ?? DEFAULT_CPU_MODEL),
      interrupts: localApic,
      localApic,
      hypercall: (request) => answerHypercall(request, localApic),
      cycles: () => (clock.now() * BigInt(TSC_KILOHERTZ)) / 1_000_000n,
      bus: {
        readPort: (port, width) => {
          clock.wait(PORT_ACCESS_TIME);
          return ports.read(port, width);
        },
        writePort: (port, width, value) => {
          clock.wait(PORT_ACCESS_TIME);
          ports.write(port, width, value);
        },
        ...withLocalApic(
          {
            readMemory: (address, width) => mmio.read(address, width),
            writeMemory: (address, width, value) => mmio.write(address, width, value),
          },
          localApic,
        ),
      },
      ...(onUnimplemented && { onUnimplemented }),
    });
    instructions = () => this.#cpu.retired;
    limit = (left) => this.#cpu.limit(left);
    for (const device of devices) {
      if ('portRegions' in device) ports.attach(device);
      if ('mmioRegions' in device) mmio.attach(device);
    }
    const allDevices = [...devices, localApic];
    const hasFirmware = config.firmware === 'pc';
    if (hasFirmware) {
      firmware = new Firmware({
        ...{ cpu: this.#cpu, ports, pic: interruptController },
        ...{ devices: allDevices, virtioMmio: virtioSlots },
      });
    }
    for (const console of consoles.values()) console.onClosed = () => wake.raise();
    const { commandLine = '', modules = [], imageName } = config;
    const registers = boot(image.plan, this.#cpu.memory, {
      commandLine,
      modules,
      ...(!hasFirmware && { virtioMmio: virtioSlots }),
      ...(imageName !== undefined && { imageName }),
    });
    this.#cpu.start(registers);
    this.#runnable = {
      cpu: this.#cpu,
      clock,
      devices: allDevices,
      consoles: [...consoles.values()],
      wake,
      nmiPossible: () => localApic.raisesNmi || ioApic.raisesNmi,
      asleep: () => firmware?.asleep ?? false,
      tryToWake: () => firmware?.wake() ?? false,
      takePowerRequest: () => {
        const taken = request;
        request = undefined;
        return taken;
      },
      report: () => this.report(),
      ...((config.tier ?? DEFAULT_TIER) === 'auto' && { worthwhile: () => this.#loadRegions() }),
    };
  }

  /** From some time soon on hot code is made into regions. */
  #loadRegions(): void {
    if (this.#regionsAsked) return;
    this.#regionsAsked = true;
    // Whoever ends first, the guest's host or the loading: the interpreter needs nobody.
    loadRegions(false).then(
      (make) => this.#cpu.useRegions(make),
      () => {},
    );
  }

  /**
   * Runs until the guest ends or a limit is met; after a limit it can be run on.
   * @throws MachineError if it is running, if the guest has ended, or for options that cannot be
   */
  async run(options: RunOptions = {}): Promise<RunResult> {
    checkRunOptions(options);
    if (this.#running) throw new MachineError('already-running', 'the machine is running already');
    if (this.#ended)
      throw new MachineError('ended', `the guest has ended (${this.#ended}): make a new machine`);
    this.#running = true;
    try {
      const result = await runLoop(this.#runnable, options);
      if (ENDINGS.has(result.reason)) this.#ended = result.reason;
      return result;
    } finally {
      this.#running = false;
    }
  }

  /** Instructions by tier, and what the regions have come to; undefined while there are none. */
  get regionStatistics(): RegionRecord | undefined {
    return this.#cpu.regionStatistics;
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

  /** A digest of the guest's RAM, in hexadecimal; see memory-hash.ts. */
  memoryHash(): Promise<string> {
    return hashMemory(this.#cpu.memory);
  }
}
