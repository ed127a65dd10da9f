/**
 * What an image is, as plain data for `univisor inspect` (JSON included: addresses that may exceed 2^53 are
 * hexadecimal text). Never throws: a file that cannot be booted is described as far as it can be read, with
 * the reason in `refusal`. Leaves out layout and colours.
 */

import { detectImage } from './detect.js';
import { ElfFile } from './elf.js';
import {
  EM_X86_64,
  ET_DYN,
  elfTypeName,
  isElf,
  machineName,
  PF_R,
  PF_W,
  PF_X,
  PT_LOAD,
} from './elf-header.js';
import { ImageError, type ImageErrorCode } from './errors.js';
import { foreignFormat, isLinuxKernel } from './foreign.js';
import type { LoadPlan, Protocol } from './image.js';
import { setupHeaderFacts } from './linux.js';
import { findMultibootHeader, flagNames, type MultibootHeader } from './multiboot-header.js';
import { findPvhNote, pvhEntry } from './pvh.js';
import { solo5Abi } from './solo5.js';
import { hex, size } from './text.js';

export interface Refusal {
  readonly code: ImageErrorCode;
  readonly message: string;
}

export interface ProtocolDescription {
  readonly name: Exclude<Protocol, 'auto'>;
  /** Facts in reading order, such as `['flags', '0x10003']`. */
  readonly details: readonly (readonly [name: string, value: string])[];
  /** Why univisor cannot boot the image so; absent when it can. */
  readonly refusal?: Refusal;
}

export interface SegmentDescription {
  readonly virtualAddress: string;
  readonly physicalAddress: string;
  /** Bytes. */
  readonly fileSize: number;
  readonly memorySize: number;
  /** As in `r-x`. */
  readonly permissions: string;
}

export interface ImageDescription {
  /** `ELF64 executable`, `raw multiboot image`, `gzip data` … */
  readonly format: string;
  /** Bytes in the file. */
  readonly fileSize: number;
  readonly machine?: string;
  /** e_entry, as it stands. */
  readonly entry?: string;
  /** Those recognised, in the order in which auto tries them. */
  readonly protocols: readonly ProtocolDescription[];
  /** What auto takes; absent when `refusal` says why there is nothing to take. */
  readonly bootsBy?: LoadPlan['protocol'];
  /** Physical address of the first instruction. */
  readonly bootEntry?: string;
  readonly refusal?: Refusal;
  readonly segments: readonly SegmentDescription[];
  readonly notes: readonly { readonly name: string; readonly type: string; readonly size: number }[];
  readonly symbolCount: number;
  /** First physical address that the image fills, and the first after it. */
  readonly lowestAddress?: number;
  readonly highestAddress?: number;
  /** Least RAM in bytes, counted from address 0. */
  readonly memoryNeeded?: number;
  /** What the image wants, in sentences. */
  readonly needs: readonly string[];
}

export function describeImage(bytes: Uint8Array): ImageDescription {
  const elf = isElf(bytes) ? attempt(() => ElfFile.parse(bytes)) : undefined;
  const header = attempt(() => findMultibootHeader(bytes));
  const image = attempt(() => detectImage(bytes));
  const parsed = elf instanceof ElfFile ? elf : undefined;
  const plan = image instanceof ImageError ? undefined : image.plan;
  const protocols = describeProtocols(bytes, parsed, header instanceof ImageError ? undefined : header);
  return {
    format: formatName(bytes, parsed, protocols),
    fileSize: bytes.length,
    ...(parsed && { machine: machineName(parsed.header.machine), entry: hex(parsed.header.entry) }),
    protocols,
    ...(plan && describePlan(plan)),
    ...(image instanceof ImageError && { refusal: refusal(image) }),
    segments: describeSegments(parsed, plan),
    notes: parsed?.notes.map(({ name, type, desc }) => ({ name, type: hex(type), size: desc.length })) ?? [],
    symbolCount: parsed?.symbols.count ?? 0,
    needs: needs(parsed, plan),
  };
}

function describePlan({ protocol, entry, segments }: LoadPlan) {
  const lowestAddress = Math.min(...segments.map(({ physicalAddress }) => physicalAddress));
  const highestAddress = Math.max(...segments.map((segment) => segment.physicalAddress + segment.memorySize));
  return {
    bootsBy: protocol,
    bootEntry: hex(entry),
    lowestAddress,
    highestAddress,
    memoryNeeded: highestAddress,
  };
}

function attempt<T>(action: () => T): T | ImageError {
  try {
    return action();
  } catch (error) {
    if (error instanceof ImageError) return error;
    throw error;
  }
}

function refusal(error: ImageError): Refusal {
  return { code: error.code, message: error.message };
}

function formatName(
  bytes: Uint8Array,
  elf: ElfFile | undefined,
  protocols: readonly ProtocolDescription[],
): string {
  if (elf !== undefined) return `ELF${elf.header.bits} ${elfTypeName(elf.header.type)}`;
  if (bytes.length === 0) return 'empty file';
  if (isElf(bytes)) return 'ELF';
  if (isLinuxKernel(bytes)) return 'Linux kernel (bzImage)';
  if (protocols.length > 0) return 'raw multiboot image';
  return foreignFormat(bytes)?.name.replace(/^an? /, '') ?? 'unknown';
}

