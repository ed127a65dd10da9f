/** What a machine is made from, and the checks of it. */
import type { BootModule } from '../boot/boot-types.js';
import type { UnimplementedInstruction } from '../cpu/bus.js';
import { CPU_MODELS, type CpuModelName, DEFAULT_CPU_MODEL } from '../cpu/system/cpu-model.js';
import { type Console, SECTOR } from '../devices/backends.js';
import { optionalDevices } from '../devices/registry.js';
import { type Disk, MOST_QUEUES } from '../devices/virtio/block/block.js';
import type { Protocol } from '../image/image.js';
import { MAX_RAM } from '../memory/layout.js';
import type { RunOptions } from './run-result.js';

export const FIRMWARE_KINDS = ['none', 'pc'] as const;
export type FirmwareKind = (typeof FIRMWARE_KINDS)[number];

export const TIERS = ['auto', 'interpreter', 'regions'] as const;
export type TierName = (typeof TIERS)[number];
export const DEFAULT_TIER: TierName = 'auto';

export interface MachineConfig {
  /** The image file's bytes; not copied, so they must not change before `create` resolves. */
  readonly image: Uint8Array;
  /** First word of the multiboot command line, as a rule the file's name. */
  readonly imageName?: string;
  readonly protocol?: Protocol;
  /** RAM in bytes, a multiple of 64 KiB from 1 MiB to 3 GiB; 64 MiB unless given. */
  readonly memory?: number;
  /** Which processor: a level of x86-64, whose features CPUID promises and which has no others; v3 unless given. */
  readonly cpu?: CpuModelName;
  /**
   * What runs the code: `interpreter` alone; `regions`, with whatever runs twice made into WebAssembly at once;
   * `auto`, the default, with hot code made so. The guest sees no difference.
   */
  readonly tier?: TierName;
  readonly commandLine?: string;
  readonly modules?: readonly BootModule[];
  /** Virtual time follows the instruction count and is the same in every run; host time passes by itself. */
  readonly clock?: 'virtual' | 'host';
  /** Seeds every random number that the guest is given, 0 to 2^53 − 1; 0 unless given. */
  readonly seed?: number;
  /** `pc`: what a PC's firmware leaves behind, ACPI's tables among it (boot/firmware); `none` unless given. */
  readonly firmware?: FirmwareKind;
  /** Devices besides the standard ones, by name; `optionalDevices` are those there are. */
  readonly devices?: readonly string[];
  /** Virtio block devices, at most 4, in the order of their places. */
  readonly disks?: readonly Disk[];
  /** What the first serial port is connected to; a `MemoryConsole` unless given. */
  readonly console?: Console;
  /** What the debug console at port 0xE9 is connected to; nobody unless given. */
  readonly debugConsole?: Console;
  /** Told of each instruction that the guest ran and this version does not have; the guest gets #UD. */
  readonly onUnimplemented?: (instruction: UnimplementedInstruction) => void;
}

export type MachineErrorCode = 'bad-option' | 'bad-memory-size' | 'already-running' | 'ended';

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

export const DEFAULT_MEMORY = 64 << 20;
const SMALLEST_MEMORY = 1 << 20;
export const MOST_DISKS = 4;
const LONGEST_SERIAL = 20;

const CONFIG_KEYS: Readonly<Record<keyof MachineConfig, true>> = {
  image: true,
  imageName: true,
  protocol: true,
  memory: true,
  cpu: true,
  tier: true,
  commandLine: true,
  modules: true,
  clock: true,
  seed: true,
  devices: true,
  disks: true,
  firmware: true,
  console: true,
  debugConsole: true,
  onUnimplemented: true,
};
const RUN_KEYS: Readonly<Record<keyof RunOptions, true>> = {
  maxInstructions: true,
  timeout: true,
  signal: true,
};

