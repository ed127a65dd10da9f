/**
 * What an instruction's meaning is written against. A tier binds operands, registers and control flow its own way
 * (a record's fields, or constants and locals); the meaning is the same code. Values are 64-bit throughout:
 * an operand of n bits reads zero-extended and writes its low n bits.
 */

import type { F32, F64, I32, I64 } from '../../wasm/values.js';
import type { V128 } from '../../wasm/vector.js';
import { DefinitionError } from '../decode/definition-error.js';
import { mapOf, parseLine } from '../decode/table-parser.js';
import type { Emitter } from '../emitter.js';
import type { Field32 } from '../state.js';
import type { Flags } from './flags.js';

/** An operand read and held for writing: what can fault has faulted before `value` is there. */
export interface Place {
  readonly value: I64;
  write(value: I64): void;
}

/** What an operand is: a register of some file, memory, or a value in the instruction. */
export type OperandKind =
  | 'general'
  | 'segment'
  | 'control'
  | 'debug'
  | 'mmx'
  | 'xmm'
  | 'x87'
  | 'none'
  | 'memory'
  | 'immediate'
  | 'implicit';

/**
 * What a vector in memory is aligned to, by #GP(0). usual: 16 bytes of a legacy SSE instruction, nothing otherwise
 * (SDM vol. 1 §11.3, §14.9); whole: its own size; none.
 */
export type Alignment = 'usual' | 'whole' | 'none';

export interface Operand {
  readonly kind: OperandKind;
  /** Bits. */
  readonly width: number;
  /** Zero-extended; immediates sign-extended as the encoding says. */
  read(): I64;
  /** A 32-bit general register's upper half becomes 0; 8- and 16-bit ones keep the rest (vol. 1 §3.4.1.1). */
  write(value: I64): void;
  modify(): Place;
  /** The offset in its segment of a memory operand. */
  effectiveAddress(): I64;
  /**
   * The linear address of a memory operand; for 64-bit code not yet checked to be canonical.
   * @param bytes accessed
   * @param aligned #GP(0) where it is no multiple of these
   */
  linearAddress(bytes: number, kind: 'read' | 'write' | 'modify', aligned?: boolean): I64;
  /** Of a memory operand: `width` bits at so many bytes from its start. */
  part(bytes: I64 | number, width: number): Operand;
  /** Of a gather's memory operand: the element at this index. */
  indexed(index: I64): Operand;
  /** Of a gather's memory operand: where in the state the vector of indices stands. */
  indices(): I32;
  /** The same operand, exempt from alignment checks (#AC) if it is in memory. */
  unaligned(): Operand;
  /** Faults as an access to a memory operand would; no more than that. */
  probe(kind: 'read' | 'write'): void;
  /** Where in the state a register operand stands. */
  stateAddress(): I32;
  /** Of a memory operand: 1 if its base is this general register, else 0. */
  basedOn(register: number): I32;
  /** The number of a segment, control or debug register, or of an x87 register counted from the top of the stack. */
  number(): I32;
  /** Bits 127:0 of a vector register, or the operand's bytes of memory, at most 16; what is not there is 0. */
  readVector(alignment?: Alignment): V128;
  /** One vector for each 128 bits of the operand; of an MMX register or less memory one, filled up with 0. */
  readVectors(alignment?: Alignment): readonly V128[];
  /** Bits 127:0. Above them VEX forms write 0 to a register and others nothing. */
  writeVector(value: V128, alignment?: Alignment): void;
  /** The counterpart of `readVectors`. */
  writeVectors(values: readonly V128[], alignment?: Alignment): void;
  /** The low bits of a vector register, or as many of memory; the other bits 0. */
  readLow(width: 32 | 64): V128;
  /** The low lane. */
  readF64(): F64;
  readF32(): F32;
}

export interface Context extends Emitter {
  /** Whether this is 64-bit code; known when the meaning is built. */
  readonly long: boolean;
  /** In force for this instruction. */
  readonly operandSize: 16 | 32 | 64;
  /** Whether the encoding is a VEX one: with a source of its own in VEX.vvvv, and zeros above what it writes. */
  readonly vex: boolean;
  /** By VEX.L; 128 for other encodings. */
  readonly vectorLength: 128 | 256;
  readonly operands: readonly Operand[];
  readonly flags: Flags;

  /** A general register by number, zero-extended from `width` bits; 8 bits means the low byte. */
  register(n: number, width: number): I64;
  setRegister(n: number, width: number, value: I64): void;