function describeProtocols(
  bytes: Uint8Array,
  elf: ElfFile | undefined,
  header: MultibootHeader | undefined,
): ProtocolDescription[] {
  const protocols: ProtocolDescription[] = [];
  const add = (name: ProtocolDescription['name'], details: ProtocolDescription['details']): void => {
    const result = attempt(() => detectImage(bytes, name));
    protocols.push(
      result instanceof ImageError ? { name, details, refusal: refusal(result) } : { name, details },
    );
  };
  if (header !== undefined) add('multiboot', multibootDetails(header));
  const note = elf && findPvhNote(elf);
  if (note !== undefined) {
    const entry = attempt(() => pvhEntry(note));
    add('pvh', entry instanceof ImageError ? [] : [['entry', hex(entry)]]);
  }
  const abi = elf && solo5Abi(elf);
  if (abi !== undefined) {
    add('solo5', [
      ['binding', abi.binding],
      ['version', String(abi.version)],
    ]);
  }
  if (elf === undefined && isLinuxKernel(bytes)) {
    const facts = attempt(() => setupHeaderFacts(bytes));
    add('linux', facts instanceof ImageError ? [] : [['boot protocol', facts.version]]);
  }
  return protocols;
}

function multibootDetails(header: MultibootHeader): [string, string][] {
  const details: [string, string][] = [
    ['header', `${hex(header.offset)} in the file`],
    ['flags', [hex(header.flags), ...flagNames(header)].join(', ')],
  ];
  const { addressFields, video } = header;
  if (addressFields !== undefined) {
    details.push(
      ['header_addr', hex(addressFields.headerAddr)],
      ['load_addr', hex(addressFields.loadAddr)],
      ['load_end_addr', hex(addressFields.loadEndAddr)],
      ['bss_end_addr', hex(addressFields.bssEndAddr)],
      ['entry_addr', hex(addressFields.entryAddr)],
    );
  }
  if (video !== undefined) {
    details.push(['video', `mode_type ${video.modeType}, ${video.width}×${video.height}×${video.depth}`]);
  }
  return details;
}

/** The ELF's own segments, which address fields may overrule; else the plan's. */
function describeSegments(elf: ElfFile | undefined, plan: LoadPlan | undefined): SegmentDescription[] {
  const loads = elf?.programHeaders.filter(({ type }) => type === PT_LOAD) ?? [];
  if (loads.length > 0) {
    return loads.map(({ virtualAddress, physicalAddress, fileSize, memorySize, flags }) => ({
      virtualAddress: hex(virtualAddress),
      physicalAddress: hex(physicalAddress),
      fileSize,
      memorySize,
      permissions: (flags & PF_R ? 'r' : '-') + (flags & PF_W ? 'w' : '-') + (flags & PF_X ? 'x' : '-'),
    }));
  }
  return (plan?.segments ?? []).map(({ physicalAddress, bytes, memorySize }) => ({
    virtualAddress: hex(physicalAddress),
    physicalAddress: hex(physicalAddress),
    fileSize: bytes.length,
    memorySize,
    permissions: 'rwx',
  }));
}

function needs(elf: ElfFile | undefined, plan: LoadPlan | undefined): string[] {
  const sentences: string[] = [];
  if (plan !== undefined) {
    const { highestAddress, bootEntry } = describePlan(plan);
    const mode = plan.protocol === 'linux' ? '64-bit mode' : '32-bit protected mode';
    sentences.push(`At least ${size(highestAddress)} of memory, and more for modules and its heap.`);
    sentences.push(`A start in ${mode} at ${bootEntry}.`);
  }
  if (elf?.header.machine === EM_X86_64 || plan?.protocol === 'linux')
    sentences.push('A processor with 64-bit mode.');
  if (plan?.protocol === 'linux') {
    sentences.push(
      'An initial RAM disk (--initrd), unless the kernel has one inside or a disk to start from.',
    );
  }
  if (plan?.protocol === 'multiboot') {
    if (plan.requests.pageAlignedModules) sentences.push('Modules on page boundaries.');
    if (plan.requests.memoryInformation) sentences.push('The amount of memory.');
    if (plan.requests.video) sentences.push('A video mode; it gets 80×25 text.');
  }
  if (elf?.header.type === ET_DYN && plan !== undefined) {
    sentences.push('To run where it is loaded: it is position independent and nothing relocates it.');
  }
  const abi = elf && solo5Abi(elf);
  if (abi !== undefined)
    sentences.push(`The interface of Solo5's ${abi.binding} binding, version ${abi.version}.`);
  if (elf?.interpreter !== undefined && plan === undefined) {
    sentences.push(`An operating system with the loader ${elf.interpreter}.`);
  }
  return sentences;
}
