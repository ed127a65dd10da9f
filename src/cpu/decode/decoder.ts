/**
 * The decoder: bytes → DecodedInstruction, in 16-, 32- and 64-bit code. It allocates nothing once an opcode's
 * table lines are parsed. Leaves out EVEX, XOP, 3DNow and APX, which are invalid here, and every check that needs
 * more than the bytes: privilege, CPUID, whether VEX is allowed in the current mode.
 * Intel SDM volume 2, 2.1–2.3; memory operands are in memory-operand.ts.
 */
import type { CodeSize, DecodedInstruction } from './instruction.js';
import {
  BASE_NONE,
  INDEX_NONE,
  PREFIX_ADDRESS_SIZE,
  PREFIX_LOCK,
  PREFIX_OPERAND_SIZE,
  PREFIX_REP,
  PREFIX_REPNE,
  PREFIX_REX,
  PREFIX_SEGMENT,
  PREFIX_VEX,
  SEGMENT_DS,
} from './instruction.js';
import { decodeMemory } from './memory-operand.js';
import * as map from './opcode-map.js';

export { isHighByte, operandWidth } from './instruction.js';
export { allOpcodes } from './opcode-map.js';

export const DECODE_OK = 0;
/** #UD; the length is what was read. */
export const DECODE_INVALID = 1;
/** More bytes than there are before `end` are needed. */
export const DECODE_TRUNCATED = 2;
/** More than 15 bytes: #GP. */
export const DECODE_TOO_LONG = 3;
export type DecodeStatus = 0 | 1 | 2 | 3;

export const MAXIMUM_LENGTH = 15;

const NONE_ABSENT: ReadonlySet<string> = new Set();

// What a prefix byte does: 1–6 a segment override, then the rest. REX counts in 64-bit code only.
const KIND_OPERAND_SIZE = 7;
const KIND_ADDRESS_SIZE = 8;
const KIND_LOCK = 9;
const KIND_REPNE = 10;
const KIND_REP = 11;
const KIND_REX = 12;
const PREFIX_KINDS = new Uint8Array(256);
PREFIX_KINDS[0x26] = 1;
PREFIX_KINDS[0x2e] = 2;
PREFIX_KINDS[0x36] = 3;
PREFIX_KINDS[0x3e] = 4;
PREFIX_KINDS[0x64] = 5;
PREFIX_KINDS[0x65] = 6;
PREFIX_KINDS[0x66] = KIND_OPERAND_SIZE;
PREFIX_KINDS[0x67] = KIND_ADDRESS_SIZE;
PREFIX_KINDS[0xf0] = KIND_LOCK;
PREFIX_KINDS[0xf2] = KIND_REPNE;
PREFIX_KINDS[0xf3] = KIND_REP;
PREFIX_KINDS.fill(KIND_REX, 0x40, 0x50);

/** CR0, CR2, CR3, CR4 and CR8 exist. */
const CONTROL_REGISTERS = 0b1_0001_1101;

/** VEX.pp as the bit number of Candidate.prefixes is pp itself: none, 66, F3, F2. */
const PP_66 = 1;
const PP_F3 = 2;
const PP_F2 = 3;

function sizeIndex(size: 16 | 32 | 64): number {
  return size >> 5;
}

/**
 * Decodes the instruction at bytes[offset] of code whose default size is `codeSize`, reading no byte at or after
 * `end`. Fills `into` wholly when it returns DECODE_OK; else only its length is meant.
 * @param absent features that the processor does not have: their encodings are what they were before it
 */
