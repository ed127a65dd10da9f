/**
 * The boot parameters ("zero page"), page tables and registers of a Linux kernel that starts at its 64-bit entry, as
 * Firecracker and other loaders without firmware start it. Leaves out what a firmware would tell besides: EFI, disks'
 * geometry, a screen.
 * Linux, Documentation/arch/x86/boot.rst ("64-bit Boot Protocol"), zero-page.rst, and
 * arch/x86/include/uapi/asm/bootparam.h.
 */

import type { LinuxPlan } from '../image/image.js';
import { SETUP_MAGIC, SetupHeader } from '../image/linux.js';
import { type Block, BlockLayout } from './block.js';
import type { BootModule, Prepared, Write } from './boot-types.js';
import { type BootContext, PAGE_SIZE, placeTables } from './context.js';
import { BootError, notEnoughMemory } from './errors.js';
import type { MemoryMapEntry } from './memory-map.js';
import { HIGH_START } from './placement.js';
import { zeroTerminated } from './strings.js';

/** Offsets in the boot parameters that no setup header covers. */
const Parameter = { mapCount: 0x1e8, map: 0x2d0 } as const;
const MAP_ENTRY_SIZE = 20;
const MAP_ENTRIES = 128;
const BOOT_FLAG = 0xaa55;
/** A loader without a number of its own. */
const UNDEFINED_LOADER = 0xff;
const LOADED_HIGH = 1;
/** The number of the first protocol with a 64-bit entry, for kernels that bring no header. */
const VMLINUX_VERSION = 0x20c;
/** CONFIG_PHYSICAL_ALIGN's largest value, which suits every kernel. */
const VMLINUX_ALIGNMENT = 0x1000000;

/** __BOOT_CS and __BOOT_DS: flat 64-bit code and data, in an otherwise empty table. */
const GDT = [
  [0, 0],
  [0, 0],
  [0x0000ffff, 0x00af9b00],
  [0x0000ffff, 0x00cf9300],
] as const;

/** The first 4 GiB one to one, in pages of 2 MiB: a table of each of the upper levels and four of the third. */
const DIRECTORIES = 4;
const ENTRIES = 512;
const LARGE_PAGE = 2 ** 21;
const PRESENT_WRITABLE = 0x3;
const LARGE = 0x80;

/** @throws BootError when the parameters or the initial RAM disk do not fit, or the command line is too long */
export function prepareLinux(plan: LinuxPlan, context: BootContext): Prepared {
  const commandLine = kernelCommandLine(plan, withDevices(context));
  const ramdisk = placeRamdisk(plan, context);
  const layout = new BlockLayout();
  const at = {
    tables: layout.reserve((2 + DIRECTORIES) * PAGE_SIZE, PAGE_SIZE),
    parameters: layout.reserve(PAGE_SIZE, PAGE_SIZE),
    gdt: layout.reserve(GDT.length * 8, 8),
    commandLine: layout.reserve(commandLine.length),
  };
  const block = layout.at(placeTables(context, layout, 'boot parameters', PAGE_SIZE));
  mapIdentically(block, at.tables);
  GDT.forEach(([low, high], index) => {
    block.u32(at.gdt + index * 8, low);
    block.u32(at.gdt + index * 8 + 4, high);
  });
  block.copy(at.commandLine, commandLine);
  const field = (offset: number): number => at.parameters + offset;
  block.copy(field(SetupHeader.start), plan.setupHeader ?? vmlinuxHeader());
  block.u8(field(SetupHeader.typeOfLoader), UNDEFINED_LOADER);
  const loadFlags = block.bytes[field(SetupHeader.loadFlags)] ?? 0;
  block.u8(field(SetupHeader.loadFlags), loadFlags | LOADED_HIGH);
  block.u32(field(SetupHeader.commandLinePointer), block.address + at.commandLine);
  block.u32(field(SetupHeader.ramdiskImage), ramdisk?.address ?? 0);
  block.u32(field(SetupHeader.ramdiskSize), ramdisk?.bytes.length ?? 0);
  writeMemoryMap(block, at.parameters, context.memoryMap);
  return {
    writes: ramdisk ? [block, ramdisk] : [block],
    registers: {
      mode: 'long64',
      rip: plan.entry,
      rsi: block.address + at.parameters,
      cr3: block.address + at.tables,
      gdt: { base: block.address + at.gdt, limit: GDT.length * 8 - 1 },
    },
  };
}

/**
 * The command line with the devices that only it can tell of, before a ` -- ` that ends the kernel's part.
 * Linux, Documentation/admin-guide/kernel-parameters.txt, "virtio_mmio.device=".
 */
