/**
 * Page walks as the manual tells them, one level after the other and nothing remembered: what the MMU is compared with.
 * SDM vol. 3 §4.3–§4.7 for a processor with 40 bits of physical address. Leaves out what depends on translations that a
 * processor may keep: translation-cache.ts.
 */
import { type Attempt, expectedFault, type Machine, type Rights } from './rights-reference.js';

export const FORMATS = ['32-bit', '32-bit with 4 MiB pages', 'PAE', '4-level'] as const;
export type Format = (typeof FORMATS)[number];

/** An entry of the tables, or undefined where there is no RAM. */
export type ReadEntry = (address: number, size: 4 | 8) => bigint | undefined;

export interface Step {
  readonly address: number;
  readonly size: 4 | 8;
  /** Bits of the linear address below those that this level looks at. */
  readonly shift: number;
  readonly entry: bigint;
}

export interface Page {
  readonly base: bigint;
  /** log2 of its size. */
  readonly shift: number;
  readonly rights: Rights;
  readonly global: boolean;
}

export interface Walk {
  readonly steps: readonly Step[];
  /** Where it led to, or why not further than the last step. */
  readonly end: Page | 'absent' | 'reserved';
}

const PRESENT = 1n;
const WRITABLE = 2n;
const USER = 4n;
const LARGE = 1n << 7n;
const GLOBAL = 1n << 8n;
const NO_EXECUTE = 1n << 63n;
/** Bits 51:40, beyond this processor's physical addresses; in PAE's entries all up to 62. */
const ABOVE_PHYSICAL = 0xfff0000000000n;
const ABOVE_PHYSICAL_PAE = 0x7fffff0000000000n;
const FRAME_64 = 0xffffffffff000n;

/** Shifts of the levels, the root's first. */
const LEVELS: Readonly<Record<Format, readonly number[]>> = {
  '32-bit': [22, 12],
  '32-bit with 4 MiB pages': [22, 12],
  PAE: [30, 21, 12],
  '4-level': [39, 30, 21, 12],
};

function isLarge(format: Format, shift: number, entry: bigint): boolean {
  if ((entry & LARGE) === 0n || format === '32-bit') return false;
  return shift === 22 || shift === 21 || (shift === 30 && format === '4-level');
}

function hasReservedBits(format: Format, shift: number, entry: bigint, noExecuteEnabled: boolean): boolean {
  const large = isLarge(format, shift, entry);
  if (shift === 22) return large && (entry & (1n << 21n)) !== 0n;
  if (format.startsWith('32-bit')) return false;
  const above = format === 'PAE' ? ABOVE_PHYSICAL_PAE : ABOVE_PHYSICAL;
  let reserved = above | (noExecuteEnabled ? 0n : NO_EXECUTE);
  if (shift === 39) reserved |= LARGE;
  // Between the PAT bit, 12, and the first bit of the address.
  if (large) reserved |= (1n << BigInt(shift)) - (1n << 13n);
  return (entry & reserved) !== 0n;
}

function pageOf(format: Format, shift: number, entry: bigint, rights: Rights): Page {
  const global = (entry & GLOBAL) !== 0n;
  if (!format.startsWith('32-bit')) {
    const key = format === '4-level' ? Number((entry >> 59n) & 15n) : 0;
    const base = entry & FRAME_64 & ~((1n << BigInt(shift)) - 1n);
    return { base, shift, rights: { ...rights, key }, global };
  }
  // PSE-36: bits 20:13 of a 4 MiB page's entry are 39:32 of its address.
  const high = shift === 22 ? ((entry >> 13n) & 0xffn) << 32n : 0n;
  return { base: high | (entry & 0xffffffffn & ~((1n << BigInt(shift)) - 1n)), shift, rights, global };
}

/** @param from where to begin if not at the root: the table that a level's entry named, and the rights so far */
export function naiveWalk(
  format: Format,
  root: bigint,
  linear: bigint,
  noExecuteEnabled: boolean,
  read: ReadEntry,
  from: { readonly level: number; readonly rights: Rights } = {
    level: 0,
    rights: { writable: true, user: true, noExecute: false },
  },
): Walk {
  const size = format.startsWith('32-bit') ? 4 : 8;
  const indexMask = size === 4 ? 0x3ffn : 0x1ffn;
  const steps: Step[] = [];
  let table = root;
  let { rights } = from;
  for (const shift of LEVELS[format].slice(from.level)) {
    const index = (linear >> BigInt(shift)) & indexMask;
    const address = Number(table) + Number(index) * size;
    const entry = read(address, size);
    if (entry === undefined || (entry & PRESENT) === 0n) return { steps, end: 'absent' };
    steps.push({ address, size, shift, entry });
    if (hasReservedBits(format, shift, entry, noExecuteEnabled)) return { steps, end: 'reserved' };
    // The page-directory pointers of PAE have no rights.
    if (format !== 'PAE' || shift !== 30) {
      rights = {
        writable: rights.writable && (entry & WRITABLE) !== 0n,
        user: rights.user && (entry & USER) !== 0n,
        noExecute: rights.noExecute || (size === 8 && (entry & NO_EXECUTE) !== 0n),
      };
    }
    if (shift === 12 || isLarge(format, shift, entry)) {
      return { steps, end: pageOf(format, shift, entry, rights) };
    }
    table = size === 4 ? entry & 0xfffff000n : entry & FRAME_64;
  }
  return { steps, end: 'absent' };
}

export type Outcome = { readonly fault: number } | { readonly physical: bigint };

/** What an access comes to: the physical address, or #PF's error code. @param machine with `nxe` and `keys` only where they count */
export function outcomeOf(end: Walk['end'], linear: bigint, machine: Machine, attempt: Attempt): Outcome {
  const told = attempt.kind === 'fetch' && (machine.nxe || machine.smep) ? 16 : 0;
  const access = (attempt.kind === 'write' ? 2 : 0) | (attempt.ring === 3 ? 4 : 0) | told;
  if (end === 'absent') return { fault: access };
  if (end === 'reserved') return { fault: access | 9 };
  const fault = expectedFault(end.rights, machine, attempt);
  if (fault !== undefined) return { fault };
  return { physical: end.base | (linear & ((1n << BigInt(end.shift)) - 1n)) };
}