export function decode(
  bytes: Uint8Array,
  offset: number,
  end: number,
  codeSize: CodeSize,
  into: DecodedInstruction,
  absent: ReadonlySet<string> = NONE_ABSENT,
): DecodeStatus {
  const longest = offset + MAXIMUM_LENGTH;
  const limit = Math.min(end, longest);
  let position = offset;
  let prefixes = 0;
  let rex = 0;
  let override = -1;
  let opcode = 0;

  for (;;) {
    if (position >= limit) return short(into, offset, position, limit === longest);
    opcode = bytes[position++]!;
    const kind = PREFIX_KINDS[opcode]!;
    if (kind === 0) break;
    if (kind === KIND_REX) {
      if (codeSize !== 64) break;
      rex = opcode;
      continue;
    }
    rex = 0;
    if (kind === KIND_OPERAND_SIZE) prefixes |= PREFIX_OPERAND_SIZE;
    else if (kind === KIND_ADDRESS_SIZE) prefixes |= PREFIX_ADDRESS_SIZE;
    else if (kind === KIND_LOCK) prefixes |= PREFIX_LOCK;
    else if (kind === KIND_REPNE) prefixes = (prefixes & ~PREFIX_REP) | PREFIX_REPNE;
    else if (kind === KIND_REP) prefixes = (prefixes & ~PREFIX_REPNE) | PREFIX_REP;
    else if (codeSize !== 64 || kind >= 5) {
      override = kind - 1;
      prefixes |= PREFIX_SEGMENT;
    }
  }
  if (rex !== 0) prefixes |= PREFIX_REX;

  let vvvv = 0;
  let vexL = 0;
  let pp = 0;
  if ((prefixes & PREFIX_REP) !== 0) pp = PP_F3;
  else if ((prefixes & PREFIX_REPNE) !== 0) pp = PP_F2;
  else if ((prefixes & PREFIX_OPERAND_SIZE) !== 0) pp = PP_66;
  let w = rex & 8;

  let slot: map.Slot | null;
  if (opcode === 0x0f) {
    if (position >= limit) return short(into, offset, position, limit === longest);
    opcode = bytes[position++]!;
    if (opcode === 0x38 || opcode === 0x3a) {
      const three = opcode === 0x38 ? map.MAP_0F38 : map.MAP_0F3A;
      if (position >= limit) return short(into, offset, position, limit === longest);
      opcode = bytes[position++]!;
      slot = three.slot(opcode);
    } else {
      slot = map.MAP_0F.slot(opcode);
    }
  } else if (opcode === 0xc4 || opcode === 0xc5) {
    if (position >= limit) return short(into, offset, position, limit === longest);
    if (codeSize !== 64 && bytes[position]! < 0xc0) {
      slot = map.MAP_ONE_BYTE.slot(opcode);
    } else {
      const size = opcode === 0xc4 ? 2 : 1;
      if (position + size >= limit) return short(into, offset, limit, limit === longest);
      const first = bytes[position]!;
      const last = bytes[position + size - 1]!;
      opcode = bytes[position + size]!;
      position += size + 1;
      const forbidden = PREFIX_LOCK | PREFIX_REP | PREFIX_REPNE | PREFIX_OPERAND_SIZE | PREFIX_REX;
      if ((prefixes & forbidden) !== 0) return invalid(into, offset, position);
      prefixes |= PREFIX_VEX;
      rex = size === 2 ? (~first >> 5) & 7 : (~first >> 5) & 4;
      if (size === 2) w = (last >> 4) & 8;
      if (codeSize === 64) rex |= w;
      else rex = 0;
      rex |= 0x40;
      vvvv = (~last >> 3) & 15;
      vexL = last & 4;
      pp = last & 3;
      const vexMap = map.MAP_VEX[size === 2 ? first & 31 : 1];
      slot = vexMap === undefined ? null : vexMap.slot(opcode);
    }
  } else {
    slot = (opcode & 0xf8) === 0xd8 ? map.MAP_X87.slot(opcode) : map.MAP_ONE_BYTE.slot(opcode);
  }
  if (slot === null) return invalid(into, offset, position);

  let modRM = 0;
  if (slot.hasModRM) {
    if (position >= limit) return short(into, offset, position, limit === longest);
    modRM = bytes[position++]!;
  }
  const mod = modRM >> 6;
  const reg = (modRM >> 3) & 7;
  const rm = slot.hasModRM ? modRM & 7 : opcode & 7;

  const prefixed = (prefixes & PREFIX_OPERAND_SIZE) !== 0;
  let operandSize: 16 | 32 | 64 = (rex & 8) !== 0 ? 64 : (codeSize === 16) === prefixed ? 32 : 16;
  const addressSize: 16 | 32 | 64 =
    (prefixes & PREFIX_ADDRESS_SIZE) === 0 ? codeSize : codeSize === 32 ? 16 : 32;

  const key =
    (mod === 3 ? map.KEY_REGISTER : 0) |
    (rm << map.KEY_RM_SHIFT) |
    (codeSize === 64 ? map.KEY_CODE64 : 0) |
    (w !== 0 ? map.KEY_W : 0) |
    (vexL !== 0 ? map.KEY_L : 0) |
    ((rex & 1) !== 0 ? map.KEY_B : 0) |
    (sizeIndex(operandSize) << map.KEY_OPERAND_SIZE_SHIFT) |
    (sizeIndex(addressSize) << map.KEY_ADDRESS_SIZE_SHIFT);
  const candidates = slot.candidates[reg] ?? slot.map.candidates(slot, reg);
  let chosen: map.Candidate | undefined;
  for (let number = 0; number < candidates.length; number++) {
    const each = candidates[number]!;
    if ((key & each.mask) === each.value && ((each.prefixes >> pp) & 1) !== 0) {
      if (absent.size !== 0 && absent.has(vexL ? each.entry.feature256 : each.entry.feature)) continue;
      chosen = each;
      break;
    }
  }
  if (chosen === undefined) return invalid(into, offset, position);

  switch (chosen.sizeRule) {
    case map.SIZE_DEFAULT64:
      if (codeSize === 64 && operandSize === 32) operandSize = 64;
      break;
    case map.SIZE_FORCE64:
      if (codeSize === 64) operandSize = 64;
      break;
    case map.SIZE_NO_PREFIX:
      operandSize = (rex & 8) !== 0 ? 64 : 32;
      break;
  }

  into.entry = chosen.entry;
  into.codeSize = codeSize;
  into.operandSize = operandSize;
  into.addressSize = addressSize;
  into.vectorLength = vexL !== 0 ? 256 : 128;
  into.prefixes = prefixes;
  into.rex = rex;
  into.modRM = modRM;
  into.vvvv = codeSize === 64 ? vvvv : vvvv & 7;
  into.reg = (reg | ((rex & 4) << 1)) & chosen.regMask;
  into.rm = (rm | ((rex & 1) << 3)) & chosen.rmMask;
  into.base = BASE_NONE;
  into.index = INDEX_NONE;
  into.scaleShift = 0;
  into.displacement = 0;
  into.displacementSize = 0;
  into.segment = override >= 0 ? override : SEGMENT_DS;
  into.immediateLow = 0;
  into.immediateHigh = 0;
  into.immediate2 = 0;

  into.isMemory = slot.hasModRM && mod !== 3 && !chosen.ignoresMod;
  if (into.isMemory) {
    position = decodeMemory(bytes, position, limit, modRM, into, chosen.vectorIndex);
    if (position < 0) return short(into, offset, limit, limit === longest);
    if (override >= 0) into.segment = override;
  }

  if (chosen.immediate !== map.IMMEDIATE_NONE) {
    position = immediate(bytes, position, limit, chosen.immediate, into);
    if (position < 0) return short(into, offset, limit, limit === longest);
  }
  into.length = position - offset;

  if ((prefixes & PREFIX_LOCK) !== 0 && !(chosen.lockable && into.isMemory)) return DECODE_INVALID;
  if (chosen.checks !== 0 && !registersExist(chosen.checks, into, vvvv)) return DECODE_INVALID;
  if (chosen.vectorIndex && !vectorIndexValid(modRM, into)) return DECODE_INVALID;
  return DECODE_OK;
}

