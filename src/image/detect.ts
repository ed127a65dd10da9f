/**
 * File bytes to an image that can be booted, or the reason why not. Leaves out the machine: whether the
 * image fits is for `src/boot` to say.
 */

import { ElfFile } from './elf.js';
import { isElf } from './elf-header.js';
import { ImageError } from './errors.js';
import { foreignFormat, isLinuxKernel } from './foreign.js';
import { BOOTABLE, type Image, type MultibootPlan, PROTOCOLS, type Protocol } from './image.js';
import { planBzImage, planVmlinux } from './linux.js';
import { planMultiboot } from './multiboot.js';
import { findMultibootHeader, type MultibootHeader, multibootNearMiss } from './multiboot-header.js';
import { findPvhNote, planPvh } from './pvh.js';
import { solo5Abi } from './solo5.js';
import { hex } from './text.js';

/**
 * @param bytes the whole file; the image keeps views of it
 * @throws ImageError when the file cannot be booted by the protocol
 */
export function detectImage(bytes: Uint8Array, protocol: Protocol = 'auto'): Image {
  checkProtocol(protocol);
  if (bytes.length === 0)
    throw new ImageError('empty', 'the image is empty (0 bytes): build or download it again');
  const elf = isElf(bytes) ? ElfFile.parse(bytes) : undefined;
  if (protocol === 'linux') return detectLinux(bytes, elf);
  // A Linux kernel may also hold a multiboot header; QEMU looks for its own header first, and so do we.
  if (elf === undefined && isLinuxKernel(bytes) && protocol === 'auto')
    return { plan: planBzImage(bytes), elf };
  if (protocol === 'pvh' && elf !== undefined) return detectPvh(bytes, elf);
  const header = findMultibootHeader(bytes);
  if (elf === undefined && header === undefined) throw notAnImage(bytes);
  switch (protocol) {
    case 'multiboot':
      if (header === undefined) throw noProtocol(bytes, elf, protocol);
      return { plan: planMultiboot(bytes, header, elf), elf };
    case 'pvh':
      throw noProtocol(bytes, elf, protocol);
    default:
      return detectAny(bytes, elf, header);
  }
}

/**
 * Multiboot first and PVH second, as QEMU does: an image with both is tested by its authors in that order.
 * PVH is still taken when the multiboot header asks for what we lack.
 */
function detectAny(bytes: Uint8Array, elf: ElfFile | undefined, header: MultibootHeader | undefined): Image {
  const multiboot = header && attempt(() => planMultiboot(bytes, header, elf));
  if (multiboot !== undefined && !(multiboot instanceof ImageError)) return { plan: multiboot, elf };
  const abi = elf && solo5Abi(elf);
  const note = elf && abi === undefined ? findPvhNote(elf) : undefined;
  if (elf !== undefined && note !== undefined) return { plan: planPvh(elf, note), elf };
  if (multiboot !== undefined) throw multiboot;
  if (abi !== undefined) {
    throw new ImageError(
      'unsupported-protocol',
      `this is a Solo5 image for the ${abi.binding} binding, which is not supported yet: ` +
        'build it for the virtio binding, which boots by multiboot',
    );
  }
  throw noProtocol(bytes, elf, 'auto');
}

function detectPvh(bytes: Uint8Array, elf: ElfFile): Image {
  const note = findPvhNote(elf);
  if (note === undefined) throw noProtocol(bytes, elf, 'pvh');
  return { plan: planPvh(elf, note), elf };
}

/** An ELF says of itself only that it is one: that it is a kernel is the user's word. */
function detectLinux(bytes: Uint8Array, elf: ElfFile | undefined): Image {
  if (elf !== undefined) return { plan: planVmlinux(elf), elf };
  if (isLinuxKernel(bytes)) return { plan: planBzImage(bytes), elf };
  if (findMultibootHeader(bytes) === undefined) throw notAnImage(bytes);
  throw noProtocol(bytes, elf, 'linux');
}

function attempt(plan: () => MultibootPlan): MultibootPlan | ImageError {
  try {
    return plan();
  } catch (error) {
    if (error instanceof ImageError) return error;
    throw error;
  }
}

function checkProtocol(protocol: Protocol): void {
  if (BOOTABLE.some((one) => one === protocol)) return;
  const known = PROTOCOLS.includes(protocol) ? 'is not supported yet' : 'is unknown';
  throw new ImageError(
    'unsupported-protocol',
    `protocol ${protocol} ${known}: choose from ${BOOTABLE.join(', ')}; auto finds it`,
  );
}

function notAnImage(bytes: Uint8Array): ImageError {
  const foreign = foreignFormat(bytes);
  if (foreign !== undefined) {
    return new ImageError('not-an-image', `this is ${foreign.name}, not an image: ${foreign.advice}`);
  }
  const hint = multibootNearMiss(bytes) ?? 'give an ELF program or a raw image with a multiboot header';
  const start = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return new ImageError(
    'not-an-image',
    `this is no image that we know: ${bytes.length} bytes beginning with ${start}, neither ELF nor multiboot: ${hint}`,
  );
}

function noProtocol(
  bytes: Uint8Array,
  elf: ElfFile | undefined,
  protocol: 'auto' | 'multiboot' | 'pvh' | 'linux',
): ImageError {
  const auto = protocol === 'auto';
  const looked: string[] = [];
  if (auto || protocol === 'multiboot') looked.push('a multiboot 1 header in the first 8192 bytes');
  if (auto || protocol === 'pvh') looked.push('a PVH entry (note Xen, type 18)');
  if (protocol === 'linux') looked.push('a setup header of Linux (HdrS at 0x202)');
  if (auto) looked.push('Solo5 notes');
  const found = elf ? notesFound(elf) : 'it is not an ELF';
  const hint =
    (protocol === 'pvh' ? undefined : multibootNearMiss(bytes)) ??
    (elf?.interpreter === undefined
      ? 'link it for one of these, or choose another --protocol'
      : `it is a program for an operating system (its loader is ${elf.interpreter}), not a unikernel`);
  return new ImageError(
    'no-protocol',
    `found no way to boot this image: looked for ${looked.join(', ')}; ${found}; ${hint}`,
  );
}

function notesFound(elf: ElfFile): string {
  const notes = elf.notes.slice(0, 8).map(({ name, type }) => `${name} ${hex(type)}`);
  return notes.length > 0 ? `the notes in it are ${notes.join(', ')}` : 'it has no notes';
}
