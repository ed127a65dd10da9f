/** The library's public surface. */

export type { BootModule } from './boot/boot-types.js';
export { BootError } from './boot/errors.js';
export type { UnimplementedInstruction } from './cpu/bus.js';
export type { RegionRecord } from './cpu/cpu.js';
export { decode } from './cpu/decode/decoder.js';
export { disassemble } from './cpu/decode/disassembler.js';
export { DecodedInstruction } from './cpu/decode/instruction.js';
export type { CpuModelName } from './cpu/system/cpu-model.js';
export type { BlockBackend, Console, ConsoleReceiver } from './devices/backends.js';
export { BlockError, type BlockErrorCode } from './devices/backends.js';
export { MemoryBlock } from './devices/block/memory-block.js';
export { OverlayBlock } from './devices/block/overlay-block.js';
export { MemoryConsole } from './devices/memory-console.js';
export type { Disk } from './devices/virtio/block/block.js';
export { Machine } from './hypervisor/machine.js';
export { type MachineConfig, MachineError, type MachineErrorCode } from './hypervisor/machine-config.js';
export type { Frame, MachineReport, ReportedException } from './hypervisor/report.js';
export type { RunOptions, RunResult } from './hypervisor/run-result.js';
export { describeImage } from './image/describe.js';
export { ImageError } from './image/errors.js';
export { PROTOCOLS, type Protocol } from './image/image.js';
export { GuestMemory } from './memory/guest-memory.js';
