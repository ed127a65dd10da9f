/** Where an image's code is: the executable sections of an ELF, else its executable segments, else all of it. */
import { detectImage } from '../image/detect.js';
import { ElfFile } from '../image/elf.js';
import { isElf, PF_X, PT_LOAD } from '../image/elf-header.js';
import { SHF_ALLOC, SHT_NOBITS } from '../image/elf-sections.js';
import type { SymbolTable } from '../image/symbols.js';

const SHF_EXECINSTR = 4;

export interface CodeRange {
  /** The section, or what stands for one. */
  readonly name: string;
  /** Virtual address of the first byte. */
  readonly address: bigint;
  readonly bytes: Uint8Array;
}

export interface Code {
  readonly ranges: readonly CodeRange[];
  /** What the file's format says of its code. */
  readonly bits: 32 | 64;
  readonly symbols: SymbolTable | undefined;
}

/** @throws ImageError when the file is neither an ELF for x86 nor a multiboot image, or lacks its code's bytes */
export function findCode(file: Uint8Array): Code {
  if (!isElf(file)) return { ranges: rawRanges(file), bits: 32, symbols: undefined };
  const elf = ElfFile.parse(file);
  const sections = sectionRanges(elf);
  return {
    ranges: sections.length > 0 ? sections : segmentRanges(elf),
    bits: elf.header.bits,
    symbols: elf.symbols,
  };
}

function rawRanges(file: Uint8Array): CodeRange[] {
  return detectImage(file).plan.segments.map(({ physicalAddress, bytes }) => ({
    name: 'image',
    address: BigInt(physicalAddress),
    bytes,
  }));
}

function sectionRanges(elf: ElfFile): CodeRange[] {
  return elf.sectionTable.sections.flatMap((section) => {
    const wanted = SHF_ALLOC | SHF_EXECINSTR;
    if ((section.flags & wanted) !== wanted || section.type === SHT_NOBITS) return [];
    const bytes = elf.file.slice(section.offset, section.size, `section ${section.name}`);
    return bytes.length > 0 ? [{ name: section.name, address: section.address, bytes }] : [];
  });
}

function segmentRanges(elf: ElfFile): CodeRange[] {
  return elf.programHeaders.flatMap(({ type, flags, virtualAddress, offset, fileSize }, n) => {
    if (type !== PT_LOAD || (flags & PF_X) === 0) return [];
    const bytes = elf.file.slice(offset, fileSize, `segment ${n}`);
    return bytes.length > 0 ? [{ name: `segment ${n}`, address: virtualAddress, bytes }] : [];
  });
}
