/**
 * The types that `src/image` hands out: what an image is and how it wants to be loaded. Leaves out how the
 * plan is applied to a machine, which is `src/boot`.
 */

import type { ElfFile } from './elf.js';

/** What `--protocol` takes. The last two are known by name and not supported yet. */
export const PROTOCOLS = ['auto', 'multiboot', 'pvh', 'linux', 'solo5', 'elf'] as const;
export type Protocol = (typeof PROTOCOLS)[number];
/** Those that boot. */
export const BOOTABLE = ['auto', 'multiboot', 'pvh', 'linux'] as const satisfies readonly Protocol[];

export interface Segment {
  /** First byte in guest physical memory; all of the segment lies below 4 GiB. */
  readonly physicalAddress: number;
  /** A view into the file, never longer than `memorySize`. */
  readonly bytes: Uint8Array;
  /** Bytes in memory; those beyond `bytes` are zero. */
  readonly memorySize: number;
}

interface LoadPlanBase {
  /** How the file carries the segments; raw when address fields say so. */
  readonly carrier: 'elf32' | 'elf64' | 'bzimage' | 'raw';
  /** In ascending order of address, not empty, none overlapping another. */
  readonly segments: readonly Segment[];
  /** Physical address of the first instruction, inside a segment. */
  readonly entry: number;
}

/** Multiboot header, 3.1.4: a preference, to which the loader may answer with any mode it names. */
export interface VideoRequest {
  readonly modeType: 'graphics' | 'text';
  /** Columns or pixels; 0 is no preference. */
  readonly width: number;
  readonly height: number;
  /** Bits per pixel; 0 is no preference. */
  readonly depth: number;
}

/** The section headers of an ELF, for the multiboot information's flag 5. */
export interface SectionHeaders {
  /** The table as it stands in the file, a view. */
  readonly table: Uint8Array;
  readonly count: number;
  readonly entrySize: number;
  readonly nameIndex: number;
  /** Where sh_addr lies within an entry, and its size in bytes. */
  readonly addressField: { readonly offset: number; readonly size: 4 | 8 };
  /** Symbol and string tables, which no segment loads. */
  readonly contents: readonly { readonly index: number; readonly bytes: Uint8Array }[];
}

export interface MultibootPlan extends LoadPlanBase {
  readonly protocol: 'multiboot';
  readonly requests: {
    readonly pageAlignedModules: boolean;
    readonly memoryInformation: boolean;
    readonly video: VideoRequest | undefined;
  };
  /** Absent for raw images and address fields. */
  readonly sectionHeaders: SectionHeaders | undefined;
}

export interface PvhPlan extends LoadPlanBase {
  readonly protocol: 'pvh';
}

export interface LinuxPlan extends LoadPlanBase {
  readonly protocol: 'linux';
  /** From 0x1F1 on; none in a vmlinux. */
  readonly setupHeader: Uint8Array | undefined;
  /** Most bytes of a command line, without its NUL. */
  readonly commandLineSize: number;
  /** Last physical address that the initial RAM disk may fill. */
  readonly initrdAddressMax: number;
}

export type LoadPlan = MultibootPlan | PvhPlan | LinuxPlan;

export interface Image {
  readonly plan: LoadPlan;
  /** Sections, notes and symbols of the file when it is an ELF. */
  readonly elf: ElfFile | undefined;
}
