/**
 * Typed WebAssembly vectors of 128 bits (Core Specification 2.0, §5.4.8). Most of the 230 operations are named by the
 * caller, by number (simd.ts has those in use).
 */
import { access, binary, literal, numbered, ternary, unary, vectorOpcode } from './code.js';
import { ValueType } from './types.js';
import { F32, F64, I32, I64, Value } from './values.js';

/** A 128-bit vector; operations are named by the caller, for there are some 230 of them. */
export class V128 extends Value {
  static readonly type = ValueType.v128;
  get type(): typeof ValueType.v128 {
    return ValueType.v128;
  }

  static const(bytes: readonly number[]): V128 {
    return new V128(literal(vectorOpcode(12), bytes));
  }
  static load(address: I32, offset = 0): V128 {
    return new V128(access(vectorOpcode(0), address.code, offset));
  }
  /** 32 bits of memory in the low lane, the rest 0. */
  static load32Zero(address: I32, offset = 0): V128 {
    return new V128(access(vectorOpcode(92), address.code, offset));
  }
  /** 64 bits of memory in the low lane, the rest 0. */
  static load64Zero(address: I32, offset = 0): V128 {
    return new V128(access(vectorOpcode(93), address.code, offset));
  }
  /** An operation on two vectors. @param opcode number after the 0xFD prefix (§5.4.8) */
  binary(opcode: number, other: V128): V128 {
    return new V128(binary(vectorOpcode(opcode), this.code, other.code));
  }
  unary(opcode: number): V128 {
    return new V128(unary(vectorOpcode(opcode), this.code));
  }
  /** A shift of every lane by the same count. */
  shift(opcode: number, count: I32): V128 {
    return new V128(binary(vectorOpcode(opcode), this.code, count.code));
  }
  /** A test or mask of the whole vector (any_true, bitmask …). */
  test(opcode: number): I32 {
    return new I32(unary(vectorOpcode(opcode), this.code));
  }
  /** i8x16.shuffle: lane numbers 0–15 pick from this, 16–31 from `other`. */
  shuffle(other: V128, lanes: readonly number[]): V128 {
    return new V128(literal(vectorOpcode(13), lanes, this.code, other.code));
  }
  and(other: V128): V128 {
    return this.binary(78, other);
  }
  or(other: V128): V128 {
    return this.binary(80, other);
  }
  xor(other: V128): V128 {
    return this.binary(81, other);
  }
  /** This where `mask` is 1, `other` where it is 0. */
  bitselect(other: V128, mask: V128): V128 {
    return new V128(ternary(vectorOpcode(82), this.code, other.code, mask.code));
  }
  extractI64(lane: 0 | 1): I64 {
    return new I64(numbered(vectorOpcode(29), lane, this.code));
  }
  extractI32(lane: number): I32 {
    return new I32(numbered(vectorOpcode(27), lane, this.code));
  }
  extractF64(lane: 0 | 1): F64 {
    return new F64(numbered(vectorOpcode(33), lane, this.code));
  }
  extractF32(lane: number): F32 {
    return new F32(numbered(vectorOpcode(31), lane, this.code));
  }
  replaceI64(lane: 0 | 1, value: I64): V128 {
    return new V128(numbered(vectorOpcode(30), lane, this.code, value.code));
  }
  replaceI32(lane: number, value: I32): V128 {
    return new V128(numbered(vectorOpcode(28), lane, this.code, value.code));
  }
  replaceF64(lane: 0 | 1, value: F64): V128 {
    return new V128(numbered(vectorOpcode(34), lane, this.code, value.code));
  }
  replaceF32(lane: number, value: F32): V128 {
    return new V128(numbered(vectorOpcode(32), lane, this.code, value.code));
  }
  static splatI16(value: I32): V128 {
    return new V128(unary(vectorOpcode(16), value.code));
  }
  static splatI8(value: I32): V128 {
    return new V128(unary(vectorOpcode(15), value.code));
  }
  static splatI64(value: I64): V128 {
    return new V128(unary(vectorOpcode(18), value.code));
  }
  static splatI32(value: I32): V128 {
    return new V128(unary(vectorOpcode(17), value.code));
  }
}

/** 128 zeros. */
export const ZERO_VECTOR = V128.const(new Array<number>(16).fill(0));
