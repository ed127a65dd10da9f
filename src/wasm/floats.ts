/**
 * WebAssembly's floating-point numbers. Method names are the specification's (Core Specification 2.0, §5.4), in camel
 * case.
 */
import { access, I32, I64 } from './integers.js';
import { ValueType } from './types.js';
import { Value } from './value.js';

export class F32 extends Value {
  static readonly type = ValueType.f32;
  readonly type = ValueType.f32;

  static const(value: number): F32 {
    return new F32([0x43, ...new Uint8Array(new Float32Array([value]).buffer)]);
  }
  static load(address: I32, offset = 0): F32 {
    return new F32(access([0x2a], address, offset));
  }
  #with(opcode: number, other: F32): F32 {
    return new F32([...this.code, ...other.code, opcode]);
  }
  #compare(opcode: number, other: F32): I32 {
    return new I32([...this.code, ...other.code, opcode]);
  }
  eq(other: F32): I32 {
    return this.#compare(0x5b, other);
  }
  ne(other: F32): I32 {
    return this.#compare(0x5c, other);
  }
  lt(other: F32): I32 {
    return this.#compare(0x5d, other);
  }
  gt(other: F32): I32 {
    return this.#compare(0x5e, other);
  }
  le(other: F32): I32 {
    return this.#compare(0x5f, other);
  }
  ge(other: F32): I32 {
    return this.#compare(0x60, other);
  }
  abs(): F32 {
    return new F32([...this.code, 0x8b]);
  }
  neg(): F32 {
    return new F32([...this.code, 0x8c]);
  }
  ceil(): F32 {
    return new F32([...this.code, 0x8d]);
  }
  floor(): F32 {
    return new F32([...this.code, 0x8e]);
  }
  trunc(): F32 {
    return new F32([...this.code, 0x8f]);
  }
  nearest(): F32 {
    return new F32([...this.code, 0x90]);
  }
  sqrt(): F32 {
    return new F32([...this.code, 0x91]);
  }
  add(other: F32): F32 {
    return this.#with(0x92, other);
  }
  sub(other: F32): F32 {
    return this.#with(0x93, other);
  }
  mul(other: F32): F32 {
    return this.#with(0x94, other);
  }
  div(other: F32): F32 {
    return this.#with(0x95, other);
  }
  reinterpretI32(): I32 {
    return new I32([...this.code, 0xbc]);
  }
  promote(): F64 {
    return new F64([...this.code, 0xbb]);
  }
  /** Truncated to a signed 64-bit integer, saturating; NaN gives 0. */
  truncSatI64S(): I64 {
    return new I64([...this.code, 0xfc, 4]);
  }
}

export class F64 extends Value {
  static readonly type = ValueType.f64;
  readonly type = ValueType.f64;

  static const(value: number): F64 {
    return new F64([0x44, ...new Uint8Array(new Float64Array([value]).buffer)]);
  }
  static load(address: I32, offset = 0): F64 {
    return new F64(access([0x2b], address, offset));
  }
  #with(opcode: number, other: F64): F64 {
    return new F64([...this.code, ...other.code, opcode]);
  }
  #compare(opcode: number, other: F64): I32 {
    return new I32([...this.code, ...other.code, opcode]);
  }
  eq(other: F64): I32 {
    return this.#compare(0x61, other);
  }
  ne(other: F64): I32 {
    return this.#compare(0x62, other);
  }
  lt(other: F64): I32 {
    return this.#compare(0x63, other);
  }
  gt(other: F64): I32 {
    return this.#compare(0x64, other);
  }
  le(other: F64): I32 {
    return this.#compare(0x65, other);
  }
  ge(other: F64): I32 {
    return this.#compare(0x66, other);
  }
  abs(): F64 {
    return new F64([...this.code, 0x99]);
  }
  neg(): F64 {
    return new F64([...this.code, 0x9a]);
  }
  ceil(): F64 {
    return new F64([...this.code, 0x9b]);
  }
  floor(): F64 {
    return new F64([...this.code, 0x9c]);
  }
  trunc(): F64 {
    return new F64([...this.code, 0x9d]);
  }
  nearest(): F64 {
    return new F64([...this.code, 0x9e]);
  }
  sqrt(): F64 {
    return new F64([...this.code, 0x9f]);
  }
  add(other: F64): F64 {
    return this.#with(0xa0, other);
  }
  sub(other: F64): F64 {
    return this.#with(0xa1, other);
  }
  mul(other: F64): F64 {
    return this.#with(0xa2, other);
  }
  div(other: F64): F64 {
    return this.#with(0xa3, other);
  }
  reinterpretI64(): I64 {
    return new I64([...this.code, 0xbd]);
  }
  demote(): F32 {
    return new F32([...this.code, 0xb6]);
  }
  /** Truncated to a signed 64-bit integer, saturating; NaN gives 0. */
  truncSatI64S(): I64 {
    return new I64([...this.code, 0xfc, 6]);
  }
}
