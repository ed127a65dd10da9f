/**
 * Typed WebAssembly expressions. A value is the code that computes it, so building one costs nothing at run
 * time and using it twice computes it twice: bind it with `FunctionBuilder.let` first. Loads are evaluated
 * where the value is used, so bind those too when a store may come between.
 * Method names are the specification's (Core Specification 2.0, §5.4), in camel case.
 */
import { signed, unsigned, ValueType } from './types.js';

export type Code = readonly number[];

export abstract class Value {
  abstract readonly type: ValueType;
  constructor(readonly code: Code) {}
}

/** Makes the typed value of code; `I32`, `I64` … are such constructors. */
export interface ValueClass<T extends Value> {
  new (code: Code): T;
  readonly type: ValueType;
}

/** Code of a load. */
export function access(opcode: readonly number[], address: I32, offset: number): number[] {
  return [...address.code, ...opcode, 0, ...unsigned(offset)];
}

export class I32 extends Value {
  static readonly type = ValueType.i32;
  readonly type = ValueType.i32;

  static const(value: number): I32 {
    return new I32([0x41, ...signed(value | 0)]);
  }
  static load(address: I32, offset = 0): I32 {
    return new I32(access([0x28], address, offset));
  }
  static load8S(address: I32, offset = 0): I32 {
    return new I32(access([0x2c], address, offset));
  }
  static load8U(address: I32, offset = 0): I32 {
    return new I32(access([0x2d], address, offset));
  }
  static load16S(address: I32, offset = 0): I32 {
    return new I32(access([0x2e], address, offset));
  }
  static load16U(address: I32, offset = 0): I32 {
    return new I32(access([0x2f], address, offset));
  }

  #with(opcode: number, other: I32 | number): I32 {
    return new I32([...this.code, ...i32(other).code, opcode]);
  }
  eqz(): I32 {
    return new I32([...this.code, 0x45]);
  }
  eq(other: I32 | number): I32 {
    return this.#with(0x46, other);
  }
  ne(other: I32 | number): I32 {
    return this.#with(0x47, other);
  }
  ltS(other: I32 | number): I32 {
    return this.#with(0x48, other);
  }
  ltU(other: I32 | number): I32 {
    return this.#with(0x49, other);
  }
  gtS(other: I32 | number): I32 {
    return this.#with(0x4a, other);
  }
  gtU(other: I32 | number): I32 {
    return this.#with(0x4b, other);
  }
  leS(other: I32 | number): I32 {
    return this.#with(0x4c, other);
  }
  leU(other: I32 | number): I32 {
    return this.#with(0x4d, other);
  }
  geS(other: I32 | number): I32 {
    return this.#with(0x4e, other);
  }
  geU(other: I32 | number): I32 {
    return this.#with(0x4f, other);
  }
  clz(): I32 {
    return new I32([...this.code, 0x67]);
  }
  ctz(): I32 {
    return new I32([...this.code, 0x68]);
  }
  popcnt(): I32 {
    return new I32([...this.code, 0x69]);
  }
  add(other: I32 | number): I32 {
    return this.#with(0x6a, other);
  }
  sub(other: I32 | number): I32 {
    return this.#with(0x6b, other);
  }
  mul(other: I32 | number): I32 {
    return this.#with(0x6c, other);
  }
  and(other: I32 | number): I32 {
    return this.#with(0x71, other);
  }
  or(other: I32 | number): I32 {
    return this.#with(0x72, other);
  }
  xor(other: I32 | number): I32 {
    return this.#with(0x73, other);
  }
  shl(other: I32 | number): I32 {
    return this.#with(0x74, other);
  }
  shrS(other: I32 | number): I32 {
    return this.#with(0x75, other);
  }
  shrU(other: I32 | number): I32 {
    return this.#with(0x76, other);
  }
  /** Sign-extended to 64 bits. */
  extendS(): I64 {
    return new I64([...this.code, 0xac]);
  }
  /** Zero-extended to 64 bits. */
  extendU(): I64 {
    return new I64([...this.code, 0xad]);
  }
  toF64S(): F64 {
    return new F64([...this.code, 0xb7]);
  }
  toF32S(): F32 {
    return new F32([...this.code, 0xb2]);
  }
  /** Sign-extended from 8 bits. */
  extend8S(): I32 {
    return new I32([...this.code, 0xc0]);
  }
  reinterpretF32(): F32 {
    return new F32([...this.code, 0xbe]);
  }
}

export class I64 extends Value {
  static readonly type = ValueType.i64;
  readonly type = ValueType.i64;