function withDevices({ commandLine, virtioMmio }: BootContext): string {
  const devices = virtioMmio.map(
    ({ base, length, irq }) => `virtio_mmio.device=${length}@0x${base.toString(16)}:${irq}`,
  );
  const end = /(?:^| )--(?: |$)/.exec(commandLine)?.index ?? commandLine.length;
  const parts = [commandLine.slice(0, end), ...devices, commandLine.slice(end).trimStart()];
  return devices.length === 0 ? commandLine : parts.filter(Boolean).join(' ');
}

/** @throws BootError */
function kernelCommandLine(plan: LinuxPlan, text: string): Uint8Array {
  const bytes = zeroTerminated(text, 'the command line');
  if (bytes.length - 1 <= plan.commandLineSize) return bytes;
  throw new BootError(
    'command-line-too-long',
    `the command line takes ${bytes.length - 1} bytes, and this kernel takes ${plan.commandLineSize}: shorten it, or ` +
      'pass the data in the initial RAM disk (--initrd)',
  );
}

/**
 * All modules in one, each from a multiple of 4 bytes on, as the kernel reads several archives one behind the other
 * (Linux, Documentation/driver-api/early-userspace/buffer-format.rst).
 * @throws BootError
 */
function placeRamdisk(
  plan: LinuxPlan,
  { placement, memory, modules, imageEnd }: BootContext,
): Write | undefined {
  if (modules.length === 0) return undefined;
  const bytes = joined(modules);
  const end = Math.min(memory.size, plan.initrdAddressMax + 1);
  const zones = [
    { start: imageEnd, end },
    { start: HIGH_START, end },
  ];
  const address = placement.allocate(bytes.length, PAGE_SIZE, zones);
  if (address !== undefined) return { address, bytes };
  throw notEnoughMemory(
    'the kernel with its initial RAM disk',
    imageEnd + PAGE_SIZE + bytes.length,
    memory.size,
  );
}

/** @throws BootError for a module with arguments, of which the kernel would not hear */
function joined(modules: readonly BootModule[]): Uint8Array {
  const starts: number[] = [];
  let length = 0;
  for (const { bytes, commandLine } of modules) {
    if (/\s/.test(commandLine)) {
      throw new BootError(
        'module-arguments',
        `--initrd "${commandLine}": an initial RAM disk of Linux takes no arguments; those of the kernel go to --append`,
      );
    }
    starts.push(length);
    length += Math.ceil(bytes.length / 4) * 4;
  }
  const all = new Uint8Array(length);
  modules.forEach(({ bytes }, index) => {
    all.set(bytes, starts[index]);
  });
  return all;
}

/** What a loader says to a kernel that brings no setup header. */
function vmlinuxHeader(): Uint8Array {
  const header = new Uint8Array(SetupHeader.initSize + 4 - SetupHeader.start);
  const view = new DataView(header.buffer);
  const at = (offset: number): number => offset - SetupHeader.start;
  view.setUint16(at(SetupHeader.bootFlag), BOOT_FLAG, true);
  view.setUint32(at(SetupHeader.magic), SETUP_MAGIC, true);
  view.setUint16(at(SetupHeader.version), VMLINUX_VERSION, true);
  view.setUint32(at(SetupHeader.kernelAlignment), VMLINUX_ALIGNMENT, true);
  return header;
}

function writeMemoryMap(block: Block, parameters: number, map: readonly MemoryMapEntry[]): void {
  const entries = map.slice(0, MAP_ENTRIES);
  block.u8(parameters + Parameter.mapCount, entries.length);
  entries.forEach(({ start, length, type }, index) => {
    const offset = parameters + Parameter.map + index * MAP_ENTRY_SIZE;
    block.u64(offset, start);
    block.u64(offset + 8, length);
    block.u32(offset + 16, type);
  });
}

/** SDM vol. 3, 4.5. @param tables offset in the block of the top table, which the others follow */
function mapIdentically(block: Block, tables: number): void {
  const table = (index: number): number => tables + index * PAGE_SIZE;
  const reference = (index: number): number => block.address + table(index) + PRESENT_WRITABLE;
  block.u64(table(0), reference(1));
  for (let n = 0; n < DIRECTORIES; n++) {
    block.u64(table(1) + n * 8, reference(2 + n));
    for (let entry = 0; entry < ENTRIES; entry++) {
      const address = (n * ENTRIES + entry) * LARGE_PAGE;
      block.u64(table(2 + n) + entry * 8, address + LARGE + PRESENT_WRITABLE);
    }
  }
}
