/**
 * A PVH image (an ELF whose note names a 32-bit physical entry) to its load plan. Leaves out the start info
 * that the image receives (`src/boot/pvh.ts`) and every other Xen note.
 * Xen, docs/misc/pvh.pandoc and xen/include/public/elfnote.h.
 */

import type { ElfFile } from './elf.js';
import type { Note } from './elf-notes.js';
import { sectionNotes } from './elf-notes.js';
import { ImageError } from './errors.js';
import type { PvhPlan } from './image.js';
import { Reader } from './reader.js';
import { checkEntry, loadableSegments } from './segments.js';
import { hex } from './text.js';

export const XEN_ELFNOTE_PHYS32_ENTRY = 18;

/** The note, from the PT_NOTE segments and failing that from the sections. */
export function findPvhNote(elf: ElfFile): Note | undefined {
  const isEntry = ({ name, type }: Note): boolean => name === 'Xen' && type === XEN_ELFNOTE_PHYS32_ENTRY;
  return elf.notes.find(isEntry) ?? sectionNotes(elf.file, elf.sectionTable.sections).find(isEntry);
}

/** The physical entry that the note names. @throws ImageError `bad-pvh` */
export function pvhEntry(note: Note): number {
  const { length } = note.desc;
  if (length !== 4 && length !== 8) {
    throw new ImageError('bad-pvh', `the PVH note (Xen, type 18) holds ${length} bytes instead of 4 or 8`);
  }
  const desc = new Reader(note.desc);
  const entry = length === 4 ? desc.u32(0) : desc.u64AsNumber(0);
  if (entry >= 2 ** 32) {
    throw new ImageError(
      'bad-pvh',
      `the PVH entry ${hex(entry)} lies above 4 GiB: it must be a physical address`,
    );
  }
  return entry;
}

/** @throws ImageError when the note or the segments contradict themselves */
export function planPvh(elf: ElfFile, note: Note): PvhPlan {
  const entry = pvhEntry(note);
  const segments = loadableSegments(elf);
  checkEntry(entry, segments, 'the PVH entry');
  return { protocol: 'pvh', carrier: elf.carrier, segments, entry };
}
