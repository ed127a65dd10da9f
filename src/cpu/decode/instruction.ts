/**
 * One decoded instruction, as a plain record that the decoder fills again and again.
 * Leaves out the values of operands: a register number or an address is as far as decoding goes.
 * Intel SDM volume 2, chapter 2.
 */
import { type OpcodeEntry, type OperandSpec, PLAIN_ENTRY, type Width } from './opcode-entry.js';

export const PREFIX_LOCK = 1;
/** F3 was the last of F2 and F3. */
export const PREFIX_REP = 2;
/** F2 was the last of F2 and F3. */
export const PREFIX_REPNE = 4;
export const PREFIX_OPERAND_SIZE = 8;
export const PREFIX_ADDRESS_SIZE = 16;
/** A REX byte stands directly before the opcode. */
export const PREFIX_REX = 32;
export const PREFIX_SEGMENT = 64;
export const PREFIX_VEX = 128;

export const BASE_NONE = -1;
/** The displacement counts from the end of the instruction. */
export const BASE_RIP = -2;
export const INDEX_NONE = -1;

export const SEGMENT_ES = 0;
export const SEGMENT_CS = 1;
export const SEGMENT_SS = 2;
export const SEGMENT_DS = 3;
export const SEGMENT_FS = 4;
export const SEGMENT_GS = 5;

export type CodeSize = 16 | 32 | 64;

/** What an instruction holds before anything was decoded into it. */
const NOTHING: OpcodeEntry = { ...PLAIN_ENTRY, mnemonic: '(bad)' };

export class DecodedInstruction {
  entry: OpcodeEntry = NOTHING;
  /** 1–15 bytes; after a failure, what was consumed. */
  length = 0;
  codeSize: CodeSize = 64;
  operandSize: 16 | 32 | 64 = 32;
  addressSize: 16 | 32 | 64 = 64;
  vectorLength: 128 | 256 = 128;
  /** PREFIX_ flags. */
  prefixes = 0;
  /** The REX byte or 0; for VEX, 40 plus the same bits W R X B (W only in 64-bit code). */
  rex = 0;
  /** The ModRM byte, 0 where there is none. */
  modRM = 0;
  /** ModRM is present and names memory; then base, index, scaleShift, displacement and segment hold. */
  isMemory = false;
  /** ModRM.reg, extended by REX or VEX where it names a register that can be. */
  reg = 0;
  /** ModRM.rm or the opcode's low three bits, extended likewise. */
  rm = 0;
  vvvv = 0;
  /** 0–15, BASE_NONE or BASE_RIP. */
  base = BASE_NONE;
  /** 0–15 or INDEX_NONE; a vector register where entry.vectorIndex is not 0. */
  index = INDEX_NONE;
  scaleShift: 0 | 1 | 2 | 3 = 0;
  /** A signed 32-bit number. The offset of a moffs operand is in the immediate instead, zero-extended. */
  displacement = 0;
  /** Its encoded bytes; the disassembler shows a displacement of 0 that is there. */
  displacementSize: 0 | 1 | 2 | 4 = 0;
  /** The effective segment of the memory, moffs or string-source operand; DS where there is none. */
  segment = SEGMENT_DS;
  /** 64 bits as two int32, extended as the instruction defines; see operand-codes.ts. */
  immediateLow = 0;
  immediateHigh = 0;
  /** ENTER's level; the selector of a far pointer. */
  immediate2 = 0;
}

/** Whether a general 8-bit register number means AH, CH, DH or BH. */
export function isHighByte(instruction: DecodedInstruction, register: number): boolean {
  return register >= 4 && register <= 7 && (instruction.prefixes & (PREFIX_REX | PREFIX_VEX)) === 0;
}

/** The register number an operand names, −1 when it names none. */
export function operandRegister(instruction: DecodedInstruction, spec: OperandSpec): number {
  switch (spec.source) {
    case 'rm':
      return instruction.isMemory ? -1 : instruction.rm;
    case 'opcode':
      return instruction.rm;
    case 'reg':
      return instruction.reg;
    case 'vvvv':
      return instruction.vvvv;
    case 'is4':
      return (instruction.immediateLow >> 4) & (instruction.codeSize === 64 ? 15 : 7);
    case 'fixed':
      return spec.fixed;
    default:
      return -1;
  }
}

/** Whether an operand is in memory in this instruction. */
export function operandIsMemory(instruction: DecodedInstruction, spec: OperandSpec): boolean {
  switch (spec.source) {
    case 'rm':
      return instruction.isMemory;
    case 'moffs':
    case 'stringSource':
    case 'stringDestination':
      return true;
    default:
      return false;
  }
}

/** What the rules of `Width` depend on. */
export interface WidthContext {
  readonly operandSize: 16 | 32 | 64;
  /** 64-bit code. */
  readonly long: boolean;
  /** REX.W or VEX.W in 64-bit code. */
  readonly wide: boolean;
  readonly vectorLength: 128 | 256;
}

/** The bits that a width's rule gives. */
export function resolveWidth(width: Width, { operandSize, long, wide, vectorLength }: WidthContext): number {
  switch (width) {
    case 'v':
      return operandSize;
    case 'z':
      return operandSize === 16 ? 16 : 32;
    case 'y':
      return wide ? 64 : 32;
    case 'p':
      return 16 + operandSize;
    case 's':
      return long ? 80 : 48;
    case 'n':
      return long ? 64 : 32;
    case 'a':
      return 2 * operandSize;
    case 'x':
      return vectorLength;
    case 'half':
      return vectorLength >> 1;
    case 'quarter':
      return vectorLength >> 2;
    case 'eighth':
      return vectorLength >> 3;
    case 'environment':
      return operandSize === 16 ? 112 : 224;
    case 'state':
      return operandSize === 16 ? 752 : 864;
    default:
      return width;
  }
}

/** An operand's width in bits, resolved for this instruction; 0 where it has none (LEA's memory). */
export function operandWidth(instruction: DecodedInstruction, spec: OperandSpec): number {
  const { operandSize, vectorLength } = instruction;
  const long = instruction.codeSize === 64;
  const wide = long && (instruction.rex & 8) !== 0;
  const width = operandIsMemory(instruction, spec) ? spec.memoryWidth : spec.width;
  return resolveWidth(width, { operandSize, long, wide, vectorLength });
}