  static const(value: bigint | number): I64 {
    return new I64([0x42, ...signed(BigInt.asIntN(64, BigInt(value)))]);
  }
  static load(address: I32, offset = 0): I64 {
    return new I64(access([0x29], address, offset));
  }
  static load8U(address: I32, offset = 0): I64 {
    return new I64(access([0x31], address, offset));
  }
  static load16U(address: I32, offset = 0): I64 {
    return new I64(access([0x33], address, offset));
  }
  static load32S(address: I32, offset = 0): I64 {
    return new I64(access([0x34], address, offset));
  }
  static load32U(address: I32, offset = 0): I64 {
    return new I64(access([0x35], address, offset));
  }

  #with(opcode: number, other: I64 | bigint | number): I64 {
    return new I64([...this.code, ...i64(other).code, opcode]);
  }
  #compare(opcode: number, other: I64 | bigint | number): I32 {
    return new I32([...this.code, ...i64(other).code, opcode]);
  }
  eqz(): I32 {
    return new I32([...this.code, 0x50]);
  }
  eq(other: I64 | bigint | number): I32 {
    return this.#compare(0x51, other);
  }
  ne(other: I64 | bigint | number): I32 {
    return this.#compare(0x52, other);
  }
  ltS(other: I64 | bigint | number): I32 {
    return this.#compare(0x53, other);
  }
  ltU(other: I64 | bigint | number): I32 {
    return this.#compare(0x54, other);
  }
  gtS(other: I64 | bigint | number): I32 {
    return this.#compare(0x55, other);
  }
  gtU(other: I64 | bigint | number): I32 {
    return this.#compare(0x56, other);
  }
  leS(other: I64 | bigint | number): I32 {
    return this.#compare(0x57, other);
  }
  leU(other: I64 | bigint | number): I32 {
    return this.#compare(0x58, other);
  }
  geS(other: I64 | bigint | number): I32 {
    return this.#compare(0x59, other);
  }
  geU(other: I64 | bigint | number): I32 {
    return this.#compare(0x5a, other);
  }
  clz(): I64 {
    return new I64([...this.code, 0x79]);
  }
  ctz(): I64 {
    return new I64([...this.code, 0x7a]);
  }
  popcnt(): I64 {
    return new I64([...this.code, 0x7b]);
  }
  add(other: I64 | bigint | number): I64 {
    return this.#with(0x7c, other);
  }
  sub(other: I64 | bigint | number): I64 {
    return this.#with(0x7d, other);
  }
  mul(other: I64 | bigint | number): I64 {
    return this.#with(0x7e, other);
  }
  divS(other: I64 | bigint | number): I64 {
    return this.#with(0x7f, other);
  }
  divU(other: I64 | bigint | number): I64 {
    return this.#with(0x80, other);
  }
  remS(other: I64 | bigint | number): I64 {
    return this.#with(0x81, other);
  }
  remU(other: I64 | bigint | number): I64 {
    return this.#with(0x82, other);
  }
  and(other: I64 | bigint | number): I64 {
    return this.#with(0x83, other);
  }
  or(other: I64 | bigint | number): I64 {
    return this.#with(0x84, other);
  }
  xor(other: I64 | bigint | number): I64 {
    return this.#with(0x85, other);
  }
  shl(other: I64 | bigint | number): I64 {
    return this.#with(0x86, other);
  }
  shrS(other: I64 | bigint | number): I64 {
    return this.#with(0x87, other);
  }
  shrU(other: I64 | bigint | number): I64 {
    return this.#with(0x88, other);
  }
  rotl(other: I64 | bigint | number): I64 {
    return this.#with(0x89, other);
  }
  rotr(other: I64 | bigint | number): I64 {
    return this.#with(0x8a, other);
  }
  not(): I64 {
    return this.xor(-1n);
  }
  /** Low 32 bits. */
  wrap(): I32 {
    return new I32([...this.code, 0xa7]);
  }
  extend8S(): I64 {
    return new I64([...this.code, 0xc2]);
  }
  extend16S(): I64 {
    return new I64([...this.code, 0xc3]);
  }
  extend32S(): I64 {
    return new I64([...this.code, 0xc4]);
  }
  toF64S(): F64 {
    return new F64([...this.code, 0xb9]);
  }
  toF32S(): F32 {
    return new F32([...this.code, 0xb4]);
  }
  reinterpretF64(): F64 {
    return new F64([...this.code, 0xbf]);
  }
}

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

export function i32(value: I32 | number): I32 {
  return typeof value === 'number' ? I32.const(value) : value;
}

export function i64(value: I64 | bigint | number): I64 {
  return value instanceof I64 ? value : I64.const(value);
}

/** `condition ? whenTrue : whenFalse`, both computed. */
export function select<T extends Value>(condition: I32, whenTrue: T, whenFalse: T): T {
  const make = whenTrue.constructor as ValueClass<T>;
  return new make([...whenTrue.code, ...whenFalse.code, ...condition.code, 0x1b]);
}
