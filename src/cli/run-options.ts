/** The options of `univisor run`: what yargs is told, and what the words mean. Leaves out running. */
import { existsSync } from 'node:fs';
import type { Argv } from 'yargs';
import { CPU_MODELS, type CpuModelName, DEFAULT_CPU_MODEL } from '../cpu/system/cpu-model.js';
import { optionalDevices } from '../devices/registry.js';
import {
  DEFAULT_TIER,
  FIRMWARE_KINDS,
  type FirmwareKind,
  TIERS,
  type TierName,
} from '../hypervisor/machine-config.js';
import { BOOTABLE, PROTOCOLS, type Protocol } from '../image/image.js';
import { type DriveSettings, parseDrive } from './drives.js';
import { refuseUnsupported, UNSUPPORTED_SHORT_OPTIONS, unsupportedOptions } from './unsupported.js';
import { imageOf, UsageError } from './usage-error.js';
import { badValue, MEMORY_RANGE, parseCount, parseMemory, parseSeconds, single } from './values.js';

export interface RunSettings {
  readonly image: string;
  readonly name: string | undefined;
  /** Bytes. */
  readonly memory: number;
  readonly cpu: CpuModelName;
  readonly tier: TierName;
  readonly devices: readonly string[];
  readonly drives: readonly DriveSettings[];
  readonly firmware: FirmwareKind;
  readonly commandLine: string;
  readonly modules: readonly { readonly path: string; readonly commandLine: string }[];
  readonly protocol: Protocol;
  /** Milliseconds. */
  readonly timeout: number | undefined;
  readonly maxInstructions: number | undefined;
  readonly clock: 'virtual' | 'host';
  readonly seed: number;
  readonly debugcon: string | undefined;
  readonly stats: boolean;
  readonly json: boolean;
}

const CLOCKS = ['virtual', 'host'] as const;

const RUN_OPTIONS = {
  memory: {
    alias: 'm',
    type: 'string',
    requiresArg: true,
    default: '64M',
    describe: `Size of RAM, ${MEMORY_RANGE}`,
  },
  cpu: {
    type: 'string',
    requiresArg: true,
    choices: CPU_MODELS,
    default: DEFAULT_CPU_MODEL,
    describe: 'Processor: the level of x86-64 that CPUID promises',
  },
  tier: {
    type: 'string',
    requiresArg: true,
    choices: TIERS,
    default: DEFAULT_TIER,
    describe:
      'What runs the code: auto makes WebAssembly of what is hot; the others are for tests: regions makes it of all that runs twice',
  },
  append: {
    type: 'string',
    requiresArg: true,
    describe: 'Command line for the guest; GUEST ARGS follow it',
  },
  initrd: {
    type: 'string',
    requiresArg: true,
    describe: 'Module or RAM disk for the guest: FILE or "FILE ARGS", several with commas; ,, is a comma',
  },
  protocol: {
    type: 'string',
    requiresArg: true,
    default: 'auto',
    describe: `How to boot: ${BOOTABLE.join(', ')}`,
  },
  device: {
    type: 'string',
    requiresArg: true,
    describe: `Devices besides the usual ones, several with commas: ${optionalDevices.join(', ')}`,
  },
  drive: {
    type: 'string',
    requiresArg: true,
    describe:
      'Disk (virtio-blk): file=F[,format=raw][,readonly=on][,snapshot=on][,serial=S]; may be given several times',
  },
  firmware: {
    type: 'string',
    requiresArg: true,
    choices: FIRMWARE_KINDS,
    default: 'none',
    describe: "pc: leave ACPI tables, real-mode vectors and a timer tick behind, as a PC's firmware does",
  },
  clock: {
    type: 'string',
    requiresArg: true,
    choices: CLOCKS,
    default: 'virtual',
    describe: 'virtual: time follows the instructions, every run is the same; host: real time',
  },
  seed: {
    type: 'string',
    requiresArg: true,
    default: '0',
    describe: "Seed of the guest's random numbers",
  },
  timeout: { type: 'string', requiresArg: true, describe: 'Stop after so many seconds of real time' },
  'max-instructions': { type: 'string', requiresArg: true, describe: 'Stop after so many instructions' },
  debugcon: {
    type: 'string',
    requiresArg: true,
    describe: 'Debug console (port 0xE9) to a FILE, or - for stdout',
  },
  name: {
    alias: 'n',
    type: 'string',
    requiresArg: true,
    describe: "Name of the machine; the image's name if not given",
  },
  smp: { type: 'string', requiresArg: true, default: '1', describe: 'Processors; only 1 as yet' },
  stats: {
    type: 'boolean',
    describe: 'At the end tell, on stderr or in the JSON, what ran the code and what it took',
  },
  json: {
    type: 'boolean',
    describe: 'Print one JSON object about the run, output included, and nothing else',
  },
} as const;

/** By their long names. */
export const RUN_OPTION_NAMES = Object.keys(RUN_OPTIONS);
/** The short options that take a value, which may be joined to them (`-m64M`). */
export const RUN_SHORT_OPTIONS = `mn${UNSUPPORTED_SHORT_OPTIONS}`;

export function runOptions(yargs: Argv) {
  yargs.options(unsupportedOptions());
  return yargs
    .positional('image', {
      type: 'string',
      describe: 'Image to boot: a unikernel (multiboot, PVH) or a Linux kernel',
    })
    .options(RUN_OPTIONS);
}

