/**
 * Operands as GNU objdump prints them, in Intel and AT&T syntax. Leaves out the mnemonic and prefixes.
 * GNU as manual, "i386-Memory" and "i386-Regs".
 */
import type { DecodedInstruction } from './instruction.js';
import {
  BASE_NONE,
  BASE_RIP,
  INDEX_NONE,
  isHighByte,
  operandIsMemory,
  operandRegister,
  operandWidth,
  PREFIX_SEGMENT,
  SEGMENT_ES,
} from './instruction.js';
import type { Syntax } from './mnemonic-text.js';
import type { OperandSpec } from './opcode-entry.js';
import { generalName, registerName, segmentName } from './registers.js';

export type Symbols = (address: bigint) => string | undefined;

const POINTERS: Readonly<Record<number, string>> = {
  8: 'BYTE PTR ',
  16: 'WORD PTR ',
  32: 'DWORD PTR ',
  48: 'FWORD PTR ',
  64: 'QWORD PTR ',
  80: 'TBYTE PTR ',
  128: 'XMMWORD PTR ',
  256: 'YMMWORD PTR ',
};

const RSI = 6;
const RDI = 7;

function hexadecimal(value: bigint): string {
  return `0x${value.toString(16)}`;
}

/** The immediate's 64 bits. */
function immediateOf(instruction: DecodedInstruction): bigint {
  return (BigInt(instruction.immediateHigh) << 32n) | BigInt(instruction.immediateLow >>> 0);
}

/** Where a relative branch or a RIP-relative operand points. */
export function target(
  instruction: DecodedInstruction,
  address: bigint,
  offset: bigint,
  width: number,
): bigint {
  return BigInt.asUintN(width, address + BigInt(instruction.length) + offset);
}

/** An address as a branch target: with its symbol when there is one. */
function place(address: bigint, symbols: Symbols | undefined): string {
  const symbol = symbols?.(address);
  return symbol === undefined ? hexadecimal(address) : `${address.toString(16)} <${symbol}>`;
}

function register(instruction: DecodedInstruction, spec: OperandSpec, syntax: Syntax): string {
  const number = operandRegister(instruction, spec);
  const width = operandWidth(instruction, spec);
  const name = registerName(spec.registers, number, width, isHighByte(instruction, number));
  const plain =
    spec.code === 'ST0' ? 'st' : spec.registers === 'debug' && syntax === 'att' ? `db${number}` : name;
  return syntax === 'att' ? `%${plain}` : plain;
}

function indexName(instruction: DecodedInstruction): string {
  const { vectorIndex } = instruction.entry;
  if (vectorIndex === 0) return generalName(instruction.index, instruction.addressSize);
  const wide = vectorIndex === 'x' && instruction.vectorLength === 256;
  return (wide ? 'ymm' : 'xmm') + instruction.index;
}

/** A SIB byte that names no index is shown as one that counts nothing, unless the base needs it. */
function emptyIndex(instruction: DecodedInstruction): string | undefined {
  const { addressSize, base, codeSize, index, rm } = instruction;
  if (addressSize === 16 || index !== INDEX_NONE || (rm & 7) !== 4) return undefined;
  if (base === BASE_NONE && codeSize === 64 && instruction.scaleShift === 0) return undefined;
  if (base !== BASE_NONE && (base & 7) === 4 && instruction.scaleShift === 0) return undefined;
  return addressSize === 64 ? 'riz' : 'eiz';
}

interface Address {
  readonly base: string | undefined;
  readonly index: string | undefined;
  readonly scale: number;
}

function addressOf(instruction: DecodedInstruction): Address {
  const { base, index, addressSize } = instruction;
  let name: string | undefined;
  if (base === BASE_RIP) name = addressSize === 64 ? 'rip' : 'eip';
  else if (base !== BASE_NONE) name = generalName(base, addressSize);
  return {
    base: name,
    index: index === INDEX_NONE ? emptyIndex(instruction) : indexName(instruction),
    scale: 1 << instruction.scaleShift,
  };
}

function signed(displacement: number): string {
  return displacement < 0 ? `-0x${(-displacement).toString(16)}` : `0x${displacement.toString(16)}`;
}

function overridden(instruction: DecodedInstruction): boolean {
  return (instruction.prefixes & PREFIX_SEGMENT) !== 0;
}

