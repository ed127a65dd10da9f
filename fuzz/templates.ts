/**
 * Random encodings from the opcode tables: every line of them with random prefixes, ModRM and what follows. What comes
 * out is as a rule an instruction, but need not be one. SDM vol. 2 ch. 2.
 */
import { allOpcodes } from '../src/cpu/decode/decoder.js';
import type { OpcodeEntry } from '../src/cpu/decode/opcode-entry.js';
import type { Random } from './random.js';

const LEGACY_PREFIXES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3];
const MANDATORY: Readonly<Partial<Record<OpcodeEntry['mandatoryPrefix'], number>>> = {
  '66': 0x66,
  F3: 0xf3,
  F2: 0xf2,
};
const PP = { any: 0, none: 0, notF2F3: 0, '66': 1, F3: 2, F2: 3 } as const;
const MAP_BYTES = { '': [], '0F': [0x0f], '0F38': [0x0f, 0x38], '0F3A': [0x0f, 0x3a] } as const;
const VEX_MAPS = { '': 0, '0F': 1, '0F38': 2, '0F3A': 3 } as const;
/** Longer than any instruction. */
const ENOUGH = 20;

const entries = allOpcodes();

function hasModRM(entry: OpcodeEntry): boolean {
  const usesReg = entry.operands.some((operand) => operand.source === 'reg');
  return entry.form !== 'none' || entry.extension >= 0 || usesReg;
}

function vexPrefix(entry: OpcodeEntry, random: Random): number[] {
  const l = entry.l < 0 ? random.below(2) : entry.l;
  const w = entry.w < 0 ? random.below(2) : entry.w;
  const usesV = entry.operands.some((operand) => operand.source === 'vvvv');
  const v = usesV || random.oneIn(20) ? random.below(16) : 15;
  const last = (v << 3) | (l << 2) | PP[entry.mandatoryPrefix];
  if (entry.map === '0F' && w === 0 && random.oneIn(2)) return [0xc5, (random.below(2) << 7) | last];
  return [0xc4, (random.below(8) << 5) | VEX_MAPS[entry.map], (w << 7) | last];
}

function rexPrefix(entry: OpcodeEntry, random: Random): number[] {
  if (entry.w < 1 && random.oneIn(2)) return [];
  const w = entry.w < 0 ? random.below(2) : entry.w;
  return [0x40 | (w << 3) | random.below(8)];
}

function modRM(entry: OpcodeEntry, random: Random): number {
  let value = random.byte();
  if (entry.extension >= 0) value = (value & 0xc7) | (entry.extension << 3);
  if (entry.rmExtension >= 0) value = (value & 0xf8) | entry.rmExtension;
  if (entry.form === 'register' && !random.oneIn(50)) value |= 0xc0;
  if (entry.form === 'memory' && value >= 0xc0) value &= 0xbf;
  return value;
}

/** Bytes that begin with an encoding of some line of the tables; 20 or more. @param long for 64-bit code */
export function randomEncoding(random: Random, long: boolean): number[] {
  const entry = random.pick(entries);
  const bytes: number[] = [];
  while (random.oneIn(3)) bytes.push(random.pick(LEGACY_PREFIXES));
  const mandatory = MANDATORY[entry.mandatoryPrefix];
  if (entry.vex) bytes.push(...vexPrefix(entry, random));
  else {
    if (mandatory !== undefined) bytes.push(mandatory);
    if (long) bytes.push(...rexPrefix(entry, random));
    bytes.push(...MAP_BYTES[entry.map]);
  }
  bytes.push(entry.opcode | (entry.lowThreeBits ? random.below(8) : 0));
  if (hasModRM(entry)) bytes.push(modRM(entry, random));
  // Displacements and immediates: small, negative or of any kind.
  const fill = random.pick([0, 0xff, -1]);
  bytes.push(random.byte());
  while (bytes.length < ENOUGH) bytes.push(fill < 0 ? random.byte() : fill);
  return bytes;
}

const FRONT = [...LEGACY_PREFIXES, 0x0f, 0x0f, 0xc4, 0xc5, 0x48, 0x41];

/** 20 bytes of no particular kind. @param prefixed with prefixes and escapes in front */
export function randomBytes(random: Random, prefixed: boolean): number[] {
  const bytes: number[] = [];
  while (prefixed && bytes.length < ENOUGH && random.oneIn(2)) bytes.push(random.pick(FRONT));
  while (bytes.length < ENOUGH) bytes.push(random.byte());
  return bytes;
}
