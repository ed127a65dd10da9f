/**
 * ELF notes: name, type and descriptor. Leaves out what particular notes mean. Nothing here throws: a list
 * that contradicts itself ends where it does.
 * System V ABI, generic, chapter 5 "Note Section".
 */

import { type ProgramHeader, PT_NOTE } from './elf-header.js';
import { type Section, SHT_NOTE, sectionBytes } from './elf-sections.js';
import type { Reader } from './reader.js';
import { printable } from './text.js';

export interface Note {
  /** Printable, without its NUL. */
  readonly name: string;
  readonly type: number;
  /** A view into the file. */
  readonly desc: Uint8Array;
}

/** Notes read from one image at most: headers may claim the same bytes many times over. */
const MAX_NOTES = 4096;
const MAX_NAME = 64;
const HEADER_SIZE = 12;

/** Notes of the PT_NOTE segments. */
export function segmentNotes(file: Reader, programHeaders: readonly ProgramHeader[]): Note[] {
  const notes: Note[] = [];
  for (const { type, offset, fileSize, align } of programHeaders) {
    if (type === PT_NOTE && file.has(offset, fileSize)) addNotes(notes, file, offset, fileSize, align);
  }
  return notes;
}

/** Notes of the SHT_NOTE sections, for images whose linker script made no PT_NOTE. */
export function sectionNotes(file: Reader, sections: readonly Section[]): Note[] {
  const notes: Note[] = [];
  for (const section of sections) {
    if (section.type !== SHT_NOTE || sectionBytes(file, section) === undefined) continue;
    addNotes(notes, file, section.offset, section.size, section.align);
  }
  return notes;
}

function addNotes(notes: Note[], file: Reader, offset: number, size: number, align: number): void {
  const room = MAX_NOTES - notes.length;
  if (room <= 0) return;
  // Only GNU property notes pad to 8 bytes; others pad to 4 also where 8 is declared (Solo5's manifest does).
  const list = walk(file, offset, size, 4, room);
  const chosen = align === 8 && !list.clean ? walk(file, offset, size, 8, room) : list;
  notes.push(...(chosen.clean ? chosen : list).notes);
}

function walk(file: Reader, start: number, size: number, align: 4 | 8, room: number) {
  const notes: Note[] = [];
  const padded = (length: number): number => Math.ceil(length / align) * align;
  const end = start + size;
  let at = start;
  while (at + HEADER_SIZE <= end && notes.length < room) {
    const nameSize = file.u32(at);
    const descSize = file.u32(at + 4);
    const desc = at + padded(HEADER_SIZE + nameSize);
    if (nameSize === 0 || desc + descSize > end) return { notes, clean: false };
    notes.push({
      name: printable(file.bytes.subarray(at + HEADER_SIZE, at + HEADER_SIZE + nameSize), MAX_NAME),
      type: file.u32(at + 8),
      desc: file.bytes.subarray(desc, desc + descSize),
    });
    at = desc + padded(descSize);
  }
  return { notes, clean: true };
}
