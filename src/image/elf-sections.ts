/**
 * The section header table. Booting does not need it, and stripped images lose or break it, so nothing here
 * throws: a table that cannot be read is empty and says why in `problem`. Leaves out what sections contain.
 * System V ABI, generic, chapter 4 "Sections".
 */

import type { ElfHeader } from './elf-header.js';
import type { Reader } from './reader.js';
import { hex, printable } from './text.js';

export const SHT_SYMTAB = 2;
export const SHT_STRTAB = 3;
export const SHT_NOTE = 7;
export const SHT_NOBITS = 8;
export const SHF_ALLOC = 2;

/** More than linked programs have; it bounds what a hostile count can cost. */
const MAX_SECTIONS = 65536;

export interface Section {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly address: bigint;
  /** sh_offset and sh_size; unchecked, and rounded above 2^53. */
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly align: number;
  readonly entrySize: number;
}

export interface SectionTable {
  readonly sections: readonly Section[];
  /** Where the table lies in the file and how large an entry is, in bytes. */
  readonly offset: number;
  readonly entrySize: number;
  /** Index of the section that holds the names. */
  readonly nameIndex: number;
  /** Why the table was not read, when it was not. */
  readonly problem: string | undefined;
}

export function parseSections(file: Reader, header: ElfHeader): SectionTable {
  const { sectionHeaderOffset: offset, sectionHeaderSize: entrySize } = header;
  const empty = (problem: string | undefined): SectionTable => {
    return { sections: [], offset: 0, entrySize, nameIndex: 0, problem };
  };
  const wide = header.bits === 64;
  if (offset === 0) return empty(undefined);
  if (entrySize !== (wide ? 64 : 40)) return empty(`e_shentsize is ${entrySize}, not ${wide ? 64 : 40}`);
  if (!file.has(offset, entrySize)) return empty(`the section headers at ${hex(offset)} lie beyond the file`);

  // Counts that do not fit 16 bits are kept in the fields of section 0.
  const count = header.sectionHeaderCount || (wide ? file.u64AsNumber(offset + 32) : file.u32(offset + 20));
  const nameIndex =
    header.sectionNameIndex === 0xffff ? file.u32(offset + (wide ? 40 : 24)) : header.sectionNameIndex;
  if (count > MAX_SECTIONS) return empty(`${count} sections; at most ${MAX_SECTIONS} are read`);
  if (!file.has(offset, count * entrySize)) {
    return empty(`the table of ${count} section headers at ${hex(offset)} runs beyond the file`);
  }

  const names = sectionNames(file, nameIndex < count ? offset + nameIndex * entrySize : undefined, wide);
  const sections = Array.from({ length: count }, (_, index): Section => {
    const at = offset + index * entrySize;
    return {
      index,
      name: names(file.u32(at)),
      type: file.u32(at + 4),
      flags: file.u32(at + 8),
      address: wide ? file.u64(at + 16) : BigInt(file.u32(at + 12)),
      offset: wide ? file.u64AsNumber(at + 24) : file.u32(at + 16),
      size: wide ? file.u64AsNumber(at + 32) : file.u32(at + 20),
      link: file.u32(at + (wide ? 40 : 24)),
      align: wide ? file.u64AsNumber(at + 48) : file.u32(at + 32),
      entrySize: wide ? file.u64AsNumber(at + 56) : file.u32(at + 36),
    };
  });
  return { sections, offset, entrySize, nameIndex, problem: undefined };
}

/** The section's bytes as a view, or undefined when it has none in the file or they lie beyond it. */
export function sectionBytes(file: Reader, section: Section): Uint8Array | undefined {
  if (section.type === SHT_NOBITS || !file.has(section.offset, section.size)) return undefined;
  return file.bytes.subarray(section.offset, section.offset + section.size);
}

function sectionNames(file: Reader, at: number | undefined, wide: boolean): (offset: number) => string {
  if (at === undefined) return () => '';
  const offset = wide ? file.u64AsNumber(at + 24) : file.u32(at + 16);
  const size = wide ? file.u64AsNumber(at + 32) : file.u32(at + 20);
  if (!file.has(offset, size)) return () => '';
  const table = file.bytes.subarray(offset, offset + size);
  return (name) => (name < table.length ? printable(table.subarray(name)) : '');
}
