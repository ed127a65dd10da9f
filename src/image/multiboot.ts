/**
 * A multiboot image to its load plan: by address fields, or by the ELF's segments. ELF64 carriers load too:
 * the specification speaks of ELF32 only, but GRUB loads both and Solo5's images are ELF64.
 * Leaves out the information structure that the image receives (`src/boot/multiboot.ts`).
 * Multiboot Specification 0.6.96, 3.1.
 */

import type { ElfFile } from './elf.js';
import { SHF_ALLOC, SHT_STRTAB, SHT_SYMTAB, sectionBytes } from './elf-sections.js';
import { ImageError } from './errors.js';
import type { MultibootPlan, SectionHeaders, Segment, VideoRequest } from './image.js';
import type { AddressFields, MultibootHeader } from './multiboot-header.js';
import { Reader } from './reader.js';
import { checkEntry, loadableSegments, physicalEntry } from './segments.js';
import { hex } from './text.js';

/** @throws ImageError when the header demands what we lack, or it or the segments contradict themselves */
export function planMultiboot(
  bytes: Uint8Array,
  header: MultibootHeader,
  elf: ElfFile | undefined,
): MultibootPlan {
  if (header.unknownBits.length > 0) {
    throw new ImageError(
      'unsupported-feature',
      `the multiboot header demands feature bit ${header.unknownBits.join(', ')} (flags ${hex(header.flags)}), ` +
        'which specification 0.6.96 does not define: nothing can be done but build it without',
    );
  }
  const requests = {
    pageAlignedModules: header.pageAlign,
    memoryInformation: header.memoryInfo,
    video: videoRequest(header),
  };
  if (header.addressFields !== undefined) {
    const segment = addressedSegment(bytes, header.offset, header.addressFields);
    const entry = header.addressFields.entryAddr;
    checkEntry(entry, [segment], 'entry_addr');
    const carrier = elf?.carrier ?? 'raw';
    return {
      protocol: 'multiboot',
      carrier,
      segments: [segment],
      entry,
      requests,
      sectionHeaders: undefined,
    };
  }
  if (elf === undefined) {
    throw new ImageError(
      'bad-multiboot',
      `the multiboot header at ${hex(header.offset)} has no address fields (flag 16) and the file is not an ELF: ` +
        'where to load it is unknown',
    );
  }
  return {
    protocol: 'multiboot',
    carrier: elf.carrier,
    segments: loadableSegments(elf),
    entry: physicalEntry(elf),
    requests,
    sectionHeaders: sectionHeaders(elf),
  };
}

/**
 * The machine has a text screen. A wish for graphics of no particular size may be met with it (3.1.4 lets
 * the loader choose); one of a definite size comes from an image that would draw into it unasked.
 */
function videoRequest(header: MultibootHeader): VideoRequest | undefined {
  if (header.video === undefined) return undefined;
  const { modeType, width, height, depth } = header.video;
  if (modeType > 1) {
    throw new ImageError(
      'bad-multiboot',
      `the multiboot header asks for video mode_type ${modeType}, which is reserved`,
    );
  }
  if (modeType === 0 && (width > 0 || height > 0 || depth > 0)) {
    throw new ImageError(
      'unsupported-feature',
      `the multiboot header demands a linear framebuffer of ${width}×${height}×${depth}, but the machine has ` +
        'only a text screen: build the image without flag 2 or with mode_type 1',
    );
  }
  return { modeType: modeType === 0 ? 'graphics' : 'text', width, height, depth };
}

/** 3.1.3: one segment, found in the file relative to the header and not to any ELF structure. */
function addressedSegment(bytes: Uint8Array, headerOffset: number, fields: AddressFields): Segment {
  const { headerAddr, loadAddr, loadEndAddr, bssEndAddr } = fields;
  const refuse = (reason: string): never => {
    throw new ImageError('bad-multiboot', `the multiboot address fields contradict themselves: ${reason}`);
  };
  if (loadAddr > headerAddr) refuse(`load_addr ${hex(loadAddr)} lies above header_addr ${hex(headerAddr)}`);
  const fileOffset = headerOffset - (headerAddr - loadAddr);
  if (fileOffset < 0) {
    refuse(
      `header_addr − load_addr is ${hex(headerAddr - loadAddr)}, but the header lies ${hex(headerOffset)} into the file`,
    );
  }
  if (loadEndAddr !== 0 && loadEndAddr <= headerAddr) {
    refuse(`load_end_addr ${hex(loadEndAddr)} lies below the header at ${hex(headerAddr)}`);
  }
  const loadSize = loadEndAddr === 0 ? bytes.length - fileOffset : loadEndAddr - loadAddr;
  const loadEnd = loadAddr + loadSize;
  if (loadEnd > 2 ** 32) refuse(`the file would end at ${hex(loadEnd)}, above 4 GiB`);
  if (bssEndAddr !== 0 && bssEndAddr < loadEnd) {
    refuse(`bss_end_addr ${hex(bssEndAddr)} lies below the end of the data at ${hex(loadEnd)}`);
  }
  return {
    physicalAddress: loadAddr,
    bytes: new Reader(bytes).slice(fileOffset, loadSize, 'the data between load_addr and load_end_addr'),
    memorySize: bssEndAddr === 0 ? loadSize : bssEndAddr - loadAddr,
  };
}

function sectionHeaders(elf: ElfFile): SectionHeaders | undefined {
  const { sections, offset, entrySize, nameIndex } = elf.sectionTable;
  if (sections.length === 0) return undefined;
  const contents = sections.flatMap((section) => {
    if (section.type !== SHT_SYMTAB && section.type !== SHT_STRTAB) return [];
    const bytes = section.flags & SHF_ALLOC ? undefined : sectionBytes(elf.file, section);
    return bytes === undefined || bytes.length === 0 ? [] : [{ index: section.index, bytes }];
  });
  return {
    table: elf.file.bytes.subarray(offset, offset + sections.length * entrySize),
    count: sections.length,
    entrySize,
    nameIndex,
    addressField: elf.header.bits === 64 ? { offset: 16, size: 8 } : { offset: 12, size: 4 },
    contents,
  };
}
