/**
 * WebAssembly's floating-point numbers. Method names are the specification's (Core Specification 2.0, §5.4), in camel
 * case.
 */
import { access, binary, literal, saturatingOpcode, unary } from './code.js';
import { I32, I64 } from './integers.js';
import { ValueType } from './types.js';
import { Value } from './value.js';

export class F32 extends Value {
  static readonly type = ValueType.f32;
  get type(): typeof ValueType.f32 {
    return ValueType.f32;
  }

  static const(value: number): F32 {
    return new F32(literal(0x43, new Uint8Array(new Float32Array([value]).buffer)));
  }
  static load(address: I32, offset = 0): F32 {
    return new F32(access(0x2a, address.code, offset));
  }
  eq(other: F32): I32 {
    return new I32(binary(0x5b, this.code, other.code));
  }
  ne(other: F32): I32 {
    return new I32(binary(0x5c, this.code, other.code));
  }
  lt(other: F32): I32 {
    return new I32(binary(0x5d, this.code, other.code));
  }
  gt(other: F32): I32 {
    return new I32(binary(0x5e, this.code, other.code));
  }
  le(other: F32): I32 {
    return new I32(binary(0x5f, this.code, other.code));
  }
  ge(other: F32): I32 {
    return new I32(binary(0x60, this.code, other.code));
  }
  abs(): F32 {
    return new F32(unary(0x8b, this.code));
  }
  neg(): F32 {
    return new F32(unary(0x8c, this.code));
  }
  ceil(): F32 {
    return new F32(unary(0x8d, this.code));
  }
  floor(): F32 {
    return new F32(unary(0x8e, this.code));
  }
  trunc(): F32 {
    return new F32(unary(0x8f, this.code));
  }
  nearest(): F32 {
    return new F32(unary(0x90, this.code));
  }
  sqrt(): F32 {
    return new F32(unary(0x91, this.code));
  }
  add(other: F32): F32 {
    return new F32(binary(0x92, this.code, other.code));
  }
  sub(other: F32): F32 {
    return new F32(binary(0x93, this.code, other.code));
  }
  mul(other: F32): F32 {
    return new F32(binary(0x94, this.code, other.code));
  }
  div(other: F32): F32 {
    return new F32(binary(0x95, this.code, other.code));
  }
  reinterpretI32(): I32 {
    return new I32(unary(0xbc, this.code));
  }
  promote(): F64 {
    return new F64(unary(0xbb, this.code));
  }
  /** Truncated to a signed 64-bit integer, saturating; NaN gives 0. */
  truncSatI64S(): I64 {
    return new I64(unary(saturatingOpcode(4), this.code));
  }
}

export class F64 extends Value {
  static readonly type = ValueType.f64;
  get type(): typeof ValueType.f64 {
    return ValueType.f64;
  }

  static const(value: number): F64 {
    return new F64(literal(0x44, new Uint8Array(new Float64Array([value]).buffer)));
  }
  static load(address: I32, offset = 0): F64 {
    return new F64(access(0x2b, address.code, offset));
  }
  eq(other: F64): I32 {
    return new I32(binary(0x61, this.code, other.code));
  }
  ne(other: F64): I32 {
    return new I32(binary(0x62, this.code, other.code));
  }
  lt(other: F64): I32 {
    return new I32(binary(0x63, this.code, other.code));
  }
  gt(other: F64): I32 {
    return new I32(binary(0x64, this.code, other.code));
  }
  le(other: F64): I32 {
    return new I32(binary(0x65, this.code, other.code));
  }
  ge(other: F64): I32 {
    return new I32(binary(0x66, this.code, other.code));
  }
  abs(): F64 {
    return new F64(unary(0x99, this.code));
  }
  neg(): F64 {
    return new F64(unary(0x9a, this.code));
  }
  ceil(): F64 {
    return new F64(unary(0x9b, this.code));
  }
  floor(): F64 {
    return new F64(unary(0x9c, this.code));
  }
  trunc(): F64 {
    return new F64(unary(0x9d, this.code));
  }
  nearest(): F64 {
    return new F64(unary(0x9e, this.code));
  }
  sqrt(): F64 {
    return new F64(unary(0x9f, this.code));
  }
  add(other: F64): F64 {
    return new F64(binary(0xa0, this.code, other.code));
  }
  sub(other: F64): F64 {
    return new F64(binary(0xa1, this.code, other.code));
  }
  mul(other: F64): F64 {
    return new F64(binary(0xa2, this.code, other.code));
  }
  div(other: F64): F64 {
    return new F64(binary(0xa3, this.code, other.code));
  }
  reinterpretI64(): I64 {
    return new I64(unary(0xbd, this.code));
  }
  demote(): F32 {
    return new F32(unary(0xb6, this.code));
  }
  /** Truncated to a signed 64-bit integer, saturating; NaN gives 0. */
  truncSatI64S(): I64 {
    return new I64(unary(saturatingOpcode(6), this.code));
  }
}
