/**
 * A Linux kernel to its load plan, by the 64-bit boot protocol: a bzImage, whose own code unpacks it, or a vmlinux, the
 * ELF that is in it. Leaves out the boot parameters that the kernel receives (`src/boot/linux.ts`), kernels that only
 * start in real or 32-bit mode, and unpacking: a bzImage does that itself.
 * Linux, Documentation/arch/x86/boot.rst.
 */

import type { ElfFile } from './elf.js';
import { EM_X86_64, machineName } from './elf-header.js';
import { ImageError } from './errors.js';
import type { LinuxPlan } from './image.js';
import { Reader } from './reader.js';
import { checkEntry, loadableSegments, physicalEntry } from './segments.js';
import { hex } from './text.js';

/** Offsets in the file, and in the boot parameters alike. */
export const SetupHeader = {
  start: 0x1f1,
  setupSectors: 0x1f1,
  bootFlag: 0x1fe,
  /** The length of what follows 0x202, in the second byte of a short jump over it. */
  lengthByte: 0x201,
  magic: 0x202,
  version: 0x206,
  typeOfLoader: 0x210,
  loadFlags: 0x211,
  ramdiskImage: 0x218,
  ramdiskSize: 0x21c,
  commandLinePointer: 0x228,
  initrdAddressMax: 0x22c,
  kernelAlignment: 0x230,
  xLoadFlags: 0x236,
  commandLineSize: 0x238,
  preferredAddress: 0x258,
  initSize: 0x260,
} as const;

/** `HdrS`. */
export const SETUP_MAGIC = 0x53726448;
/** The first version that tells of a 64-bit entry (Linux 3.8). */
const OLDEST_VERSION = 0x20c;
const XLF_KERNEL_64 = 1;
/** Where the boot parameters have other things than the header. */
const HEADER_END = 0x290;
/** In the part that is loaded. */
const ENTRY_64 = 0x200;
const SECTOR = 512;
/** The setup part of kernels that say 0. */
const DEFAULT_SETUP_SECTORS = 4;
/** What a kernel takes that cannot say otherwise, without the NUL (COMMAND_LINE_SIZE on x86). */
const ELF_COMMAND_LINE = 2047;
const ELF_INITRD_MAX = 0x7fffffff;

/** What a setup header says. */
export interface SetupHeaderFacts {
  readonly version: string;
  readonly has64BitEntry: boolean;
}

/** For `inspect`; the file must begin with a setup header (`isLinuxKernel`). @throws ImageError `truncated` */
export function setupHeaderFacts(bytes: Uint8Array): SetupHeaderFacts {
  const file = new Reader(bytes);
  file.demand(SetupHeader.start, SetupHeader.initSize + 4 - SetupHeader.start, 'the setup header');
  const version = file.u16(SetupHeader.version);
  return {
    version: `${version >> 8}.${version & 0xff}`,
    has64BitEntry: version >= OLDEST_VERSION && (file.u16(SetupHeader.xLoadFlags) & XLF_KERNEL_64) !== 0,
  };
}

/** @param bytes of a file with `HdrS` in its place @throws ImageError */
export function planBzImage(bytes: Uint8Array): LinuxPlan {
  const { version, has64BitEntry } = setupHeaderFacts(bytes);
  if (!has64BitEntry) {
    throw new ImageError(
      'unsupported-feature',
      `this Linux kernel (boot protocol ${version}) has no 64-bit entry: take a 64-bit kernel of Linux 3.8 or later`,
    );
  }
  const file = new Reader(bytes);
  const setupEnd = ((file.u8(SetupHeader.setupSectors) || DEFAULT_SETUP_SECTORS) + 1) * SECTOR;
  const headerEnd = Math.min(SetupHeader.magic + file.u8(SetupHeader.lengthByte), HEADER_END);
  file.demand(setupEnd, ENTRY_64 + 1, 'the kernel behind its setup part');
  const kernel = bytes.subarray(setupEnd);
  const start = file.u64AsNumber(SetupHeader.preferredAddress);
  const memorySize = Math.max(file.u32(SetupHeader.initSize), kernel.length);
  if (start + memorySize > 2 ** 32) {
    throw new ImageError(
      'beyond-4-gib',
      `this Linux kernel wants to lie at ${hex(start)}–${hex(start + memorySize)}, beyond 4 GiB: build it with ` +
        'CONFIG_PHYSICAL_START at its default',
    );
  }
  return {
    protocol: 'linux',
    carrier: 'bzimage',
    segments: [{ physicalAddress: start, bytes: kernel, memorySize }],
    entry: start + ENTRY_64,
    setupHeader: file.slice(SetupHeader.start, headerEnd - SetupHeader.start, 'the setup header'),
    commandLineSize: file.u32(SetupHeader.commandLineSize),
    initrdAddressMax: file.u32(SetupHeader.initrdAddressMax),
  };
}

/** @throws ImageError */
export function planVmlinux(elf: ElfFile): LinuxPlan {
  if (elf.header.machine !== EM_X86_64) {
    throw new ImageError(
      'wrong-machine',
      `the 64-bit entry of Linux wants a program for x86-64, and this ELF is for ${machineName(elf.header.machine)}`,
    );
  }
  const segments = loadableSegments(elf);
  const entry = physicalEntry(elf);
  checkEntry(entry, segments, 'e_entry');
  return {
    protocol: 'linux',
    carrier: elf.carrier,
    segments,
    entry,
    setupHeader: undefined,
    commandLineSize: ELF_COMMAND_LINE,
    initrdAddressMax: ELF_INITRD_MAX,
  };
}
