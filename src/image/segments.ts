/**
 * PT_LOAD program headers to segments at physical addresses. Leaves out relocation: an ET_DYN image is
 * loaded at its p_paddr like any other, which suits position-independent kernels and no others.
 * System V ABI, generic, chapter 5 "Program Loading".
 */

import type { ElfFile } from './elf.js';
import { type ProgramHeader, PT_LOAD } from './elf-header.js';
import { ImageError } from './errors.js';
import type { Segment } from './image.js';
import { hex, size } from './text.js';

const FOUR_GIB = 2 ** 32;

/** @throws ImageError when a segment lies beyond the file or 4 GiB, overlaps another, or there is none */
export function loadableSegments(elf: ElfFile): Segment[] {
  const segments: Segment[] = [];
  for (const header of elf.programHeaders) {
    if (header.type !== PT_LOAD) continue;
    checkSegment(elf, header);
    if (header.memorySize === 0) continue;
    segments.push({
      physicalAddress: header.physicalAddress,
      bytes: elf.file.bytes.subarray(header.offset, header.offset + header.fileSize),
      memorySize: header.memorySize,
    });
  }
  if (segments.length === 0) {
    throw new ImageError(
      'no-segments',
      'this ELF has no PT_LOAD segment: there is nothing to load; link it as a program',
    );
  }
  return inOrder(segments);
}

/**
 * e_entry as a physical address. Linkers write a virtual one; GRUB and QEMU translate it through the segment
 * around it, and so do we. An address in no virtual range is taken as physical already.
 * @throws ImageError `bad-entry` when it lies in no segment
 */
export function physicalEntry(elf: ElfFile): number {
  const { entry } = elf.header;
  const loads = elf.programHeaders.filter(({ type, memorySize }) => type === PT_LOAD && memorySize > 0);
  const around = loads.find(
    ({ virtualAddress, memorySize }) =>
      entry >= virtualAddress && entry - virtualAddress < BigInt(memorySize),
  );
  if (around !== undefined) return around.physicalAddress + Number(entry - around.virtualAddress);
  const physical = Number(entry);
  checkEntry(physical, loads, 'e_entry');
  return physical;
}

/** @throws ImageError `bad-entry` when the address lies in none of the ranges */
export function checkEntry(
  entry: number,
  ranges: readonly { physicalAddress: number; memorySize: number }[],
  field: string,
): void {
  const inside = ranges.some(
    ({ physicalAddress: start, memorySize }) => entry >= start && entry < start + memorySize,
  );
  if (inside) return;
  throw new ImageError(
    'bad-entry',
    `${field} ${hex(entry)} lies in no segment: the image was linked wrongly or is damaged`,
  );
}

/** Puts segments in ascending order. @throws ImageError `overlapping-segments` */
function inOrder(segments: readonly Segment[]): Segment[] {
  const sorted = segments.toSorted((a, b) => a.physicalAddress - b.physicalAddress);
  for (const [index, segment] of sorted.entries()) {
    const next = sorted[index + 1];
    const end = segment.physicalAddress + segment.memorySize;
    if (next === undefined || end <= next.physicalAddress) continue;
    throw new ImageError(
      'overlapping-segments',
      `the segment at ${hex(segment.physicalAddress)}–${hex(end)} overlaps the one at ` +
        `${hex(next.physicalAddress)}: the image was linked wrongly or is damaged`,
    );
  }
  return sorted;
}

function checkSegment(elf: ElfFile, header: ProgramHeader): void {
  const { index, physicalAddress, fileSize, memorySize } = header;
  if (fileSize > memorySize) {
    throw new ImageError(
      'bad-segment',
      `segment ${index} has ${size(fileSize)} in the file but ${size(memorySize)} in memory: the file is damaged`,
    );
  }
  if (memorySize === 0) return;
  elf.file.demand(header.offset, fileSize, `segment ${index}`);
  if (physicalAddress + memorySize > FOUR_GIB) {
    throw new ImageError(
      'beyond-4-gib',
      `segment ${index} wants ${size(memorySize)} at physical address ${hex(physicalAddress)}, but images load ` +
        'below 4 GiB: if that is a virtual address, set the physical one (AT in the linker script)',
    );
  }
}
