/**
 * The names of registers, in small letters without AT&T's percent sign. Leaves out their values.
 * Intel SDM volume 1, 3.4; volume 2, table 3-1.
 */
import type { RegisterKind } from './opcode-entry.js';

const LEGACY = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'] as const;
const BYTES = ['al', 'cl', 'dl', 'bl', 'spl', 'bpl', 'sil', 'dil'] as const;
const HIGH_BYTES = ['ah', 'ch', 'dh', 'bh'] as const;
const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'] as const;

/** A general register by number and width in bits; highByte: whether 4–7 are AH CH DH BH where the width is 8. */
export function generalName(number: number, width: number, highByte = false): string {
  if (number >= 8) {
    const suffix = width === 8 ? 'b' : width === 16 ? 'w' : width === 32 ? 'd' : '';
    return `r${number}${suffix}`;
  }
  if (width === 8) return highByte && number >= 4 ? HIGH_BYTES[number - 4]! : BYTES[number]!;
  const prefix = width === 16 ? '' : width === 32 ? 'e' : 'r';
  return prefix + LEGACY[number]!;
}

export function segmentName(number: number): string {
  return SEGMENTS[number] ?? '?';
}

/** Any register by kind, number and width. */
export function registerName(kind: RegisterKind, number: number, width: number, highByte: boolean): string {
  switch (kind) {
    case 'general':
      return generalName(number, width, highByte);
    case 'segment':
      return segmentName(number);
    case 'control':
      return `cr${number}`;
    case 'debug':
      return `dr${number}`;
    case 'mmx':
      return `mm${number}`;
    case 'xmm':
      return (width === 256 ? 'ymm' : 'xmm') + number;
    case 'x87':
      return `st(${number})`;
    case 'none':
      return '';
  }
}
