/**
 * ModRM and SIB: the memory operand's base, index, scale, displacement and default segment.
 * Leaves out segment overrides, which the decoder applies after. Intel SDM volume 2, 2.1.5, tables 2-1 to 2-3.
 */
import type { DecodedInstruction } from './instruction.js';
import { BASE_NONE, BASE_RIP, INDEX_NONE, SEGMENT_DS, SEGMENT_SS } from './instruction.js';

const BX = 3;
const SP = 4;
const BP = 5;
const SI = 6;
const DI = 7;
const BASES_16 = [BX, BX, BP, BP, SI, DI, BP, BX] as const;
const INDICES_16 = [SI, DI, SI, DI, INDEX_NONE, INDEX_NONE, INDEX_NONE, INDEX_NONE] as const;

/** Reads what follows ModRM into `into`. Returns the position after it, −1 when it passes the limit. */
export function decodeMemory(
  bytes: Uint8Array,
  start: number,
  limit: number,
  modRM: number,
  into: DecodedInstruction,
  vectorIndex: boolean,
): number {
  const mod = modRM >> 6;
  const rm = modRM & 7;
  if (into.addressSize === 16) return decodeMemory16(bytes, start, limit, mod, rm, into);

  let position = start;
  let low = rm;
  if (rm === 4) {
    if (position >= limit) return -1;
    const sib = bytes[position++]!;
    const index = ((sib >> 3) & 7) | ((into.rex & 2) << 2);
    into.index = index === 4 && !vectorIndex ? INDEX_NONE : index;
    into.scaleShift = (sib >> 6) as 0 | 1 | 2 | 3;
    low = sib & 7;
  }
  if (low === 5 && mod === 0) {
    into.base = rm === 5 && into.codeSize === 64 ? BASE_RIP : BASE_NONE;
    into.segment = SEGMENT_DS;
    return displacement(bytes, position, limit, 4, into);
  }
  const base = low | ((into.rex & 1) << 3);
  into.base = base;
  into.segment = base === SP || base === BP ? SEGMENT_SS : SEGMENT_DS;
  return displacement(bytes, position, limit, mod === 2 ? 4 : mod, into);
}

function decodeMemory16(
  bytes: Uint8Array,
  position: number,
  limit: number,
  mod: number,
  rm: number,
  into: DecodedInstruction,
): number {
  into.segment = SEGMENT_DS;
  if (mod === 0 && rm === 6) {
    into.base = BASE_NONE;
    return displacement(bytes, position, limit, 2, into);
  }
  const base = BASES_16[rm]!;
  into.base = base;
  into.index = INDICES_16[rm]!;
  if (base === BP) into.segment = SEGMENT_SS;
  return displacement(bytes, position, limit, mod, into);
}

/** A displacement of 0, 1, 2 or 4 bytes, sign-extended. */
function displacement(
  bytes: Uint8Array,
  position: number,
  limit: number,
  size: number,
  into: DecodedInstruction,
): number {
  const after = position + size;
  if (after > limit) return -1;
  into.displacementSize = size as 0 | 1 | 2 | 4;
  if (size === 1) {
    into.displacement = (bytes[position]! << 24) >> 24;
  } else if (size === 2) {
    into.displacement = ((bytes[position]! | (bytes[position + 1]! << 8)) << 16) >> 16;
  } else if (size === 4) {
    into.displacement =
      bytes[position]! |
      (bytes[position + 1]! << 8) |
      (bytes[position + 2]! << 16) |
      (bytes[position + 3]! << 24);
  }
  return after;
}
