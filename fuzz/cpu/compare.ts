/**
 * Compares the output records of two runs of a round: as bytes at first, for nearly all are equal, then by what the manual
 * leaves open: undefined flags, and how exact an approximation is.
 */
import { OUTPUT, RECORD_ORDER, Vectors } from './layout.js';
import { flagNames } from './masks.js';
import type { Placed } from './round.js';
import type { Variant } from './variant.js';

/** Where two records differ, as text: `RAX`, `ZF`, `memory+3`, `XMM2`; empty where they do not. */
export type Difference = string;

const GENERAL = [
  'RAX',
  'RCX',
  'RDX',
  'RBX',
  'RSP',
  'RBP',
  'RSI',
  'RDI',
  'R8',
  'R9',
  'R10',
  'R11',
  'R12',
  'R13',
  'R14',
  'R15',
];

/** Clears the undefined flags of all records of a variant. */
export function maskFlags(words: Uint32Array, start: number, placed: Placed): void {
  const mask = ~placed.variant.undefinedFlags;
  if (mask === -1) return;
  const stride = placed.outputSize / 4;
  let at = (placed.outputs - start) / 4;
  for (let n = 0; n < placed.count; n++, at += stride) {
    words[at + OUTPUT.flags / 4]! &= mask;
    words[at + OUTPUT.savedFlags / 4]! &= mask;
  }
}

function single(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits);
  return view.getFloat32(0);
}

/** 1.5 × 2^−12 is what RCP and RSQRT promise; two of them may be on either side. */
const APPROXIMATE = 2 ** -11 * 1.5;

function nearlySame(ours: Uint8Array, theirs: Uint8Array, from: number, to: number): boolean {
  const a = new DataView(ours.buffer, ours.byteOffset);
  const b = new DataView(theirs.buffer, theirs.byteOffset);
  for (let at = from; at < to; at += 4) {
    const [x, y] = [a.getUint32(at, true), b.getUint32(at, true)];
    if (x === y) continue;
    const [p, q] = [single(x), single(y)];
    const denormal = 2 ** -126;
    const close = Math.abs(p - q) <= Math.abs(q) * APPROXIMATE;
    const flushed = Math.abs(p) <= denormal && Math.abs(q) <= denormal && (x ^ y) >>> 31 === 0;
    if (!close && !flushed) return false;
  }
  return true;
}

/** 80-bit numbers as integers in units in the last place, so that neighbours are 1 apart. */
function ordinal(record: Uint8Array, at: number): bigint {
  const view = new DataView(record.buffer, record.byteOffset);
  const head = view.getUint16(at + 8, true);
  const magnitude = (BigInt(head & 0x7fff) << 63n) + (view.getBigUint64(at, true) & 0x7fffffffffffffffn);
  return head & 0x8000 ? -magnitude : magnitude;
}

const ULPS = 2n;
/** C1 in the upper byte of FSW: which way a result was rounded, and so as open as its last bit. */
const C1 = 2;

/** What two records of a variant differ in, after masking. */
export function differences(variant: Variant, ours: Uint8Array, theirs: Uint8Array): Difference[] {
  const found: Difference[] = [];
  const a = new DataView(ours.buffer, ours.byteOffset, ours.length);
  const b = new DataView(theirs.buffer, theirs.byteOffset, theirs.length);
  const same = (at: number): boolean => a.getBigUint64(at, true) === b.getBigUint64(at, true);
  RECORD_ORDER.forEach((register, n) => {
    if (!same(OUTPUT.registers + 8 * n)) found.push(GENERAL[register]!);
  });
  if (!same(OUTPUT.rsp)) found.push('RSP');
  const flags = (a.getUint32(OUTPUT.flags, true) ^ b.getUint32(OUTPUT.flags, true)) & ~variant.undefinedFlags;
  if (flags) found.push(flagNames(flags));
  if (!same(OUTPUT.vector)) found.push('vector');
  if (!same(OUTPUT.errorCode)) found.push('error code');
  if (!same(OUTPUT.cr2)) found.push('CR2');
  if (!same(OUTPUT.rip)) found.push('RIP');
  const saved =
    (a.getUint32(OUTPUT.savedFlags, true) ^ b.getUint32(OUTPUT.savedFlags, true)) & ~variant.undefinedFlags;
  if (saved) found.push(`saved ${flagNames(saved)}`);
  const memorySize = variant.area?.size ?? 0;
  for (let at = 0; at < memorySize; at++) {
    if (ours[OUTPUT.memory + at] !== theirs[OUTPUT.memory + at]) {
      found.push(`memory${at - (variant.area?.operand ?? 0)}`);
      break;
    }
  }
  found.push(...vectorDifferences(variant, ours, theirs, OUTPUT.memory + memorySize));
  return found;
}

