/**
 * An ELF file as the rest of univisor sees it: header and program headers read at once, sections, notes and
 * symbols when first asked for. Leaves out which protocol the image speaks.
 * System V ABI, generic, chapters 4 and 5.
 */

import { type ElfHeader, type ProgramHeader, PT_INTERP, parseElfHeader } from './elf-header.js';
import { type Note, sectionNotes, segmentNotes } from './elf-notes.js';
import { parseSections, type SectionTable } from './elf-sections.js';
import { Reader } from './reader.js';
import { SymbolTable } from './symbols.js';
import { printable } from './text.js';

export class ElfFile {
  readonly header: ElfHeader;
  readonly programHeaders: readonly ProgramHeader[];
  #sectionTable: SectionTable | undefined;
  #notes: readonly Note[] | undefined;
  #symbols: SymbolTable | undefined;

  private constructor(readonly file: Reader) {
    const { header, programHeaders } = parseElfHeader(file);
    this.header = header;
    this.programHeaders = programHeaders;
  }

  /** @throws ImageError for anything but a little-endian ELF program for x86 */
  static parse(bytes: Uint8Array): ElfFile {
    return new ElfFile(new Reader(bytes));
  }

  get carrier(): 'elf32' | 'elf64' {
    return this.header.bits === 64 ? 'elf64' : 'elf32';
  }

  get sectionTable(): SectionTable {
    this.#sectionTable ??= parseSections(this.file, this.header);
    return this.#sectionTable;
  }

  /** Notes of the PT_NOTE segments, or of the SHT_NOTE sections when the segments have none. */
  get notes(): readonly Note[] {
    if (this.#notes === undefined) {
      const notes = segmentNotes(this.file, this.programHeaders);
      this.#notes = notes.length > 0 ? notes : sectionNotes(this.file, this.sectionTable.sections);
    }
    return this.#notes;
  }

  get symbols(): SymbolTable {
    this.#symbols ??= new SymbolTable(this.file, this.sectionTable.sections, this.header.bits);
    return this.#symbols;
  }

  /** The dynamic loader the program asks for: the mark of an ordinary Linux program. */
  get interpreter(): string | undefined {
    const header = this.programHeaders.find(({ type }) => type === PT_INTERP);
    if (header === undefined || !this.file.has(header.offset, header.fileSize)) return undefined;
    return printable(this.file.bytes.subarray(header.offset, header.offset + header.fileSize));
  }
}
