/**
 * The code of an expression as a tree: an instruction, and the code of its operands. It is written into a function when
 * the function uses it, so making a larger expression of smaller ones copies nothing. Trees never change and may share
 * parts; each use of a part is written by itself.
 */
import type { ByteBuffer } from './byte-buffer.js';

/** What follows an instruction's opcode (Core Specification 2.0, §5.4). */
export const Immediate = {
  none: 0,
  /** A number as unsigned LEB128. */
  unsigned: 1,
  /** A number as signed LEB128. */
  signed: 2,
  /** An alignment of 2^0 and an offset. */
  access: 3,
  /** Bytes as they are. */
  bytes: 4,
} as const;
type Immediate = (typeof Immediate)[keyof typeof Immediate];

/** An opcode that has its number behind a prefix. */
const PREFIX_SHIFT = 16;
export const vectorOpcode = (number: number): number => (0xfd << PREFIX_SHIFT) | number;
export const saturatingOpcode = (number: number): number => (0xfc << PREFIX_SHIFT) | number;

export class Code {
  /** Operands come before the opcode, in this order. */
  constructor(
    readonly opcode: number,
    readonly first: Code | undefined,
    readonly second: Code | undefined,
    readonly third: Code | undefined,
    readonly kind: Immediate,
    readonly immediate: number | bigint | ArrayLike<number>,
  ) {}
}

export function unary(opcode: number, operand: Code): Code {
  return new Code(opcode, operand, undefined, undefined, Immediate.none, 0);
}

export function binary(opcode: number, first: Code, second: Code): Code {
  return new Code(opcode, first, second, undefined, Immediate.none, 0);
}

export function ternary(opcode: number, first: Code, second: Code, third: Code): Code {
  return new Code(opcode, first, second, third, Immediate.none, 0);
}

export function constant(opcode: number, value: number | bigint): Code {
  return new Code(opcode, undefined, undefined, undefined, Immediate.signed, value);
}

/** A load. */
export function access(opcode: number, address: Code, offset: number): Code {
  return new Code(opcode, address, undefined, undefined, Immediate.access, offset);
}

/** An instruction that names a local, lane or the like by number. */
export function numbered(opcode: number, number: number, first?: Code, second?: Code): Code {
  return new Code(opcode, first, second, undefined, Immediate.unsigned, number);
}

/** An instruction with a literal of some other form. */
export function literal(opcode: number, bytes: ArrayLike<number>, first?: Code, second?: Code): Code {
  return new Code(opcode, first, second, undefined, Immediate.bytes, bytes);
}

export function writeOpcode(to: ByteBuffer, opcode: number): void {
  if (opcode < 0x100) to.byte(opcode);
  else {
    to.byte(opcode >> PREFIX_SHIFT);
    to.unsigned(opcode & 0xffff);
  }
}

export function writeCode(to: ByteBuffer, code: Code): void {
  const { first, second, third, immediate } = code;
  if (first) writeCode(to, first);
  if (second) writeCode(to, second);
  if (third) writeCode(to, third);
  writeOpcode(to, code.opcode);
  switch (code.kind) {
    case Immediate.none:
      break;
    case Immediate.unsigned:
      to.unsigned(immediate as number);
      break;
    case Immediate.signed:
      to.signed(immediate as number | bigint);
      break;
    case Immediate.access:
      to.byte(0);
      to.unsigned(immediate as number);
      break;
    case Immediate.bytes:
      to.append(immediate as ArrayLike<number>);
      break;
  }
}
