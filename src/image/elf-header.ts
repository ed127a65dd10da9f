/**
 * The ELF header and the program headers. Leaves out sections, notes and symbols (files of their own) and
 * all judgement of what can be booted.
 * System V ABI, generic, chapter 4 "Object Files" and chapter 5 "Program Loading".
 */

import { ImageError } from './errors.js';
import type { Reader } from './reader.js';
import { hex } from './text.js';

export const ET_EXEC = 2;
export const ET_DYN = 3;
export const EM_386 = 3;
export const EM_X86_64 = 62;
export const PT_LOAD = 1;
export const PT_INTERP = 3;
export const PT_NOTE = 4;
export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;

/** More than any linker makes; it bounds what a hostile count can cost. */
const MAX_PROGRAM_HEADERS = 1024;
/** e_phnum that says "the count is elsewhere". */
const PN_XNUM = 0xffff;

const TYPE_NAMES = ['ET_NONE', 'ET_REL', 'ET_EXEC', 'ET_DYN', 'ET_CORE'];

const MACHINE_NAMES = new Map([
  [2, 'SPARC'],
  [EM_386, 'i386'],
  [4, 'Motorola 68000'],
  [6, 'Intel MCU'],
  [8, 'MIPS'],
  [15, 'PA-RISC'],
  [20, 'PowerPC'],
  [21, 'PowerPC64'],
  [22, 'S/390'],
  [40, 'ARM (32-bit)'],
  [42, 'SuperH'],
  [43, 'SPARC V9'],
  [50, 'IA-64'],
  [EM_X86_64, 'x86-64'],
  [93, 'ARC'],
  [183, 'AArch64'],
  [243, 'RISC-V'],
  [247, 'BPF'],
  [258, 'LoongArch'],
]);

export interface ElfHeader {
  /** ELFCLASS32 or ELFCLASS64. */
  readonly bits: 32 | 64;
  /** e_type: ET_EXEC or ET_DYN. */
  readonly type: number;
  /** e_machine: EM_386 or EM_X86_64. */
  readonly machine: number;
  /** e_entry: a virtual address. */
  readonly entry: bigint;
  /** e_shoff, e_shentsize, e_shnum and e_shstrndx as they stand, unchecked: an image boots without them. */
  readonly sectionHeaderOffset: number;
  readonly sectionHeaderSize: number;
  readonly sectionHeaderCount: number;
  readonly sectionNameIndex: number;
}

export interface ProgramHeader {
  readonly index: number;
  readonly type: number;
  readonly flags: number;
  /** p_offset, p_paddr, p_filesz and p_memsz; unchecked, and rounded above 2^53. */
  readonly offset: number;
  readonly physicalAddress: number;
  readonly fileSize: number;
  readonly memorySize: number;
  readonly virtualAddress: bigint;
  readonly align: number;
}

export function isElf(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

export function elfTypeName(type: number): string {
  return TYPE_NAMES[type] ?? hex(type);
}

export function machineName(machine: number): string {
  return MACHINE_NAMES.get(machine) ?? `machine ${machine}`;
}

/** @throws ImageError for anything but a little-endian ELF program for x86 */
export function parseElfHeader(file: Reader): { header: ElfHeader; programHeaders: ProgramHeader[] } {
  file.demand(0, 20, 'the ELF header');
  const elfClass = file.u8(4);
  if (elfClass !== 1 && elfClass !== 2) {
    throw new ImageError(
      'bad-elf',
      `ELF class ${elfClass} is neither 1 (32-bit) nor 2 (64-bit): the file is damaged`,
    );
  }
  checkMachine(file, elfClass);
  const wide = elfClass === 2;
  file.demand(0, wide ? 64 : 52, 'the ELF header');
  const type = file.u16(16);
  if (type !== ET_EXEC && type !== ET_DYN) {
    const advice =
      type === 1 ? 'it is an unlinked object file: link it first' : 'only linked programs can be booted';
    throw new ImageError('bad-elf', `ELF type ${elfTypeName(type)} is neither ET_EXEC nor ET_DYN: ${advice}`);
  }
  const header: ElfHeader = {
    bits: wide ? 64 : 32,
    type,
    machine: file.u16(18),
    entry: wide ? file.u64(24) : BigInt(file.u32(24)),
    sectionHeaderOffset: wide ? file.u64AsNumber(40) : file.u32(32),
    sectionHeaderSize: file.u16(wide ? 58 : 46),
    sectionHeaderCount: file.u16(wide ? 60 : 48),
    sectionNameIndex: file.u16(wide ? 62 : 50),
  };
  return { header, programHeaders: parseProgramHeaders(file, wide) };
}

function checkMachine(file: Reader, elfClass: number): void {
  const bigEndian = file.u8(5) === 2;
  const machine = bigEndian ? file.u8(18) * 256 + file.u8(19) : file.u16(18);
  const name = machineName(machine);
  if (bigEndian) {
    throw new ImageError(
      'wrong-endianness',
      `this is a big-endian ELF for ${name}: build the image for x86-64`,
    );
  }
  if (file.u8(5) !== 1) {
    throw new ImageError(
      'bad-elf',
      `ELF data encoding ${file.u8(5)} is not 1 (little-endian): the file is damaged`,
    );
  }
  if (machine !== EM_X86_64 && machine !== EM_386) {
    throw new ImageError('wrong-machine', `this image is built for ${name}: build it for x86-64`);
  }
  if (machine === EM_386 && elfClass === 2) {
    throw new ImageError('bad-elf', 'a 64-bit ELF cannot be for i386: the file is damaged');
  }
}

function parseProgramHeaders(file: Reader, wide: boolean): ProgramHeader[] {
  const tableOffset = wide ? file.u64AsNumber(32) : file.u32(28);
  const entrySize = file.u16(wide ? 54 : 42);
  const count = file.u16(wide ? 56 : 44);
  if (count === 0) return [];
  const wanted = wide ? 56 : 32;
  if (entrySize !== wanted) {
    throw new ImageError('bad-elf', `e_phentsize is ${entrySize}, not ${wanted}: the file is damaged`);
  }
  if (count === PN_XNUM || count > MAX_PROGRAM_HEADERS) {
    throw new ImageError(
      'bad-elf',
      `e_phnum is ${count}; at most ${MAX_PROGRAM_HEADERS} program headers are read`,
    );
  }
  file.demand(tableOffset, count * entrySize, `the table of ${count} program headers`);
  return Array.from({ length: count }, (_, index) => {
    const at = tableOffset + index * entrySize;
    return wide ? programHeader64(file, at, index) : programHeader32(file, at, index);
  });
}

function programHeader32(file: Reader, at: number, index: number): ProgramHeader {
  return {
    index,
    type: file.u32(at),
    offset: file.u32(at + 4),
    virtualAddress: BigInt(file.u32(at + 8)),
    physicalAddress: file.u32(at + 12),
    fileSize: file.u32(at + 16),
    memorySize: file.u32(at + 20),
    flags: file.u32(at + 24),
    align: file.u32(at + 28),
  };
}

function programHeader64(file: Reader, at: number, index: number): ProgramHeader {
  return {
    index,
    type: file.u32(at),
    flags: file.u32(at + 4),
    offset: file.u64AsNumber(at + 8),
    virtualAddress: file.u64(at + 16),
    physicalAddress: file.u64AsNumber(at + 24),
    fileSize: file.u64AsNumber(at + 32),
    memorySize: file.u64AsNumber(at + 40),
    align: file.u64AsNumber(at + 48),
  };
}