/** For callers without types too: what is not an option, or is of the wrong kind, is named. @throws MachineError */
export function checkConfig(config: MachineConfig): void {
  checkKeys(config, CONFIG_KEYS);
  const {
    image,
    memory = DEFAULT_MEMORY,
    seed = 0,
    clock = 'virtual',
    cpu = DEFAULT_CPU_MODEL,
    tier = DEFAULT_TIER,
  } = config;
  const { devices = [] } = config;
  if (!(image instanceof Uint8Array)) throw bad('image', "it must be a Uint8Array of the file's bytes");
  if (!Array.isArray(devices)) throw bad('devices', `${devices} is no list of names`);
  for (const [n, name] of devices.entries()) {
    if (devices.indexOf(name) < n) throw bad('devices', `${name} is named twice`);
    if (!optionalDevices.includes(name))
      throw bad('devices', `${name} is none of ${optionalDevices.join(', ')}`);
  }
  checkDisks(config.disks ?? []);
  const { firmware = 'none' } = config;
  if (!FIRMWARE_KINDS.includes(firmware))
    throw bad('firmware', `${firmware} is none of ${FIRMWARE_KINDS.join(', ')}`);
  if (!TIERS.includes(tier)) throw bad('tier', `${tier} is none of ${TIERS.join(', ')}`);
  if (!CPU_MODELS.includes(cpu)) throw bad('cpu', `${cpu} is none of ${CPU_MODELS.join(', ')}`);
  if (clock !== 'virtual' && clock !== 'host') throw bad('clock', `${clock} is neither virtual nor host`);
  if (!Number.isSafeInteger(seed) || seed < 0) throw bad('seed', `${seed} is no integer from 0 to 2^53 − 1`);
  if (Number.isInteger(memory) && memory >= SMALLEST_MEMORY && memory <= MAX_RAM && memory % 65536 === 0)
    return;
  throw new MachineError(
    'bad-memory-size',
    `memory of ${memory} bytes: it must be a multiple of 64 KiB from 1 MiB to ${MAX_RAM / 2 ** 20} MiB`,
  );
}

/** @throws MachineError */
function checkDisks(disks: readonly Disk[]): void {
  if (!Array.isArray(disks)) throw bad('disks', `${disks} is no list of disks`);
  if (disks.length > MOST_DISKS) throw bad('disks', `${disks.length} are more than ${MOST_DISKS}`);
  for (const { backend, serial = '', queues = 1 } of disks) {
    const { size } = backend;
    if (!Number.isSafeInteger(size) || size < 0 || size % SECTOR !== 0)
      throw bad('disks', `a size of ${size} bytes is no whole sectors of ${SECTOR}`);
    if (!new RegExp(`^[ -~]{0,${LONGEST_SERIAL}}$`).test(serial))
      throw bad('disks', `the serial number ${serial} is not up to ${LONGEST_SERIAL} characters of ASCII`);
    if (!Number.isInteger(queues) || queues < 1 || queues > MOST_QUEUES)
      throw bad('disks', `${queues} queues: 1 to ${MOST_QUEUES} are possible`);
  }
}

/** @throws MachineError */
export function checkRunOptions(options: RunOptions): void {
  checkKeys(options, RUN_KEYS);
  const { maxInstructions = 1, timeout = 0 } = options;
  const countable = Number.isInteger(maxInstructions) || maxInstructions === Number.POSITIVE_INFINITY;
  if (!countable || maxInstructions <= 0) {
    throw bad('maxInstructions', `${maxInstructions} is no whole number above 0`);
  }
  if (!(timeout >= 0)) throw bad('timeout', `${timeout} is no time in milliseconds`);
}

function checkKeys(options: object, known: object): void {
  const unknown = Object.keys(options).find((key) => !(key in known));
  if (unknown !== undefined)
    throw bad(unknown, `there is no such option; there are ${Object.keys(known).join(', ')}`);
}

function bad(option: string, why: string): MachineError {
  return new MachineError('bad-option', `${option}: ${why}`);
}