type Parsed<B> = B extends Argv<infer A> ? A : never;
export type RunArguments = Parsed<ReturnType<typeof runOptions>>;

/** @throws UsageError */
export function runSettings(given: RunArguments): RunSettings {
  refuseUnsupported({ ...given });
  const processors = parseCount('--smp', single('--smp', given.smp) ?? '1', 1);
  if (processors !== 1)
    throw new UsageError('not-supported', `--smp ${processors} is not supported yet: only 1 is`);
  const timeout = single('--timeout', given.timeout);
  const maxInstructions = single('--max-instructions', given['max-instructions']);
  return {
    image: imageBeforeDashes(given),
    name: named('--name', single('--name', given.name)),
    memory: parseMemory('--memory', single('--memory', given.memory) ?? ''),
    cpu: oneOf('--cpu', CPU_MODELS, single('--cpu', given.cpu)),
    tier: oneOf('--tier', TIERS, single('--tier', given.tier)),
    devices: parseDevices(single('--device', given.device)),
    drives: [given.drive ?? []].flat().map(parseDrive),
    firmware: oneOf('--firmware', FIRMWARE_KINDS, single('--firmware', given.firmware)),
    commandLine: [single('--append', given.append) ?? '', ...guestArguments({ ...given })]
      .filter(Boolean)
      .join(' '),
    modules: parseModules(single('--initrd', given.initrd)),
    protocol: parseProtocol(single('--protocol', given.protocol)),
    timeout: timeout === undefined ? undefined : parseSeconds('--timeout', timeout),
    maxInstructions:
      maxInstructions === undefined ? undefined : parseCount('--max-instructions', maxInstructions, 1),
    clock: oneOf('--clock', CLOCKS, single('--clock', given.clock)),
    seed: parseCount('--seed', single('--seed', given.seed) ?? '0', 0),
    debugcon: named('--debugcon', single('--debugcon', given.debugcon)),
    stats: given.stats ?? false,
    json: given.json ?? false,
  };
}

function guestArguments(given: Readonly<Record<string, unknown>>): string[] {
  const after = given['--'];
  return Array.isArray(after) ? after.map(String) : [];
}

/** @throws UsageError when no image is named, at least not before the `--` */
function imageBeforeDashes(given: RunArguments): string {
  const [first] = guestArguments({ ...given });
  const swallower = given.image === undefined ? swallowerOfFile({ ...given }) : undefined;
  if (swallower !== undefined) {
    const [option, file] = swallower;
    throw new UsageError('bad-usage', `name an image; --${option} took "${file}" as its value`);
  }
  if (given.image !== undefined || first === undefined) return imageOf(given.image);
  throw new UsageError('bad-usage', `name an image before --, as what follows it is the guest's: "${first}"`);
}

/** An option whose value is a file and need not be: the user may have forgotten the value. */
function swallowerOfFile(
  given: Readonly<Record<string, unknown>>,
): [option: string, file: string] | undefined {
  for (const option of ['append', 'name']) {
    const value = given[option];
    if (typeof value === 'string' && existsSync(value)) return [option, value];
  }
  return undefined;
}

/** @throws UsageError */
function parseProtocol(value: string | undefined): Protocol {
  const planned = PROTOCOLS.some((one) => one === value) && !BOOTABLE.some((one) => one === value);
  if (planned) {
    const known = BOOTABLE.join(', ');
    throw new UsageError('not-supported', `protocol ${value} is not supported yet: choose from ${known}`);
  }
  return oneOf('--protocol', BOOTABLE, value);
}

/** @throws UsageError */
function oneOf<T extends string>(option: string, values: readonly T[], value: string | undefined): T {
  const found = values.find((one) => one === value);
  if (found === undefined) throw badValue(option, value ?? '', `is none of ${values.join(', ')}`);
  return found;
}

/** @throws UsageError */
function parseDevices(list: string | undefined): readonly string[] {
  const names = list === undefined ? [] : list.split(',').map((name) => name.trim());
  const devices = names.map((name) => oneOf('--device', optionalDevices, name));
  const again = devices.find((name, n) => devices.indexOf(name) < n);
  if (again !== undefined) throw badValue('--device', list ?? '', `names ${again} twice: name it once`);
  return devices;
}

/** @throws UsageError for a name that is empty */
function named(option: string, name: string | undefined): string | undefined {
  if (name?.trim() === '') throw badValue(option, name, 'is no name');
  return name;
}

/** As in QEMU: commas between modules, a doubled comma for a comma, and what follows the first space is arguments. */
function parseModules(list: string | undefined): RunSettings['modules'] {
  if (list === undefined) return [];
  const parts = list.split(/(?<!,)((?:,,)*),(?!,)/);
  const texts: string[] = [];
  // split() with a group interleaves the doubled commas that stood before a separator.
  for (let n = 0; n < parts.length; n += 2)
    texts.push(`${parts[n]}${parts[n + 1] ?? ''}`.replaceAll(',,', ','));
  return texts.map((text) => {
    const commandLine = text.trim();
    const path = commandLine.split(/\s/, 1)[0] ?? '';
    if (path === '')
      throw new UsageError('bad-value', `--initrd: "${list}" names no file between its commas`);
    return { path, commandLine };
  });
}