  /** Memory at a linear address; `stack` tells #SS from #GP where the address is not canonical. */
  load(linear: I64, width: number, stack?: boolean): I64;
  store(linear: I64, width: number, value: I64, stack?: boolean): void;
  /** Linear address of an offset in a segment, with the checks that mode asks for. @param segment number */
  linear(segment: I32 | number, offset: I64, bytes: number, kind: 'read' | 'write'): I64;

  /** 0 none, 1 REP or REPE, 2 REPNE. */
  repeat(): I32;
  /** Ones in the bits that this instruction's address size has. */
  addressMask(): I64;
  /** The segment of the memory or string operand after overrides. */
  segment(): I32;
  /** The immediate's 64 bits as decoded: a far pointer's offset in bits 31:0 and selector in 47:32. */
  immediate(): I64;

  /** Of an x87 instruction: the low three bits of its opcode above its ModRM byte, as FOP has them. */
  x87Opcode(): I32;

  /** Raises what a field says that tells whether a unit may be used, such as `state.vectorFault`, unless it says 0. */
  requireUnit(fault: Field32): void;

  /** Ends the instruction as one that has no meaning yet: the host is told, and the guest gets #UD. */
  notImplemented(): void;

  /** RIP of this instruction. */
  currentRip(): I64;
  /** RIP of the instruction after this one. */
  nextRip(): I64;
  /**
   * Ends the instruction by a near jump.
   * @param write what the instruction writes, once the target has been checked; it may still fault
   */
  jump(target: I64, write?: () => void): void;
  /** Ends the instruction by a near jump to the relative operand. @param write as for `jump` */
  jumpRelative(write?: () => void): void;
  /** Ends the instruction and finds the next one anew, from `state.rip`, in whatever mode is now in force. */
  resume(): void;
  /** Ends the instruction after setting `state.rip` to the next one, since the mode may have changed. */
  resumeNext(): void;
  /** Ends the instruction and begins it again: a repeated string instruction between two iterations. */
  restart(): void;
}

/** An instruction's meaning, for every size and form of its operands. */
export type Meaning = (context: Context) => void;

/**
 * The forms of a frequent instruction that are frequent themselves: with registers and immediates only, also with
 * base + displacement, or with any memory operand. The loop must stay small: beyond some 8,000 values V8 gives up
 * its better register allocator (docs/decisions/0003). Byte and 16-bit operands are left out unless asked for.
 */
export interface Hot {
  readonly forms: 'registers' | 'near' | 'all';
  readonly bytes?: boolean;
}

export interface Definition {
  readonly mnemonic: string;
  /** What it does, in a line, for people. */
  readonly summary: string;
  /** Of which of its handlers the interpreter keeps in its loop, if any; for what ordinary programs run all the time. */
  readonly hot?: Hot | undefined;
  readonly meaning: Meaning;
  /** Its lines of the opcode tables if it brings them along; else they are in decode/opcodes/. */
  readonly encodings: readonly string[];
}

const definitions = new Map<string, Definition>();

/** Gives a mnemonic of the opcode tables its meaning. */
export function define(mnemonic: string, summary: string, meaning: Meaning, hot?: Hot): void {
  if (definitions.has(mnemonic)) throw new DefinitionError(`${mnemonic} is defined twice`);
  definitions.set(mnemonic, { mnemonic, summary, meaning, hot, encodings: [] });
}

/**
 * A whole instruction in one place: its encodings in the notation of decode/table-parser.ts, which name it, and its
 * meaning. The lines go before those of the tables in decode/opcodes/ (docs/adding-an-instruction.md).
 */
export function defineInstruction(
  encodings: readonly string[],
  summary: string,
  meaning: Meaning,
  hot?: Hot,
): void {
  const [mnemonic = '', ...others] = new Set(
    encodings.map((line) => parseLine(line, 0, mapOf(line) === '').mnemonic),
  );
  if (mnemonic === '' || others.length > 0)
    throw new DefinitionError(`one mnemonic wanted: ${encodings.join('; ')}`);
  if (definitions.has(mnemonic)) throw new DefinitionError(`${mnemonic} is defined twice`);
  definitions.set(mnemonic, { mnemonic, summary, meaning, hot, encodings });
}

/** Like `define`, for an instruction that ordinary programs run all the time. */
export function defineHot(
  mnemonic: string,
  summary: string,
  meaning: Meaning,
  hot: Hot = { forms: 'registers' },
): void {
  define(mnemonic, summary, meaning, hot);
}

/** The VEX form of an SSE instruction has its meaning, and its name with a V before it. */
export function definitionOf(mnemonic: string): Definition | undefined {
  const own = definitions.get(mnemonic);
  return own ?? (mnemonic.startsWith('V') ? definitions.get(mnemonic.slice(1)) : undefined);
}

export function allDefinitions(): readonly Definition[] {
  return [...definitions.values()];
}