function absolute(instruction: DecodedInstruction): string {
  return hexadecimal(BigInt.asUintN(instruction.addressSize, BigInt(instruction.displacement)));
}

/** What Intel syntax says of the size; nothing for addresses and descriptor tables. */
function pointerText(instruction: DecodedInstruction, spec: OperandSpec, width: number): string {
  if (spec.memoryWidth === 's' || instruction.entry.mnemonic.endsWith('LDDQU')) return '';
  if (instruction.entry.mnemonic === 'INVLPG') return 'BYTE PTR ';
  if (spec.code === 'Mdq' && !instruction.entry.vex) return 'OWORD PTR ';
  return POINTERS[width] ?? '';
}

function intelMemory(instruction: DecodedInstruction, pointer: string): string {
  const { base, index, scale } = addressOf(instruction);
  const segment = `${segmentName(instruction.segment)}:`;
  if (base === undefined && index === undefined) return pointer + segment + absolute(instruction);
  let text = base ?? '';
  if (index !== undefined) {
    const scaled = instruction.addressSize === 16 ? index : `${index}*${scale}`;
    text += (text === '' ? '' : '+') + scaled;
  }
  if (instruction.base === BASE_RIP) {
    text += `+${absolute(instruction)}`;
  } else if (instruction.displacementSize !== 0) {
    text += (instruction.displacement < 0 ? '' : '+') + signed(instruction.displacement);
  }
  return `${pointer}${overridden(instruction) ? segment : ''}[${text}]`;
}

function attMemory(instruction: DecodedInstruction): string {
  const { base, index, scale } = addressOf(instruction);
  const segment = overridden(instruction) ? `%${segmentName(instruction.segment)}:` : '';
  if (base === undefined && index === undefined) return segment + absolute(instruction);
  const displacement = instruction.displacementSize === 0 ? '' : signed(instruction.displacement);
  const left = base === undefined ? '' : `%${base}`;
  const right =
    index === undefined ? '' : instruction.addressSize === 16 ? `,%${index}` : `,%${index},${scale}`;
  return `${segment}${displacement}(${left}${right})`;
}

function offset(instruction: DecodedInstruction, syntax: Syntax): string {
  const address = hexadecimal(BigInt.asUintN(instruction.addressSize, immediateOf(instruction)));
  const segment = segmentName(instruction.segment);
  if (syntax === 'att') return overridden(instruction) ? `%${segment}:${address}` : address;
  return `${segment}:${address}`;
}

function string(
  instruction: DecodedInstruction,
  number: number,
  segment: number,
  width: number,
  syntax: Syntax,
): string {
  const pointer = generalName(number, instruction.addressSize);
  const name = segmentName(segment);
  return syntax === 'att' ? `%${name}:(%${pointer})` : `${POINTERS[width] ?? ''}${name}:[${pointer}]`;
}

/** One operand. */
export function operandText(
  instruction: DecodedInstruction,
  spec: OperandSpec,
  address: bigint,
  syntax: Syntax,
  symbols: Symbols | undefined,
): string {
  const width = operandWidth(instruction, spec);
  const dollar = syntax === 'att' ? '$' : '';
  switch (spec.source) {
    case 'immediate':
      return dollar + hexadecimal(BigInt.asUintN(width, immediateOf(instruction)));
    case 'immediate2':
      return `${dollar}0x${instruction.immediate2.toString(16)}`;
    case 'constant':
      return `${dollar}${spec.fixed}`;
    case 'relative':
      return place(target(instruction, address, immediateOf(instruction), instruction.operandSize), symbols);
    case 'far': {
      const selector = `0x${instruction.immediate2.toString(16)}`;
      const value = hexadecimal(BigInt.asUintN(32, immediateOf(instruction)));
      return syntax === 'att' ? `$${selector},$${value}` : `${selector}:${value}`;
    }
    case 'moffs':
      return offset(instruction, syntax);
    case 'stringSource':
      return string(instruction, RSI, instruction.segment, width, syntax);
    case 'stringDestination':
      return string(instruction, RDI, SEGMENT_ES, width, syntax);
    default:
      if (!operandIsMemory(instruction, spec)) return register(instruction, spec, syntax);
      if (syntax === 'att') return attMemory(instruction);
      return intelMemory(instruction, pointerText(instruction, spec, width));
  }
}
