/**
 * The multiboot information and the registers of a multiboot guest. Leaves out what a PC without firmware
 * does not have: boot device, drives, configuration table, APM, VBE.
 * Multiboot Specification 0.6.96, 3.2 "Machine state" and 3.3 "Boot information format".
 */

import type { MultibootPlan } from '../image/image.js';
import { type Block, BlockLayout } from './block.js';
import { CLEARED_REGISTERS, type Prepared } from './boot-types.js';
import { type BootContext, type PlacedModule, placeModules, placeTables } from './context.js';
import { type MemoryMapEntry, MemoryType } from './memory-map.js';
import { placeSectionHeaders } from './multiboot-sections.js';
import { HIGH_START } from './placement.js';
import { zeroTerminated } from './strings.js';

export const MULTIBOOT_BOOTLOADER_MAGIC = 0x2badb002;
const LOADER_NAME = 'univisor';
const INFO_SIZE = 116;
const MAP_ENTRY_SIZE = 24;
const MODULE_ENTRY_SIZE = 16;

const HAS_MEMORY = 1 << 0;
const HAS_COMMAND_LINE = 1 << 2;
const HAS_MODULES = 1 << 3;
const HAS_SECTION_HEADERS = 1 << 5;
const HAS_MEMORY_MAP = 1 << 6;
const HAS_LOADER_NAME = 1 << 9;
const HAS_FRAMEBUFFER = 1 << 12;
const ALWAYS = HAS_MEMORY | HAS_COMMAND_LINE | HAS_MODULES | HAS_MEMORY_MAP | HAS_LOADER_NAME;

/** @throws BootError when the information or the modules do not fit */
export function prepareMultiboot(plan: MultibootPlan, context: BootContext): Prepared {
  const { memoryMap, imageName, commandLine: guestArguments } = context;
  const modules = placeModules(context);
  const commandLine = zeroTerminated(
    guestArguments === '' ? imageName : `${imageName} ${guestArguments}`,
    'the command line',
  );
  const loaderName = zeroTerminated(LOADER_NAME, 'the name of the loader');
  const layout = new BlockLayout();
  const at = {
    info: layout.reserve(INFO_SIZE),
    map: layout.reserve(memoryMap.length * MAP_ENTRY_SIZE),
    modules: layout.reserve(modules.length * MODULE_ENTRY_SIZE),
    loaderName: layout.reserve(loaderName.length),
    commandLine: layout.reserve(commandLine.length),
    moduleLines: modules.map((module) => layout.reserve(module.commandLine.length)),
  };
  const block = layout.at(placeTables(context, layout, 'multiboot information'));
  const headers = plan.sectionHeaders;
  const sections = headers && placeSectionHeaders(headers, context);
  const video = plan.requests.video !== undefined;

  block.u32(0, ALWAYS | (sections ? HAS_SECTION_HEADERS : 0) | (video ? HAS_FRAMEBUFFER : 0));
  writeMemory(block, at.map, memoryMap);
  block.u32(16, block.address + at.commandLine);
  block.copy(at.commandLine, commandLine);
  writeModules(block, at.modules, at.moduleLines, modules);
  if (headers !== undefined && sections !== undefined) {
    block.u32(28, headers.count);
    block.u32(32, headers.entrySize);
    block.u32(36, sections.address);
    block.u32(40, headers.nameIndex);
  }
  block.u32(64, block.address + at.loaderName);
  block.copy(at.loaderName, loaderName);
  if (video) writeTextScreen(block);

  return {
    writes: [block, ...modules, ...(sections ? [sections] : [])],
    registers: { ...CLEARED_REGISTERS, eip: plan.entry, eax: MULTIBOOT_BOOTLOADER_MAGIC, ebx: block.address },
  };
}

/** mem_lower and mem_upper in KiB, and the map; mem_upper stops at the first hole above 1 MiB. */
function writeMemory(block: Block, table: number, map: readonly MemoryMapEntry[]): void {
  const usableFrom = (start: number): number =>
    map.find((entry) => entry.type === MemoryType.usable && entry.start === start)?.length ?? 0;
  block.u32(4, Math.min(640, Math.floor(usableFrom(0) / 1024)));
  block.u32(8, Math.floor(usableFrom(HIGH_START) / 1024));
  block.u32(44, map.length * MAP_ENTRY_SIZE);
  block.u32(48, block.address + table);
  map.forEach((entry, index) => {
    const at = table + index * MAP_ENTRY_SIZE;
    // The size field does not count itself.
    block.u32(at, MAP_ENTRY_SIZE - 4);
    block.u64(at + 4, entry.start);
    block.u64(at + 12, entry.length);
    block.u32(at + 20, entry.type);
  });
}

function writeModules(
  block: Block,
  table: number,
  lines: readonly number[],
  modules: readonly PlacedModule[],
): void {
  block.u32(20, modules.length);
  block.u32(24, block.address + table);
  modules.forEach(({ address, bytes, commandLine }, index) => {
    const at = table + index * MODULE_ENTRY_SIZE;
    const line = lines[index] ?? 0;
    block.u32(at, address);
    block.u32(at + 4, address + bytes.length);
    block.u32(at + 8, block.address + line);
    block.copy(line, commandLine);
  });
}

/** The framebuffer fields for the text mode that a PC starts in: 80 × 25 cells of two bytes at 0xB8000. */
function writeTextScreen(block: Block): void {
  block.u64(88, 0xb8000);
  block.u32(96, 160);
  block.u32(100, 80);
  block.u32(104, 25);
  block.u8(108, 16);
  block.u8(109, 2);
}
