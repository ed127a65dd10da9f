/**
 * The start info and the registers of a PVH guest. Leaves out the RSDP (0: there is no ACPI yet) and Xen's
 * hypercalls.
 * Xen, docs/misc/pvh.pandoc and xen/include/public/arch-x86/hvm/start_info.h.
 */

import type { PvhPlan } from '../image/image.js';
import { BlockLayout } from './block.js';
import { CLEARED_REGISTERS, type Prepared } from './boot-types.js';
import { type BootContext, placeModules, placeTables } from './context.js';
import { zeroTerminated } from './strings.js';

export const HVM_START_MAGIC = 0x336ec578;
/** The version that has the memory map. */
const VERSION = 1;
const INFO_SIZE = 56;
const MAP_ENTRY_SIZE = 24;
const MODULE_ENTRY_SIZE = 32;

/** @throws BootError when the start info or the modules do not fit */
export function preparePvh(plan: PvhPlan, context: BootContext): Prepared {
  const { memoryMap } = context;
  const modules = placeModules(context);
  const commandLine = zeroTerminated(context.commandLine, 'the command line');
  const layout = new BlockLayout();
  const at = {
    info: layout.reserve(INFO_SIZE, 8),
    map: layout.reserve(memoryMap.length * MAP_ENTRY_SIZE, 8),
    modules: layout.reserve(modules.length * MODULE_ENTRY_SIZE, 8),
    commandLine: layout.reserve(commandLine.length),
    moduleLines: modules.map((module) => layout.reserve(module.commandLine.length)),
  };
  const block = layout.at(placeTables(context, layout, 'start info'));

  block.u32(0, HVM_START_MAGIC);
  block.u32(4, VERSION);
  block.u32(12, modules.length);
  block.u64(16, modules.length > 0 ? block.address + at.modules : 0);
  block.u64(24, block.address + at.commandLine);
  block.copy(at.commandLine, commandLine);
  block.u64(40, block.address + at.map);
  block.u32(48, memoryMap.length);
  memoryMap.forEach((entry, index) => {
    const offset = at.map + index * MAP_ENTRY_SIZE;
    block.u64(offset, entry.start);
    block.u64(offset + 8, entry.length);
    block.u32(offset + 16, entry.type);
  });
  modules.forEach((module, index) => {
    const offset = at.modules + index * MODULE_ENTRY_SIZE;
    const line = at.moduleLines[index] ?? 0;
    block.u64(offset, module.address);
    block.u64(offset + 8, module.bytes.length);
    block.u64(offset + 16, block.address + line);
    block.copy(line, module.commandLine);
  });

  return {
    writes: [block, ...modules],
    registers: { ...CLEARED_REGISTERS, eip: plan.entry, ebx: block.address },
  };
}
