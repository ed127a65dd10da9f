/**
 * The multiboot header: found, checked and taken apart. Leaves out loading.
 * Multiboot Specification 0.6.96, 3.1 "OS image format".
 */

import { ImageError } from './errors.js';
import type { VideoRequest } from './image.js';
import { Reader } from './reader.js';
import { hex } from './text.js';

export const MULTIBOOT_HEADER_MAGIC = 0x1badb002;
const MULTIBOOT2_HEADER_MAGIC = 0xe85250d6;
/** The whole header must lie within so many bytes. */
const MULTIBOOT_SEARCH = 8192;
/** How far a search for the reason of a failure goes. */
const HINT_SEARCH = 1 << 20;

const PAGE_ALIGN = 1 << 0;
const MEMORY_INFO = 1 << 1;
const VIDEO_MODE = 1 << 2;
const ADDRESS_FIELDS = 1 << 16;
/** Bits 0–15 are demands: a loader that cannot meet one must refuse. Bits 16–31 are wishes. */
const MANDATORY = 0xffff;
const KNOWN = PAGE_ALIGN | MEMORY_INFO | VIDEO_MODE;

/** Address fields (flag 16): physical addresses, in the specification's words. */
export interface AddressFields {
  readonly headerAddr: number;
  readonly loadAddr: number;
  readonly loadEndAddr: number;
  readonly bssEndAddr: number;
  readonly entryAddr: number;
}

export interface MultibootHeader {
  /** Offset in the file, in bytes. */
  readonly offset: number;
  readonly flags: number;
  readonly pageAlign: boolean;
  readonly memoryInfo: boolean;
  /** Mandatory bits that the specification does not define. */
  readonly unknownBits: readonly number[];
  readonly addressFields: AddressFields | undefined;
  /** mode_type as it stands, with the preferred size. */
  readonly video: (Omit<VideoRequest, 'modeType'> & { readonly modeType: number }) | undefined;
}

/** The header, or undefined when the file has none. @throws ImageError `bad-multiboot` when it is cut off */
export function findMultibootHeader(bytes: Uint8Array): MultibootHeader | undefined {
  const file = new Reader(bytes.subarray(0, MULTIBOOT_SEARCH));
  for (let offset = 0; file.has(offset, 12); offset += 4) {
    if (file.u32(offset) !== MULTIBOOT_HEADER_MAGIC) continue;
    const flags = file.u32(offset + 4);
    if ((MULTIBOOT_HEADER_MAGIC + flags + file.u32(offset + 8)) % 2 ** 32 === 0)
      return parse(file, offset, flags);
  }
  return undefined;
}

/** Why a file has no multiboot header although its author may think so, or undefined. */
export function multibootNearMiss(bytes: Uint8Array): string | undefined {
  const file = new Reader(bytes.subarray(0, HINT_SEARCH));
  for (let offset = 0; file.has(offset, 12); offset += 4) {
    const magic = file.u32(offset);
    if (magic === MULTIBOOT2_HEADER_MAGIC && offset < 4 * MULTIBOOT_SEARCH) {
      const sum = magic + file.u32(offset + 4) + file.u32(offset + 8);
      if (file.has(offset, 16) && (sum + file.u32(offset + 12)) % 2 ** 32 === 0) {
        return `there is a multiboot 2 header at ${hex(offset)}, which is not supported: build it for multiboot 1`;
      }
    }
    if (magic !== MULTIBOOT_HEADER_MAGIC) continue;
    const sum = magic + file.u32(offset + 4) + file.u32(offset + 8);
    if (sum % 2 ** 32 === 0) {
      return (
        `the multiboot header at ${hex(offset)} lies beyond the first ${MULTIBOOT_SEARCH} bytes: ` +
        'put its section first in the linker script'
      );
    }
    if (offset < MULTIBOOT_SEARCH) {
      return (
        `the multiboot magic at ${hex(offset)} is followed by a wrong checksum: magic, flags and checksum ` +
        `must add up to 0, not ${hex(sum % 2 ** 32)}`
      );
    }
  }
  return undefined;
}

/** The header's flags in words. */
export function flagNames(header: MultibootHeader): string[] {
  const names: string[] = [];
  if (header.pageAlign) names.push('modules on page boundaries');
  if (header.memoryInfo) names.push('memory information');
  if (header.video) names.push('video mode');
  for (const bit of header.unknownBits) names.push(`unknown mandatory bit ${bit}`);
  if (header.addressFields) names.push('address fields');
  return names;
}

function parse(file: Reader, offset: number, flags: number): MultibootHeader {
  const wanted = flags & VIDEO_MODE ? 48 : flags & ADDRESS_FIELDS ? 32 : 12;
  if (!file.has(offset, wanted)) {
    throw new ImageError(
      'bad-multiboot',
      `the multiboot header at ${hex(offset)} needs ${wanted} bytes for its flags ${hex(flags)}, but ` +
        `${file.length - offset} are left of the file's first ${MULTIBOOT_SEARCH}`,
    );
  }
  const field = (index: number): number => file.u32(offset + 12 + 4 * index);
  const unknown = flags & MANDATORY & ~KNOWN;
  return {
    offset,
    flags,
    pageAlign: (flags & PAGE_ALIGN) !== 0,
    memoryInfo: (flags & MEMORY_INFO) !== 0,
    unknownBits: Array.from({ length: 16 }, (_, bit) => bit).filter((bit) => unknown & (1 << bit)),
    addressFields:
      flags & ADDRESS_FIELDS
        ? {
            headerAddr: field(0),
            loadAddr: field(1),
            loadEndAddr: field(2),
            bssEndAddr: field(3),
            entryAddr: field(4),
          }
        : undefined,
    video:
      flags & VIDEO_MODE
        ? { modeType: field(5), width: field(6), height: field(7), depth: field(8) }
        : undefined,
  };
}