function short(into: DecodedInstruction, offset: number, position: number, full: boolean): DecodeStatus {
  into.length = position - offset;
  return full ? DECODE_TOO_LONG : DECODE_TRUNCATED;
}

function invalid(into: DecodedInstruction, offset: number, position: number): DecodeStatus {
  into.length = position - offset;
  return DECODE_INVALID;
}

function registersExist(checks: number, into: DecodedInstruction, vvvv: number): boolean {
  if ((checks & map.CHECK_NO_VVVV) !== 0 && vvvv !== 0) return false;
  if ((checks & map.CHECK_SEGMENT) !== 0 && into.reg > 5) return false;
  if ((checks & map.CHECK_SEGMENT_WRITE) !== 0 && into.reg === 1) return false;
  if ((checks & map.CHECK_CONTROL) !== 0 && ((CONTROL_REGISTERS >> into.reg) & 1) === 0) return false;
  return (checks & map.CHECK_DEBUG) === 0 || into.reg < 8;
}

/** A gather needs a SIB byte, 32- or 64-bit addresses, and three different registers. */
function vectorIndexValid(modRM: number, into: DecodedInstruction): boolean {
  if ((modRM & 7) !== 4 || into.addressSize === 16) return false;
  return into.reg !== into.index && into.reg !== into.vvvv && into.index !== into.vvvv;
}

