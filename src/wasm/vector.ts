/**
 * Typed WebAssembly vectors of 128 bits (Core Specification 2.0, §5.4.8). Most of the 230 operations are named by the
 * caller, by number (simd.ts has those in use).
 */
import { unsigned, ValueType } from './types.js';
import { access, F32, F64, I32, I64, Value } from './values.js';

/** A 128-bit vector; operations are named by the caller, for there are some 230 of them. */
export class V128 extends Value {
  static readonly type = ValueType.v128;
  readonly type = ValueType.v128;

  static const(bytes: readonly number[]): V128 {
    return new V128([0xfd, 12, ...bytes]);
  }
  static load(address: I32, offset = 0): V128 {
    return new V128(access([0xfd, 0], address, offset));
  }
  /** 32 bits of memory in the low lane, the rest 0. */
  static load32Zero(address: I32, offset = 0): V128 {
    return new V128(access([0xfd, 92], address, offset));
  }
  /** 64 bits of memory in the low lane, the rest 0. */
  static load64Zero(address: I32, offset = 0): V128 {
    return new V128(access([0xfd, 93], address, offset));
  }
  /** An operation on two vectors. @param opcode number after the 0xFD prefix (§5.4.8) */
  binary(opcode: number, other: V128): V128 {
    return new V128([...this.code, ...other.code, 0xfd, ...unsigned(opcode)]);
  }
  unary(opcode: number): V128 {
    return new V128([...this.code, 0xfd, ...unsigned(opcode)]);
  }
  /** A shift of every lane by the same count. */
  shift(opcode: number, count: I32): V128 {
    return new V128([...this.code, ...count.code, 0xfd, ...unsigned(opcode)]);
  }
  /** A test or mask of the whole vector (any_true, bitmask …). */
  test(opcode: number): I32 {
    return new I32([...this.code, 0xfd, ...unsigned(opcode)]);
  }
  /** i8x16.shuffle: lane numbers 0–15 pick from this, 16–31 from `other`. */
  shuffle(other: V128, lanes: readonly number[]): V128 {
    return new V128([...this.code, ...other.code, 0xfd, 13, ...lanes]);
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
    return new V128([...this.code, ...other.code, ...mask.code, 0xfd, 82]);
  }
  extractI64(lane: 0 | 1): I64 {
    return new I64([...this.code, 0xfd, 29, lane]);
  }
  extractI32(lane: number): I32 {
    return new I32([...this.code, 0xfd, 27, lane]);
  }
  extractF64(lane: 0 | 1): F64 {
    return new F64([...this.code, 0xfd, 33, lane]);
  }
  extractF32(lane: number): F32 {
    return new F32([...this.code, 0xfd, 31, lane]);
  }
  replaceI64(lane: 0 | 1, value: I64): V128 {
    return new V128([...this.code, ...value.code, 0xfd, 30, lane]);
  }
  replaceI32(lane: number, value: I32): V128 {
    return new V128([...this.code, ...value.code, 0xfd, 28, lane]);
  }
  replaceF64(lane: 0 | 1, value: F64): V128 {
    return new V128([...this.code, ...value.code, 0xfd, 34, lane]);
  }
  replaceF32(lane: number, value: F32): V128 {
    return new V128([...this.code, ...value.code, 0xfd, 32, lane]);
  }
  static splatI16(value: I32): V128 {
    return new V128([...value.code, 0xfd, 16]);
  }
  static splatI8(value: I32): V128 {
    return new V128([...value.code, 0xfd, 15]);
  }
  static splatI64(value: I64): V128 {
    return new V128([...value.code, 0xfd, 18]);
  }
  static splatI32(value: I32): V128 {
    return new V128([...value.code, 0xfd, 17]);
  }
}

/** 128 zeros. */
export const ZERO_VECTOR = V128.const(new Array<number>(16).fill(0));