function vectorDifferences(
  variant: Variant,
  ours: Uint8Array,
  theirs: Uint8Array,
  start: number,
): Difference[] {
  const found: Difference[] = [];
  const part = (name: string, from: number, size: number, tolerant = true): void => {
    for (let at = start + from; at < start + from + size; at++) {
      if (ours[at] === theirs[at]) continue;
      const near = variant.tolerance === 'approximation' && tolerant;
      if (near && nearlySame(ours, theirs, start + from, start + from + size)) return;
      found.push(name);
      return;
    }
  };
  const { vectors } = variant;
  const transcendental = variant.tolerance === 'transcendental';
  if (vectors === Vectors.xmm || vectors === Vectors.ymm) {
    const size = vectors === Vectors.ymm ? 32 : 16;
    part('MXCSR', 0, 16, false);
    for (let n = 0; n < 16; n++) part(`${size === 32 ? 'Y' : 'X'}MM${n}`, 16 + n * size, size);
  } else if (vectors === Vectors.fx) {
    const names = ['FCW', 'FSW', 'FTW'];
    const upper = start + 3;
    const onlyC1 =
      transcendental && ours[start + 2] === theirs[start + 2] && (ours[upper]! ^ theirs[upper]!) === C1;
    for (const [n, name] of names.entries()) if (n !== 1 || !onlyC1) part(name, 2 * n, 2, false);
    part('MXCSR', 24, 4, false);
    for (let n = 0; n < 8; n++) {
      const at = start + 32 + 16 * n;
      const gap = transcendental ? ordinal(ours, at) - ordinal(theirs, at) : ULPS + 1n;
      if (gap > ULPS || gap < -ULPS) part(`ST${n}`, 32 + 16 * n, 16, false);
    }
    for (let n = 0; n < 16; n++) part(`XMM${n}`, 160 + 16 * n, 16);
  }
  return found;
}

export interface Divergence {
  readonly placed: Placed;
  /** Which of the variant's states. */
  readonly state: number;
  readonly differences: readonly Difference[];
}

/**
 * The first divergence of each variant. Both outputs have been masked.
 * @param start the arena's offset of their first byte
 */
export function diverging(
  placed: readonly Placed[],
  ours: Uint8Array,
  theirs: Uint8Array,
  start: number,
): Divergence[] {
  const found: Divergence[] = [];
  if (Buffer.compare(ours, theirs) === 0) return found;
  for (const each of placed) {
    const from = each.outputs - start;
    const to = from + each.count * each.outputSize;
    if (Buffer.compare(ours.subarray(from, to), theirs.subarray(from, to)) === 0) continue;
    for (let state = 0; state < each.count; state++) {
      const at = from + state * each.outputSize;
      const our = ours.subarray(at, at + each.outputSize);
      const their = theirs.subarray(at, at + each.outputSize);
      if (Buffer.compare(our, their) === 0) continue;
      const list = differences(each.variant, our, their);
      if (list.length === 0) continue;
      found.push({ placed: each, state, differences: list });
      break;
    }
  }
  return found;
}