/** Reads what follows the operands. Returns the position after it, −1 when it passes the limit. */
function immediate(
  bytes: Uint8Array,
  position: number,
  limit: number,
  kind: number,
  into: DecodedInstruction,
): number {
  let size = 0;
  switch (kind) {
    case map.IMMEDIATE_BYTE:
    case map.IMMEDIATE_SIGNED_BYTE:
      size = 1;
      break;
    case map.IMMEDIATE_WORD:
      size = 2;
      break;
    case map.IMMEDIATE_Z:
      size = into.operandSize === 16 ? 2 : 4;
      break;
    case map.IMMEDIATE_V:
      size = into.operandSize >> 3;
      break;
    case map.IMMEDIATE_FAR:
      size = into.operandSize === 16 ? 4 : 6;
      break;
    case map.IMMEDIATE_OFFSET:
      size = into.addressSize >> 3;
      break;
    case map.IMMEDIATE_ENTER:
      size = 3;
      break;
  }
  const after = position + size;
  if (after > limit) return -1;
  let low = bytes[position]!;
  let signed = true;
  switch (kind) {
    case map.IMMEDIATE_BYTE:
      break;
    case map.IMMEDIATE_SIGNED_BYTE:
      low = (low << 24) >> 24;
      break;
    case map.IMMEDIATE_WORD:
      low |= bytes[position + 1]! << 8;
      break;
    case map.IMMEDIATE_ENTER:
      low |= bytes[position + 1]! << 8;
      into.immediate2 = bytes[position + 2]!;
      break;
    default:
      low |= bytes[position + 1]! << 8;
      signed = kind !== map.IMMEDIATE_FAR && kind !== map.IMMEDIATE_OFFSET;
      if (size === 2 || (size === 4 && kind === map.IMMEDIATE_FAR)) {
        if (signed) low = (low << 16) >> 16;
      } else {
        low |= (bytes[position + 2]! << 16) | (bytes[position + 3]! << 24);
      }
      if (kind === map.IMMEDIATE_FAR) into.immediate2 = bytes[after - 2]! | (bytes[after - 1]! << 8);
  }
  into.immediateLow = low;
  if (size === 8) {
    into.immediateHigh =
      bytes[position + 4]! |
      (bytes[position + 5]! << 8) |
      (bytes[position + 6]! << 16) |
      (bytes[position + 7]! << 24);
  } else {
    into.immediateHigh = signed ? low >> 31 : 0;
  }
  return after;
}
