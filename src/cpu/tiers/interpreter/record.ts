/**
 * The layout of an interpreter's instruction record: 32 bytes in the WebAssembly memory. Handlers read operands
 * from it; the code cache writes it. Slots are addresses of state fields, so that a register operand is one load.
 */
import { I32, I64 } from '../../../wasm/values.js';

export const RECORD_SIZE = 32;

export const RecordField = {
  /** u16: which handler runs it. */
  handler: 0,
  /** u16: where in its physical page the instruction begins; 4096 for the one past the end. */
  offset: 2,
  /** u8: instruction length in bytes. */
  length: 4,
  /** u8: the index is shifted left by this. */
  scale: 5,
  /** u8: segment of the memory operand. */
  segment: 6,
  /** u8: bits 1:0 repeat prefix; the rest is 64 − address size (0, 32, 48). */
  repeat: 7,
  /** u16: state address of the first, second register operand, or a register number. */
  a: 8,
  b: 10,
  /** u16: state address of the base and index registers; a gather's index is a vector register. */
  base: 12,
  index: 14,
  /** i32: of the memory operand; a RIP-relative one counts from the page's first byte. */
  displacement: 16,
  /** u32: the record of a branch's target in the same page once known, else 0. */
  link: 20,
  /** u16: the third and fourth register operand, in the same place. */
  c: 20,
  d: 22,
  /** u16: FOP of an x87 instruction, in the same place. */
  x87Opcode: 20,
  /** i64; of a relative branch the target, counted from the page's first byte. */
  immediate: 24,
} as const;

/** The offset field of the fetch-fault record, which stands for no place in a page. */
export const NO_OFFSET = 0xffff;

/** Handlers that no instruction has; they come first in numbering. */
export const PseudoHandler = {
  /** Goes to the page after this one. */
  nextPage: 0,
  /** This record's page was overwritten: decode again. */
  stale: 1,
  /** Continues at another record of the page. */
  goto: 2,
  /** Delivers the exception that is pending; `state.rip` is exact. */
  fetchFault: 3,
  /** Checks that the page after this one is still at the physical page in `immediate`. */
  checkNextPage: 4,
  /** Decoded, but without a meaning. */
  unimplemented: 5,
  /** Not an instruction: #UD. */
  invalid: 6,
  /** Longer than 15 bytes: #GP(0). */
  tooLong: 7,
  /** Raises #DB if the instruction after it has a breakpoint. */
  breakpoint: 8,
  /** Raises #GP(0) unless the instruction after it, of so many bytes as `immediate` says, ends within CS's limit. */
  checkLimit: 9,
} as const;
export const PSEUDO_HANDLERS = Object.keys(PseudoHandler).length;

export function load16(record: I32, field: number): I32 {
  return I32.load16U(record, field);
}
export function load8(record: I32, field: number): I32 {
  return I32.load8U(record, field);
}
/** The immediate, or the physical page of `checkNextPage`. */
export function immediate(record: I32): I64 {
  return I64.load(record, RecordField.immediate);
}
/** The displacement, sign-extended. */
export function displacement(record: I32): I64 {
  return I64.load32S(record, RecordField.displacement);
}
