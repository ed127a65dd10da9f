/**
 * Solo5's notes: which binding an image was built for. Leaves out loading such an image, which is not
 * supported except where it also speaks multiboot (the virtio binding).
 * Solo5, include/elf_abi.h.
 */

import type { ElfFile } from './elf.js';
import { Reader } from './reader.js';

const ABI1_NOTE_TYPE = 0x31494241;
const MFT1_NOTE_TYPE = 0x3154464d;
const BINDINGS = ['', 'hvt', 'spt', 'virtio', 'muen', 'genode', 'xen'];

export interface Solo5Abi {
  /** `hvt`, `virtio` … or `unknown (N)`. */
  readonly binding: string;
  readonly version: number;
}

/** What the ABI1 note says, or undefined when the image has no Solo5 notes. */
export function solo5Abi(elf: ElfFile): Solo5Abi | undefined {
  const notes = elf.notes.filter(({ name }) => name === 'Solo5');
  const abi = notes.find(({ type, desc }) => type === ABI1_NOTE_TYPE && desc.length >= 8);
  if (abi === undefined) {
    return notes.some(({ type }) => type === MFT1_NOTE_TYPE) ? { binding: 'unknown', version: 0 } : undefined;
  }
  const desc = new Reader(abi.desc);
  const target = desc.u32(0);
  return { binding: BINDINGS[target] || `unknown (${target})`, version: desc.u32(4) };
}
